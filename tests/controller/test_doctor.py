"""`pressline doctor`: one line a check, a broken one with what mends it; what is behind it never counts as ok."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from controller.devices.ports import connection_mend, holder, port_check
from controller.events import EventStream
from controller.journal import SqliteJournal
from controller.line_lock import LineLock
from drivers.ascii_signals import AsciiSignals
from drivers.errors import LinkDown, ProfileError
from tests.controller.bench_for_tests import Served, line_file, served
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.test_cli import pressline
from tests.controller.test_devices_answers import DESCRIPTION, listening, script
from tests.drivers.profile_text import GAUGE, INSTRUMENT, changed

PRESS = "uniaxial-press-generic"
PATH = ["profile", "port", "connection", "answer", "identity", "values", "heartbeat", "mode", "owner", "alarms"]


@pytest.fixture
def press() -> Iterator[Served]:
    with served(PRESS) as machine:
        yield machine


def diagnosed(line: Path, unit: str = "press") -> tuple[int, dict[str, Any]]:
    """The exit code, and a unit's checks by their names."""
    result = pressline("doctor", line, "--json")
    document = json.loads(result.output)
    assert document["exit_code"] == result.exit_code
    (part,) = [part for part in document["parts"] if part["part"] == unit]
    assert [check["what"] for check in part["checks"]] == PATH, "every check is told, once and in order"
    for check in part["checks"]:
        assert (check["state"] == "broken") == (check["mend"] is not None), check
    return result.exit_code, {check["what"]: check for check in part["checks"]}


def broken_ones(checks: dict[str, Any]) -> list[str]:
    return [name for name, check in checks.items() if check["state"] == "broken"]


def test_a_sound_line_has_code_0(press: Served, tmp_path: Path) -> None:
    code, checks = diagnosed(line_file(tmp_path / "line.toml", press=press))
    assert code == 0, checks
    assert {check["state"] for check in checks.values()} == {"ok"}
    assert press.writes == 0


@pytest.mark.parametrize(
    ("tags", "code", "what", "words"),
    [
        ({"model_code": 9}, 1, "identity", "model_code is 9, 4101 was expected"),
        ({"mode": 2}, 1, "mode", "MAINTENANCE"),
        ({"alarm_bits": 5}, 1, "alarms", "over_force, tilt"),
        ({"force_pv_kn": float("nan")}, 1, "values", "force_pv_kn is nan"),
    ],
)
def test_what_is_wrong_at_the_machine(
    press: Served, tmp_path: Path, tags: dict[str, float], code: int, what: str, words: str
) -> None:
    press.tags.update(tags)
    found, checks = diagnosed(line_file(tmp_path / "line.toml", press=press))
    assert broken_ones(checks) == [what]
    assert words in checks[what]["text"]
    assert found == code


def test_a_machine_that_is_silent(press: Served, tmp_path: Path) -> None:
    press.mute = True
    code, checks = diagnosed(line_file(tmp_path / "line.toml", press=press))
    assert (code, broken_ones(checks)) == (3, ["answer"])
    assert "pressline devices scan" in checks["answer"]["mend"]
    assert checks["heartbeat"]["state"] == "not checked"


def test_nobody_listens(tmp_path: Path) -> None:
    with served(PRESS) as gone:
        line = line_file(tmp_path / "line.toml", press=gone)
    code, checks = diagnosed(line)
    assert (code, broken_ones(checks)) == (3, ["connection"])
    assert "nobody listens there" in checks["connection"]["text"]


@pytest.mark.parametrize(
    ("url", "profile", "code", "what", "words"),
    [
        ("serial:///dev/ttyUSB99?baudrate=9600", "thickness-gauge-sics", 3, "port", "there is no such port"),
        ("serial://?usb=0403:9999", "thickness-gauge-sics", 3, "port", "no adapter with this id"),
        ("http://host", "thickness-gauge-sics", 2, "port", "use tcp:// or serial://"),
        ("serial:///dev/ttyUSB99", "no-such-profile", 2, "profile", "there is no profile"),
        ("serial:///dev/ttyUSB99", "balance-sics", 2, "profile", "describes a balance"),
    ],
)
def test_what_is_wrong_before_the_machine(
    tmp_path: Path, url: str, profile: str, code: int, what: str, words: str
) -> None:
    line = tmp_path / "line.toml"
    line.write_text(f'[units.press]\nkind = "gauge"\nprofile = "{profile}"\nurl = "{url}"\n', encoding="utf-8")
    found, checks = diagnosed(line)
    assert (found, broken_ones(checks)) == (code, [what])
    assert words in checks[what]["text"]


