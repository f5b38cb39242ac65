"""`pressline devices write`: every refusal says why, nothing is ever sent twice, and Ctrl-C tells the truth."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from controller.journal import read_events, verify
from controller.line_lock import LineLock
from drivers.profile_file import load_profile
from drivers.transport.urls import open_transport
from tests.controller.bench_for_tests import Served, line_file, program, served
from tests.controller.test_cli import pressline
from tests.drivers.profile_text import INSTRUMENT, changed

PRESS = "uniaxial-press-generic"


@pytest.fixture
def press() -> Iterator[Served]:
    with served(PRESS, mode=2) as machine:
        yield machine


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def writing(machine: Served, assignment: str, store: Path, *more: str) -> list[str]:
    return ["devices", "write", machine.url, assignment, "--profile", machine.profile, "--store", str(store), *more]


def test_a_write_is_applied_read_back_and_journalled(press: Served, store: Path) -> None:
    result = pressline(*writing(press, "force_sp_kn=120", store, "--yes", "--by", "A. Person", "--json"))
    assert result.exit_code == 0, result.output
    document = json.loads(result.output)
    assert (document["outcome"], document["read_back"]["value"]) == ("applied", 120.0)
    assert press.tags["force_sp_kn"] == 120.0
    assert press.writes == 1
    events = read_events(store)
    assert [(event.run, event.kind) for event in events] == [
        ("maintenance", "write.requested"),
        ("maintenance", "write.done"),
    ]
    assert events[0].data["who"] == "A. Person"
    assert verify(events) == []
    assert pressline("show", "--store", store).exit_code == 0


@pytest.mark.parametrize(
    ("assignment", "code", "words"),
    [
        ("force_sp_kn=601", 1, "outside 0 to 600 kN; nothing was written"),
        ("force_sp_kn=nan", 2, "expected a number"),
        ("force_sp_kn=1_0", 2, "expected a number"),
        ("force_sp_kn=5 kN", 2, "in kN and without the unit"),
        ("force_sp_kn", 2, "expected SIGNAL=VALUE"),
        ("job_id=1.5", 1, "must be a whole number"),
        ("force_pv_kn=1", 1, "is only read"),
        ("command_code=2", 1, "belongs to the handshake"),
        ("command_sequence=2", 1, "belongs to the handshake"),
        ("heartbeat_controller=2", 1, "belongs to the handshake"),
        ("lease_request=2", 1, "belongs to the handshake"),
        ("force_spkn=2", 2, "is force_sp_kn meant?"),
    ],
)
def test_what_the_profile_does_not_allow_never_reaches_the_wire(
    press: Served, store: Path, assignment: str, code: int, words: str
) -> None:
    result = pressline(*writing(press, assignment, store, "--yes"))
    assert result.exit_code == code, result.output
    assert words in result.output
    assert press.heard == []
    assert not store.exists()


@pytest.mark.parametrize(
    ("tags", "words"),
    [
        ({"mode": 1}, "is not in mode MAINTENANCE; switch it at the machine"),
        ({"machine_state": 6}, "is not at rest"),
        ({"model_code": 4202}, "model_code is 4202, 4101 was expected"),
    ],
)
def test_a_machine_that_is_not_ready_is_not_written_to(
    press: Served, store: Path, tags: dict[str, int], words: str
) -> None:
    press.tags.update(tags)
    result = pressline(*writing(press, "force_sp_kn=20", store, "--yes"))
    assert result.exit_code == 1, result.output
    assert words in result.output
    assert press.writes == 0


def test_a_machine_that_another_controller_owns_is_not_written_to(press: Served, store: Path) -> None:
    async def take_lease() -> None:
        transport = open_transport(press.url, load_profile(PRESS))
        await transport.open()
        await transport.write(2, [1, 4711])  # type: ignore[union-attr]  # Modbus by its profile
        await transport.close()

    asyncio.run(take_lease())
    result = pressline(*writing(press, "force_sp_kn=20", store, "--yes"))
    assert result.exit_code == 1, result.output
    assert "is owned by another controller" in result.output
    assert press.writes == 1, "the heartbeat that took the lease and nothing else"
    (refused,) = read_events(store)
    assert refused.kind == "write.refused"


def test_a_line_that_a_service_works_with_is_not_written_to(press: Served, store: Path, tmp_path: Path) -> None:
    line = line_file(tmp_path / "line.toml", press=press)
    with LineLock(line):
        result = pressline("devices", "write", "press", "force_sp_kn=2", "--line", line, "--store", store, "--yes")
    assert result.exit_code == 1
    assert str(os.getpid()) in result.output
    assert press.heard == []
    again = pressline("devices", "write", "press", "force_sp_kn=2", "--line", line, "--store", store, "--yes")
    assert again.exit_code == 0, again.output


def test_nobody_is_asked_where_nobody_sits(press: Served, store: Path) -> None:
    result = CliRunner().invoke(app, writing(press, "force_sp_kn=20", store), input="y\n")
    assert result.exit_code == 1
    assert "give --yes" in result.output
    assert press.heard == []


@pytest.mark.parametrize(
    ("answer", "code", "words"),
    [("y\n", 0, "applied"), ("n\n", 1, "nothing was written"), (None, 1, "nothing was written")],
)
def test_the_person_at_the_terminal_is_asked(
    press: Served, store: Path, answer: str | None, code: int, words: str
) -> None:
    master, slave = pty.openpty()
    command = [sys.executable, "-m", "controller.cli.main", *writing(press, "force_sp_kn=20", store)]
    with program(command, stdin=slave, stdout=slave, stderr=slave) as process:
        os.close(slave)
        text = _until(master, "[y/N]")
        if answer is None:
            process.send_signal(signal.SIGINT)
        else:
            os.write(master, answer.encode())
        text += _until(master, None)
        assert process.wait(20) == code, text
    os.close(master)
    assert "now      force_sp_kn = 0 kN" in text
    assert words in text
    assert press.writes == (1 if code == 0 else 0)


def _until(terminal: int, words: str | None) -> str:
    """What is printed up to these words; None: up to the end."""
    text = ""
    while words is None or words not in text:
        try:
            text += os.read(terminal, 4096).decode()
        except OSError:
            break
    return text


def test_a_lost_answer_is_unknown_and_the_write_went_out_once(press: Served, store: Path) -> None:
    with _mute_at_the_write(press, store) as process:
        _, errors = process.communicate(timeout=30)
    assert process.returncode == 1, errors
    assert press.writes == 1
    assert read_events(store)[-1].data["outcome"] == "unknown"


def test_ctrl_c_while_it_is_on_its_way_waits_for_the_outcome(press: Served, store: Path) -> None:
    with _mute_at_the_write(press, store) as process:
        _wait_for_write(press)
        process.send_signal(signal.SIGINT)
        press.mute = False
        output, errors = process.communicate(timeout=30)
    assert "it is on its way; waiting for its outcome" in errors
    assert "applied" in output
    assert process.returncode == 0
    assert press.writes == 1


def test_a_second_ctrl_c_gives_up_and_says_that_the_outcome_is_unknown(press: Served, store: Path) -> None:
    with _mute_at_the_write(press, store) as process:
        assert process.stderr is not None
        _wait_for_write(press)
        process.send_signal(signal.SIGINT)
        first = process.stderr.readline()
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=30)
    assert "it is on its way" in first
    assert "may or may not be in" in errors
    assert process.returncode == 1
    assert press.writes == 1
    assert read_events(store)[-1].data["outcome"] == "unknown"


def _mute_at_the_write(press: Served, store: Path) -> AbstractContextManager[subprocess.Popen[Any]]:
    """A write whose answer, and every later one, is lost."""

    class Heard(list[bytes]):
        def append(self, data: bytes) -> None:
            super().append(data)
            press.mute = press.mute or data[7] == 16

    press.heard = Heard()
    command = [sys.executable, "-m", "controller.cli.main", *writing(press, "force_sp_kn=20", store, "--yes")]
    return program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _wait_for_write(press: Served) -> None:
    end = time.monotonic() + 20
    while not press.writes and time.monotonic() < end:
        time.sleep(0.005)
    assert press.writes


def test_an_instrument_without_a_mode_can_be_written_to(store: Path) -> None:
    with served("eurotherm-3216") as heater:
        result = pressline(*writing(heater, "setpoint_1_c=80.5", store, "--yes"))
        assert result.exit_code == 0, result.output
        assert heater.tags["setpoint_1_c"] == pytest.approx(80.5)
        word = pressline(*writing(heater, "setpoint_select=setpoint_2", store, "--yes"))
        assert word.exit_code == 0, word.output
        wrong = pressline(*writing(heater, "setpoint_select=setpoint_9", store, "--yes"))
        assert wrong.exit_code == 2
        assert "expected one of setpoint_1, setpoint_2" in wrong.output


@pytest.mark.parametrize("tags", [{"mode": 1}, {"machine_state": 6}, {"lease_owner": 4711}])
def test_an_instrument_s_own_words_for_mode_state_and_owner_block_nothing(
    store: Path, tmp_path: Path, tags: dict[str, int]
) -> None:
    profile = tmp_path / "oven.yaml"
    extra = (
        "  - {name: mode, table: holding, address: 4, type: uint16, access: rw, enum: mode, meaning: mode}\n"
        "  - {name: machine_state, table: holding, address: 5, type: uint16, meaning: a number of its own}\n"
        "  - {name: lease_owner, table: holding, address: 6, type: uint16, meaning: who bought it}\n"
        "  - {name: command_value_c, table: holding, address: 7, type: int16, access: rw, range: [0, 400],"
        " unit: degC, meaning: set point by command}\n"
    )
    enums = "enums:\n  mode: {'off': 0, auto: 1, manual: 2}\n"
    profile.write_text(changed(INSTRUMENT, "enums:\n", extra + enums), encoding="utf-8")
    with served(str(profile), model_number=7) as oven:
        oven.tags.update(tags)
        result = pressline(*writing(oven, "sp_c=80.5", store, "--yes"))
        assert result.exit_code == 0, result.output
        assert oven.tags["sp_c"] == pytest.approx(80.5)
        assert pressline(*writing(oven, "mode=manual", store, "--yes")).exit_code == 0
        assert oven.tags["mode"] == 2
        named = pressline(*writing(oven, "command_value_c=5", store, "--yes"))
        assert named.exit_code == 0, "an instrument has no handshake"
