"""The certificate of a run: at its end, and again when a laboratory's value comes later.

A run keeps its rules, its terms and its facts in the journal, so that it can be judged again from its record alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from controller.events import Event
from controller.executor.judgement import COVERAGE
from controller.executor.run import Run
from controller.executor.states import RunState
from recipes.facts import Evidence, Fact, FactBook
from recipes.rules.certificate import certify
from recipes.rules.engine import Judgement, Terms
from recipes.rules.kept import fact_of, kept_fact, rule_data, rule_of
from recipes.rules.rule import COMPARISONS, Relation, Rule
from recipes.rules.words import fact_words, quantity_words, subject_words


@dataclass(frozen=True, slots=True)
class Judged:
    """Everything that a certificate is made from. made: the laminate was made, so what was declared says something."""

    rules: tuple[Rule, ...]
    terms: Terms
    packs: Sequence[Mapping[str, str]]
    purpose: str
    facts: tuple[Fact, ...]
    made: bool


class NotReleasable(Exception):
    """A run cannot be judged again; the message says why. A retry makes sense only for one that has not ended yet."""


def judged(run: Run) -> Judged:
    """What a run knows now."""
    return Judged(
        rules=run.rules.rules,
        terms=run.terms,
        packs=packs_data(run),
        purpose=run.plan.recipe.purpose.value,
        facts=tuple(run.facts),
        made=run.state is RunState.COMPLETE,
    )


def packs_data(run: Run) -> list[dict[str, str]]:
    """Which rule packs judge a run, exactly."""
    return [{"name": pack.name, "document": pack.document, "sha256": pack.sha256} for pack in run.rules.packs]


def rules_data(run: Run) -> dict[str, Any]:
    """The rules and terms of a run, for its record."""
    how = run.terms
    terms = asdict(how) | {"names": dict(how.names), "accepted": sorted(how.accepted), "subjects": dict(how.subjects)}
    return {"rules": [rule_data(rule) for rule in run.rules.rules], "terms": terms, "packs": packs_data(run)}


def facts_data(run: Run) -> dict[str, Any]:
    """All facts of a run, for its record."""
    return {"facts": [kept_fact(fact) for fact in run.facts]}


def recorded(events: Iterable[Event]) -> Judged:
    """What an ended run knew, with what the laboratory has entered since. Raises NotReleasable."""
    created: Mapping[str, Any] = {}
    rules: Mapping[str, Any] | None = None
    facts: list[Fact] | None = None
    state = None
    for event in events:
        match event.kind:
            case "run.created":
                created = event.data
            case "run.rules":
                rules = event.data
            case "run.facts":
                facts = [fact_of(data) for data in event.data["facts"]]
            case "lab.entered":
                facts = [*(facts or []), fact_of(event.data["fact"])]
            case "run.closed":
                state = event.data["state"]
            case "run.resumed":
                state = None
            case _:
                pass
    if state is None:
        raise NotReleasable("the run has not ended")
    if rules is None or facts is None:
        raise NotReleasable("the record holds no rules and facts: it was made by an older program")
    how = rules["terms"]
    terms = Terms(how["names"], how["confidence"], frozenset(how["accepted"]), how["subjects"])
    return Judged(
        tuple(rule_of(rule) for rule in rules["rules"]),
        terms,
        rules["packs"],
        created["purpose"],
        tuple(facts),
        state == RunState.COMPLETE,
    )


def certificate_data(known: Judged) -> dict[str, Any]:
    """Every rule, judged at release on these facts.

    What a recipe declares says something of a laminate only when the laminate was made.
    """
    book = FactBook()
    intentions = (Evidence.DECLARED, Evidence.COMMANDED)
    book.add(fact for fact in known.facts if known.made or fact.evidence not in intentions)
    certificate = certify(known.rules, book, known.terms)
    return {
        "purpose": known.purpose,
        "decision_rule": decision_words(known.terms.confidence),
        "packs": list(known.packs),
        "pass": certificate.pass_,
        "fail": certificate.fail,
        "undetermined": certificate.undetermined,
        "rules": [_rule(judgement, known.terms) for judgement in certificate.judgements],
        "not_applicable": [_left_out(rule, known.terms) for rule in certificate.not_applicable],
    }


def decision_words(confidence: float | None) -> str:
    """The decision rule as the certificate shows it."""
    if confidence is None:
        return "simple acceptance: the value decides, its uncertainty is told beside it"
    return (
        f"guarded acceptance at {100 * confidence:g} % (JCGM 106): what was found passes only if it lies inside its"
        " bound with at least this probability, one-sided, for a normal distribution"
    )


def _rule(judgement: Judgement, how: Terms) -> dict[str, Any]:
    rule = judgement.rule
    return {
        "id": rule.id,
        "verdict": judgement.verdict.value,
        "severity": rule.severity.value,
        "subject": rule.subject,
        "quantity": rule.quantity,
        "what": _what(rule, how),
        "words": judgement.words,
        "value": judgement.value,
        "uncertainty": None if judgement.uncertainty is None else COVERAGE * judgement.uncertainty,
        "claimed": _claimed(rule, how),
        "bound": judgement.bound,
        "unit": rule.unit,
        "source": rule.source,
        "evidence": None if judgement.evidence is None else judgement.evidence.value,
        "accepted": judgement.is_accepted,
        "note": rule.note,
        "facts": [fact_data(fact) for fact in judgement.facts],
    }


def _what(rule: Rule, how: Terms) -> str:
    """What a rule speaks of; a quantity that is a verb makes another sentence."""
    subject = subject_words(rule.subject, how.names, how.subjects)
    verbs = {"contains": f"what {subject} contains", "formed_from": f"what {subject} is formed from"}
    return verbs.get(rule.quantity, f"{quantity_words(rule.quantity)} of {subject}")


def _claimed(rule: Rule, how: Terms) -> str:
    """What a rule asks, complete with the relation to another fact."""
    if rule.relation not in COMPARISONS and rule.relation is not Relation.RATIO:
        return rule.bound_words
    other = f"{quantity_words(rule.other[1])} of {subject_words(rule.other[0], how.names, how.subjects)}"
    if rule.relation is Relation.RATIO:
        return f"{rule.bound_words} times the {other}"
    words = "at most" if rule.relation is Relation.LESS_OR_EQUAL else rule.relation.replace("_", " ")
    return f"{words} {other}"


def _left_out(rule: Rule, how: Terms) -> dict[str, Any]:
    subject, quantity, wanted = rule.condition or ("", "", None)
    asked = fact_words(subject, quantity, how.subjects)
    words = f"asked only where the {asked} is {wanted}" if wanted is not None else f"asked only where there is {asked}"
    return {"id": rule.id, "words": words, "severity": rule.severity.value, "source": rule.source}


def fact_data(fact: Fact) -> dict[str, Any]:
    """A fact in the record's form; its uncertainty is the expanded one."""
    return {
        "subject": fact.subject,
        "quantity": fact.quantity,
        "value": list(fact.value) if isinstance(fact.value, tuple) else fact.value,
        "unit": fact.unit,
        "uncertainty": None if fact.uncertainty is None else COVERAGE * fact.uncertainty,
        "low": fact.low,
        "high": fact.high,
        "evidence": fact.evidence.value,
        "source": fact.source,
        "by_law_alone": fact.by_law_alone,
    }
