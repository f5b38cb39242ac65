"""What differs between two recipes: nothing that is made is left out, and nothing else is told."""

from __future__ import annotations

import dataclasses
import json
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from recipes import model
from recipes.canonical import canonical_json
from recipes.compare import Section, differences
from recipes.comparing.fields import dimension_of, shown_together
from recipes.comparing.matching import moved
from recipes.load import library_recipes, load_recipe
from recipes.model import Location, Recipe, Window
from recipes.units import Dimension
from tests.controller.test_cli import pressline
from tests.recipes.library import LIBRARY, line_of

EVERYTHING = Path(__file__).with_name("everything.yaml")
RECIPE = load_recipe(EVERYTHING)
PLACES = ("location", "locations")


def edited(folder: Path, *changes: tuple[str, str]) -> Path:
    text = EVERYTHING.read_text(encoding="utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    file = folder / "edited.yaml"
    file.write_text(text, encoding="utf-8")
    return file


def told(folder: Path, *changes: tuple[str, str]) -> list[str]:
    """The messages of what differs after replacing texts."""
    return [found.message for found in differences(RECIPE, load_recipe(edited(folder, *changes)))]


# --------------------------------------------------------------- nothing is left out


def variants(value: Any, annotation: Any) -> Iterator[Any]:
    """Other values of a field: at least one for every kind that the model has, and none of them equal."""
    if isinstance(value, Enum):
        yield next(member for member in type(value) if member is not value)
    elif isinstance(value, bool):
        yield not value
    elif isinstance(value, int | float):
        yield value + 1
        yield value * (1.0 + 1e-9) if isinstance(value, float) and value else value + 2
    elif isinstance(value, str):
        yield f"{value} otherwise"
    elif isinstance(value, Window):
        yield Window(value.lower, value.upper + 1.0)
        yield Window(value.lower - 1.0, value.upper)
    elif isinstance(value, Mapping):
        yield dict(list(value.items())[1:])
        yield {**value, "one more": dataclasses.replace(next(iter(value.values())), name="one more")}
    elif isinstance(value, tuple) and value:
        yield value[1:]
        yield (*value, value[0])
        if len(value) > 1:
            yield value[::-1]
    elif value in (None, ()):
        yield sample(annotation)
    if value is not None and type(None) in typing.get_args(annotation):
        yield None


def sample(annotation: Any) -> Any:
    """Some value of a type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union):
        return sample(next(argument for argument in arguments if argument is not type(None)))
    if origin is tuple:
        return (sample(arguments[0]),) * (1 if arguments[-1] is Ellipsis else len(arguments))
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        return next(part for part in parts(RECIPE) if type(part) is annotation)
    return {str: "something", float: 1.5, int: 2, bool: True}[annotation]


def parts(value: Any) -> Iterator[Any]:
    """Every dataclass in a recipe, windows and places left out."""
    if dataclasses.is_dataclass(value) and not isinstance(value, Window | Location):
        yield value
        for field in dataclasses.fields(value):
            yield from parts(getattr(value, field.name))
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from parts(item)
    elif isinstance(value, tuple):
        for item in value:
            yield from parts(item)


def every_change(value: Any, rebuild: Callable[[Any], Recipe]) -> Iterator[tuple[type, str, Recipe]]:
    """Each field of each dataclass in a value, changed in each way: (class, field, the recipe with it)."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type | Window | Location):
        hints = typing.get_type_hints(type(value))
        for field in dataclasses.fields(value):
            if field.name in PLACES:
                continue

            def replaced(new: Any, name: str = field.name) -> Recipe:
                return rebuild(dataclasses.replace(value, **{name: new}))

            item = getattr(value, field.name)
            for other in variants(item, hints[field.name]):
                yield type(value), field.name, replaced(other)
            yield from every_change(item, replaced)
    elif isinstance(value, Mapping):
        for key, item in value.items():

            def with_item(new: Any, key: str = key) -> Recipe:
                return rebuild({**value, key: new})

            yield from every_change(item, with_item)
    elif isinstance(value, tuple):
        for number, item in enumerate(value):

            def with_member(new: Any, number: int = number) -> Recipe:
                return rebuild((*value[:number], new, *value[number + 1 :]))

            yield from every_change(item, with_member)


CHANGES = list(every_change(RECIPE, lambda recipe: recipe))


def test_every_field_of_the_model_that_changes_is_told() -> None:
    for owner, name, other in CHANGES:
        found = differences(RECIPE, other)
        assert bool(found) == (canonical_json(other) != canonical_json(RECIPE)), (owner, name)
        assert found, (owner, name)
        assert differences(other, RECIPE), (owner, name)
        for difference in found:
            before, arrow, after = difference.message.rpartition(": ")[2].partition(" -> ")
            assert not arrow or before != after, difference.message


def test_no_class_and_no_field_of_the_model_is_forgotten() -> None:
    classes = [
        value
        for value in vars(model).values()
        if dataclasses.is_dataclass(value) and value not in (Location, Window) and isinstance(value, type)
    ]
    fields = {(owner, field.name) for owner in classes for field in dataclasses.fields(owner)}
    always_parts = {(Recipe, "laminate"), (Recipe, "decision_rule"), (model.Coat, "slurry")}  # changed in their fields
    wanted = {(owner, name) for owner, name in fields if name not in PLACES} - always_parts
    assert len(classes) > 20
    assert {(owner, name) for owner, name, _ in CHANGES} == wanted


@settings(max_examples=100, deadline=None)
@given(st.integers(0, len(CHANGES) - 1), st.integers(0, len(CHANGES) - 1))
def test_recipes_differ_where_their_canonical_content_does(one: int, other: int) -> None:
    first, second = CHANGES[one][2], CHANGES[other][2]
    assert bool(differences(first, second)) == (canonical_json(first) != canonical_json(second))


WITHOUT_UNIT = {"mass_parts", "mole_fraction", "solids_fraction", "confidence", "n", "r1_carbons", "r2_carbons"}
WITHOUT_UNIT |= {
    "most",
    "sheets",
    "value",
    "uncertainty",
    "at_least",
    "at_most",
    "expected",
    "tolerance",
    "low",
    "high",
}  # beside `unit`


def test_the_unit_of_every_number_is_known() -> None:
    for owner in vars(model).values():
        if not dataclasses.is_dataclass(owner) or owner in (Location, Window) or not isinstance(owner, type):
            continue
        for name, hint in typing.get_type_hints(owner).items():
            is_number = {float, int, Window, tuple[float, ...], tuple[Window, ...]} & {
                hint,
                *typing.get_args(hint),
            }
            assert (dimension_of(name) is not None) == (bool(is_number) and name not in WITHOUT_UNIT), (owner, name)
    assert dimension_of("ramp_mpa_s") is Dimension.PRESSURE_RATE
    assert dimension_of("coating_weight_window_mg_cm2") is Dimension.COATING_WEIGHT
    assert dimension_of("web_speed_m_min") is Dimension.SPEED
    assert dimension_of("composite_modulus_gpa") is Dimension.MODULUS


# --------------------------------------------------------------- nothing else is told


@pytest.mark.parametrize("file", library_recipes(), ids=lambda file: file.stem)
def test_a_recipe_does_not_differ_from_itself(file: Path) -> None:
    assert differences(load_recipe(file), load_recipe(file)) == ()


def test_comments_units_and_the_order_of_keys_make_no_difference(tmp_path: Path) -> None:
    changes = [
        ("dwell: 3 min", "dwell: 180 s     # three minutes"),
        ("pressure: 90 MPa", "pressure: 0.09 GPa"),
        ("temperature: 25 degC\n      temperature_window: 20", "temperature: 298.15 K\n      temperature_window: 20"),
        ("tension: 60 N\n      residual_solvent_max: 2 %", "residual_solvent_max: 2 %\n      tension: 0.06 kN"),
        ("goes_into: [secondary battery, car]", "goes_into:\n  - 'secondary battery'\n  - car"),
        ("area: 16 cm2\n", "area: 1600 mm2\n"),
        ("    aluminum: {", "    # a foil\n    aluminum: {"),
    ]
    file = edited(tmp_path, *changes)
    assert differences(RECIPE, load_recipe(file)) == ()
    result = pressline("diff", EVERYTHING, file)
    assert (result.exit_code, result.output) == (0, "no difference in what is made\n")
    assert json.loads(pressline("diff", EVERYTHING, file, "--json").output)["equal"] is True


# --------------------------------------------------------------- how it is told


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("pressure: 90 MPa", "pressure: 91.8 MPa", "join: pressure 90 MPa -> 91.8 MPa (+2.0 %)"),
        ("pressure: 90 MPa", "pressure: 90.0001 MPa", "join: pressure 90 MPa -> 90.0001 MPa (+0.0001 %)"),
        (
            "temperature: 25 degC\n      temperature_window: 20",
            "temperature: 29 degC\n      temperature_window: 20",
            "",
        ),
        ("20..30 degC", "15..30 degC", "join: temperature window 20..30 degC -> 15..30 degC"),
        ("dwell: 3 min", "dwell: 5 min", "join: dwell 3 min -> 5 min (+66.7 %)"),
        ("dwell: 3 min", "dwell: 181 s", "join: dwell 180 s -> 181 s (+0.6 %)"),
        ("soak: 30 s", "soak: 0 s", "join: soak 30 s -> 0 s (-100.0 %)"),
        ("      soak: 30 s\n", "      soak: 1 min\n", "join: soak 0.5 min -> 1 min (+100.0 %)"),
        ("on_hold: keep", "on_hold: bleed", "join: on hold keep -> bleed"),
        ("zones: [50 degC, 60 degC]", "zones: [50 degC, 65 degC]", "coat: zones 50, 60 degC -> 50, 65 degC"),
        ("[85..95 s, 95..105 s]", "80..110 s", "coat: zone residence window 85..95, 95..105 s -> 80..110, 80..110 s"),
        ("zone_length: 0.8 m", "#", "coat: zone length 0.8 m -> none"),
        ("line_force: 11 t\n", "line_force: 11.2 t\n", "roll press: line force 107873 N -> 109834 N (+1.8 %)"),
        ("time: 7 d", "time: 168.5 h", "rest: time 168 h -> 168.5 h (+0.3 %)"),
        ("area: 16 cm2", "area: 20 cm2", "laminate: area 16 cm2 -> 20 cm2 (+25.0 %)"),
        ("porosity: 45 %", "porosity: 40 %", "layer cathode: porosity 45 % -> 40 % (-5 points)"),
        ("porosity_uncertainty: 2 %", "#", "layer cathode: porosity uncertainty 2 % -> 1 % (-1 points)"),
        ("SBR, role: binder}", "SBR, role: metal}", "layer cathode, component SBR: role binder -> metal"),
        ("PET, thickness: 50 um", "PET, thickness: 40 um", "foil support_sheet: thickness 50 um -> 40 um (-20.0 %)"),
        ("solids: 40 %", "solids: 45 %", "first slurry: solids 40 % -> 45 % (+5 points)"),
        ("mass_parts: 2.2}", "mass_parts: 2}", "polymer A, monomer acrylonitrile: mass parts 2.2 -> 2 (-9.1 %)"),
        ("n: 2}", "n: 3}", "polymer A, monomer methoxy diethylene glycol methacrylate, structure: n 2 -> 3"),
        (
            "value: 3.9 x",
            "value: 4 x",
            "fact swelling_in_electrolyte of particulate_polymer: value 3.9 x -> 4 x (+2.6 %)",
        ),
        (
            "H003: {at_least: 1 %, at_most: 4 %}",
            "H003: {at_least: 1 %, at_most: 3 %}",
            "rule H003: at most 4 % -> 3 % (-1 points)",
        ),
        ("H020: {required: yes}", "H021: {required: yes}", "rule H021 added (required yes)"),
        (
            "{acceptance: guarded, confidence: 95 %}",
            "{acceptance: simple}",
            "decision rule: guarded acceptance at 95 % -> simple acceptance",
        ),
        ("by: A. Name", "by: B. Name", "accept estimates: by 'A. Name' -> 'B. Name'"),
        ("basis: [honda, ./site.csv]", "basis: [honda]", "basis honda, ./site.csv -> honda"),
        ("role: join1", "role: join2", "join: role join1 -> join2"),
        (
            "expected: 3000 mPa.s",
            "expected: 3100 mPa.s",
            "mix, entry viscosity: expected 3000 mPa.s -> 3100 mPa.s (+3.3 %)",
        ),
        (
            "high: 500 N/m",
            "high: 400 N/m",
            "laboratory, laboratory value peel_strength of cathode: high 500 N/m -> 400 N/m (-20.0 %)",
        ),
        (
            "measures: [thickness, porosity]",
            "measures: porosity",
            "laboratory: measures thickness, porosity -> porosity",
        ),
        (
            "text: Peel the support sheet off.",
            "text: Peel it.",
            "peel: text 'Peel the support sheet off.' -> 'Peel it.'",
        ),
        (
            "- Another one\n",
            "- Somebody's\n",
            "sources 'A document, [0001]', 'Another one' -> 'A document, [0001]', Somebody's",
        ),
    ],
)
def test_a_difference_in_words(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert (message or "join: temperature 25 degC -> 29 degC (+4 K)") in told(tmp_path, (old, new))


def test_another_number_of_zones_is_told(tmp_path: Path) -> None:
    found = told(
        tmp_path,
        ("[50 degC, 60 degC]", "[50 degC, 60 degC, 70 degC]"),
        ("[90 s, 100 s]", "[90 s, 100 s, 95 s]"),
        ("[85..95 s, 95..105 s]", "85..105 s"),
    )
    assert "coat: zones 50, 60 degC -> 50, 60, 70 degC" in found
    assert "coat: zone residence 90, 100 s -> 90, 100, 95 s" in found


def test_a_rule_packs_unit_that_is_written_otherwise_is_told_as_the_same(tmp_path: Path) -> None:
    changes = ("expected: 3000 mPa.s, tolerance: 500 mPa.s", "expected: 3 Pa.s, tolerance: 0.4 Pa.s")
    assert told(tmp_path, changes) == [
        "mix, entry viscosity: expected 3000 mPa.s -> 3 Pa.s (the same)",
        "mix, entry viscosity: tolerance 500 mPa.s -> 0.4 Pa.s (-20.0 %)",
    ]


def test_a_named_slurry_is_told_once_and_another_one_by_its_name(tmp_path: Path) -> None:
    assert told(tmp_path, ("solids: 40 %", "solids: 45 %")) == ["first slurry: solids 40 % -> 45 % (+5 points)"]
    second = (
        "  second slurry: {solvent: water, solids: 40 %, solvent_density: 1 g/cm3, ingredients: [{material: alumina,"
    )
    changes = (
        ("facts:\n", f"{second} role: nonconductive_particle, mass_parts: 1}}]}}\nfacts:\n"),
        (
            "      substrate: support_sheet\n      slurry: first slurry",
            "      substrate: support_sheet\n      slurry: second slurry",
        ),
    )
    found = told(tmp_path, *changes)
    assert found[0].startswith("second slurry added (solvent water, solids 40 %")
    assert found[1:] == ["coat, slurry: 'first slurry' -> 'second slurry'"]
    in_place = "      slurry: {solvent: water, solids: 50 %, solvent_density: 1 g/cm3}"
    found = told(
        tmp_path,
        ("      substrate: support_sheet\n      slurry: first slurry", f"      substrate: support_sheet\n{in_place}"),
    )
    assert "coat, slurry: solids 40 % -> 50 % (+10 points)" in found


def test_steps_that_come_go_move_and_get_another_name(tmp_path: Path) -> None:
    example = load_recipe(LIBRARY / "honda-example-1.yaml")
    text = (LIBRARY / "honda-example-1.yaml").read_text(encoding="utf-8")
    look = "  - name: inspect cathode sheet\n    inspect: {lot: cathode sheet, measures: [weight, thickness]}\n\n"
    assert look in text
    text = text.replace(look, "").replace("name: first joining", "name: joining one").replace(" 90 MPa", " 80 MPa")
    text = text.replace("88.2..91.8 MPa", "78.4..81.6 MPa")
    stacking = "  - name: stack cathode and solid electrolyte\n"
    text = text.replace(stacking, "  - name: weigh\n    inspect: {lot: cathode sheet, measures: weight}\n\n" + stacking)
    sheet = look.replace("cathode", "intermediate")
    text = text.replace(sheet, "").replace("  - name: stack intermediate\n", f"{sheet}  - name: stack intermediate\n")
    text = text.replace(
        "  - name: inspect first assembly\n    inspect: {lot: first assembly, measures: thickness}\n\n", ""
    )
    file = tmp_path / "edited.yaml"
    file.write_text(text, encoding="utf-8")
    found = [difference.message for difference in differences(example, load_recipe(file))]
    start = "after 'inspect solid electrolyte sheet'"
    assert found == [
        "joining one: pressure 90 MPa -> 80 MPa (-11.1 %)",
        "joining one: pressure window 88.2..91.8 MPa -> 78.4..81.6 MPa",
        "step 'inspect first assembly' removed (inspect, after 'peel support of solid electrolyte')",
        "step 'inspect solid electrolyte sheet' moved: after 'inspect cathode sheet' -> after 'coat intermediate'",
        "weigh: name 'inspect cathode sheet' -> weigh",
        "weigh: measures weight, thickness -> weight",
        "joining one: name 'first joining' -> 'joining one'",
        f"step 'inspect intermediate sheet' moved: {start} -> after 'peel support of solid electrolyte'",
    ]


def test_parts_of_one_name_are_matched_in_their_order(tmp_path: Path) -> None:
    twice = "        - {material: SBR, role: binder}\n        - {material: SBR, role: metal}\n"
    found = told(tmp_path, ("        - {material: SBR, role: binder}\n", twice))
    assert found == ["layer cathode: component SBR added (role metal)"]


def test_parts_in_another_order_are_words(tmp_path: Path) -> None:
    file = edited(
        tmp_path,
        ("        - {material: SBR, role: binder}\n", ""),
        ("      components:\n", "      components:\n        - {material: SBR, role: binder}\n"),
    )
    (found,) = differences(RECIPE, load_recipe(file))
    assert (found.message, found.section) == ("layer cathode: components in another order", Section.WORDS)


def test_the_most_important_comes_first(tmp_path: Path) -> None:
    changes = [
        ("title: Every key of a recipe", "title: Some keys"),
        ("produces: laminate", "produces: product"),
        ("lot: laminate", "lot: product"),
        ("porosity: 45 %", "porosity: 44 %"),
        ("ramp: 10 MPa/s", "ramp: 9 MPa/s"),
        ("confidence: 95 %", "confidence: 90 %"),
    ]
    found = differences(RECIPE, load_recipe(edited(tmp_path, *changes)))
    sections = [difference.section for difference in found]
    assert list(dict.fromkeys(sections)) == list(Section)


@pytest.mark.parametrize(
    ("old", "new", "first", "second"),
    [
        ("pressure: 90 MPa", "pressure: 91 MPa", "pressure: 90 MPa", "pressure: 91 MPa"),
        ("      soak: 30 s\n", "", "soak: 30 s", "      method: uniaxial"),
        ("H003: {at_least: 1 %,", "H003: {at_least: 2 %,", "H003", "H003"),
        ("mass_parts: 2.2}", "mass_parts: 2}", "mass_parts: 2.2}", "mass_parts: 2}"),
        ("value: 3.9 x", "value: 4 x", "value: 3.9 x", "value: 4 x"),
        ("lot: laminate", "lot: joined stack", "lot: laminate", "lot: joined stack"),
        ("expected: 3000 mPa.s", "expected: 3100 mPa.s", "expected: 3000", "expected: 3100"),
        (
            "role: particulate_polymer, mass_parts: 4}",
            "role: binder, mass_parts: 4}",
            "{polymer: polymer A",
            "{polymer: polymer A",
        ),
        ("reason: A test of the tools.", "reason: Another test.", "reason: A test", "reason: Another"),
    ],
)
def test_both_places_are_told(tmp_path: Path, old: str, new: str, first: str, second: str) -> None:
    file = edited(tmp_path, (old, new))
    found = differences(RECIPE, load_recipe(file))[0]
    assert (found.first.file, found.first.line) == (EVERYTHING, line_of(EVERYTHING, first))
    assert (found.second.file, found.second.line) == (file, line_of(file, second))


@given(st.floats(allow_nan=False, allow_infinity=False), st.floats(allow_nan=False, allow_infinity=False))
def test_values_that_differ_never_look_the_same(one: float, other: float) -> None:
    for unit in ("MPa", "s", "N", "mm2", ""):
        first, second = shown_together((one, other), unit)
        assert (first == second) == (repr(one) == repr(other))


@given(st.permutations(range(9)))
def test_as_few_as_possible_move(order: list[int]) -> None:
    places = moved(order)
    kept = [number for place, number in enumerate(order) if place not in places]
    assert kept == sorted(kept)
    longest = [1] * len(order)
    for end in range(len(order)):
        longest[end] = 1 + max((longest[at] for at in range(end) if order[at] < order[end]), default=0)
    assert len(kept) == max(longest)


# --------------------------------------------------------------- the command


def test_the_command_shows_sections_messages_and_places() -> None:
    first, second = LIBRARY / "honda-example-1.yaml", LIBRARY / "honda-comparative-1.yaml"
    result = pressline("diff", first, second)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        "purpose and rules",
        "setpoints and windows",
        "words",
    ]
    line = lines.index("  densifying: temperature 120 degC -> 25 degC (-95 K)")
    places = [f"{file}:{line_of(file, text)}:20" for file, text in ((first, "temperature: 120"), (second, "22..37"))]
    assert lines[line + 1].strip() == f"{places[0]} | {second}:{line_of(second, '22..37') - 1}:20"


