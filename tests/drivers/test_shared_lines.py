"""Several units on one line: late answers behind a gateway, silence of one and of all, coming and going."""

from __future__ import annotations

import asyncio

import pytest

from drivers.errors import LineReset, LinkDown, OutcomeUnknown, ResponseTimeout, WrongAnswer
from drivers.profile_file import load_profile
from drivers.transport.modbus import ModbusUnit
from drivers.transport.urls import Lines
from simulators.clock import run_virtual
from simulators.wire.serve import serve_line
from tests.drivers.faulty import AddressIsValue
from tests.drivers.scripted import (
    QUIET_S,
    TIMEOUT_S,
    ScriptedWire,
    reading,
    ready,
    rtu_frame,
    rtu_units,
    tcp_frame,
    tcp_units,
    turns,
    virtual,
)

PDU = "04 02 0007"


async def gateway() -> tuple[ScriptedWire, ModbusUnit, ModbusUnit]:
    wire, (one, two) = tcp_units(1, 2)
    await one.open()
    await two.open()
    return wire, one, two


@virtual
async def test_a_late_answer_behind_a_gateway_is_skipped_and_the_connection_stays() -> None:
    wire, one, two = await gateway()
    with pytest.raises(ResponseTimeout):
        await one.read("input", 1, 1)
    wire.say(tcp_frame(1, 1, PDU))  # while nobody waits
    task = reading(two)
    await turns()
    wire.say(tcp_frame(2, 2, "04 02 0008"))
    assert await task == [8]
    with pytest.raises(ResponseTimeout):
        await one.read("input", 1, 1)
    task = reading(two)
    await turns()
    late, right = tcp_frame(3, 1, PDU), tcp_frame(4, 2, "04 02 0009")
    wire.say(late[:5])
    wire.say(late[5:] + right[:4])
    wire.say(right[4:])
    assert await task == [9]
    assert (one.session, wire.opened) == (1, 1)
    await one.close()
    await two.close()


@virtual
async def test_a_late_answer_that_comes_twice_is_wrong() -> None:
    wire, one, two = await gateway()
    with pytest.raises(ResponseTimeout):
        await one.read("input", 1, 1)
    wire.say(tcp_frame(1, 1, PDU))
    task = reading(two)
    await turns()
    wire.say(tcp_frame(1, 1, PDU))
    with pytest.raises(WrongAnswer, match="transaction"):
        await task
    assert not two.is_open
    await one.close()
    await two.close()


@virtual
async def test_transactions_that_were_given_up_are_not_used_again() -> None:
    _, one, two = await gateway()
    with pytest.raises(ResponseTimeout):
        await one.read("input", 1, 1)
    transactions = two.line.transactions
    assert transactions is not None
    numbers = {transactions.next() for _ in range(0x10000)}
    assert 1 not in numbers
    assert len(numbers) == 0xFFFF
    await one.close()
    await two.close()


@pytest.mark.parametrize("framing", ["tcp", "rtu+tcp"])
def test_a_connection_on_which_all_are_silent_is_dropped(framing: str) -> None:
    async def main() -> None:
        wire, (one, two) = tcp_units(1, 2) if framing == "tcp" else rtu_units(1, 2, drops=True)
        await ready(one)
        await ready(two)
        for number in (1, 3):  # one dead unit beside one that lives
            with pytest.raises(ResponseTimeout):
                await one.read("input", 1, 1)
            task = reading(two)
            await asyncio.sleep(1.5 * QUIET_S)
            wire.say(tcp_frame(number + 1, 2, PDU) if framing == "tcp" else rtu_frame(2, PDU))
            assert await task == [7]
        assert one.session == 1
        for unit in (one, two):
            assert unit.is_open
            with pytest.raises(ResponseTimeout):
                await unit.read("input", 1, 1)
        assert not one.is_open
        with pytest.raises(LineReset):
            await one.write(1, [1])
        await ready(two)
        assert (one.session, wire.opened, one.is_open) == (2, 2, True)
        await one.close()
        await two.close()

    run_virtual(main())


