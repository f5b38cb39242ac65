"""`pressline sweep` from the command line: rows, tables, pictures, going on, and what it refuses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from controller.app import scenarios
from controller.cli.main import app
from controller.sweep.estimate import MATERIALS
from recipes.load import load_recipe
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, quick, variant

PRESSURE, TEMPERATURE = "densify.pressure=700..1100MPa", "densify.temperature=25..140degC"


def sweep(recipe: Path, output: Path, *arguments: str, vary: tuple[str, ...] = (PRESSURE,)) -> Result:
    asked = [word for option in vary for word in ("--vary", option)]
    words = ["sweep", str(recipe), *asked, "--output", str(output), "--plots", "none", *arguments]
    return CliRunner().invoke(app, words)


def table(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = pq.read_table(folder / "results.parquet").to_pylist()
    return rows


def test_a_dry_run_for_every_sample_with_truth_estimates_and_verdicts(tmp_path: Path) -> None:
    result = sweep(quick(tmp_path / "quick.yaml"), tmp_path / "out", "--samples", "4", "--jobs", "2")
    assert result.exit_code == 0, result.output
    rows = table(tmp_path / "out")
    assert [row["sample"] for row in rows] == [0, 1, 2, 3]
    parts = sorted(int((row["densify.pressure_mpa"] - 700.0) // 100.0) for row in rows)
    assert parts == [0, 1, 2, 3]  # a Latin hypercube meets every part of the range once
    done = [row for row in rows if row["status"] == "done"]
    assert done
    assert all(row["state"] == "complete" for row in done)
    for row in done:
        assert row["seed"] == 1 + row["sample"]
        assert row["reached.densify.pressure_mpa"] == pytest.approx(row["densify.pressure_mpa"], rel=0.01)
        assert row["reached.coat cathode.coating_weight_mg_cm2"] == pytest.approx(27.0, abs=1.0)
        assert row["true.cathode.porosity_pct"] == pytest.approx(row["estimated.cathode.porosity_pct"], abs=6.0)
        assert row["true.densify.cathode.decrease_pct"] > 50.0
        assert row["rule.H001"] == "pass"
        assert row["line_s"] > 600.0
    assert "accepted:" in result.stdout


def test_what_rules_or_machines_refuse_is_a_row_with_the_finding(tmp_path: Path) -> None:
    result = sweep(EXAMPLE, tmp_path / "out", "--samples", "3", "--jobs", "1", vary=("join2.pressure=600..900MPa",))
    assert result.exit_code == 0, result.output
    rows = table(tmp_path / "out")
    assert [row["status"] for row in rows] == ["refused"] * 3
    for row in rows:
        assert "uniaxial-press-1 reaches" in row["message"]
        assert row["message"].startswith(str(EXAMPLE))


def test_a_value_that_no_recipe_may_have_is_a_row_too(tmp_path: Path) -> None:
    result = sweep(EXAMPLE, tmp_path / "out", "--samples", "2", "--jobs", "1", vary=("densify.dwell=0..1e-9 s",))
    assert result.exit_code == 0, result.output
    assert {row["status"] for row in table(tmp_path / "out")} <= {"refused", "unusable"}


def test_the_same_command_goes_on_and_does_nothing_twice(tmp_path: Path) -> None:
    options = ("--samples", "4", "--jobs", "1")
    vary = ("join2.pressure=600..900MPa",)
    assert sweep(EXAMPLE, tmp_path / "out", *options, vary=vary).exit_code == 0
    rows = tmp_path / "out" / "rows.jsonl"
    lines = rows.read_bytes().splitlines(keepends=True)
    rows.write_bytes(lines[0] + lines[1] + lines[2][:40])  # killed while it wrote the third
    again = sweep(EXAMPLE, tmp_path / "out", *options, vary=vary)
    assert again.exit_code == 0
    assert "2 of 4 samples are done already" in again.stderr
    assert rows.read_bytes().startswith(lines[0] + lines[1])
    assert len(rows.read_bytes().splitlines()) == 4
    assert [row["sample"] for row in table(tmp_path / "out")] == [0, 1, 2, 3]
    finished = rows.read_bytes()
    assert sweep(EXAMPLE, tmp_path / "out", *options, vary=vary).exit_code == 0
    assert rows.read_bytes() == finished


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        (("--samples", "5"), "--samples was 4, is 5"),
        (("--samples", "4", "--seed", "2"), "--seed was 1, is 2"),
        (("--samples", "4", "--scenario", "nominal"), "--scenario was realistic, is nominal"),
        (("--samples", "4", "--estimate"), "--estimate was dry runs, is laws only"),
    ],
)
def test_other_options_are_refused_with_what_differs(tmp_path: Path, changed: tuple[str, ...], told: str) -> None:
    vary = ("join2.pressure=600..900MPa",)
    assert sweep(EXAMPLE, tmp_path / "out", "--samples", "4", "--jobs", "1", vary=vary).exit_code == 0
    before = (tmp_path / "out" / "rows.jsonl").read_bytes()
    other = sweep(EXAMPLE, tmp_path / "out", *changed, vary=vary)
    assert other.exit_code == 2
    assert told in other.stderr
    assert (tmp_path / "out" / "rows.jsonl").read_bytes() == before


def test_a_changed_recipe_is_refused(tmp_path: Path) -> None:
    recipe, vary = tmp_path / "a.yaml", ("join2.pressure=600..900MPa",)
    recipe.write_bytes(EXAMPLE.read_bytes())
    assert sweep(recipe, tmp_path / "out", "--samples", "2", "--jobs", "1", vary=vary).exit_code == 0
    variant(recipe, ("dwell: 3 min", "dwell: 4 min"), source=recipe)
    other = sweep(recipe, tmp_path / "out", "--samples", "2", "--jobs", "1", vary=vary)
    assert other.exit_code == 2
    assert "the recipe's text was another" in other.stderr


def test_a_folder_with_other_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    result = sweep(EXAMPLE, tmp_path, "--samples", "2")
    assert result.exit_code == 2
    assert "holds other files (notes.txt)" in result.stderr


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("densfy.pressure=1..2MPa", "has no step 'densfy', did you mean 'densify'?"),
        ("densify.presure=1..2MPa", "'presure' is not known in step 'densifying', did you mean 'pressure'?"),
        ("densify.method=1..2MPa", "'method' is no quantity in step 'densifying'"),
        ("densify.pressure=1..2degC", "'degC' is a unit of a temperature, not of a pressure"),
        ("densify.pressure=1..2", "1 has no unit"),
        ("densify.pressure=2..1MPa", "ends below its beginning"),
        ("densify.pressure=5..5MPa", "is a single value; a range needs a lower and a higher one"),
        ("densify.pressure=5MPa", "is one value, no range"),
        ("densify.pressure", "there is no '='"),
        ("pressure=1..2MPa", "names no quantity of a step; expected for example densify.pressure"),
        ("join1.soak=1..2s", "does not write soak in step 'first joining'; write it there"),
        ("laminate.layers.kathode.porosity=40..50%", "has no 'kathode', did you mean 'cathode'?"),
    ],
)
def test_a_mistyped_quantity_is_told_with_what_there_is(tmp_path: Path, option: str, told: str) -> None:
    result = sweep(EXAMPLE, tmp_path / "out", vary=(option,))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"--vary {option}: ")
    assert told in result.stderr
    assert not (tmp_path / "out").exists()


def test_all_mistakes_are_told_at_once_and_a_quantity_is_varied_once(tmp_path: Path) -> None:
    vary = (PRESSURE, "densifying.press.pressure=1..2GPa", "densfy.dwell=1..2s")
    result = sweep(EXAMPLE, tmp_path / "out", vary=vary)
    assert result.exit_code == 2
    assert "steps[densifying].press.pressure is varied twice" in result.stderr
    assert "no step 'densfy'" in result.stderr


def test_an_unknown_scenario_and_a_broken_recipe_end_with_2(tmp_path: Path) -> None:
    assert sweep(EXAMPLE, tmp_path / "out", "--scenario", "rosy").exit_code == 2
    broken = variant(tmp_path / "b.yaml", ("recipe: honda-example-1", "recipes: x"))
    result = sweep(broken, tmp_path / "out")
    assert result.exit_code == 2
    assert str(broken) in result.stderr


def test_a_solvent_that_nobody_can_dry_is_told_before_anything_is_run(tmp_path: Path) -> None:
    recipe = variant(tmp_path / "a.yaml", ("solvent: butyl butyrate", "solvent: anisole"))
    result = sweep(recipe, tmp_path / "out")
    assert result.exit_code == 2
    assert "no drying data for 'anisole'" in result.stderr
    assert not (tmp_path / "out").exists()


def test_the_laws_alone_judge_the_rules_on_porosity(tmp_path: Path) -> None:
    result = sweep(EXAMPLE, tmp_path / "out", "--estimate", "--samples", "2000", vary=(PRESSURE, TEMPERATURE))
    assert result.exit_code == 0, result.output
    rows = table(tmp_path / "out")
    assert len(rows) == 2000
    for row in rows:
        assert row["rule.H003"] == ("pass" if row["law.cathode.porosity_pct"] <= 5.0 else "fail")
        assert "rule.H001" not in row
        assert "passed" not in row
    assert "law cathode porosity" in result.stdout


def test_the_laws_alone_know_nothing_of_coatings(tmp_path: Path) -> None:
    vary = (PRESSURE, "coat cathode.web_speed=0.4..0.8 m/min")
    result = sweep(EXAMPLE, tmp_path / "out", "--estimate", vary=vary)
    assert result.exit_code == 2
    assert "--vary coat cathode.web_speed: the laws follow pressings and initial porosities only" in result.stderr


def test_the_laws_alone_say_nothing_of_a_recipe_that_presses_nothing(tmp_path: Path) -> None:
    vary = ("laminate.layers.heat_resistant.porosity=40..45%",)
    result = sweep(LIBRARY / "zeon-example-1.yaml", tmp_path / "out", "--estimate", vary=vary)
    assert result.exit_code == 2
    assert "zeon-example-1 presses no layer that has a compaction law" in result.stderr


def test_the_laws_alone_know_no_world_with_faults(tmp_path: Path) -> None:
    other = next((name for name in scenarios() if name not in MATERIALS), None)
    if other is None:
        pytest.skip("every scenario is one of sound machines")
    result = sweep(EXAMPLE, tmp_path / "out", "--estimate", "--scenario", other)
    assert result.exit_code == 2
    assert f"--scenario {other}: with --estimate there are nominal" in result.stderr


def test_the_exact_table_gives_the_porosities_that_it_prints(tmp_path: Path) -> None:
    vary = ("densify.dwell=299..301s",)  # hardly varied: Example 1 as it is
    result = sweep(EXAMPLE, tmp_path / "out", "--estimate", "--scenario", "exact-table", "--samples", "3", vary=vary)
    assert result.exit_code == 0, result.output
    for row in table(tmp_path / "out"):
        assert round(row["law.densify.cathode.decrease_pct"]) == 92
        assert round(row["law.join3.cathode.decrease_pct"]) == 0


def test_what_is_heavy_is_loaded_when_it_is_needed() -> None:
    heavy = "{'pyarrow', 'matplotlib', 'distributed', 'dask'}"
    program = f"import sys, controller.cli.sweep, controller.sweep.worker; print({heavy} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60.0, check=True)
    assert told.stdout.strip() == "set()"


def test_without_the_extra_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.cli.sweep.find_spec", lambda name: None)
    result = CliRunner().invoke(app, ["sweep", str(EXAMPLE), "--vary", PRESSURE, "--output", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "needs pyarrow (results) and matplotlib (plots): pip install 'pressline[sweep]'" in result.stderr


def test_as_json_it_is_one_document(tmp_path: Path) -> None:
    result = sweep(EXAMPLE, tmp_path / "out", "--estimate", "--samples", "100", "--json")
    document = json.loads(result.stdout)
    assert document["done"] == 100
    assert document["variables"][0]["column"] == "densify.pressure_mpa"
    assert Path(document["results"]).exists()
    assert document == document | json.loads((tmp_path / "out" / "summary.json").read_text())


def test_pictures_are_drawn_in_both_forms(tmp_path: Path) -> None:
    for form, begin in (("png", b"\x89PNG"), ("svg", b"<?xml")):
        arguments = ["sweep", str(EXAMPLE), "--vary", PRESSURE, "--vary", TEMPERATURE, "--samples", "200", "--estimate"]
        result = CliRunner().invoke(app, [*arguments, "--plots", form, "--output", str(tmp_path / form)])
        assert result.exit_code == 0, result.output
        for name in ("rules", "map", "outcomes"):
            assert (tmp_path / form / f"{name}.{form}").read_bytes().startswith(begin)


def test_a_sample_can_be_written_as_a_recipe_of_its_own(tmp_path: Path) -> None:
    arguments = ["sweep", str(EXAMPLE), "--vary", PRESSURE, "--vary", "laminate.area=12..16 cm2", "--samples", "10"]
    result = CliRunner().invoke(app, [*arguments, "--write-sample", "7", "--output", str(tmp_path / "seventh.yaml")])
    assert result.exit_code == 0, result.output
    assert "--seed 8" in result.stdout
    recipe = load_recipe(tmp_path / "seventh.yaml")
    press = next(step.press for step in recipe.steps if step.role == "densify")
    assert press is not None
    assert 700.0 <= press.pressure_mpa <= 1100.0
    window = press.pressure_window_mpa
    assert window.lower == pytest.approx(0.98 * press.pressure_mpa)
    assert window.upper == pytest.approx(1.02 * press.pressure_mpa)
    entry = next(step.task.entries[0] for step in recipe.steps if step.task and step.task.entries)
    assert entry.expected == recipe.laminate.area_mm2 != 1600.0
    beyond = CliRunner().invoke(app, [*arguments, "--write-sample", "10", "--output", str(tmp_path / "no.yaml")])
    assert beyond.exit_code == 2
    assert "there are 0 to 9" in beyond.stderr


def test_ctrl_c_keeps_what_is_done_and_the_same_command_finishes_it(tmp_path: Path) -> None:
    """The whole program in a process of its own, as a person interrupts it, and once killed for good."""
    many = 150  # refused ones, which take some hundredths of a second each
    words = ["sweep", str(EXAMPLE), "--vary", "join2.pressure=600..900MPa", "--samples", str(many), "--jobs", "2"]
    command = [
        sys.executable,
        "-m",
        "controller.cli.main",
        *words,
        "--output",
        str(tmp_path / "out"),
        "--plots",
        "none",
    ]
    rows = tmp_path / "out" / "rows.jsonl"
    for number, sent in ((1, signal.SIGINT), (20, signal.SIGKILL)):
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        deadline = time.monotonic() + 60.0
        while not rows.exists() or len(rows.read_bytes().splitlines()) < number:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        os.kill(process.pid, sent)
        _, errors = process.communicate(timeout=60.0)
        if sent == signal.SIGINT:
            assert process.returncode == 1
            assert "samples are left; the same command goes on with them" in errors
            assert (tmp_path / "out" / "results.parquet").exists()
    kept = rows.read_bytes().splitlines()
    assert len(kept) < many
    finished = subprocess.run(command, capture_output=True, text=True, timeout=90.0, check=False)
    assert finished.returncode == 0, finished.stderr
    assert rows.read_bytes().splitlines()[: len(kept) - 1] == kept[:-1]  # the last one may have been cut off
    assert sorted(row["sample"] for row in table(tmp_path / "out")) == list(range(many))
    assert len(rows.read_bytes().splitlines()) == many
