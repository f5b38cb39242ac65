"""`pressline alarms` on a store, and what is typed about alarms at the terminal of a run that goes on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.alarms.alarm import AlarmKey
from controller.alarms.page import reference_page
from controller.alarms.states import TABLE, AlarmState, drawn
from controller.alarms.table import shipped_table
from controller.cli import runs
from controller.cli.alarm_terminal import AlarmCommands
from controller.cli.main import app
from controller.cli.progress import sentence
from controller.journal import SqliteJournal, read_events
from controller.session import MachineNotReady, Surroundings, unattended
from tests.controller.alarms.stage import Stage, play

PRESS, COATER = "uniaxial-press-1", "coater-1"
EXAMPLE = Path(__file__).parents[3] / "recipes" / "library" / "honda-example-1.yaml"
REFERENCE = Path(__file__).parents[3] / "docs" / "reference" / "alarms.md"


def run(*arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alarms", *arguments])
    return done.exit_code, done.output


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store in which a press is tilted and a command failed."""
    file = tmp_path / "store.sqlite"

    async def act(stage: Stage) -> None:
        stage.simulated.machines[PRESS].plc.alarms.add("tilt")
        stage.journal.note("r", "command.failed", {"unit": COATER, "command": "start", "error": "no"})
        await asyncio.sleep(3.0)

    play(act, file)
    return file


def test_the_list_shows_what_stands_with_its_words(store: Path) -> None:
    code, text = run("list", "--store", str(store))
    assert code == 1
    tilt, failed = text.splitlines()
    assert tilt.startswith("high     unacknowledged")
    assert "FIRST-OUT" in tilt
    assert "[press_tilt@uniaxial-press-1]" in tilt
    assert failed.startswith("low      returned unacknowledged")
    assert run("--store", str(store)) == (code, text)


def test_the_list_as_json_says_what_to_do(store: Path) -> None:
    found = json.loads(run("list", "--store", str(store), "--json")[1])
    assert [alarm["alarm"] for alarm in found["standing"]] == ["press_tilt@uniaxial-press-1", "command_failed@coater-1"]
    assert found["standing"][0]["action"].startswith("take the laminate out")


def test_who_has_no_name_in_the_system_says_it(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nobody)
    assert run("ack", "command_failed@coater-1", "--store", str(store)) == (1, "say who does it\n")


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("press_tilt", "press_tilt@line: cannot acknowledge what is normal; is press_tilt@uniaxial-press-1 meant?"),
        (
            "pres_tilt@uniaxial-press-1",
            "there is no alarm pres_tilt@uniaxial-press-1; is press_tilt@uniaxial-press-1 meant?",
        ),
        ("nothing@such", "there is no alarm nothing@such"),
    ],
)
def test_a_mistyped_alarm_is_refused_with_what_may_be_meant(store: Path, typed: str, told: str) -> None:
    assert run("ack", typed, "--by", "maria", "--store", str(store)) == (1, told + "\n")


def test_a_store_is_looked_at_without_changing_it(store: Path) -> None:
    before = len(read_events(store))
    for command in ("list", "history", "metrics"):
        run(command, "--store", str(store))
    assert len(read_events(store)) == before


def test_acknowledging_needs_the_alarm_and_says_who(store: Path) -> None:
    code, text = run("ack", "command_failed@coater-1", "--by", "maria", "--store", str(store))
    assert code == 0
    assert "command_failed" not in text
    told = [event.data for event in read_events(store) if event.kind == "alarm.acknowledged"]
    assert [(data["name"], data["who"], data["state"]) for data in told] == [("command_failed", "maria", "normal")]
    code, text = run("ack", "command_failed@coater-1", "--by", "maria", "--store", str(store))
    assert code == 1
    assert text == "command_failed@coater-1: cannot acknowledge what is normal\n"
    assert run("ack", "press_tilt@uniaxial-press-1", "--by", " ", "--store", str(store))[0] == 1


def test_shelving_and_service_from_the_command_line(store: Path) -> None:
    link, values = "link_down@coater-1", "value_bad@coater-1"
    assert run("shelve", link, "--for", "60", "--reason", "cable", "--store", str(store))[0] == 1, "10 min at most"
    code, text = run("shelve", link, "--for", "5", "--reason", "cable", "--by", "jan", "--store", str(store))
    assert code == 0
    assert "jan: cable" in text
    assert run("unshelve", link, "--store", str(store))[0] == 0
    assert run("out-of-service", values, "--reason", "sensor", "--by", "jan", "--store", str(store))[0] == 0
    assert "out of service, jan: sensor" in run("--store", str(store))[1]
    assert run("return-to-service", values, "--store", str(store))[0] == 0
    assert run("reset", values, "--store", str(store))[0] == 1


def test_the_history_and_the_figures(store: Path) -> None:
    run("ack", "command_failed@coater-1", "--by", "maria", "--store", str(store))
    code, text = run("history", "--store", str(store))
    assert code == 0
    assert [line.split("  ")[1].strip() for line in text.splitlines()][-1] == "acknowledged by maria"
    assert len(run("history", "--last", "1", "--store", str(store))[1].splitlines()) == 1
    found = json.loads(run("metrics", "--store", str(store), "--json")[1])
    assert found["count"] == 2
    assert "2 alarms in" in run("metrics", "--store", str(store))[1]


