"""Maximum waits of a recipe: what they count from, which are mistakes, and that plans without any keep their hash."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.cli.recipes import capabilities
from recipes.load import RecipeErrors, load_recipe
from recipes.model import Recipe
from recipes.plan import make_plan
from recipes.waits import WaitLimit, wait_limits
from tests.recipes.library import LIBRARY

EXAMPLE = LIBRARY / "honda-example-1.yaml"
JOIN = "    consumes: first stack\n"


def written(folder: Path, within: str, before: str = JOIN) -> Recipe:
    """Example 1 with maximum waits before a step, the first joining unless another is named by its `consumes`."""
    text = EXAMPLE.read_text(encoding="utf-8")
    assert text.count(before) == 1
    file = folder / "waits.yaml"
    file.write_text(text.replace(before, f"    within: [{within}]\n{before}"), encoding="utf-8")
    return load_recipe(file)


def test_a_wait_counts_from_the_named_step_or_from_each_that_made_a_lot(tmp_path: Path) -> None:
    named = written(tmp_path, "{time: 2 h, of: coat cathode}, {time: 10 min}")
    assert wait_limits(named.steps) == (
        WaitLimit("first joining", "coat cathode", 7200.0),
        WaitLimit("first joining", "stack cathode and solid electrolyte", 600.0),
    )
    stack = "    consumes: [cathode sheet, solid electrolyte sheet]\n"
    both = written(tmp_path, "{time: 1 h}", stack)
    name = "stack cathode and solid electrolyte"
    assert wait_limits(both.steps) == (
        WaitLimit(name, "coat cathode", 3600.0),
        WaitLimit(name, "coat solid electrolyte", 3600.0),
    )


@pytest.mark.parametrize(
    ("within", "told"),
    [
        ("{time: 30 min, of: coating}", "first joining: there is no step 'coating' to wait after"),
        (
            "{time: 30 min, of: coat intermediate}",
            "first joining: waits after 'coat intermediate', which need not come before it",
        ),
        ("{time: 30 min, of: densifying}", "first joining: waits after 'densifying', which need not come before it"),
        ("{time: 0 min, of: coat cathode}", "0 min"),
        ("{of: coat cathode}", "time"),
    ],
)
def test_a_wait_that_cannot_be_meant_is_told_at_its_place(tmp_path: Path, within: str, told: str) -> None:
    with pytest.raises(RecipeErrors) as caught:
        written(tmp_path, within)
    (finding,) = caught.value.findings
    assert told in finding.message
    line = (tmp_path / "waits.yaml").read_text(encoding="utf-8").splitlines().index(f"    within: [{within}]") + 1
    assert finding.location is not None
    assert finding.location.line == line


def test_a_coating_has_no_lot_whose_making_a_wait_could_count_from(tmp_path: Path) -> None:
    with pytest.raises(RecipeErrors, match="uses no lot whose making a wait could count from"):
        written(tmp_path, "{time: 30 min}", "    produces: cathode sheet\n")


def test_maximum_waits_are_part_of_what_is_approved_and_none_leaves_the_hash(tmp_path: Path) -> None:
    units = capabilities(None)
    plain = make_plan(load_recipe(EXAMPLE), units)
    waiting = make_plan(written(tmp_path, "{time: 30 min, of: coat cathode}"), units)
    assert "within" not in plain.canonical_json
    assert plain.hash != waiting.hash
    assert '"within":[{"of":"coat cathode","time_s":1800.0}]' in waiting.canonical_json


def test_a_wait_that_the_steps_between_use_up_does_not_fit_together(tmp_path: Path) -> None:
    units = capabilities(None)
    told = [f.message for f in make_plan(written(tmp_path, "{time: 10 min, of: coat cathode}"), units).findings]
    assert "first joining: begins 12 min after coat cathode as predicted, not within 10 min" in told
    fits = make_plan(written(tmp_path, "{time: 15 min, of: coat cathode}"), units)
    assert not [f for f in fits.findings if "as predicted, not within" in f.message]
