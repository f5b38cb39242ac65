"""What is allowed in a rule pack but odd: often a slip of the pen, sometimes meant."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from recipes.facts import Evidence
from recipes.findings import Finding
from recipes.rules.description import KEYS
from recipes.rules.engine import admitted
from recipes.rules.origins import facts_asked, origin
from recipes.rules.pack import Pack, load_pack, shipped_packs
from recipes.rules.rows import kind_words, same_kind
from recipes.rules.rule import Relation, Rule, Stage

_ENTERED = frozenset({Evidence.DECLARED, Evidence.LAB})


def review(pack: Pack) -> Iterator[Finding]:
    """Advice on a pack without mistakes, in its file's order."""
    shipped = {name: load_pack(name) for name in shipped_packs()}
    if pack.name in shipped and shipped[pack.name].sha256 != pack.sha256:
        yield _odd(pack.rules[0], f"a shipped pack is called {pack.name} too; a recipe cannot name both")
    others = [rule for other in shipped.values() for rule in other]
    told: set[tuple[str, str]] = set()
    for rule in pack:
        yield from _facts(rule, told)
        yield from _judging(rule)
        yield from _others(rule, others)
    spoken_of = {part for rule in pack for subject, _ in facts_asked(rule) for part in _parts(subject)}
    spoken_of |= {part for rule in pack for part in _parts(rule.subject)}
    for subject in pack.subjects:
        if subject not in spoken_of:
            near = difflib.get_close_matches(subject, spoken_of, n=1)
            hint = f", {near[0]!r} is nearest" if near else ""
            yield _odd(pack.rules[0], f"{list(KEYS)[-1]}: no rule speaks of {subject!r}{hint}")


def _parts(subject: str) -> Iterator[str]:
    """What a description may give words to: the whole subject, the thing and the step behind the "@"."""
    thing, _, place = subject.partition("@")
    yield from (subject, thing, place.removeprefix("before_").removeprefix("after_"))


def _facts(rule: Rule, told: set[tuple[str, str]]) -> Iterator[Finding]:
    for subject, quantity in facts_asked(rule):
        found = origin(subject, quantity)
        if (subject, quantity) in told or (found is not None and found.is_made_here):
            continue
        told.add((subject, quantity))
        what = f"pressline makes no fact {quantity} of {subject} itself"
        if rule.evidence & _ENTERED:
            yield _odd(rule, f"{what}: recipes have to declare it under facts, or ask the laboratory for it")
        else:
            kinds = " or ".join(kind for kind in Evidence if kind in rule.evidence)
            yield _odd(rule, f"{what}, and only {kinds} facts count: it would stay undetermined for ever")


def _judging(rule: Rule) -> Iterator[Finding]:
    if Stage.DESIGN in rule.stages and not admitted(rule, Stage.DESIGN):
        yield _odd(rule, "stage: design admits none of its evidence; it is judged at its other stages only")
    if rule.relation is Relation.ONE_OF and len(rule.listed) > len(set(rule.listed)):
        yield _odd(rule, "relative_to: a text is there twice")


def _others(rule: Rule, shipped: list[Rule]) -> Iterator[Finding]:
    for other in shipped:
        if other.id == rule.id and other != rule:  # Z180 is in two shipped packs, word for word
            yield _odd(rule, f"id: {rule.id} is another rule of {other.source}; a recipe cannot name both packs")
            return
    for other in shipped:
        same = (other.subject, other.quantity) == (rule.subject, rule.quantity)
        is_ratio = Relation.RATIO in (other.relation, rule.relation)
        if same and not is_ratio and not same_kind(other, rule):
            yield _odd(rule, f"unit: {rule.quantity} of {rule.subject} is {kind_words(other)} in {other.id}")
            return
    if rule.relation is Relation.RANGE and not rule.unit and not any(_is_same_fact(rule, other) for other in shipped):
        yield _odd(rule, "unit: is empty, which is right only for a count, such as of carbon atoms")


def _is_same_fact(rule: Rule, other: Rule) -> bool:
    return (other.subject, other.quantity, other.unit) == (rule.subject, rule.quantity, rule.unit)


def _odd(rule: Rule, message: str) -> Finding:
    return Finding("advice", message, rule.location, rule.id)
