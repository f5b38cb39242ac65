"""Mistakes in recipe files: each told with its place, its path and what is expected, all at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from recipes.load import RecipeErrors, library_recipes, load_recipe
from recipes.model import PressMethod, Purpose, StepKind, Window
from tests.recipes.library import COMPARATIVES, EXAMPLES, LIBRARY, edited, errors_of, line_of, shipped

PLACED = re.compile(r"^.*\.yaml:\d+:\d+: .+")


def test_example_1_holds_what_its_source_says() -> None:
    recipe = shipped("honda-example-1")
    presses = [(step.role, step.press) for step in recipe.steps if step.press is not None]
    reached = [(role, press.method, press.pressure_mpa, press.dwell_s, press.temperature_c) for role, press in presses]
    assert reached == [
        ("join1", PressMethod.UNIAXIAL, 90.0, 180.0, 25.0),
        ("join2", PressMethod.UNIAXIAL, 290.0, 300.0, 25.0),
        ("densify", PressMethod.ISOSTATIC, 980.0, 300.0, 120.0),
        ("join3", PressMethod.UNIAXIAL, 180.0, 120.0, 25.0),
    ]
    layers = recipe.laminate.layers
    assert {name: layer.porosity_pct for name, layer in layers.items()} == {
        "cathode": 45.0,
        "solid_electrolyte": 40.0,
        "intermediate": 82.0,
    }
    assert layers["solid_electrolyte"].coated_thickness_um == pytest.approx(100.0, abs=0.1)
    assert layers["intermediate"].coated_thickness_um == pytest.approx(3.0, abs=0.01)
    assert layers["cathode"].coated_thickness_um == pytest.approx(138.0, abs=0.5)  # not the 80 um that are quoted
    assert recipe.laminate.area_mm2 == 1600.0
    assert [step.kind for step in recipe.steps].count(StepKind.COAT) == 3


@pytest.mark.parametrize("layer", ["cathode", "intermediate"])
def test_true_densities_are_those_of_the_mixes(layer: str) -> None:
    densities = {"NCM622": 4.75, "argyrodite type sulfide": 1.86, "carbon black": 1.90, "SBR": 0.95}
    densities |= {"tin": 7.29, "acetylene black": 1.90, "PVDF": 1.78}
    mixed = shipped("honda-example-1").laminate.layers[layer]
    parts = {component.material: component.mass_parts or 0.0 for component in mixed.components}
    volume = sum(mass / densities[material] for material, mass in parts.items())
    assert mixed.true_density_g_cm3 == pytest.approx(sum(parts.values()) / volume, abs=0.006)


def test_the_six_recipes_differ_in_the_densifying_step_only() -> None:
    wanted = {"honda-example-1": (980.0, 120.0), "honda-example-2": (980.0, 100.0), "honda-example-3": (980.0, 60.0)}
    wanted |= {f"honda-comparative-{n}": (p, 25.0) for n, p in ((1, 980.0), (2, 784.0), (3, 700.0))}
    assert [file.stem for file in library_recipes() if file.stem.startswith("honda")] == sorted(wanted)
    first = shipped("honda-example-1")
    for name, (pressure, temperature) in wanted.items():
        recipe = shipped(name)
        assert recipe.name == name
        assert recipe.laminate == first.laminate
        for step, other in zip(recipe.steps, first.steps, strict=True):
            assert (step.name, step.consumes, step.produces) == (other.name, other.consumes, other.produces)
            assert (step.coat, step.task, step.inspect) == (other.coat, other.task, other.inspect)
            if step.press is not None and step.role == "densify":
                assert (step.press.pressure_mpa, step.press.temperature_c) == (pressure, temperature)
            else:
                assert step.press == other.press


def test_comparatives_say_so_and_why() -> None:
    assert all(shipped(name).purpose is Purpose.PRODUCTION for name in EXAMPLES)
    for name in COMPARATIVES:
        assert shipped(name).purpose is Purpose.COMPARATIVE
        assert shipped(name).comparative_reason


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        (
            "pressure: 90 MPa",
            "pressure: 90",
            "90 has no unit, in steps[first joining].press.pressure: expected a pressure",
        ),
        ("dwell: 3 min", "dwell: 3 MPa", "'MPa' is a unit of a pressure, not of a time"),
        ("porosity: 45 %", "porosity: 145 %", "145 % is not possible, in laminate.layers.cathode.porosity"),
        ("area: 16 cm2", "area: 0 cm2", "0 cm2 is not possible, in laminate.area: expected an area greater than 0 mm2"),
        ("porosity: 45 %", "porosty: 45 %", "unknown key 'porosty', in laminate.layers.cathode: expected 'porosity'"),
        (
            "role: join2",
            "role: join4",
            "unknown name 'join4', in steps[second joining].role: expected 'join3', or one of",
        ),
        ("substrate: aluminum", "substrate: aluminium", "unknown name 'aluminium'"),
        ("layer: cathode", "layer: anode", "unknown name 'anode', in steps[coat cathode].coat.layer"),
        ("method: uniaxial", "method: roll", "unknown name 'roll', in steps[first joining].press.method"),
        ("88.2..91.8 MPa", "80..89 MPa", "80..89 MPa does not hold 90 MPa, the value it surrounds"),
        (
            "mass_parts: 80}",
            "mass_parts: some}",
            "'some' is not possible, in laminate.layers.cathode.components[NCM622]",
        ),
        (
            "zones: [100 degC, 120 degC]",
            "zones: [20 degC, 30 degC, 40 degC, 50 degC, 60 degC]",
            "5 values, in steps[coat cathode].coat.zones: expected a list of 1 to 4, each a temperature",
        ),
        ("zones: [100 degC, 120 degC]", "zones: []", "in steps[coat cathode].coat.zones: expected a list of 1 to 4"),
        ("zones: [100 degC, 120 degC]", "zones: 100 degC", "in steps[coat cathode].coat.zones: expected a list of 1"),
        ("purpose: production", "purpose: production\nreason: none", "only a comparative recipe gives a reason"),
        ("purpose: production", "purpose: comparative", "'reason' is missing"),
        ("recipe: honda-example-1", "recipe: Honda 1", "'Honda 1' is no name for a recipe"),
        ("copper]\n", "copper, cathode]\n", "'cathode' is there twice, in laminate.order[7]"),
        (
            "removes: support_sheet",
            "adds: copper",
            "'removes' is missing, in steps[peel support of solid electrolyte].task",
        ),
        ("role: join1\n", "role: join1\n    unit: coater\n", "this step cannot run on the coater"),
        ("action: bag", "action: bag\n      adds: copper", "a bag adds no foils, in steps[bag].task.adds"),
        ("action: bag", "action: bag\n      removes: copper", "a bag removes no foils, in steps[bag].task.removes"),
        (
            "measures: thickness}",
            "measures: thickness, layers: cathode}",
            "weight and thickness are of the whole lot, in steps[inspect first assembly].inspect.layers",
        ),
        (
            "      layers: intermediate  ",
            "      #",
            "'layers' is missing, in steps[inspect electrode laminate].inspect",
        ),
        ("consumes: first stack", "consumes: [first stack, cathode sheet]", "2 lots, in steps[first joining].consumes"),
        (
            "intermediate, lithium, copper]",
            "lithium, copper]",
            "the layer 'intermediate' is missing, in laminate.order",
        ),
        ("    aluminum: {", "    cathode: {", "'cathode' is a layer and a foil, in laminate.foils"),
        ("role: join1\n", "role: join1\n    unit: oven\n", "unknown name 'oven', in steps[first joining].unit"),
    ],
)
def test_a_mistake_is_told_at_its_line(tmp_path: Path, old: str, new: str, what: str) -> None:
    file = edited(tmp_path, (old, new))
    errors = errors_of(file)
    assert any(what in error for error in errors), errors
    assert all(PLACED.match(error) for error in errors)
    assert all(error.startswith(("edited.yaml:",)) for error in errors)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("[90 s, 90 s]", "[90 s]", "1 value, in {}: expected a list of 2, each a time such as"),
        ("[90 s, 90 s]", "[60 s, 60 s, 60 s]", "3 values, in {}: expected a list of 2, each a time such as"),
        ("85..95 s", "[85..95 s, 85..95 s, 85..95 s]", "3 ranges, in {}_window: expected one range, or 2"),
        ("zones: [50 degC, 50 degC]", "zones: [50 degC]", "2 values, in {}: expected a list of 1, each a time such as"),
    ],
)
def test_what_is_of_zones_has_a_value_for_each_zone(tmp_path: Path, old: str, new: str, what: str) -> None:
    file = edited(tmp_path, (old, new), name="zeon-example-1")
    (error,) = errors_of(file)
    line = line_of(file, "zone_residence_window:" if "_window" in what else "zone_residence:")
    assert error.startswith(f"edited.yaml:{line}:")
    assert what.format("steps[coat heat-resistant layer].coat.zone_residence") in error


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_a_coating_has_one_to_four_zones(tmp_path: Path, count: int) -> None:
    zones, times = ", ".join(["50 degC"] * count), ", ".join(["90 s"] * count)
    changes = (("[50 degC, 50 degC]", f"[{zones}]"), ("[90 s, 90 s]", f"[{times}]"))
    steps = load_recipe(edited(tmp_path, *changes, name="zeon-example-1")).steps
    (coat,) = [step.coat for step in steps if step.coat is not None]
    assert coat.zone_temperatures_c == (50.0,) * count
    assert coat.zone_residence_s == (90.0,) * count
    assert coat.zone_residence_window_s == (Window(85.0, 95.0),) * count


def test_the_place_is_the_value_and_its_message_is_complete(tmp_path: Path) -> None:
    file = edited(tmp_path, ("      pressure: 290 MPa", "      pressure: 290"))
    line = line_of(file, "      pressure: 290")
    what = "290 has no unit, in steps[second joining].press.pressure: expected a pressure such as 90 MPa"
    assert errors_of(file) == [f"edited.yaml:{line}:17: {what}"]


def test_all_mistakes_are_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    changes = (("area: 16 cm2", "area: 16"), ("dwell: 3 min", "dwel: 3 min"), ("hold_limit: 5 min", "hold_limit: soon"))
    errors = errors_of(edited(tmp_path, *changes))
    lines = [int(error.split(":")[1]) for error in errors]
    assert len(errors) == 4  # the misspelt key is unknown and the right one missing
    assert lines == sorted(lines)


def test_a_wrong_value_brings_no_followers(tmp_path: Path) -> None:
    file = edited(
        tmp_path, ("pressure: 90 MPa", "pressure: ninety"), ("coating_weight: 27 mg/cm2", "coating_weight: 27")
    )
    assert len(errors_of(file)) == 2  # not also that windows do not hold the value that could not be read


def test_of_many_names_the_nearest_is_told(tmp_path: Path) -> None:
    foils = "".join(
        f"    foil {n}: {{material: PET, thickness: 50 um, density: 1.38 g/cm3}}\n" for n in range(100, 400)
    )
    file = edited(
        tmp_path,
        ("    support_sheet: {", foils + "    support_sheet: {"),
        ("copper]\n", "copper, fail 398, foil 1234]\n"),
    )
    errors = errors_of(file)
    assert any("unknown name 'foil 1234', in laminate.order[8]: expected 'foil 1" in error for error in errors), errors
    assert any("unknown name 'fail 398', in laminate.order[7]: expected one of cathode" in error for error in errors)


def test_a_key_written_twice(tmp_path: Path) -> None:
    file = edited(tmp_path, ("      dwell: 3 min\n", "      dwell: 3 min\n      dwell: 4 min\n"))
    line = line_of(file, "dwell: 3 min")
    expected = (
        f"edited.yaml:{line + 1}:7: 'dwell' is written twice, first in line {line}, in steps[first joining].press"
    )
    assert errors_of(file) == [expected]


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("produces: solid electrolyte sheet", "produces: cathode sheet", "already produced by 'coat cathode'"),
        ("consumes: first stack", "consumes: frist stack", "no step produces the lot 'frist stack'"),
        ("consumes: second stack", "consumes: first stack", "already used up by 'first joining'"),
        ("consumes: third stack", "consumes: densified assembly", "already used up by 'stack negative electrode'"),
        ("name: second joining", "name: first joining", "a step named 'first joining' is already in line"),
        ("role: join2", "role: join1", "'first joining' already has the role join1"),
        ("lot: electrode laminate", "lot: nothing", "no step produces the lot 'nothing'"),
        ("produces: intermediate sheet", "produces: spare sheet", "no step produces the lot 'intermediate sheet'"),
    ],
)
def test_lots_and_names_must_fit(tmp_path: Path, old: str, new: str, what: str) -> None:
    errors = errors_of(edited(tmp_path, (old, new)))
    assert any(what in error for error in errors), errors
    assert all(PLACED.match(error) for error in errors)


def test_lots_that_cannot_be_read_bring_no_followers(tmp_path: Path) -> None:
    file = edited(tmp_path, ("    consumes: first stack\n", ""))
    line = line_of(file, "- name: first joining")
    assert errors_of(file) == [
        f"edited.yaml:{line}:5: 'consumes' is missing, in steps[first joining]: expected a list of names"
    ]


def test_a_circle_of_lots_is_told_with_its_steps(tmp_path: Path) -> None:
    file = edited(tmp_path, ("consumes: [cathode sheet, solid electrolyte sheet]", "consumes: [first joined stack]"))
    file.write_text(
        file.read_text().replace(
            "    consumes: first joined stack", "    consumes: [cathode sheet, solid electrolyte sheet]"
        )
    )
    errors = errors_of(file)
    assert any("a stack of one" in error for error in errors)
    assert any("wait for each other's lots: stack cathode and solid electrolyte, first joining" in e for e in errors)


def test_a_lot_that_nothing_uses_is_told(tmp_path: Path) -> None:
    lots = ("consumes: [first assembly, intermediate sheet]", "consumes: first assembly")
    file = edited(tmp_path, lots, ("      text: Lay the intermediate layer", "      adds: copper\n      text: Lay"))
    line = line_of(file, "produces: intermediate sheet")
    assert errors_of(file) == [f"edited.yaml:{line}:15: the lot 'intermediate sheet' is never used"]


@pytest.mark.parametrize(
    ("content", "place", "what"),
    [
        (b"", "1:1", "the file is empty"),
        (b"# only words\n", "1:1", "the file is empty"),
        (b"- a list\n", "1:1", "this is no recipe"),
        (b"recipe: x\ntitle: \xff\n", "2:8", "byte 0xff is not UTF-8"),
        (b"recipe: x\ntitle: \x00\n", "2:8", "not YAML: control characters are not allowed"),
        (b"recipe: [x\n", "2:1", "not YAML"),
        (b"recipe: x\n---\nrecipe: y\n", "2:1", "not YAML"),
        (b"a: &x 1\nb: 2\n", "1:4", "&x: anchors and aliases are not used in recipes"),
        (b"a: 1\nb: *x\n", "2:4", "*x: anchors and aliases are not used in recipes"),
        (b"[" * 5000, "1:21", "nested deeper than 20 levels"),
        (b"recipe: !!python/name:os.system x\n", "1:9", "is not used in recipes"),
        (b"? [a]\n: b\n", "1:3", "this is a list or a mapping: expected a name"),
    ],
)
def test_what_is_no_recipe_file_is_located_too(tmp_path: Path, content: bytes, place: str, what: str) -> None:
    file = tmp_path / "broken.yaml"
    file.write_bytes(content)
    errors = errors_of(file)
    assert any(error.startswith(f"broken.yaml:{place}: ") and what in error for error in errors), errors


def test_a_missing_file_and_a_large_one_are_told(tmp_path: Path) -> None:
    assert errors_of(tmp_path / "none.yaml") == ["none.yaml:1:1: cannot read the file: No such file or directory"]
    large = tmp_path / "large.yaml"
    large.write_bytes(b"# " + b"x" * 1_000_000)
    assert errors_of(large) == ["large.yaml:1:1: the file is larger than 1000000 bytes: expected a recipe"]


def test_a_byte_order_mark_is_no_mistake(tmp_path: Path) -> None:
    file = tmp_path / "marked.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + (LIBRARY / "honda-example-1.yaml").read_bytes())
    assert load_recipe(file).name == "honda-example-1"


LINES = (LIBRARY / "honda-example-1.yaml").read_text(encoding="utf-8").splitlines(keepends=True)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.integers(0, len(LINES) - 1), st.sampled_from(["drop", "double", "cut", "indent"]))
def test_any_damaged_line_gives_a_recipe_or_located_errors(tmp_path: Path, number: int, damage: str) -> None:
    line = LINES[number]
    changed = {"drop": "", "double": line * 2, "cut": line[: len(line) // 2] + "\n", "indent": "   " + line}[damage]
    file = tmp_path / "damaged.yaml"
    file.write_text("".join([*LINES[:number], changed, *LINES[number + 1 :]]), encoding="utf-8")
    try:
        load_recipe(file)
    except RecipeErrors as errors:
        findings = errors.findings
    else:
        return  # some lines may go, such as a comment
    assert findings
    assert all(PLACED.match(str(finding)) and finding.level == "error" for finding in findings)
