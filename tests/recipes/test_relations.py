"""Every relation on facts made here: the verdict, the words, what was judged, its uncertainty and its bound."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from recipes.facts import Evidence, Fact
from recipes.rules.engine import Terms, Verdict
from recipes.rules.relations import number, texts
from recipes.rules.rule import Relation, Stage
from tests.recipes.test_engine import fact, judged

D, C, E, M, L = Evidence
PASS, FAIL, UNDETERMINED = Verdict
GUARDED = Terms(confidence=0.95)
JOIN: dict[str, Any] = {"subject": "cathode_layer@after_join1"}
COMPARED: dict[str, Any] = {"upper": None, "relative_to": "cathode_layer@after_join1:porosity"}
RATIO: dict[str, Any] = {
    "relation": Relation.RATIO,
    "unit": "ratio",
    "upper": 2.0,
    "relative_to": "cathode_layer@after_join1:porosity",
}
ORDER: dict[str, Any] = {
    "relation": Relation.ORDER,
    "subject": "laminate@after_densify",
    "upper": None,
    "relative_to": "cathode < electrolyte < intermediate",
}
EXAMPLE: dict[str, Any] = {"relation": Relation.EQUALS, "upper": None, "relative_to": "4"}
TEXT: dict[str, Any] = {"unit": "", "upper": None, "relative_to": "LPSCl | LGPS"}
SEQUENCE: dict[str, Any] = {**TEXT, "relation": Relation.SEQUENCE, "relative_to": "coat < join < densify"}
WINDOWED: dict[str, Any] = {"window": (3.5, 4.5)}


def layers(*values: float, u: float | None = None) -> list[Fact]:
    names = ("cathode", "electrolyte", "intermediate")
    pairs = zip(names, values, strict=False)
    return [fact(value, subject=f"{name}_layer@after_densify", uncertainty=u) for name, value in pairs]


def text(*values: str) -> Fact:
    return fact(values[0] if len(values) == 1 else values, unit="")


class Case(NamedTuple):
    changes: dict[str, Any]
    facts: list[Fact]
    verdict: Verdict
    words: str
    stage: Stage = Stage.RELEASE
    terms: Terms = Terms()


CASES = [
    # ranges: the mean and the extremes, bounds that are inside or outside, rounding
    Case({}, [], UNDETERMINED, "not known: porosity of cathode layer after densify"),
    Case({}, [fact(5.0)], PASS, "porosity 5 % is at most 5 %"),
    Case({}, [fact(5.01)], FAIL, "porosity 5.01 % is above 5 %"),
    Case({"upper_inclusive": False}, [fact(5.0)], FAIL, "porosity 5 % is not below 5 %"),
    Case({"upper_inclusive": False}, [fact(4.99)], PASS, "porosity 4.99 % is less than 5 %"),
    Case({"lower": 1.0}, [fact(1.0)], PASS, "porosity 1 % is at least 1 and at most 5 %"),
    Case({"lower": 1.0}, [fact(0.99)], FAIL, "porosity 0.99 % is below 1 %"),
    Case({"lower": 1.0, "lower_inclusive": False}, [fact(1.0)], FAIL, "porosity 1 % is not above 1 %"),
    Case({"lower": 1.0}, [fact(3.0, low=0.5, high=4.0)], FAIL, "lowest porosity 0.5 % is below 1 %"),
    Case({"lower": 1.0}, [fact(3.0, high=6.0)], FAIL, "highest porosity 6 % is above 5 %"),
    Case({"resolution": 1.0}, [fact(5.4)], PASS, "porosity 5.4 % (judged as 5 %) is at most 5 %"),
    Case({"resolution": 1.0}, [fact(5.5)], FAIL, "porosity 5.5 % (judged as 6 %) is above 5 %"),
    Case({"resolution": 1.0}, [fact(4.5)], PASS, "porosity 4.5 % (judged as 4 %) is at most 5 %"),
    Case({"resolution": 1.0}, [fact(5.0)], PASS, "porosity 5 % is at most 5 %"),
    Case({"resolution": 1.0}, [fact(5.4, C)], FAIL, "porosity 5.4 % is above 5 %", Stage.DESIGN),
    Case({"resolution": 1.0}, [fact(4.0000001)], PASS, "porosity 4 % is at most 5 %"),
    Case({"resolution": 0.5}, [fact(5.2)], PASS, "porosity 5.2 % (judged as 5 %) is at most 5 %"),
    Case({"resolution": 1.0}, [fact(1e300)], FAIL, "porosity 1e+300 % is above 5 %"),
    Case({"resolution": 1.0}, [fact(4.0002)], PASS, "porosity 4 % is at most 5 %"),
    Case({}, [fact(5.00001)], FAIL, "porosity 5.00001 % is above 5 %"),
    Case({"resolution": 1.0, "upper_inclusive": False}, [fact(4.9999999)], FAIL,
         "porosity 4.9999999 % (judged as 5 %) is not below 5 %"),
    # guarded acceptance
    Case({}, [fact(4.9, uncertainty=0.1)], UNDETERMINED, "at most 5 %, but only by 0.1 %;"
         " guarded acceptance at 95 % asks for 0.1645 %", terms=GUARDED),
    Case({}, [fact(4.8, uncertainty=0.1)], PASS, "porosity 4.8 % is at most 5 %", terms=GUARDED),
    Case({"lower": 1.0}, [fact(1.1, uncertainty=0.1)], UNDETERMINED, "but only by 0.1 %;"
         " guarded acceptance at 95 % asks for 0.1645 %", terms=GUARDED),
    Case({}, [fact(4.5, high=4.9, uncertainty=0.1)], UNDETERMINED, "but only by 0.1 %;"
         " guarded acceptance at 95 % asks for 0.1645 %", terms=GUARDED),
    Case({}, [fact(4.0)], UNDETERMINED, "porosity 4 % is at most 5 %, but its uncertainty is not known,"
         " and acceptance is guarded", terms=GUARDED),
    Case({}, [fact(5.1, uncertainty=0.1)], FAIL, "porosity 5.1 % is above 5 %", terms=GUARDED),
    Case({}, [fact(5.0, uncertainty=0.0)], PASS, "porosity 5 % is at most 5 %", terms=GUARDED),
    Case({}, [fact(5.0, uncertainty=0.1)], UNDETERMINED, "but only by 0 %; guarded", terms=GUARDED),
    Case({"resolution": 1.0}, [fact(5.4, uncertainty=0.1)], UNDETERMINED, "(judged as 5 %) is at most 5 %,"
         " but only by rounding; guarded acceptance at 95 % asks for 0.1645 %", terms=GUARDED),
    Case({}, [fact(4.99, E, uncertainty=0.5)], PASS, "at most 5 %", Stage.DESIGN, GUARDED),
    Case({}, [fact(4.99, C)], PASS, "at most 5 %", Stage.BEFORE_STEP, GUARDED),
    Case({}, [fact(4.99, E)], UNDETERMINED, "but its uncertainty is not known", Stage.BEFORE_STEP, GUARDED),
    # ratios
    Case(RATIO, [fact(6.0), fact(3.0, **JOIN)], PASS,
         "cathode layer after densify: porosity 2 times that of cathode layer after join1 is at most 2"),
    Case(RATIO, [fact(6.3), fact(3.0, **JOIN)], FAIL,
         "porosity 2.1 times that of cathode layer after join1 is above 2"),
    Case(RATIO, [fact(6.00003), fact(3.0, **JOIN)], FAIL,
         "porosity 2.00001 times that of cathode layer after join1 is above 2"),
    Case(RATIO, [fact(6.3, uncertainty=0.1), fact(3.0, uncertainty=0.1, **JOIN)], FAIL,
         "porosity 2.1 times that of cathode layer after join1 is above 2", terms=GUARDED),
    Case(RATIO, [fact(6.0)], UNDETERMINED, "not known: porosity of cathode layer after join1"),
    Case(RATIO, [fact(3.0, **JOIN)], UNDETERMINED, "not known: porosity of cathode layer after densify"),
    Case(RATIO, [fact(6.0), fact(0.0, **JOIN)], UNDETERMINED,
         "cathode layer after join1: porosity is 0, so there is no ratio"),
    Case(RATIO, [fact(6.0), fact(3.0, unit="s", **JOIN)], UNDETERMINED,
         "no ratio: cathode layer after densify is in %"),
    Case(RATIO, [fact(5.9, uncertainty=0.1), fact(3.0, uncertainty=0.1, **JOIN)], UNDETERMINED,
         "but only by 0.03333; guarded acceptance at 95 % asks for 0.121", terms=GUARDED),
    Case(RATIO, [fact(5.9, uncertainty=0.1), fact(3.0, **JOIN)], UNDETERMINED, "its uncertainty is not known",
         terms=GUARDED),
    # comparisons
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0), fact(4.0, **JOIN)], PASS,
         "cathode layer after densify: porosity 3 % is less than cathode layer after join1's 4 %"),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(4.0), fact(4.0, **JOIN)], FAIL, "is not less than"),
    Case({**COMPARED, "relation": Relation.LESS_OR_EQUAL}, [fact(4.0), fact(4.0, **JOIN)], PASS, "4 % is at most"),
    Case({**COMPARED, "relation": Relation.LESS_OR_EQUAL}, [fact(4.1), fact(4.0, **JOIN)], FAIL, "is not at most"),
    Case({**COMPARED, "relation": Relation.GREATER_THAN}, [fact(4.1), fact(4.0, **JOIN)], PASS, "is greater than"),
    Case({**COMPARED, "relation": Relation.GREATER_THAN}, [fact(4.0), fact(4.0, **JOIN)], FAIL, "is not greater than"),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0)], UNDETERMINED,
         "not known: porosity of cathode layer after join1"),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(4.0, **JOIN)], UNDETERMINED,
         "not known: porosity of cathode layer after densify"),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [], UNDETERMINED,
         "not known: porosity of cathode layer after densify, porosity of cathode layer after join1"),
    Case({**COMPARED, "relation": Relation.LESS_THAN},
         [fact(3.0, uncertainty=0.3), fact(3.5, uncertainty=0.4, **JOIN)], UNDETERMINED,
         "but only by 0.5 %; guarded acceptance at 95 % asks for 0.8224 %", terms=GUARDED),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0, uncertainty=0.3), fact(3.9, **JOIN)], UNDETERMINED,
         "its uncertainty is not known", terms=GUARDED),
    Case({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0, uncertainty=0.3), fact(3.9, C, **JOIN)], PASS,
         "is less than", Stage.BEFORE_STEP, GUARDED),
    # orders
    Case(ORDER, layers(3.0, 10.0, 20.0), PASS, "porosity: cathode 3 < electrolyte 10 < intermediate 20 % holds"),
    Case(ORDER, layers(3.0, 3.0, 20.0), FAIL, "porosity: cathode 3 < electrolyte 3 < intermediate 20 % does not hold"),
    Case(ORDER, layers(3.0, 10.0), UNDETERMINED, "not known: porosity of intermediate layer after densify"),
    Case(ORDER, layers(3.0, 10.0, 20.0), UNDETERMINED, "its uncertainty is not known", terms=GUARDED),
    Case(ORDER, layers(3.0, 10.0, 20.0, u=0.1), PASS, "20 % holds", terms=GUARDED),
    Case(ORDER, layers(3.0, 3.1, 20.0, u=0.1), UNDETERMINED,
         "but only by 0.1 %; guarded acceptance at 95 % asks for 0.2326 %", terms=GUARDED),
    Case(ORDER, layers(3.0, 19.9, 20.0, u=0.1), UNDETERMINED, "but only by 0.1 %;", terms=GUARDED),
    # example values
    Case(EXAMPLE, [], UNDETERMINED, "not known: porosity of cathode layer after densify"),
    Case(EXAMPLE, [fact(4.0, C)], PASS, "porosity 4 % is the source's example", Stage.DESIGN),
    Case(EXAMPLE, [fact(4.1, C)], FAIL, "porosity 4.1 % is not the 4 % of the source's example", Stage.DESIGN),
    Case(EXAMPLE, [fact(4.0)], UNDETERMINED,
         "porosity 4 %; the source states no tolerance around 4 %, and the recipe no window"),
    Case(EXAMPLE, [fact(4.2, **WINDOWED)], PASS, "porosity 4.2 % is within the recipe's 3.5 to 4.5 % around 4 %"),
    Case(EXAMPLE, [fact(4.6, **WINDOWED)], FAIL, "porosity 4.6 % is not within the recipe's 3.5 to 4.5 % around 4 %"),
    Case(EXAMPLE, [fact(4.2, low=3.4, **WINDOWED)], FAIL, "is not within the recipe's"),
    Case(EXAMPLE, [fact(4.2, high=4.6, **WINDOWED)], FAIL, "is not within the recipe's"),
    Case(EXAMPLE, [fact(4.6, window=(4.5, 4.7))], FAIL, "is not within the recipe's 4.5 to 4.7 % around 4 %"),
    Case(EXAMPLE, [fact(3.4, window=(3.3, 3.5))], FAIL, "is not within the recipe's 3.3 to 3.5 % around 4 %"),
    Case(EXAMPLE, [fact(4.4, uncertainty=0.1, **WINDOWED)], UNDETERMINED,
         "but only by 0.1 %; guarded acceptance at 95 % asks for 0.1645 %", terms=GUARDED),
    Case(EXAMPLE, [fact(4.0, low=3.6, uncertainty=0.1, **WINDOWED)], UNDETERMINED, "but only by 0.1 %;", terms=GUARDED),
    Case(EXAMPLE, [fact(4.5, **WINDOWED)], PASS, "is within the recipe's 3.5 to 4.5 % around 4 %"),
    Case(EXAMPLE, [fact(3.5, **WINDOWED)], PASS, "is within the recipe's 3.5 to 4.5 % around 4 %"),
    Case(EXAMPLE, [fact(4.0, window=(4.0, 4.5))], PASS, "is within the recipe's 4 to 4.5 % around 4 %"),
    Case(EXAMPLE, [fact(4.0, window=(3.5, 4.0))], PASS, "is within the recipe's 3.5 to 4 % around 4 %"),
    Case({}, [fact(4.9, L, uncertainty=0.1)], UNDETERMINED, "but only by 0.1 %;", terms=GUARDED),
    Case({}, [fact(4.5, low=0.1, uncertainty=0.1)], PASS, "is at most 5 %", terms=GUARDED),
    Case({"lower": 1.0}, [fact(4.0, low=1.1, uncertainty=0.1)], UNDETERMINED, "but only by 0.1 %;", terms=GUARDED),
    # texts
    Case({**TEXT, "relation": Relation.CONTAINS}, [text("LGPS", "LPSCl")], PASS, "contains LPSCl and LGPS"),
    Case({**TEXT, "relation": Relation.ONE_OF}, [], UNDETERMINED, "not known: porosity of cathode layer after densify"),
    Case({**TEXT, "relation": Relation.ONE_OF}, [text("LGPS")], PASS,
         "cathode layer after densify: porosity LGPS is one of LPSCl, LGPS"),
    Case({**TEXT, "relation": Relation.ONE_OF}, [text("LLZO")], FAIL, "porosity LLZO is not one of LPSCl, LGPS"),
    Case({**TEXT, "relation": Relation.ONE_OF}, [fact((), unit="")], FAIL, "porosity nothing is not one of"),
    Case({**TEXT, "relation": Relation.CONTAINS}, [text("LGPS", "LPSCl", "PVDF")], PASS,
         "cathode layer after densify contains LPSCl and LGPS"),
    Case({**TEXT, "relation": Relation.CONTAINS}, [text("LGPS", "PVDF")], FAIL,
         "cathode layer after densify has LGPS | PVDF, but not LPSCl and LGPS"),
    Case({**TEXT, "relation": Relation.NOT}, [text("PVDF")], PASS, "porosity is PVDF, not LPSCl | LGPS"),
    Case({**TEXT, "relation": Relation.NOT}, [text("PVDF", "LGPS")], FAIL,
         "cathode layer after densify: porosity is PVDF | LGPS"),
    Case({**TEXT, "relation": Relation.EQUALS}, [text("LPSCl", "LGPS")], PASS,
         "cathode layer after densify: porosity is LPSCl | LGPS"),
    Case({**TEXT, "relation": Relation.EQUALS}, [text("LGPS", "LPSCl")], FAIL,
         "cathode layer after densify: porosity is LGPS | LPSCl, not LPSCl | LGPS"),
    Case({**TEXT, "relation": Relation.STRUCTURE}, [text("LPSCl", "LGPS")], PASS, "porosity is LPSCl | LGPS"),
    Case({**TEXT, "relation": Relation.STRUCTURE}, [text("LPSCl")], FAIL, "porosity is LPSCl, not LPSCl | LGPS"),
    Case(SEQUENCE, [text("coat", "join", "densify")], PASS, "porosity is coat < join < densify"),
    Case(SEQUENCE, [text("coat", "densify", "join")], FAIL,
         "porosity is coat < densify < join, not coat < join < densify"),
    Case(SEQUENCE, [text("coat")], FAIL, "porosity is coat, not coat < join < densify"),
    Case(SEQUENCE, [text("coat")], UNDETERMINED, "porosity: coat so far, join, densify to come", Stage.AFTER_STEP),
    Case(SEQUENCE, [text("join")], FAIL, "porosity is join, not coat < join < densify", Stage.AFTER_STEP),
    Case(SEQUENCE, [text("coat", "join", "densify")], PASS, "coat < join < densify", Stage.AFTER_STEP),
    Case(SEQUENCE, [fact("coat", D, unit="")], FAIL, "porosity is coat, not coat < join < densify", Stage.DESIGN),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.words[:60])
def test_verdict_and_words(case: Case) -> None:
    found = judged(case.facts, case.stage, case.terms, **case.changes)
    assert found.verdict is case.verdict, found.words
    assert case.words in found.words
    is_plain = " but " not in found.words and "no ratio" not in found.words
    assert (
        not is_plain or found.words.endswith(case.words) or case.words.endswith(("than", "at most", "recipe's", "of"))
    )


@pytest.mark.parametrize(
    ("changes", "facts", "value", "uncertainty", "bound"),
    [
        ({}, [fact(3.0, uncertainty=0.2)], 3.0, 0.2, "at most 5 %"),
        ({}, [fact(3.0, high=6.0, uncertainty=0.2)], 6.0, 0.2, "at most 5 %"),
        (RATIO, [fact(6.0, uncertainty=0.3), fact(3.0, uncertainty=0.2, **JOIN)], 2.0, 1 / 6, "at most 2"),
        (RATIO, [fact(6.0, uncertainty=0.3), fact(3.0, uncertainty=0.0, **JOIN)], 2.0, 0.1, "at most 2"),
        (RATIO, [fact(6.0, uncertainty=0.3), fact(3.0, **JOIN)], 2.0, None, "at most 2"),
        (RATIO, [fact(6.0), fact(3.0, uncertainty=0.3, **JOIN)], 2.0, None, "at most 2"),
        (
            {**COMPARED, "relation": Relation.LESS_THAN},
            [fact(3.0, uncertainty=0.3), fact(4.0, uncertainty=0.4, **JOIN)],
            3.0,
            0.5,
            4.0,
        ),
        ({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0), fact(4.0, **JOIN)], 3.0, None, 4.0),
        ({**COMPARED, "relation": Relation.LESS_THAN}, [fact(3.0), fact(4.0, uncertainty=0.4, **JOIN)], 3.0, 0.4, 4.0),
        (EXAMPLE, [fact(4.2, uncertainty=0.1, **WINDOWED)], 4.2, 0.1, "3.5 to 4.5 % around 4 %"),
        (EXAMPLE, [fact(4.2, uncertainty=0.1)], 4.2, 0.1, "4 %"),
        ({**TEXT, "relation": Relation.ONE_OF}, [text("LGPS")], "LGPS", None, "LPSCl | LGPS"),
    ],
)
def test_what_was_judged(
    changes: dict[str, Any], facts: list[Fact], value: Any, uncertainty: float | None, bound: float | str
) -> None:
    found = judged(facts, **changes)
    assert found.value == (pytest.approx(value) if isinstance(value, float) else value)
    assert found.uncertainty == (None if uncertainty is None else pytest.approx(uncertainty))
    assert found.bound == bound
    assert found.facts == tuple(facts)


def test_an_order_is_told_as_it_was_found() -> None:
    found = judged(layers(3.0, 10.0, 20.0), **ORDER)
    assert (found.value, found.bound) == ("cathode 3 < electrolyte 10 < intermediate 20", ORDER["relative_to"])
    assert (found.facts, found.uncertainty) == (tuple(layers(3.0, 10.0, 20.0)), None)


def test_what_is_missing_is_told_with_the_bound() -> None:
    assert judged([]).bound == "at most 5 %"


@pytest.mark.parametrize("other", [fact(0.0, **JOIN), fact(3.0, unit="s", **JOIN)])
def test_without_a_ratio_the_bound_and_both_facts_are_told(other: Fact) -> None:
    found = judged([fact(6.0), other], **RATIO)
    assert (found.bound, found.facts) == ("at most 2", (fact(6.0), other))


def test_a_part_is_in_its_whole() -> None:
    words = judged([], quantity="mole_fraction.cyano").words
    assert words == "not known: mole fraction of cyano in cathode layer after densify"


def test_numbers_and_texts_are_not_taken_for_each_other() -> None:
    assert (number(fact(3)), texts(text("a")), texts(text("a", "b"))) == (3.0, ("a",), ("a", "b"))
    with pytest.raises(TypeError, match="porosity of cathode_layer@after_densify is 'a', a rule needs a number"):
        number(text("a"))
    for value in (3, 3.0):
        with pytest.raises(TypeError, match=r"is 3.*, a rule needs a text"):
            texts(fact(value))
