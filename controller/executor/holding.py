"""Holding and ending a run whose machines do nothing: between steps, in tasks, before a start."""

from __future__ import annotations

from typing import NoReturn

from controller.executor.run import Request, Run, RunEnded
from controller.executor.states import Trigger


async def hold_idle(run: Run, reason: str, who: str) -> None:
    """Holds a run whose machines do nothing. Returns after a restart; raises RunEnded after a stop or an abort."""
    run.lower_state(Trigger.HOLD, reason, who)
    run.lower_state(Trigger.HOLD_DONE)
    while True:
        item = await run.inbox.get()
        if not isinstance(item, Request):
            continue
        run.carried_out(item)
        match item.trigger:
            case Trigger.RESTART:
                await run.raise_state(Trigger.RESTART, item.reason, item.who)
                run.lower_state(Trigger.RESTART_DONE)
                return
            case Trigger.STOP | Trigger.ABORT:
                end_idle(run, item)


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
            run.tell("run.problem", {"reason": f"{request.trigger} was asked for while running; ignored"})


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
