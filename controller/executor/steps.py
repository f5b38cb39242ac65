"""A run from its start to its end: its steps in the order that their lots allow, each by its kind's procedure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from controller.executor.allocation import allowed, unit_for
from controller.executor.by_hand import perform_rest, perform_roll_press
from controller.executor.coat import perform_coat
from controller.executor.fitness import tell_used
from controller.executor.holding import agreed_point
from controller.executor.inspect import perform_inspection
from controller.executor.machine_states import AT_REST
from controller.executor.press import perform_press
from controller.executor.reached import commanded
from controller.executor.recovering import take_up
from controller.executor.rejoining import JobEnded
from controller.executor.run import Run, RunEnded
from controller.executor.states import RunState, TransitionRefused, Trigger
from controller.executor.supplied import supplied
from controller.executor.tasks import perform_task
from controller.executor.units import register_needs, release_unneeded
from controller.journal import JournalError
from controller.line import UnitTaken, UnitUnknown
from drivers.errors import DriverError
from drivers.machine import Machine
from recipes.model import StepKind
from recipes.plan import PlannedStep


async def _task(run: Run, planned: PlannedStep) -> dict[str, Any]:
    await perform_task(run, planned)
    return {}


PROCEDURES: Mapping[StepKind, Callable[[Run, PlannedStep], Awaitable[dict[str, Any]]]] = {
    StepKind.COAT: perform_coat,
    StepKind.TASK: _task,
    StepKind.PRESS: perform_press,
    StepKind.ROLL_PRESS: perform_roll_press,
    StepKind.REST: perform_rest,
    StepKind.INSPECT: perform_inspection,
}


async def execute(run: Run) -> None:
    """Runs every step that is left; returns when the run has ended or is left held. Only cancellation else leaves it.

    A run that is found held, because its controller died, waits for a person's decision first.
    """
    if run.state is not RunState.HELD:
        await run.raise_state(Trigger.START, "plan " + run.plan.hash[:12])
    try:
        left = [planned for planned in run.plan.steps if planned.step.name not in run.memory.finished]
        register_needs(run, left)
        if run.state is RunState.HELD:
            await take_up(run)
        for number, planned in enumerate(left, start=1):
            await _performed(run, planned)
            await release_unneeded(run, left[number:])
        await agreed_point(run)
        await run.raise_state(Trigger.FINISHED)
    except RunEnded:
        return
    except (DriverError, JournalError, UnitTaken, UnitUnknown) as error:
        await _fail(run, str(error))
    except Exception as error:  # noqa: BLE001 - a fault of the program must not leave a press working unwatched
        await _fail(run, f"a fault of the program: {type(error).__name__}: {error}")
    finally:
        run.waits.end()
        run.line.allocation.unregister(run.name)


async def _fail(run: Run, reason: str) -> None:
    """A fault outside a supervised phase: what may be pressurised is told to stop, then the run is held."""
    used = {unit for planned in run.plan.steps for unit in run.line.able(planned, run.metrology.area_mm2)}
    for machine in run.machines():
        if machine.unit in used and await _may_work(machine):
            try:
                await run.guard.lower(machine, "stop", reason, "pressline")
            except Exception as error:  # noqa: BLE001 - the other machines are told to stop all the same
                words = f"{machine.unit} could not be told to stop: {type(error).__name__}: {error}; look at it"
                run.tell("run.problem", {"reason": words})
    for trigger in (Trigger.HOLD, Trigger.HOLD_DONE):
        try:
            run.lower_state(trigger, reason)
        except TransitionRefused:
            run.tell("run.problem", {"reason": reason})
            return


async def _may_work(machine: Machine) -> bool:
    try:
        return (await machine.snapshot()).text("machine_state") not in AT_REST
    except Exception:  # noqa: BLE001 - who cannot be looked at, for whatever reason, may work
        return True


async def _performed(run: Run, planned: PlannedStep) -> None:
    """Performs one step; one whose job was found held goes on with it, or is done again where that has ended."""
    broken_off = run.memory.broken_off
    if broken_off is not None and broken_off.rejoins:
        try:
            async with unit_for(run, replace(planned, unit=broken_off.unit)) as given:
                await _carried(run, given)
        except JobEnded:
            await take_up(run)
        else:
            run.waits.finished(planned.step.name)
            return
    await perform(run, planned)


async def perform(run: Run, planned: PlannedStep) -> None:
    """Performs one step between its two records. Raises RunEnded, DriverError, JournalError."""
    await agreed_point(run)
    if await supplied(run, planned):
        return
    await allowed(run, planned.step.name)
    async with unit_for(run, planned) as given:
        await _perform(run, given)
    run.waits.finished(planned.step.name)


async def _perform(run: Run, planned: PlannedStep) -> None:
    step = planned.step
    run.waits.reached(step.name)
    started = {
        "name": step.name,
        "kind": step.kind.value,
        "unit": planned.unit,
        "lots": list(step.consumes),
        "commanded": {} if step.press is None else commanded(step.press),
    }
    await run.journal.append(run.name, "step.started", started)
    await _carried(run, planned)


async def _carried(run: Run, planned: PlannedStep) -> None:
    """A step's work, and the record of it."""
    step = planned.step
    tell_used(run, planned.unit, planned)
    result = await PROCEDURES[step.kind](run, planned)
    finished = {"name": step.name, "kind": step.kind.value, "produces": step.produces, "result": result}
    learned = {"learned": run.memory.of_step(), "known": run.known()}
    record = await run.journal.append(run.name, "step.finished", {**finished, **learned})
    run.memory.finish(step.name)
    run.line.supply.finished(run.name, step.name, record)
