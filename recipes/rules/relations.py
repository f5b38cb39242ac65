"""The relations of the rules: each takes a rule and the facts that it asks for, and says what came of it."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from enum import StrEnum
from statistics import NormalDist

from recipes.facts import Evidence, Fact, in_unit
from recipes.rules.rule import Relation, Rule, Stage
from recipes.rules.words import number_words, quantity_words, subject_words, value_words


class Verdict(StrEnum):
    """What a judgement says. Undetermined never counts as pass."""

    PASS = "pass"  # noqa: S105 - a verdict, no secret
    FAIL = "fail"
    UNDETERMINED = "undetermined"


@dataclass(frozen=True, slots=True)
class Case:
    """One rule to be judged: `find` gives the best admitted fact (or None), `names` what people call the steps.

    confidence is that of guarded acceptance, None for simple acceptance. subjects is what packs call their subjects.
    """

    rule: Rule
    stage: Stage
    find: Callable[[str, str], Fact | None]
    names: Mapping[str, str]
    confidence: float | None = None
    subjects: Mapping[str, str] = field(default_factory=dict)

    def subject(self, subject: str | None = None) -> str:
        return subject_words(subject or self.rule.subject, self.names, self.subjects)

    @property
    def quantity(self) -> str:
        return quantity_words(self.rule.quantity)


@dataclass(frozen=True, slots=True)
class Outcome:
    """A verdict with the value that was judged, what it was judged against, the facts used and the reason in words."""

    verdict: Verdict
    words: str
    value: float | str | None = None
    uncertainty: float | None = None
    bound: float | str = ""
    facts: tuple[Fact, ...] = ()


def missing(case: Case, *wanted: tuple[str, str]) -> Outcome:
    """Undetermined, because facts are not known."""
    lacking = [
        f"{quantity_words(quantity)} {'in' if '.' in quantity else 'of'} {case.subject(subject)}"
        for subject, quantity in wanted
        if case.find(subject, quantity) is None
    ]
    return Outcome(Verdict.UNDETERMINED, f"not known: {', '.join(lacking)}", bound=case.rule.bound_words)


def number(fact: Fact) -> float:
    """The value of a fact that must be a number. Raises TypeError for a text."""
    if isinstance(fact.value, str | tuple):
        raise TypeError(f"{fact.quantity} of {fact.subject} is {fact.value!r}, a rule needs a number")
    return float(fact.value)


def texts(fact: Fact) -> tuple[str, ...]:
    """The value of a fact as texts. Raises TypeError for a number."""
    if isinstance(fact.value, float | int):
        raise TypeError(f"{fact.quantity} of {fact.subject} is {fact.value!r}, a rule needs a text")
    return (fact.value,) if isinstance(fact.value, str) else fact.value


def _verdict(holds: bool) -> Verdict:
    return Verdict.PASS if holds else Verdict.FAIL


def _at_resolution(value: float, fact: Fact, rule: Rule) -> float:
    """A value at the precision that the source prints; half to even, as ISO 80000-1 recommends.

    A setpoint is compared as it is: it can be chosen exactly.
    """
    if rule.resolution is None or fact.evidence is Evidence.COMMANDED:
        return value
    step = Decimal(repr(rule.resolution))
    return float((Decimal(repr(value)) / step).to_integral_value(ROUND_HALF_EVEN) * step)


def _bound_broken(rule: Rule, value: float) -> tuple[str, float] | None:
    """How a value lies outside the rule's bounds, and which bound that is; None inside."""
    if rule.lower is not None and (value < rule.lower or (value == rule.lower and not rule.lower_inclusive)):
        return "below" if rule.lower_inclusive else "not above", rule.lower
    if rule.upper is not None and (value > rule.upper or (value == rule.upper and not rule.upper_inclusive)):
        return "above" if rule.upper_inclusive else "not below", rule.upper
    return None


_FOUND = frozenset({Evidence.ESTIMATED, Evidence.MEASURED, Evidence.LAB})


