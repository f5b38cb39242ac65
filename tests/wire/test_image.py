"""A simulated controller has the registers that its profile's reads may touch, and no others."""

from __future__ import annotations

from pathlib import Path

import pytest

from drivers.errors import DeviceRefused
from drivers.profile import Profile, Table
from drivers.profile_file import load_profile, shipped_profiles
from simulators.any_machine import AnyController
from simulators.wire.image import RegisterImage

OVEN = """
profile: oven
kind: temperature_controller
protocol: modbus
modbus: {max_gap: %d, unreadable: [[7, 8], [30, 31]]}
timing:
  response_timeout_s: {value: 0.5, reason: a slow controller}
  quiet_s: {value: 0.1, reason: longer than any answer}
signals:
  - {name: pv_c, table: holding, address: 4, type: float32, unit: degC, range: [5, 90], meaning: oven}
  - {name: sp_c, table: holding, address: 9, type: int16, access: rw, range: [20, 90], meaning: setpoint}
  - {name: reset, table: holding, address: 30, type: int16, access: w, range: [0, 1], meaning: clears the alarm}
  - {name: door, table: discrete, address: 3, type: bool, meaning: door}
  - {name: lamp, table: discrete, address: 5, type: bool, meaning: lamp}
"""


def image(folder: Path, max_gap: int) -> RegisterImage:
    path = folder / "oven.yaml"
    path.write_text(OVEN % max_gap, encoding="utf-8")
    return image_of(load_profile(path))


def image_of(profile: Profile) -> RegisterImage:
    return RegisterImage(profile, AnyController(profile), lambda: 0.0)


@pytest.mark.parametrize(
    ("max_gap", "table", "address", "count"),
    [
        (0, "holding", 4, 3),  # past the float
        (0, "holding", 3, 2),
        (0, "holding", 6, 1),
        (16, "holding", 7, 1),  # unreadable
        (16, "holding", 4, 6),  # over it
        (16, "holding", 10, 1),  # in a gap that is too long
        (16, "holding", 30, 1),  # unreadable, though it is written
        (16, "holding", 0, 1),  # before the first
        (16, "holding", 31, 1),
        (0, "discrete", 3, 3),
        (16, "discrete", 6, 1),
        (16, "input", 0, 1),
        (16, "holding", 9, 0),
    ],
)
def test_what_no_read_of_the_profile_touches_is_refused(
    tmp_path: Path, max_gap: int, table: Table, address: int, count: int
) -> None:
    with pytest.raises(DeviceRefused) as caught:
        image(tmp_path, max_gap).read(table, address, count)
    assert caught.value.code == 2


def test_short_gaps_are_read_over(tmp_path: Path) -> None:
    there = image(tmp_path, 16)
    assert there.read("holding", 4, 3) == [0x40A0, 0, 0]
    assert there.read("discrete", 3, 3) == [0, 0, 0]
    assert image(tmp_path, 1).read("discrete", 3, 3) == [0, 0, 0]
    assert image(tmp_path, 0).read("holding", 4, 2) == [0x40A0, 0]


@pytest.mark.parametrize("name", shipped_profiles())
def test_all_that_a_profile_reads_is_there(name: str) -> None:
    profile = load_profile(name)
    if profile.protocol != "modbus":
        return
    there = image_of(profile)
    for block in profile.blocks:
        assert block.table is not None
        assert len(there.read(block.table, block.address, block.count)) == block.count
