"""What the Modbus library alone gets wrong, and what a line does, held against our layer over every carrier.

A write whose answer is lost reaches the machine once; an answer is never another request's; a wrong answer is an error;
cancellation stays cancellation.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from drivers.errors import CorruptAnswer, DriverError, OutcomeUnknown, ResponseTimeout, WrongAnswer
from simulators.clock import run_virtual
from tests.campaign import frames
from tests.campaign.frame_damages import Delivery, Scene
from tests.campaign.frame_lines import CoaterTarget, LineQuestion, SicsTarget
from tests.campaign.frame_modbus import ModbusQuestion
from tests.campaign.frame_targets import TARGETS, target_of
from tests.drivers.carriers import CARRIERS, QUIET_S, TIMEOUT_S, Bench, new_machine
from tests.drivers.fault_machine import FAULTS, Order, cut_line

READS, REAL_READS = 10_000, 100
MODBUS = ("tcp", "rtu", "rtu+tcp")


@pytest.fixture(params=CARRIERS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with CARRIERS[request.param](tmp_path) as made:
        yield made


@pytest.fixture(params=MODBUS)
async def modbus(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    async with CARRIERS[request.param](tmp_path) as made:
        yield made


def read_at(bench: Bench, place: int) -> Any:
    """A read; different places have different values, of the same form."""
    if isinstance(bench.target, SicsTarget):
        return LineQuestion("S", "S")
    return LineQuestion("RD ID", "ID") if isinstance(bench.target, CoaterTarget) else ModbusQuestion(3, 100 + place, 2)


def a_write(bench: Bench) -> Any:
    if isinstance(bench.target, CoaterTarget):
        return LineQuestion("CM 3,7", numbers=(3, 7))
    return ModbusQuestion(16, 10, 2, (3, 7))


# ---------------------------------------------------------------- no value of another request


async def many_reads(bench: Bench, rng: Random, reads: int, share: float) -> tuple[int, float, int]:
    """How many reads gave their values, the age of the oldest value of the same question, and how many gave others."""
    right = wrong = 0
    oldest_s = 0.0
    question: Any = read_at(bench, 0)
    said: dict[Any, list[tuple[float, Any]]] = {}
    for _ in range(reads):
        question = bench.target.like(rng, question) if rng.random() < 0.5 else read_at(bench, rng.randrange(30000))
        if rng.random() < share:
            bench.machine.orders = [rng.choice(FAULTS)]
        await bench.ready()
        asked_at = asyncio.get_running_loop().time()
        try:
            got = await bench.ask(question)
        except DriverError:
            got = None
        truth = bench.target.truth()
        ages_s = [asked_at - when for when, value in said.get(question, ()) if value == got]
        said.setdefault(question, []).append((asked_at, truth))
        if got == truth:
            right += 1
        elif got is not None and ages_s:
            oldest_s = max(oldest_s, ages_s[-1])
        elif got is not None:
            wrong += 1
    return right, oldest_s, wrong


@pytest.mark.parametrize("name", TARGETS)
def test_ten_thousand_reads_under_faults_give_no_value_of_another_request(name: str) -> None:
    target, wire = target_of(name)
    bench = Bench(target, new_machine(cut_line))
    wire.machine = bench.machine.deliveries

    async def reads() -> tuple[int, float, int]:
        await target.transport.open()
        try:
            return await many_reads(bench, Random(name), READS, 0.5)
        finally:
            await target.transport.close()

    right, oldest_s, wrong = run_virtual(reads())
    late_s = bench.target.timeout_s + bench.target.quiet_s
    assert wrong == 0
    # the balance is asked the same thing always, and nothing in its answers is numbered
    assert oldest_s < 2 * late_s if name == "sics" else oldest_s == 0
    assert 0.45 * READS < right < 0.8 * READS  # the faults were really there


async def test_reads_on_real_wires_give_no_value_of_another_request(bench: Bench) -> None:
    right, oldest_s, wrong = await many_reads(bench, Random(2), REAL_READS, 0.25)
    assert wrong == 0
    assert oldest_s < 2 * (TIMEOUT_S + QUIET_S)
    assert right > 0.7 * REAL_READS


@pytest.mark.parametrize("pause_s", [0.0, TIMEOUT_S + QUIET_S])
async def test_a_late_answer_is_nobody_s(bench: Bench, pause_s: float) -> None:
    bench.machine.orders = ["late"]
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.5 * TIMEOUT_S):  # whoever asked gives up before the line does
            await bench.ask(read_at(bench, 0))
    await asyncio.sleep(pause_s)
    for place in (100, 200, 300):
        try:
            await bench.ready()
            assert await bench.is_right(read_at(bench, place))
        except DriverError:  # over TCP the connection goes with the silence
            assert place == 100


# ---------------------------------------------------------------- a write goes out once


@pytest.mark.parametrize("order", ["dropped", "late"])
async def test_a_write_whose_answer_is_lost_reaches_the_machine_once(bench: Bench, order: str) -> None:
    bench.machine.orders = [order]
    with pytest.raises(OutcomeUnknown):
        await bench.ask(a_write(bench))
    await asyncio.sleep(2 * TIMEOUT_S)
    assert len(bench.machine.requests) == 1
    await bench.ready()
    assert await bench.is_right(read_at(bench, 50))
    assert len(bench.machine.requests) == 2


@pytest.mark.parametrize("order", ["doubled", "corrupted", "glued", "glued behind"])
async def test_a_write_whose_answer_is_broken_is_unknown(bench: Bench, order: str) -> None:
    bench.machine.orders = [order]
    with pytest.raises(OutcomeUnknown) as caught:
        await bench.ask(a_write(bench))
    assert isinstance(caught.value.__cause__, CorruptAnswer | WrongAnswer)
    assert len(bench.machine.requests) == 1


# ---------------------------------------------------------------- a wrong answer is an error


def saying(bench: Bench, change: Callable[[bytearray], bytearray], unit: int = 1) -> Order:
    """A well-formed answer with another PDU or unit."""

    def order(scene: Scene, rng: Random) -> tuple[Delivery]:
        pdu = bytearray(scene.sound[7:] if scene.sound[2:4] == b"\0\0" else scene.sound[1:-2])
        over_tcp = scene.sound[2:4] == b"\0\0"
        transaction = int.from_bytes(scene.sound[:2], "big")
        return ((0.0, frames.framed("tcp" if over_tcp else "rtu", transaction, unit, bytes(change(pdu)))),)

    return order


WRONG_READS: dict[str, Callable[[bytearray], bytearray]] = {
    "one register fewer": lambda pdu: bytearray([pdu[0], pdu[1] - 2]) + pdu[2:-2],
    "one register more": lambda pdu: bytearray([pdu[0], pdu[1] + 2]) + pdu[2:] + b"\0\7",
    "a count that does not fit": lambda pdu: bytearray([pdu[0], pdu[1] + 2]) + pdu[2:],
    "another function": lambda pdu: bytearray([4]) + pdu[1:],
    "a write's echo": lambda pdu: bytearray(b"\x10\0\x64\0\x02"),
    "another function's refusal": lambda pdu: bytearray(b"\x84\x02"),
}


@pytest.mark.parametrize("wrong", [*WRONG_READS, "another unit"])
async def test_a_wrong_answer_to_a_read_is_an_error_and_the_next_is_right(modbus: Bench, wrong: str) -> None:
    unit = 2 if wrong == "another unit" else 1
    modbus.machine.orders = [saying(modbus, WRONG_READS.get(wrong, lambda pdu: pdu), unit)]
    with pytest.raises((WrongAnswer, CorruptAnswer)):
        await modbus.ask(ModbusQuestion(3, 100, 2))
    await modbus.ready()
    assert await modbus.is_right(ModbusQuestion(3, 200, 2))


WRONG_WRITES: dict[str, Callable[[bytearray], bytearray]] = {
    "another address": lambda pdu: bytearray(struct.pack(">BHH", 16, 11, 2)),
    "another count": lambda pdu: bytearray(struct.pack(">BHH", 16, 10, 1)),
    "a read's answer": lambda pdu: bytearray(b"\x03\x02\0\7"),
    "a single write's echo": lambda pdu: bytearray(struct.pack(">BHH", 6, 10, 2)),
    "another function's refusal": lambda pdu: bytearray(b"\x83\x02"),
}


@pytest.mark.parametrize("wrong", [*WRONG_WRITES, "another unit"])
async def test_a_wrong_answer_to_a_write_leaves_its_outcome_unknown(modbus: Bench, wrong: str) -> None:
    unit = 2 if wrong == "another unit" else 1
    modbus.machine.orders = [saying(modbus, WRONG_WRITES.get(wrong, lambda pdu: pdu), unit)]
    with pytest.raises(OutcomeUnknown):
        await modbus.ask(ModbusQuestion(16, 10, 2, (3, 7)))
    assert len(modbus.machine.requests) == 1
    await modbus.ready()
    assert await modbus.is_right(ModbusQuestion(3, 200, 2))


@pytest.mark.parametrize("function", [5, 6])
async def test_the_echo_of_a_single_write_must_have_its_value(modbus: Bench, function: int) -> None:
    modbus.machine.orders = [saying(modbus, lambda pdu: pdu[:3] + b"\xff\x01")]
    with pytest.raises(OutcomeUnknown):
        await modbus.ask(ModbusQuestion(function, 10, 1, (1,)))


# ---------------------------------------------------------------- cancellation


async def test_cancellation_stays_cancellation(bench: Bench) -> None:
    bench.machine.orders = ["dropped"] * 5
    asked = 0

    async def poll() -> None:
        nonlocal asked
        for place in range(5):
            asked += 1
            try:
                await bench.ask(read_at(bench, place))
            except DriverError:
                continue

    task = asyncio.create_task(poll())
    await asyncio.sleep(0.3 * TIMEOUT_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asked == 1


async def test_a_caller_s_own_time_limit_is_his_timeout_error(bench: Bench) -> None:
    bench.machine.orders = ["dropped"]
    with pytest.raises(TimeoutError) as caught:
        async with asyncio.timeout(0.3 * TIMEOUT_S):
            await bench.ask(read_at(bench, 0))
    assert not isinstance(caught.value, DriverError)


async def test_silence_is_a_timeout_of_the_line_within_its_time(bench: Bench) -> None:
    bench.machine.orders = ["dropped"]
    began = asyncio.get_running_loop().time()
    with pytest.raises(ResponseTimeout):
        await bench.ask(read_at(bench, 0))
    assert TIMEOUT_S * 0.9 < asyncio.get_running_loop().time() - began < TIMEOUT_S + 21 * QUIET_S
