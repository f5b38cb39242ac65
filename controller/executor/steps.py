"""Which procedure performs which kind of step, and what is told around it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from controller.executor.coat import perform_coat
from controller.executor.inspect import perform_inspection
from controller.executor.press import perform_press
from controller.executor.run import Run
from controller.executor.tasks import pending_requests, perform_task
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


async def perform(run: Run, planned: PlannedStep) -> None:
    """Performs one step between its two records. Raises RunEnded, DriverError, JournalError."""
    step = planned.step
    await pending_requests(run)
    started = {"name": step.name, "kind": step.kind.value, "unit": planned.unit, "lots": list(step.consumes)}
    await run.journal.append(run.name, "step.started", started)
    result = await PROCEDURES[step.kind](run, planned)
    finished = {"name": step.name, "kind": step.kind.value, "produces": step.produces, "result": result}
    await run.journal.append(run.name, "step.finished", finished)
