"""A fact is a value with its uncertainty and its provenance; rules are judged on facts and on nothing else."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum


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
    measurement has corrected it since: it predicts, and it proves nothing.
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

    def of(self, subject: str, quantity: str) -> tuple[Fact, ...]:
        """Everything that is known of one quantity, weakest evidence first."""
        known = self._facts.get((subject, quantity), {})
        return tuple(known[evidence] for evidence in Evidence if evidence in known)

    def __iter__(self) -> Iterator[Fact]:
        for by_evidence in self._facts.values():
            yield from by_evidence.values()
