"""A toy controller and a driver on the two ends of each kind of line."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from typing import Any

from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import LinkChange, Snapshot
from drivers.transport.memory import memory_transport
from drivers.transport.urls import open_transport
from simulators.wire.ascii_image import AsciiImage
from simulators.wire.image import RegisterImage
from simulators.wire.serve import serve_line
from tests.contract.toy_plc import ToyPlc

LINES = {
    "memory-registers": "uniaxial-press-generic",
    "memory-ascii": "coater-generic",
    "modbus-tcp": "isostatic-press-generic",
    "modbus-rtu": "uniaxial-press-generic",
    "ascii-pty": "coater-generic",
}


def quick(profile: Profile) -> Profile:
    """The same profile with short times, so that a test of a timeout does not take one."""
    times = replace(
        profile.timing,
        response_timeout_s=0.15,
        quiet_s=0.05,
        acknowledge_timeout_s=0.4,
        heartbeat_period_s=0.1,
        watchdog_s=1.0,
        stale_after_s=0.4,
        poll_moving_s=0.02,
        poll_dwelling_s=0.05,
        poll_idle_s=0.05,
    )
    return replace(profile, timing=times)


class _Served:
    """A machine as serve_line wants it."""

    def __init__(self, profile: Profile, plc: ToyPlc, clock: Callable[[], float]) -> None:
        self.profile = profile
        if profile.protocol == "modbus":
            self.registers = RegisterImage(profile, plc, clock)
        else:
            self.answer = AsciiImage(profile, plc, clock).answer


@dataclass
class Rig:
    """One line: the driver, the controller, and the plug between them."""

    machine: Machine
    plc: ToyPlc
    transport: Any
    unplug: Callable[[], Awaitable[None]]
    plug: Callable[[], Awaitable[None]]


@asynccontextmanager
async def rig(line: str) -> AsyncIterator[Rig]:
    """The line of this name, not running yet."""
    profile = quick(load_profile(LINES[line]))
    plc = ToyPlc(profile)
    clock = asyncio.get_running_loop().time
    served = _Served(profile, plc, clock)
    if line.startswith("memory"):
        transport = memory_transport(served)

        async def unplug() -> None:
            transport.unplug()

        async def plug() -> None:
            transport.plug()

        yield Rig(Machine("unit-1", profile, transport), plc, transport, unplug, plug)
        await transport.close()
        return
    async with serve_line({"unit-1": served}, clock) as urls:
        wire = open_transport(urls["unit-1"], profile)
        yield Rig(
            Machine("unit-1", profile, wire), plc, wire, lambda: urls.unplug("unit-1"), lambda: urls.plug("unit-1")
        )
        await wire.close()


@asynccontextmanager
async def running(r: Rig) -> AsyncIterator[asyncio.Queue[Snapshot | LinkChange]]:
    """The machine's owner task, once the link is up; and a queue with everything from the start."""
    with r.machine.subscribe() as queue:
        task = asyncio.create_task(r.machine.run())
        try:
            async with asyncio.timeout(5):
                await r.machine.wait_link()
            yield queue
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def next_change(queue: asyncio.Queue[Snapshot | LinkChange], *, up: bool) -> LinkChange:
    """The next link change; fails if it is not the wanted one."""
    async with asyncio.timeout(8):
        while True:
            item = await queue.get()
            if isinstance(item, LinkChange):
                assert item.up is up, item
                return item


async def next_snapshot(queue: asyncio.Queue[Snapshot | LinkChange]) -> Snapshot:
    """The next snapshot, past any link change."""
    async with asyncio.timeout(5):
        while True:
            item = await queue.get()
            if isinstance(item, Snapshot):
                return item
