"""Whether what a recipe declares, or asks people for, is something that its rules can be judged on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from recipes.findings import Finding
from recipes.model import Recipe
from recipes.rules.rule import BOUNDED, COMPARISONS, Relation, Rule
from recipes.rules.rulebook import Rulebook
from recipes.units import converted

_UNITLESS = frozenset({"", "-", "ratio"})


def asked_errors(recipe: Recipe, rules: Rulebook) -> Iterator[Finding]:
    """Values in a unit or of a kind that the rules cannot be judged on."""
    for fact in recipe.facts:
        place = recipe.locations.get(f"facts[{fact.quantity} of {fact.subject}].value", recipe.location)
        for rule in rules.rules:
            if (fact.subject, fact.quantity) == (rule.subject, rule.quantity):
                wrong = _text_wrong(rule) if isinstance(fact.value, tuple) else _number_wrong(rule, fact.unit)
                if wrong is not None:
                    yield Finding("error", f"{fact.quantity} of {fact.subject}: {wrong}", place, rule.id, rule.source)
                    break
    for step in recipe.steps:
        entries = [(e.subject, e.name, e.unit) for e in step.task.entries] if step.task is not None else []
        lab = [(m.subject, m.quantity, m.unit) for m in step.inspect.lab] if step.inspect is not None else []
        for subject, quantity, unit in (*entries, *lab):
            for rule in rules.rules:
                if (subject, quantity) == (rule.subject, rule.quantity) and (wrong := _number_wrong(rule, unit)):
                    what = f"{step.name}: {quantity} of {subject}: {wrong}"
                    yield Finding("error", what, step.location, rule.id, rule.source)
                    break


def asked_advice(recipe: Recipe, rules: Rulebook) -> Iterator[Finding]:
    """Facts that no rule of the recipe's packs asks for: perhaps a slip of the pen."""
    known = {f"{rule.subject} {rule.quantity}" for rule in rules.rules}
    for rule in rules.rules:
        if rule.relation in COMPARISONS or rule.relation is Relation.RATIO:
            known.add(" ".join(rule.other))
        if rule.condition is not None:
            known.add(" ".join(rule.condition[:2]))
    for fact in recipe.facts:
        name = f"{fact.subject} {fact.quantity}"
        if name not in known:
            place = recipe.locations.get(f"facts[{fact.quantity} of {fact.subject}].value", recipe.location)
            near = difflib.get_close_matches(name, known, n=1)
            hint = f", perhaps {' '.join(near)!r} is meant" if near else ""
            yield Finding("advice", f"no rule asks for {fact.quantity} of {fact.subject}{hint}", place)


def _is_numeric(rule: Rule) -> bool:
    numeric = rule.relation in BOUNDED or rule.relation in COMPARISONS or rule.relation is Relation.ORDER
    return numeric or rule.example_value is not None


def _text_wrong(rule: Rule) -> str | None:
    return f"{rule.id} needs a number{f' in {rule.unit}' if rule.unit else ''}" if _is_numeric(rule) else None


def _number_wrong(rule: Rule, unit: str) -> str | None:
    if not _is_numeric(rule):
        return f"{rule.id} needs a list of texts such as [{rule.relative_to}]"
    if unit == rule.unit or rule.unit == "ratio" or {unit, rule.unit} <= _UNITLESS:
        return None
    if converted(1.0, unit, rule.unit) is None:
        return f"{rule.id} is in {rule.unit or 'no unit'}, not in {unit or 'no unit'}"
    return None
