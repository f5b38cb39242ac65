"""One plan carried out: connect what it needs, look at what is found, run it, close its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.events import Event
from controller.executor.judgement import estimate_data
from controller.executor.machine_states import AT_REST, ENDED_ITSELF
from controller.executor.prompts import Person, TaskImpossible
from controller.executor.release import certificate_data, facts_data, judged, rules_data
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.executor.steps import execute
from controller.guard import Guard
from controller.interlocks import is_pressurised
from controller.journal import Journal, read_events
from controller.line import Line, UnitUnknown
from drivers.errors import BadQuality, DriverError
from drivers.machine import Machine
from recipes.plan import Plan, recipe_sha256

CONNECT_LIMIT_S = 10.0  # a machine that is switched on answers within its first reconnect intervals (5 s at most)
CONNECT_WALL_S = 5.0  # on a fast clock the wire still needs real time

Truth = Callable[[str, Mapping[int, str]], Awaitable[dict[str, Any]]]
Attendant = Callable[[Run, asyncio.Queue[Event]], Coroutine[Any, Any, None]]


class UnitUnreachable(Exception):
    """A unit that the plan needs does not answer. A retry makes sense when it is back."""


class MachineNotReady(Exception):
    """A machine is not idle at the start: somebody has to look at it first, then ask for it to be re-armed."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan is carried out with.

    attendant decides on a held run; truth gives the simulated truth of a lot (None for real machines); simulation says
    for the record that machines are simulated, and how; approval says who approved the plan, None if nobody did.
    """

    line: Line
    journal: Journal
    person: Person
    attendant: Attendant
    truth: Truth | None = None
    simulation: Mapping[str, Any] | None = None
    speed: float = 1.0
    rearm: bool = False
    keeps_wall_time: bool = False
    announce: Callable[[Run], None] | None = None
    approval: Mapping[str, Any] | None = None


async def unattended(run: Run, events: asyncio.Queue[Event]) -> None:
    """The attendant of a run that nobody watches: what is held is stopped."""
    while True:
        event = await events.get()
        if event.kind == "run.state" and event.data["state"] == RunState.HELD:
            try:
                await run.stop("nobody is there to decide on the hold", "unattended run")
            except TransitionRefused:
                continue


async def carry_out(plan: Plan, surroundings: Surroundings, name: str) -> None:
    """Connects what the plan needs, runs it, and closes the record.

    Raises UnitUnreachable or MachineNotReady before anything is started; afterwards the journal tells everything.
    """
    begun = time.perf_counter()
    journal, line = surroundings.journal, surroundings.line
    async with connected(line, plan, surroundings.speed):
        await _recover(line, journal)
        run = Run(name, plan, line, journal, surroundings.person)
        await _ready(run, rearm=surroundings.rearm)
        await journal.append(name, "run.created", _created(plan, surroundings))
        await journal.append(name, "run.rules", rules_data(run))
        if surroundings.announce is not None:
            surroundings.announce(run)
        truth = None
        try:
            with journal.stream.subscribe() as events:
                await _attended(run, asyncio.create_task(surroundings.attendant(run, events), name="attendant"))
            _warn_of_pressure(run)
            truth = await _truth(run, surroundings)
        finally:
            journal.note(name, "porosity.estimated", estimate_data(run))
            journal.note(name, "run.facts", facts_data(run))
            journal.note(name, "certificate", certificate_data(judged(run)))
            wall = time.perf_counter() - begun if surroundings.keeps_wall_time else None
            journal.note(name, "run.closed", {"state": run.state.value, "truth": truth, "wall_seconds": wall})


async def _truth(run: Run, surroundings: Surroundings) -> Mapping[str, Any] | None:
    """The simulated truth of the last lot; a simulator that is gone costs the truth and not the record."""
    if surroundings.truth is None:
        return None
    last = run.plan.steps[-1].step
    try:
        return await surroundings.truth(last.produces or last.consumes[0], run.jobs)
    except (TaskImpossible, OSError) as error:
        run.tell("run.problem", {"reason": f"the simulated truth could not be had: {error}"})
        return None


async def _attended(run: Run, attendant: asyncio.Task[None]) -> None:
    try:
        await _executed(run, attendant)
    finally:
        attendant.cancel()
        await asyncio.wait({attendant})


async def _executed(run: Run, attendant: asyncio.Task[None]) -> None:
    """Executes a run; an attendant that dies is a fault of the program and is not hidden."""
    work = asyncio.create_task(execute(run), name=f"run {run.name}")
    try:
        await asyncio.wait({work, attendant}, return_when=asyncio.FIRST_COMPLETED)
        if not work.done() and (error := attendant.exception()) is not None:
            with suppress(TransitionRefused):  # then it is being stopped or aborted already
                await run.stop(f"the attendant failed: {error}", "pressline")
        await work
    finally:
        if not work.done():
            work.cancel()
            await asyncio.wait({work})


def _created(plan: Plan, surroundings: Surroundings) -> dict[str, Any]:
    simulation, approval = surroundings.simulation, surroundings.approval
    return {
        "recipe": plan.recipe.name,
        "title": plan.recipe.title,
        "recipe_sha256": recipe_sha256(plan.recipe),
        "plan_hash": plan.hash,
        "packs": [{"name": p.name, "document": p.document, "sha256": p.sha256} for p in plan.rules.packs],
        "purpose": plan.recipe.purpose.value,
        "reason": plan.recipe.comparative_reason,
        "plan": plan.canonical_json,
        "simulation": None if simulation is None else dict(simulation),
        "approval": None if approval is None else dict(approval),
        "steps": [{"name": p.step.name, "kind": p.step.kind.value, "unit": p.unit} for p in plan.steps],
    }


# ---------------------------------------------------------------------- connection


def _machine_units(line: Line, plan: Plan) -> set[str]:
    """The machines that a plan needs."""
    return {planned.unit for planned in plan.steps if planned.unit is not None and planned.unit in line.machines}


@asynccontextmanager
async def connected(line: Line, plan: Plan, speed: float) -> AsyncIterator[None]:
    """The tasks of all machines run within the block. Raises UnitUnreachable for what the plan needs."""
    needed = _machine_units(line, plan)
    tasks = [asyncio.create_task(machine.run(), name=f"machine {name}") for name, machine in line.machines.items()]
    body = asyncio.current_task()
    died: list[asyncio.Task[None]] = []

    def noticed(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None and body is not None:
            died.append(task)
            body.cancel(f"{task.get_name()} died")

    for task in tasks:
        task.add_done_callback(noticed)
    try:
        await _reached(line, needed, max(CONNECT_LIMIT_S, speed * CONNECT_WALL_S))
        yield
    except asyncio.CancelledError:
        if died and body is not None:
            body.uncancel()
            raise RuntimeError(f"{died[0].get_name()} died") from died[0].exception()
        raise
    finally:
        for task in tasks:
            task.remove_done_callback(noticed)
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        for instrument in line.instruments.values():
            await instrument.close()


async def _reached(line: Line, needed: set[str], limit_s: float) -> None:
    waiting = {name: line.machine(name) for name in needed}
    deadline = asyncio.get_running_loop().time() + limit_s
    while waiting and asyncio.get_running_loop().time() < deadline:
        waiting = {name: machine for name, machine in waiting.items() if not machine.link_up}
        if waiting:
            await asyncio.sleep(0.1)
    faults = [f"{name}: {await _why_not(machine)}" for name, machine in waiting.items()]
    for name, instrument in line.instruments.items():
        try:
            await instrument.identify()
        except DriverError as error:
            faults.append(f"{name}: {_why(name, error)}")
    if faults:
        raise UnitUnreachable("\n".join(faults))


async def _why_not(machine: Machine) -> str:
    try:
        await machine.snapshot()
    except DriverError as error:
        return _why(machine.unit, error)
    return "answered too late"


def _why(unit: str, error: DriverError) -> str:
    """An error's message without the unit's name, which some begin with, for a sentence that names it already."""
    return str(error).removeprefix(f"{unit}: ")


# ---------------------------------------------------------------------- state found at the start, and left at the end


async def _ready(run: Run, *, rearm: bool) -> None:
    """Refuses to start on a machine that is not idle, or re-arms it when that was asked for."""
    faults = _missing_instruments(run)
    for unit in sorted(_machine_units(run.line, run.plan)):
        fault = await _not_idle(run, run.line.machine(unit), rearm=rearm)
        faults += [] if fault is None else [fault]
    if faults:
        raise MachineNotReady("\n".join(faults))


async def _not_idle(run: Run, machine: Machine, *, rearm: bool) -> str | None:
    """Why a machine is not ready, if so."""
    try:
        snapshot = await machine.snapshot()
        state = snapshot.text("machine_state")
        if state == "IDLE":
            return None
        if not rearm or is_pressurised(machine.profile.kind, snapshot):
            return f"{machine.unit} is in state {state}; look at it, then start again with --rearm"
        await run.guard.reset(machine)
    except DriverError as error:
        return f"{machine.unit} is not ready: {_why(machine.unit, error)}"
    return None


def _missing_instruments(run: Run) -> list[str]:
    measures = {m for planned in run.plan.steps if planned.step.inspect for m in planned.step.inspect.measures}
    faults = []
    for measure, kind in (("weight", "balance"), ("thickness", "gauge")):
        try:
            if measure in measures:
                run.line.instrument(kind)
        except UnitUnknown as error:
            faults.append(f"{error}, and the recipe measures {measure}")
    return faults


async def _recover(line: Line, journal: Journal) -> None:
    """Runs that an earlier controller left open are set down as held, with what the machines measure now.

    A machine that is found working for nobody is told to stop first: our heartbeat would keep its watchdog quiet.
    """
    path: Path | None = getattr(journal, "path", None)
    if path is None:
        return
    for name in open_runs(read_events(path)):
        found = [await _found(machine, Guard(journal, name)) for machine in line.machines.values()]
        reason = "the controller ended without closing this run; measured at the next start: " + "; ".join(found)
        change = {"state": RunState.HELD.value, "reason": reason, "who": "pressline", "recovered": True}
        await journal.append(name, "run.state", change)
        closed = {"state": RunState.HELD.value, "truth": None, "wall_seconds": None, "recovered": True}
        await journal.append(name, "run.closed", closed)


def open_runs(events: list[Event]) -> list[str]:
    """Runs that were created and never closed, oldest first."""
    closed = {event.run for event in events if event.kind == "run.closed"}
    return [event.run for event in events if event.kind == "run.created" and event.run not in closed]


async def _found(machine: Machine, guard: Guard) -> str:
    try:
        snapshot = await machine.snapshot()
        state = snapshot.text("machine_state")
        if state not in AT_REST | ENDED_ITSELF:
            await guard.lower(machine, "stop", "found working without a controller", "pressline")
        pressure = "under pressure" if is_pressurised(machine.profile.kind, snapshot) else "without pressure"
    except DriverError as error:
        return f"{machine.unit} unknown ({_why(machine.unit, error)})"
    return f"{machine.unit} {state} and {pressure}"


def _warn_of_pressure(run: Run) -> None:
    """Nothing ends while a machine is pressurised without saying so."""
    for machine in run.machines():
        snapshot = machine.latest
        try:
            pressurised = snapshot is None or not machine.link_up or is_pressurised(machine.profile.kind, snapshot)
        except BadQuality:
            pressurised = True
        if pressurised and machine.profile.kind in ("uniaxial_press", "isostatic_press"):
            state = "is still pressurised" if machine.link_up else "is out of reach and may be pressurised"
            run.tell(
                "machine.unproven", {"unit": machine.unit, "message": f"{machine.unit} {state}; look at the machine"}
            )
