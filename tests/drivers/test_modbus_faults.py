"""Faults that pymodbus 3.16.1 lets through do not get past the transport."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    LineReset,
    LinkDown,
    OutcomeUnknown,
    ResponseTimeout,
    WrongAnswer,
)
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.tcp_wire import TcpWire
from tests.drivers.faulty import LATE_S, Faults, faulty_rtu, faulty_tcp, unit_on

Wire = tuple[ModbusUnit, Faults]


@pytest.fixture(params=["tcp", "rtu", "rtu+tcp"])
async def wire(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Wire]:
    kind = request.param
    async with faulty_rtu(tmp_path) if kind == "rtu" else faulty_tcp(rtu=kind == "rtu+tcp") as made:
        yield made


async def read(transport: ModbusUnit, address: int, count: int = 2) -> list[int]:
    await transport.open()
    return await transport.read("input", address, count)


async def test_answers_in_pieces_are_put_together(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["pieces"] * 3
    for address in (100, 200, 300):
        assert await read(transport, address, 20) == list(range(address, address + 20))


@pytest.mark.parametrize("lost", ["lost", "late"])
async def test_a_write_with_a_lost_answer_goes_out_once(wire: Wire, lost: str) -> None:
    transport, faults = wire
    faults.orders = [lost]
    with pytest.raises(OutcomeUnknown):
        await transport.write(10, [1, 7])
    await asyncio.sleep(LATE_S)
    assert faults.device.writes == [(10, (1, 7))]
    assert await read(transport, 200) == [200, 201]


@pytest.mark.parametrize("order", ["function", "unit", "echo", "echo-count", "corrupt", "twice", "foreign-exception"])
async def test_a_write_with_a_wrong_answer_is_unknown_and_says_why(wire: Wire, order: str) -> None:
    transport, faults = wire
    faults.orders = [order]
    with pytest.raises(OutcomeUnknown) as caught:
        await transport.write(10, [1, 7])
    assert isinstance(caught.value.__cause__, WrongAnswer | CorruptAnswer)
    assert faults.device.writes == [(10, (1, 7))]
    await transport.open()
    await transport.write(20, [5])
    assert faults.device.writes[1:] == [(20, (5,))]


@pytest.mark.parametrize(
    ("order", "error"),
    [
        ("lost", ResponseTimeout),
        ("late", ResponseTimeout),
        ("corrupt", CorruptAnswer),
        ("twice", CorruptAnswer),
        ("short", WrongAnswer),
        ("long", WrongAnswer),
        ("function", WrongAnswer),
        ("unit", WrongAnswer),
        ("foreign-exception", WrongAnswer),
    ],
)
async def test_a_wrong_read_is_an_error_and_the_next_one_is_right(
    wire: Wire, order: str, error: type[DriverError]
) -> None:
    transport, faults = wire
    faults.orders = [order]
    with pytest.raises(error) as caught:
        await read(transport, 100, 4)
    assert caught.value.retryable
    for address in (200, 300, 400):
        assert await read(transport, address) == [address, address + 1]


async def test_late_answers_are_never_another_requests(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["late", "ok"] * 4
    for address in range(100, 900, 100):
        try:
            assert await read(transport, address, 1) == [address]
        except ResponseTimeout:
            continue
    assert await read(transport, 950, 1) == [950]


async def test_an_exception_answer_is_a_refusal_and_keeps_the_line(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["exception", "exception"]
    session = transport.session
    with pytest.raises(DeviceRefused) as caught:
        await transport.read("input", 100, 2)
    assert caught.value.code == 4
    assert not caught.value.retryable
    with pytest.raises(DeviceRefused):
        await transport.write(10, [1])
    assert await transport.read("input", 100, 2) == [100, 101]
    assert transport.session == session


async def test_a_late_answer_in_another_transaction_is_wrong() -> None:
    async with faulty_tcp() as (transport, faults):
        faults.orders = ["transaction"]
        with pytest.raises(WrongAnswer, match="transaction"):
            await transport.read("input", 100, 2)


async def test_tcp_drops_its_connection_after_a_fault_and_sends_nothing_until_it_is_opened() -> None:
    async with faulty_tcp() as (transport, faults):
        faults.orders = ["lost"]
        with pytest.raises(ResponseTimeout):
            await transport.read("input", 1, 1)
        assert not transport.is_open
        with pytest.raises(LineReset):
            await transport.write(10, [1])
        assert faults.device.writes == []
        session = transport.session
        await transport.open()
        assert transport.session == session + 1


async def test_cancellation_stays_cancellation(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["late"]

    async def poll() -> None:
        for _ in range(5):
            try:
                await read(transport, 100, 1)
            except DriverError:
                continue

    task = asyncio.create_task(poll())
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.0):
            await read(transport, 300, 1)
    for address in (200, 300, 400):
        while True:
            try:
                assert await read(transport, address, 1) == [address]
                break
            except (ResponseTimeout, LineReset):  # over TCP the exchange that was given up takes its connection along
                continue


async def test_a_caller_that_gives_up_leaves_no_answer_to_the_next(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["pieces", "ok", "pieces", "ok"]
    for address in (100, 500):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.003):
                await read(transport, address, 30)
        assert await read(transport, address + 100, 1) == [address + 100]


async def test_a_command_goes_ahead_of_waiting_polls(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["pieces"]
    polls = [asyncio.create_task(transport.read("input", n, 2)) for n in range(100, 105)]
    await asyncio.sleep(0.002)
    await transport.write(10, [3], priority=True)
    await asyncio.gather(*polls)
    functions = [request[7 if len(request) > 8 and request[2:4] == b"\0\0" else 1] for request in faults.requests]
    assert functions.index(16) == 1


async def test_closing_during_an_exchange_ends_it(wire: Wire) -> None:
    transport, faults = wire
    faults.orders = ["lost"]
    waiting = asyncio.create_task(transport.read("input", 1, 1))
    await asyncio.sleep(0.02)
    await transport.close()
    with pytest.raises(LinkDown):
        await waiting
    await transport.close()


async def test_faults_are_silent_on_stderr(wire: Wire, capfd: pytest.CaptureFixture[str]) -> None:
    transport, faults = wire
    logging.getLogger("pymodbus.logging").setLevel(logging.DEBUG)
    faults.orders = ["lost", "corrupt", "function", "unit"]
    for _ in range(4):
        with pytest.raises(DriverError):
            await read(transport, 1, 1)
    logging.getLogger("pymodbus.logging").setLevel(logging.NOTSET)
    assert capfd.readouterr() == ("", "")


async def test_nobody_there_is_a_link_that_is_down() -> None:
    nobody = unit_on(Line(TcpWire("127.0.0.1", 1), numbered=True), rtu=False)
    with pytest.raises(LinkDown, match=r"127\.0\.0\.1:1"):
        await nobody.open()
    with pytest.raises(LinkDown):
        await nobody.read("input", 0, 1)
    await nobody.close()