@virtual
async def test_a_serial_line_is_not_dropped_for_silence() -> None:
    wire, (one, two) = rtu_units(1, 2)
    await ready(one)
    await ready(two)
    for _ in range(5):
        with pytest.raises(ResponseTimeout):
            await one.read("input", 1, 1)
    assert (one.session, wire.opened) == (1, 1)
    await one.close()
    await two.close()


@virtual
async def test_who_leaves_ends_only_his_own_exchanges() -> None:
    wire, (one, two) = rtu_units(1, 2)
    await ready(one)
    await two.open()
    assert one.shared
    sent = asyncio.create_task(one.write(1, [1]))
    queued, others = asyncio.create_task(one.write(2, [2])), reading(two)
    await turns()
    await one.close()
    with pytest.raises(OutcomeUnknown):
        await sent
    with pytest.raises(LinkDown):
        await queued
    assert two.is_open
    assert not two.shared
    assert not one.is_open
    wire.say(rtu_frame(1, "10 0001 0001"))
    await turns()
    assert wire.sent[1:] == [rtu_frame(2, "04 0001 0001")]
    wire.say(rtu_frame(2, PDU))
    assert await others == [7]
    with pytest.raises(LinkDown):
        await one.read("input", 1, 1)
    await two.close()
    assert not wire.is_open


@virtual
async def test_units_that_wait_for_one_connection_share_its_outcome() -> None:
    wire, units = tcp_units(1, 2, 3)
    wire.refuses = True
    outcomes = await asyncio.gather(*(unit.open() for unit in units), return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [LinkDown] * 3
    wire.refuses = False
    await asyncio.gather(*(unit.open() for unit in units))
    assert wire.opened == 1
    for unit in units:
        await unit.close()


class Served:
    """A machine whose registers are their addresses, and more by its number."""

    def __init__(self) -> None:
        self.profile = load_profile("uniaxial-press-generic")
        self.registers = AddressIsValue()


@pytest.mark.parametrize("carrier", ["tcp", "rtu", "rtu+tcp"])
async def test_units_of_one_url_share_one_line(carrier: str) -> None:
    names = ["one", "two", "three"]
    clock = asyncio.get_running_loop().time
    machines = {name: Served() for name in names}
    async with serve_line(machines, clock, carriers=dict.fromkeys(names, carrier), together=[names]) as served:
        lines = Lines()
        units = [lines.transport(served[name], machines[name].profile) for name in names]
        assert [unit.unit for unit in units] == [1, 2, 3]
        assert len(lines.lines) == 1
        await asyncio.gather(*(unit.open() for unit in units))
        for number, unit in enumerate(units):
            assert isinstance(unit, ModbusUnit)
            await unit.write(number, [number])
            assert await unit.read("input", 5, 2) == [5, 6]
        assert [machines[name].registers.writes for name in names] == [[(n, (n,))] for n in range(3)]
        served.silence("two")
        with pytest.raises(ResponseTimeout, match="unit 2"):
            await units[1].read("input", 1, 1)  # type: ignore[union-attr]
        assert await units[2].read("input", 1, 1) == [1]  # type: ignore[union-attr]
        served.unsilence("two")
        assert await units[1].read("input", 1, 1) == [1]  # type: ignore[union-attr]
        assert {unit.session for unit in units} == {1}
        for unit in units:
            await unit.close()


def test_timeouts_are_the_units_own() -> None:
    async def main() -> None:
        wire, (one, _) = rtu_units(1, 2)
        await ready(one)
        began = asyncio.get_running_loop().time()
        with pytest.raises(ResponseTimeout):
            await one.read("input", 1, 1)
        assert asyncio.get_running_loop().time() - began == pytest.approx(TIMEOUT_S)
        assert len(wire.sent) == 1
        await one.close()

    run_virtual(main())
