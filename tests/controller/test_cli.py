"""The command line as its users meet it: exit codes, JSON, and messages without a trace."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import typer
from typer.testing import CliRunner, Result

from controller.cli.main import app
from controller.events import EventStream
from controller.journal import SqliteJournal
from tests.controller.recipes_for_tests import ALL, EXAMPLE, LIBRARY, variant
from tests.controller.test_dry_run import SCHEMA


def pressline(*arguments: str | Path) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result


def test_help_names_every_command_and_the_exit_codes() -> None:
    text = pressline("--help").output
    program: Any = typer.main.get_command(app)
    commands = {name for name, command in program.commands.items() if not hasattr(command, "commands")}
    assert {"validate", "plan", "dry-run", "run", "simulate", "show", "lab", "certificate", "verify"} <= commands
    for word in (*program.commands, "Exit codes: 0", "3 a machine"):
        assert word in text
    for command in commands - {"fmt", "schema", "up", "reload"}:  # two print files, one serves, one says nothing
        assert "--json" in pressline(command, "--help").output, command


def test_every_library_recipe_is_valid_and_comparatives_say_what_would_be_refused() -> None:
    result = pressline("validate", *ALL)
    assert result.exit_code == 0
    assert result.output.count(": accepted (production)") == 3
    assert result.output.count(": accepted (comparative)") == 3
    assert result.output.count("would be refused, but the recipe is comparative") == 3
    assert result.output.count("(H013, US 2025/0260067 A1 claim 6)") == 3


def test_a_comparative_recipe_without_its_purpose_is_refused(tmp_path: Path) -> None:
    source = LIBRARY / "honda-comparative-1.yaml"
    lines = source.read_text(encoding="utf-8").splitlines()
    kept = [line for line in lines if not line.startswith(("purpose:", "reason:"))]
    assert len(kept) < len(lines)
    file = tmp_path / "undeclared.yaml"
    file.write_text("\n".join(kept) + "\n", encoding="utf-8")
    result = pressline("validate", file)
    assert result.exit_code == 1, result.output
    assert "H013, US 2025/0260067 A1 claim 6" in result.output
    for command in ("plan", "dry-run"):
        refused = pressline(command, file)
        assert refused.exit_code == 1
        assert f"{file}:" in refused.output


def test_validate_as_json_locates_every_finding(tmp_path: Path) -> None:
    file = variant(tmp_path / "bad.yaml", ("dwell: 2 min", "dwell: 2 parsec"))
    result = pressline("validate", file, EXAMPLE, "--json")
    assert result.exit_code == 2
    bad, good = json.loads(result.output)["files"]
    assert (bad["exit_code"], good["exit_code"]) == (2, 0)
    (finding,) = bad["findings"]
    line = file.read_text(encoding="utf-8").splitlines()[finding["line"] - 1]
    assert line[finding["column"] - 1 :].startswith("2 parsec")
    assert finding["level"] == "error"


@pytest.mark.parametrize("command", ["validate", "plan", "dry-run"])
@pytest.mark.parametrize("content", [None, b"", b"\xff\xfe\x00", b"- 1\n", b"a: [", b"a: 1\na: 2\n"])
def test_unusable_files_are_told_with_their_name(tmp_path: Path, command: str, content: bytes | None) -> None:
    file = tmp_path / "recipe.yaml"
    if content is not None:
        file.write_bytes(content)
    result = pressline(command, file)
    assert result.exit_code == 2
    assert f"{file}:" in result.output
    assert "Traceback" not in result.output


def test_a_plan_shows_setpoints_windows_predictions_and_its_hash() -> None:
    text = pressline("plan", EXAMPLE).output
    for part in ("290 MPa = 464 kN", "284.2..295.8 MPa", "uniaxial-press-1", "gap 349 um", "cathode 26.1 -> 2.3"):
        assert part in text.replace("\n", " ")
    document = json.loads(pressline("plan", EXAMPLE, "--json").output)
    assert document["plan_hash"] in text
    assert document["predicted_porosity_pct"]["densifying"]["cathode"]["after"] == pytest.approx(2.26, abs=0.05)
    assert json.loads(pressline("plan", EXAMPLE, "--json").output)["plan_hash"] == document["plan_hash"]


def test_a_plan_changes_its_hash_with_any_setpoint_and_not_with_a_comment(tmp_path: Path) -> None:
    def plan_hash(file: Path) -> str:
        return str(json.loads(pressline("plan", file, "--json").output)["plan_hash"])

    changed = variant(tmp_path / "changed.yaml", ("dwell: 2 min", "dwell: 119 s"))
    same = variant(tmp_path / "same.yaml", ("dwell: 2 min", "dwell: 120 s  # two minutes"))
    assert plan_hash(changed) != plan_hash(EXAMPLE)
    assert plan_hash(same) == plan_hash(EXAMPLE)


def test_a_dry_run_prints_the_published_record() -> None:
    result = pressline("dry-run", EXAMPLE, "--json", "--seed", "2")
    assert result.exit_code == 0
    jsonschema.validate(json.loads(result.output), SCHEMA)
    text = pressline("dry-run", EXAMPLE, "--seed", "2").output
    for part in ("PRESSING STEPS", "LAMINATE", "CERTIFICATE", "claims and required rules: 17 pass, 0 fail"):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["dry-run", EXAMPLE, "--scenario", "lucky"], "there is no scenario 'lucky'; there are "),
        (["run", EXAMPLE], "give either --line FILE or --simulate"),
        (["run", EXAMPLE, "--line", "x.toml", "--speed", "2"], "a line file has its own speed"),
        (["run", EXAMPLE, "--line", "no-such-line.toml"], "no-such-line.toml: cannot be read"),
        (["run", EXAMPLE, "--simulate", "--speed", "21"], "Invalid value for '--speed'"),
        (["validate", EXAMPLE, "--line", "no-such-line.toml"], "no-such-line.toml: cannot be read"),
        (["show", "--store", "no-such-store.sqlite"], "no-such-store.sqlite: there is no such store"),
        (["press", EXAMPLE], "No such command"),
    ],
)
def test_mistakes_end_with_2_and_say_what_is_expected(arguments: list[str | Path], expected: str) -> None:
    result = pressline(*arguments)
    assert result.exit_code == 2
    assert expected in result.output
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("kind", "profile", "url", "expected"),
    [
        ("uniaxial_press", "coater-generic", "serial:///dev/x", "units.u.profile: coater-generic describes a coater"),
        ("uniaxial_press", "no-such-profile", "serial:///dev/x", "units.u.profile: there is no profile"),
        ("uniaxial_press", "uniaxial-press-generic", "http://x", "units.u.url is 'http://x':"),
        ("uniaxial_press", "uniaxial-press-generic", "serial:///dev/x?baudrate=fast", "units.u.url is"),
    ],
)
def test_faults_of_a_line_file_name_the_file_and_the_unit(
    tmp_path: Path, kind: str, profile: str, url: str, expected: str
) -> None:
    from controller.app import wire_line
    from controller.config import ConfigError, load_line

    line = tmp_path / "line.toml"
    line.write_text(f'[units.u]\nkind = "{kind}"\nprofile = "{profile}"\nurl = "{url}"\n', encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        wire_line(load_line(line))
    assert str(caught.value).startswith(f"{line}: {expected}")


async def test_show_lists_runs_and_finds_a_changed_record(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), lambda: "2026-01-01T00:00:00+00:00", store)
    created = {"recipe": "r", "plan_hash": "0" * 64, "purpose": "production", "steps": []}
    await journal.append("one", "run.created", created)
    await journal.append("one", "run.state", {"state": "running", "reason": "", "who": "w"})
    await journal.close()

    listed = pressline("show", "--store", store)
    assert listed.exit_code == 0
    assert "none yet" in next(line for line in listed.output.splitlines() if line.startswith("one "))
    assert "held" in listed.output
    shown = pressline("show", "one", "--store", store)
    assert shown.exit_code == 1
    assert "the controller ended without closing the run" in shown.output
    assert "the hash chain of 2 records holds" in shown.output
    assert pressline("show", "two", "--store", store).exit_code == 2

    with sqlite3.connect(store) as database:
        database.execute("UPDATE events SET data = replace(data, 'production', 'comparative')")
    database.close()
    changed = pressline("show", "one", "--store", store)
    assert changed.exit_code == 1
    assert "the journal is damaged: record 1 (run.created) was changed" in changed.output


def test_help_reads_the_options_of_no_command() -> None:
    """What nobody asks about is neither imported nor made: it was most of the time that --help took."""
    code = (
        "import sys; from controller.cli.main import app; app(['--help'], standalone_mode=False); print([*sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "'controller.cli.groups'" in told
    for module in ("controller.cli.alarms", "controller.cli.users", "asyncio", "fastapi", "numpy", "sqlalchemy"):
        assert f"'{module}'" not in told


def test_a_wrong_word_is_answered_with_the_command_that_was_meant() -> None:
    assert "Did you mean 'alarms'" in pressline("alrms").output
