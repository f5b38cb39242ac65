"""The schema for editors: as published, never stricter than the reader, and of the very keys that the reader knows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from recipes.keys.kinds import Choice, Kind, Named, Part, Parts, TextOrPart, Texts
from recipes.keys.recipe import RECIPE
from recipes.load import RecipeErrors, library_recipes, load_recipe
from recipes.reader.mapping import MappingReader
from recipes.schema import PUBLISHED, recipe_schema, schema_text
from recipes.units import Dimension, QuantityError, parse_measure, parse_quantity, parse_range
from tests.controller.test_cli import pressline

EVERYTHING = Path(__file__).with_name("everything.yaml")
FILES = (EVERYTHING, *library_recipes())
SCHEMA = recipe_schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
Step = str | int
Route = tuple[Step, ...]


class Yaml12(yaml.SafeLoader):
    """YAML 1.2's core types, as editors read a file: no dates, and yes is a text."""


Yaml12.yaml_implicit_resolvers = {}
for tag, pattern, first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
):
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(rf"^(?:{pattern})$"), list(first))


def texts_of(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506  (builds nothing but texts)


def seen_by_an_editor(file: Path) -> Any:
    return yaml.load(file.read_text(encoding="utf-8"), Loader=Yaml12)  # noqa: S506  (a safe loader)


def complaints(data: Any) -> list[str]:
    return [f"{error.json_path}: {error.message}" for error in VALIDATOR.iter_errors(data)]


def is_refused(data: Any) -> bool:
    """Whether there is any complaint: the first one is enough."""
    return not VALIDATOR.is_valid(data)


def read(data: Any, folder: Path) -> list[str]:
    """What the reader says of a recipe that is given as data."""
    file = folder / "recipe.yaml"
    file.write_text(yaml.dump(data, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True), encoding="utf-8")
    try:
        load_recipe(file)
    except RecipeErrors as errors:
        return [finding.message for finding in errors.findings]
    return []


def routes(data: Any, route: Route = ()) -> Iterator[Route]:
    """The way to every value below the top."""
    steps: Iterator[Step] = iter(data) if isinstance(data, dict) else iter(range(len(data)))
    for step in steps:
        yield (*route, step)
        if isinstance(data[step], dict | list):
            yield from routes(data[step], (*route, step))


def at(data: Any, route: Route) -> Any:
    for step in route:
        data = data[step]
    return data


def changed(data: Any, route: Route, value: Any) -> Any:
    copy = deepcopy(data)
    at(copy, route[:-1])[route[-1]] = value
    return copy


def without(data: Any, route: Route) -> Any:
    copy = deepcopy(data)
    del at(copy, route[:-1])[route[-1]]
    return copy


ALL_ROUTES = list(routes(texts_of(EVERYTHING)))


def test_the_published_schema_is_the_one_that_is_made(tmp_path: Path) -> None:
    assert PUBLISHED.read_text(encoding="utf-8") == schema_text(), (
        "pressline schema --output recipes/recipe.schema.json"
    )
    assert pressline("schema").output == schema_text()
    written = tmp_path / "schema.json"
    assert pressline("schema", "--output", written).exit_code == 0
    assert written.read_text(encoding="utf-8") == schema_text()
    result = pressline("schema", "--output", tmp_path / "none" / "schema.json")
    assert result.exit_code == 2
    assert "cannot be written: No such file or directory" in result.output


def test_it_is_a_schema_and_says_what_every_key_means() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    parts = [SCHEMA, *(part for part in SCHEMA["$defs"].values() if "additionalProperties" in part)]
    assert len(parts) > 20
    for part in parts:
        assert part["additionalProperties"] is False
        assert all(key["description"].endswith(".") for key in part["properties"].values())


def test_it_uses_no_keyword_that_editors_of_draft_7_do_not_know() -> None:
    newer = {"dependentRequired", "dependentSchemas", "unevaluatedProperties", "prefixItems", "minContains", "$anchor"}
    names = {str(step) for route in routes(SCHEMA) for step in route}
    assert not names & newer


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_recipes_are_valid_however_their_scalars_are_read(file: Path) -> None:
    assert complaints(texts_of(file)) == []
    assert complaints(seen_by_an_editor(file)) == []


# --------------------------------------------------------------- the keys of the reader


def asked_for(monkeypatch: pytest.MonkeyPatch, files: list[Path]) -> dict[str, set[str]]:
    """Path, names in it replaced by *, -> every key that the reader asks for there."""
    found: dict[str, set[str]] = {}
    finish = MappingReader.finish

    def recorded(reader: MappingReader) -> None:
        found.setdefault(general(reader.path), set()).update(reader._asked)
        finish(reader)

    monkeypatch.setattr(MappingReader, "finish", recorded)
    for file in files:
        load_recipe(file)
    return found


def general(path: str) -> str:
    path = re.sub(r"\[[^\]]*\]", "[*]", path)
    path = re.sub(r"^(laminate\.foils|laminate\.layers|polymers|slurries|rules)\.[^.\[]+", r"\1.*", path)
    return re.sub(r"(\.entries)\.(?!area$).+", r"\1.*", path)


def parts_in(kind: Kind, path: str) -> Iterator[tuple[str, Part]]:
    """Every part of the table of keys, with its path as above."""
    match kind:
        case Part(_, keys):
            yield path, kind
            for key in keys:
                name = "*" if path == "laminate.layers" else key.name
                yield from parts_in(key.kind, f"{path}.{name}".lstrip("."))
        case Parts(part):
            yield from parts_in(part, f"{path}[*]")
        case TextOrPart(part):
            yield from parts_in(part, path)
        case Named(part, known):
            yield from parts_in(part, f"{path}.*")
            for name, other in known.items():
                yield from parts_in(other, f"{path}.{name}")
        case _:
            return


def in_the_table() -> dict[str, set[str]]:
    return {path: set(part.by_name) for path, part in parts_in(RECIPE, "")}


def test_the_schema_knows_the_keys_that_the_reader_asks_for(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = asked_for(monkeypatch, list(FILES))
    assert "area" in asked.pop("steps[*].task.entries")
    known = in_the_table()
    assert {path: keys - known[path] for path, keys in asked.items() if keys - known[path]} == {}
    assert {path: keys - asked[path] for path, keys in known.items() if path in asked and keys - asked[path]} == {}
    assert set(known) - set(asked) == set()


def test_the_example_has_every_key_of_the_table() -> None:
    """Otherwise the tests below would not reach it."""
    names = {str(step) for route in ALL_ROUTES for step in route}
    keys = {key for path, there in in_the_table().items() if path != "laminate.layers" for key in there}
    assert keys - names == set()


# --------------------------------------------------------------- the same judgement


CROSS_REFERENCES = re.compile(
    r"unknown name|no step produces|is missing, in laminate\.order|is never used|already|wait for each other"
    r"|has no (slurries|polymer)|is declared twice|is a layer and a foil|not hold|is no name for a recipe"
)


VALUES: tuple[Any, ...] = (7, -1, "nonsense", "12 parsec", True, [], {}, ["x", "y"], {"x": "y"}, [{"x": 1}], None, "")


@pytest.mark.parametrize("number", range(len(VALUES)))
def test_what_the_schema_refuses_the_reader_refuses(number: int, tmp_path: Path) -> None:
    """Every value stands at every fourth place, so that each place has three of them."""
    value, data = VALUES[number], texts_of(EVERYTHING)
    refused = 0
    for route in ALL_ROUTES[number % 4 :: 4]:
        other = changed(data, route, value)
        if is_refused(other):
            refused += 1
            assert read(other, tmp_path), f"{route} may be {value!r}: {complaints(other)}"
    assert refused > 10


def test_a_key_that_is_missing_is_missed_by_both(tmp_path: Path) -> None:
    data = texts_of(EVERYTHING)
    missed = 0
    for route in ALL_ROUTES:
        other = without(data, route)
        told = [what for what in read(other, tmp_path) if not CROSS_REFERENCES.search(what)]
        refused = is_refused(other)
        if refused:
            assert read(other, tmp_path), route
        if any("is missing" in what or "either" in what for what in told):
            missed += 1
            assert refused, (route, told)
    assert missed > 60


def test_a_key_that_is_not_known_is_refused_by_both(tmp_path: Path) -> None:
    data = texts_of(EVERYTHING)
    owners = [(), *(route for route in ALL_ROUTES if isinstance(at(data, route), dict))]
    free = {("polymers",), ("slurries",), ("rules",), ("laminate", "foils")}
    assert len(owners) > 40
    for route in owners:
        if route in free or route[-1:] == ("entries",):
            continue
        other = deepcopy(data)
        at(other, route)["surprise"] = "x"
        assert any("unknown key 'surprise'" in what for what in read(other, tmp_path)), route
        assert is_refused(other), route


def test_an_empty_value_is_refused_by_both(tmp_path: Path) -> None:
    data = texts_of(EVERYTHING)
    for number, route in enumerate(ALL_ROUTES):
        other = changed(data, route, (None, "", "  ")[number % 3])
        assert read(other, tmp_path), route
        assert is_refused(other), route


def test_a_quantity_without_its_unit_is_refused_by_both(tmp_path: Path) -> None:
    data = texts_of(EVERYTHING)
    quantities = [
        route
        for route in ALL_ROUTES
        if isinstance(text := at(data, route), str)
        and re.fullmatch(r"[\d.]+ [^\d\s]\S*", text)
        and not is_measure(route)
    ]
    assert len(quantities) > 50
    for route in quantities:
        other = changed(data, route, at(data, route).split(" ")[0])
        assert any("has no unit" in what for what in read(other, tmp_path)), route
        assert is_refused(other), route


def is_measure(route: Route) -> bool:
    """Whether a number with a rule's unit stands there: without one it is a number with the unit "1"."""
    return route[0] in ("facts", "rules") or "lab" in route or "viscosity" in route


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("purpose: comparative", "purpose: experimental", "$.purpose"),
        ("purpose: comparative\n", "", "$"),
        ("reason: A test of the tools.\n", "", "$"),
        ("action: stack", "action: weld", "$.steps[4].task.action"),
        ("action: stack", "action: bag", "$.steps[4].task.adds"),
        ("action: peel", "action: bag", "$.steps[6].task.removes"),
        ("      removes: support_sheet\n", "", "$.steps[6].task"),
        ("      slurry: first slurry\n      text", "      text", "$.steps[0].task"),
        ("method: uniaxial", "method: isostatic", "$.steps[5].unit"),
        ("role: join1", "role: join4", "$.steps[5].role"),
        ("    unit: coater\n", "    unit: coater\n    role: join1\n", "$.steps[1]"),
        ("    cathode:\n", "    anode:\n", "$.laminate.layers"),
        ("pressure: 90 MPa", "pressure: 90 psi", "$.steps[5].press.pressure"),
        ("pressure: 90 MPa", "pressure: 0 MPa", "$.steps[5].press.pressure"),
        ("88.2..91.8 MPa", "88.2-91.8 MPa", "$.steps[5].press.pressure_window"),
        ("88.2..91.8 MPa", "91.8 MPa", "$.steps[5].press.pressure_window"),
        ("role: binder}", "role: glue}", "$.laminate.layers.cathode.components[1].role"),
        ("measures: [thickness, porosity]", "measures: [colour]", "$.steps[7].inspect.measures"),
        ("      layers: cathode\n", "", "$.steps[7].inspect"),
        ("measures: [thickness, porosity]", "measures: thickness", "$.steps[7].inspect.layers"),
        ("zones: [50 degC, 60 degC]", "zones: [1 K, 2 K, 3 K, 4 K, 5 K]", "$.steps[1].coat.zones"),
        ("zones: [50 degC, 60 degC]", "zones: []", "$.steps[1].coat.zones"),
        ("zones: [50 degC, 60 degC]", "zones: [50 degC]", "$.steps[1].coat.zone_residence"),
        ("zone_residence: [90 s, 100 s]", "zone_residence: [90 s]", "$.steps[1].coat.zone_residence"),
        ("[85..95 s, 95..105 s]", "[85..105 s, 85..105 s, 85..105 s]", "$.steps[1].coat.zone_residence_window"),
        ("      zone_residence: [90 s, 100 s]\n", "", "$.steps[1].coat"),
        ("      thickness_window: 70..90 um\n", "", "$.steps[1].coat"),
        ("      humidity: 50 %\n", "", "$.steps[3].rest"),
        ("acceptance: guarded", "acceptance: simple", "$.decision_rule"),
        (", confidence: 95 %", "", "$.decision_rule"),
        ("H020: {required: yes}", "H020: {}", "$.rules.H020"),
        ("H020: {required: yes}", "H020: {required: perhaps}", "$.rules.H020.required"),
        ("mole_fraction: 0.87}", "mole_fraction: 0.87, mass_parts: 1}", "$.polymers['polymer B'].monomers[0]"),
        ("mole_fraction: 0.87}", "mole_fraction: 1.2}", "$.polymers['polymer B'].monomers[0].mole_fraction"),
        ("r1: alkyl, r1_carbons: 1", "r1: halogen, r1_carbons: 1", "$.polymers['polymer A'].monomers[1].structure"),
        ("n: 2}", "n: 2.5}", "$.polymers['polymer A'].monomers[1].structure.n"),
        ("recipe: everything", "recipe: Every Thing", "$.recipe"),
        ("basis: [honda, ./site.csv]", "basis: [honda, honda]", "$.basis"),
        ("    consumes: electrode\n", "    consumes: [electrode, sheet]\n    press: {}\n", "$.steps[4]"),
        ("      adds: aluminum\n", "", "$.steps[4].consumes"),
        ("      lot: laminate\n", "      lot: laminate\n      produces: x\n", "$.steps[7]"),
    ],
)
def test_wrong_recipes_are_refused_where_they_are_wrong(old: str, new: str, place: str, tmp_path: Path) -> None:
    text = EVERYTHING.read_text(encoding="utf-8")
    assert old in text
    file = tmp_path / "wrong.yaml"
    file.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(RecipeErrors):
        load_recipe(file)
    found = complaints(seen_by_an_editor(file))
    assert any(complaint.startswith(place) for complaint in found), found


