"""When a machine is polled and beaten to: by the phase that was seen last, with as few wake-ups as that allows."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import pytest

from drivers.machine import Machine
from drivers.profile import Table
from drivers.transport.memory import MemoryRegisters
from simulators.clock import VirtualLoop, run_virtual
from simulators.line import RegisterMachine, SimulatedLine

UNIT = "uniaxial-press-1"


class Watched(MemoryRegisters):
    """A memory transport that notes when it is read and beaten."""

    def __init__(self, device: Any) -> None:
        super().__init__(device, response_timeout_s=0.3)
        self.reads: list[float] = []
        self.beats: list[float] = []

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        self.reads.append(asyncio.get_running_loop().time())
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
        if address == 2:  # heartbeat_controller
            self.beats.append(asyncio.get_running_loop().time())
        await super().write(address, values, table=table, single=single, priority=priority)


def gaps(times: Sequence[float]) -> list[float]:
    return [round(b - a, 6) for a, b in pairwise(times)]


async def watched_in(phase: str, seconds: float) -> Watched:
    """What reaches a press that shows this phase for some time."""
    simulated = SimulatedLine("nominal", clock=asyncio.get_running_loop().time)
    unit = simulated.machines[UNIT]
    assert isinstance(unit, RegisterMachine)
    unit.plc.tags["phase"] = unit.profile.number("phase", phase)
    unit.plc.control_disturbances.frozen_tags = {"phase"}
    transport = Watched(unit.registers)
    machine = Machine(UNIT, unit.profile, transport, lease=1)
    task = asyncio.create_task(machine.run())
    await machine.wait_link()
    await asyncio.sleep(2.0)
    transport.reads.clear()
    transport.beats.clear()
    await asyncio.sleep(seconds)
    task.cancel()
    await asyncio.wait({task})
    return transport


@pytest.mark.parametrize(
    ("phase", "poll_s", "beat_s"), [("idle", 1.0, 0.5), ("done", 1.0, 0.5), ("dwell", 0.5, 0.5), ("ramp", 0.1, 0.5)]
)
def test_rates_are_the_phases(phase: str, poll_s: float, beat_s: float) -> None:
    seen = run_virtual(watched_in(phase, 20.0))
    assert gaps(seen.reads) == pytest.approx([poll_s] * len(gaps(seen.reads)), abs=1e-5)
    assert len(seen.reads) == pytest.approx(20.0 / poll_s, abs=1)
    beats = seen.beats[:-1]  # the last one gives the lease back
    assert max(gaps(beats)) <= beat_s + 1e-5, "a beat is never late"
    assert min(gaps(beats)) >= beat_s - poll_s / 2 - 1e-5


@pytest.mark.parametrize("phase", ["dwell", "ramp"])
def test_every_beat_goes_with_a_poll(phase: str) -> None:
    """One wake-up for both, where polls are as frequent as beats."""
    seen = run_virtual(watched_in(phase, 20.0))
    assert {round(beat, 6) for beat in seen.beats[:-1]} <= {round(read, 6) for read in seen.reads}


def test_a_phase_is_polled_at_its_own_rate_from_the_moment_that_it_is_seen() -> None:
    async def main() -> list[float]:
        simulated = SimulatedLine("nominal", clock=asyncio.get_running_loop().time)
        unit = simulated.machines[UNIT]
        assert isinstance(unit, RegisterMachine)
        transport = Watched(unit.registers)
        machine = Machine(UNIT, unit.profile, transport, lease=1)
        task = asyncio.create_task(machine.run())
        await machine.wait_link()
        await asyncio.sleep(3.5)
        unit.plc.control_disturbances.frozen_tags = {"phase"}
        unit.plc.tags["phase"] = unit.profile.number("phase", "ramp")
        transport.reads.clear()
        await asyncio.sleep(2.0)
        task.cancel()
        await asyncio.wait({task})
        return transport.reads

    reads = run_virtual(main())
    assert gaps(reads)[:5] == pytest.approx([0.1] * 5, abs=1e-5), "not one slow poll more"


class CoarseLoop(VirtualLoop):
    """Its clock shows microseconds, as that of some systems does; a timer may be called before it shows its time."""

    def time(self) -> float:
        return int(super().time() * 1e6) / 1e6


def test_a_clock_that_shows_less_than_a_timers_time_does_not_stop_the_rhythm() -> None:
    """Else each look at the clock would find the poll not due, and the sleep until then would end at once."""
    with asyncio.Runner(loop_factory=CoarseLoop) as runner:
        seen = runner.run(asyncio.wait_for(watched_in("ramp", 100.0), 1000.0))
    assert len(seen.reads) == pytest.approx(1000, abs=2)


@pytest.mark.parametrize(("response_timeout_s", "patience_s"), [(0.3, 1.5), (2.0, 6.0)])
def test_on_a_fast_clock_a_value_may_be_as_old_as_three_answers_of_the_wire(
    response_timeout_s: float, patience_s: float
) -> None:
    unit = SimulatedLine("nominal").machines[UNIT]
    assert isinstance(unit, RegisterMachine)
    transport = MemoryRegisters(unit.registers, response_timeout_s=response_timeout_s)
    assert Machine(UNIT, unit.profile, transport).patience_s == pytest.approx(patience_s)
