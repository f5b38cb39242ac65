"""Watching a machine while it works: every poll is judged, and what ends the watch is decided here.

A hold goes to the machine first. While held, the machine is still watched; a person restarts, stops or aborts. A stop
or an abort ends only when the machine is proven to be without pressure, or says that it cannot be proven.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from controller.executor.run import Inbox, Request, Run, RunEnded
from controller.executor.states import RunState, Trigger
from controller.guard import PermissiveMissing
from controller.interlocks import is_pressurised
from drivers.errors import BadQuality, CommandRejected, DriverError, JobMismatch, OutOfRange
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot

Watch = Callable[[Snapshot], str | None]
SELF_ENDED = {"ABORTING", "ABORTED", "STOPPING", "STOPPED"}


async def supervise(
    run: Run,
    machine: Machine,
    start: Callable[[], Awaitable[None]],
    watch: Watch,
    hold_limit_s: float,
    *,
    bleed: bool,
) -> Snapshot:
    """Starts a job by `start`, follows it to its completion and returns the last snapshot.

    `watch` sees each snapshot and names what is wrong with it, or None. Raises RunEnded when the run was stopped,
    aborted or had to be left held.
    """
    phase = ""
    inbox: Inbox
    with machine.subscribe() as subscription:
        inbox = subscription  # type: ignore[assignment]  # requests travel in the same queue, so that order is kept
        with run.listening(inbox, machine):
            await _begin(run, machine, inbox, start, hold_limit_s, bleed=bleed)
            commanded_s = asyncio.get_running_loop().time()
            while True:
                item = await _next(inbox, machine)
                if isinstance(item, Snapshot) and item.text("phase") != phase:
                    phase = item.text("phase")
                    run.tell("step.phase", {"unit": machine.unit, "phase": phase})
                request = _judge(item, machine, watch, told=run.commanding > 0 or _is_settling(machine, commanded_s))
                if request is not None:
                    await _react(run, machine, inbox, request, hold_limit_s, bleed=bleed)
                    commanded_s = asyncio.get_running_loop().time()
                elif isinstance(item, Snapshot) and item.text("machine_state") == "COMPLETE":
                    return item


def _is_settling(machine: Machine, commanded_s: float) -> bool:
    """Whether a snapshot may still show the state from before the last command."""
    return asyncio.get_running_loop().time() - commanded_s < machine.profile.timing.acknowledge_timeout_s


async def _begin(
    run: Run,
    machine: Machine,
    inbox: Inbox,
    start: Callable[[], Awaitable[None]],
    limit_s: float,
    *,
    bleed: bool,
) -> None:
    """Starts the job. What certainly did not start is tried again after a restart; an unknown outcome is a hold."""
    while True:
        try:
            await start()
        except (PermissiveMissing, CommandRejected, OutOfRange, JobMismatch) as error:
            await hold_idle(run, str(error), "pressline")
        except DriverError as error:
            request = Request(Trigger.HOLD, f"{machine.unit}: {error}", "pressline")
            await _react(run, machine, inbox, request, limit_s, bleed=bleed)
            return
        else:
            return


async def hold_idle(run: Run, reason: str, who: str) -> None:
    """Holds a run whose machines do nothing. Returns after a restart; raises RunEnded after a stop or an abort."""
    run.lower_state(Trigger.HOLD, reason, who)
    run.lower_state(Trigger.HOLD_DONE)
    while True:
        item = await run.inbox.get()
        if not isinstance(item, Request):
            continue
        match item.trigger:
            case Trigger.RESTART:
                await run.raise_state(Trigger.RESTART, item.reason, item.who)
                await run.raise_state(Trigger.RESTART_DONE)
                return
            case Trigger.STOP | Trigger.ABORT:
                end_idle(run, item)


def end_idle(run: Run, request: Request) -> NoReturn:
    """Ends a run whose machines do nothing. Always raises RunEnded."""
    run.lower_state(request.trigger, request.reason, request.who)
    run.lower_state(Trigger.ABORT_DONE if request.trigger is Trigger.ABORT else Trigger.STOP_DONE)
    raise RunEnded


async def _next(inbox: Inbox, machine: Machine) -> Snapshot | LinkChange | Request:
    stale_after_s = machine.profile.timing.stale_after_s
    try:
        async with asyncio.timeout(stale_after_s):
            return await inbox.get()
    except TimeoutError:
        return Request(Trigger.HOLD, f"{machine.unit} gave no value for {stale_after_s:g} s", "pressline")


def _judge(item: Snapshot | LinkChange | Request, machine: Machine, watch: Watch, *, told: bool) -> Request | None:
    """The request that this item leads to, if any; `told`: the machine's state may be one that we asked for."""
    match item:
        case Request():
            return item
        case LinkChange(up=False):
            return Request(Trigger.HOLD, f"{machine.unit}: {item.reason}", "pressline")
        case LinkChange():
            return None
    try:
        state = item.text("machine_state")
        if state in SELF_ENDED and not told:
            return Request(Trigger.STOP, f"{machine.unit} ended the job by itself: {alarms(item)}", "pressline")
        reason = f"{machine.unit} holds the job by itself" if state == "HELD" and not told else watch(item)
    except BadQuality as error:
        reason = f"{machine.unit}: {error}"
    return None if reason is None else Request(Trigger.HOLD, reason, "pressline")


