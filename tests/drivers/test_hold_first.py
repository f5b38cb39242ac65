"""What lowers risk comes first: before a start that still waits, before a read asked again, into a new connection."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from drivers.errors import CommandRejected, DriverError, TakenBack
from drivers.machine import Machine
from drivers.profile_file import load_profile
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.wire import OnData, OnLost
from simulators.any_machine import AnyMachine
from simulators.wire.modbus_server import RtuAnswers, TcpAnswers
from tests.drivers.scripted import ScriptedWire, now, rtu_frame, virtual

PRESS = load_profile("isostatic-press-generic")
JOB = {s.name: min(max(s.limits[0], 10.0), s.limits[1]) for s in PRESS.job if s.limits}
CODES = {command.code: name for name, command in PRESS.commands.items()}
TIMEOUT_S, QUIET_S = 0.5, 0.2


class PressWire(ScriptedWire):
    """A simulated press at the other end; `latency_s` late, or mute."""

    def __init__(self, *, numbered: bool) -> None:
        super().__init__(drops=numbered)
        clock = asyncio.get_running_loop().time
        self.press = AnyMachine(PRESS, clock, 1)
        tags = {"model_code": 4202, "firmware": 100, "serial_number": 111, "mode": PRESS.enums["mode"]["REMOTE"]}
        self.press.controller.tags.update(tags)
        self.latency_s, self.mute = 0.005, False
        self.refusals = 0
        self.units = {1: self.press.registers}
        self.numbered = numbered
        self.clock = clock

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        await asyncio.sleep(0.01)
        self.answers_of = TcpAnswers(self.units) if self.numbered else RtuAnswers(self.units, self.clock)
        await super().open(on_data, on_lost)

    def write(self, data: bytes) -> None:
        super().write(data)
        if self.mute:
            return
        loop, hears = asyncio.get_running_loop(), self._hears
        if self.refusals and data[1] == 16:
            self.refusals -= 1
            for copy_s in (0.0, 0.004):
                loop.call_later(self.latency_s + copy_s, self.say, rtu_frame(1, "90 03"))
            return
        answer = self.answers_of(data)
        if answer:
            loop.call_later(self.latency_s, lambda: self.say(answer) if self._hears is hears else None)

    @property
    def commands(self) -> list[str]:
        """The commands that went out, in order."""
        pdus = [frame[7:] if self.numbered else frame[1:-2] for frame in self.sent]
        return [CODES[int.from_bytes(pdu[6:8], "big")] for pdu in pdus if pdu[:3] == b"\x10\0\0"]

    @property
    def state(self) -> str:
        return self.press.controller.state


@asynccontextmanager
async def connected(*, numbered: bool) -> AsyncIterator[tuple[PressWire, Machine]]:
    wire = PressWire(numbered=numbered)
    line = Line(wire, numbered=numbered, gap_s=0.0 if numbered else 0.002)
    framing = "tcp" if numbered else "rtu"
    unit = ModbusUnit(line, 1, framing, response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)  # type: ignore[arg-type]  # both are framings
    machine = Machine("press", PRESS, unit, lease=7)
    task = asyncio.create_task(machine.run())
    await machine.wait_link()
    await asyncio.sleep(0.3)
    await machine.download(JOB)
    try:
        yield wire, machine
    finally:
        task.cancel()
        await asyncio.wait([task])


@virtual
async def test_a_start_that_was_not_sent_yet_is_taken_back_by_a_hold() -> None:
    async with connected(numbered=True) as (wire, machine):
        await asyncio.sleep(0.2)
        wire.latency_s = 0.3
        poll = asyncio.create_task(machine.snapshot())
        await asyncio.sleep(0.05)
        starts = [asyncio.create_task(machine.start()) for _ in range(2)]  # one waits for the line, one for the other
        await asyncio.sleep(0.05)
        wire.latency_s = 0.005
        with pytest.raises(CommandRejected):  # there is nothing to hold
            await machine.hold()
        first, second = await asyncio.gather(*starts, return_exceptions=True)
        assert isinstance(first, TakenBack)
        assert isinstance(second, TakenBack)
        await poll
        assert wire.commands == ["load_job", "hold"]
        assert wire.state == "IDLE"


@virtual
async def test_who_cancels_a_start_is_cancelled_and_it_is_not_sent() -> None:
    async with connected(numbered=True) as (wire, machine):
        await asyncio.sleep(0.2)
        wire.latency_s = 0.3
        poll = asyncio.create_task(machine.snapshot())
        await asyncio.sleep(0.05)
        start = asyncio.create_task(machine.start())
        await asyncio.sleep(0.05)
        start.cancel()
        with pytest.raises(asyncio.CancelledError):
            await start
        wire.latency_s = 0.005
        await poll
        assert wire.commands == ["load_job"]


@pytest.mark.parametrize("after_s", [0.8, 0.9, 1.0, 1.1, 1.2, 1.5])
def test_a_hold_while_the_connection_is_made_anew_gets_through(after_s: float) -> None:
    @virtual
    async def hold() -> None:
        async with connected(numbered=True) as (wire, machine):
            await machine.start()
            await asyncio.sleep(1.0)
            wire.mute, wire.latency_s = True, 0.2
            asyncio.get_running_loop().call_later(1.05, setattr, wire, "mute", False)
            await asyncio.sleep(after_s)
            await machine.hold()
            assert wire.state == "HELD"

    hold()


@virtual
async def test_a_refusal_that_comes_twice_is_not_taken_for_the_hold_s() -> None:
    async with connected(numbered=False) as (wire, machine):
        await machine.start()
        await asyncio.sleep(0.1)
        wire.refusals = 1
        with pytest.raises(DriverError):
            await machine.tare()
        await machine.hold()
        assert wire.state == "HELD"


@virtual
async def test_a_hold_goes_before_a_read_that_is_asked_again() -> None:
    class Equal(ScriptedWire):
        def write(self, data: bytes) -> None:
            super().write(data)
            answer = rtu_frame(1, "04 02 0005") if data[1] == 4 else rtu_frame(1, data[1:6].hex())
            asyncio.get_running_loop().call_later(0.005, self.say, answer)

    wire = Equal(drops=False)
    unit = ModbusUnit(Line(wire, gap_s=0.002), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    await unit.open()
    await unit.read("input", 10, 1)
    again = asyncio.create_task(unit.read("input", 20, 1))
    await asyncio.sleep(0.02)
    asked_at = now()
    await unit.write(0, [3, 1], priority=True)
    assert now() - asked_at < QUIET_S + 0.05  # the read alone would wait for the rest of its timeout too
    assert [frame[1] for frame in wire.sent] == [4, 4, 16]
    assert await again == [5]
    await unit.close()


@virtual
async def test_a_hold_does_not_wait_for_answers_that_may_be_one_too_many() -> None:
    """The same answer again and again, from a slow unit: a read would wait for twice its slowest answer first."""
    slow_s = 0.05

    class Same(ScriptedWire):
        def write(self, data: bytes) -> None:
            super().write(data)
            answer = rtu_frame(1, "04 02 0005") if data[1] == 4 else rtu_frame(1, data[1:6].hex())
            asyncio.get_running_loop().call_later(slow_s, self.say, answer)

    wire = Same(drops=False)
    unit = ModbusUnit(Line(wire, gap_s=0.002), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    await unit.open()
    await asyncio.sleep(1.5 * QUIET_S)
    for _ in range(8):
        await unit.read("input", 10, 1)
        await asyncio.sleep(0.1 - slow_s)
    await unit.read("input", 10, 1)
    await asyncio.sleep(0.02)  # for longer than timeout and quiet together each answer may be that of the read before
    sent = len(wire.sent)
    hold = asyncio.create_task(unit.write(0, [3, 1], priority=True))
    await asyncio.sleep(0.005)
    assert len(wire.sent) == sent + 1, "after the gap between frames, and not after twice the slowest answer"
    await hold
    await unit.close()


@virtual
async def test_a_hold_that_a_poll_leads_to_goes_before_the_heartbeat_that_is_due() -> None:
    async with connected(numbered=True) as (wire, machine):
        await machine.start()
        await asyncio.sleep(1.0)
        answers_of = wire.answers_of

        def due_meanwhile(data: bytes) -> bytes | None:
            if data[7] == 4:
                machine._beat_due_at = now()  # while the very poll is under way that the hold follows from
            return answers_of(data)

        wire.answers_of = due_meanwhile  # type: ignore[assignment]
        with machine.subscribe() as published:
            while not published.empty():
                published.get_nowait()
            await published.get()
            await machine.hold()
        hold = next(
            place for place, frame in enumerate(wire.sent) if frame[7:14].hex() == "10000000020400" and frame[14] == 3
        )
        assert wire.sent[hold - 1][7] == 4, "straight after the poll that it follows from, before any heartbeat"
        assert wire.state == "HELD"
