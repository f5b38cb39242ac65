"""Our heartbeat: in time however long a poll takes, and told where the machine does not take it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

from drivers.errors import DeviceRefused
from drivers.machine import Machine
from drivers.profile import Block, Profile
from drivers.profile_file import load_profile
from drivers.reading import Decoder, LinkChange, Quality, Snapshot
from drivers.transport.memory import MemoryRegisters
from simulators.any_machine import AnyMachine
from tests.drivers.scripted import now, virtual

PRESS = load_profile("isostatic-press-generic")
SLOW_S = 0.7
BEAT = next(s.address for s in PRESS.signals.values() if s.name == "heartbeat_controller")


def simulated() -> AnyMachine:
    press = AnyMachine(PRESS, asyncio.get_running_loop().time, 1)
    press.controller.tags.update({"model_code": 4202, "firmware": 100, "serial_number": 111, "mode": 1})
    return press


def in_pieces(profile: Profile, pieces: int) -> Profile:
    """The polled block again and again under other names."""
    (polled,) = profile.polled
    more = [Block(f"again-{n}", (), polled.table, polled.address, polled.count) for n in range(pieces)]
    return replace(profile, blocks=(*profile.blocks, *more))


@virtual
async def test_beats_go_out_between_the_blocks_of_a_slow_poll() -> None:
    press, beats = simulated(), [now()]

    class Slow(MemoryRegisters):
        async def read(self, table: str, address: int, count: int, *, priority: bool = False) -> list[int]:
            await asyncio.sleep(SLOW_S)
            return await super().read(table, address, count, priority=priority)  # type: ignore[arg-type]  # a table's name

        async def write(self, address: int, values: Sequence[int], **how: object) -> None:
            if address == BEAT:
                beats.append(now())
            await super().write(address, values, **how)  # type: ignore[arg-type]  # passed on as they came

    machine = Machine("press", in_pieces(PRESS, 10), Slow(press.registers), lease=7)
    task = asyncio.create_task(machine.run())
    await asyncio.sleep(30)
    task.cancel()
    await asyncio.wait([task])
    assert max(late - soon for soon, late in pairwise(beats)) < 2 * SLOW_S + 0.5


@virtual
async def test_a_machine_that_refuses_our_beats_has_no_good_link() -> None:
    press = simulated()

    class Deaf:
        def read(self, *place: object) -> list[int]:
            return press.registers.read(*place)  # type: ignore[arg-type]  # passed on as they came

        def write(self, address: int, values: Sequence[int]) -> None:
            if address == BEAT:
                raise DeviceRefused(3)
            press.registers.write(address, values)

    machine = Machine("press", PRESS, MemoryRegisters(Deaf()), lease=7)
    with machine.subscribe() as queue:
        task = asyncio.create_task(machine.run())
        await asyncio.sleep(30)
        task.cancel()
        await asyncio.wait([task])
        told = [item for item in (queue.get_nowait() for _ in range(queue.qsize())) if isinstance(item, LinkChange)]
    downs = [change for change in told if not change.up]
    assert downs
    assert downs[0].time_s < PRESS.timing.watchdog_s
    assert "refused" in downs[0].reason
    assert len(downs) < 10  # longer and longer between the tries


@virtual
async def test_the_lease_is_given_back_after_a_reconnect_too() -> None:
    press = simulated()
    transport = MemoryRegisters(press.registers)
    machine = Machine("press", PRESS, transport, lease=7)
    task = asyncio.create_task(machine.run())
    await machine.wait_link()
    await asyncio.sleep(2.1)
    transport.unplug()
    transport.plug()
    await machine.snapshot()
    task.cancel()
    await asyncio.wait([task])
    press.controller.advance(now())
    assert press.controller.tags["lease_owner"] == 0


@virtual
async def test_a_released_machine_gives_its_lease_back_and_can_be_taken_again() -> None:
    press = simulated()
    machine = Machine("press", PRESS, MemoryRegisters(press.registers), lease=7)
    for _ in range(2):
        task = asyncio.create_task(machine.run())
        await machine.wait_link()
        await asyncio.sleep(2.1)
        press.controller.advance(now())
        assert press.controller.tags["lease_owner"] == 7
        machine.release()
        await asyncio.wait_for(task, 1.0)
        assert not machine.link_up
        press.controller.advance(now())
        assert press.controller.tags["lease_owner"] == 0


def test_a_block_that_was_read_long_before_the_rest_is_uncertain() -> None:
    profile = replace(PRESS, blocks=tuple(replace(block, poll=True) for block in PRESS.blocks))
    data = {block.name: [0] * block.count for block in profile.blocks}
    first, *others = profile.polled
    times = {first.name: 0.0} | {block.name: 10.0 for block in others}
    snapshot = Snapshot("press", 10.0, Decoder(profile), data, times=times)
    assert snapshot.reading("pressure_a_mpa").quality is Quality.UNCERTAIN
    fresh = Snapshot("press", 10.0, Decoder(profile), data, times={block.name: 9.0 for block in profile.polled})
    assert fresh.reading("pressure_a_mpa").quality is Quality.GOOD
