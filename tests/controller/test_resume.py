"""`pressline resume` without a terminal, and what is told of other runs that were left."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from controller.cli.resume import ResumeOptions, _attendant
from controller.cli.runs import tell_left
from controller.events import EventStream
from controller.journal import Journal, SqliteJournal
from controller.session import unattended
from tests.controller.killing import RUN, Killed, at_event
from tests.controller.recipes_for_tests import quick
from tests.controller.test_pause import pauses_in_dwell


def options(decide: str) -> ResumeOptions:
    return ResumeOptions(RUN, None, 1.0, "nominal", 1, Path("s.sqlite"), decide, "shift lead", "", as_json=False)


def test_where_nobody_could_resume_the_restart_ends_the_pause_too(tmp_path: Path) -> None:
    killed = Killed(
        [at_event("run.state", 5.0, state="pausing")],
        60.0,
        attendant=_attendant(options("restart"), unattended, is_alone=True),
        first_attendant=pauses_in_dwell,
        recipe=quick(tmp_path / "quick.yaml"),
    ).play()
    assert killed.record["state"] == "complete", killed.record["reason"]
    assert killed.states()[-5:] == ["running", "pausing", "paused", "running", "complete"]
    resumed = [event.data for event in killed.kinds("run.state") if event.data["state"] == "running"][-1]
    assert (resumed["who"], resumed["reason"]) == ("shift lead", "decided with the command")


async def test_other_runs_that_were_left_are_told_with_how_to_continue_them(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = Journal(EventStream(), lambda: "now")
    for name in ("a", "b", "c", "done"):
        await journal.append(name, "run.created", {})
    journal.note("done", "run.closed", {})
    tell_left(journal, Path("s.sqlite"), but="b")
    told = capsys.readouterr().err
    assert (
        "2 runs are left open; `pressline resume RUN --line FILE --store s.sqlite` continues one, and then the next"
        in told
    )
    assert told.rstrip().endswith(": a, c")
    journal.note("c", "run.closed", {})
    tell_left(journal, Path("s.sqlite"), but="b")
    assert capsys.readouterr().err.startswith(
        "run a is left open; `pressline resume a --line FILE --store s.sqlite` continues it"
    )
    journal.note("a", "run.closed", {})
    tell_left(journal, Path("s.sqlite"), but="b")
    assert capsys.readouterr().err == ""


async def _with_a_run(store: Path) -> None:
    journal = SqliteJournal(EventStream(), lambda: "2026-01-02T00:00:00+00:00", store)
    await journal.append("one", "run.created", {})
    await journal.close()


@pytest.mark.parametrize(
    "command",
    [
        ("close", "x", "--reason", "scrap", "--who", "lead"),
        ("resume", "x", "--simulate", "--decide", "stop", "--who", "a"),
    ],
    ids=["close", "resume"],
)
def test_a_run_that_is_not_there_is_told_and_nothing_is_written(command: tuple[str, ...], tmp_path: Path) -> None:
    store, empty = tmp_path / "s.sqlite", tmp_path / "empty.sqlite"
    asyncio.run(_with_a_run(store))
    empty.touch()
    before = store.read_bytes()
    for file, words in (
        (store, f"{store}: there is no run x; the last one is one"),
        (empty, f"{empty}: not a pressline store"),
        (tmp_path / "none.sqlite", "there is no such store"),
    ):
        told = CliRunner().invoke(app, [*command, "--store", str(file)])
        assert (told.exit_code, words in told.stderr) == (2, True), told.output
    assert (store.read_bytes(), empty.stat().st_size) == (before, 0)
