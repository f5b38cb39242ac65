"""What `devices serve` holds at first and which unit answers; and that an instrument may use a machine's names."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from controller.cli.first_values import first_values
from controller.devices.target import TargetUnusable
from drivers.profile import Profile
from drivers.profile_file import load_profile
from tests.controller.test_cli import pressline
from tests.controller.test_devices import started
from tests.drivers.profile_text import INSTRUMENT

OVEN = INSTRUMENT.replace("max_gap: 4", "max_gap: 4, unit: 3").replace("name: state,", "name: mode,")
GAUGE = """
profile: labelled
kind: gauge
protocol: ascii
timing:
  response_timeout_s: {value: 1.0, reason: a slow instrument}
  quiet_s: {value: 0.1, reason: longer than any answer}
line:
  terminator: "\\n"
  read: {send: '{block}?', reply: '{values}', separator: ';'}
blocks: [{name: ALL, signals: [label, gap_mm, count]}]
signals:
  - {name: label, type: text, meaning: what is written on it}
  - {name: gap_mm, type: decimal, unit: mm, range: [0, 9], meaning: gap}
  - {name: count, type: integer, meaning: pieces}
"""


@pytest.fixture
def oven(tmp_path: Path) -> Path:
    file = tmp_path / "oven.yaml"
    file.write_text(OVEN, encoding="utf-8")
    return file


def profile_of(folder: Path, text: str) -> Profile:
    file = folder / "mine.yaml"
    file.write_text(text, encoding="utf-8")
    return load_profile(file)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("pv_c=3276.7", 3276.7),
        ("pv_c=499.96", 499.96),
        ("pv_c=900", 900),  # outside of its range: to see a bad value
        ("mode=busy", 1),
        ("alarms=hot", 1),
        ("alarms=hot,cold", 3),
        ("alarms=2", 2),
        ("heating=on", 1),
    ],
)
def test_a_value_that_its_type_carries_is_taken(tmp_path: Path, text: str, value: float) -> None:
    assert list(first_values(profile_of(tmp_path, OVEN), [text]).values()) == [value]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("pv_c=99999", "--set pv_c=99999: int16 reaches -3276.8 to 3276.7 degC"),
        ("alarms=65536", "uint16 reaches 0 to 65535"),
        ("model_number=-1", "uint16 reaches 0 to 65535"),
        ("model_number=1.5", "must be a whole number"),
        ("sp_c=1e39", "float32 reaches -3.40282347e+38 to 3.40282347e+38 degC"),
        ("mode=lazy", "expected one of idle, busy"),
        ("alarms=warm", "expected a number, or of hot, cold"),
        ("alarms=", "expected a number, or of hot, cold"),
        ("hot=1", "hot is a bit; write alarms=hot"),
        ("pv=1", "is pv_c meant?"),
        ("pv_c", "expected SIGNAL=VALUE"),
    ],
)
def test_a_value_that_its_type_does_not_carry_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(TargetUnusable) as caught:
        first_values(profile_of(tmp_path, OVEN), [text])
    assert told in str(caught.value)


def test_texts_are_taken_as_a_line_carries_them(tmp_path: Path) -> None:
    profile = profile_of(tmp_path, GAUGE)
    assert first_values(profile, ["label=Cell 7, left", "gap_mm=1.5"]) == {"label": "Cell 7, left", "gap_mm": 1.5}
    for text, told in (
        ("label=Zelle \u00fc", "expected printable ASCII and no ';'"),
        ("label=a;b", "and no ';', which stands between values"),
        ("gap_mm=1e20", "at most 20 digits before its point"),
        ("count=1.5", "must be a whole number"),
    ):
        with pytest.raises(TargetUnusable) as caught:
            first_values(profile, [text])
        assert told in str(caught.value)


def test_an_oven_with_a_mode_is_served_as_its_profiles_unit(oven: Path) -> None:
    with started("serve", str(oven), "--set", "mode=busy", "--set", "alarms=cold", "--json") as (server, printed):
        url = json.loads(printed.readline())["url"]
        assert url.endswith("?unit=3")
        read = pressline("devices", "read", url, "--profile", oven, "mode", "alarms", "--json")
        mode, alarms = json.loads(read.output)["values"]
        assert (mode["value"], alarms["bits"]) == ("busy", ["cold"])
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 0


def test_the_unit_may_be_another_and_must_be_one_of_the_line(oven: Path, tmp_path: Path) -> None:
    with started("serve", str(oven), "--unit", "9", "--rtu", "--json") as (_, printed):
        assert json.loads(printed.readline())["url"].endswith("?unit=9")
    oven.write_text(OVEN.replace("unit: 3", "unit: 255"), encoding="utf-8")
    refused = pressline("devices", "serve", oven, "--pty", tmp_path / "port")
    assert refused.exit_code == 2
    assert "oven: unit 255 is for Modbus TCP only; give another one with --unit" in refused.output


def test_a_served_text_is_read(tmp_path: Path) -> None:
    file = tmp_path / "gauge.yaml"
    file.write_text(GAUGE, encoding="utf-8")
    with started("serve", str(file), "--set", "label=Cell 7", "--json") as (_, printed):
        url = json.loads(printed.readline())["url"]
        read = pressline("devices", "read", url, "--profile", file, "--json")
        assert json.loads(read.output)["values"][0]["value"] == "Cell 7"
