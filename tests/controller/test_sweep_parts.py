"""The parts of a sweep that need no run: what is tried, what is written where, what the numbers say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from controller.sweep.results import ROWS, Asked, ResultsRefused, opened
from controller.sweep.sampling import hypercube
from controller.sweep.summary import by_chance, explained, rank_correlation, summarised
from controller.sweep.table import write_table
from controller.sweep.varying import read_variables, varied_text
from recipes.load import library_recipes, load_recipe
from tests.controller.recipes_for_tests import EXAMPLE

TEXT = EXAMPLE.read_text(encoding="utf-8")
ASKED = Asked(
    "r", "0" * 64, (("honda", "1" * 64),), ("a=1..2 MPa",), 10, 1, "nominal", "latin hypercube", "dry runs", "0"
)


def variables(*asked: str) -> Any:
    return read_variables(TEXT, EXAMPLE, asked)


def test_every_variable_meets_each_part_of_its_range_once() -> None:
    found = hypercube(variables("densify.pressure=700..1100MPa", "join1.dwell=0.1..10min"), 40, seed=3)
    for column, low, high in (("densify.pressure_mpa", 700.0, 1100.0), ("join1.dwell_s", 6.0, 600.0)):
        parts = sorted(int(40 * (sample[column] - low) / (high - low)) for sample in found)
        assert parts == list(range(40))


def test_the_same_seed_gives_the_same_samples_and_another_one_others() -> None:
    asked = variables("densify.pressure=700..1100MPa")
    assert hypercube(asked, 5, seed=3) == hypercube(asked, 5, seed=3)
    assert hypercube(asked, 5, seed=3) != hypercube(asked, 5, seed=4)


def test_windows_go_along_temperatures_shift_and_others_scale() -> None:
    asked = variables("densify.pressure=400..1000MPa", "densify.temperature=20..140degC")
    text = varied_text(TEXT, asked, {"densify.pressure_mpa": 490.0, "densify.temperature_c": 60.0})
    press = next(step.press for step in load_recipe(EXAMPLE, text.encode()).steps if step.role == "densify")
    assert press is not None
    assert (press.pressure_mpa, press.temperature_c) == (490.0, 60.0)
    assert (press.pressure_window_mpa.lower, press.pressure_window_mpa.upper) == (480.2, 499.8)
    assert (press.temperature_window_c.lower, press.temperature_window_c.upper) == (57.0, 72.0)


def test_a_window_in_a_list_goes_along_with_its_own_value_and_a_shared_one_stays() -> None:
    file = next(file for file in library_recipes() if file.stem == "zeon-example-1")
    shared = file.read_text(encoding="utf-8")
    window = re.search(r"zone_residence_window: (\S+ s)", shared)
    assert window is not None
    each = shared.replace(window[0], f"zone_residence_window: [{window[1]}, {window[1]}]")
    named = "coat heat-resistant layer.zone_residence[2]"
    for text, moves in ((shared, False), (each, True)):
        asked = read_variables(text, file, (f"{named}=80..100 s",))
        recipe = load_recipe(file, varied_text(text, asked, {f"{named}_s": 91.0}).encode())
        coat = next(step.coat for step in recipe.steps if step.coat is not None)
        assert coat.zone_residence_s == (90.0, 91.0)
        first, second = coat.zone_residence_window_s or (None, None)
        assert (first != second) is moves


def test_nothing_else_of_the_recipe_changes() -> None:
    asked = variables("coat cathode.zones[2]=100..130 degC", "laminate.layers.cathode.coating_weight=20..30 mg/cm2")
    values = {"coat cathode.zones[2]_c": 125.5, "laminate.layers.cathode.coating_weight_mg_cm2": 20.25}
    before, after = TEXT.splitlines(), varied_text(TEXT, asked, values).splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert [new.split("#")[0].strip() for _, new in changed] == [
        "coating_weight: 20.25 mg/cm2",
        "coating_weight_window: 19.5..21 mg/cm2",
        "zones: [100 degC, 125.5 degC]",
    ]


def test_a_recipe_in_another_layout_is_varied_at_the_right_characters() -> None:
    text = "\ufeff# µm, 電池\n" + TEXT.replace("pressure: 980 MPa", 'pressure: "0.98 GPa"')
    plain = text.encode().decode("utf-8-sig")
    asked = read_variables(plain, EXAMPLE, ("densify.pressure=700..1100MPa",))
    press = next(
        step.press
        for step in load_recipe(EXAMPLE, varied_text(plain, asked, {"densify.pressure_mpa": 800.0}).encode()).steps
        if step.role == "densify"
    )
    assert press is not None
    assert press.pressure_mpa == 800.0


@pytest.mark.parametrize("shape", [lambda x: x, lambda x: (x - 0.5) ** 2])
def test_a_variable_explains_what_it_alone_makes_whatever_the_shape(shape: Any) -> None:
    generator = np.random.default_rng(5)
    first, second = generator.random(2000), generator.random(2000)
    outcome = shape(first)
    assert explained(first, outcome) > 0.95
    assert explained(second, outcome) < by_chance(2000)


def test_the_share_of_a_sum_is_that_of_the_variances() -> None:
    generator = np.random.default_rng(6)
    first, second = generator.random(5000), generator.random(5000)
    outcome = 2.0 * first + second  # variances 4 to 1
    assert explained(first, outcome) == pytest.approx(0.8, abs=0.03)
    assert explained(second, outcome) == pytest.approx(0.2, abs=0.03)


def test_ranks_follow_any_rise_and_equal_values_count_equally() -> None:
    values = np.array([1.0, 2.0, 2.0, 4.0])
    assert rank_correlation(values, np.exp(values)) == pytest.approx(1.0)
    assert rank_correlation(values, -values) == pytest.approx(-1.0)
    assert rank_correlation(values, np.ones(4)) == 0.0


def test_the_summary_counts_what_was_not_judged_and_never_as_passed() -> None:
    rows: list[dict[str, Any]] = [
        {"sample": 0, "status": "done", "passed": True, "x": 1.0, "rule.A": "pass", "rule.B": "undetermined"},
        {"sample": 1, "status": "done", "passed": False, "x": 2.0, "rule.A": "fail", "rule.B": "pass"},
        {"sample": 2, "status": "refused", "x": 3.0, "rule.A": "fail"},
        {"sample": 3, "status": "error", "x": 4.0},
    ]
    found = summarised(rows, ["x"], frozenset({"A", "B"}))
    assert (found.samples, found.passed) == (4, 1)
    assert dict(found.statuses) == {"done": 2, "refused": 1, "error": 1}
    shares = {item.rule: (item.passed, item.failed, item.undetermined, item.not_judged) for item in found.rules}
    assert shares == {"A": (1, 2, 0, 1), "B": (1, 0, 1, 2)}


def test_columns_keep_their_kinds_where_values_are_missing(tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"sample": 1, "a": 0, "b": "x", "ok": True}, {"sample": 0, "a": 1.5, "n": 3}]
    write_table(tmp_path / "t.parquet", rows, {"about": "it"})
    found = pq.read_table(tmp_path / "t.parquet")
    assert found.to_pylist() == [
        {"sample": 0, "a": 1.5, "b": None, "ok": None, "n": 3},
        {"sample": 1, "a": 0.0, "b": "x", "ok": True, "n": None},
    ]
    assert found.schema.metadata[b"about"] == b"it"


def test_rows_that_are_cut_off_or_damaged_are_done_again(tmp_path: Path) -> None:
    with opened(tmp_path / "s", ASKED) as results:
        for number in range(3):
            results.add({"sample": number, "status": "done"})
    file = tmp_path / "s" / ROWS
    first, _, third = file.read_bytes().splitlines(keepends=True)
    file.write_bytes(first + b"\x00\x00\n" + third + b'{"sample": 3, "sta')
    with opened(tmp_path / "s", ASKED) as results:
        assert sorted(results.rows) == [0, 2]
        results.add({"sample": 1, "status": "done"})
    with opened(tmp_path / "s", ASKED) as results:
        assert sorted(results.rows) == [0, 1, 2]


def test_two_sweeps_do_not_write_into_one_folder(tmp_path: Path) -> None:
    with (
        opened(tmp_path / "s", ASKED),
        pytest.raises(ResultsRefused, match="another sweep is writing there"),
        opened(tmp_path / "s", ASKED),
    ):
        pass


def test_a_manifest_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with opened(tmp_path / "s", ASKED):
        pass
    (tmp_path / "s" / "sweep.json").write_text("[1, 2]")
    with pytest.raises(ResultsRefused, match="is no sweep's"), opened(tmp_path / "s", ASKED):
        pass


def test_what_goes_wrong_elsewhere_is_not_blamed_on_the_folder(tmp_path: Path) -> None:
    with pytest.raises(BrokenPipeError), opened(tmp_path / "s", ASKED):
        raise BrokenPipeError  # whoever read the output went away


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ResultsRefused, match=r"file.*cannot be used"), opened(tmp_path / "file" / "s", ASKED):
        pass
