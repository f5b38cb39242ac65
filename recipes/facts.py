"""A fact is a value with its uncertainty and its provenance; rules are judged on facts and on nothing else."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import StrEnum

from recipes.units import converted


class Evidence(StrEnum):
    """What a fact rests on, weakest first."""

    DECLARED = "declared"
    COMMANDED = "commanded"
    ESTIMATED = "estimated"
    MEASURED = "measured"
    LAB = "lab"


@dataclass(frozen=True, slots=True)
class Fact:
    """One known value.

    subject and quantity are the rule pack's (for example "densify", "pressure"); value is a number in `unit`, or a
    text, or an ordered list of texts. uncertainty is one standard uncertainty in `unit` (None for texts). low and high
    are the extremes that were seen where the value is a mean. source says in words where the value comes from. window
    is the recipe's own operating window around the value, in `unit`. by_law_alone says of an estimate that no
    measurement has corrected it since: it predicts, and it proves nothing. doubt says in words why the value's quality
    is uncertain (an overdue calibration); "" where it is not. What rests on a doubtful fact passes no rule.
    """

    subject: str
    quantity: str
    value: float | str | tuple[str, ...]
    unit: str
    evidence: Evidence
    source: str
    uncertainty: float | None = None
    low: float | None = None
    high: float | None = None
    window: tuple[float, float] | None = None
    by_law_alone: bool = False
    doubt: str = ""


_UNITLESS = frozenset({"", "-", "ratio"})


def in_unit(fact: Fact, unit: str, asker: str) -> Fact:
    """A fact with its numbers in another unit, the asker's. Raises ValueError where that is of another dimension."""
    if isinstance(fact.value, str | tuple) or fact.unit == unit or unit == "ratio":
        return fact
    if {fact.unit, unit} <= _UNITLESS:
        return replace(fact, unit=unit)

    def other(value: float) -> float:
        result = converted(value, fact.unit, unit)
        if result is None:
            told = f"{fact.quantity} of {fact.subject} is in {fact.unit or 'no unit'}"
            raise ValueError(f"{asker} is in {unit or 'no unit'}, but {told}")
        return result

    zero = other(0.0)  # a difference has no offset
    return replace(
        fact,
        value=other(fact.value),
        unit=unit,
        uncertainty=None if fact.uncertainty is None else other(fact.uncertainty) - zero,
        low=None if fact.low is None else other(fact.low),
        high=None if fact.high is None else other(fact.high),
        window=None if fact.window is None else (other(fact.window[0]), other(fact.window[1])),
    )


def doubted(facts: Iterable[Fact], doubt: str) -> tuple[Fact, ...]:
    """The same facts, those that rest on a measurement with a doubt about its quality; as they are if there is none."""
    found = (Evidence.MEASURED, Evidence.ESTIMATED)
    return tuple(replace(fact, doubt=doubt) if doubt and fact.evidence in found else fact for fact in facts)


@dataclass(slots=True)
class FactBook:
    """Facts by (subject, quantity). Of one kind of evidence the newest counts; stronger evidence is preferred."""

    _facts: dict[tuple[str, str], dict[Evidence, Fact]] = field(default_factory=dict)

    def add(self, facts: Iterable[Fact]) -> None:
        for fact in facts:
            self._facts.setdefault((fact.subject, fact.quantity), {})[fact.evidence] = fact

    def best(self, subject: str, quantity: str, admitted: Collection[Evidence]) -> Fact | None:
        """The strongest admitted fact (lab, measured, estimated, commanded, declared), or None."""
        known = self._facts.get((subject, quantity), {})
        for evidence in reversed(Evidence):
            if evidence in admitted and evidence in known:
                return known[evidence]
        return None

    def forget(self, is_lost: Callable[[Fact], bool]) -> None:
        """Takes facts back that turned out to be none."""
        for by_evidence in self._facts.values():
            for evidence in [evidence for evidence, fact in by_evidence.items() if is_lost(fact)]:
                del by_evidence[evidence]

    def of(self, subject: str, quantity: str) -> tuple[Fact, ...]:
        """Everything that is known of one quantity, weakest evidence first."""
        known = self._facts.get((subject, quantity), {})
        return tuple(known[evidence] for evidence in Evidence if evidence in known)

    def __iter__(self) -> Iterator[Fact]:
        for by_evidence in self._facts.values():
            yield from by_evidence.values()
