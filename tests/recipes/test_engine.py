"""The rule engine on rules made here: what counts at each stage, what applies, and what a verdict rests on."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import pytest

from recipes.facts import Evidence, Fact, FactBook
from recipes.rules.engine import Judgement, Terms, Verdict, admitted, applies, judge
from recipes.rules.rule import Relation, Rule, Severity, Stage, fact_name, number_in

D, C, E, M, L = Evidence
ANY = frozenset(Evidence)
AFTER = (Stage.DURING_STEP, Stage.AFTER_STEP, Stage.RELEASE)


def rule(**changes: Any) -> Rule:
    """A porosity of at most 5 % after densifying, for which everything is evidence."""
    plain: dict[str, Any] = {
        "id": "R1",
        "ref": "claim 1",
        "source": "the source",
        "severity": Severity.CLAIM,
        "stages": frozenset(Stage),
        "evidence": ANY,
        "relation": Relation.RANGE,
        "subject": "cathode_layer@after_densify",
        "quantity": "porosity",
        "unit": "%",
        "upper": 5.0,
    }
    return Rule(**(plain | changes))


def fact(value: Any = 3.0, evidence: Evidence = M, **changes: Any) -> Fact:
    plain = {"subject": "cathode_layer@after_densify", "quantity": "porosity", "unit": "%", "source": "test"}
    return Fact(value=value, evidence=evidence, **(plain | changes))


def book(*facts: Fact) -> FactBook:
    made = FactBook()
    made.add(facts)
    return made


def judged(
    facts: Iterable[Fact], stage: Stage = Stage.RELEASE, terms: Terms | None = None, **changes: Any
) -> Judgement:
    return judge(rule(**changes), book(*facts), stage, terms)


# ---------------------------------------------------------------------- what counts


@pytest.mark.parametrize(
    ("evidence", "stage", "counts"),
    [
        (ANY, Stage.DESIGN, {D, C, E}),
        ({M, L}, Stage.DESIGN, set()),
        (ANY, Stage.BEFORE_STEP, ANY),
        *((ANY, stage, {E, M, L}) for stage in AFTER),
        *(({D, C}, stage, {D, C}) for stage in AFTER),  # what nobody can measure may be declared
        *(({D, C, L}, stage, {D, C, L}) for stage in AFTER),
        ({C, M}, Stage.BEFORE_STEP, {C, M}),
    ],
)
def test_the_evidence_that_counts(evidence: Iterable[Evidence], stage: Stage, counts: Iterable[Evidence]) -> None:
    assert admitted(rule(evidence=frozenset(evidence)), stage) == frozenset(counts)


def test_an_intention_passes_before_and_never_after() -> None:
    assert judged([fact(evidence=C)], Stage.BEFORE_STEP).verdict is Verdict.PASS
    for stage in AFTER:
        assert judged([fact(evidence=C)], stage).verdict is Verdict.UNDETERMINED


# ---------------------------------------------------------------------- whether it applies


@pytest.mark.parametrize(
    ("when", "value", "does"),
    [
        ("", None, True),
        ("binder:kind", None, None),
        ("binder:kind", "PVDF", True),
        ("binder:kind", "", False),
        ("binder:kind", 0.0, False),
        ("binder:kind", 2.0, True),
        ("binder:kind = PVDF", "PVDF", True),
        ("binder:kind=PVDF", "SBR", False),
        ("binder:kind=PVDF", ("SBR", "PVDF"), True),
        ("binder:kind=PVDF", ("SBR",), False),
        ("binder:kind=3", 3.0, True),
        ("binder:kind=3", 3.5, False),
    ],
)
def test_whether_a_rule_applies(when: str, value: Any, does: bool | None) -> None:
    known = [] if value is None else [fact(value, subject="binder", quantity="kind", unit="")]
    assert applies(rule(when=when), book(*known)) is does


def test_the_strongest_evidence_says_whether_it_applies() -> None:
    about = {"subject": "binder", "quantity": "kind", "unit": ""}
    known = book(fact("SBR", M, **about), fact("PVDF", D, **about))
    assert applies(rule(when="binder:kind=PVDF"), known) is False


def test_a_condition_that_is_not_known_leaves_the_rule_undetermined() -> None:
    found = judged([fact()], terms=Terms(subjects={"binder": "the binder"}), when="binder:weight_share")
    assert found.verdict is Verdict.UNDETERMINED
    assert found.words == "not known whether it applies: weight share of the binder"
    assert (found.bound, found.facts, found.evidence) == ("at most 5 %", (), None)


# ---------------------------------------------------------------------- what a judgement says


def test_a_judgement_carries_the_rule_and_what_was_judged() -> None:
    one = fact(3.0, M, uncertainty=0.2)
    found = judged([one], terms=Terms(names={"densify": "hot pressing"}))
    assert (found.verdict, found.value, found.uncertainty, found.bound) == (Verdict.PASS, 3.0, 0.2, "at most 5 %")
    assert (found.rule_id, found.unit, found.source, found.severity) == ("R1", "%", "the source", Severity.CLAIM)
    assert (found.facts, found.evidence, found.is_accepted) == ((one,), M, False)
    assert found.words == "cathode layer after hot pressing: porosity 3 % is at most 5 %"


def test_the_evidence_is_the_weakest_of_the_facts_used() -> None:
    two = [fact(3.0, L), fact(4.0, E, subject="cathode_layer@after_join1")]
    found = judged(two, relation=Relation.LESS_THAN, upper=None, relative_to="cathode_layer@after_join1:porosity")
    assert (found.verdict, found.evidence) == (Verdict.PASS, E)


def test_a_value_in_another_unit_is_judged_in_the_rules() -> None:
    found = judged([fact(30.0, unit="MPa")], unit="GPa", upper=0.05)
    assert found.verdict is Verdict.PASS
    assert found.value == pytest.approx(0.03)
    with pytest.raises(ValueError, match="R1 is in s, but porosity of cathode_layer@after_densify is in %"):
        judged([fact()], unit="s")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_number_that_is_none_is_not_known(value: float) -> None:
    assert judged([fact(value)]).verdict is Verdict.UNDETERMINED


def test_a_text_is_judged_as_a_text() -> None:
    found = judged(
        [fact("LPSCl", D, unit="")], Stage.DESIGN, relation=Relation.ONE_OF, relative_to="LPSCl|LGPS", unit=""
    )
    assert (found.verdict, found.value) == (Verdict.PASS, "LPSCl")


# ---------------------------------------------------------------------- a law's estimate


def test_a_laws_estimate_predicts_and_proves_nothing() -> None:
    estimate = fact(3.0, E, by_law_alone=True, uncertainty=0.5)
    for stage in (Stage.DESIGN, Stage.BEFORE_STEP):
        assert judged([estimate], stage).verdict is Verdict.PASS
    for stage in AFTER:
        found = judged([estimate], stage, Terms(names={"densify": "hot pressing"}))
        assert found.verdict is Verdict.UNDETERMINED
        assert found.words == (
            "porosity of cathode layer after hot pressing is only a law's estimate, 3 %:"
            " it needs a measurement, or an author who accepts the estimate by name"
        )
        assert (found.facts, found.uncertainty, found.evidence) == ((estimate,), 0.5, E)


def test_of_two_estimates_the_subjects_is_told() -> None:
    other = fact(4.0, E, subject="cathode_layer@after_join1", by_law_alone=True)
    comparing: dict[str, Any] = {
        "relation": Relation.LESS_THAN,
        "upper": None,
        "relative_to": "cathode_layer@after_join1:porosity",
    }
    found = judged([fact(3.0, E, by_law_alone=True), other], **comparing)
    assert found.words.startswith("porosity of cathode layer after densify is only a law's estimate, 3 %")


def test_a_laws_estimate_may_be_a_text() -> None:
    estimate = fact("LPSCl", E, unit="", by_law_alone=True)
    found = judged([estimate], relation=Relation.ONE_OF, relative_to="LPSCl", unit="")
    assert "is only a law's estimate, LPSCl: it needs" in found.words


def test_the_pack_names_the_subject_of_a_laws_estimate() -> None:
    estimate = fact(3.0, E, subject="polymer", by_law_alone=True)
    found = judged([estimate], terms=Terms(subjects={"polymer": "the particulate polymer"}), subject="polymer")
    assert found.words.startswith("porosity of the particulate polymer is only a law's estimate")


def test_an_estimate_that_a_measurement_has_corrected_counts() -> None:
    found = judged([fact(3.0, E)])
    assert (found.verdict, found.is_accepted) == (Verdict.PASS, False)


def test_an_author_accepts_an_estimate_by_name() -> None:
    estimate = fact(3.0, E, by_law_alone=True)
    found = judged([estimate], terms=Terms(accepted=frozenset({"R1"})))
    assert (found.verdict, found.is_accepted) == (Verdict.PASS, True)
    assert judged([estimate], terms=Terms(accepted=frozenset({"R2"}))).verdict is Verdict.UNDETERMINED


def test_nothing_is_accepted_where_nothing_had_to_be() -> None:
    accepting = Terms(accepted=frozenset({"R1"}))
    assert not judged([fact(3.0, M)], terms=accepting).is_accepted
    assert not judged([fact(3.0, E, by_law_alone=True)], Stage.BEFORE_STEP, accepting).is_accepted
    assert not judged([fact(3.0, E, by_law_alone=True)], Stage.DESIGN, accepting).is_accepted


def test_an_accepted_estimate_that_fails_fails() -> None:
    found = judged([fact(8.0, E, by_law_alone=True)], terms=Terms(accepted=frozenset({"R1"})))
    assert (found.verdict, found.is_accepted) == (Verdict.FAIL, True)


def test_an_unknown_condition_is_said_although_only_a_law_speaks() -> None:
    found = judged([fact(3.0, E, by_law_alone=True)], when="binder:kind")
    assert found.words == "not known whether it applies: kind of binder"


# ---------------------------------------------------------------------- a doubt


def test_what_passes_on_a_doubtful_fact_does_not_pass() -> None:
    found = judged([fact(3.0, doubt="the gauge's calibration is overdue")])
    assert found.verdict is Verdict.UNDETERMINED
    told = "porosity 3 % is at most 5 %, but its quality is uncertain: the gauge's calibration is overdue"
    assert found.words.endswith(told)


def test_what_fails_on_a_doubtful_fact_fails() -> None:
    found = judged([fact(8.0, doubt="overdue")])
    assert found.verdict is Verdict.FAIL
    assert found.words.endswith("but its quality is uncertain: overdue")


def test_each_doubt_is_told_once_and_in_order() -> None:
    other: dict[str, Any] = {"subject": "cathode_layer@after_join1"}
    comparing: dict[str, Any] = {
        "relation": Relation.LESS_THAN,
        "upper": None,
        "relative_to": "cathode_layer@after_join1:porosity",
    }
    found = judged([fact(3.0, doubt="gauge"), fact(4.0, doubt="balance", **other)], **comparing)
    assert found.words.endswith("but its quality is uncertain: gauge; balance")
    found = judged([fact(3.0, doubt="gauge"), fact(4.0, doubt="gauge", **other)], **comparing)
    assert found.words.endswith("but its quality is uncertain: gauge")


# ---------------------------------------------------------------------- acceptance


def test_the_terms_reach_the_relation() -> None:
    near = [fact(4.9, uncertainty=0.2)]
    assert judged(near).verdict is Verdict.PASS
    assert judged(near, terms=Terms(confidence=0.95)).verdict is Verdict.UNDETERMINED


# ---------------------------------------------------------------------- what a rule says of itself


@pytest.mark.parametrize("severity", list(Severity))
def test_severities(severity: Severity) -> None:
    assert severity.binding == (severity.value in ("claim", "required"))
    assert severity.grade == severity.value.startswith("grade_")


@pytest.mark.parametrize(
    ("relation", "unit", "is_numeric"),
    [
        (Relation.RANGE, "", True),
        (Relation.RATIO, "", True),
        (Relation.GREATER_THAN, "", True),
        (Relation.LESS_THAN, "", True),
        (Relation.LESS_OR_EQUAL, "", True),
        (Relation.ORDER, "", True),
        (Relation.SEQUENCE, "", False),
        (Relation.STRUCTURE, "", False),
        (Relation.CONTAINS, "", False),
        (Relation.ONE_OF, "", False),
        (Relation.EQUALS, "", False),
        (Relation.EQUALS, "%", True),
        (Relation.NOT, "", False),
    ],
)
def test_what_is_judged_by_numbers(relation: Relation, unit: str, is_numeric: bool) -> None:
    assert rule(relation=relation, unit=unit).numeric == is_numeric


@pytest.mark.parametrize(
    ("relation", "text"),
    [
        (Relation.ORDER, "a < b"),
        (Relation.SEQUENCE, "a<b"),
        *((relation, "a | b") for relation in (Relation.STRUCTURE, Relation.CONTAINS, Relation.ONE_OF)),
        *((relation, " a|b ") for relation in (Relation.EQUALS, Relation.NOT)),
    ],
)
def test_listed_texts(relation: Relation, text: str) -> None:
    assert rule(relation=relation, relative_to=text).listed == ("a", "b")


@pytest.mark.parametrize(
    ("subject", "role"),
    [
        ("cathode_layer@after_densify", "densify"),
        ("cathode_layer@before_join2", "join2"),
        ("cathode_layer@densify", "densify"),
        ("cathode_layer@laminate", None),
        ("laminate", None),
        ("densify", "densify"),
        ("after_care", "after_care"),
    ],
)
def test_the_step_that_a_rule_speaks_of(subject: str, role: str | None) -> None:
    assert rule(subject=subject).role == role


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "at most 5 %"),
        ({"upper_inclusive": False}, "less than 5 %"),
        ({"lower": 1.0}, "at least 1 and at most 5 %"),
        ({"lower": 1.0, "lower_inclusive": False, "upper": None}, "more than 1 %"),
        ({"unit": "ratio", "relation": Relation.RATIO}, "at most 5"),
        ({"relation": Relation.LESS_THAN, "relative_to": "join1:pressure"}, "pressure of join1"),
        ({"relation": Relation.EQUALS, "relative_to": "3"}, "3 %"),
        ({"relation": Relation.EQUALS, "relative_to": "LPSCl", "unit": ""}, "LPSCl"),
        ({"relation": Relation.EQUALS, "relative_to": "3", "unit": ""}, "3"),
        ({"relation": Relation.ONE_OF, "relative_to": "3|4"}, "3|4"),
    ],
)
def test_bounds_in_words(changes: dict[str, Any], words: str) -> None:
    assert rule(**changes).bound_words == words


@pytest.mark.parametrize(
    ("changes", "value"),
    [
        ({"relation": Relation.EQUALS, "relative_to": "3.5"}, 3.5),
        ({"relation": Relation.EQUALS, "relative_to": "3.5", "unit": ""}, None),
        ({"relation": Relation.EQUALS, "relative_to": "three"}, None),
        ({"relation": Relation.NOT, "relative_to": "3.5"}, None),
    ],
)
def test_the_number_of_an_example(changes: dict[str, Any], value: float | None) -> None:
    assert rule(**changes).example_value == value


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("join1:pressure", ("join1", "pressure")),
        (" join1 : pressure ", ("join1", "pressure")),
        ("polymer:mole_fraction.cyano", ("polymer", "mole_fraction.cyano")),
        ("polymer.cyano.share", ("polymer.cyano", "share")),
        ("pressure", ("", "pressure")),
    ],
)
def test_the_name_of_a_fact(text: str, pair: tuple[str, str]) -> None:
    assert fact_name(text) == pair
    assert rule(relative_to=text).other == pair


@pytest.mark.parametrize(
    ("text", "value"), [("3.5", 3.5), ("1e3", 1000.0), ("1_000", None), ("nan", None), ("inf", None), ("x", None)]
)
def test_the_number_in_a_text(text: str, value: float | None) -> None:
    assert number_in(text) == value


def test_where_a_rule_stands_makes_no_other_rule_of_it() -> None:
    from pathlib import Path

    from recipes.model import Location

    placed = rule(location=Location(Path("pack.csv"), 3, 1))
    assert placed == rule()
    assert "pack.csv" not in repr(placed)
    assert rule(id="R2") != rule()
    assert len({placed, rule()}) == 1
