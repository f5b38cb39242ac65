"""Files that commands write for people: never over something else."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from controller.cli.output import OutputRefused, write_new
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, variant
from tests.controller.test_cli import pressline


def test_a_new_file_is_written_and_the_same_again_is_fine(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    for _ in range(2):
        write_new(file, b"one")
    assert file.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [file]


def test_what_is_there_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(b"another")
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    for target, message in (
        (file, "is there already with another content"),
        (tmp_path, "is a directory"),
        (Path(), "is a directory"),
        (fifo, "is no regular file"),
        (tmp_path / "none" / "x", "cannot be written"),
    ):
        with pytest.raises(OutputRefused, match=message):
            write_new(target, b"one")
    assert file.read_bytes() == b"another"
    assert fifo.is_fifo()


def test_a_plan_never_replaces_its_recipe(tmp_path: Path) -> None:
    recipe = variant(tmp_path / "r.yaml")
    before = recipe.read_bytes()
    result = pressline("plan", recipe, "--output", recipe)
    assert (result.exit_code, recipe.read_bytes()) == (2, before)
    written = tmp_path / "plan.json"
    assert pressline("plan", EXAMPLE, "--output", written).exit_code == 0
    from hashlib import sha256

    assert sha256(written.read_bytes()).hexdigest() in pressline("plan", EXAMPLE).output


def test_a_schema_replaces_only_a_schema(tmp_path: Path) -> None:
    file = tmp_path / "recipe.schema.json"
    assert pressline("schema", "--output", file).exit_code == 0
    file.write_text(file.read_text(encoding="utf-8").replace("recipe", "older"), encoding="utf-8")
    assert pressline("schema", "--output", file).exit_code == 0
    file.write_text("mine", encoding="utf-8")
    assert pressline("schema", "--output", file).exit_code == 2
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_simulated_line_replaces_no_other_file(tmp_path: Path) -> None:
    file = tmp_path / "notes.toml"
    file.write_text("mine", encoding="utf-8")
    result = pressline("simulate", "--line", file)
    assert result.exit_code == 2
    assert "is no simulated line's file" in result.output
    assert file.read_text(encoding="utf-8") == "mine"


def test_a_solvent_without_drying_data_is_told_before_anything_is_simulated(tmp_path: Path) -> None:
    source = LIBRARY / "zeon-example-1.yaml"
    recipe = variant(tmp_path / "r.yaml", ("solvent: water", "solvent: anisole"), source=source)
    for command in (("dry-run", recipe), ("run", recipe, "--simulate", "--store", tmp_path / "s.sqlite")):
        result = pressline(*command)
        assert result.exit_code == 2
        assert "no drying data for 'anisole', known are water, NMP, butyl butyrate" in result.output
        assert f"{recipe}:" in result.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            ("dwell: 5 min\n      ramp: 5", "dwell: 3 h\n      ramp: 5"),
            "dwell 10800 s, isostatic-press-1 reaches 0.1 to 1800 s",
        ),
        (("soak: 3 min", "soak: 5 h"), "soak 18000 s, isostatic-press-1 reaches 0 to 7200 s"),
        (("ramp: 5 MPa/s", "ramp: 0.01 MPa/s"), "the slowest of isostatic-press-1 is 0.1 MPa/s"),
        (("tension: 60 N", "tension: 500 N"), "tension 500 N, coater-1 reaches 20 to 200 N"),
        (("length: 0.4 m", "length: 1 cm"), "length 0.01 m, coater-1 reaches 0.05 to 50 m"),
    ],
)
def test_what_a_machine_would_refuse_in_the_middle_of_a_run_is_refused_before(
    tmp_path: Path, change: tuple[str, str], message: str
) -> None:
    result = pressline("validate", variant(tmp_path / "r.yaml", change))
    assert result.exit_code == 1
    assert message in result.output
