"""The rule pack and the engine: every relation, the evidence that counts at each stage, rounding and extremes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.facts import Evidence, Fact, FactBook
from recipes.load import RecipeErrors
from recipes.rules.certificate import accepted, certify
from recipes.rules.engine import Judgement, Verdict, admitted, judge
from recipes.rules.pack import Pack, load_pack, read_pack, shipped_packs
from recipes.rules.rule import Rule, Severity, Stage
from recipes.rules.table import rules_page

ROOT = Path(__file__).parents[2]
HONDA = load_pack()
RULES = {rule.id: rule for rule in HONDA}
MEASURED = Evidence.MEASURED


def fact(
    subject: str,
    quantity: str,
    value: float | str | tuple[str, ...],
    evidence: Evidence = MEASURED,
    extremes: tuple[float, float] | None = None,
    uncertainty: float | None = None,
) -> Fact:
    units = {"porosity": "%", "porosity_decrease_rate": "%", "pressure": "MPa", "temperature": "degC", "time": "s"}
    units |= {"composite_modulus": "GPa", "mean_particle_size": "um", "charge_discharge_capacity_vs_design": "%"}
    low, high = extremes or (None, None)
    return Fact(subject, quantity, value, units.get(quantity, ""), evidence, "test", uncertainty, low, high)


def verdict(rule_id: str, *facts: Fact, stage: Stage = Stage.RELEASE) -> Judgement:
    book = FactBook()
    book.add(facts)
    return judge(RULES[rule_id], book, stage)


def test_the_pack_has_the_92_rules_of_its_source() -> None:
    assert len(HONDA.rules) == 92
    assert [rule.id for rule in HONDA] == [f"H{number:03}" for number in range(1, 93)]
    claims = [rule for rule in HONDA if rule.severity is Severity.CLAIM]
    assert [rule.id for rule in claims] == [f"H{number:03}" for number in range(1, 18)]
    assert RULES["H008"].source == "US 2025/0260067 A1 claim 3"
    assert [rule.id for rule in HONDA if rule.resolution == 1.0 and rule.quantity == "temperature"] == [
        "H013",
        "H049",
        "H053",
        "H057",
        "H072",
    ]
    assert not [rule.id for rule in HONDA if rule.resolution and "porosity" in rule.quantity]


def test_rules_can_be_asked_for_by_stage_and_step() -> None:
    during = HONDA.at(Stage.DURING_STEP, "densify")
    assert [rule.id for rule in during] == ["H013", "H070", "H071", "H072"]
    assert {rule.role for rule in HONDA.at(Stage.BEFORE_STEP, "join3")} == {"join3"}
    assert RULES["H043"].role == "join1"
    assert RULES["H018"].role is None


@pytest.mark.parametrize(
    ("rule_id", "value", "expected"),
    [
        ("H011", 77.0, Verdict.PASS),
        ("H011", 76.6, Verdict.FAIL),  # not rounded to 77, or the source's own comparative would pass
        ("H003", 5.0, Verdict.PASS),
        ("H003", 5.08, Verdict.FAIL),
        ("H015", 0.999, Verdict.PASS),
        ("H015", 1.0, Verdict.FAIL),  # "less than 1 GPa"
        ("H016", 40.0, Verdict.PASS),
        ("H016", 70.0, Verdict.PASS),
        ("H016", 70.1, Verdict.FAIL),
    ],
)
def test_bounds(rule_id: str, value: float, expected: Verdict) -> None:
    rule = RULES[rule_id]
    judgement = verdict(rule_id, fact(rule.subject, rule.quantity, value, Evidence.ESTIMATED, uncertainty=0.4))
    assert judgement.verdict is expected
    assert (judgement.value, judgement.uncertainty, judgement.evidence) == (value, 0.4, Evidence.ESTIMATED)


@pytest.mark.parametrize(
    ("value", "extremes", "expected"),
    [
        (60.0, None, Verdict.PASS),
        (59.6, None, Verdict.PASS),  # 60 at the precision that the source prints
        (59.4, None, Verdict.FAIL),
        (61.0, (59.6, 63.0), Verdict.PASS),
        (61.0, (58.9, 63.0), Verdict.FAIL),
        (199.0, (198.0, 200.4), Verdict.PASS),
        (199.0, (198.0, 200.6), Verdict.FAIL),
    ],
)
def test_a_measured_temperature_is_judged_as_printed_with_its_extremes(
    value: float, extremes: tuple[float, float] | None, expected: Verdict
) -> None:
    assert verdict("H013", fact("densify", "temperature", value, extremes=extremes)).verdict is expected


def test_what_was_commanded_is_not_rounded() -> None:
    commanded = fact("densify", "temperature", 59.6, Evidence.COMMANDED)
    judgement = verdict("H013", commanded, stage=Stage.DESIGN)
    assert judgement.verdict is Verdict.FAIL
    assert judgement.words == "densify: temperature 59.6 degC is below 60 degC"


def test_words_never_show_a_value_as_its_own_bound() -> None:
    judgement = verdict("H003", fact("cathode_layer@after_join3", "porosity", 5.000001, Evidence.ESTIMATED))
    assert judgement.verdict is Verdict.FAIL
    assert judgement.words == "cathode layer after join3: porosity 5.000001 % is above 5 %"


@pytest.mark.parametrize(
    ("rule_id", "ours", "theirs", "expected"),
    [
        ("H008", 290.0, 90.0, Verdict.PASS),
        ("H008", 90.0, 90.0, Verdict.FAIL),
        ("H008", 80.0, 90.0, Verdict.FAIL),
        ("H010", 180.0, 290.0, Verdict.PASS),
        ("H010", 290.0, 290.0, Verdict.FAIL),
        ("H065", 290.0, 90.0, Verdict.PASS),
        ("H065", 100.0, 90.0, Verdict.FAIL),
        ("H091", 180.0, 290.0, Verdict.PASS),
        ("H091", 280.0, 290.0, Verdict.FAIL),
    ],
)
def test_pressures_are_compared(rule_id: str, ours: float, theirs: float, expected: Verdict) -> None:
    rule = RULES[rule_id]
    facts = fact(rule.subject, "pressure", ours), fact(rule.other[0], "pressure", theirs)
    judgement = verdict(rule_id, *facts)
    assert judgement.verdict is expected
    assert judgement.facts == facts


def test_a_ratio_has_the_uncertainty_of_both() -> None:
    intermediate = fact("intermediate_layer@laminate", "porosity", 54.0, Evidence.ESTIMATED, uncertainty=0.54)
    cathode = fact("cathode_layer@laminate", "porosity", 2.0, Evidence.LAB, uncertainty=0.1)
    judgement = verdict("H023", intermediate, cathode)
    assert judgement.value == 27.0
    assert judgement.uncertainty == pytest.approx(27.0 * (0.01**2 + 0.05**2) ** 0.5)
    assert judgement.evidence is Evidence.ESTIMATED  # the weaker of the two
    none = verdict("H023", intermediate, fact("cathode_layer@laminate", "porosity", 0.0))
    assert none.verdict is Verdict.UNDETERMINED


def test_particles_may_be_as_large_but_their_ratio_not_as_small_as_the_bound() -> None:
    equal = fact("se_particle", "mean_particle_size", 5.0, Evidence.DECLARED)
    active = fact("cathode_active_material", "mean_particle_size", 5.0, Evidence.DECLARED)
    assert verdict("H037", equal, active).verdict is Verdict.PASS
    assert verdict("H038", equal, active).verdict is Verdict.PASS
    small = fact("se_particle", "mean_particle_size", 0.5, Evidence.DECLARED)
    assert verdict("H038", small, active).verdict is Verdict.FAIL


def test_the_order_of_moduli() -> None:
    moduli = {"intermediate": 0.8, "metal": 2.0, "se": 20.0, "cathode": 80.0}

    def facts(values: dict[str, float]) -> list[Fact]:
        return [fact(f"{n}_layer@laminate", "composite_modulus", v, Evidence.LAB) for n, v in values.items()]

    assert verdict("H027", *facts(moduli)).verdict is Verdict.PASS
    assert verdict("H027", *facts(moduli | {"metal": 30.0})).verdict is Verdict.FAIL
    assert verdict("H027", *facts(moduli | {"metal": 20.0})).verdict is Verdict.FAIL
    lacking = verdict("H027", *facts({"intermediate": 0.8}))
    assert lacking.verdict is Verdict.UNDETERMINED
    assert "composite modulus of metal layer in the laminate" in lacking.words


@pytest.mark.parametrize(
    ("roles", "stage", "expected"),
    [
        (("join1", "join2", "densify", "join3"), Stage.RELEASE, Verdict.PASS),
        (("join1", "densify", "join2", "join3"), Stage.RELEASE, Verdict.FAIL),
        (("join1", "join2", "densify"), Stage.RELEASE, Verdict.FAIL),
        (("join1", "join2", "densify"), Stage.DESIGN, Verdict.FAIL),
        (("join1", "join2"), Stage.BEFORE_STEP, Verdict.UNDETERMINED),
        (("join1", "densify"), Stage.BEFORE_STEP, Verdict.FAIL),
        (("join1", "join1", "join2", "densify", "join3"), Stage.RELEASE, Verdict.FAIL),
    ],
)
def test_the_order_of_steps(roles: tuple[str, ...], stage: Stage, expected: Verdict) -> None:
    evidence = Evidence.DECLARED if stage is Stage.DESIGN else MEASURED
    assert verdict("H001", fact("line", "step_order", roles, evidence), stage=stage).verdict is expected


def test_an_order_that_was_only_planned_does_not_pass_at_release() -> None:
    planned = fact("line", "step_order", ("join1", "join2", "densify", "join3"), Evidence.DECLARED)
    assert verdict("H001", planned, stage=Stage.DESIGN).verdict is Verdict.PASS
    assert verdict("H001", planned, stage=Stage.BEFORE_STEP).verdict is Verdict.PASS
    assert verdict("H001", planned, stage=Stage.RELEASE).verdict is Verdict.UNDETERMINED


@pytest.mark.parametrize(
    ("rule_id", "value", "expected"),
    [
        ("H014", "isostatic", Verdict.PASS),
        ("H014", "uniaxial", Verdict.FAIL),
        ("H046", "uniaxial", Verdict.PASS),
        ("H046", "isostatic", Verdict.FAIL),
        ("H069", "isostatic", Verdict.PASS),
        ("H035", ("aluminum",), Verdict.PASS),
        ("H035", ("copper",), Verdict.FAIL),
        ("H035", ("aluminum", "copper"), Verdict.FAIL),
        ("H017", ("metal particles", "amorphous carbon particles"), Verdict.PASS),
        ("H017", ("metal particles",), Verdict.FAIL),
        ("H002", ("cathode collector", "cathode AM", "SE", "intermediate", "negative electrode"), Verdict.PASS),
        ("H002", ("cathode collector", "SE", "cathode AM", "intermediate", "negative electrode"), Verdict.FAIL),
    ],
)
def test_texts(rule_id: str, value: str | tuple[str, ...], expected: Verdict) -> None:
    rule = RULES[rule_id]
    assert verdict(rule_id, fact(rule.subject, rule.quantity, value, Evidence.DECLARED)).verdict is expected


@pytest.mark.parametrize("rule", HONDA.rules, ids=lambda rule: rule.id)
def test_without_facts_every_rule_is_undetermined_and_says_what_is_missing(rule: Rule) -> None:
    for stage in Stage:
        judgement = judge(rule, FactBook(), stage)
        assert judgement.verdict is Verdict.UNDETERMINED
        assert judgement.words.startswith("not known: ")
        assert judgement.evidence is None


def test_which_evidence_counts_at_which_stage() -> None:
    pressure, porosity, method = RULES["H008"], RULES["H003"], RULES["H014"]
    commanded, estimated, declared, lab = Evidence.COMMANDED, Evidence.ESTIMATED, Evidence.DECLARED, Evidence.LAB
    assert admitted(pressure, Stage.DESIGN) == {commanded}
    assert admitted(pressure, Stage.BEFORE_STEP) == {commanded, MEASURED}
    assert admitted(pressure, Stage.AFTER_STEP) == admitted(pressure, Stage.RELEASE) == {MEASURED}
    assert admitted(porosity, Stage.DESIGN) == {estimated}
    assert admitted(porosity, Stage.RELEASE) == {estimated, MEASURED, lab}
    assert admitted(method, Stage.RELEASE) == {declared}
    assert admitted(RULES["H015"], Stage.RELEASE) == {estimated, lab}
    assert not admitted(RULES["H092"], Stage.DESIGN)


def test_before_a_step_what_was_reached_counts_for_earlier_steps() -> None:
    commanded = [
        fact("join1", "pressure", 90.0, Evidence.COMMANDED),
        fact("join2", "pressure", 95.0, Evidence.COMMANDED),
    ]
    reached = fact("join1", "pressure", 96.0)
    assert verdict("H008", *commanded, stage=Stage.BEFORE_STEP).verdict is Verdict.PASS
    assert verdict("H008", *commanded, reached, stage=Stage.BEFORE_STEP).verdict is Verdict.FAIL
    assert verdict("H008", *commanded, reached, stage=Stage.RELEASE).verdict is Verdict.UNDETERMINED


def test_a_lab_value_overrides_an_estimate() -> None:
    estimate = fact("cathode_layer@after_join3", "porosity", 4.0, Evidence.ESTIMATED)
    lab = fact("cathode_layer@after_join3", "porosity", 6.0, Evidence.LAB)
    assert verdict("H003", estimate).verdict is Verdict.PASS
    assert verdict("H003", estimate, lab).verdict is Verdict.FAIL


def test_a_fact_in_another_unit_is_a_mistake_of_the_program() -> None:
    with pytest.raises(ValueError, match="H013 is in degC"):
        verdict("H013", Fact("densify", "temperature", 393.15, "MPa", MEASURED, "test"))
    with pytest.raises(TypeError, match="needs a number"):
        verdict("H013", Fact("densify", "temperature", "warm", "degC", MEASURED, "test"))


@given(st.floats(0.0, 100.0), st.floats(0.0, 20.0))
def test_more_porosity_never_turns_a_limit_into_a_pass(porosity: float, more: float) -> None:
    def passes(value: float) -> bool:
        return verdict("H003", fact("cathode_layer@after_join3", "porosity", value)).verdict is Verdict.PASS

    assert passes(porosity) or not passes(porosity + more)


def test_a_certificate_counts_and_undetermined_is_no_acceptance() -> None:
    pack = Pack("two", "doc", (RULES["H003"], RULES["H013"], RULES["H020"]))
    book = FactBook()
    book.add([fact("cathode_layer@after_join3", "porosity", 4.0), fact("cathode_layer@laminate", "porosity", 4.0)])
    certificate = certify(pack, book)
    assert (certificate.pass_, certificate.fail, certificate.undetermined) == (1, 1, 1)
    assert certificate.judgement("H020").verdict is Verdict.FAIL
    assert not accepted(certificate)
    book.add([fact("densify", "temperature", 120.0)])
    assert accepted(certify(pack, book))  # H020 is no claim
    book.add([fact("densify", "temperature", 25.0)])
    assert not accepted(certify(pack, book))
    with pytest.raises(KeyError):
        certificate.judgement("H999")


HEADER = (ROOT / "recipes" / "rules" / "packs" / "honda.csv").read_text(encoding="utf-8").splitlines()[0]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("X1,c,claims,design,lab,range,a,b,%,,,5,1,,,,", ":2:3: severity: 'claims' is none of claim"),
        ("X1,c,claim,later,lab,range,a,b,%,,,5,1,,,,", ":2:4: stage: 'later' is none of"),
        ("X1,c,claim,design,guess,range,a,b,%,,,5,1,,,,", ":2:5: evidence: 'guess' is none of"),
        ("X1,c,claim,design,lab,near,a,b,%,,,5,1,,,,", ":2:6: relation: 'near' is none of"),
        ("X1,c,claim,design,lab,range,a,b,%,,,,,,,,", ":2:10: lower: a range needs a lower or an upper bound"),
        ("X1,c,claim,design,lab,range,a,b,%,six,,,,,,,", ":2:10: lower: 'six' is no number"),
        ("X1,c,claim,design,lab,range,a,b,%,6,1,5,1,,,,", ":2:12: upper: is below the lower bound"),
        ("X1,c,claim,design,lab,range,a,b,%,,,5,yes,,,,", ":2:13: upper_inclusive: expected 0 or 1"),
        ("X1,c,claim,design,lab,greater_than,a,b,%,,,,,join1,,,", ":2:14: relative_to: expected the other fact"),
        ("X1,c,claim,design,lab,one_of,a,b,,,,,,,,,", ":2:14: relative_to: one_of needs something to compare with"),
        ("X1,c,claim,design,lab,range,a,b,%,,,5,1,,,0,", ":2:16: resolution: must be greater than 0"),
        (",c,claim,design,lab,range,a,b,%,,,5,1,,,,", ":2:1: id: is empty"),
        ("X1,c,claim,design,lab,range,a,b,%,,,5,1,,,", ":2:1: id: a row has 17 cells"),
    ],
)
def test_mistakes_in_a_pack_are_located_by_line_and_cell(tmp_path: Path, row: str, message: str) -> None:
    file = tmp_path / "pack.csv"
    file.write_text(f"{HEADER}\n{row}\n", encoding="utf-8")
    with pytest.raises(RecipeErrors) as errors:
        read_pack(file, "doc")
    assert any(message in str(finding) for finding in errors.value.findings), str(errors.value)


def test_a_pack_needs_its_columns_and_a_file(tmp_path: Path) -> None:
    file = tmp_path / "pack.csv"
    file.write_text("id,ref\n", encoding="utf-8")
    with pytest.raises(RecipeErrors, match=r"pack\.csv:1:1: the columns of a rule pack are id, ref"):
        read_pack(file, "doc")
    with pytest.raises(RecipeErrors, match="cannot read the rule pack"):
        load_pack("nobody")
    row = "X1,c,claim,design,lab,range,a,b,%,,,5,1,,,,"
    file.write_text(f"{HEADER}\n{row}\n{row}\n", encoding="utf-8")
    with pytest.raises(RecipeErrors, match="X1 is there twice"):
        read_pack(file, "doc")


def test_the_reference_page_is_the_pack() -> None:
    assert (ROOT / "docs" / "reference" / "rules.md").read_text(encoding="utf-8") == rules_page(
        [load_pack(name) for name in shipped_packs()]
    )
