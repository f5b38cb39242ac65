"""Watching a machine while it works: every poll is judged, and what ends the watch is decided here.

A hold goes to the machine first, and is sent again until the machine obeys: a run is never called held while its press
goes on. While held, the machine is still watched; a person restarts, stops or aborts. A stop or an abort ends when the
machine is proven to be without pressure, or when it is out of reach for longer than it may take to come down by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import NoReturn

from controller.executor.holding import asked_requests, hold_idle, pending_requests
from controller.executor.loading import NOT_STARTED
from controller.executor.machine_states import AT_REST, ENDED_ITSELF, LOST_JOB, alarms, obeys
from controller.executor.patience import Patience
from controller.executor.reasons import about, why_of
from controller.executor.run import Inbox, Request, Run, RunEnded
from controller.executor.states import RunState, Trigger
from controller.executor.windows import Remark, Untrusted
from controller.guard import PermissiveMissing
from controller.interlocks import is_pressurised
from controller.journal import JournalError
from drivers.errors import BadQuality, DriverError
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot

Watch = Callable[[Snapshot], str | None]
Start = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Supervision:
    """One job of one machine, from its start to its completion.

    watch sees each snapshot and names what is wrong with it, or None. bleed says that a hold lets the pressure go;
    hold_limit_s is how long a hold may last before it becomes a stop.
    """

    run: Run
    machine: Machine
    watch: Watch
    hold_limit_s: float
    bleed: bool = False
    phase: str = ""
    last: Snapshot | None = None
    _patience: Patience = field(default_factory=lambda: Patience(asyncio.Queue()))
    _told_s: float = 0.0

    @property
    def hold_command(self) -> str:
        return "stop" if self.bleed else "hold"

    async def follow(self, start: Start) -> Snapshot:
        """Starts the job and returns the snapshot in which it is complete.

        Raises RunEnded when the run was stopped, aborted or had to be left held. Nothing else leaves while the machine
        works, but for a cancellation, before which the machine is told to stop.
        """
        with self.machine.subscribe() as subscription:
            inbox: Inbox = subscription  # type: ignore[assignment]  # requests travel in the same queue, in order
            self._patience = Patience(inbox)
            with self.run.listening(inbox, self.machine, self.hold_command):
                try:
                    await self._begin(start)
                    return await self._until_complete()
                except asyncio.CancelledError:
                    await asyncio.shield(self._lower("stop", "pressline is being ended", "pressline"))
                    raise
                finally:
                    self._patience.end()

    # ------------------------------------------------------------------ the watch

    async def _begin(self, start: Start) -> None:
        """Starts the job. What certainly did not start is tried again after a restart; an unknown outcome is a hold."""
        while True:
            await pending_requests(self.run)
            try:
                await start()
            except NOT_STARTED as error:
                if self.run.asked > 0:
                    await asked_requests(self.run)
                    continue
                await hold_idle(self.run, str(error), "pressline")
            except DriverError as error:
                await self._react(Request(Trigger.HOLD, why_of(self.machine.unit, error), "pressline"))
                return
            else:
                self._told_s = asyncio.get_running_loop().time()
                return

    async def _until_complete(self) -> Snapshot:
        while True:
            try:
                item = await self._next()
                request = self._judge(item)
                if request is None and isinstance(item, Snapshot) and item.text("machine_state") == "COMPLETE":
                    return item
            except Exception as error:  # noqa: BLE001 - whatever fails here, a machine is working: hold it and say so
                request = Request(Trigger.HOLD, why_of(self.machine.unit, error), "pressline")
            if request is not None:
                await self._react(request)

    async def _next(self, deadline_s: float | None = None) -> Snapshot | LinkChange | Request:
        """The next thing that happens; a value that is late is a reason to hold."""
        stale_after_s = self.machine.patience_s
        due_s = asyncio.get_running_loop().time() + stale_after_s if deadline_s is None else deadline_s
        try:
            item = await self._patience.next(due_s)
        except TimeoutError:
            if deadline_s is not None:
                raise
            return Request(Trigger.HOLD, f"{self.machine.unit} gave no value for {stale_after_s:g} s", "pressline")
        if isinstance(item, Snapshot):
            self.last = item
            self._tell_phase(item)
        return item

    def _tell_phase(self, snapshot: Snapshot) -> None:
        try:
            phase = snapshot.text("phase")
        except BadQuality:
            return
        if phase != self.phase:
            self.phase = phase
            self.run.tell("step.phase", {"unit": self.machine.unit, "phase": phase})

    def _judge(self, item: Snapshot | LinkChange | Request) -> Request | None:
        """The request that this item leads to, if any."""
        match item:
            case Request():
                return item
            case LinkChange(up=False):
                return Request(Trigger.HOLD, about(self.machine.unit, item.reason), "pressline")
            case LinkChange():
                return None
        unit, state = self.machine.unit, item.text("machine_state")
        if not self._is_told(item):  # else it may still show the state from before our last command, or obey a person
            if state in ENDED_ITSELF:
                return Request(Trigger.STOP, f"{unit} ended the job by itself: {_why(item)}", "pressline")
            if state in LOST_JOB:
                return Request(Trigger.STOP, f"{unit} is {state}: it has lost its job{_anew(item)}", "pressline")
            if state == "HELD":
                return Request(Trigger.HOLD, f"{unit} holds the job by itself: {alarms(item)}", "pressline")
        if item.text("mode") != "REMOTE":
            return Request(Trigger.HOLD, f"{unit} was switched to {item.text('mode')}", "pressline")
        reason = self.watch(item)
        if isinstance(reason, Remark):
            self.run.tell("run.problem", {"reason": reason})
            return None
        if isinstance(reason, Untrusted):
            return Request(Trigger.STOP, reason, "pressline")
        return None if reason is None else Request(Trigger.HOLD, reason, "pressline")

    def _is_told(self, snapshot: Snapshot) -> bool:
        settled_s = self._told_s + self.machine.profile.timing.acknowledge_timeout_s
        return self.run.asked > 0 or snapshot.time_s < settled_s

    # ------------------------------------------------------------------ reactions

    async def _lower(self, command: str, reason: str, who: str) -> bool:
        delivered = await self.run.guard.lower(self.machine, command, reason, who)
        self._told_s = asyncio.get_running_loop().time()
        return delivered

    async def _insist(self, item: Snapshot | LinkChange | Request, command: str) -> None:
        """Sends what lowers risk again while the machine has not obeyed, at most once an acknowledge time."""
        if isinstance(item, Request) or (isinstance(item, LinkChange) and not item.up):
            return
        if asyncio.get_running_loop().time() - self._told_s < self.machine.profile.timing.acknowledge_timeout_s:
            return
        if isinstance(item, Snapshot) and obeys(item, command):
            return
        await self._lower(command, f"it has not obeyed the {command} yet", "pressline")

    async def _react(self, request: Request) -> None:
        """Carries out one request; returns when the run is running again, raises RunEnded when it is not to."""
        match request.trigger:
            case Trigger.HOLD:
                if not request.delivered:
                    await self._lower(self.hold_command, request.reason, request.who)
                self._told_s = asyncio.get_running_loop().time()
                self.run.lower_state(Trigger.HOLD, request.reason, request.who)
                self.run.lower_state(Trigger.HOLD_DONE)
                self.run.carried_out(request)
                await self._held()
            case Trigger.STOP | Trigger.ABORT:
                await self._wind_down(request)
            case _:
                self.run.tell("run.problem", {"reason": f"{request.trigger} was asked for while running; ignored"})

    async def _held(self) -> None:
        """Waits for a decision and sees to it that the machine is held; a hold that lasts too long becomes a stop."""
        deadline_s = asyncio.get_running_loop().time() + self.hold_limit_s
        while True:
            try:
                item = await self._next(deadline_s)
            except TimeoutError:
                reason = f"held for {self.hold_limit_s:g} s, longer than the step allows"
                item = Request(Trigger.STOP, reason, "pressline")
            await self._insist(item, self.hold_command)
            if not isinstance(item, Request):
                self._look(item)
                continue
            if item.trigger is Trigger.RESTART:
                if await self._restarted(item):
                    return
            elif item.trigger is Trigger.HOLD:
                self.run.carried_out(item)
            else:
                await self._wind_down(item)

    def _look(self, item: Snapshot | LinkChange) -> None:
        """Lets the watch see a held machine too; what it says changes nothing, the run is held already."""
        if isinstance(item, LinkChange):
            self._tell_link(item)
        else:
            with suppress(Exception):  # the run is held already, and its machine is seen to by _insist
                self.watch(item)

    def _tell_link(self, change: LinkChange) -> None:
        """Why a machine is out of reach may become another cause while the run is held: another one answers."""
        if not change.up:
            self.run.tell("run.problem", {"reason": about(self.machine.unit, change.reason)})

    async def _restarted(self, request: Request) -> bool:
        """Continues a held job if machine and journal allow it; otherwise the run stays held and says why."""
        if not self.machine.link_up:
            self.run.tell("run.problem", {"reason": f"cannot restart: {self.machine.unit} is not connected"})
            return False
        try:
            await self.run.raise_state(Trigger.RESTART, request.reason, request.who)
            if not self._has_nothing_to_continue():
                await self.run.guard.restart(self.machine, request.who)
        except (JournalError, PermissiveMissing, DriverError) as error:
            await self._lower(self.hold_command, "the restart failed", "pressline")
            if self.run.state is RunState.RESTARTING:
                self.run.lower_state(Trigger.HOLD, f"cannot restart: {error}")
                self.run.lower_state(Trigger.HOLD_DONE)
            else:
                self.run.tell("run.problem", {"reason": f"cannot restart: {error}"})
            return False
        self._told_s = asyncio.get_running_loop().time()
        self.run.lower_state(Trigger.RESTART_DONE)  # it already happened: noted, no disk is waited for
        return True

    def _has_nothing_to_continue(self) -> bool:
        """Whether the job came to its end or to its controlled release while the run was held."""
        try:
            return self.last is not None and (
                self.last.text("machine_state") == "COMPLETE" or self.last.text("phase") == "release"
            )
        except BadQuality:
            return False

    async def _wind_down(self, request: Request) -> NoReturn:
        """Stops or aborts, insists, and waits for proof that nothing is pressurised. Always raises RunEnded."""
        command = "abort" if request.trigger is Trigger.ABORT else "stop"
        if not request.delivered:
            await self._lower(command, request.reason, request.who)
        self.run.lower_state(request.trigger, request.reason, request.who)
        self.run.carried_out(request)
        if await self._proven_safe(command):
            self.run.lower_state(Trigger.ABORT_DONE if self.run.state is RunState.ABORTING else Trigger.STOP_DONE)
        else:
            self.run.lower_state(Trigger.UNPROVEN, "it could not be proven that nothing is pressurised")
        raise RunEnded

    async def _proven_safe(self, command: str) -> bool:
        """True once zero is proven; False when the machine was out of reach for longer than it needs to come down."""
        timing = self.machine.profile.timing
        limit_s = timing.watchdog_s + timing.decompression_s
        loop = asyncio.get_running_loop()
        deadline_s = loop.time() + limit_s
        while True:
            try:
                item = await self._next(deadline_s)
            except TimeoutError:
                self.run.tell("machine.unproven", {"unit": self.machine.unit, "message": self._unproven()})
                if not self.machine.link_up:
                    return False
                deadline_s = loop.time() + limit_s  # while it can be watched, it is not left alone
                continue
            if isinstance(item, LinkChange):
                self._tell_link(item)
            if isinstance(item, Request):
                command = await self._abort_instead(item, command)
            elif isinstance(item, Snapshot) and self._is_safe(item):
                message = f"{self.machine.unit} is proven to be without pressure"
                self.run.tell("machine.safe", {"unit": self.machine.unit, "message": message})
                return True
            await self._insist(item, command)

    async def _abort_instead(self, request: Request, command: str) -> str:
        """An abort during a stop is taken; everything else is already more than done."""
        self.run.carried_out(request)
        if request.trigger is not Trigger.ABORT or self.run.state is not RunState.STOPPING:
            return command
        if not request.delivered:
            await self._lower("abort", request.reason, request.who)
        self.run.lower_state(Trigger.ABORT, request.reason, request.who)
        return "abort"

    def _is_safe(self, snapshot: Snapshot) -> bool:
        try:
            at_rest = snapshot.text("machine_state") in AT_REST
            return at_rest and not is_pressurised(self.machine.profile.kind, snapshot)
        except BadQuality:
            return False

    def _unproven(self) -> str:
        unit, timing = self.machine.unit, self.machine.profile.timing
        if self.machine.link_up:
            return f"{unit} is connected and not yet proven to be without pressure; still watching it"
        return (
            f"{unit} could not be reached. Its own controller ends pressurisation within {timing.watchdog_s:g} s of the"
            f" lost link and is at zero within {timing.decompression_s:g} s more; look at it before touching it"
        )


def _why(snapshot: Snapshot) -> str:
    return alarms(snapshot) + _anew(snapshot)


def _anew(snapshot: Snapshot) -> str:
    """A controller that ran our job and knows no command of ours any more has started anew, with its own defaults."""
    return "" if snapshot.value("acknowledged_sequence") else ", its controller has started anew"