def test_the_document_has_plain_values_and_places(tmp_path: Path) -> None:
    file = edited(tmp_path, ("88.2..91.8 MPa", "88..92 MPa"), ("pressure: 90 MPa", "pressure: 91 MPa"))
    document = json.loads(pressline("diff", EVERYTHING, file, "--json").output)
    assert (document["first"], document["second"], document["equal"]) == (str(EVERYTHING), str(file), False)
    pressure, window = document["differences"]
    assert pressure == {
        "section": "setpoints and windows",
        "path": "steps[join].press.pressure",
        "message": "join: pressure 90 MPa -> 91 MPa (+1.1 %)",
        "before": 90.0,
        "after": 91.0,
        "unit": "MPa",
        "first": {"file": str(EVERYTHING), "line": line_of(EVERYTHING, "pressure: 90 MPa"), "column": 17},
        "second": {"file": str(file), "line": line_of(file, "pressure: 91 MPa"), "column": 17},
    }
    assert window["before"] == {"lower": 88.2, "upper": 91.8}


@pytest.mark.parametrize("options", [(), ("--json",)])
def test_a_file_that_cannot_be_used_ends_with_2(tmp_path: Path, options: tuple[str, ...]) -> None:
    wrong = edited(tmp_path, ("pressure: 90 MPa", "pressure: 90"))
    for files in ((EVERYTHING, wrong), (wrong, EVERYTHING), (EVERYTHING, tmp_path / "none.yaml")):
        result = pressline("diff", *files, *options)
        assert result.exit_code == 2
        assert "90 has no unit" in result.output or "cannot read the file" in result.output
