"""Holding, pausing and ending a run whose machines do nothing: between steps, in tasks, before a start."""

from __future__ import annotations

from typing import NoReturn

from controller.executor.run import Request, Run, RunEnded
from controller.executor.states import RunState, Trigger
from controller.journal import JournalError


async def hold_idle(run: Run, reason: str, who: str) -> None:
    """Holds a run whose machines do nothing. Returns after a restart; raises RunEnded after a stop or an abort."""
    run.lower_state(Trigger.HOLD, reason, who)
    run.lower_state(Trigger.HOLD_DONE)
    await held_idle(run)


async def held_idle(run: Run) -> None:
    """Waits for the decision on a run that is held already, as hold_idle does."""
    while True:
        item = await run.inbox.get()
        if not isinstance(item, Request):
            continue
        run.carried_out(item)
        match item.trigger:
            case Trigger.STOP | Trigger.ABORT:
                end_idle(run, item)
            case _ if run.takes(item) and item.trigger is Trigger.RESTART and await raised(run, item):
                run.lower_state(Trigger.RESTART_DONE)
                pause_again(run)
                return


async def raised(run: Run, request: Request) -> bool:
    """Raises the run's state as asked; where the journal does not take that, it is told, and the run waits on."""
    try:
        await run.raise_state(request.trigger, request.reason, request.who)
    except JournalError as error:
        run.tell("run.problem", {"reason": f"cannot {request.trigger}: {error}"})
        return False
    return True


def end_idle(run: Run, request: Request) -> NoReturn:
    """Ends a run whose machines do nothing. Always raises RunEnded."""
    run.lower_state(request.trigger, request.reason, request.who)
    run.lower_state(Trigger.ABORT_DONE if request.trigger is Trigger.ABORT else Trigger.STOP_DONE)
    raise RunEnded


async def carry_out_idle(run: Run, request: Request) -> None:
    """Carries out a request while no machine works. Raises RunEnded."""
    run.carried_out(request)
    match request.trigger:
        case Trigger.HOLD:
            await hold_idle(run, request.reason, request.who)
        case Trigger.STOP | Trigger.ABORT:
            end_idle(run, request)
        case _:
            take_while_running(run, request)


def take_while_running(run: Run, request: Request) -> None:
    """Takes a command that neither holds nor ends a run that is going on: a pause, or one that came too late."""
    if not run.takes(request):
        return
    if request.trigger is Trigger.PAUSE and run.state is RunState.RUNNING:
        run.pause_asked = request
        run.lower_state(Trigger.PAUSE, request.reason, request.who)
    else:
        run.tell("run.problem", {"reason": f"{request.trigger} was asked for while {run.state}; ignored"})


def pause_again(run: Run) -> None:
    """A pause that was asked for lasts until somebody resumes: a hold in between does not end it."""
    if run.pause_asked is not None and run.state is RunState.RUNNING:
        run.lower_state(Trigger.PAUSE, run.pause_asked.reason, run.pause_asked.who)


async def agreed_point(run: Run) -> None:
    """Where a pausing run comes to rest: between two steps, no machine works. Returns resumed. Raises RunEnded."""
    await pending_requests(run)
    while run.state in (RunState.PAUSING, RunState.PAUSED):
        if run.state is RunState.PAUSING:
            run.lower_state(Trigger.PAUSE_DONE)
        if not isinstance(item := await run.inbox.get(), Request):
            continue
        if item.trigger is not Trigger.RESUME:
            await carry_out_idle(run, item)
        elif run.takes(item) and await raised(run, item):
            run.pause_asked = None


async def pending_requests(run: Run) -> None:
    """Carries out what was asked for between two waits. Raises RunEnded."""
    inbox = run.inbox
    while not inbox.empty():
        if isinstance(item := inbox.get_nowait(), Request):
            await carry_out_idle(run, item)


async def asked_requests(run: Run) -> None:
    """Waits for what was asked for and is not carried out yet, and carries it out. Raises RunEnded."""
    while run.asked > 0:
        if isinstance(item := await run.inbox.get(), Request):
            await carry_out_idle(run, item)
