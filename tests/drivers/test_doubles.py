"""RTU answers that come twice: never another register's value, and of the same register never an old one for long."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from drivers.errors import DriverError
from drivers.transport.doubles import Doubles
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from simulators.clock import run_virtual
from tests.drivers.scripted import QUIET_S, TIMEOUT_S, ScriptedWire, now, rtu_frame, virtual

LATENCY_S = 0.005
PLACES = (0, 40)
LATE_S = TIMEOUT_S + QUIET_S


class Answering(ScriptedWire):
    """Holds `value(address)` in every register; says each answer after the latency, and again `copies_s` later."""

    def __init__(self, value: Callable[[int], int], *copies_s: float) -> None:
        super().__init__(drops=False)
        self.value = value
        self.copies_s = copies_s
        self.lost: set[int] = set()

    def write(self, data: bytes) -> None:
        super().write(data)
        if len(self.sent) - 1 in self.lost:
            return
        address, count = int.from_bytes(data[2:4], "big"), data[5]
        words = self.value(address).to_bytes(2, "big") * count
        answer = rtu_frame(data[0], f"{data[1]:02X} {len(words):02X} {words.hex()}")
        for copy_s in (0.0, *self.copies_s):
            asyncio.get_running_loop().call_later(LATENCY_S + copy_s, self.say, answer)


def unit_on(wire: ScriptedWire) -> ModbusUnit:
    return ModbusUnit(Line(wire, gap_s=0.002), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)


@pytest.mark.parametrize("copy_s", [0.0, 0.001, 0.003, 0.006, 0.02, 0.09])
def test_the_copy_of_an_answer_is_never_another_register_s(copy_s: float) -> None:
    @virtual
    async def reads() -> None:
        wire = Answering(lambda address: address, copy_s)
        unit = unit_on(wire)
        await unit.open()
        good = 0
        for _ in range(60):
            for place in PLACES:
                try:
                    assert await unit.read("input", place, 2) == [place, place]
                    good += 1
                except DriverError:
                    continue
        assert good >= 50 or copy_s < 2 * LATENCY_S
        await unit.close()

    reads()


@virtual
async def test_a_copy_is_not_believed_even_where_the_true_answer_is_lost() -> None:
    wire = Answering(lambda address: address, 0.006)
    unit = unit_on(wire)
    await unit.open()
    wire.lost = {1}
    assert await unit.read("input", 0, 2) == [0, 0]
    assert await unit.read("input", 40, 2) == [40, 40]
    assert [frame[3] for frame in wire.sent] == [0, 40, 40]  # asked once more, after silence
    await unit.close()


@virtual
async def test_registers_that_hold_the_same_are_asked_twice_once_only() -> None:
    wire = Answering(lambda address: 0)
    unit = unit_on(wire)
    await unit.open()
    for _ in range(20):
        for place in PLACES:
            assert await unit.read("input", place, 2) == [0, 0]
        await asyncio.sleep(1.0)
    assert len(wire.sent) <= 2 * 20 + len(PLACES)
    await unit.close()


class Queueing(Answering):
    """A gateway that says everything twice, one after the other, each in `each_s`."""

    free_at = 0.0
    each_s = 0.0

    def write(self, data: bytes) -> None:
        ScriptedWire.write(self, data)
        answer = rtu_frame(data[0], f"{data[1]:02X} 02 {self.value(0):04X}")
        for _ in range(2):
            self.free_at = max(self.free_at, now()) + self.each_s
            asyncio.get_running_loop().call_at(self.free_at, self.say, answer)


@pytest.mark.parametrize("each_s", [0.0027, 0.005, 0.01])
def test_a_register_that_is_read_all_the_time_does_not_grow_old_where_everything_comes_twice(each_s: float) -> None:
    """Each answer is taken for the next request's: without a look for answers too many they would age for ever."""

    async def reads() -> float:
        wire = Queueing(lambda _: int(now() * 1000) & 0xFFFF)
        wire.each_s = each_s
        unit = unit_on(wire)
        await unit.open()
        oldest_s = 0.0
        for _ in range(2000):
            (value,) = await unit.read("input", 0, 1)
            oldest_s = max(oldest_s, (now() - value / 1000) % 65.536)
        await unit.close()
        return oldest_s

    assert run_virtual(reads()) < LATE_S


@pytest.mark.parametrize("copy_s", [0.001, 0.0025, 0.004, 0.006, 0.0065, 0.008])
def test_the_copy_of_an_answer_that_repeats_another_does_not_shift_the_next(copy_s: float) -> None:
    """Alarm words that all hold 0: a copy of one passes for the next one's, and that one's own for a third's."""

    @virtual
    async def reads() -> None:
        values = {10: 0, 20: 0, 30: 7}
        wire = Answering(values.__getitem__)
        unit = unit_on(wire)
        await unit.open()
        for _ in range(3):
            for place in values:
                await unit.read("input", place, 1)
            await asyncio.sleep(1.0)
        values[10], wire.copies_s = 1, (copy_s,)
        await unit.read("input", 20, 1)
        wire.copies_s = ()
        assert await unit.read("input", 10, 1) in ([0], [1])  # at worst the register's own last value
        assert await unit.read("input", 30, 1) == [7]
        await unit.close()

    reads()


@virtual
async def test_an_old_value_excuses_no_copy() -> None:
    values = {10: 100, 20: 1}
    wire = Answering(values.__getitem__)
    unit = unit_on(wire)
    await unit.open()
    assert await unit.read("input", 10, 1) == [100]
    await asyncio.sleep(3600.0)
    values[10], values[20] = 120, 100
    wire.copies_s = (0.004,)
    assert await unit.read("input", 20, 1) == [100]
    wire.copies_s = ()
    assert await unit.read("input", 10, 1) == [120]
    await unit.close()


@virtual
async def test_a_write_is_not_sent_again() -> None:
    wire = ScriptedWire(drops=False)
    unit = unit_on(wire)
    await unit.open()
    for value in (1, 2, 3):
        task = asyncio.create_task(unit.write(7, [value]))
        await asyncio.sleep(QUIET_S + 0.01)
        wire.say(rtu_frame(1, "10 0007 0001"))
        await task
    assert len(wire.sent) == 3
    await unit.close()


def test_no_more_requests_are_remembered_than_a_line_has() -> None:
    doubles = Doubles()
    for number in range(10_000):
        doubles.suspects(
            number.to_bytes(2, "big"), b"", (1, number.to_bytes(2, "big")), 1e-6 * number, late_s=1.0, quiet_s=1.0
        )
    assert len(doubles._answers) <= 256
