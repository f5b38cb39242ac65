"""Instruments: identified first, read when asked, written once and read back."""

from __future__ import annotations

import asyncio
import math
from typing import Any

import pytest

from drivers.errors import (
    BadQuality,
    CorruptAnswer,
    DeviceRefused,
    IdentityMismatch,
    InstrumentBusy,
    LinkDown,
    OutcomeUnknown,
    OutOfRange,
    ProfileError,
)
from drivers.instrument import Instrument
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Quality
from drivers.transport.memory import MemoryLine, MemoryRegisters
from drivers.writing import Outcome
from simulators.any_machine import AnyMachine

GAUGE = load_profile("thickness-gauge-sics")
CONTROLLER = load_profile("eurotherm-3216")


class Gauge:
    """Answers each line as it is told; a line that it was told nothing about stays unanswered."""

    def __init__(self, **answers: str) -> None:
        self.answers = {"I2": 'I2 A "PL-TG50 5000 um"'} | answers
        self.asked: list[str] = []

    def answer(self, request: bytes) -> bytes | None:
        command = request.decode("ascii").removesuffix("\r\n")
        self.asked.append(command)
        told = self.answers.get(command)
        return None if told is None else f"{told}\r\n".encode("ascii")


def gauge(**answers: str) -> tuple[Instrument, Gauge, MemoryLine]:
    device = Gauge(**answers)
    transport = MemoryLine(device, response_timeout_s=0.01)
    return Instrument("gauge-1", GAUGE, transport), device, transport


def controller(profile: Profile = CONTROLLER) -> tuple[Instrument, Any]:
    device = AnyMachine(profile, asyncio.get_running_loop().time)
    return Instrument("oven-1", profile, MemoryRegisters(device.registers)), device.controller


async def test_it_is_identified_once_a_connection_and_before_anything_else() -> None:
    instrument, device, transport = gauge(S="S S     139.62 um", Z="Z A", T="T S       0.00 um")
    await instrument.zero()
    reading = await instrument.stable()
    assert (reading.value, reading.unit, reading.quality) == (139.62, "um", Quality.GOOD)
    assert device.asked == ["I2", "Z", "S"]
    transport.unplug()
    with pytest.raises(LinkDown):
        await instrument.stable()
    transport.plug()
    await instrument.tare()
    assert device.asked == ["I2", "Z", "S", "I2", "T"]
    assert await instrument.identify() == "PL-TG50 5000 um"
    await instrument.close()
    assert not transport.is_open


async def test_another_instrument_is_never_asked() -> None:
    instrument, device, _ = gauge(I2='I2 A "PL-AB210 220 g"', S="S S 1.00 um")
    for ask in (instrument.stable, instrument.zero, instrument.read, instrument.identify):
        with pytest.raises(IdentityMismatch, match="PL-TG50 was expected"):
            await ask()
    assert set(device.asked) == {"I2"}


async def test_a_restless_one_is_asked_five_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.instrument._BETWEEN_S", 0.001)
    instrument, device, _ = gauge(S="S I", Z="Z I")
    with pytest.raises(InstrumentBusy):
        await instrument.stable("thickness_um")
    assert device.asked.count("S") == 5
    with pytest.raises(InstrumentBusy):
        await instrument.zero()
    assert device.asked.count("Z") == 1  # what changes something is said once


@pytest.mark.parametrize(
    ("answer", "error"),
    [("S +", OutOfRange), ("S S    5100.00 um", OutOfRange), ("ES", DeviceRefused), ("S S abc um", CorruptAnswer)],
)
async def test_what_is_no_value_is_an_error(answer: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        await gauge(S=answer)[0].stable()


async def test_an_empty_gauge_may_read_a_little_below_zero() -> None:
    assert (await gauge(S="S S      -2.50 um")[0].stable()).value == -2.5
    with pytest.raises(OutOfRange):
        await gauge(S="S S      -3.50 um")[0].stable()


async def test_an_action_without_an_answer_is_unknown_and_one_that_it_has_not_is_told() -> None:
    instrument, device, _ = gauge()
    with pytest.raises(OutcomeUnknown):
        await instrument.zero()
    assert device.asked == ["I2", "Z"]
    oven, _ = controller()
    with pytest.raises(ProfileError, match="zero"):
        await oven.zero()


async def test_all_polled_values_each_with_its_time() -> None:
    oven, device = controller()
    device.tags |= {"pv_c": 180.4, "status_bits": 0b100000}
    snapshot = await oven.read()
    assert snapshot.value("pv_c") == 180.4
    assert snapshot.bit("sensor_break")
    assert "setpoint_1_c" in snapshot.names or not CONTROLLER.block_of["setpoint_1_c"].poll
    assert (await oven.stable("pv_c")).value == 180.4
    assert oven.signal.name == "pv_c"


async def test_a_setpoint_is_written_once_and_read_back() -> None:
    oven, device = controller()
    written = await oven.write("setpoint_1_c", 180.0)
    assert (written.outcome, device.tags["setpoint_1_c"]) == (Outcome.APPLIED, 180.0)
    for name, value in (("setpoint_1_c", 300.1), ("setpoint_select", 7), ("setpoint_1_c", math.inf)):
        with pytest.raises(OutOfRange):
            await oven.write(name, value)
    for name in ("pv_c", "no_such_signal"):
        with pytest.raises(ProfileError):
            await oven.write(name, 1.0)
    assert device.tags["setpoint_1_c"] == 180.0


async def test_a_value_outside_its_range_is_no_measurement() -> None:
    oven, device = controller()
    device.tags["pv_c"] = 900.0
    with pytest.raises(OutOfRange):
        await oven.stable()
    assert (await oven.read()).reading("pv_c").quality is Quality.BAD
    device.tags["setpoint_select"] = 9
    with pytest.raises(BadQuality):
        await oven.stable("setpoint_select")
