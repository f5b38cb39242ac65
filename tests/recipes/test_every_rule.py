"""Each of the 224 rules can pass and can fail, at every stage and on every evidence that it admits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recipes.facts import Evidence, Fact, FactBook
from recipes.rules.engine import Terms, Verdict, admitted, applies, judge
from recipes.rules.pack import load_pack, shipped_packs
from recipes.rules.rule import COMPARISONS, Relation, Rule, Stage

RULES = {rule.id: rule for name in shipped_packs() for rule in load_pack(name)}
CASES = [
    pytest.param(rule, stage, evidence, id=f"{rule.id}-{stage}-{evidence}")
    for rule in RULES.values()
    for stage in Stage
    if stage in rule.stages
    for evidence in Evidence
    if evidence in admitted(rule, stage)
]


def step_of(rule: Rule) -> float:
    """A distance that no rounding hides."""
    return max(0.01, abs(rule.lower or rule.upper or 1.0) * 0.01, 2.0 * (rule.resolution or 0.0))


def inside(rule: Rule) -> float:
    if rule.lower is not None and rule.upper is not None:
        return (rule.lower + rule.upper) / 2
    return rule.lower + step_of(rule) if rule.lower is not None else (rule.upper or 0.0) - step_of(rule)


def outside(rule: Rule) -> list[float]:
    beyond = [rule.lower - step_of(rule)] if rule.lower is not None else []
    return beyond + ([rule.upper + step_of(rule)] if rule.upper is not None else [])


def facts(rule: Rule, *, holds: bool, evidence: Evidence) -> list[list[Fact]]:
    """Sets of facts under which a rule holds, or does not hold."""

    def fact(value: float | tuple[str, ...], **more: object) -> Fact:
        made = Fact(rule.subject, rule.quantity, value, rule.unit, evidence, "test", 0.001)
        return replace(made, **more)  # type: ignore[arg-type]  # names of Fact's own fields

    unit = "" if rule.unit == "ratio" else rule.unit
    if rule.relation in COMPARISONS:
        low, high = (1.0, 2.0) if rule.relation is Relation.GREATER_THAN else (2.0, 1.0)
        ours, theirs = (high, low) if holds else (low, high)
        return [[fact(ours), Fact(*rule.other, theirs, unit, evidence, "test", 0.001)]]
    if rule.relation is Relation.RATIO:
        values = [inside(rule)] if holds else outside(rule)
        return [[fact(10.0 * v, unit=""), Fact(*rule.other, 10.0, "", evidence, "test", 0.001)] for v in values]
    if rule.relation is Relation.RANGE:
        return [[fact(value)] for value in ([inside(rule)] if holds else outside(rule))]
    if rule.relation is Relation.ORDER:
        place = rule.subject.rpartition("@")[2]
        names = rule.listed if holds else tuple(reversed(rule.listed))
        made = [fact(float(n), subject=f"{name}_layer@{place}") for n, name in enumerate(names, start=1)]
        return [made]
    if rule.example_value is not None:
        wanted = rule.example_value
        window = (0.9 * wanted, 1.1 * wanted)
        values = [wanted] if holds else [0.8 * wanted, 1.2 * wanted]
        return [[fact(value, window=window)] for value in values]
    return [[fact(texts)] for texts in _texts(rule, holds=holds)]


def _texts(rule: Rule, *, holds: bool) -> list[tuple[str, ...]]:
    other = ("something else",)
    match rule.relation:
        case Relation.ONE_OF:
            return [(text,) for text in rule.listed] if holds else [other, (rule.listed[0], *other)]
        case Relation.NOT:
            return [other] if holds else [rule.listed]
        case Relation.CONTAINS:
            return [rule.listed, (*other, *rule.listed)] if holds else [rule.listed[:-1], other]
        case _:
            return [rule.listed] if holds else [other, (*rule.listed, *other)]


def condition(rule: Rule, *, holds: bool) -> list[Fact]:
    if rule.condition is None:
        return []
    subject, quantity, wanted = rule.condition
    value: float | tuple[str, ...] = (wanted,) if wanted is not None else 1.0
    return [Fact(subject, quantity, value if holds else (), "", Evidence.DECLARED, "test")]


def book_of(*made: Fact) -> FactBook:
    book = FactBook()
    book.add(made)
    return book


def test_all_224_rules_are_there() -> None:
    assert len(RULES) == 224


@pytest.mark.parametrize(("rule", "stage", "evidence"), CASES)
def test_a_rule_passes_and_fails(rule: Rule, stage: Stage, evidence: Evidence) -> None:
    needed = condition(rule, holds=True)
    needed = [fact for fact in needed if (fact.subject, fact.quantity) != (rule.subject, rule.quantity)]
    for made in facts(rule, holds=True, evidence=evidence):
        assert judge(rule, book_of(*needed, *made), stage).verdict is Verdict.PASS, made
    failing = facts(rule, holds=False, evidence=evidence)
    assert failing
    for made in failing:
        assert judge(rule, book_of(*needed, *made), stage).verdict is Verdict.FAIL, made


@pytest.mark.parametrize("rule", [r for r in RULES.values() if r.condition is not None], ids=lambda rule: rule.id)
def test_a_condition_decides_whether_a_rule_is_asked(rule: Rule) -> None:
    assert applies(rule, book_of(*condition(rule, holds=True))) is True
    assert applies(rule, book_of(*condition(rule, holds=False))) is False
    assert applies(rule, book_of()) is None
    unknown = judge(rule, book_of(), Stage.RELEASE)
    assert unknown.verdict is Verdict.UNDETERMINED
    assert unknown.words.startswith("not known whether it applies: ")


def test_no_rule_passes_on_intentions_where_it_can_be_measured() -> None:
    for rule in RULES.values():
        if Evidence.MEASURED not in rule.evidence:
            continue
        for evidence in (Evidence.DECLARED, Evidence.COMMANDED):
            made = [*condition(rule, holds=True), *facts(rule, holds=True, evidence=evidence)[0]]
            assert judge(rule, book_of(*made), Stage.RELEASE).verdict is not Verdict.PASS, rule.id


def test_no_rule_passes_on_a_law_alone_unless_the_estimate_is_accepted_by_name() -> None:
    seen = 0
    for rule in RULES.values():
        if Evidence.ESTIMATED not in rule.evidence:
            continue
        made = [replace(f, by_law_alone=True) for f in facts(rule, holds=True, evidence=Evidence.ESTIMATED)[0]]
        alone = judge(rule, book_of(*made), Stage.RELEASE)
        assert alone.verdict is Verdict.UNDETERMINED, rule.id
        taken = judge(rule, book_of(*made), Stage.RELEASE, Terms(accepted=frozenset({rule.id})))
        assert (taken.verdict, taken.is_accepted) == (Verdict.PASS, True), rule.id
        seen += 1
    assert seen > 40