def test_a_serial_port_that_a_service_has_is_not_called_broken(tmp_path: Path) -> None:
    with served(PRESS, link=tmp_path / "port") as machine:
        line = line_file(tmp_path / "line.toml", press=machine)
        assert diagnosed(line)[0] == 0
        import serial

        with LineLock(line), serial.Serial(str(tmp_path / "port"), exclusive=True):
            code, checks = diagnosed(line)
            assert (code, broken_ones(checks)) == (0, [])
            assert checks["connection"]["state"] == "not checked"
            assert str(os.getpid()) in checks["connection"]["text"]
        with serial.Serial(str(tmp_path / "port"), exclusive=True):
            code, checks = diagnosed(line)
            assert (code, broken_ones(checks)) == (3, ["connection"])


def test_a_line_file_with_faults_is_told_fault_by_fault(tmp_path: Path) -> None:
    line = tmp_path / "line.toml"
    line.write_text("[units.a]\nkind = 'press'\n[units.b]\nurl = 5\n", encoding="utf-8")
    result = pressline("doctor", line)
    assert result.exit_code == 2
    assert result.output.count("mend:") >= 2


def test_text_has_a_line_a_check_and_a_mend(press: Served, tmp_path: Path) -> None:
    press.tags["mode"] = 0
    result = pressline("doctor", line_file(tmp_path / "line.toml", press=press))
    assert "  mode           broken      LOCAL" in result.output
    assert "mend: switch the machine to REMOTE" in result.output


def test_the_installation_is_sound_and_a_damaged_store_is_not(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    result = pressline("doctor", "--store", store, "--json")
    checks = {check["what"]: check for check in json.loads(result.output)["parts"][0]["checks"]}
    assert {checks[what]["state"] for what in ("python", "packages", "profiles")} == {"ok"}
    assert checks["store"]["state"] == "not checked"
    store.write_text("no store", encoding="utf-8")
    damaged = pressline("doctor", "--store", store)
    assert damaged.exit_code == 2
    assert "use another --store" in damaged.output


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("PRAGMA user_version=99", "has schema 99"),
        ("DELETE FROM events WHERE sequence > 100", "it ends with record 100"),
        ("CREATE TRIGGER t AFTER INSERT ON events BEGIN SELECT 1; END", "there is a trigger t"),
    ],
)
async def test_a_store_that_no_run_would_be_begun_with_is_not_told_as_sound(
    tmp_path: Path, change: str, told: str
) -> None:
    store = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), lambda: "2026-01-01T00:00:00+00:00", store)
    for _ in range(130):
        await journal.append("one", "run.note", {})
    await journal.close()
    assert "store          ok" in pressline("doctor", "--store", store).output
    with closing(sqlite3.connect(store)) as database, database:
        database.execute(change)
    result = pressline("doctor", "--store", store)
    assert result.exit_code == 2
    assert told in result.output
    store.unlink()
    assert "it is lost, its anchor is there" in pressline("doctor", "--store", store).output


async def test_a_store_with_recipes_in_which_nothing_ran_yet_is_sound(tmp_path: Path) -> None:
    store = tmp_path / "store.sqlite"
    assert pressline("recipes", "add", EXAMPLE, "--by", "me", "--store", store).exit_code == 0
    assert "store          ok" in pressline("doctor", "--store", store).output
    assert pressline("verify", store).exit_code == 0


def test_a_port_that_may_not_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    port = tmp_path / "port"
    port.touch()
    monkeypatch.setattr(os, "access", lambda *_: False)
    check = port_check(f"serial://{port}")
    assert check.state == "broken"
    assert "usermod -aG" in check.mend


def test_who_has_a_device_open_is_found_or_not_but_never_fails(tmp_path: Path) -> None:
    assert holder(str(tmp_path / "nothing")) == ""
    assert isinstance(holder("/dev/null"), str)


def gauge_line(folder: Path, url: str, profile: str = "thickness-gauge-sics") -> Path:
    """A line file with a gauge."""
    line = folder / "line.toml"
    text = f'[units.press]\nkind = "gauge"\nprofile = "{profile}"\nurl = "{url}"\n'
    line.write_text(text, encoding="utf-8")
    return line


def test_a_line_file_that_is_not_there_has_no_line_to_be_corrected(tmp_path: Path) -> None:
    result = pressline("doctor", tmp_path / "none.toml")
    assert result.exit_code == 2
    assert "mend: name a line file" in result.output


@pytest.mark.parametrize("loaded", [True, False])
def test_a_profile_that_cannot_be_used_belongs_to_its_unit_and_the_others_are_looked_at(
    press: Served, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loaded: bool
) -> None:
    """Whether its file shows that, or only who asks a unit with it."""
    (tmp_path / "mine.yaml").write_text(GAUGE if loaded else changed(GAUGE, "kind: gauge", "kind: meter"))
    if loaded:

        def unusable(*_: object) -> None:
            raise ProfileError("kind of line not known")

        monkeypatch.setattr(AsciiSignals, "__init__", unusable)
    gauge = gauge_line(tmp_path, "tcp://127.0.0.1:1", "mine.yaml").read_text(encoding="utf-8")
    line = line_file(tmp_path / "line.toml", press=press)
    line.write_text(gauge.replace("units.press", "units.gauge") + line.read_text(encoding="utf-8"), encoding="utf-8")
    code, checks = diagnosed(line, "gauge")
    assert (code, broken_ones(checks)) == (2, ["profile"])
    assert "kind" in checks["profile"]["text"]
    assert {check["state"] for check in diagnosed(line)[1].values()} == {"ok"}


