"""On what terms a recipe is judged: its own bounds, guarded acceptance, accepted estimates, units; as properties."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from recipes.facts import Evidence, Fact, FactBook
from recipes.findings import RecipeErrors
from recipes.load import load_recipe
from recipes.model import Location, OwnBound, Recipe
from recipes.plan import Refused, make_plan
from recipes.rules.certificate import Certificate, accepted, certify
from recipes.rules.engine import Judgement, Terms, Verdict, judge
from recipes.rules.pack import COLUMNS, load_pack
from recipes.rules.rule import Relation, Rule, Severity, Stage
from recipes.rules.rulebook import LooserError, rulebook, terms, tightened
from recipes.units import converted
from tests.recipes.library import LINE, edited, errors_of, line_of, shipped

RULES = {rule.id: rule for name in ("honda", "zeon-heat-resistant-layer") for rule in load_pack(name)}
RANGES = [rule for rule in RULES.values() if rule.relation is Relation.RANGE and Stage.RELEASE in rule.stages]
NOWHERE = Location(Path("recipe.yaml"), 1, 1)
VALUES = st.floats(-50.0, 1500.0)
SIGMAS = st.floats(0.0, 50.0)


def found(rule: Rule, value: float, uncertainty: float | None = None) -> FactBook:
    evidence = max(rule.evidence - {Evidence.DECLARED, Evidence.COMMANDED}, key=list(Evidence).index)
    book = FactBook()
    book.add([Fact(rule.subject, rule.quantity, value, rule.unit, evidence, "test", uncertainty)])
    return book


def verdict(rule: Rule, value: float, uncertainty: float | None = None, confidence: float | None = None) -> Verdict:
    return judge(rule, found(rule, value, uncertainty), Stage.RELEASE, Terms(confidence=confidence)).verdict


# ---------------------------------------------------------------------- own bounds


@given(st.sampled_from(RANGES), VALUES, st.floats(0.0, 20.0), st.floats(0.0, 20.0))
def test_tightening_a_bound_never_turns_fail_into_pass(rule: Rule, value: float, low: float, high: float) -> None:
    own = OwnBound(
        rule.id,
        NOWHERE,
        None if rule.lower is None else rule.lower + low,
        None if rule.upper is None else rule.upper - high,
        rule.unit,
    )
    assume(own.at_least is None or own.at_most is None or own.at_least <= own.at_most)
    stricter = tightened(rule, own)
    if verdict(rule, value) is Verdict.FAIL:
        assert verdict(stricter, value) is Verdict.FAIL
    if verdict(stricter, value) is Verdict.PASS:
        assert verdict(rule, value) is Verdict.PASS


@given(st.sampled_from(RANGES), st.floats(0.001, 100.0))
def test_a_looser_bound_is_never_taken(rule: Rule, by: float) -> None:
    low = None if rule.lower is None else rule.lower - by
    high = None if rule.upper is None else rule.upper + by
    for own in (
        OwnBound(rule.id, NOWHERE, low, None, rule.unit),
        OwnBound(rule.id, NOWHERE, None, high, rule.unit),
    ):
        if own.at_least is not None or own.at_most is not None:
            with pytest.raises(LooserError):
                tightened(rule, own)


@pytest.mark.parametrize(("rule_id", "factor", "unit"), [("H070", 1e-3, "GPa"), ("H071", 1 / 60, "min")])
def test_a_bound_in_another_unit_is_the_same_bound(rule_id: str, factor: float, unit: str) -> None:
    rule = RULES[rule_id]
    wanted = rule.upper / 2 if rule.upper is not None else 0.0
    own = tightened(rule, OwnBound(rule_id, NOWHERE, at_most=wanted * factor, unit=unit))
    assert own.upper == pytest.approx(wanted, rel=1e-12)
    with pytest.raises(ValueError, match=f"{rule_id} is in {rule.unit}, not in um"):
        tightened(rule, OwnBound(rule_id, NOWHERE, at_most=1.0, unit="um"))


def with_rules(tmp_path: Path, text: str, name: str = "honda-example-1") -> Path:
    return edited(tmp_path, ("basis: [honda]\n", f"basis: [honda]\n{text}"), name=name)


def test_a_recipe_can_be_stricter_and_says_so(tmp_path: Path) -> None:
    file = with_rules(tmp_path, "rules:\n  H003: {at_most: 2 %}\n  H020: {required: yes}\n")
    rules = {rule.id: rule for rule in rulebook(load_recipe(file)).rules}
    assert rules["H003"].upper == 2.0
    assert "the recipe's own bound; US 2025/0260067 A1 claim 1 asks at most 5 %" in rules["H003"].note
    assert rules["H020"].severity is Severity.REQUIRED
    with pytest.raises(Refused) as refused:
        make_plan(load_recipe(file), LINE)
    assert [finding.rule_id for finding in refused.value.findings if finding.level == "refused"] == ["H003"]


def test_a_production_recipe_cannot_be_looser(tmp_path: Path) -> None:
    file = with_rules(tmp_path, "rules:\n  H013: {at_least: 20 degC}\n")
    with pytest.raises(RecipeErrors) as errors:
        make_plan(load_recipe(file), LINE)
    (finding,) = errors.value.findings
    assert finding.location is not None
    assert finding.location.line == line_of(file, "H013: {")
    assert "at least 20 is looser; only a comparative recipe, with a reason, may ask less" in finding.message


def test_a_comparative_recipe_may_be_looser_and_is_still_judged_by_the_source(tmp_path: Path) -> None:
    file = with_rules(tmp_path, "rules:\n  H013: {at_least: 20 degC}\n", "honda-comparative-1")
    plan = make_plan(load_recipe(file), LINE)
    would = [finding for finding in plan.findings if finding.level == "would_refuse" and finding.rule_id == "H013"]
    assert any("the certificate is judged by the source" in finding.message for finding in would)
    assert next(rule for rule in plan.rules.rules if rule.id == "H013").lower == 60.0


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rules:\n  H093: {at_most: 5 %}\n", "no pack of the basis has a rule 'H093'"),
        ("rules:\n  H003: {at_most: 5 degC}\n", "H003 is in %, not in degC"),
        ("rules:\n  H003: {at_most: 5}\n", "H003 is in %, not in no unit"),
        ("rules:\n  H005: {at_least: 5 MPa}\n", "H005 has no bounds that could be stricter"),
        ("rules:\n  H013: {at_least: 150 degC, at_most: 100 degC}\n", "100 is below at_least 150"),
        ("rules:\n  H013: {at_least: 190 degC}\n  H013: {at_most: 70 degC}\n", "'H013' is written twice"),
        ("rules:\n  H013: {}\n", "nothing is asked"),
        ("rules:\n  H013: {atleast: 70 degC}\n", "unknown key 'atleast', in rules.H013: expected 'at_least'"),
        ("accept_estimates: {rules: [H01], by: A. Person, reason: none}\n", "no pack of the basis has a rule 'H01'"),
        ("decision_rule: {acceptance: guarded}\n", "'confidence' is missing"),
        ("decision_rule: {acceptance: guarded, confidence: 40 %}\n", "40 % is not possible"),
        ("decision_rule: {acceptance: simple, confidence: 95 %}\n", "simple acceptance has no confidence"),
    ],
)
def test_bad_terms_are_located(tmp_path: Path, text: str, message: str) -> None:
    file = with_rules(tmp_path, text)
    with pytest.raises(RecipeErrors) as errors:
        make_plan(load_recipe(file), LINE)
    assert any(message in str(finding) for finding in errors.value.findings), str(errors.value)
    assert all(finding.location is not None for finding in errors.value.findings)


def test_an_unknown_pack_is_located_and_the_shipped_ones_are_named(tmp_path: Path) -> None:
    file = edited(tmp_path, ("basis: [honda]", "basis: [hondas]"))
    with pytest.raises(RecipeErrors) as errors:
        make_plan(load_recipe(file), LINE)
    (finding,) = errors.value.findings
    assert finding.location is not None
    assert (finding.location.file, finding.location.line) == (file, line_of(file, "basis:"))
    assert "hondas" in finding.message
    assert "honda" in finding.message
    assert errors_of(edited(tmp_path, ("basis: [honda]\n", ""))) == [
        "edited.yaml:4:1: 'basis' is missing, in the recipe: expected a list of names"
    ]


# ---------------------------------------------------------------------- decision rule


@given(st.sampled_from(RANGES), VALUES, SIGMAS, st.floats(0.51, 0.999))
def test_guarded_acceptance_passes_only_what_simple_acceptance_passes(
    rule: Rule, value: float, sigma: float, confidence: float
) -> None:
    simple, guarded = verdict(rule, value, sigma), verdict(rule, value, sigma, confidence)
    assert (guarded is Verdict.FAIL) == (simple is Verdict.FAIL)
    assert guarded is not Verdict.PASS or simple is Verdict.PASS


@given(st.sampled_from(RANGES), VALUES, SIGMAS, st.floats(0.51, 0.99), st.floats(0.0, 0.009))
def test_more_confidence_never_turns_undetermined_into_pass(
    rule: Rule, value: float, sigma: float, confidence: float, more: float
) -> None:
    if verdict(rule, value, sigma, confidence + more) is Verdict.PASS:
        assert verdict(rule, value, sigma, confidence) is Verdict.PASS


@pytest.mark.parametrize(
    ("value", "sigma", "expected"),
    [
        (3.3, 1.0, Verdict.PASS),  # 5 - 1.645 = 3.355
        (3.4, 1.0, Verdict.UNDETERMINED),
        (5.0, 0.0, Verdict.PASS),
        (5.1, 1.0, Verdict.FAIL),
        (3.3, None, Verdict.UNDETERMINED),
    ],
)
def test_the_guard_band_of_95_percent_is_1_645_standard_uncertainties(
    value: float, sigma: float | None, expected: Verdict
) -> None:
    assert verdict(RULES["H003"], value, sigma, 0.95) is expected


def test_guarded_words_show_the_room_and_what_is_asked() -> None:
    rule = RULES["H003"]
    judgement = judge(rule, found(rule, 4.0, 1.0), Stage.RELEASE, Terms(confidence=0.95))
    assert judgement.words.endswith("but only by 1 %; guarded acceptance at 95 % asks for 1.645 %")


def test_a_setpoint_is_not_guarded() -> None:
    book = FactBook()
    book.add([Fact("densify", "temperature", 60.0, "degC", Evidence.COMMANDED, "test")])
    assert judge(RULES["H013"], book, Stage.DESIGN, Terms(confidence=0.99)).verdict is Verdict.PASS


def test_a_comparison_is_guarded_by_the_uncertainty_of_the_difference() -> None:
    rule = RULES["H008"]

    def compared(first: float, second: float, sigma: float) -> Verdict:
        book = FactBook()
        book.add([Fact("join1", "pressure", first, "MPa", Evidence.MEASURED, "test", sigma)])
        book.add([Fact("join2", "pressure", second, "MPa", Evidence.MEASURED, "test", sigma)])
        return judge(rule, book, Stage.RELEASE, Terms(confidence=0.95)).verdict

    assert compared(90.0, 93.0, 1.0) is Verdict.PASS  # 1.645 x 1.414 = 2.33
    assert compared(90.0, 92.0, 1.0) is Verdict.UNDETERMINED
    assert compared(90.0, 90.0, 1.0) is Verdict.FAIL


# ---------------------------------------------------------------------- units and undetermined


@given(st.floats(0.1, 2000.0), st.sampled_from(["Pa", "kPa", "bar", "GPa"]))
def test_changing_the_unit_of_a_fact_changes_nothing(pressure_mpa: float, unit: str) -> None:
    rule = RULES["H070"]
    other = converted(pressure_mpa, "MPa", unit)
    assert other is not None

    def judged(value: float, in_unit: str) -> Judgement:
        book = FactBook()
        book.add([Fact("densify", "pressure", value, in_unit, Evidence.MEASURED, "test")])
        return judge(rule, book, Stage.RELEASE)

    ours, theirs = judged(pressure_mpa, "MPa"), judged(other, unit)
    assert ours.verdict is theirs.verdict
    assert theirs.value == pytest.approx(ours.value, rel=1e-12)


@pytest.mark.parametrize(
    "change",
    [
        (
            "pressure: 980 MPa\n      pressure_window: 960.4..999.6 MPa",
            "pressure: 0.98 GPa\n      pressure_window: 0.9604..0.9996 GPa",
        ),
        ("dwell: 3 min", "dwell: 180 s"),
        ("temperature: 120 degC", "temperature: 393.15 K"),
        ("area: 16 cm2                 ", "area: 1600 mm2               "),
        ("thickness: 15 um, density: 2.70 g/cm3", "thickness: 0.015 mm, density: 2700 kg/m3"),
    ],
)
def test_changing_the_units_of_a_recipe_changes_nothing(tmp_path: Path, change: tuple[str, str]) -> None:
    plan, other = make_plan(shipped("honda-example-1"), LINE), make_plan(load_recipe(edited(tmp_path, change)), LINE)
    assert other.hash == plan.hash
    assert [(j.rule_id, j.verdict, j.value) for j in other.judgements] == [
        (j.rule_id, j.verdict, j.value) for j in plan.judgements
    ]


@given(st.lists(st.sampled_from(list(Verdict)), min_size=1, max_size=6))
def test_undetermined_is_never_counted_as_pass(verdicts: list[Verdict]) -> None:
    rule = RULES["H003"]
    base = judge(rule, FactBook(), Stage.RELEASE)
    made = tuple(replace(base, rule=replace(rule, id=f"X{n}"), verdict=v) for n, v in enumerate(verdicts))
    certificate = Certificate(0, 0, 0, made)
    assert accepted(certificate) == all(v is Verdict.PASS for v in verdicts)


@given(st.lists(st.tuples(st.sampled_from(RANGES), VALUES), max_size=8))
def test_the_counts_of_a_certificate_are_its_verdicts(values: list[tuple[Rule, float]]) -> None:
    book = FactBook()
    for rule, value in values:
        book.add(found(rule, value))
    certificate = certify(RULES.values(), book)
    assert certificate.pass_ + certificate.fail + certificate.undetermined == len(certificate.judgements)
    assert certificate.pass_ == sum(j.verdict is Verdict.PASS for j in certificate.judgements)


# ---------------------------------------------------------------------- a pack of one's own


HEADER = ",".join(COLUMNS)
PACK = (
    f"{HEADER}\nS001,4.2,required,design;after_step,commanded;measured,range,densify,temperature,degC,80,1,,,,,1,oil\n"
)


def test_anyone_can_add_a_pack_beside_a_recipe(tmp_path: Path) -> None:
    (tmp_path / "site.csv").write_text(PACK, encoding="utf-8")
    (tmp_path / "site.yaml").write_text(
        "document: site standard 7\ntitle: What our plant asks\nabout: Two rules of ours.\n", encoding="utf-8"
    )
    file = edited(tmp_path, ("basis: [honda]", "basis: [honda, ./site.csv]"), name="honda-example-3")
    with pytest.raises(Refused) as refused:
        make_plan(load_recipe(file), LINE)
    (finding,) = [finding for finding in refused.value.findings if finding.level == "refused"]
    assert (finding.rule_id, finding.source) == ("S001", "site standard 7 4.2")
    assert "temperature 60 degC is below 80 degC" in finding.message


def test_the_plan_says_exactly_which_rules_it_was_judged_by(tmp_path: Path) -> None:
    (tmp_path / "site.csv").write_text(PACK, encoding="utf-8")
    (tmp_path / "site.yaml").write_text("document: d\ntitle: t\nabout: a\n", encoding="utf-8")
    file = edited(tmp_path, ("basis: [honda]", "basis: [honda, ./site.csv]"))
    before = make_plan(load_recipe(file), LINE).hash
    (tmp_path / "site.csv").write_text(PACK.replace(",80,1", ",79,1"), encoding="utf-8")
    assert make_plan(load_recipe(file), LINE).hash != before


def test_terms_come_from_the_recipe(tmp_path: Path) -> None:
    text = (
        "decision_rule: {acceptance: guarded, confidence: 95 %}\naccept_estimates: {rules: [H015], by: A, reason: b}\n"
    )
    recipe: Recipe = load_recipe(with_rules(tmp_path, text))
    asked = terms(recipe, rulebook(recipe))
    assert (asked.confidence, asked.accepted) == (0.95, frozenset({"H015"}))
    assert asked.names["densify"] == "densifying"
    plain = shipped("honda-example-1")
    assert terms(plain, rulebook(plain)).confidence is None