def _guarded(
    case: Case, outcome: Outcome, facts: Sequence[Fact], uncertainty: float | None, room: float, unit: str
) -> Outcome:
    """A pass that guarded acceptance does not take is undetermined; what nobody has found needs no guard.

    uncertainty is that of room, the distance to the nearest bound; None where it is not known.
    """
    is_found = any(fact.evidence in _FOUND for fact in facts)
    if outcome.verdict is not Verdict.PASS or case.confidence is None or case.stage is Stage.DESIGN or not is_found:
        return outcome
    if uncertainty is None:
        why = "but its uncertainty is not known, and acceptance is guarded"
    else:
        guard = NormalDist().inv_cdf(case.confidence) * uncertainty
        if room >= guard:
            return outcome
        by = f"by {value_words(room, unit)}" if room >= 0 else "by rounding"
        share = f"{100 * case.confidence:g} %"
        why = f"but only {by}; guarded acceptance at {share} asks for {value_words(guard, unit)}"
    return replace(outcome, verdict=Verdict.UNDETERMINED, words=f"{outcome.words}, {why}")


def _room(rule: Rule, *values: float) -> float:
    """How far inside the nearest bound the nearest value lies; below 0 outside."""
    sides = [value - rule.lower for value in values if rule.lower is not None]
    sides += [rule.upper - value for value in values if rule.upper is not None]
    return min(sides)


def _printed(value: float, judged: float, unit: str, bound: float | None = None) -> str:
    """A value in words, with what it was rounded to before it was judged."""
    words, shown = value_words(value, unit, bound), value_words(judged, unit, bound)
    return words if words == shown else f"{words} (judged as {shown})"


def judge_range(case: Case) -> Outcome:
    """The value, and the extremes of a dwell where they are known, lie within the bounds."""
    rule = case.rule
    fact = case.find(rule.subject, rule.quantity)
    if fact is None:
        return missing(case, (rule.subject, rule.quantity))
    name = case.quantity
    for which, value in (("", number(fact)), ("lowest ", fact.low), ("highest ", fact.high)):
        if value is None:
            continue
        judged = _at_resolution(value, fact, rule)
        broken = _bound_broken(rule, judged)
        if broken is not None:
            shown = _printed(value, judged, rule.unit, broken[1])
            words = f"{case.subject()}: {which}{name} {shown} is {broken[0]} {value_words(broken[1], rule.unit)}"
            return Outcome(Verdict.FAIL, words, value, fact.uncertainty, rule.bound_words, (fact,))
    value = number(fact)
    shown = _printed(value, _at_resolution(value, fact, rule), rule.unit)
    words = f"{case.subject()}: {name} {shown} is {rule.bound_words}"
    outcome = Outcome(Verdict.PASS, words, value, fact.uncertainty, rule.bound_words, (fact,))
    seen = [item for item in (value, fact.low, fact.high) if item is not None]
    return _guarded(case, outcome, (fact,), fact.uncertainty, _room(rule, *seen), rule.unit)


def judge_ratio(case: Case) -> Outcome:
    """The subject's value divided by the other's lies within the bounds. Uncertainties are taken as independent."""
    rule = case.rule
    fact, other = case.find(rule.subject, rule.quantity), case.find(*rule.other)
    if fact is None or other is None:
        return missing(case, (rule.subject, rule.quantity), rule.other)
    value = number(fact)
    try:
        base = number(in_unit(other, fact.unit, case.subject()))
    except ValueError as error:
        return Outcome(Verdict.UNDETERMINED, f"no ratio: {error}", bound=rule.bound_words, facts=(fact, other))
    if base == 0.0:
        words = f"{case.subject(rule.other[0])}: {quantity_words(rule.other[1])} is 0, so there is no ratio"
        return Outcome(Verdict.UNDETERMINED, words, bound=rule.bound_words, facts=(fact, other))
    ratio = value / base
    uncertainty = None
    if fact.uncertainty is not None and other.uncertainty is not None:
        other_u = in_unit(other, fact.unit, case.subject()).uncertainty or 0.0
        uncertainty = math.hypot(fact.uncertainty / base, ratio * other_u / base)
    broken = _bound_broken(rule, ratio)
    shown = number_words(ratio, broken[1] if broken is not None else None)
    limits = f"{broken[0]} {number_words(broken[1])}" if broken is not None else rule.bound_words
    name = case.quantity
    words = f"{case.subject()}: {name} {shown} times that of {case.subject(rule.other[0])} is {limits}"
    outcome = Outcome(_verdict(broken is None), words, ratio, uncertainty, rule.bound_words, (fact, other))
    return _guarded(case, outcome, (fact, other), uncertainty, _room(rule, ratio), "")


