"""Commands when answers get lost: sent once, and the acknowledge tells the outcome if it can."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from drivers.errors import (
    CommandFailed,
    DriverError,
    LinkDown,
    OutcomeUnknown,
    ProfileError,
    ResponseTimeout,
)
from drivers.machine import Machine
from drivers.profile import Profile, Table
from drivers.profile_file import load_profile
from drivers.transport.memory import MemoryRegisters
from simulators.wire.image import RegisterImage
from tests.contract.rig import quick
from tests.contract.toy_plc import ToyPlc, some_job


class LossyRegisters(MemoryRegisters):
    """A memory transport that loses what it is told to lose."""

    def __init__(self, device: Any) -> None:
        super().__init__(device, response_timeout_s=0.05)
        self.lose: dict[str, int] = {}
        self.commands: list[tuple[int, ...]] = []

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        if self._lost("read"):
            raise ResponseTimeout("no answer")
        return await super().read(table, address, count, priority=priority)

    async def write(
        self,
        address: int,
        values: Sequence[int],
        *,
        table: Table = "holding",
        single: bool = False,
        priority: bool = False,
    ) -> None:
        command = address == 0
        if command and self._lost("connection"):
            await self.close()
        if command:
            self.commands.append(tuple(values))
        if not (command and self._lost("request")):
            await super().write(address, values, table=table, single=single, priority=priority)
        if command and self._lost("answer"):
            raise OutcomeUnknown("the answer was lost")

    def _lost(self, what: str) -> bool:
        left = self.lose.get(what, 0)
        self.lose[what] = left - 1
        return left > 0


class Bench:
    def __init__(self, profile: Profile) -> None:
        self.plc = ToyPlc(profile)
        clock = asyncio.get_running_loop().time
        self.transport = LossyRegisters(RegisterImage(profile, self.plc, clock))
        self.machine = Machine("press", profile, self.transport)

    async def __aenter__(self) -> Bench:
        self._task = asyncio.create_task(self.machine.run())
        await self.machine.wait_link()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


def bench() -> Bench:
    return Bench(quick(load_profile("uniaxial-press-generic")))


async def test_a_lost_answer_to_a_command_that_arrived_is_read_back() -> None:
    async with bench() as b:
        b.transport.lose = {"answer": 1}
        await b.machine.start()
        assert b.plc.executed == ["start"]
        assert len(b.transport.commands) == 1


async def test_a_command_that_did_not_arrive_is_unknown_and_not_sent_again() -> None:
    async with bench() as b:
        b.transport.lose = {"request": 1, "answer": 1}
        with pytest.raises(OutcomeUnknown):
            await b.machine.start()
        assert b.plc.executed == []
        assert len(b.transport.commands) == 1
        await b.machine.hold()
        numbers = [sequence for _, sequence in b.transport.commands]
        assert len(set(numbers)) == 2  # the unanswered number is not used for another command


async def test_lost_polls_during_the_acknowledge_do_not_matter() -> None:
    async with bench() as b:
        b.transport.lose = {"read": 2}
        await b.machine.start()
        assert b.machine.link_up


async def test_a_start_does_not_reconnect_and_a_hold_does() -> None:
    async with bench() as b:
        b.transport.lose = {"connection": 1}
        with pytest.raises(LinkDown):
            await b.machine.start()
        assert b.plc.executed == []
        await b.machine.wait_link()
        await asyncio.sleep(0.1)
        b.transport.lose = {"connection": 1}
        await b.machine.hold()
        assert b.plc.executed == ["hold"]


async def test_a_command_that_fails_says_why() -> None:
    async with bench() as b:
        profile = b.machine.profile
        b.plc.deaf = True
        task = asyncio.create_task(b.machine.start())
        await asyncio.sleep(0.02)
        b.plc.tags["acknowledge_result"] = profile.number("result", "FAILED")
        b.plc.tags["acknowledge_reason"] = profile.number("reason", "temperature_out_of_band")
        b.plc.tags["acknowledged_sequence"] = b.transport.commands[-1][1]
        with pytest.raises(CommandFailed) as caught:
            await task
        assert caught.value.reason == "temperature_out_of_band"


async def test_an_unknown_command_is_a_mistake_in_the_program() -> None:
    async with bench() as b:
        with pytest.raises(ProfileError, match="nonsense"):
            await b.machine.command("nonsense")


async def test_a_number_that_somebody_else_used_is_not_taken_for_ours() -> None:
    async with bench() as b:
        await b.machine.reset()
        b.plc.tags["acknowledged_sequence"] += 1  # another master gave a command
        await b.machine.snapshot()
        await b.machine.start()
        assert b.plc.executed == ["reset", "start"]


async def test_nothing_is_sent_before_the_machine_is_known() -> None:
    profile = quick(load_profile("uniaxial-press-generic"))
    b = Bench(profile)
    b.plc.tags["model_code"] = 4102
    with b.machine.subscribe() as queue:
        task = asyncio.create_task(b.machine.run())
        change = await queue.get()
        with suppress(DriverError):
            await b.machine.hold()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
    assert "4102" in getattr(change, "reason", "")
    assert b.transport.commands == []
    assert b.plc.beats == []


async def test_a_download_with_a_lost_answer_is_unknown() -> None:
    async with bench() as b:
        job = some_job(b.machine.profile)
        b.transport.lose = {"request": 1, "answer": 1}
        with pytest.raises(OutcomeUnknown):
            await b.machine.download(job)
        b.transport.lose = {}
        await b.machine.download(job)
        assert b.plc.executed == ["load_job"]
