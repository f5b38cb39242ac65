"""Profiles as they are loaded: what is shipped, what is derived, the schema for editors."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from drivers import profile_file
from drivers.encoding import encode_value, encoder_of
from drivers.errors import ProfileError
from drivers.profile import Command, SafeState, Signal
from drivers.profile_file import check_profile, json_schema, load_profile, read_profile, shipped_profiles
from drivers.profile_kinds import MACHINES
from drivers.units import UNITS

DRIVERS = Path(profile_file.__file__).parent
SCHEMA = DRIVERS / "profile.schema.json"
DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "profiles.md"
SHIPPED_MACHINES = [name for name in shipped_profiles() if load_profile(name).is_machine]
CONTROLLER = """\
profile: oven
kind: temperature_controller
protocol: modbus
modbus: {word_order: little, byte_order: little, max_gap: 0}
timing:
  response_timeout_s: {value: 0.5, reason: two scans of 100 ms and margin}
  quiet_s: {value: 0.1, reason: longer than the longest answer}
signals:
  - {name: pv_c, table: input, address: 0, type: int16, scale: 0.1, unit: degC, range: [-50, 500], meaning: oven}
  - {name: energy, table: input, address: 1, type: uint32, word_order: big, meaning: counter}
  - {name: heating, table: coil, address: 3, type: bool, access: rw, meaning: heater}
  - {name: sp_c, table: holding, address: 4, type: float32, byte_order: big, access: rw, unit: degC, range: [0, 400],
     write_range: [20, 300], meaning: setpoint}
  - {name: door, table: discrete, address: 0, type: bool, poll: false, meaning: door is open}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text, encoding="utf-8")
    return path


# ---- what is shipped