_HOLDS: Mapping[Relation, tuple[Callable[[float, float], bool], str]] = {
    Relation.GREATER_THAN: (lambda a, b: a > b, "greater than"),
    Relation.LESS_THAN: (lambda a, b: a < b, "less than"),
    Relation.LESS_OR_EQUAL: (lambda a, b: a <= b, "at most"),
}


def judge_comparison(case: Case) -> Outcome:
    """The subject's value is greater or less than another fact's; the uncertainty is that of their difference."""
    rule = case.rule
    fact, other = case.find(rule.subject, rule.quantity), case.find(*rule.other)
    if fact is None or other is None:
        return missing(case, (rule.subject, rule.quantity), rule.other)
    value, base = number(fact), number(other)
    compare, relation = _HOLDS[rule.relation]
    holds = compare(value, base)
    words = (
        f"{case.subject()}: {case.quantity} {value_words(value, rule.unit, base)} is"
        f" {'' if holds else 'not '}{relation} {case.subject(rule.other[0])}'s {value_words(base, rule.unit)}"
    )
    known = [item.uncertainty for item in (fact, other) if item.uncertainty is not None]
    uncertainty = math.hypot(*known) if known else None
    outcome = Outcome(_verdict(holds), words, value, uncertainty, base, (fact, other))
    found = [item for item in (fact, other) if item.evidence in _FOUND]
    guarding = None if any(item.uncertainty is None for item in found) else uncertainty
    return _guarded(case, outcome, (fact, other), guarding, abs(value - base), rule.unit)


def judge_order(case: Case) -> Outcome:
    """The values of several layers rise strictly in the order that is listed."""
    rule = case.rule
    place = rule.subject.rpartition("@")[2]
    wanted = [(f"{item}_layer@{place}", rule.quantity) for item in rule.listed]
    facts = [case.find(*pair) for pair in wanted]
    known = tuple(fact for fact in facts if fact is not None)
    if len(known) < len(facts):
        return missing(case, *wanted)
    values = [number(fact) for fact in known]
    holds = all(first < second for first, second in itertools.pairwise(values))
    shown = " < ".join(f"{item} {number_words(value)}" for item, value in zip(rule.listed, values, strict=True))
    words = f"{case.quantity}: {shown} {rule.unit} {'holds' if holds else 'does not hold'}"
    outcome = Outcome(_verdict(holds), words, shown, None, rule.relative_to, known)
    for lower, higher in itertools.pairwise(known):
        both = (lower.uncertainty, higher.uncertainty)
        gap_u = None if None in both else math.hypot(*(u for u in both if u is not None))
        room = number(higher) - number(lower)
        outcome = _guarded(case, outcome, (lower, higher), gap_u, room, rule.unit)
    return outcome


def judge_equals(case: Case) -> Outcome:
    """A source's example value, or a text."""
    return judge_texts(case) if case.rule.example_value is None else judge_example_value(case, case.rule.example_value)


