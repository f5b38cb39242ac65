"""Ways in which a certificate could be made to say pass, and none of them works."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.dryrun import dry_run
from controller.executor.judgement import lose_track
from controller.executor.run import Run
from controller.metrology import Metrology
from recipes.facts import Evidence, Fact, FactBook
from recipes.findings import RecipeErrors
from recipes.load import load_recipe
from recipes.model import Location, OwnBound
from recipes.plan import make_plan
from recipes.rules.engine import Terms, Verdict, judge
from recipes.rules.pack import load_pack
from recipes.rules.rule import Stage
from recipes.rules.rulebook import tightened
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, planned, variant
from tests.controller.test_dry_run import verdicts
from tests.recipes.library import LINE

COMPARATIVE = LIBRARY / "honda-comparative-1.yaml"
RULES = {rule.id: rule for name in ("honda", "binder-claims") for rule in load_pack(name)}
NOWHERE = Location(Path("r.yaml"), 1, 1)


def errors(tmp_path: Path, *changes: tuple[str, str], source: Path = EXAMPLE) -> str:
    with pytest.raises(RecipeErrors) as raised:
        make_plan(load_recipe(variant(tmp_path / "r.yaml", *changes, source=source)), LINE)
    assert all(finding.location is not None for finding in raised.value.findings)
    return str(raised.value)


def facts(text: str) -> tuple[str, str]:
    return "basis: [honda]", f"basis: [honda]\nfacts:\n  - {{{text}, source: me}}"


# ---------------------------------------------------------------------- declarations


@pytest.mark.parametrize(
    "declared",
    [
        "of: intermediate_layer, quantity: contains, value: [amorphous carbon particles, gold]",
        "of: laminate, quantity: layer_order, value: [cathode collector, SE, intermediate]",
        "of: se_particle, quantity: mean_particle_size, value: 1 um",
    ],
)
def test_what_the_laminate_says_cannot_be_declared_otherwise(tmp_path: Path, declared: str) -> None:
    assert "is declared, but the laminate says otherwise" in errors(tmp_path, facts(declared))


def test_a_text_that_would_leave_a_claim_unanswered_is_refused(tmp_path: Path) -> None:
    changed = ("facts:", "facts:\n  - {of: formula(1).R1, quantity: substituent, value: [cyano], source: me}\n  #")
    told = errors(tmp_path, changed, source=LIBRARY / "binder-claims-electrode.yaml")
    assert "expected any of hydrogen, alkyl, halogen" in told


def test_a_text_where_the_other_side_of_a_rule_needs_a_number_is_located(tmp_path: Path) -> None:
    changed = ("facts:", "facts:\n  - {of: binder_composition, quantity: solids_mass, value: [much], source: me}\n  #")
    assert "B198 needs a number" in errors(tmp_path, changed, source=LIBRARY / "binder-claims-electrode.yaml")


def test_a_value_of_a_later_state_cannot_be_entered_before_it_exists(tmp_path: Path) -> None:
    entry = "area: {expected: 16 cm2, tolerance: 0.5 cm2}"
    porosity = "porosity: {of: cathode_layer@after_join3, expected: 3 %, tolerance: 0.1 %}"
    told = errors(tmp_path, (entry, f"{entry}\n        {porosity}"), source=COMPARATIVE)
    assert "cathode_layer@after_join3 is for an inspection of that lot" in told
    sheet = "inspect: {lot: cathode sheet, measures: [weight, thickness]}"
    lab = "{of: cathode_layer@after_join3, quantity: porosity, low: 0 %, high: 50 %}"
    told = errors(tmp_path, (sheet, sheet.replace("]}", f"], lab: [{lab}]}}")), source=COMPARATIVE)
    assert "cathode_layer@after_join3 cannot be measured on cathode sheet, which is not pressed yet" in told


@pytest.mark.parametrize(("place", "fits"), [("after_densify", True), ("after_join3", False), ("before_join3", True)])
def test_a_lab_value_belongs_to_the_lot_it_was_found_on(tmp_path: Path, place: str, fits: bool) -> None:
    lot = "inspect: {lot: densified assembly, measures: thickness}"
    lab = f"{{of: cathode_layer@{place}, quantity: porosity, low: 0 %, high: 50 %}}"
    changed = (lot, lot.replace("thickness}", f"thickness, lab: [{lab}]}}"))
    if fits:
        make_plan(load_recipe(variant(tmp_path / "r.yaml", changed)), LINE)
    else:
        assert "cannot be measured on densified assembly, which is pressed by" in errors(tmp_path, changed)


def test_a_pack_of_ones_own_cannot_take_a_shipped_name(tmp_path: Path) -> None:
    shipped = LIBRARY.parent / "rules" / "packs"
    for suffix in (".csv", ".yaml"):
        (tmp_path / f"honda{suffix}").write_bytes((shipped / f"honda{suffix}").read_bytes())
    assert "is called like a shipped one" in errors(tmp_path, ("basis: [honda]", "basis: [./honda.csv]"))


# ---------------------------------------------------------------------- judging


def judged(rule_id: str, *made: Fact, confidence: float | None = None) -> Any:
    book = FactBook()
    book.add(made)
    return judge(RULES[rule_id], book, Stage.RELEASE, Terms(confidence=confidence))


def test_a_ratio_is_of_values_in_one_unit() -> None:
    active = Fact("cathode_active_material", "mean_particle_size", 0.005, "mm", Evidence.LAB, "t", 0.0001)
    electrolyte = Fact("se_particle", "mean_particle_size", 1.0, "um", Evidence.LAB, "t", 0.1)
    ratio = judged("H038", electrolyte, active)
    assert (ratio.verdict, ratio.value) == (Verdict.PASS, pytest.approx(0.2))
    assert ratio.uncertainty == pytest.approx((0.02**2 + 0.004**2) ** 0.5)
    heavy = Fact("binder_composition", "solids_mass", 2.5, "kg", Evidence.LAB, "t")
    parts = Fact("electrode_slurry", "active_material_mass", 96.0, "parts", Evidence.LAB, "t")
    assert judged("B198", parts, heavy).verdict is Verdict.UNDETERMINED


def test_a_guarded_comparison_needs_both_uncertainties() -> None:
    known = Fact("join1", "pressure", 90.0, "MPa", Evidence.MEASURED, "t", 0.01)
    unknown = Fact("join2", "pressure", 91.0, "MPa", Evidence.MEASURED, "t", None)
    assert judged("H008", known, unknown).verdict is Verdict.PASS
    assert judged("H008", known, unknown, confidence=0.95).verdict is Verdict.UNDETERMINED


def test_a_bound_of_the_recipes_own_is_meant_to_its_last_digit() -> None:
    own = tightened(RULES["H013"], OwnBound("H013", NOWHERE, 119.6, 120.4, "degC"))
    for value, expected in ((119.5, Verdict.FAIL), (119.6, Verdict.PASS), (120.5, Verdict.FAIL)):
        book = FactBook()
        book.add([Fact("densify", "temperature", value, "degC", Evidence.MEASURED, "t")])
        assert judge(own, book, Stage.RELEASE).verdict is expected


# ---------------------------------------------------------------------- estimates


def test_a_stacks_thickness_says_nothing_of_a_layer_that_it_cannot_show() -> None:
    laminate = load_recipe(EXAMPLE).laminate
    metrology = Metrology(laminate)
    layers = ("cathode", "solid_electrolyte", "intermediate")
    metrology.press("densifying", layers, (980.0, 2.0), (120.0, 0.5), 300.0, 196.0)
    expected = sum(metrology._estimate.thickness_um(layers)) - metrology._estimate.thickness_um(layers)[1]
    assert metrology.thickness(expected + 15.0, 0.6, layers, ("aluminum",)).plausible
    assert metrology.is_measured_since("densifying", "cathode")
    assert metrology.is_measured_since("densifying", "solid_electrolyte")
    assert not metrology.is_measured_since("densifying", "intermediate")
    metrology.lab("intermediate", "porosity", 53.0, 0.3)
    assert metrology.is_measured_since("densifying", "intermediate")


def test_without_the_laboratory_claim_9_is_not_proved_and_claims_1_and_5_are(tmp_path: Path) -> None:
    file = variant(tmp_path / "r.yaml", ("[thickness, composite_modulus, porosity]", "[thickness, composite_modulus]"))
    found = verdicts(dry_run(planned(file, None), scenario="realistic", seed=1))
    assert found["H016"] == "undetermined"
    assert {found[rule_id] for rule_id in ("H003", "H004", "H011", "H012", "H015")} == {"pass"}


def test_what_is_lost_is_no_fact_any_more_and_nobody_can_accept_it() -> None:
    class Lost:
        metrology = Metrology(load_recipe(EXAMPLE).laminate)
        facts = FactBook()

    run: Any = Lost()
    run.facts.add(
        [
            Fact("cathode_layer@after_join3", "porosity", 2.0, "%", Evidence.ESTIMATED, "t", 0.5, by_law_alone=True),
            Fact("cathode_layer@after_join3", "porosity", 2.1, "%", Evidence.LAB, "t", 0.5),
            Fact("se_layer@after_join3", "porosity", 2.0, "%", Evidence.ESTIMATED, "t", 0.5),
        ]
    )
    lost: Run = run
    lose_track(lost, ("cathode",))
    assert [(fact.subject, fact.evidence) for fact in run.facts] == [
        ("cathode_layer@after_join3", Evidence.LAB),
        ("se_layer@after_join3", Evidence.ESTIMATED),
    ]
    assert not run.metrology.is_known("cathode")


def test_the_laboratory_vouches_for_what_it_saw_only(tmp_path: Path) -> None:
    changes = (
        ("layers: intermediate  ", "layers: [cathode, intermediate]  "),
        ("composite_modulus, porosity]", "porosity]"),
    )
    document = dry_run(planned(variant(tmp_path / "r.yaml", *changes), None), scenario="realistic", seed=1)
    rules = {rule["id"]: rule for rule in document["certificate"]["rules"]}
    assert (rules["H003"]["evidence"], rules["H003"]["facts"][0]["source"]) == ("lab", "the laboratory")
    assert rules["H011"]["evidence"] == "estimated"
    assert rules["H015"]["verdict"] == "undetermined"
