"""Webs that are cut into several sheets: what belongs to them, what is refused, and whose plans keep their hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.cli.recipes import capabilities
from recipes.load import RecipeErrors, load_recipe
from recipes.plan import Refused, make_plan
from recipes.rebuild import mapping_orders, rebuilt
from recipes.sheets import shared_coatings
from tests.controller.recipes_for_tests import variant
from tests.recipes.library import LIBRARY

WEBS = Path(__file__).parents[1] / "controller" / "webs.yaml"
EXAMPLE = LIBRARY / "honda-example-1.yaml"


def test_a_web_is_its_slurry_its_coating_and_the_inspections_of_its_sheet() -> None:
    assert shared_coatings(load_recipe(WEBS).steps) == {"coating": ("mixing", "coating", "inspecting")}


def test_only_coatings_that_say_so_are_shared(tmp_path: Path) -> None:
    one = ("      substrate: aluminum\n", "      substrate: aluminum\n      sheets: 2\n")
    recipe = load_recipe(variant(tmp_path / "one.yaml", one))
    assert shared_coatings(recipe.steps) == {"coat cathode": ("coat cathode", "inspect cathode sheet")}
    assert all(not shared_coatings(load_recipe(file).steps) for file in sorted(LIBRARY.glob("*.yaml")))


def test_a_web_that_is_too_short_for_its_sheets_is_refused_with_the_numbers(tmp_path: Path) -> None:
    short = variant(tmp_path / "short.yaml", ("length: 0.4 m", "length: 0.15 m"), source=WEBS)
    with pytest.raises(Refused) as caught:
        make_plan(load_recipe(short), capabilities(None))
    (finding,) = [finding for finding in caught.value.findings if finding.level == "refused"]
    assert finding.message == (
        "coating: 4 sheets of 40 mm each, squares of the laminate's 16 cm2, need 0.16 m of web, and 0.15 m is coated"
    )
    assert finding.location is not None
    assert "sheets: 4" in short.read_text(encoding="utf-8").splitlines()[finding.location.line - 1]
    enough = variant(tmp_path / "enough.yaml", ("length: 0.4 m", "length: 0.16 m"), source=WEBS)
    make_plan(load_recipe(enough), capabilities(None))


@pytest.mark.parametrize(("sheets", "told"), [("2.5", "no whole number"), ("0", "not possible")])
def test_a_number_of_sheets_that_cannot_be_meant_is_told_at_its_place(tmp_path: Path, sheets: str, told: str) -> None:
    file = variant(tmp_path / "wrong.yaml", ("sheets: 4", f"sheets: {sheets}"), source=WEBS)
    with pytest.raises(RecipeErrors) as caught:
        load_recipe(file)
    (finding,) = caught.value.findings
    assert told in finding.message
    assert finding.location is not None
    assert f"sheets: {sheets}" in file.read_text(encoding="utf-8").splitlines()[finding.location.line - 1]


def test_sheets_are_part_of_what_is_approved_and_one_leaves_the_hash(tmp_path: Path) -> None:
    units = capabilities(None)
    plain = make_plan(load_recipe(EXAMPLE), units)
    assert "sheets" not in plain.canonical_json
    line = "      substrate: aluminum\n"
    one = make_plan(load_recipe(variant(tmp_path / "one.yaml", (line, f"{line}      sheets: 1\n"))), units)
    two = make_plan(load_recipe(variant(tmp_path / "two.yaml", (line, f"{line}      sheets: 2\n"))), units)
    assert one.hash == plain.hash != two.hash
    assert rebuilt(two.canonical_json, two.hash, mapping_orders(two), EXAMPLE).steps[0].step.coat == (
        two.steps[0].step.coat
    )