def judge_example_value(case: Case, wanted: float) -> Outcome:
    """A setpoint is the example's value; what was found lies in the recipe's own window around that value.

    The source states no tolerance, so without a window of the recipe's nothing can be said of what was found.
    """
    rule = case.rule
    fact = case.find(rule.subject, rule.quantity)
    if fact is None:
        return missing(case, (rule.subject, rule.quantity))
    value, name = number(fact), case.quantity
    shown, aim = value_words(value, rule.unit, wanted), value_words(wanted, rule.unit)
    if fact.evidence not in _FOUND:
        holds = math.isclose(value, wanted)
        words = f"{case.subject()}: {name} {shown} is {'the' if holds else f'not the {aim} of the'} source's example"
        return Outcome(_verdict(holds), words, value, fact.uncertainty, aim, (fact,))
    if fact.window is None:
        words = (
            f"{case.subject()}: {name} {shown}; the source states no tolerance around {aim}, and the recipe no window"
        )
        return Outcome(Verdict.UNDETERMINED, words, value, fact.uncertainty, aim, (fact,))
    low, high = fact.window
    bound = f"{number_words(low)} to {value_words(high, rule.unit)} around {aim}"
    seen = [item for item in (value, fact.low, fact.high) if item is not None]
    holds = low <= wanted <= high and all(low <= item <= high for item in seen)
    words = f"{case.subject()}: {name} {shown} is {'' if holds else 'not '}within the recipe's {bound}"
    outcome = Outcome(_verdict(holds), words, value, fact.uncertainty, bound, (fact,))
    room = min(min(item - low, high - item) for item in seen)
    return _guarded(case, outcome, (fact,), fact.uncertainty, room, rule.unit)


def judge_texts(case: Case) -> Outcome:
    """sequence, structure, contains, one_of, not and equals: texts against the texts that are listed."""
    rule = case.rule
    fact = case.find(rule.subject, rule.quantity)
    if fact is None:
        return missing(case, (rule.subject, rule.quantity))
    have, wanted = texts(fact), rule.listed
    separator = " < " if rule.relation is Relation.SEQUENCE else " | "
    shown = separator.join(have) or "nothing"
    if rule.relation is Relation.SEQUENCE and case.stage not in (Stage.DESIGN, Stage.RELEASE):
        wanted_now = wanted[: len(have)]  # what has not been done yet cannot be out of order
        if have == wanted_now and len(have) < len(wanted):
            words = f"{case.quantity}: {shown} so far, {', '.join(wanted[len(have) :])} to come"
            return Outcome(Verdict.UNDETERMINED, words, shown, None, rule.relative_to, (fact,))
    holds = {
        Relation.SEQUENCE: have == wanted,
        Relation.STRUCTURE: have == wanted,
        Relation.CONTAINS: set(wanted) <= set(have),
        Relation.ONE_OF: bool(have) and set(have) <= set(wanted),
        Relation.EQUALS: have == wanted,
        Relation.NOT: not set(have) & set(wanted),
    }[rule.relation]
    words = _text_words(case, shown, wanted, separator, holds=holds)
    return Outcome(_verdict(holds), words, shown, None, rule.relative_to, (fact,))


def _text_words(case: Case, shown: str, wanted: tuple[str, ...], separator: str, *, holds: bool) -> str:
    subject, name = case.subject(), case.quantity
    match case.rule.relation:
        case Relation.CONTAINS:
            listed = " and ".join(wanted)
            return f"{subject} contains {listed}" if holds else f"{subject} has {shown}, but not {listed}"
        case Relation.ONE_OF:
            return f"{subject}: {name} {shown} is {'' if holds else 'not '}one of {', '.join(wanted)}"
        case Relation.NOT:
            return f"{subject}: {name} is {shown}" + (f", not {separator.join(wanted)}" if holds else "")
        case Relation.EQUALS:
            return f"{subject}: {name} is {shown}" + ("" if holds else f", not {separator.join(wanted)}")
        case _:
            return f"{name} is {shown}" + ("" if holds else f", not {separator.join(wanted)}")


RELATIONS: Mapping[Relation, Callable[[Case], Outcome]] = {
    Relation.RANGE: judge_range,
    Relation.RATIO: judge_ratio,
    Relation.ORDER: judge_order,
    **dict.fromkeys(_HOLDS, judge_comparison),
    **dict.fromkeys(
        (Relation.SEQUENCE, Relation.STRUCTURE, Relation.CONTAINS, Relation.ONE_OF, Relation.NOT), judge_texts
    ),
    Relation.EQUALS: judge_equals,
}
