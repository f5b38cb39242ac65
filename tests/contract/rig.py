"""A toy controller and a driver on the two ends of each kind of line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile, shipped_profiles
from drivers.reading import LinkChange, Snapshot
from drivers.transport.memory import memory_transport
from drivers.transport.urls import open_transport
from simulators.wire.ascii_image import AsciiImage
from simulators.wire.image import RegisterImage
from simulators.wire.serve import serve_line
from tests.contract.toy_plc import ToyPlc

CARRIERS = {"modbus": ("memory", "tcp", "rtu", "rtu+tcp"), "ascii": ("memory", "ascii", "ascii+tcp")}
MACHINES = tuple(name for name in shipped_profiles() if load_profile(name).is_machine)
LINES = tuple((name, carrier) for name in MACHINES for carrier in CARRIERS[load_profile(name).protocol])
"""Every shipped machine on every carrier that its protocol can use."""
LEASE = 4711

Queue = asyncio.Queue[Snapshot | LinkChange]


def quick(profile: Profile, **times: float) -> Profile:
    """The same profile with short times, so that a test of a timeout does not take one."""
    short: dict[str, Any] = {
        "response_timeout_s": 0.15,
        "quiet_s": 0.05,
        "acknowledge_timeout_s": 0.4,
        "heartbeat_period_s": 0.1,
        "watchdog_s": 0.6,
        "stale_after_s": 0.3,
        "poll_moving_s": 0.02,
        "poll_dwelling_s": 0.05,
        "poll_idle_s": 0.05,
    }
    return replace(profile, timing=replace(profile.timing, **(short | times)))


class Toy:
    """A toy controller as serve_line wants a machine."""

    def __init__(self, profile: Profile, clock: Callable[[], float], unit: int = 1) -> None:
        self.profile = profile
        self.plc = ToyPlc(profile)
        if profile.protocol == "modbus":
            self.registers = RegisterImage(profile, self.plc, clock)
        else:
            self.answer = AsciiImage(profile, self.plc, clock, unit).answer


@dataclass
class Rig:
    """One line: the driver, the controller, and the plug between them.

    `another` makes a transport of somebody else's; an `exclusive` line has one user at a time.
    """

    machine: Machine
    plc: ToyPlc
    transport: Any
    unplug: Callable[[], Awaitable[None]]
    plug: Callable[[], Awaitable[None]]
    another: Callable[[], Any]
    exclusive: bool


@asynccontextmanager
async def rig(name: str, carrier: str, **times: float) -> AsyncIterator[Rig]:
    """The line of this machine on this carrier, not running yet."""
    profile = quick(load_profile(name), **times)
    clock = asyncio.get_running_loop().time
    toy = Toy(profile, clock)
    if carrier == "memory":
        memory = memory_transport(toy)

        async def unplug() -> None:
            memory.unplug()

        async def plug() -> None:
            memory.plug()

        machine = Machine("unit-1", profile, memory, lease=LEASE)
        yield Rig(machine, toy.plc, memory, unplug, plug, lambda: memory_transport(toy), exclusive=False)
        await memory.close()
        return
    async with serve_line({"unit-1": toy}, clock, carriers={"unit-1": carrier}) as urls:
        wire = open_transport(urls["unit-1"], profile)
        yield Rig(
            Machine("unit-1", profile, wire, lease=LEASE),
            toy.plc,
            wire,
            lambda: urls.unplug("unit-1"),
            lambda: urls.plug("unit-1"),
            lambda: open_transport(urls["unit-1"], profile),
            exclusive=carrier in ("rtu", "ascii"),
        )
        await wire.close()


@asynccontextmanager
async def owned(machine: Machine) -> AsyncIterator[Queue]:
    """The machine's owner task; and a queue with everything from the start."""
    with machine.subscribe() as queue:
        task = asyncio.create_task(machine.run())
        try:
            yield queue
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


@asynccontextmanager
async def running(r: Rig) -> AsyncIterator[Queue]:
    """The machine's owner task, once the link is up; and a queue with everything from the start."""
    async with owned(r.machine) as queue:
        async with asyncio.timeout(5):
            await r.machine.wait_link()
        yield queue


async def next_change(queue: Queue, *, up: bool) -> LinkChange:
    """The next link change; fails if it is not the wanted one."""
    async with asyncio.timeout(8):
        while True:
            item = await queue.get()
            if isinstance(item, LinkChange):
                assert item.up is up, item
                return item


async def next_snapshot(queue: Queue) -> Snapshot:
    """The next snapshot, past any link change."""
    async with asyncio.timeout(5):
        while True:
            item = await queue.get()
            if isinstance(item, Snapshot):
                return item
