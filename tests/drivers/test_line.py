"""One line between its states, in virtual time: queue, silence, loss."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import (
    CorruptAnswer,
    LineReset,
    LinkDown,
    OutcomeUnknown,
    WrongAnswer,
)
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.wire import WireEvent
from simulators.clock import run_virtual
from tests.drivers.scripted import (
    QUIET_S,
    TIMEOUT_S,
    ScriptedWire,
    now,
    reading,
    ready,
    rtu_frame,
    rtu_units,
    tcp_units,
    turns,
    virtual,
)

# ---- the queue


@virtual
async def test_who_is_cancelled_before_his_turn_is_never_sent() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    first, second, third = (reading(unit, n) for n in (1, 2, 3))
    await turns()
    second.cancel()
    await turns()
    assert second.cancelled()
    wire.say(rtu_frame(1, "04 02 0007"))
    await turns()
    assert await first == [7]
    wire.say(rtu_frame(1, "04 02 0009"))
    assert await third == [9]
    assert wire.sent == [rtu_frame(1, "04 0001 0001"), rtu_frame(1, "04 0003 0001")]
    await unit.close()


@virtual
async def test_who_is_cancelled_after_it_went_out_is_cancelled_at_once_and_his_answer_is_nobodys() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    first = reading(unit, 1)
    await turns()
    began = now()
    first.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    assert now() == began
    second = reading(unit, 2)
    await turns()
    assert len(wire.sent) == 1
    wire.say(rtu_frame(1, "04 02 0007"))
    await turns()
    assert len(wire.sent) == 2
    wire.say(rtu_frame(1, "04 02 0009"))
    assert await second == [9]
    await unit.close()


@virtual
async def test_commands_go_before_polls_and_keep_their_order() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    tasks = [reading(unit, n, priority=n > 3) for n in (1, 2, 3, 4, 5)]
    for n in range(len(tasks)):
        await turns()
        wire.say(rtu_frame(1, f"04 02 {n:04X}"))
    await asyncio.gather(*tasks)
    assert [frame[3] for frame in wire.sent] == [1, 4, 5, 2, 3]
    await unit.close()


# ---- silence


@virtual
async def test_nothing_is_sent_before_a_new_connection_was_quiet() -> None:
    wire, (unit,) = rtu_units(1, drops=True)
    await unit.open()
    task = reading(unit)
    await asyncio.sleep(0.6 * QUIET_S)
    wire.say(b"late answer of an earlier connection")
    await asyncio.sleep(0.9 * QUIET_S)
    assert wire.sent == []
    await asyncio.sleep(0.2 * QUIET_S)
    assert len(wire.sent) == 1
    wire.say(rtu_frame(1, "04 02 0007"))
    assert await task == [7]
    await unit.close()


@virtual
async def test_noise_between_exchanges_is_waited_out() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    wire.say(rtu_frame(1, "04 02 0007"))
    task = reading(unit)
    await asyncio.sleep(0.9 * QUIET_S)
    assert wire.sent == []
    await asyncio.sleep(0.2 * QUIET_S)
    wire.say(rtu_frame(1, "04 02 0009"))
    assert await task == [9]
    await unit.close()


@virtual
async def test_an_error_is_told_at_once_and_the_next_waits_as_long_as_the_true_answer_may_take() -> None:
    wire, (unit,) = rtu_units(1)
    await ready(unit)
    task, began = reading(unit), now()
    await turns()
    wire.say(b"\xff\xff")
    with pytest.raises(WrongAnswer):
        await task
    assert now() == began
    task = reading(unit)
    await asyncio.sleep(0.99 * (TIMEOUT_S + QUIET_S))
    assert len(wire.sent) == 1
    await asyncio.sleep(0.02 * (TIMEOUT_S + QUIET_S))
    assert len(wire.sent) == 2
    task.cancel()
    await unit.close()


@virtual
async def test_a_line_that_does_not_get_quiet_is_dropped_and_nothing_is_sent_on_it() -> None:
    wire, (unit,) = rtu_units(1)
    await unit.open()
    task = asyncio.create_task(unit.write(1, [1]))
    for _ in range(60):
        await asyncio.sleep(0.5 * QUIET_S)
        wire.say(b"x")
    with pytest.raises(LineReset, match="does not get quiet"):
        await task
    assert wire.sent == []
    assert not unit.is_open
    await ready(unit)
    assert unit.session == 2
    await unit.close()


@virtual
async def test_what_the_line_has_not_taken_in_time_is_never_sent_later() -> None:
    wire, (unit,) = rtu_units(1, drops=True)
    await ready(unit)
    wire.blocked = True
    with pytest.raises(OutcomeUnknown):
        await unit.write(1, [1])
    assert not unit.is_open
    await unit.close()


def test_an_answer_that_comes_again_in_the_gap_is_noise() -> None:
    async def main() -> None:
        wire = ScriptedWire(drops=False)
        unit = ModbusUnit(Line(wire, gap_s=0.002), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
        await ready(unit)
        first, second = reading(unit, 1), reading(unit, 2)
        await asyncio.sleep(0.01)
        wire.say(rtu_frame(1, "04 02 0007"))
        await asyncio.sleep(0.001)
        wire.say(rtu_frame(1, "04 02 0007"))
        assert await first == [7]
        assert len(wire.sent) == 1
        await asyncio.sleep(0.99 * QUIET_S)
        assert len(wire.sent) == 1
        await asyncio.sleep(0.05 * QUIET_S)
        assert len(wire.sent) == 2
        wire.say(rtu_frame(1, "04 02 0009"))
        assert await second == [9]
        third = reading(unit, 3)
        await turns()
        assert len(wire.sent) == 2
        await asyncio.sleep(0.0025)
        assert len(wire.sent) == 3
        third.cancel()
        await unit.close()

    run_virtual(main())


# ---- the end of a connection


@pytest.mark.parametrize("framing", ["tcp", "rtu"])
def test_a_lost_connection_ends_all_that_waits(framing: str) -> None:
    async def main() -> None:
        wire, (unit,) = tcp_units(1) if framing == "tcp" else rtu_units(1)
        await ready(unit)
        sent = asyncio.create_task(unit.write(1, [1]))
        queued = asyncio.create_task(unit.write(2, [2]))
        await turns()
        wire.lose()
        with pytest.raises(OutcomeUnknown):
            await sent
        with pytest.raises(LinkDown):
            await queued
        assert len(wire.sent) == 1
        with pytest.raises(LinkDown):
            await unit.write(3, [3])
        await unit.close()

    run_virtual(main())


@virtual
async def test_a_lost_read_is_a_link_that_is_down() -> None:
    wire, (unit,) = tcp_units(1)
    await ready(unit)
    task = reading(unit)
    await turns()
    wire.lose()
    with pytest.raises(LinkDown, match="lost"):
        await task
    await unit.close()


@virtual
async def test_a_server_that_talks_unasked_is_dropped() -> None:
    wire, (unit,) = tcp_units(1)
    await ready(unit)
    wire.say(b"SSH-2.0-server\r\n")
    assert not unit.is_open
    with pytest.raises(LineReset, match="unasked"):
        await unit.read("input", 1, 1)
    await unit.close()


@virtual
async def test_what_a_judge_raises_goes_to_its_caller() -> None:
    def check(answer: bytes) -> None:
        raise ZeroDivisionError

    wire = ScriptedWire(drops=False)
    unit = AsciiUnit(Line(wire), response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    await unit.open()
    task = asyncio.create_task(unit.exchange(b"hello\r\n", check=check))
    await asyncio.sleep(2 * QUIET_S)
    wire.say(b"hello\r\n")
    with pytest.raises(ZeroDivisionError):
        await task
    await unit.close()


@virtual
async def test_everything_that_happens_is_told_in_order() -> None:
    events: list[WireEvent] = []
    wire, (unit,) = rtu_units(1, tap=events.append)
    await ready(unit)
    task = reading(unit)
    await turns()
    wire.say(rtu_frame(1, "04 02 0007"))
    await task
    wire.lose()
    await unit.open()
    await unit.close()
    assert [event.what for event in events] == ["open", "sent", "heard", "lost", "open", "closed"]
    assert events[1].data == wire.sent[0]
    assert {event.place for event in events} == {"script"}


@virtual
async def test_a_long_answer_without_end_is_corrupt() -> None:
    wire = ScriptedWire(drops=False)
    unit = AsciiUnit(Line(wire), response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    await unit.open()
    task = asyncio.create_task(unit.exchange(b"hello\r\n"))
    await asyncio.sleep(2 * QUIET_S)
    wire.say(b"x" * 5000)
    with pytest.raises(CorruptAnswer):
        await task
    await unit.close()
