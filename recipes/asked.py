"""Whether what a recipe declares, or asks people for, is something that its rules can be judged on."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from recipes.declared import laminate_facts
from recipes.findings import Finding
from recipes.lots import ordered
from recipes.model import DeclaredFact, Recipe, Step
from recipes.rules.rule import BOUNDED, COMPARISONS, Relation, Rule
from recipes.rules.rulebook import Rulebook
from recipes.units import converted

_UNITLESS = frozenset({"", "-", "ratio"})
TEXTS = {
    ("formula(1).R1", "substituent"): ("hydrogen", "alkyl", "halogen"),
    ("formula(1).R2", "substituent"): ("alkyl", "aryl"),
    ("formula(1).R3,R4", "substituents"): ("both hydrogen", "both methyl", "hydrogen and methyl"),
}
"""What can be declared of formula (1): another word would leave its claims without an answer."""


def asked_errors(recipe: Recipe, rules: Rulebook) -> Iterator[Finding]:
    """Values in a unit or of a kind that the rules cannot be judged on, or asked for before they exist."""
    known = {(fact.subject, fact.quantity): fact for fact in laminate_facts(recipe)}
    for fact in recipe.facts:
        place = recipe.locations.get(f"facts[{fact.quantity} of {fact.subject}].value", recipe.location)
        other = known.get((fact.subject, fact.quantity))
        if other is not None and other.value != fact.value:
            what = f"{fact.quantity} of {fact.subject} is declared, but the laminate says otherwise"
            yield Finding("error", what, place)
        elif (texts := TEXTS.get((fact.subject, fact.quantity))) is not None and not _among(fact, texts):
            yield Finding("error", f"{fact.quantity} of {fact.subject}: expected any of {', '.join(texts)}", place)
        for rule in rules.rules:
            if (fact.subject, fact.quantity) in _sides(rule):
                wrong = _text_wrong(rule) if isinstance(fact.value, tuple) else _number_wrong(rule, fact.unit)
                if wrong is not None:
                    yield Finding("error", f"{fact.quantity} of {fact.subject}: {wrong}", place, rule.id, rule.source)
                    break
    for step in recipe.steps:
        yield from _too_early(recipe, step)
        entries = [(e.subject, e.name, e.unit) for e in step.task.entries] if step.task is not None else []
        lab = [(m.subject, m.quantity, m.unit) for m in step.inspect.lab] if step.inspect is not None else []
        for subject, quantity, unit in (*entries, *lab):
            for rule in rules.rules:
                if (subject, quantity) == (rule.subject, rule.quantity) and (wrong := _number_wrong(rule, unit)):
                    what = f"{step.name}: {quantity} of {subject}: {wrong}"
                    yield Finding("error", what, step.location, rule.id, rule.source)
                    break


def _sides(rule: Rule) -> tuple[tuple[str, str], ...]:
    """The facts whose values a rule compares."""
    own = (rule.subject, rule.quantity)
    return (own, rule.other) if rule.relation in COMPARISONS or rule.relation is Relation.RATIO else (own,)


def _among(fact: DeclaredFact, texts: tuple[str, ...]) -> bool:
    return isinstance(fact.value, tuple) and set(fact.value) <= set(texts)


def _too_early(recipe: Recipe, step: Step) -> Iterator[Finding]:
    """A value of a layer before or after a pressing can only be found on a lot that is just there."""
    if step.task is not None:
        for entry in step.task.entries:
            if "@" in entry.subject:
                what = f"{step.name}: {entry.subject} is for an inspection of that lot, under lab"
                yield Finding("error", what, step.location)
    if step.inspect is None or not step.inspect.lab:
        return
    roles = [other.role for other in ordered(recipe.steps) if other.role is not None]
    done = _pressed(recipe, step.consumes[0])
    for measure in step.inspect.lab:
        place = measure.subject.partition("@")[2]
        role = place.removeprefix("after_").removeprefix("before_")
        if not place or (place != "laminate" and role not in roles):
            continue
        if place == "laminate":
            fits = set(done) == set(roles)
        elif place.startswith("before_"):
            fits = done == roles[: roles.index(role)]
        else:
            fits = done[-1:] == [role]
        if not fits:
            state = f"is pressed by {', '.join(done)}" if done else "is not pressed yet"
            what = f"{step.name}: {measure.subject} cannot be measured on {step.consumes[0]}, which {state}"
            yield Finding("error", what, step.location)


def _pressed(recipe: Recipe, lot: str) -> list[str]:
    """The roles of the pressings that a lot has seen, in their order."""
    makers = {step.produces: step for step in recipe.steps if step.produces is not None}
    seen: set[str] = set()
    waiting = [lot]
    while waiting:
        maker = makers.get(waiting.pop())
        if maker is not None:
            seen.add(maker.name)
            waiting += maker.consumes
    return [step.role for step in ordered(recipe.steps) if step.name in seen and step.role is not None]


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
        wanted = "a pure number" if rule.unit in _UNITLESS else f"in {rule.unit}"
        return f"{rule.id} is {wanted}, not in {unit or 'no unit'}"
    return None
