"""A job on its way into a machine and its acknowledgement at the end; what certainly did not start is tried again."""

from __future__ import annotations

from collections.abc import Sequence

from controller.executor.holding import asked_requests, hold_idle
from controller.executor.run import Run
from controller.guard import Job, PermissiveMissing
from controller.journal import JournalError
from controller.setpoints import Repeated, Work
from drivers.errors import CommandRejected, DriverError, JobMismatch, LinkDown, OutOfRange
from drivers.machine import Machine


class NotLoaded(Exception):
    """The job may or may not have reached the machine; it was not started. A restart loads it again."""


NOT_STARTED = (NotLoaded, PermissiveMissing, JournalError, CommandRejected, OutOfRange, JobMismatch, LinkDown)
"""Errors of a start after which the machine certainly did not start."""


async def load(
    run: Run, machine: Machine, step: str, job: Job, undone: Sequence[str] = (), again: Repeated | None = None
) -> None:
    """Brings a step's job into a machine. Raises NotLoaded for whatever the machine or the line made of it.

    undone names what the step needs to be done before and was not; then nothing is sent. again says which re-pressing
    of which gate it is, if it is one.
    """
    try:
        await run.guard.load(machine, job, Work(run.plan, step, run.metrology.area_mm2, again=again), undone)
    except NOT_STARTED:
        raise
    except DriverError as error:
        raise NotLoaded(f"{machine.unit}: {error}; restart loads the job again") from error


async def reset(run: Run, machine: Machine) -> None:
    """Acknowledges a finished job. A reset whose outcome is not known is looked up and, on request, tried again."""
    while True:
        try:
            if (await machine.snapshot()).text("machine_state") == "IDLE":
                return
            await run.guard.reset(machine)
        except PermissiveMissing as error:
            if run.asked > 0:
                await asked_requests(run)
            else:
                await hold_idle(run, f"{error}; restart tries again", "pressline")
        except DriverError as error:
            await hold_idle(run, f"{machine.unit} could not be reset: {error}; restart tries again", "pressline")
        else:
            return
