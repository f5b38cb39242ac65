"""Several machines on one cable: a dead one costs the others little, and comes back by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from itertools import pairwise

import pytest

from drivers.machine import Machine
from drivers.profile_file import load_profile
from drivers.reading import LinkChange, Snapshot
from drivers.transport.urls import Lines
from drivers.transport.wire import WireEvent
from simulators.wire.serve import ServedLine, serve_line
from tests.contract.rig import LEASE, Queue, Toy, next_change, owned, quick

CARRIERS = {
    "rtu": "uniaxial-press-generic",
    "rtu+tcp": "isostatic-press-generic",
    "tcp": "isostatic-press-generic",
    "ascii": "coater-generic",
    "ascii+tcp": "coater-generic",
}
UNITS = ("one", "two", "three")
DEAD = "two"
TIMEOUT_S, QUIET_S, WATCHED_S = 0.15, 0.05, 2.5
POLL_S = 0.05
SLACK_S = 0.3  # a busy computer wakes late


@dataclass
class Cable:
    """Three machines on one cable, their queues, and what was sent to each unit number and when."""

    carrier: str
    machines: dict[str, Machine]
    toys: dict[str, Toy]
    served: ServedLine
    queues: dict[str, Queue] = field(default_factory=dict)
    events: list[WireEvent] = field(default_factory=list)

    def asked(self, unit: str, since_s: float) -> list[float]:
        """When requests to a unit went out."""
        number = UNITS.index(unit) + 1
        return [e.time_s for e in self.events if e.what == "sent" and e.time_s > since_s and self._unit(e) == number]

    def _unit(self, event: WireEvent) -> int:
        match self.carrier:
            case "tcp":
                return event.data[6]
            case "ascii" | "ascii+tcp":
                return int(event.data[1:3])
            case _:
                return event.data[0]


@asynccontextmanager
async def cable(carrier: str, absent: str | None = None) -> AsyncIterator[Cable]:
    """All on one cable and running; `absent` is dead from the beginning."""
    profile = quick(load_profile(CARRIERS[carrier]))
    clock = asyncio.get_running_loop().time
    toys = {unit: Toy(profile, clock, number) for number, unit in enumerate(UNITS, start=1)}
    for number, toy in enumerate(toys.values()):
        toy.plc.tags["serial_number"] = 70001 + number
    async with serve_line(toys, clock, carriers=dict.fromkeys(UNITS, carrier), together=[UNITS]) as served:
        events: list[WireEvent] = []
        lines = Lines(tap=events.append)
        machines = {unit: Machine(unit, profile, lines.transport(served[unit], profile), lease=LEASE) for unit in UNITS}
        made = Cable(carrier, machines, toys, served, events=events)
        if absent is not None:
            served.silence(absent)
        async with AsyncExitStack() as stack:
            for unit, machine in machines.items():
                made.queues[unit] = await stack.enter_async_context(owned(machine))
            async with asyncio.timeout(5):
                for unit, machine in machines.items():
                    if unit != absent:
                        await machine.wait_link()
            yield made


def emptied(queue: Queue) -> list[Snapshot | LinkChange]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


@pytest.mark.parametrize("carrier", CARRIERS)
async def test_a_dead_unit_costs_the_others_a_timeout_in_each_of_its_retry_intervals(carrier: str) -> None:
    async with cable(carrier) as line:
        await asyncio.sleep(0.1)
        line.served.silence(DEAD)
        since = asyncio.get_running_loop().time()
        for queue in line.queues.values():
            emptied(queue)
        await asyncio.sleep(WATCHED_S)
        asked = line.asked(DEAD, since)
        gaps = [later - sooner for sooner, later in pairwise(asked)]
        # 0.5, 1, 2 s, each up to a quarter shorter: at most four tries in the time that was watched
        assert 2 <= len(asked) <= 4, gaps
        assert all(gap >= wanted for gap, wanted in zip(gaps, (0.37, 0.75, 1.5), strict=False)), gaps
        for unit in ("one", "three"):
            seen = emptied(line.queues[unit])
            assert not any(isinstance(item, LinkChange) for item in seen), unit
            times = [since, *(item.time_s for item in seen)]
            for sooner, later in pairwise(times):
                assert sum(sooner < ask < later for ask in asked) <= 1, unit
                assert later - sooner < TIMEOUT_S + QUIET_S + 2 * POLL_S + SLACK_S, unit
            left_s = WATCHED_S - len(asked) * (TIMEOUT_S + QUIET_S)
            assert len(seen) > 0.4 * left_s / POLL_S, unit
        assert not line.machines[DEAD].link_up


@pytest.mark.parametrize("carrier", ["rtu", "tcp", "ascii"])
async def test_a_unit_that_was_dead_from_the_start_joins_the_others(carrier: str) -> None:
    async with cable(carrier, absent=DEAD) as line:
        change = await next_change(line.queues[DEAD], up=False)
        assert "no answer" in change.reason
        line.served.unsilence(DEAD)
        await next_change(line.queues[DEAD], up=True)
        assert all(machine.link_up for machine in line.machines.values())
        assert line.toys[DEAD].plc.writes == 0


@pytest.mark.parametrize("carrier", ["rtu", "tcp"])
async def test_a_unit_that_returns_on_a_line_in_use_is_identified_first(carrier: str) -> None:
    async with cable(carrier) as line:
        await next_change(line.queues[DEAD], up=True)
        line.served.silence(DEAD)
        await next_change(line.queues[DEAD], up=False)
        plc = line.toys[DEAD].plc
        plc.tags["serial_number"] = 80000  # somebody put another machine there
        beats = len(plc.beats)
        line.served.unsilence(DEAD)
        change = await next_change(line.queues[DEAD], up=False)
        assert "serial number" in change.reason
        assert len(plc.beats) == beats
        assert line.machines["one"].link_up


async def test_each_answer_reaches_its_own_machine() -> None:
    async with cable("rtu") as line:
        for number, toy in enumerate(line.toys.values()):
            toy.plc.tags["force_pv_kn"] = 100.0 + number
        await asyncio.sleep(0.1)
        for _ in range(20):
            seen = await asyncio.gather(*(machine.snapshot() for machine in line.machines.values()))
            assert [round(snapshot.value("force_pv_kn")) for snapshot in seen] == [100, 101, 102]


async def test_a_hold_on_a_shared_line_goes_ahead_of_the_others_polls() -> None:
    async with cable("rtu") as line:
        for machine in line.machines.values():
            await machine.start()
        line.served.silence(DEAD)
        await asyncio.sleep(0.05)
        async with asyncio.timeout(2 * (TIMEOUT_S + QUIET_S) + SLACK_S):
            await line.machines["one"].hold()
        assert line.toys["one"].plc.executed == ["start", "hold"]
