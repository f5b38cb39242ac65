"""What a recipe lets go of its rules, told in words to who signs it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recipes.load import load_recipe
from recipes.loosening import loosened
from recipes.model import AcceptedEstimates, DecisionRule, LeftOut, Purpose, Recipe
from recipes.rules.rule import Relation, Rule, Severity
from recipes.rules.rulebook import Rulebook, rulebook

LIBRARY = Path(__file__).parents[2] / "recipes" / "library"


@pytest.fixture(scope="module")
def recipe() -> Recipe:
    return load_recipe(LIBRARY / "honda-example-1.yaml")


@pytest.fixture(scope="module")
def rules(recipe: Recipe) -> Rulebook:
    return rulebook(recipe)


def changed(rules: Rulebook, rule_id: str, **changes: object) -> Rulebook:
    """The rules with one of them different."""
    return replace(rules, rules=tuple(replace(r, **changes) if r.id == rule_id else r for r in rules.rules))  # type: ignore[arg-type]  # fields of a rule


def bounded(rules: Rulebook) -> Rule:
    return next(r for r in rules.rules if r.severity.binding and r.relation is Relation.RANGE and r.upper is not None)


def test_what_asks_all_that_its_sources_ask_loosens_nothing(recipe: Recipe, rules: Rulebook) -> None:
    assert loosened(recipe, rules) == loosened(recipe, rules, (recipe, rules)) == ()


def test_what_a_recipe_lets_go_by_itself(recipe: Recipe, rules: Rulebook) -> None:
    accepted = replace(recipe, accepted_estimates=AcceptedEstimates(("H003",), "Ann", "no laboratory"))
    assert loosened(accepted, rules) == ("H003: an estimate stands in for the laboratory's value (no laboratory)",)
    comparative = replace(recipe, purpose=Purpose.COMPARATIVE)
    assert loosened(comparative, rules) == ("comparative: what breaks a rule is told, and refuses nothing",)
    step = next(step for step in recipe.steps if step.press is not None)
    assert step.press is not None
    press = replace(step.press, leaves_out=(LeftOut("leak test", "the bag is welded"),))
    steps = tuple(replace(step, press=press) if each is step else each for each in recipe.steps)
    assert loosened(replace(recipe, steps=steps), rules) == (f"{step.name}: leaves out leak test (the bag is welded)",)


def test_what_is_asked_less_than_before(recipe: Recipe, rules: Rulebook) -> None:
    rule = bounded(rules)
    assert rule.upper is not None
    before = (recipe, rules)
    gone = replace(rules, rules=tuple(r for r in rules.rules if r.id != rule.id))
    assert loosened(recipe, gone, before) == (f"{rule.id}: is not judged any more",)
    wider = changed(rules, rule.id, upper=rule.upper + 1)
    (words,) = loosened(recipe, wider, before)
    assert words.startswith(f"{rule.id}: {rule.bound_words} -> ")
    assert loosened(recipe, rules, (recipe, wider)) == (), "narrower is no loosening"
    assert loosened(recipe, changed(rules, rule.id, upper=None), before)
    advice = changed(rules, rule.id, severity=Severity.PREFERRED)
    assert "refuses nothing" in loosened(recipe, advice, before)[0]
    assert "stage" in loosened(recipe, changed(rules, rule.id, stages=frozenset()), before)[0]
    assert "something else" in loosened(recipe, changed(rules, rule.id, quantity="another"), before)[0]
    strict = changed(rules, rule.id, evidence=frozenset(list(rule.evidence)[:1]))
    if len(rule.evidence) > 1:
        assert "other evidence" in loosened(recipe, rules, (recipe, strict))[0]


@pytest.mark.parametrize(("before", "now", "is_looser"), [(0.95, None, True), (0.95, 0.8, True), (None, 0.9, False)])
def test_acceptance_with_less_confidence(
    recipe: Recipe, rules: Rulebook, before: float | None, now: float | None, is_looser: bool
) -> None:
    one, other = (replace(recipe, decision_rule=DecisionRule(confidence)) for confidence in (before, now))
    assert bool(loosened(other, rules, (one, rules))) is is_looser
