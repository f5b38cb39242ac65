"""Judging one rule on the facts that its stage admits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from recipes.facts import Evidence, Fact, FactBook
from recipes.rules.relations import RELATIONS, Case, Verdict
from recipes.rules.rule import Rule, Severity, Stage

__all__ = ["Judgement", "Verdict", "admitted", "judge"]

_DESIGN = frozenset({Evidence.DECLARED, Evidence.COMMANDED, Evidence.ESTIMATED})
_INTENTIONS = frozenset({Evidence.DECLARED, Evidence.COMMANDED})


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one rule.

    value is what was judged, in `unit` (a text for orders and materials, None if nothing is known); uncertainty is one
    standard uncertainty of it; bound is the other fact's value or the bounds in words. evidence is the weakest of the
    facts used. words say it to a person, for undetermined what is missing.
    """

    rule_id: str
    verdict: Verdict
    value: float | str | None
    uncertainty: float | None
    bound: float | str
    unit: str
    source: str
    evidence: Evidence | None
    severity: Severity
    facts: tuple[Fact, ...]
    words: str


def admitted(rule: Rule, stage: Stage) -> frozenset[Evidence]:
    """The kinds of evidence that count for a rule at a stage.

    Before anything has been made only what is declared, commanded or estimated can count. Before a step the recipe's
    intentions still stand for what is to come. Afterwards an intention (declared, commanded) is no evidence where the
    rule can be measured: what was planned and never done must not pass.
    """
    if stage is Stage.DESIGN:
        return rule.evidence & _DESIGN
    if stage is not Stage.BEFORE_STEP and Evidence.MEASURED in rule.evidence:
        return rule.evidence - _INTENTIONS
    return rule.evidence


def judge(rule: Rule, book: FactBook, stage: Stage, names: Mapping[str, str] | None = None) -> Judgement:
    """The verdict on a rule at a stage; names gives steps their names in words, by role.

    Simple acceptance: the value itself decides, its uncertainty is told beside it. Raises ValueError when a fact is in
    another unit than the rule, TypeError when it is a text where a number is needed; both are mistakes in the program.
    """
    counts = admitted(rule, stage)

    def find(subject: str, quantity: str) -> Fact | None:
        fact = book.best(subject, quantity, counts)
        if fact is not None and rule.unit not in ("", "ratio") and fact.unit != rule.unit:
            raise ValueError(f"{rule.id} is in {rule.unit}, but {quantity} of {subject} is in {fact.unit}")
        return fact

    outcome = RELATIONS[rule.relation](Case(rule, stage, find, names or {}))
    weakest = [evidence for evidence in Evidence if any(fact.evidence is evidence for fact in outcome.facts)]
    return Judgement(
        rule_id=rule.id,
        verdict=outcome.verdict,
        value=outcome.value,
        uncertainty=outcome.uncertainty,
        bound=outcome.bound,
        unit=rule.unit,
        source=rule.source,
        evidence=weakest[0] if weakest else None,
        severity=rule.severity,
        facts=outcome.facts,
        words=outcome.words,
    )
