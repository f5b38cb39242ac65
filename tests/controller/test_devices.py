"""`pressline devices` as integrators meet it: on real sockets and serial ports, with exit codes, JSON and messages."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from controller.devices.scan import with_unit, without_unit
from controller.line_lock import LineLock
from tests.controller.bench_for_tests import Served, line_file, program, served
from tests.controller.test_cli import pressline

PRESS = "uniaxial-press-generic"


@pytest.fixture
def press() -> Iterator[Served]:
    with served(PRESS, mode=2) as machine:
        yield machine


def on(machine: Served) -> list[str]:
    return [machine.url, "--profile", machine.profile]


def test_every_command_has_an_example_in_its_help() -> None:
    for command in ("list", "scan", "probe", "identify", "read", "watch", "write", "serve", "record", "replay"):
        text = pressline("devices", command, "--help").output
        assert f"pressline devices {command}" in text.split("Options:")[1], command
        assert "--json" in text, command


def test_list_shows_profiles_and_ports_or_the_units_of_a_line(tmp_path: Path, press: Served) -> None:
    assert PRESS in pressline("devices", "list").output
    line = line_file(tmp_path / "line.toml", press=press)
    document = json.loads(pressline("devices", "list", line, "--json").output)
    assert document["units"] == [
        {"unit": "press", "kind": "uniaxial_press", "profile": PRESS, "url": press.url},
    ]
    assert document["in_use"] is None
    with LineLock(line):
        assert str(os.getpid()) in json.loads(pressline("devices", "list", line, "--json").output)["in_use"]


def test_read_shows_values_with_unit_and_quality(press: Served, tmp_path: Path) -> None:
    press.tags["force_pv_kn"] = 12.5
    result = pressline("devices", "read", *on(press), "force_pv_kn", "mode", "status_bits", "--json")
    assert result.exit_code == 0, result.output
    force, mode, bits = json.loads(result.output)["values"]
    assert force == {"signal": "force_pv_kn", "value": 12.5, "unit": "kN", "quality": "good"}
    assert mode["value"] == "MAINTENANCE"
    assert bits["bits"] == ["estop_ok"]
    line = line_file(tmp_path / "line.toml", press=press)
    assert "12.5" in pressline("devices", "read", "press", "--line", line).output
    everything = json.loads(pressline("devices", "read", *on(press), "--all", "--json").output)["values"]
    assert {"force_sp_kn", "force_sp_kn_echo"} <= {value["signal"] for value in everything}


def test_read_of_a_value_that_is_not_good_has_code_1(press: Served) -> None:
    press.tags["force_pv_kn"] = float("nan")
    result = pressline("devices", "read", *on(press), "force_pv_kn", "--json")
    assert result.exit_code == 1
    (value,) = json.loads(result.output)["values"]
    assert (value["value"], value["quality"]) == (None, "bad")


@pytest.mark.parametrize("rtu", [True, False])
def test_any_url_can_be_read(tmp_path: Path, rtu: bool) -> None:
    with (
        served("eurotherm-3216", rtu=True, unit=3, pv_c=21.5)
        if rtu
        else served("omron-e5cc", link=tmp_path / "port", pv_c=21.5) as machine
    ):
        result = pressline("devices", "read", *on(machine), "pv_c", "--json")
        assert result.exit_code == 0, result.output
        assert json.loads(result.output)["values"][0]["value"] == pytest.approx(21.5, abs=0.6)


def test_a_line_of_text_over_tcp_can_be_read() -> None:
    with served("coater-generic", web_speed_m_min=1.5) as coater:
        result = pressline("devices", "read", *on(coater), "mode", "--json")
        assert json.loads(result.output)["values"][0]["value"] == "REMOTE"


def test_another_machine_is_told_and_not_read(press: Served) -> None:
    result = pressline("devices", "read", press.url, "--profile", "isostatic-press-generic")
    assert result.exit_code == 1
    assert "model_code is 4101, 4202 was expected" in result.output
    identified = pressline("devices", "identify", press.url, "--profile", "isostatic-press-generic", "--json")
    assert identified.exit_code == 1
    assert json.loads(identified.output)["fits"] is False
    assert json.loads(pressline("devices", "identify", *on(press), "--json").output)["told"]["model_code"] == "4101"


def test_frames_are_shown_on_standard_error(press: Served) -> None:
    result = pressline("devices", "read", *on(press), "mode", "--frames", "--json")
    assert "-> read input 0..35 of unit 1" in result.stderr
    assert "00 06 01 04 00 00 00 24" in result.stderr
    json.loads(result.stdout)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["read", "press"], 2, "give --line FILE with the name of a unit, or a URL with --profile"),
        (["read", "tcp://127.0.0.1:1"], 2, "--profile NAME|FILE is missing"),
        (["read", "tcp://127.0.0.1:1", "--profile", "nothing"], 2, "there is no profile 'nothing'"),
        (["read", "tcp://127.0.0.1:1", "--profile", PRESS], 3, "nobody listens there"),
        (["watch", "tcp://127.0.0.1:1", "--profile", PRESS, "--seconds", "0.2"], 3, "nobody listens there"),
        (["probe", "tcp://127.0.0.1:1"], 3, "nobody listens there"),
        (["scan", "press"], 2, "is no URL"),
        (["scan", "tcp://127.0.0.1:1", "--units", "0-3"], 2, "unit numbers are 1 to 247"),
        (["scan", "tcp://127.0.0.1:1", "--units", "a"], 2, "expected unit numbers such as 1-32"),
        (["read", "x", "--line", "no-such.toml"], 2, "no-such.toml: cannot be read"),
        (["replay", "no-such.jsonl"], 2, "no-such.jsonl: cannot be read"),
        (["serve", PRESS, "--tcp", "0", "--pty", "x"], 2, "give either --tcp PORT or --pty NAME"),
        (["serve", PRESS, "--set", "mode"], 2, "expected SIGNAL=VALUE"),
        (["serve", "coater-generic", "--rtu"], 2, "--rtu goes with --tcp and a Modbus profile"),
        (["profile", "check", "no-such.yaml"], 2, "no-such.yaml"),
        (["profile", "show", "nothing"], 2, "there is no profile 'nothing'"),
    ],
)
def test_what_is_unusable_or_out_of_reach_is_told(arguments: list[str], code: int, words: str) -> None:
    result = pressline("devices", *arguments)
    assert result.exit_code == code, result.output
    assert words in result.output
    assert "Traceback" not in result.output


def test_errors_are_one_json_document(press: Served) -> None:
    result = pressline("devices", "read", *on(press), "force", "--json")
    assert result.exit_code == 2
    document = json.loads(result.output)
    assert document["state"] == "unusable"
    assert "is force_pv_kn meant?" in document["message"] or "is force_sp_kn meant?" in document["message"]


def test_scan_finds_the_unit_and_never_writes() -> None:
    with served(PRESS, unit=3) as machine:
        result = pressline(
            "devices", "scan", machine.url, "--units", "2-4", "--timeout", "0.1", "--pause", "0", "--json"
        )
        assert result.exit_code == 0, result.output
        document = json.loads(result.output)
        (unit,) = document["units"]
        assert (unit["unit"], unit["fits"], document["asked"], document["complete"]) == (3, [PRESS], 3, True)
        assert machine.writes == 0
        nobody = pressline("devices", "scan", machine.url, "--units", "7", "--timeout", "0.1")
        assert nobody.exit_code == 3
        assert "0 of 1 unit numbers answered" in nobody.output


def test_scan_keeps_its_pauses() -> None:
    with served(PRESS, unit=3) as machine:
        began = time.monotonic()
        pressline("devices", "scan", machine.url, "--units", "1,2", "--timeout", "0.05", "--pause", "0.4")
        assert time.monotonic() - began >= 0.8


def test_probe_says_what_a_place_speaks_and_never_writes(press: Served) -> None:
    result = pressline("devices", "probe", press.url, "--json")
    assert result.exit_code == 0, result.output
    steps = {step["what"]: step for step in json.loads(result.output)["steps"]}
    assert steps["function 3, read holding"]["worked"] is True
    assert steps["profile"]["text"] == PRESS
    assert press.writes == 0


def test_probe_finds_a_line_of_text() -> None:
    with served("coater-generic") as coater:
        result = pressline("devices", "probe", coater.url, "--timeout", "0.1")
        assert result.exit_code == 0, result.output
        assert "line of text, coater-generic" in result.output


def test_watch_tells_changes_with_time_and_ends_by_itself(press: Served) -> None:
    result = pressline("devices", "watch", *on(press), "force_pv_kn", "--seconds", "0.5", "--json")
    assert result.exit_code == 0
    link, value = [json.loads(line) for line in result.output.splitlines()]
    assert link["link"] == "up"
    assert (value["signal"], value["quality"]) == ("force_pv_kn", "good")
    assert value["utc"].endswith("+00:00")


@contextmanager
def started(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], IO[str]]]:
    """A command as a process of its own, with what it prints."""
    command = [sys.executable, "-m", "controller.cli.main", "devices", *arguments]
    with program(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, process.stdout
        finally:
            process.kill()


def test_watch_ends_quietly_at_ctrl_c_and_tells_a_lost_link(press: Served) -> None:
    with started("watch", *on(press), "force_pv_kn", "--every", "0.05") as (watch, printed):
        assert "link up" in printed.readline()
        assert "force_pv_kn" in printed.readline()
        press.tags["force_pv_kn"] = 7.25
        assert "7.25 kN" in printed.readline()
        press.mute = True
        assert "link down" in printed.readline()
        press.mute = False
        assert "link up" in printed.readline()
        watch.send_signal(signal.SIGINT)
        _, errors = watch.communicate(timeout=20)
        assert (watch.returncode, errors) == (0, "")


def test_serve_record_and_replay(tmp_path: Path) -> None:
    recording = tmp_path / "wire.jsonl"
    with started("serve", PRESS, "--set", "force_pv_kn=42", "--json") as (server, printed):
        url = json.loads(printed.readline())["url"]
        arguments = ("devices", "record", recording, url, "--profile", PRESS, "--seconds", "0.6")
        recorded = pressline(*arguments, "--json")
        assert recorded.exit_code == 0, recorded.output
        document = json.loads(recorded.stdout)
        assert (document["reached"], document["file"]) == (True, str(recording))
        again = pressline(*arguments)
        assert again.exit_code == 2
        assert "is there already" in again.output
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0
    with started("replay", str(recording), "--json") as (replay, printed):
        url = json.loads(printed.readline())["url"]
        value = pressline("devices", "read", url, "--profile", PRESS, "force_pv_kn", "--json")
        assert json.loads(value.output)["values"][0]["value"] == 42.0
        replay.send_signal(signal.SIGINT)
        assert replay.wait(20) == 0


def test_serve_on_a_serial_port_replaces_no_file(tmp_path: Path) -> None:
    file = tmp_path / "precious"
    file.write_text("x", encoding="utf-8")
    result = pressline("devices", "serve", PRESS, "--pty", file)
    assert result.exit_code == 2
    assert file.read_text(encoding="utf-8") == "x"


def test_profile_show_and_its_text_and_the_schema(tmp_path: Path) -> None:
    assert "force_sp_kn" in pressline("devices", "profile", "show", PRESS).output
    copy = tmp_path / "mine.yaml"
    copy.write_text(pressline("devices", "profile", "show", PRESS, "--text").output, encoding="utf-8")
    checked = pressline("devices", "profile", "check", copy)
    assert checked.exit_code == 0, checked.output
    copy.write_text(copy.read_text(encoding="utf-8").replace("unit: kN,", "unit: tons,"), encoding="utf-8")
    wrong = pressline("devices", "profile", "check", copy, "--json")
    assert wrong.exit_code == 2
    assert f"{copy}:" in json.loads(wrong.output)["mistakes"][0]
    assert json.loads(pressline("devices", "profile", "schema").output)["type"] == "object"


@pytest.mark.parametrize(
    ("url", "place", "third"),
    [
        (
            "serial:///dev/x?baudrate=9600&unit=1",
            "serial:///dev/x?baudrate=9600",
            "serial:///dev/x?baudrate=9600&unit=3",
        ),
        ("tcp://h:502", "tcp://h:502", "tcp://h:502?unit=3"),
        ("tcp://h:502?unit=1", "tcp://h:502", "tcp://h:502?unit=3"),
    ],
)
def test_the_unit_of_a_url(url: str, place: str, third: str) -> None:
    assert (without_unit(url), with_unit(url, 3)) == (place, third)
