"""A machine at work under our eyes: what it tells next, lowering its risk until it obeys, and ending at proven zero.

What lowers risk is sent again while the machine does not obey. A stop or an abort ends when the machine is proven to be
at rest, a press without pressure, or when it is out of reach for longer than it may take to come down by itself.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from controller.executor.continuing import Continuation
from controller.executor.machine_states import AT_REST, obeys
from controller.executor.patience import Patience
from controller.executor.reactions import Reaction, reaction
from controller.executor.reasons import about
from controller.executor.run import Request, Run, RunEnded
from controller.executor.states import RunState, Trigger
from controller.interlocks import InterlockWatch, at_rest_words, is_proven_at_rest
from drivers.errors import BadQuality
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot

Watch = Callable[[Snapshot], str | None]


@dataclass(slots=True)
class Watching:
    """One job of one machine and how it is watched.

    watch sees each snapshot and names what is wrong with it, or None. What a hold does follows from the table of
    reactions; bleed is the step's on_hold, hold_limit_s its hold_limit. continuation says whether a held job may go on.
    """

    run: Run
    machine: Machine
    watch: Watch
    hold_limit_s: float
    bleed: bool = False
    continuation: Continuation | None = None
    phase: str = ""
    last: Snapshot | None = None
    interlocks: InterlockWatch = field(init=False)
    _patience: Patience = field(default_factory=lambda: Patience(asyncio.Queue()))
    _told_s: float = 0.0
    _working: str = ""
    _is_gone: bool = False

    def __post_init__(self) -> None:
        unit, guard = self.machine.unit, self.run.guard
        self.interlocks = InterlockWatch(
            unit,
            self.machine.profile,
            self.run.tell,
            lambda: guard.bypassed(unit),
            lambda rows: guard.bypass_counted(unit, rows),
        )

    def reaction(self, command: Trigger) -> Reaction:
        """What a command does in the phase that the job is in, or was in before it was held."""
        return reaction(self.machine.profile.kind, self._working, command, "bleed" if self.bleed else "keep")

    def hold_command(self) -> str:
        """What is sent for a hold; once a held job is given up, its pressure is let off."""
        return "stop" if self._is_gone else self.reaction(Trigger.HOLD).sends or "hold"

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
            if (
                snapshot.text("machine_state") == "EXECUTE"
            ):  # a job that is let off is in its release, and held elsewhere
                self._working = phase
            self.run.tell("step.phase", {"unit": self.machine.unit, "phase": phase})

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

    def _tell_link(self, change: LinkChange) -> None:
        """Why a machine is out of reach may become another cause while the run is held: another one answers."""
        if not change.up:
            self.run.tell("run.problem", {"reason": about(self.machine.unit, change.reason)})

    def _tell_reaction(self, command: Trigger) -> None:
        """What the machine does now, in the table's words, for whoever has to decide."""
        row = self.reaction(command)
        lasts = row.lasts if isinstance(row.lasts, float) else row.lasts.value
        data = {"unit": self.machine.unit, "phase": self._working, "command": command.value, "machine": row.machine}
        restart = None if row.restart is None else row.restart.value
        self.run.tell("machine.reaction", data | {"lasts": lasts, "restart": restart})

    async def _wind_down(self, request: Request) -> NoReturn:
        """Stops or aborts, insists, and waits for proof that nothing is pressurised. Always raises RunEnded."""
        command = "abort" if request.trigger is Trigger.ABORT else "stop"
        if not request.delivered:
            await self._lower(command, request.reason, request.who)
        self.run.lower_state(request.trigger, request.reason, request.who)
        self.run.carried_out(request)
        self._tell_reaction(request.trigger)
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
            if isinstance(item, Snapshot):
                self.interlocks.look(item)  # what follows in the cascade is still told
            if isinstance(item, LinkChange):
                self._tell_link(item)
            if isinstance(item, Request):
                command = await self._abort_instead(item, command)
            elif isinstance(item, Snapshot) and self._is_safe(item):
                message = f"{self.machine.unit} is proven to be {at_rest_words(self.machine.profile.kind)}"
                self.run.tell("machine.safe", {"unit": self.machine.unit, "message": message})
                return True
            await self._insist(item, command)

    async def _abort_instead(self, request: Request, command: str) -> str:
        """An abort during a stop is taken; everything else is already more than done."""
        self.run.carried_out(request)
        self.run.takes(request)
        if request.trigger is not Trigger.ABORT or self.run.state is not RunState.STOPPING:
            return command
        if not request.delivered:
            await self._lower("abort", request.reason, request.who)
        self.run.lower_state(Trigger.ABORT, request.reason, request.who)
        return "abort"

    def _is_safe(self, snapshot: Snapshot) -> bool:
        try:
            at_rest = snapshot.text("machine_state") in AT_REST
            return at_rest and is_proven_at_rest(self.machine.profile.kind, snapshot)
        except BadQuality:
            return False

    def _unproven(self) -> str:
        unit, timing = self.machine.unit, self.machine.profile.timing
        if self.machine.link_up:
            rest = at_rest_words(self.machine.profile.kind)
            return f"{unit} is connected and not yet proven to be {rest}; still watching it"
        return (
            f"{unit} could not be reached. Its own controller ends pressurisation within {timing.watchdog_s:g} s of the"
            f" lost link and is at zero within {timing.decompression_s:g} s more; look at it before touching it"
        )
