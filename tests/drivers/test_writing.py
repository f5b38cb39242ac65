"""A write goes out once; what became of it is read back and never assumed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pytest

from drivers.encoding import encode_value
from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    LinkDown,
    OutcomeUnknown,
    OutOfRange,
    ProfileError,
    ResponseTimeout,
)
from drivers.profile import Block, ModbusMap, Profile, Signal, Timing
from drivers.reading import Decoder, Quality
from drivers.signals import RegisterSignals
from drivers.writing import Outcome, tolerance, write_and_read_back

SETPOINT = Signal("setpoint_c", "int16", "", "holding", 0, "rw", "degC", (0, 250), scale=0.1)
LIMIT = Signal("limit_kn", "float32", "", "holding", 1, "rw", "kN", (-20, 700), (0, 600))
MODE = Signal("mode", "uint16", "", "holding", 3, "rw", enum="mode")
KEY = Signal("key", "uint16", "", "holding", 4, "w", range=(0, 9))
PV = Signal("pv_c", "int16", "", "input", 0, "r", "degC", (0, 300))
SIGNALS = {s.name: s for s in (SETPOINT, LIMIT, MODE, KEY, PV)}
PROFILE = Profile(
    "oven",
    "temperature_controller",
    "modbus",
    {},
    Timing(0.1, 0.05),
    SIGNALS,
    (Block("holding-0", ("setpoint_c", "limit_kn", "mode"), "holding", 0, 4, poll=False),),
    {"mode": {"AUTO": 0, "MANUAL": 1}},
    modbus=ModbusMap(write_with=6),
)


class Oven:
    """A register transport onto a list; fails the next exchanges as it is told."""

    def __init__(self) -> None:
        self.registers = [0] * 5
        self.written: list[tuple[int, tuple[int, ...], bool]] = []
        self.write_fault: DriverError | None = None
        self.read_faults: list[DriverError] = []
        self.takes = True
        self.opened = 0
        self.response_timeout_s, self.is_open, self.session, self.unit = 0.1, True, 1, 1
        self.shared, self.place = False, "oven"

    async def open(self) -> None:
        self.opened += 1

    async def close(self) -> None: ...

    async def read(self, table: str, address: int, count: int, *, priority: bool = False) -> list[int]:
        if self.read_faults:
            raise self.read_faults.pop(0)
        return self.registers[address : address + count]

    async def write(
        self,
        address: int,
        values: Sequence[int],
        *,
        table: str = "holding",
        single: bool = False,
        priority: bool = False,
    ) -> None:
        if isinstance(self.write_fault, LinkDown):
            raise self.write_fault
        self.written.append((address, tuple(values), single))
        if self.takes:
            self.registers[address : address + len(values)] = values
        if self.write_fault is not None:
            raise self.write_fault


async def written(oven: Oven, name: str, value: float) -> Any:
    transport: Any = oven
    return await write_and_read_back(RegisterSignals(PROFILE, transport), Decoder(PROFILE), SIGNALS[name], value)


async def test_what_is_read_back_is_applied() -> None:
    oven = Oven()
    done = await written(oven, "setpoint_c", 180.04)
    assert (done.outcome, done.wanted, done.why) == (Outcome.APPLIED, 180.04, "")
    assert (done.read_back.value, done.read_back.unit) == (180.0, "degC")
    assert oven.written == [(0, (1800,), True)]
    assert (await written(oven, "limit_kn", 432.1)).outcome is Outcome.APPLIED
    assert oven.written[-1][2] is False  # two registers need the function that writes many
    mode = await written(oven, "mode", 1)
    assert (mode.outcome, mode.read_back.value) == (Outcome.APPLIED, "MANUAL")


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("setpoint_c", 250.1, OutOfRange),
        ("setpoint_c", math.nan, OutOfRange),
        ("limit_kn", 600.5, OutOfRange),  # may be read up to 700, written up to 600
        ("mode", 0.5, OutOfRange),
        ("mode", 2, OutOfRange),
        ("pv_c", 20.0, ProfileError),
    ],
)
async def test_what_must_not_be_written_is_not_sent(name: str, value: float, error: type[Exception]) -> None:
    oven = Oven()
    with pytest.raises(error):
        await written(oven, name, value)
    assert oven.written == []


async def test_nothing_was_sent_is_told_as_such() -> None:
    oven = Oven()
    oven.write_fault = LinkDown("unplugged")
    with pytest.raises(LinkDown):
        await written(oven, "setpoint_c", 20.0)


@pytest.mark.parametrize(
    ("takes", "fault", "outcome", "part"),
    [
        (True, None, Outcome.APPLIED, ""),
        (False, None, Outcome.REFUSED, "it holds 0.0 degC"),
        (True, OutcomeUnknown("no answer"), Outcome.APPLIED, "no answer"),
        (False, OutcomeUnknown("no answer"), Outcome.UNKNOWN, "no answer; it holds 0.0 degC"),
        (False, DeviceRefused(3), Outcome.REFUSED, "code 3; it holds 0.0 degC"),
        (True, DeviceRefused(5), Outcome.APPLIED, "code 5"),
    ],
)
async def test_the_outcome(takes: bool, fault: DriverError | None, outcome: Outcome, part: str) -> None:
    oven = Oven()
    oven.takes, oven.write_fault = takes, fault
    done = await written(oven, "setpoint_c", 20.0)
    assert done.outcome is outcome
    assert part in done.why
    assert done.read_back is not None
    assert len(oven.written) == 1


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        (None, Outcome.UNKNOWN),
        (OutcomeUnknown("no answer"), Outcome.UNKNOWN),
        (DeviceRefused(2), Outcome.REFUSED),
    ],
)
async def test_what_cannot_be_read_back_is_not_assumed(fault: DriverError | None, outcome: Outcome) -> None:
    oven = Oven()
    oven.write_fault = fault
    oven.read_faults = [ResponseTimeout(), CorruptAnswer(), LinkDown()]
    done = await written(oven, "setpoint_c", 20.0)
    assert (done.outcome, done.read_back) == (outcome, None)
    assert len(oven.written) == 1


async def test_a_lost_read_back_is_read_again_and_nothing_written_again() -> None:
    oven = Oven()
    oven.write_fault = OutcomeUnknown("no answer")
    oven.read_faults = [ResponseTimeout(), LinkDown()]
    done = await written(oven, "setpoint_c", 20.0)
    assert done.outcome is Outcome.APPLIED
    assert oven.opened == 3
    assert len(oven.written) == 1


async def test_what_can_only_be_written_stays_unknown() -> None:
    oven = Oven()
    done = await written(oven, "key", 7)
    assert (done.outcome, done.read_back) == (Outcome.UNKNOWN, None)
    assert oven.written == [(4, (7,), True)]


async def test_a_value_that_cannot_be_is_read_back_as_bad() -> None:
    oven = Oven()
    oven.takes = False
    oven.registers[1:3] = encode_value(LIMIT, math.nan)
    done = await written(oven, "limit_kn", 10.0)
    assert done.outcome is Outcome.REFUSED
    assert done.read_back.quality is Quality.BAD


def test_tolerances_are_what_the_type_rounds() -> None:
    assert tolerance(MODE, 1) == 0.0
    assert 0.05 <= tolerance(SETPOINT, 20.0) < 0.0501
    assert 4e-5 < tolerance(LIMIT, 432.1) < 5e-4
    assert tolerance(Signal("x", "float64", ""), 1e3) < 1e-8
    assert tolerance(Signal("x", "decimal", ""), 1e3) < 2e-3
