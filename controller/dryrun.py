"""The same executor and drivers on virtual time: simulated machines in memory, no wire, no disk, no waiting."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.people import run_truth, split_answer

if TYPE_CHECKING:
    from controller.line import Line
    from recipes.plan import Plan
    from simulators.line import SimulatedLine

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # the declared start of virtual time
LEASE = 1  # any number: on virtual time there is no other controller


class SimulatedPerson:
    """The simulated operator of a line in this process."""

    def __init__(self, simulated: SimulatedLine) -> None:
        self._simulated = simulated

    async def perform(self, prompt: Prompt) -> Answer:
        from simulators.operator import SimulatedTask
        from simulators.world import WorldError

        task = SimulatedTask(
            action=prompt.action,
            consumes=prompt.consumes,
            produces=prompt.produces,
            unit=prompt.unit,
            fields=tuple(entry.name for entry in prompt.entries),
            expected={entry.name: (entry.expected, entry.tolerance) for entry in prompt.entries},
            layer=prompt.layer,
            slurry=prompt.slurry,
            adds=prompt.adds,
            removes=prompt.removes,
            area_mm2=prompt.area_mm2,
        )
        try:
            return split_answer("simulated operator", await self._simulated.operator.perform(task))
        except WorldError as error:
            raise TaskImpossible(str(error)) from error


def virtual_utc(loop_time_s: float) -> str:
    """The record's time on virtual time: the declared epoch plus the loop's time."""
    return (EPOCH + timedelta(seconds=loop_time_s)).isoformat(timespec="milliseconds")


def memory_line(simulated: SimulatedLine) -> Line:
    """Drivers for every unit of a simulated line, on memory transports."""
    from controller.line import Line
    from drivers.instrument import Instrument
    from drivers.machine import Machine
    from drivers.transport.memory import memory_transport

    machines, instruments = {}, {}
    for name, unit in simulated.machines.items():
        transport: Any = memory_transport(unit)  # its form follows from the profile's protocol
        if unit.profile.is_machine:
            machines[name] = Machine(name, unit.profile, transport, lease=LEASE)
        else:
            instruments[name] = Instrument(name, unit.profile, transport)
    return Line(machines, instruments)


def dry_run(plan: Plan, *, scenario: str, seed: int) -> dict[str, Any]:
    """Carries out a plan on virtual time and returns its record."""
    import asyncio
    import time

    from controller.events import EventStream
    from controller.executor.record import document
    from controller.journal import Journal
    from controller.session import Surroundings, carry_out, unattended
    from simulators.clock import run_virtual
    from simulators.line import SimulatedLine
    from simulators.operator_link import truth

    begun = time.perf_counter()
    name = f"dry-{plan.hash[:8]}-{seed}"

    async def main() -> Journal:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine(scenario=scenario, seed=seed, clock=loop.time)
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))

        async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
            return run_truth(truth(simulated, lot), jobs)

        surroundings = Surroundings(
            memory_line(simulated),
            journal,
            SimulatedPerson(simulated),
            unattended,
            told_truth,
            {"scenario": scenario, "seed": seed},
        )
        await carry_out(plan, surroundings, name)
        return journal

    journal = run_virtual(main())
    return document(journal.events(name), alive=False, wall_seconds=time.perf_counter() - begun)
