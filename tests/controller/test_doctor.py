"""`pressline doctor`: one line a check, a broken one with what mends it; what is behind it never counts as ok."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.devices.ports import holder, port_check
from controller.line_lock import LineLock
from tests.controller.bench_for_tests import Served, line_file, served
from tests.controller.test_cli import pressline

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