def test_every_enumeration_is_the_readers(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[tuple[str, str], set[str]] = {}
    known_name = MappingReader._known

    def recorded(reader: MappingReader, place: Any, path: str, text: str, known: Any) -> bool:
        owner, _, name = re.sub(r"\[\d+\]$", "", path).rpartition(".")
        asked.setdefault((general(owner), name), set()).update(known)
        return known_name(reader, place, path, text, known)

    monkeypatch.setattr(MappingReader, "_known", recorded)
    load_recipe(EVERYTHING)
    compared = 0
    for path, part in dict(parts_in(RECIPE, "")).items():
        for key in part.keys:
            names = key.kind.names if isinstance(key.kind, Choice | Texts) else None
            if names is not None:
                assert asked[path, key.name] == set(names), (path, key.name)
                compared += 1
    assert compared >= 13


# --------------------------------------------------------------- patterns and the units' table


UNITS = [(dimension, unit) for dimension in Dimension for unit in dimension.value.units]
NUMBER_TEXTS = st.from_regex(r"\A[+-]?(\d{0,3}\.?\d{0,3})(e[+-]?\d{1,2})?\Z")
BLANKS = st.sampled_from(["", " ", "  "])


def matches(definition: str, text: str) -> bool:
    return re.search(SCHEMA["$defs"][definition]["pattern"], text) is not None


def has_value(parse: Any, *arguments: Any) -> Any:
    try:
        return parse(*arguments)
    except QuantityError:
        return None


@given(st.sampled_from(UNITS), NUMBER_TEXTS, BLANKS)
def test_quantities_above_zero(spelling: tuple[Dimension, str], number: str, blank: str) -> None:
    dimension, unit = spelling
    name = f"{dimension.name.lower()}_above_zero"
    if name not in SCHEMA["$defs"] or not number.isascii():
        return
    text = f"{number}{blank}{unit}"
    try:
        value: float | None = parse_quantity(text, dimension)
    except QuantityError as error:
        is_beyond = "more than anything on this line" in str(error)  # no pattern says how large a number is
        value = math.copysign(math.inf, float(number)) if is_beyond else None
    assert matches(name, text) == (value is not None and value > 0.0), (text, value)


@example((Dimension.PRESSURE, "Pa"), "1e20", "")
@example((Dimension.PRESSURE, "Pa"), "-1e20", " ")
@given(st.sampled_from(UNITS), st.floats(-1e30, 1e30).map(repr), BLANKS)
def test_numbers_of_any_size_above_zero(spelling: tuple[Dimension, str], number: str, blank: str) -> None:
    test_quantities_above_zero.hypothesis.inner_test(spelling, number, blank)  # type: ignore[attr-defined]  # theirs


@given(st.sampled_from(UNITS), NUMBER_TEXTS, NUMBER_TEXTS, BLANKS)
def test_ranges(spelling: tuple[Dimension, str], lower: str, upper: str, blank: str) -> None:
    dimension, unit = spelling
    name = f"{dimension.name.lower()}_range"
    if name not in SCHEMA["$defs"]:
        return
    text = f"{lower}{blank}..{blank}{upper}{blank}{unit}"
    if has_value(parse_range, text, dimension) is not None:
        assert matches(name, text), text


@pytest.mark.parametrize(("dimension", "unit"), UNITS, ids=str)
def test_units_of_other_dimensions_are_refused(dimension: Dimension, unit: str) -> None:
    for other in Dimension:
        name = f"{other.name.lower()}_above_zero"
        if name in SCHEMA["$defs"]:
            assert matches(name, f"300 {unit}") == (unit in other.value.units)


@given(st.text(max_size=12))
def test_measures(text: str) -> None:
    pattern = SCHEMA["$defs"]["fact"]["properties"]["uncertainty"]["pattern"]
    if text.isascii() and has_value(parse_measure, text) is not None:
        assert re.search(pattern, text), text


def test_the_schema_is_json() -> None:
    assert json.loads(schema_text()) == SCHEMA
