"""Judging one rule on the facts that its stage admits, on the recipe's terms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import isfinite

from recipes.facts import Evidence, Fact, FactBook, in_unit
from recipes.rules.relations import RELATIONS, Case, Outcome, Verdict
from recipes.rules.rule import Rule, Severity, Stage
from recipes.rules.words import fact_words, quantity_words, subject_words, value_words

__all__ = ["Judgement", "Terms", "Verdict", "admitted", "applies", "judge"]

_DESIGN = frozenset({Evidence.DECLARED, Evidence.COMMANDED, Evidence.ESTIMATED})
_INTENTIONS = frozenset({Evidence.DECLARED, Evidence.COMMANDED})
_PREDICTING = frozenset({Stage.DESIGN, Stage.BEFORE_STEP})


@dataclass(frozen=True, slots=True)
class Terms:
    """How a recipe is judged: what people call its steps (by role), and what its author chose.

    confidence is None for simple acceptance, else the probability that guarded acceptance asks for (JCGM 106).
    accepted names the rules for which a law's estimate is accepted although nothing was measured. subjects is what
    the packs call their subjects.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    confidence: float | None = None
    accepted: frozenset[str] = frozenset()
    subjects: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one rule.

    value is what was judged, in `unit` (a text for orders and materials, None if nothing is known); uncertainty is one
    standard uncertainty of it; bound is the other fact's value or the bounds in words. evidence is the weakest of the
    facts used. words say it to a person, for undetermined what is missing. is_accepted says that the verdict rests on a
    law's estimate which the recipe's author has accepted.
    """

    rule: Rule
    verdict: Verdict
    value: float | str | None
    uncertainty: float | None
    bound: float | str
    evidence: Evidence | None
    facts: tuple[Fact, ...]
    words: str
    is_accepted: bool

    @property
    def rule_id(self) -> str:
        return self.rule.id

    @property
    def unit(self) -> str:
        return self.rule.unit

    @property
    def source(self) -> str:
        return self.rule.source

    @property
    def severity(self) -> Severity:
        return self.rule.severity


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


def applies(rule: Rule, book: FactBook) -> bool | None:
    """Whether a rule's condition holds; None where the fact that it asks for is not known."""
    if rule.condition is None:
        return True
    subject, quantity, wanted = rule.condition
    known = book.of(subject, quantity)
    if not known:
        return None
    value = known[-1].value
    if wanted is None:
        return bool(value)
    return wanted in ((value,) if isinstance(value, str) else value if isinstance(value, tuple) else (f"{value:g}",))


def judge(rule: Rule, book: FactBook, stage: Stage, terms: Terms | None = None) -> Judgement:
    """The verdict on a rule that applies, at a stage.

    Raises ValueError when a fact is in a unit that cannot be the rule's, TypeError when it is a text where a number is
    needed; plans check what recipes declare, so both are mistakes in the program.
    """
    chosen = terms or Terms()
    counts = admitted(rule, stage)
    is_accepted = rule.id in chosen.accepted
    only_law: list[Fact] = []

    def find(subject: str, quantity: str) -> Fact | None:
        fact = book.best(subject, quantity, counts)
        if fact is not None and fact.by_law_alone and stage not in _PREDICTING and not is_accepted:
            only_law.append(fact)
            return None
        if fact is None or (isinstance(fact.value, float) and not isfinite(fact.value)):
            return None  # a number that is none is not known
        return in_unit(fact, rule.unit, rule.id)

    if applies(rule, book) is None:
        outcome = _condition_unknown(rule, chosen)
    else:
        outcome = RELATIONS[rule.relation](Case(rule, stage, find, chosen.names, chosen.confidence, chosen.subjects))
    if outcome.verdict is Verdict.UNDETERMINED and only_law:
        outcome = _law_alone(outcome, only_law[0], chosen)
    outcome = _doubtful(outcome)
    weakest = [evidence for evidence in Evidence if any(fact.evidence is evidence for fact in outcome.facts)]
    return Judgement(
        rule=rule,
        verdict=outcome.verdict,
        value=outcome.value,
        uncertainty=outcome.uncertainty,
        bound=outcome.bound,
        evidence=weakest[0] if weakest else None,
        facts=outcome.facts,
        words=outcome.words,
        is_accepted=is_accepted and stage not in _PREDICTING and any(fact.by_law_alone for fact in outcome.facts),
    )


def _condition_unknown(rule: Rule, how: Terms) -> Outcome:
    subject, quantity, _ = rule.condition or ("", "", None)
    words = f"not known whether it applies: {fact_words(subject, quantity, how.subjects)}"
    return Outcome(Verdict.UNDETERMINED, words, bound=rule.bound_words)


def _doubtful(outcome: Outcome) -> Outcome:
    """What passes on evidence of uncertain quality does not pass; what fails on it fails, and the doubt is told."""
    doubts = list(dict.fromkeys(fact.doubt for fact in outcome.facts if fact.doubt))
    if not doubts:
        return outcome
    verdict = Verdict.UNDETERMINED if outcome.verdict is Verdict.PASS else outcome.verdict
    return replace(
        outcome, verdict=verdict, words=f"{outcome.words}, but its quality is uncertain: {'; '.join(doubts)}"
    )


def _law_alone(outcome: Outcome, fact: Fact, how: Terms) -> Outcome:
    value = fact.value if isinstance(fact.value, str | tuple) else value_words(fact.value, fact.unit)
    what = f"{quantity_words(fact.quantity)} of {subject_words(fact.subject, how.names, how.subjects)}"
    needed = "it needs a measurement, or an author who accepts the estimate by name"
    words = f"{what} is only a law's estimate, {value}: {needed}"
    return replace(outcome, words=words, facts=(fact,), uncertainty=fact.uncertainty)