def alarms(snapshot: Snapshot) -> str:
    """The machine's latched alarms in words."""
    names = [name.replace("_", " ") for name in snapshot.bits("alarm_bits")]
    return ", ".join(names) or "no alarm is shown"


async def _react(run: Run, machine: Machine, inbox: Inbox, request: Request, limit_s: float, *, bleed: bool) -> None:
    """Carries out one request; returns when the run is running again, raises RunEnded when it is not to."""
    match request.trigger:
        case Trigger.HOLD:
            if not request.delivered:
                await run.guard.lower(machine, "stop" if bleed else "hold", request.reason, request.who)
            run.lower_state(Trigger.HOLD, request.reason, request.who)
            run.lower_state(Trigger.HOLD_DONE)
            await _held(run, machine, inbox, limit_s)
        case Trigger.STOP | Trigger.ABORT:
            await wind_down(run, machine, inbox, request)
        case _:
            run.tell("run.problem", {"reason": f"{request.trigger} was asked for while running; ignored"})


async def _held(run: Run, machine: Machine, inbox: Inbox, limit_s: float) -> None:
    """Waits for a decision; a hold that lasts too long becomes a stop."""
    deadline = asyncio.get_running_loop().time() + limit_s
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                item = await inbox.get()
        except TimeoutError:
            item = Request(Trigger.STOP, f"held for {limit_s:g} s, longer than the step allows", "pressline")
        if not isinstance(item, Request):
            continue
        if item.trigger is Trigger.RESTART:
            if await _restarted(run, machine, item):
                return
        elif item.trigger in (Trigger.STOP, Trigger.ABORT):
            await wind_down(run, machine, inbox, item)


async def _restarted(run: Run, machine: Machine, request: Request) -> bool:
    if not machine.link_up:
        run.tell("run.problem", {"reason": f"cannot restart: {machine.unit} is not connected"})
        return False
    await run.raise_state(Trigger.RESTART, request.reason, request.who)
    try:
        await run.guard.restart(machine, request.who)
    except DriverError as error:
        run.lower_state(Trigger.HOLD, f"cannot restart: {error}")
        run.lower_state(Trigger.HOLD_DONE)
        return False
    await run.raise_state(Trigger.RESTART_DONE)
    return True


async def wind_down(run: Run, machine: Machine, inbox: Inbox, request: Request) -> NoReturn:
    """Stops or aborts and waits for proof that nothing is pressurised. Always raises RunEnded."""
    abort = request.trigger is Trigger.ABORT
    command = "abort" if abort else "stop"
    delivered = request.delivered or await run.guard.lower(machine, command, request.reason, request.who)
    if not delivered and run.state is RunState.HELD and not await _told_again(run, machine, inbox, command, request):
        raise RunEnded
    run.lower_state(request.trigger, request.reason, request.who)
    if await _proven_safe(run, machine, inbox):
        run.lower_state(Trigger.ABORT_DONE if run.state is RunState.ABORTING else Trigger.STOP_DONE)
    raise RunEnded


def _limit_s(machine: Machine) -> float:
    """How long the machine may take from a lost link to zero: its watchdog and its stated decompression time."""
    timing = machine.profile.timing
    return timing.watchdog_s + timing.decompression_s


async def _told_again(run: Run, machine: Machine, inbox: Inbox, command: str, request: Request) -> bool:
    """Waits for a lost link to return and then repeats what lowers risk."""
    deadline = asyncio.get_running_loop().time() + _limit_s(machine)
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                item = await inbox.get()
        except TimeoutError:
            run.tell("machine.unproven", {"unit": machine.unit, "message": _unproven(machine)})
            return False
        if isinstance(item, Snapshot) and item.text("machine_state") in SELF_ENDED:
            return True
        returned = isinstance(item, Snapshot) or (isinstance(item, LinkChange) and item.up)
        if returned and await run.guard.lower(machine, command, request.reason, request.who):
            return True


async def _proven_safe(run: Run, machine: Machine, inbox: Inbox) -> bool:
    deadline = asyncio.get_running_loop().time() + _limit_s(machine)
    while True:
        try:
            async with asyncio.timeout_at(deadline):
                item = await inbox.get()
        except TimeoutError:
            run.tell("machine.unproven", {"unit": machine.unit, "message": _unproven(machine)})
            return False
        if isinstance(item, Request) and item.trigger is Trigger.ABORT and run.state is RunState.STOPPING:
            if not item.delivered:
                await run.guard.lower(machine, "abort", item.reason, item.who)
            run.lower_state(Trigger.ABORT, item.reason, item.who)
        if isinstance(item, Snapshot) and _is_safe(machine, item):
            run.tell(
                "machine.safe", {"unit": machine.unit, "message": f"{machine.unit} is proven to be without pressure"}
            )
            return True


def _is_safe(machine: Machine, snapshot: Snapshot) -> bool:
    try:
        at_rest = snapshot.text("machine_state") in {"STOPPED", "ABORTED", "IDLE", "COMPLETE"}
        return at_rest and not is_pressurised(machine.profile.kind, snapshot)
    except BadQuality:
        return False


def _unproven(machine: Machine) -> str:
    timing = machine.profile.timing
    return (
        f"{machine.unit} could not be reached. Its own controller ends pressurisation within {timing.watchdog_s:g} s of"
        f" the lost link and is at zero within {timing.decompression_s:g} s more; look at it before touching it"
    )
