"""The same executor and drivers on virtual time: simulated machines in memory, no wire, no disk, no waiting."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.people import SIMULATED, decided_at_gate, run_truth, split_answer

if TYPE_CHECKING:
    from controller.batches import Batch
    from controller.events import EventStream
    from controller.journal import Journal
    from controller.line import Line
    from controller.session import Attendant, Surroundings
    from drivers.profile import Profile
    from drivers.transport.modbus_request import Framing
    from drivers.transport.wire import Tap
    from recipes.plan import Plan
    from simulators.line import SimulatedLine

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)  # the declared start of virtual time
LEASE = 1  # any number: on virtual time there is no other controller


class SimulatedPerson:
    """The simulated operator of a line in this process; at_gates is what it decides where a gate asks, if anything."""

    def __init__(self, simulated: SimulatedLine, at_gates: str | None = None) -> None:
        self._simulated, self._at_gates = simulated, at_gates

    async def perform(self, prompt: Prompt) -> Answer:
        from simulators.operator import SimulatedTask
        from simulators.world import WorldError

        if prompt.choices:
            return decided_at_gate(prompt, self._at_gates)
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
            zones_m=prompt.zones_m,
            is_again=prompt.is_again,
            may_be_done=prompt.may_be_done,
            sheets=prompt.sheets,
        )
        try:
            values = await self._simulated.operator.perform(task)
            return split_answer(SIMULATED, values, prompt.consumes)
        except WorldError as error:
            raise TaskImpossible(str(error)) from error


def virtual_utc(loop_time_s: float) -> str:
    """The record's time on virtual time: the declared epoch plus the loop's time."""
    return (EPOCH + timedelta(seconds=loop_time_s)).isoformat(timespec="milliseconds")


def wired_line(
    simulated: SimulatedLine,
    clock: Callable[[], float],
    together: Sequence[Sequence[str]] = (),
    tap: Tap | None = None,
    plan: Plan | None = None,
) -> Line:
    """Drivers on bytes in memory that the line's faults can damage: for every unit, or those of a plan.

    Units `together` share a wire. The lines, their framing and their way back into step are those of real wires.
    """
    from controller.line import Line
    from drivers.instrument import Instrument
    from drivers.machine import Machine
    from drivers.transport.ascii_line import AsciiUnit
    from drivers.transport.line import Line as WireLine
    from drivers.transport.memory_wire import MemoryWire
    from drivers.transport.modbus import ModbusUnit
    from simulators.wire.serve import answers_on, face, usual_carrier

    needed = _needed(simulated, plan)
    machines, instruments = {}, {}
    shared = {name for group in together for name in group}
    for names in (*together, *([name] for name in simulated.machines if name not in shared)):
        carrier = usual_carrier(simulated.machines[names[0]])
        faces = {number: face(simulated.machines[name]) for number, name in enumerate(names, start=1)}
        make = answers_on(carrier, faces, dict(enumerate(names, start=1)), clock, simulated.faults)
        numbered = carrier == "tcp"
        wire = WireLine(MemoryWire(make, drops=numbered, place=f"memory:{names[0]}"), numbered=numbered, tap=tap)
        for number, name in enumerate(names, start=1):
            profile = simulated.machines[name].profile
            if needed is not None and name not in needed and profile.is_machine:
                continue
            timeout_s, quiet_s = profile.timing.response_timeout_s, profile.timing.quiet_s
            transport: Any
            if profile.protocol == "ascii":
                transport = AsciiUnit(wire, number, response_timeout_s=timeout_s, quiet_s=quiet_s)
            else:
                framing: Framing = "tcp" if numbered else "rtu"
                transport = ModbusUnit(wire, number, framing, response_timeout_s=timeout_s, quiet_s=quiet_s)
            if profile.is_machine:
                machines[name] = Machine(name, profile, transport, lease=LEASE)
            else:
                instruments[name] = Instrument(name, profile, transport)
    return Line(machines, instruments)


def _needed(simulated: SimulatedLine, plan: Plan | None) -> set[str] | None:
    """The machines of the kinds that a plan needs; None without a plan, for all."""
    if plan is None:
        return None
    known = simulated.machines
    units = {step.unit for step in plan.steps if step.unit is not None}
    kinds = {known[unit].profile.kind for unit in units & known.keys()}
    return {name for name, unit in known.items() if unit.profile.kind in kinds}


def memory_line(simulated: SimulatedLine, plan: Plan | None = None) -> Line:
    """Drivers on memory transports, where nothing is that a wire could damage: for every unit, or those of a plan.

    Instruments are there in any case: they are asked only when a step needs them.
    """
    from controller.line import Line
    from drivers.instrument import Instrument
    from drivers.machine import Machine
    from drivers.transport.memory import memory_transport

    simulated.faults.has_wires = False
    needed = _needed(simulated, plan)
    machines, instruments = {}, {}
    for name, unit in simulated.machines.items():
        if needed is not None and name not in needed and unit.profile.is_machine:
            continue
        transport: Any = memory_transport(unit)  # its form follows from the profile's protocol
        if unit.profile.is_machine:
            machines[name] = Machine(name, unit.profile, transport, lease=LEASE)
        else:
            instruments[name] = Instrument(name, unit.profile, transport)
    return Line(machines, instruments)


async def rehearsed(
    plan: Plan,
    simulated: SimulatedLine,
    stream: EventStream,
    name: str,
    said: Mapping[str, Any],
    attendant: Attendant | None = None,
    at_gates: str | None = None,
) -> Journal:
    """Carries out a plan on a simulated line, on the clock of the running loop; its journal, kept in memory.

    UTC is the declared epoch plus the loop's time, `name` is the run's, `said` is for the record: scenario and seed.
    The attendant decides on a held run; without one it is stopped. at_gates is decided where a gate asks.
    """
    from controller.session import carry_out

    surroundings = _surroundings(plan, simulated, stream, said, attendant, at_gates)
    await carry_out(plan, surroundings, name)
    return surroundings.journal


async def rehearsed_all(
    batches: Sequence[Batch],
    simulated: SimulatedLine,
    stream: EventStream,
    said: Mapping[str, Any],
    people: int,
    attendant: Attendant | None = None,
    prepare: Callable[[Surroundings], Awaitable[None]] | None = None,
) -> tuple[Journal, Mapping[str, str]]:
    """As `rehearsed`, for several laminates at once: the journal of all, and why runs could not begin.

    The simulated line has as many people as `people`; `prepare` may change the line before anything begins.
    """
    from dataclasses import replace

    from controller.batches import carry_out_all

    steps = tuple(step for batch in batches for step in batch.plan.steps)
    surroundings = _surroundings(replace(batches[0].plan, steps=steps), simulated, stream, said, attendant)
    if prepare is not None:
        await prepare(surroundings)
    refused = await carry_out_all(batches, surroundings, people)
    return surroundings.journal, refused


def _surroundings(
    plan: Plan,
    simulated: SimulatedLine,
    stream: EventStream,
    said: Mapping[str, Any],
    attendant: Attendant | None,
    at_gates: str | None = None,
) -> Surroundings:
    import asyncio

    from controller.journal import Journal
    from controller.session import Surroundings, unattended
    from simulators.operator_link import truth

    clock = asyncio.get_running_loop().time
    journal = Journal(stream, lambda: virtual_utc(clock() + simulated.utc.error_s(clock())))

    async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
        return run_truth(truth(simulated, lot), jobs)

    wired = simulated.faults.wants_wires
    return Surroundings(
        wired_line(simulated, clock, plan=plan) if wired else memory_line(simulated, plan),
        journal,
        SimulatedPerson(simulated, at_gates),
        attendant or unattended,
        told_truth,
        said,
    )


def dry_run(
    plan: Plan,
    *,
    scenario: str,
    seed: int,
    units: Mapping[str, Profile] | None = None,
    at_gates: str | None = None,
) -> dict[str, Any]:
    """Carries out a plan on virtual time and returns its record; `units` are the line's, None for the usual one.

    at_gates is what the simulated operator decides where a gate asks; without it the run is held there, and stopped.
    """
    import asyncio
    import time

    from controller.events import EventStream
    from controller.executor.record import document
    from simulators.clock import run_virtual
    from simulators.line import SimulatedLine

    begun = time.perf_counter()
    name = f"dry-{plan.hash[:8]}-{seed}"

    async def main() -> Journal:
        simulated = SimulatedLine(scenario, seed, asyncio.get_running_loop().time, units)
        said = {"scenario": scenario, "seed": seed}
        return await rehearsed(plan, simulated, EventStream(), name, said, at_gates=at_gates)

    journal = run_virtual(main())
    return document(journal.events(name), alive=False, wall_seconds=time.perf_counter() - begun)


def dry_run_all(
    plan: Plan,
    profiles: Mapping[str, Profile],
    laminates: int,
    *,
    scenario: str,
    seed: int,
    people: int,
    out: Sequence[str] = (),
    urgent: Plan | None = None,
) -> dict[str, Any]:
    """Carries out a plan for several laminates at once on virtual time, on a line of these units.

    One laminate of `urgent` is made besides, served before all others. `out` are units that are out of service from the
    beginning. Returns what became of all runs.
    """
    import asyncio
    import time

    from controller.batch_record import batches_document
    from controller.batches import numbered
    from controller.events import EventStream
    from controller.executor.allocation import take_out_of_service
    from simulators.clock import run_virtual
    from simulators.line import SimulatedLine

    begun = time.perf_counter()
    batches = numbered(plan, laminates, f"dry-{plan.hash[:8]}-{seed}", urgent)
    said = {"scenario": scenario, "seed": seed, "people": people}

    async def prepare(surroundings: Surroundings) -> None:
        for unit in out:
            await take_out_of_service(surroundings.line, surroundings.journal, unit, "command line", "asked for")

    async def main() -> tuple[Journal, Mapping[str, str]]:
        clock = asyncio.get_running_loop().time
        simulated = SimulatedLine(scenario=scenario, seed=seed, clock=clock, units=profiles, people=people)
        return await rehearsed_all(batches, simulated, EventStream(), said, people, prepare=prepare)

    journal, refused = run_virtual(main())
    names = [batch.name for batch in batches]
    return batches_document(journal.events(), names, refused, people, time.perf_counter() - begun)