@pytest.mark.parametrize("name", shipped_profiles())
def test_shipped_profiles_load_with_a_reason_for_each_time(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert profile.meaning
    assert (Path(__file__).parents[2] / profile.document).is_file()
    assert all(len(reason) > 10 for reason in profile.timing.reasons.values())
    assert check_profile(DRIVERS / "profiles" / f"{name}.yaml")[0] == []


@pytest.mark.parametrize("name", SHIPPED_MACHINES)
def test_shipped_machines_are_made_safe_by_a_command_that_lowers_risk(name: str) -> None:
    profile = load_profile(name)
    assert profile.safe_commands == {"hold", "stop", "abort"}
    assert profile.safe_state is not None
    assert profile.safe_state.command in profile.safe_commands
    assert profile.enums["command"] == {c.name: c.code for c in profile.commands.values()}
    assert profile.word("command", 3) == "hold"
    assert "lease_owner" in profile.signals


def test_shipped_names_cover_all_kinds_of_unit() -> None:
    kinds = {load_profile(name).kind for name in shipped_profiles()}
    assert kinds == {
        "uniaxial_press",
        "isostatic_press",
        "coater",
        "roll_press",
        "temperature_controller",
        "gauge",
        "balance",
    }


# ---- what a file says


def test_a_profile_of_registers(tmp_path: Path) -> None:
    profile = read_profile(written(tmp_path, CONTROLLER))
    assert profile.modbus is not None
    assert (profile.modbus.max_registers, profile.modbus.write_with, profile.modbus.unit) == (125, 16, 1)
    assert not profile.is_machine
    assert profile.commands == {}
    assert "command" not in profile.enums
    signals = profile.signals
    assert (signals["pv_c"].word_order, signals["pv_c"].byte_order) == ("little", "little")
    assert (signals["energy"].word_order, signals["energy"].byte_order) == ("big", "little")
    assert (signals["sp_c"].word_order, signals["sp_c"].byte_order) == ("little", "big")
    assert (signals["pv_c"].poll, signals["sp_c"].poll, signals["door"].poll) == (True, False, False)
    assert [signals[name].limits for name in ("sp_c", "pv_c")] == [(20, 300), (-50, 500)]
    assert (signals["pv_c"].integer, signals["energy"].integer, signals["sp_c"].integer) == (False, True, False)
    assert [block.name for block in profile.blocks] == ["input-0", "holding-4", "discrete-0", "coil-3"]
    assert profile.polled == (profile.block_of["pv_c"],)
    assert profile.block("holding-4").count == 2
    with pytest.raises(KeyError):
        profile.block("status")


def test_numbers_may_be_written_as_the_manual_prints_them(tmp_path: Path) -> None:
    profile = read_profile(
        written(tmp_path, CONTROLLER.replace("address: 4, type: float32", "address: 0x2104, type: float32"))
    )
    assert profile.signals["sp_c"].address == 8452


def test_what_is_derived_follows_a_change() -> None:
    profile = load_profile("uniaxial-press-generic")
    purge = Command("purge", 9, lowers_risk=True)
    changed = replace(profile, commands={**profile.commands, "purge": purge}, safe_state=SafeState("purge", (), ""))
    assert changed.number("command", "purge") == 9
    assert changed.safe_commands == {"hold", "stop", "abort", "purge"}
    assert Signal("x", "float64", "").words == 4


def test_an_unknown_name_lists_what_is_shipped(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="coater-generic"):
        load_profile("no-such-press")
    with pytest.raises(ProfileError, match=r"absent\.yaml"):
        load_profile(tmp_path / "absent.yaml")
    for text in ("- 1\n", "", "just words\n"):
        with pytest.raises(ProfileError, match=r"mine\.yaml:1:1: a profile is a mapping"):
            load_profile(str(written(tmp_path, text)))
    for text in ("a: 2024-13-45\n", "a: " + "[" * 5000, "a: *b\n", "? [1]\n: 2\n", "a: !!python/none\n", "a: \0"):
        with pytest.raises(ProfileError, match=r"mine\.yaml"):
            load_profile(written(tmp_path, text))
    (tmp_path / "mine.yaml").write_bytes(b"\xff\xfe")
    with pytest.raises(ProfileError, match=r"mine\.yaml"):
        load_profile(tmp_path / "mine.yaml")


WORDS = (
    "",
    "0",
    "-1",
    "1.5",
    "99999",
    "nan",
    "true",
    "~",
    "[]",
    "{}",
    "big",
    "pv_c",
    "sp_c",
    "'",
    "[",
    "}",
    "\n",
    ": ",
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(st.sampled_from(shipped_profiles()), st.data())
def test_no_damage_to_a_file_raises_anything_else(tmp_path: Path, name: str, data: st.DataObject) -> None:
    """A word of the file is replaced by another; what is still taken can be read, written and planned."""
    text = (DRIVERS / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")
    words = [match.span() for match in re.finditer(r"[\w.']+|[^\w\s]", text)]
    others = sorted({text[start:end] for start, end in words})
    for _ in range(data.draw(st.integers(1, 3))):
        start, end = data.draw(st.sampled_from(words))
        text = text[:start] + data.draw(st.sampled_from([*others, *WORDS])) + text[end:]
    path = written(tmp_path, text)
    mistakes, _ = check_profile(path)
    if mistakes:
        with pytest.raises(ProfileError):
            read_profile(path)
        return
    profile = read_profile(path)
    for block in profile.blocks:
        inside = [profile.signals[name] for name in block.signals]
        if profile.protocol == "modbus":
            assert len(encoder_of(inside, block.address, block.count)({})) == block.count


# ---- the schema for editors


def test_the_schema_file_is_the_shapes() -> None:
    """To bring the file up to date: python -m drivers.profile_file > drivers/profile.schema.json"""
    assert json.loads(SCHEMA.read_text(encoding="utf-8")) == json_schema()


def _valid(data: Any) -> bool:
    validator = jsonschema.Draft202012Validator(json_schema())
    return validator.is_valid(data)


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_schema_takes_what_is_shipped(name: str) -> None:
    assert _valid(yaml.safe_load((DRIVERS / "profiles" / f"{name}.yaml").read_text(encoding="utf-8")))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("type: int16", "type: int17"),
        ("address: 0", "address: 65536"),
        ("address: 0", "address: '0'"),
        ("name: pv_c", "name: PV"),
        ("max_gap: 0", "max_gap: -1"),
        ("kind: temperature_controller", "kind: oven"),
        ("range: [-50, 500]", "range: [-50]"),
        ("poll: false", "polled: false"),
        ("value: 0.5", "value: -1"),
    ],
)
def test_the_schema_refuses_what_the_program_refuses(tmp_path: Path, old: str, new: str) -> None:
    assert _valid(yaml.safe_load(CONTROLLER))
    text = CONTROLLER.replace(old, new, 1)
    assert text != CONTROLLER
    assert not _valid(yaml.safe_load(text))
    with pytest.raises(ProfileError):
        read_profile(written(tmp_path, text))


def rows_under(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading of the reference, without its head."""
    below = DOCUMENT.read_text(encoding="utf-8").partition(f"\n{heading}\n")[2]
    lines = below[below.index("\n|") + 1 :].partition("\n\n")[0].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def test_the_references_example_is_a_profile(tmp_path: Path) -> None:
    example = DOCUMENT.read_text(encoding="utf-8").partition("```yaml\n")[2].partition("```")[0]
    assert check_profile(written(tmp_path, example)) == ([], [])


def test_the_reference_has_all_units_and_needs() -> None:
    units = [pair for row in rows_under("### Units") for pair in (row[:2], row[2:]) if pair[0]]
    assert {row[0]: row[1] for row in units} == dict(UNITS)
    needs = {row[0]: [frozenset(cell.split(", ")) for cell in row[1:]] for row in rows_under("### Jobs")}
    assert needs == {kind: [need.job, need.values, need.bits, need.protections] for kind, need in MACHINES.items()}
    for word, byte, sent, _ in rows_under("### Orders"):
        orders: dict[str, Any] = {"word_order": word, "byte_order": byte}
        one = Signal("x", "uint32", "", **orders)
        assert b"".join(w.to_bytes(2, "big") for w in encode_value(one, 0x12345678)) == bytes.fromhex(sent)


def test_every_key_is_described_and_is_in_the_reference() -> None:
    reference = DOCUMENT.read_text(encoding="utf-8")
    schema = json_schema()
    for shape in (schema, *schema["$defs"].values()):
        for key, value in shape["properties"].items():
            assert value.get("description"), key
            assert f"`{key}`" in reference, f"docs/reference/profiles.md does not tell of {key}"
