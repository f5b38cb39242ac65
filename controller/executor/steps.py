"""A run from its start to its end: its steps in the order that their lots allow, each by its kind's procedure."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from controller.executor.coat import perform_coat
from controller.executor.inspect import perform_inspection
from controller.executor.press import perform_press
from controller.executor.run import Run, RunEnded
from controller.executor.states import TransitionRefused, Trigger
from controller.executor.tasks import pending_requests, perform_task
from controller.journal import JournalError
from drivers.errors import DriverError
from recipes.model import StepKind
from recipes.plan import PlannedStep


async def _task(run: Run, planned: PlannedStep) -> dict[str, Any]:
    await perform_task(run, planned)
    return {}


PROCEDURES: Mapping[StepKind, Callable[[Run, PlannedStep], Awaitable[dict[str, Any]]]] = {
    StepKind.COAT: perform_coat,
    StepKind.TASK: _task,
    StepKind.PRESS: perform_press,
    StepKind.INSPECT: perform_inspection,
}


async def execute(run: Run) -> None:
    """Runs every step; returns when the run has ended or is left held. Only cancellation leaves it otherwise."""
    await run.raise_state(Trigger.START, "approved plan " + run.plan.hash[:12])
    try:
        for planned in run.plan.steps:
            await perform(run, planned)
        await run.raise_state(Trigger.FINISHED)
    except RunEnded:
        return
    except (DriverError, JournalError) as error:
        _fail(run, str(error))


def _fail(run: Run, reason: str) -> None:
    """A fault outside a supervised phase: nothing moves, so the run is held and says why."""
    for trigger in (Trigger.HOLD, Trigger.HOLD_DONE):
        try:
            run.lower_state(trigger, reason)
        except TransitionRefused:
            run.tell("run.problem", {"reason": reason})
            return


async def perform(run: Run, planned: PlannedStep) -> None:
    """Performs one step between its two records. Raises RunEnded, DriverError, JournalError."""
    step = planned.step
    await pending_requests(run)
    started = {"name": step.name, "kind": step.kind.value, "unit": planned.unit, "lots": list(step.consumes)}
    await run.journal.append(run.name, "step.started", started)
    result = await PROCEDURES[step.kind](run, planned)
    finished = {"name": step.name, "kind": step.kind.value, "produces": step.produces, "result": result}
    await run.journal.append(run.name, "step.finished", finished)
