"""Plans: order, exact setpoints, predictions, refusals with both numbers, and the hash."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from recipes.declared import layer_subject, modulus_facts, porosity_facts, press_facts, recipe_facts, step_order_fact
from recipes.facts import Evidence, FactBook
from recipes.load import load_recipe
from recipes.lots import contents, ordered
from recipes.model import StepKind, Window
from recipes.plan import Plan, Refused, UnitCapability, make_plan
from recipes.predict import duration_s
from recipes.rules.certificate import accepted, certify
from recipes.rules.pack import load_pack
from tests.recipes.library import COMPARATIVES, EXAMPLES, LIBRARY, LINE, edited, line_of, planned, refusals_of, shipped


def ids(plan: Plan, level: str) -> set[str]:
    return {finding.rule_id for finding in plan.findings if finding.level == level and finding.rule_id is not None}


@pytest.mark.parametrize(
    ("name", "advice"),
    [("honda-example-1", set()), ("honda-example-2", {"H020"}), ("honda-example-3", {"H020", "H082"})],
)
def test_examples_are_accepted_with_little_advice(name: str, advice: set[str]) -> None:
    plan = planned(name)
    assert ids(plan, "would_refuse") == set()
    assert ids(plan, "advice") == advice


@pytest.mark.parametrize(
    ("name", "claims"),
    [
        ("honda-comparative-1", {"H003", "H011", "H012", "H013"}),
        ("honda-comparative-2", {"H003", "H011", "H012", "H013"}),
        ("honda-comparative-3", {"H003", "H004", "H011", "H012", "H013"}),
    ],
)
def test_comparatives_are_planned_and_told_what_would_refuse_them(name: str, claims: set[str]) -> None:
    plan = planned(name)
    assert ids(plan, "would_refuse") == claims
    claim_6 = next(finding for finding in plan.findings if finding.rule_id == "H013")
    assert claim_6.message == "densifying: temperature 25 degC is below 60 degC"
    assert claim_6.source == "US 2025/0260067 A1 claim 6"
    assert claim_6.location is not None
    assert claim_6.location.line == line_of(LIBRARY / f"{name}.yaml", "temperature_window: 22..37") - 1


@pytest.mark.parametrize("name", COMPARATIVES)
def test_a_comparative_as_production_is_refused(tmp_path: Path, name: str) -> None:
    text = (LIBRARY / f"{name}.yaml").read_text(encoding="utf-8")
    file = tmp_path / "production.yaml"
    file.write_text("".join(line for line in text.splitlines(True) if not line.startswith(("purpose:", "reason:"))))
    assert any("(H013, US 2025/0260067 A1 claim 6)" in message for message in refusals_of(file))


def test_a_weaker_second_joining_is_refused_at_its_line(tmp_path: Path) -> None:
    file = edited(tmp_path, ("pressure: 290 MPa", "pressure: 80 MPa"), ("284.2..295.8", "78.4..81.6"))
    line = line_of(file, "pressure: 80 MPa")
    assert refusals_of(file)[0] == (
        f"edited.yaml:{line}:17: second joining: pressure 80 MPa is not greater than first joining's 90 MPa"
        " (H008, US 2025/0260067 A1 claim 3)"
    )


def test_steps_are_exact() -> None:
    plan = planned("honda-example-1")
    steps = {item.step.name: item for item in plan.steps}
    assert {name: item.force_kn for name, item in steps.items() if item.force_kn is not None} == {
        "first joining": 144.0,
        "second joining": 464.0,
        "third joining": 288.0,
    }
    assert steps["densifying"].unit == "isostatic-press-1"
    assert steps["first joining"].unit == "uniaxial-press-1"
    assert steps["coat cathode"].unit == "coater-1"
    assert steps["coat cathode"].gap_um == pytest.approx(209.4 / 0.6, rel=0.002)  # wet film of 209 um
    assert steps["bag"].unit is None
    assert steps["inspect first assembly"].unit is None
    assert all(item.unit is None or item.step.kind in (StepKind.COAT, StepKind.PRESS) for item in plan.steps)
    assert steps["coat solid electrolyte"].foils == ("support_sheet",)
    assert steps["first joining"].foils == ("aluminum", "support_sheet")
    assert steps["inspect first assembly"].foils == ("aluminum",)
    assert steps["inspect first assembly"].layers == ("cathode", "solid_electrolyte")
    assert steps["third joining"].foils == ("aluminum", "lithium", "copper")
    assert steps["third joining"].layers == ("cathode", "solid_electrolyte", "intermediate")


def test_predictions_are_the_laws() -> None:
    predictions = planned("honda-example-1").predictions
    assert list(predictions) == ["first joining", "second joining", "densifying", "third joining"]
    before, after, uncertainty = predictions["densifying"]["cathode"]
    assert before == pytest.approx(26.1, abs=0.1)
    assert after == pytest.approx(2.26, abs=0.02)
    assert 0.2 < uncertainty < 3.0
    assert set(predictions["first joining"]) == {"cathode", "solid_electrolyte"}
    third = predictions["third joining"]
    assert all(
        third[layer][0] == pytest.approx(third[layer][1]) for layer in third
    )  # the third joining changes nothing


def test_durations_are_those_of_the_phases() -> None:
    steps = {step.name: step for step in shipped("honda-example-1").steps}
    assert duration_s(steps["first joining"]) == pytest.approx(80 + 10 + 9 + 180 + 9)
    ramp = 980 / 5 * (0.95 + 0.25)
    assert duration_s(steps["densifying"]) == pytest.approx(80 + 60 + 180 + ramp + 300 + 930 / 5 + 50)
    assert 40 * 60 < sum(item.predicted_s for item in planned("honda-example-1").steps) < 65 * 60


def test_the_order_follows_lots_and_else_the_file() -> None:
    recipe = shipped("honda-example-1")
    assert ordered(recipe.steps) == recipe.steps
    shuffled = tuple(reversed(recipe.steps))
    again = ordered(shuffled)
    done: set[str] = set()
    for step in again:
        assert done.issuperset(step.consumes)
        done.update(lot for lot in [step.produces] if lot is not None)
    names = [step.name for step in again]
    assert names.index("inspect cathode sheet") < names.index("stack cathode and solid electrolyte")
    assert contents(recipe, again) == contents(recipe, recipe.steps)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            [("pressure: 290 MPa", "pressure: 400 MPa"), ("284.2..295.8", "392..408")],
            "400 MPa on 1600 mm2 is 640 kN, uniaxial-press-1 reaches 600 kN",
        ),
        (
            [("pressure: 980 MPa", "pressure: 1150 MPa"), ("960.4..999.6", "1127..1173")],
            "pressure 1150 MPa, isostatic-press-1 reaches 1100 MPa",
        ),
        (
            [("temperature: 120 degC", "temperature: 210 degC"), ("117..132", "207..222")],
            "temperature 210 degC, isostatic-press-1 reaches 20 to 200 degC",
        ),
        ([("ramp: 10 MPa/s", "ramp: 60 MPa/s")], "ramp 60 MPa/s is 96 kN/s, uniaxial-press-1 reaches 80 kN/s"),
        ([("release: 5 MPa/s", "release: 20 MPa/s")], "release 20 MPa/s, isostatic-press-1 reaches 10 MPa/s"),
        (
            [("zones: [100 degC, 120 degC]", "zones: [100 degC, 180 degC]")],
            "zone 2 180 degC, coater-1 reaches 20 to 150 degC",
        ),
        ([("web_speed: 0.8 m/min", "web_speed: 12 m/min")], "web speed 12 m/min, coater-1 reaches 0.1 to 10 m/min"),
        ([("solids: 69.93 %", "solids: 20 %")], "um, coater-1 reaches 1000 um"),
        ([("action: bag", "action: stack\n      adds: copper")], "the lot is not bagged, the medium would wet it"),
        (
            [("lot: second assembly, measures: thickness", "lot: second assembly, measures: weight")],
            "tells no coating weight",
        ),
        (
            [("layers: intermediate  ", "layers: intermediate #"), ("adds: [lithium, copper]", "adds: lithium")],
            "the product 'electrode laminate' lacks copper",
        ),
        ([("removes: support_sheet", "removes: copper")], "there is no copper in first joined stack"),
    ],
)
def test_what_cannot_be_done_is_refused_with_both_numbers(
    tmp_path: Path, changes: list[tuple[str, str]], message: str
) -> None:
    file = edited(tmp_path, *changes)
    refusals = refusals_of(file)
    assert any(message in refusal and refusal.startswith("edited.yaml:") for refusal in refusals), refusals


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            [("method: isostatic", "method: uniaxial")],
            "densifying: the lot is still bagged, platens would burst the bag",
        ),
        (
            [("action: unbag_and_dry", "action: stack\n      adds: support_sheet")],
            "densified bag is bagged, unbag it first",
        ),
        ([("action: bag", "action: unbag_and_dry")], "bag: second assembly is not bagged"),
        ([("lot: densified assembly", "lot: densified bag")], "densified bag is bagged, unbag it first"),
        (
            [("[first assembly, intermediate sheet]", "[first assembly, intermediate sheet, extra sheet]")],
            "stack intermediate: the layer intermediate would be there twice",
        ),
        (
            [("    consumes: third stack", "    consumes: bagged stack")],
            "the product 'electrode laminate' is still bagged",
        ),
    ],
)
def test_lots_must_hold_what_a_step_needs(tmp_path: Path, changes: list[tuple[str, str]], message: str) -> None:
    text = (LIBRARY / "honda-example-1.yaml").read_text(encoding="utf-8")
    extra = text[text.index("  - name: coat intermediate") : text.index("  - name: inspect cathode sheet")]
    extra = extra.replace("coat intermediate", "coat extra").replace("intermediate sheet", "extra sheet")
    if "extra sheet" in changes[0][1]:
        changes = [*changes, ("  - name: inspect cathode sheet", f"{extra}  - name: inspect cathode sheet")]
    if "bagged stack" in changes[0][1]:
        bag = "  - name: bag again\n    task: {action: bag, text: Bag it.}\n"
        bag += "    consumes: third stack\n    produces: bagged stack\n\n"
        changes = [*changes, ("  - name: third joining", f"{bag}  - name: third joining")]
    refusals = refusals_of(edited(tmp_path, *changes))
    assert any(message in refusal for refusal in refusals), refusals


def test_the_negative_electrode_comes_with_the_third_joining_only(tmp_path: Path) -> None:
    early = [("      text: Lay the intermediate layer", "      adds: [lithium, copper]\n      text: Lay")]
    file = edited(tmp_path, *early)
    messages = refusals_of(file)
    assert any(
        "join2 of cathode and solid_electrolyte and intermediate and aluminum and lithium" in m for m in messages
    )


def test_a_mixture_of_particles_is_as_large_as_its_largest(tmp_path: Path) -> None:
    file = edited(tmp_path, ("mean_particle_size: 0.07 um", "mean_particle_size: 3.5 um"))
    plan = make_plan(load_recipe(file), LINE)
    assert {"H040", "H042"} <= ids(plan, "advice")


def test_machine_limits_refuse_a_comparative_recipe_too(tmp_path: Path) -> None:
    changes = (("pressure: 980 MPa", "pressure: 1150 MPa"), ("960.4..999.6", "1127..1173"))
    file = edited(tmp_path, *changes, name="honda-comparative-1")
    assert refusals_of(file) == [
        f"edited.yaml:{line_of(file, '1150 MPa')}:17: densifying: pressure 1150 MPa, isostatic-press-1 reaches 1100 MPa"
    ]


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        ("isostatic_press", "densifying: the line has no isostatic press"),
        ("coater", "coat cathode: the line has no coater"),
        ("balance", "inspect cathode sheet: the line has no balance to measure the weight"),
        ("gauge", "inspect first assembly: the line has no gauge to measure the thickness"),
    ],
)
def test_a_missing_unit_is_refused(kind: str, message: str) -> None:
    units = tuple(unit for unit in LINE if unit.kind != kind)
    assert any(message in refusal for refusal in refusals_of(LIBRARY / "honda-example-1.yaml", units))


def test_a_claim_that_cannot_be_judged_refuses(tmp_path: Path) -> None:
    file = edited(tmp_path, ("    role: join3\n", ""))
    refusals = refusals_of(file)
    assert any("step order is join1 < join2 < densify, not join1 < join2 < densify < join3" in r for r in refusals)
    assert any("not known: " in refusal and "(H007, US 2025/0260067 A1 claim 2)" in refusal for refusal in refusals)


def test_a_role_must_press_what_its_claim_says(tmp_path: Path) -> None:
    swap = [("    role: join1\n", "    role: join9\n"), ("    role: join2\n", "    role: join1\n")]
    file = edited(tmp_path, *swap, ("    role: join9\n", "    role: join2\n"))
    assert any("join2 of cathode and solid_electrolyte and aluminum" in refusal for refusal in refusals_of(file))


def test_layers_in_another_order_are_refused_where_the_order_stands(tmp_path: Path) -> None:
    file = edited(tmp_path, ("[aluminum, cathode, solid_electrolyte,", "[aluminum, solid_electrolyte, cathode,"))
    line = line_of(file, "order:")
    assert any(r.startswith(f"edited.yaml:{line}:10: ") and "(H002, " in r for r in refusals_of(file))


def test_no_carbon_in_the_intermediate_layer_is_refused(tmp_path: Path) -> None:
    file = edited(tmp_path, ("role: amorphous_carbon", "role: conductive_aid"))
    assert any("(H017, US 2025/0260067 A1 claim 10)" in refusal for refusal in refusals_of(file))


def test_a_refusal_lists_refusals_first(tmp_path: Path) -> None:
    file = edited(tmp_path, ("temperature: 120 degC", "temperature: 25 degC"), ("117..132", "22..37"))
    with pytest.raises(Refused) as refused:
        make_plan(load_recipe(file), LINE)
    levels = [finding.level for finding in refused.value.findings]
    assert levels == sorted(levels, key=["refused", "consistency", "advice"].index)
    assert {"refused", "consistency", "advice"} == set(levels)
    assert "claim 6" in str(refused.value)


def test_the_hash_is_of_what_is_made_and_not_of_where_it_is_written(tmp_path: Path) -> None:
    first = planned("honda-example-1")
    assert make_plan(load_recipe(edited(tmp_path, ("recipe: ", "\n\n# moved\nrecipe:   "))), LINE).hash == first.hash
    assert str(tmp_path) not in first.canonical_json
    assert "yaml" not in first.canonical_json
    content = json.loads(first.canonical_json)
    assert list(content) == sorted(content)
    assert content["steps"][7]["force_kn"] == 144.0
    assert "predicted_s" not in content["steps"][7]
    changed = make_plan(load_recipe(edited(tmp_path, ("dwell: 3 min", "dwell: 181 s"))), LINE)
    assert changed.hash != first.hash
    other_unit = (UnitCapability("press-9", "uniaxial_press"), *LINE)
    assert make_plan(shipped("honda-example-1"), other_unit).hash != first.hash
    assert len({planned(name).hash for name in (*EXAMPLES, *COMPARATIVES)}) == 6


def test_measured_facts_made_by_the_same_names_certify_a_run() -> None:
    """The names that the plan uses are the names that a run's facts need: an ideal run of Example 1 is accepted."""
    recipe = shipped("honda-example-1")
    steps = ordered(recipe.steps)
    book = FactBook()
    book.add(recipe_facts(recipe, steps, contents(recipe, steps)))
    assert not accepted(certify(load_pack(), book))
    for step in steps:
        press = step.press
        if press is None or step.role is None:
            continue
        book.add(
            press_facts(
                step.role,
                evidence=Evidence.MEASURED,
                source="test",
                method=press.method.value,
                pressure_mpa=press.pressure_mpa + 0.4,
                pressure_extremes_mpa=(press.pressure_mpa - 1.0, press.pressure_mpa + 1.0),
                temperature_c=press.temperature_c,
                temperature_extremes_c=(press.temperature_c - 1.0, press.temperature_c + 4.0),
                time_s=press.dwell_s,
            )
        )
    values = {
        "cathode": [(45.0, 38.0), (38.0, 26.0), (26.0, 2.2), (2.2, 2.2)],
        "solid_electrolyte": [(40.0, 35.0), (35.0, 22.5), (22.5, 1.6), (1.6, 1.6)],
        "intermediate": [(82.0, 82.0), (82.0, 55.7), (55.7, 53.2), (53.2, 53.2)],
    }
    for layer, changes in values.items():
        for role, (before, after) in zip(("join1", "join2", "densify", "join3"), changes, strict=True):
            rate = 100.0 * (1.0 - after / before)
            book.add(
                porosity_facts(
                    role,
                    layer,
                    before=(before, 1.0),
                    after=(after, 0.8),
                    decrease=(rate, 3.0),
                    evidence=Evidence.ESTIMATED,
                    source="test",
                    final=role == "join3",
                )
            )
    book.add(modulus_facts("densify", "intermediate", (0.8, 0.03), evidence=Evidence.LAB, source="test"))
    book.add(modulus_facts("join3", "intermediate", (0.8, 0.03), evidence=Evidence.LAB, source="test", final=True))
    book.add([step_order_fact(("join1", "join2", "densify", "join3"), Evidence.MEASURED, "test")])
    certificate = certify(load_pack(), book)
    assert accepted(certificate)
    assert certificate.fail == 0
    open_rules = {j.rule_id for j in certificate.judgements if j.verdict == "undetermined"}
    metal_and_moduli = {"H027", *(f"H0{number}" for number in range(29, 35))}
    assert open_rules == metal_and_moduli | {"H036", "H037", "H038", "H092"}
    assert layer_subject("solid_electrolyte") == "se_layer"


def test_windows_of_a_unit_are_closed() -> None:
    tight = UnitCapability("uniaxial-press-1", "uniaxial_press", 464.0, temperature_c=Window(25.0, 25.0), max_ramp=16.0)
    units = (tight, *(unit for unit in LINE if unit.kind != "uniaxial_press"))
    assert make_plan(shipped("honda-example-1"), units).steps


def test_importing_load_and_plan_stays_light() -> None:
    heavy = "numpy", "pint", "pandas", "pydantic"
    code = f"import sys, recipes.load, recipes.plan; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