def test_a_url_that_the_profile_s_line_has_no_room_for_is_the_file_s_fault(tmp_path: Path) -> None:
    (tmp_path / "two-digits.yaml").write_text(
        GAUGE.replace("request: '{body}'", "request: '{unit:02d}{body}'"), encoding="utf-8"
    )
    with listening(script(DESCRIPTION)) as place:
        code, checks = diagnosed(gauge_line(tmp_path, f"tcp://{place}?unit=300", "two-digits.yaml"))
    assert (code, broken_ones(checks)) == (2, ["answer"])
    assert "the URL in the line file" in checks["answer"]["mend"]


@pytest.mark.parametrize(
    ("answers", "what", "words"),
    [({}, "answer", "asked 'I2', answered 'HELLO'"), (DESCRIPTION, "values", "S: asked 'S', answered 'HELLO'")],
)
def test_a_wrong_answer_is_mended_at_the_profile_and_not_at_the_power(
    tmp_path: Path, answers: dict[bytes, bytes], what: str, words: str
) -> None:
    with listening(script(answers)) as place:
        code, checks = diagnosed(gauge_line(tmp_path, f"tcp://{place}"))
        assert (code, broken_ones(checks)) == (1, [what])
        assert f"{place}: " in checks[what]["text"]
        assert words in checks[what]["text"]
        mend = checks[what]["mend"]
        assert mend.startswith("something answers; compare the profile with what came:")
        assert "--frames" in mend
        assert "power" not in mend


@pytest.mark.parametrize(
    ("profile", "url", "words"),
    [
        ("uniaxial-press-generic", "tcp://127.0.0.1:1", "switch the machine's Modbus server on"),
        ("uniaxial-press-generic", "rtu+tcp://127.0.0.1:1", "switch the serial server on"),
        ("coater-generic", "tcp://127.0.0.1:1", "lines of text have no usual one"),
    ],
)
def test_what_does_not_listen_is_told_by_its_protocol(tmp_path: Path, profile: str, url: str, words: str) -> None:
    code, checks = diagnosed(line_file(tmp_path / "line.toml", press=Served(url, profile, {})))
    assert (code, broken_ones(checks)) == (3, ["connection"])
    assert words in checks["connection"]["mend"]
    assert ("502" in checks["connection"]["mend"]) == (words == "switch the machine's Modbus server on")


def test_a_silent_line_of_text_is_not_scanned_for_modbus_units(tmp_path: Path) -> None:
    with served("coater-generic") as coater:
        coater.mute = True
        _, checks = diagnosed(line_file(tmp_path / "line.toml", press=coater))
    assert "pressline devices probe" in checks["answer"]["mend"]
    assert "scan" not in checks["answer"]["mend"]


def test_what_talks_before_it_is_asked_is_no_loose_cable() -> None:
    error = LinkDown("host:22: talks before it is asked, this is no Modbus")
    assert connection_mend(error, "tcp://host:22", "modbus").startswith("correct host and port in the URL")


@pytest.mark.parametrize("mode", [0, 1])
def test_the_mode_of_an_instrument_is_its_own_affair(tmp_path: Path, mode: int) -> None:
    profile = tmp_path / "oven.yaml"
    text = INSTRUMENT.replace("enums:\n", "enums:\n  mode: {off: 0, auto: 1}\n").replace("{off:", "{'off':")
    extra = (
        "  - {name: mode, table: input, address: 4, type: uint16, enum: mode, meaning: mode}\n"
        "  - {name: heartbeat_machine, table: input, address: 5, type: uint16, meaning: a word that stands still}\n"
        "  - {name: alarm_bits, table: input, address: 6, type: uint16, bits: [hot_2], meaning: alarms}\n"
    )
    profile.write_text(changed(text, "enums:\n", f"{extra}enums:\n"), encoding="utf-8")
    with served(str(profile), model_number=7, mode=mode) as oven:
        code, checks = diagnosed(line_file(tmp_path / "line.toml", press=oven))
        assert (code, broken_ones(checks)) == (0, [])
        assert {checks[what]["state"] for what in ("heartbeat", "mode", "owner")} == {"not checked"}
        oven.tags["alarm_bits"] = 1
        code, checks = diagnosed(line_file(tmp_path / "line.toml", press=oven))
        assert (code, broken_ones(checks)) == (1, ["alarms"])
