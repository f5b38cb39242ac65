"""A run from its start to its end: its steps in the order that their lots allow, each by its kind's procedure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from controller.executor.by_hand import perform_rest, perform_roll_press
from controller.executor.coat import perform_coat
from controller.executor.holding import pending_requests
from controller.executor.inspect import perform_inspection
from controller.executor.machine_states import AT_REST
from controller.executor.press import commanded, perform_press
from controller.executor.run import Run, RunEnded
from controller.executor.states import TransitionRefused, Trigger
from controller.executor.tasks import perform_task
from controller.executor.units import release_unneeded
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
    """Runs every step; returns when the run has ended or is left held. Only cancellation leaves it otherwise."""
    await run.raise_state(Trigger.START, "plan " + run.plan.hash[:12])
    try:
        for number, planned in enumerate(run.plan.steps, start=1):
            await perform(run, planned)
            await release_unneeded(run, planned.unit, run.plan.steps[number:])
        await run.raise_state(Trigger.FINISHED)
    except RunEnded:
        return
    except (DriverError, JournalError, UnitTaken, UnitUnknown) as error:
        await _fail(run, str(error))
    except Exception as error:  # noqa: BLE001 - a fault of the program must not leave a press working unwatched
        await _fail(run, f"a fault of the program: {type(error).__name__}: {error}")


async def _fail(run: Run, reason: str) -> None:
    """A fault outside a supervised phase: what may be pressurised is told to stop, then the run is held."""
    used = {planned.unit for planned in run.plan.steps}
    for machine in run.machines():
        if machine.unit in used and await _may_work(machine):
            await run.guard.lower(machine, "stop", reason, "pressline")
    for trigger in (Trigger.HOLD, Trigger.HOLD_DONE):
        try:
            run.lower_state(trigger, reason)
        except TransitionRefused:
            run.tell("run.problem", {"reason": reason})
            return


async def _may_work(machine: Machine) -> bool:
    try:
        return (await machine.snapshot()).text("machine_state") not in AT_REST
    except DriverError:
        return True


async def perform(run: Run, planned: PlannedStep) -> None:
    """Performs one step between its two records. Raises RunEnded, DriverError, JournalError."""
    step = planned.step
    await pending_requests(run)
    started = {
        "name": step.name,
        "kind": step.kind.value,
        "unit": planned.unit,
        "lots": list(step.consumes),
        "commanded": {} if step.press is None else commanded(step.press),
    }
    await run.journal.append(run.name, "step.started", started)
    result = await PROCEDURES[step.kind](run, planned)
    finished = {"name": step.name, "kind": step.kind.value, "produces": step.produces, "result": result}
    await run.journal.append(run.name, "step.finished", finished)
