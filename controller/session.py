"""One plan carried out: connect what it needs, look at what is found, run it, close its record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

from controller.alarms.server import AlarmServer, alarms_watched
from controller.connection import UnitUnreachable, connected
from controller.events import Event
from controller.executor.fitness import tell_calibrations
from controller.executor.judgement import estimate_data
from controller.executor.prompts import Person, TaskImpossible
from controller.executor.release import certificate_data, facts_data, judged, rules_data
from controller.executor.run import Run
from controller.executor.states import ENDED, RunState, TransitionRefused
from controller.executor.steps import execute
from controller.executor.units import shut_for
from controller.journal import Journal
from controller.line import Line
from controller.readiness import MachineNotReady, ready, warn_of_pressure
from controller.recovery import (
    rebuilding_data,
    set_down,
)
from controller.vitals.background import Health, background
from controller.vitals.deaths import Act, Death, conditions_in
from recipes.plan import Plan, recipe_sha256

__all__ = [
    "MachineNotReady",
    "Surroundings",
    "UnitUnreachable",
    "carry_out",
    "connected",
    "line_connected",
    "run_on",
    "unattended",
]

Truth = Callable[[str, Mapping[int, str]], Awaitable[dict[str, Any]]]
Attendant = Callable[[Run, asyncio.Queue[Event]], Coroutine[Any, Any, None]]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a plan is carried out with.

    attendant decides on a held run; truth gives the simulated truth of a lot (None for real machines); simulation says
    for the record that machines are simulated, and how; approval says who approved the plan, None if nobody did.
    priority: runs of a higher one are given units before others. watch_alarms is given the line's alarm server.
    order is who ordered the run, how urgent it is and why, for the record.
    keeps_open: the record of a run that has not ended stays open, because somebody goes on with it.
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
    priority: int = 0
    health: Health = field(default_factory=Health)
    watch_alarms: Callable[[AlarmServer], None] | None = None
    keeps_open: bool = False
    order: Mapping[str, Any] | None = None


async def unattended(run: Run, events: asyncio.Queue[Event]) -> None:
    """The attendant of a run that nobody watches: what is held, or waits for what only a person can end, is stopped."""
    while True:
        event = await events.get()
        reason = None
        if event.kind == "run.state" and event.data["state"] == RunState.HELD:
            reason = "nobody is there to decide on the hold"
        elif event.kind == "run.waiting" and (missing := shut_for(run)) is not None:
            reason = f"{missing}, and nobody is there to put it back in service"
        if reason is not None:
            with suppress(TransitionRefused):
                await run.stop(reason, "unattended run")


async def carry_out(plan: Plan, surroundings: Surroundings, name: str) -> None:
    """Connects what the plan needs, runs it, and closes the record.

    Raises UnitUnreachable or MachineNotReady before anything is started; afterwards the journal tells everything.
    """
    async with line_connected(surroundings, plan):
        await set_down(surroundings.line, surroundings.journal)
        await run_on(plan, surroundings, name)


@asynccontextmanager
async def line_connected(surroundings: Surroundings, plan: Plan, done: Collection[str] = ()) -> AsyncIterator[None]:
    """The line's machines are connected and its alarms are watched within the block. Raises UnitUnreachable."""
    line, journal = surroundings.line, surroundings.journal
    async with alarms_watched(line.machines, journal, health=surroundings.health) as alarms:
        if surroundings.watch_alarms is not None:
            surroundings.watch_alarms(alarms)
        tell = conditions_in(journal)
        async with connected(line, plan, surroundings.speed, done, tell=tell, health=surroundings.health):
            yield


async def run_on(plan: Plan, surroundings: Surroundings, name: str) -> None:
    """Runs a plan on machines that are connected, and closes its record. Raises MachineNotReady before the start."""
    begun = time.perf_counter()
    run = await created(plan, surroundings, name)
    if surroundings.announce is not None:
        surroundings.announce(run)
    with surroundings.journal.stream.subscribe(name) as events:
        await to_its_end(run, surroundings, events, begun)


async def created(plan: Plan, surroundings: Surroundings, name: str) -> Run:
    """A new run whose record is begun, on machines that are connected. Raises MachineNotReady, JournalError."""
    journal = surroundings.journal
    surroundings.line.bypasses.recall(journal)
    run = Run(name, plan, surroundings.line, journal, surroundings.person, surroundings.priority)
    await ready(run, rearm=surroundings.rearm)
    await journal.append(name, "run.created", _created(plan, surroundings))
    await journal.append(name, "run.rules", rules_data(run))
    tell_calibrations(run)
    return run


async def to_its_end(run: Run, surroundings: Surroundings, events: asyncio.Queue[Event], begun: float) -> None:
    """Executes a run with its attendant, and closes its record whatever becomes of it, unless it is kept open."""
    truth = None
    try:
        if run.state not in ENDED:
            await _attended(run, surroundings, events)
        warn_of_pressure(run)
        truth = await _truth(run, surroundings)
    finally:
        if run.state in ENDED or not surroundings.keeps_open:
            wall = time.perf_counter() - begun if surroundings.keeps_wall_time else None
            close_record(run, {"truth": truth, "wall_seconds": wall})


def close_record(run: Run, more: Mapping[str, Any]) -> None:
    """The end of a record: what is known, the certificate on it, and in which state the run is."""
    run.tell("porosity.estimated", estimate_data(run))
    run.tell("run.facts", facts_data(run))
    run.tell("certificate", certificate_data(judged(run)))
    run.tell("run.closed", {"state": run.state.value, **more})


async def _truth(run: Run, surroundings: Surroundings) -> Mapping[str, Any] | None:
    """The simulated truth of the last lot; a simulator that is gone costs the truth and not the record."""
    if surroundings.truth is None or (surroundings.keeps_open and run.state not in ENDED):
        return None
    last = run.plan.steps[-1].step
    try:
        return await surroundings.truth(last.produces or last.consumes[0], run.jobs)
    except (TaskImpossible, OSError) as error:
        run.tell("run.problem", {"reason": f"the simulated truth could not be had: {error}"})
        return None


async def _attended(run: Run, surroundings: Surroundings, events: asyncio.Queue[Event]) -> None:
    """Executes a run beside its attendant. With an attendant that dies nobody decides any more: the run is stopped."""

    async def stop(death: Death) -> None:
        with suppress(TransitionRefused):  # then it is being stopped or aborted already
            await run.stop(f"the attendant failed: {death.words}", "pressline")

    async with background(conditions_in(surroundings.journal), surroundings.health) as tasks:
        tasks.start(
            f"the attendant of run {run.name}",
            lambda: surroundings.attendant(run, events),
            Act(stop, "the run is stopped, because nobody would decide on a hold"),
            condition="attendant",
        )
        await execute(run)


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
        **rebuilding_data(plan, surroundings.line),
        **({} if surroundings.line.max_out_s is None else {"max_out_s": surroundings.line.max_out_s}),
        **({"foil_batches": dict(batches)} if (batches := surroundings.line.foil_batches) else {}),
        "simulation": None if simulation is None else dict(simulation),
        "approval": None if approval is None else dict(approval),
        **({} if surroundings.order is None else {"order": dict(surroundings.order)}),
        "steps": [{"name": p.step.name, "kind": p.step.kind.value, "unit": p.unit} for p in plan.steps],
    }
