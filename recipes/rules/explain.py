"""A rule in words: what it asks and of what, who says so, what follows from it, and on what it is judged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recipes.facts import Evidence
from recipes.rules.engine import admitted
from recipes.rules.origins import origin_words
from recipes.rules.pack import Pack
from recipes.rules.rule import Relation, Rule, Stage
from recipes.rules.words import fact_words, quantity_words, subject_words, with_unit

_COMPARED = {
    Relation.GREATER_THAN: "greater than",
    Relation.LESS_THAN: "less than",
    Relation.LESS_OR_EQUAL: "at most",
}
_STAGES = {
    Stage.DESIGN: "at design",
    Stage.BEFORE_STEP: "before the step",
    Stage.DURING_STEP: "during the step",
    Stage.AFTER_STEP: "after the step",
    Stage.RELEASE: "at release",
}
_IN_A_RUN = frozenset({Stage.BEFORE_STEP, Stage.DURING_STEP, Stage.AFTER_STEP})


@dataclass(frozen=True, slots=True)
class Explanation:
    """A rule in words, one text for each question that a person has; note is empty where the pack has none."""

    asks: str
    source: str
    severity: str
    stages: str
    evidence: str
    precision: str
    applies: str
    facts: str
    note: str


def explain(rule: Rule, pack: Pack) -> Explanation:
    """A rule of a pack in words."""
    return Explanation(
        asks=asks_words(rule, pack.subjects),
        source=rule.source,
        severity=f"{rule.severity.replace('_', ' ')}: {_consequence(rule)}",
        stages=_stage_words(rule),
        evidence=evidence_words(rule),
        precision=precision_words(rule),
        applies=applies_words(rule, pack.subjects),
        facts=origin_words(rule),
        note=rule.note,
    )


def asks_words(rule: Rule, subjects: Mapping[str, str]) -> str:
    """What a rule asks, such as "pressure of the third joining is greater than the pressure of the first joining"."""
    own = fact_words(rule.subject, rule.quantity, subjects)
    match rule.relation:
        case Relation.RANGE:
            return f"{own} is {rule.bound_words}"
        case Relation.RATIO:
            return f"{own} is {rule.bound_words} times the {fact_words(*rule.other, subjects)}"
        case Relation.ORDER:
            return f"{own} rises strictly in the order {' < '.join(rule.listed)}"
        case Relation.EQUALS if rule.example_value is not None:
            return f"{own} is {rule.bound_words}, as in the source's example"
        case relation if relation in _COMPARED:
            return f"{own} is {_COMPARED[relation]} the {fact_words(*rule.other, subjects)}"
        case _:
            return _asks_texts(rule, subject_words(rule.subject, {}, subjects))


def _asks_texts(rule: Rule, subject: str) -> str:
    quantity = quantity_words(rule.quantity)
    match rule.relation:
        case Relation.CONTAINS if rule.quantity == "contains":
            return f"{subject} contains {' and '.join(rule.listed)}"
        case Relation.CONTAINS:
            return f"{subject}: {quantity}, perhaps among others: {' and '.join(rule.listed)}"
        case Relation.SEQUENCE:
            return f"{subject}: {quantity} is exactly {', then '.join(rule.listed)}"
        case Relation.STRUCTURE:
            return f"{subject}: {quantity} is exactly {' | '.join(rule.listed)}"
        case Relation.ONE_OF:
            return f"{subject}: {quantity} is one of {', '.join(rule.listed)}; of several, each is"
        case Relation.NOT:
            return f"{subject}: {quantity} is not {' and not '.join(rule.listed)}"
        case _:
            return f"{subject}: {quantity} is {' and '.join(rule.listed)}"


def applies_words(rule: Rule, subjects: Mapping[str, str]) -> str:
    """When a rule applies."""
    if rule.condition is None:
        return "always"
    subject, quantity, text = rule.condition
    holds = "is neither 0 nor empty" if text is None else f"is {text}"
    return f"only if {fact_words(subject, quantity, subjects)} {holds}; undetermined where that is not known"


def precision_words(rule: Rule) -> str:
    """To what the judged value is rounded first."""
    if not rule.numeric:
        return "texts are compared as they are written"
    if rule.example_value is not None:
        return "a setpoint has to be exactly this; what is found has to lie in the recipe's own window around it"
    if rule.resolution is None:
        return "the value is compared as it is"
    words = f"rounded to {with_unit(f'{rule.resolution:g}', rule.unit)}, half to even"
    return f"{words}; a setpoint is compared as it is" if Evidence.COMMANDED in rule.evidence else words


def evidence_words(rule: Rule) -> str:
    """What counts, strongest first, and at which of the rule's stages not all of it does."""
    counts = {stage: admitted(rule, stage) for stage in Stage if stage in rule.stages}
    parts = [_listed(rule.evidence)]
    parts += [f"{_STAGES[s]} {_listed(c) or 'nothing yet'}" for s, c in counts.items() if c != rule.evidence]
    if Evidence.ESTIMATED in rule.evidence:
        condition = "a measurement corrected it or the recipe accepts it by name"
        parts.append(f"afterwards a law's estimate only where {condition}")
    return "; ".join(parts)


def _listed(evidence: frozenset[Evidence]) -> str:
    return ", ".join(kind for kind in reversed(Evidence) if kind in evidence)


def _stage_words(rule: Rule) -> str:
    words = [_STAGES[stage] for stage in Stage if stage in rule.stages]
    return ", ".join(words if Stage.RELEASE in rule.stages else [*words, "and at release for the certificate"])


def _consequence(rule: Rule) -> str:
    if rule.severity.grade:
        return "says that a value is in this class of the test; neither refuses nor advises"
    if not rule.severity.binding:
        return "advice; what breaks it is told, nothing is refused or held"
    is_designed = Stage.DESIGN in rule.stages and bool(admitted(rule, Stage.DESIGN))
    words = ["refuses a production recipe unless it passes"] if is_designed else []
    words += ["holds a production run that breaks it"] if rule.stages & _IN_A_RUN else []
    return "; ".join([*words, "without a pass no certificate is accepted"])