def test_a_store_that_a_run_uses_is_shown_and_not_changed(store: Path) -> None:
    async def busy() -> None:
        from controller.events import EventStream

        journal = SqliteJournal(EventStream(), lambda: "2026-01-01T00:00:00+00:00", store)
        try:
            found.append(await asyncio.to_thread(run, "ack", "command_failed@coater-1", "--store", str(store)))
            found.append(await asyncio.to_thread(run, "list", "--store", str(store)))
        finally:
            await journal.close()

    found: list[tuple[int, str]] = []
    asyncio.run(busy())
    assert found[0][0] == 2
    assert "at the terminal of its run" in found[0][1]
    assert "press_tilt" in found[1][1]


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    for command in (["list"], ["history"], ["metrics"], ["ack", "link_down@coater-1"]):
        code, text = run(*command, "--store", str(tmp_path / "none.sqlite"))
        assert code == 2
        assert "there is no such store" in text
    assert not (tmp_path / "none.sqlite").exists()


def test_the_table_and_one_row_of_it() -> None:
    code, text = run("table")
    assert code == 0
    assert len(text.splitlines()) == len(shipped_table().definitions)
    code, text = run("table", "vessel_closure_fault")
    assert "what to do        clear the area" in text
    assert "shelving          never" in text
    code, text = run("table", "link_dwn")
    assert code == 2
    assert "is link_down meant?" in text
    assert {row["name"] for row in json.loads(run("table", "--json")[1])} == set(shipped_table().definitions)


# ---------------------------------------------------------------- the terminal of a run


@pytest.mark.parametrize("is_typed_at", [True, False])
def test_a_simulated_run_takes_alarm_commands_where_somebody_types(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *, is_typed_at: bool
) -> None:
    given: list[Surroundings] = []

    async def carried_out(plan: object, surroundings: Surroundings, name: str) -> None:
        given.append(surroundings)
        raise MachineNotReady("enough is seen")

    monkeypatch.setattr(runs, "carry_out", carried_out)
    monkeypatch.setattr("sys.stdin.isatty", lambda: is_typed_at)
    store = tmp_path / "store.sqlite"
    options = runs.RunOptions(EXAMPLE, None, 20.0, "nominal", 1, store, rearm=False, record=None, as_json=True)
    assert runs.run_file(options) == 1
    assert (given[0].watch_alarms is not None) is is_typed_at
    assert (given[0].attendant is not unattended) is is_typed_at, "without a terminal what is held is stopped"


def test_alarms_are_acknowledged_at_the_terminal_of_a_run(capsys: pytest.CaptureFixture[str]) -> None:
    async def act(stage: Stage) -> None:
        typed = AlarmCommands(stage.server).heard
        stage.simulated.machines[PRESS].plc.alarms.update({"tilt", "force_leak"})
        await asyncio.sleep(3.0)
        assert not typed("restart")
        assert not typed("")
        assert typed("ack 1")
        assert "no alarm was shown as 1" in capsys.readouterr().err
        assert typed("alarms")
        shown = capsys.readouterr().out
        assert shown.splitlines()[0].split()[0] == "1"
        assert typed("ack 1 2 by maria")
        assert {event.data["who"] for event in stage.events() if event.kind == "alarm.acknowledged"} == {"maria"}
        assert stage.alarm("press_tilt", PRESS).state is AlarmState.ACKNOWLEDGED
        assert typed("ack 1")
        assert "cannot acknowledge" in capsys.readouterr().err
        assert typed("shelve link_down@coater-1 5 the cable is changed by jan")
        shelved = stage.alarm("link_down", COATER)
        assert (shelved.state, shelved.who, shelved.why) == (AlarmState.SHELVED, "jan", "the cable is changed")
        assert typed("unshelve link_down@coater-1")
        assert typed("shelve 1 soon because")
        assert "no number of minutes" in capsys.readouterr().err
        assert typed("reset")
        assert "is not written so" in capsys.readouterr().err

    play(act)


def test_the_progress_shows_alarms_with_their_priority() -> None:
    async def act(stage: Stage) -> None:
        stage.simulated.machines[PRESS].plc.alarms.add("tilt")
        await asyncio.sleep(3.0)
        stage.server.acknowledge([AlarmKey("press_tilt", PRESS)], "maria")

    shown = [text for event in play(act) if (text := sentence(event)) is not None]
    assert shown == [
        "    ALARM (high, first out) uniaxial-press-1: the ram is tilted by more than 20 um",
        "    alarm acknowledged by maria: uniaxial-press-1: the ram is tilted by more than 20 um",
    ]


# ---------------------------------------------------------------- the documentation


def test_the_reference_is_made_from_the_tables() -> None:
    assert REFERENCE.read_text(encoding="utf-8") == reference_page(shipped_table()), (
        "pressline alarms table --page > docs/reference/alarms.md"
    )


def test_the_diagram_has_every_transition() -> None:
    assert drawn().count("-->") == len(TABLE) + 1
    assert drawn() in reference_page(shipped_table())
