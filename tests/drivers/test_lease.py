"""The lease: one controller at a time, kept by its heartbeats, given back at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import pytest

from drivers.errors import DeviceRefused, DriverError, OwnedByAnother
from drivers.machine import Machine
from drivers.profile_file import load_profile
from drivers.reading import LinkChange
from drivers.transport.memory import MemoryRegisters
from simulators.lease import OWNED_BY_ANOTHER, Lease
from simulators.scenarios import named_scenario
from simulators.uniaxial_press import UniaxialPress
from simulators.wire.image import RegisterImage
from simulators.world import World
from tests.contract.rig import Toy, owned, quick

OURS, THEIRS = 4711, 815
HEARTBEAT = 2  # holding register; the lease number stands behind it
PROFILE = load_profile("uniaxial-press-generic")


def refused(lease: Lease, count: int, number: int | None, now_s: float) -> bool:
    try:
        lease.beat(count, number, now_s)
    except DeviceRefused as error:
        return error.code == OWNED_BY_ANOTHER
    return False


def test_the_first_number_owns_and_others_are_refused() -> None:
    lease = Lease(5.0)
    assert lease.owner(0.0) == 0
    assert not refused(lease, 1, OURS, 0.0)
    assert lease.owner(0.0) == OURS
    for number in (THEIRS, 0, None):
        assert refused(lease, 77, number, 1.0)
    assert not refused(lease, 2, OURS, 1.0)


def test_it_lapses_after_the_watchdog_time() -> None:
    lease = Lease(5.0)
    lease.beat(1, OURS, 0.0)
    assert lease.owner(5.0) == OURS
    assert lease.owner(5.1) == 0
    assert not refused(lease, 9, THEIRS, 5.1)
    assert refused(lease, 2, OURS, 5.2)


def test_a_count_that_stands_still_keeps_nothing() -> None:
    lease = Lease(5.0)
    lease.beat(1, OURS, 0.0)
    lease.beat(1, OURS, 4.0)
    assert lease.owner(5.1) == 0


def test_a_0_that_goes_on_from_the_owners_count_gives_it_back() -> None:
    lease = Lease(5.0)
    lease.beat(0xFFFF, OURS, 0.0)
    for count in (1, 77, 0xFFFE, 0xFFFF):
        assert refused(lease, count, 0, 0.1)
    assert not refused(lease, 0, 0, 0.1)
    assert lease.owner(0.1) == 0
    assert not refused(lease, 1, THEIRS, 0.2)


def test_without_any_lease_heartbeats_need_no_number() -> None:
    lease = Lease(5.0)
    for count, number in ((1, None), (2, 0), (3, None)):
        assert not refused(lease, count, number, float(count))
    assert lease.owner(3.0) == 0


def press() -> UniaxialPress:
    scenario = named_scenario("nominal", 1)
    return UniaxialPress(PROFILE, scenario, "press", World(scenario))


def test_a_simulated_controller_shows_its_owner_and_refuses_others() -> None:
    now = [0.0]
    plc = press()
    image = RegisterImage(PROFILE, plc, lambda: now[0])
    image.write(2, [1, OURS])
    assert image.read("input", 19, 1) == [OURS]
    with pytest.raises(DeviceRefused) as caught:
        image.write(2, [2, THEIRS])
    assert caught.value.code == OWNED_BY_ANOTHER
    with pytest.raises(DeviceRefused):
        image.write(2, [7])
    with pytest.raises(DeviceRefused):
        image.write(3, [OURS])  # a lease without a heartbeat would never lapse
    assert image.read("holding", 2, 2) == [1, OURS]
    now[0] = 6.0
    assert image.read("input", 19, 1) == [0]
    image.write(2, [9, THEIRS])
    assert image.read("input", 19, 1) == [THEIRS]


class Bench:
    """A toy controller in memory, and drivers with a number each."""

    def __init__(self) -> None:
        self.toy = Toy(quick(PROFILE), asyncio.get_running_loop().time)

    @property
    def owner(self) -> float:
        self.toy.plc.advance(asyncio.get_running_loop().time())
        return self.toy.plc.tags["lease_owner"]

    def machine(self, lease: int) -> Machine:
        return Machine(f"press of {lease}", self.toy.profile, MemoryRegisters(self.toy.registers), lease=lease)


async def test_it_is_taken_kept_and_given_back() -> None:
    bench = Bench()
    machine = bench.machine(OURS)
    async with owned(machine):
        await machine.wait_link()
        await asyncio.sleep(0.25)
        assert bench.owner == OURS
    assert bench.owner == 0


class SlowBeats(MemoryRegisters):
    """A line on which the third heartbeat takes for ever; the machine has heard it by then, or never does."""

    def __init__(self, device: Any, *, is_heard: bool) -> None:
        super().__init__(device)
        self.stuck = asyncio.Event()
        self._beats = 0
        self._is_heard = is_heard

    async def write(self, address: int, values: Sequence[int], **how: Any) -> None:
        self._beats += address == HEARTBEAT and values[1] != 0
        if self._beats < 3 or values[1] == 0:
            await super().write(address, values, **how)
            return
        if self._is_heard:
            await super().write(address, values, **how)
        self.stuck.set()
        await asyncio.sleep(60.0)


@pytest.mark.parametrize("is_heard", [True, False])
async def test_it_is_given_back_after_a_heartbeat_that_was_cut_off(is_heard: bool) -> None:
    bench = Bench()
    transport = SlowBeats(bench.toy.registers, is_heard=is_heard)
    async with owned(Machine("press", bench.toy.profile, transport, lease=OURS)):
        async with asyncio.timeout(5):
            await transport.stuck.wait()
        assert bench.owner == OURS
    assert bench.owner == 0


async def test_a_second_controller_is_told_once_and_sends_nothing() -> None:
    bench = Bench()
    first, second = bench.machine(OURS), bench.machine(THEIRS)
    async with owned(first):
        await first.wait_link()
        await asyncio.sleep(0.05)
        beats = len(bench.toy.plc.beats)
        async with owned(second) as queue:
            change = await queue.get()
            assert isinstance(change, LinkChange)
            assert not change.up
            assert str(OURS) in change.reason
            for command in (second.start, second.hold):
                with pytest.raises(DriverError):
                    await command()
            with pytest.raises(OwnedByAnother):
                await second.snapshot()
            await asyncio.sleep(0.7)  # past its first retry
            assert queue.empty()
            assert bench.toy.plc.executed == []
            assert first.link_up
    assert len(bench.toy.plc.beats) > beats


async def test_a_second_controller_comes_in_when_the_first_gives_it_back() -> None:
    bench = Bench()
    first, second = bench.machine(OURS), bench.machine(THEIRS)
    async with owned(first):
        await first.wait_link()
        await asyncio.sleep(0.05)
        later = asyncio.create_task(second.run())
        await asyncio.sleep(0.05)
        assert bench.owner == OURS
    try:
        async with asyncio.timeout(5):
            await second.wait_link()
        await asyncio.sleep(0.05)
        assert bench.owner == THEIRS
    finally:
        later.cancel()
        await asyncio.wait({later})


async def test_a_machine_that_is_taken_away_is_lost_until_it_is_free() -> None:
    bench = Bench()
    machine = bench.machine(OURS)
    async with owned(machine) as queue:
        await machine.wait_link()
        await asyncio.sleep(0.05)
        bench.toy.plc._lease = theirs = Lease(0.4)
        theirs.beat(1, THEIRS, asyncio.get_running_loop().time())
        async with asyncio.timeout(5):
            while not (isinstance(change := await queue.get(), LinkChange) and not change.up):
                pass
            assert "lease" in change.reason
            await machine.wait_link()
        assert bench.owner in (0, OURS)


async def test_the_same_number_takes_its_own_lease_back_at_once() -> None:
    bench = Bench()
    bench.toy.plc.write({"heartbeat_controller": 7, "lease_request": OURS})  # a controller that was killed since
    machine = bench.machine(OURS)
    async with owned(machine):
        async with asyncio.timeout(0.2):
            await machine.wait_link()


async def test_giving_back_does_not_wait_for_a_dead_line() -> None:
    bench = Bench()
    machine = bench.machine(OURS)
    begun = 0.0
    with suppress(DriverError):
        async with owned(machine):
            await machine.wait_link()
            await asyncio.sleep(0.05)
            machine._link.layer.transport.unplug()  # type: ignore[attr-defined]
            begun = asyncio.get_running_loop().time()
    assert asyncio.get_running_loop().time() - begun < 0.5
