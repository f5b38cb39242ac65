"""Watching a machine while it works: every poll is judged, and what ends the watch is decided here.

A hold goes to the machine first, and is sent again until the machine obeys: a run is never called held while its press
goes on. While held, the machine is still watched; a person restarts, stops or aborts. Whether a held job goes on is
decided by the table of reactions and by what is to be asked before it (continuing.py).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass

from controller.executor.continuing import PressAgain, Refusal
from controller.executor.holding import (
    asked_requests,
    hold_idle,
    pause_again,
    pending_requests,
    take_while_running,
)
from controller.executor.loading import NOT_STARTED
from controller.executor.machine_states import AT_REST, ENDED_ITSELF, LOST_JOB, alarms
from controller.executor.patience import Patience
from controller.executor.reactions import Restart, hold_limit_s
from controller.executor.reasons import about, why_of
from controller.executor.run import Inbox, Request
from controller.executor.states import Trigger
from controller.executor.watching import Watching
from controller.executor.windows import Remark, Untrusted
from controller.guard import PermissiveMissing
from controller.interlocks import Effect
from controller.journal import JournalError
from drivers.errors import BadQuality, DriverError
from drivers.reading import LinkChange, Snapshot

Start = Callable[[], Awaitable[None]]


@dataclass(slots=True)
class Supervision(Watching):
    """One job of one machine, from its start to its completion."""

    _ended: Snapshot | None = None

    async def follow(self, start: Start | None) -> Snapshot:
        """Starts the job and returns the snapshot in which it is complete; None: it is there, and held with its run.

        The last snapshot may also show a machine that ended by itself after all that the job was to do was done.

        Raises RunEnded when the run was stopped, aborted or had to be left held. Nothing else leaves while the machine
        works, but for a cancellation, before which the machine is told to stop.
        """
        with self.machine.subscribe() as subscription:
            inbox: Inbox = subscription  # type: ignore[assignment]  # requests travel in the same queue, in order
            self._patience = Patience(inbox)
            with self.run.listening(inbox, self.machine, self.hold_command):
                try:
                    await (self._held() if start is None else self._begin(start))
                    return await self._until_complete()
                except asyncio.CancelledError:
                    await asyncio.shield(self._lower("stop", "pressline is being ended", "pressline"))
                    raise
                finally:
                    self._patience.end()
                    self.interlocks.ended()

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
        while self._ended is None:
            try:
                item = await self._next()
                request = self._judge(item)
                if request is None and isinstance(item, Snapshot) and item.text("machine_state") == "COMPLETE":
                    return item
            except Exception as error:  # noqa: BLE001 - whatever fails here, a machine is working: hold it and say so
                request = Request(Trigger.HOLD, why_of(self.machine.unit, error), "pressline")
            if request is not None:
                await self._react(request)
        return self._ended

    def _judge(self, item: Snapshot | LinkChange | Request) -> Request | None:
        """The request that this item leads to, if any."""
        match item:
            case Request():
                return item
            case LinkChange(up=False):
                return Request(Trigger.HOLD, about(self.machine.unit, item.reason), "pressline")
            case LinkChange():
                return None
        trip = self.interlocks.look(item)
        unit, state, first = self.machine.unit, item.text("machine_state"), self.interlocks.first_out
        if not self._is_told(item):  # else it may still show the state from before our last command, or obey a person
            if state in ENDED_ITSELF:
                return Request(Trigger.STOP, f"{unit} ended the job by itself: {_why(item)}{first}", "pressline")
            if state in LOST_JOB:
                return Request(Trigger.STOP, f"{unit} is {state}: it has lost its job{_anew(item)}{first}", "pressline")
            if state == "HELD":
                return Request(Trigger.HOLD, f"{unit} holds the job by itself: {alarms(item)}{first}", "pressline")
        if trip is not None:
            trigger = Trigger.STOP if trip.effect is Effect.STOP else Trigger.HOLD
            return Request(trigger, trip.reason, "pressline")
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

    async def _react(self, request: Request) -> None:
        """Carries out one request; returns when the run is running again, raises RunEnded when it is not to."""
        match request.trigger:
            case Trigger.HOLD:
                if not request.delivered:
                    await self._lower(self.hold_command(), request.reason, request.who)
                self._told_s = asyncio.get_running_loop().time()
                self.run.lower_state(Trigger.HOLD, request.reason, request.who)
                self.run.lower_state(Trigger.HOLD_DONE)
                self.run.carried_out(request)
                self._tell_reaction(Trigger.HOLD)
                await self._held()
            case Trigger.STOP | Trigger.ABORT:
                await self._wind_down(request)
            case _:
                take_while_running(self.run, request)

    async def _held(self) -> None:
        """Waits for a decision and sees to it that the machine is held; a hold that lasts too long becomes a stop."""
        limit_s = hold_limit_s(self.reaction(Trigger.HOLD), self.hold_limit_s)
        deadline_s = asyncio.get_running_loop().time() + limit_s
        while True:
            try:
                item = await self._next(deadline_s)
            except TimeoutError:
                reason = f"held for {limit_s:g} s, longer than the step allows"
                item = Request(Trigger.STOP, reason, "pressline")
            await self._insist(item, self.hold_command())
            if not isinstance(item, Request):
                self._look(item)
                await self._let_off(item)
                continue
            match item.trigger:
                case Trigger.STOP | Trigger.ABORT:
                    await self._wind_down(item)
                case Trigger.RESTART:
                    if self.run.takes(item) and await self._restarted(item):
                        self.interlocks.restarted()
                        return
                case _:  # held already, or a pause that came too late
                    self.run.carried_out(item)
                    self.run.takes(item)

    def _look(self, item: Snapshot | LinkChange) -> None:
        """Lets the watch see a held machine too; what it says changes nothing, the run is held already."""
        if isinstance(item, LinkChange):
            self._tell_link(item)
        else:
            with suppress(Exception):  # the run is held already, and its machine is seen to by _insist
                self.watch(item)

    async def _let_off(self, item: Snapshot | LinkChange) -> None:
        """Nothing is kept by a held machine whose boundary, closure or sensors are not to be trusted any more."""
        trip = self.interlocks.look(item) if isinstance(item, Snapshot) else None
        if trip is None or trip.effect is not Effect.STOP or self._is_gone:
            return
        self._is_gone = True
        await self._lower("stop", trip.reason, "pressline")
        self.run.tell("run.problem", {"reason": f"{trip.reason}; nothing is kept any more{self._offer()}"})

    async def _restarted(self, request: Request) -> bool:
        """Continues a held job if rules, machine and journal allow it; otherwise the run stays held and says why.

        Raises PressAgain where the job is gone and the lot may be pressed again.
        """
        try:
            await self.run.raise_state(Trigger.RESTART, request.reason, request.who)
        except JournalError as error:
            self.run.tell("run.problem", {"reason": f"cannot restart: {error}"})
            return False
        is_over = self._is_over()
        is_done = is_over or self._has_nothing_to_continue()
        is_again = not is_done and (self._is_gone or self.reaction(Trigger.HOLD).restart is Restart.PRESSES_AGAIN)
        refusal = self._against(is_done=is_done, is_again=is_again)
        if refusal is None and not is_again and not is_done:
            refusal = await self._sent_restart(request)
        if refusal is not None:
            await self._refused(refusal)
            return False
        self._told_s = asyncio.get_running_loop().time()
        self.run.lower_state(Trigger.RESTART_DONE)  # it already happened: noted, no disk is waited for
        pause_again(self.run)
        self._ended = self.last if is_over else None
        if is_again:
            raise PressAgain
        return True

    async def _sent_restart(self, request: Request) -> Refusal | None:
        try:
            await self.run.guard.restart(self.machine, request.who)
        except (JournalError, PermissiveMissing, DriverError) as error:
            if self.run.asked == 0:  # else it was told already, and a hold must not come after a stop
                await self._lower(self.hold_command(), "the restart failed", "pressline")
            return Refusal(str(error))
        return None

    async def _refused(self, refusal: Refusal) -> None:
        """The run is held again, with the reason; a job that can never go on is let off, and a new one is offered."""
        offer = ""
        if refusal.offers_again and not self._is_gone:
            self._is_gone = True
            await self._lower("stop", f"the job cannot go on: {refusal.why}", "pressline")
            offer = self._offer()
        why = f"cannot restart: {refusal.why}{offer}"
        self.run.tell("run.problem", {"reason": why})
        self.run.lower_state(Trigger.HOLD, why)
        self.run.lower_state(Trigger.HOLD_DONE)

    def _offer(self) -> str:
        """What is left of a job that was let off, for whoever decides."""
        if self.continuation is None:
            return ""
        if self.continuation.is_whole:
            return "; the pressing was whole and counts, restart goes on with it"
        against = self.continuation.against_pressing_again()
        return "; restart presses again, stop ends the run" if against is None else f"; only a stop is left: {against}"

    def _against(self, *, is_done: bool, is_again: bool) -> Refusal | None:
        """What speaks against going on, or against pressing again, without asking the machine anew."""
        unit, last, row = self.machine.unit, self.last, self.reaction(Trigger.HOLD)
        if not self.machine.link_up or last is None:
            return Refusal(f"{unit} is not connected")
        if row.restart is Restart.NEVER:
            return Refusal(f"{unit}: {row.restart.value.removeprefix('refused: ')}; stop ends the run")
        if is_again:
            if not self._is_safe(last):
                return Refusal(f"{unit} is not yet proven to be without pressure; restart presses again once it is")
            why = None if self.continuation is None else self.continuation.against_pressing_again()
            return None if why is None else Refusal(f"{why}; only a stop is left")
        if is_done:
            if self._is_over() and not self._is_safe(last):
                return Refusal(f"{unit} is not yet proven to be without pressure; restart goes on once it is")
            return None
        try:
            state = last.text("machine_state")
        except BadQuality as error:
            return Refusal(f"{unit}: {error}")
        if state in AT_REST | ENDED_ITSELF | LOST_JOB:
            return Refusal(f"{unit} is {state}, its job is gone", offers_again=self.continuation is not None)
        return None if self.continuation is None else self.continuation.against_going_on(last)

    def _is_over(self) -> bool:
        """Whether the machine ended by itself after all that the job was to do was done: there is nothing to repeat."""
        is_whole = self.continuation is not None and self.continuation.is_whole
        return is_whole and self._shows(ENDED_ITSELF | LOST_JOB)

    def _has_nothing_to_continue(self) -> bool:
        """Whether the job came to its end or to its controlled release while the run was held."""
        is_released = not self._is_gone and self.phase == "release" == self._working
        return is_released or self._shows(frozenset({"COMPLETE"}))

    def _shows(self, states: frozenset[str]) -> bool:
        try:
            return self.last is not None and self.last.text("machine_state") in states
        except BadQuality:
            return False


def _why(snapshot: Snapshot) -> str:
    return alarms(snapshot) + _anew(snapshot)


def _anew(snapshot: Snapshot) -> str:
    """A controller that ran our job and knows no command of ours any more has started anew, with its own defaults."""
    return "" if snapshot.value("acknowledged_sequence") else ", its controller has started anew"
