"""The controller's watch over itself on the wall's clock: lateness, clocks, and the feeding of the service manager.

Nothing of it runs on virtual time, where nothing can be late.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any

from controller.events import Event
from controller.journal import Journal
from controller.vitals.background import Health, background
from controller.vitals.clocks import ClockWatch, behind, in_words
from controller.vitals.deaths import LINE, Restart, conditions_in
from controller.vitals.lateness import LATE_S, PERIOD_S, WINDOW, Lateness, LatenessWindow, Standstill, StandstillWatch
from controller.vitals.service_manager import ServiceManager

CLOCKS_S = 1.0  # wall seconds between looks at the clocks: a jump is placed between two records of a run
BUSY = 0.8  # share of a core; above it the loop's own work makes it late (engineering judgement)
NO_TIME = "no call: the process was stopped, or the computer had no time for it"
UNFED_S = 1.0
"""Wall seconds: a loop that was as late since the last feed is not fed for; the shipped profiles' machines expect a
heartbeat within 2 s at least."""
FED_AGAIN_S = 0.5
"""Wall seconds until what was not fed for is looked at again: short beside a watchdog's time, so that a standstill that
is over ends no run; a loop that is late again meanwhile is not fed for (engineering judgement)."""


class SelfWatch:
    """One controller's watch over itself. `tick` is called by its task; everything it finds is told in the journal."""

    def __init__(
        self,
        journal: Journal,
        health: Health,
        manager: ServiceManager,
        *,
        clock: Callable[[], float] = time.monotonic,
        clocks: ClockWatch | None = None,
    ) -> None:
        self._journal, self._health, self._manager, self._clock = journal, health, manager, clock
        self._clocks = clocks or ClockWatch()
        self._clocks_due_s = clock() + CLOCKS_S
        self._window = LatenessWindow()
        self._load = _Load(clock)
        self._standstill: Standstill | None = None
        self._is_late = self._was_blocked = self._clocks_jumped = False
        self._unfit: str | None = None
        self._latest_s = 0.0
        self._feed_due_s = clock()
        self.lateness: Lateness | None = None

    def begin(self) -> None:
        """A clock that was set back while nobody watched is told: it is behind what the record holds already."""
        if (data := behind(self._journal.latest_utc, self._journal.now())) is not None:
            self._told_of_clocks([("clock.jumped", data)])

    def ready(self) -> None:
        """The service manager is told that the service has started."""
        self._manager.tell(READY="1")

    def tick(self, late_s: float, standstill: Standstill | None) -> None:
        """One measured lateness, and what the loop stood in if it stood still before."""
        self._latest_s = max(self._latest_s, late_s)
        if standstill is None and late_s > UNFED_S:
            standstill = Standstill(late_s, NO_TIME)
        if standstill is not None:
            self._blocked(standstill)
        if (lateness := self._window.add(late_s)) is not None:
            self._judge(lateness)
        now_s = self._clock()
        if now_s >= self._clocks_due_s:
            self._clocks_due_s = now_s + CLOCKS_S
            self._look_at_clocks()
        if self._manager.feed_period_s is not None and now_s >= self._feed_due_s:
            self._feed_due_s = now_s + (self._manager.feed_period_s if self._feed() else FED_AGAIN_S)

    def _condition(self, name: str, message: str, *, active: bool) -> None:
        self._journal.note(LINE, "condition", {"name": name, "unit": None, "active": active, "message": message})

    def _look_at_clocks(self) -> None:
        found = self._clocks.look()
        if self._clocks_jumped and not found:
            self._condition("clock_jump", "the clocks agree again", active=False)
            self._clocks_jumped = False
        self._told_of_clocks(found)

    def _told_of_clocks(self, found: Iterable[tuple[str, Mapping[str, Any]]]) -> None:
        for kind, data in found:
            self._journal.note(LINE, kind, data)
            self._condition("clock_jump", in_words(kind, data), active=True)
            self._clocks_jumped = True

    # ---------------------------------------------------------------------- lateness

    def _blocked(self, standstill: Standstill) -> None:
        self._standstill, self._was_blocked = standstill, True
        words = f"the event loop stood still for {standstill.lasted_s:.2f} s in {standstill.where}"
        self._condition("loop_blocked", words, active=True)

    def _judge(self, lateness: Lateness) -> None:
        """A window is over: what changed with it is told."""
        self.lateness = lateness
        self._window.clear()
        why, stood, self._standstill = self._load.why(self._standstill), self._standstill is not None, None
        seconds = WINDOW * PERIOD_S
        words = (
            f"99 % of its timers within {1e3 * lateness.p99_s:.1f} ms, the latest {1e3 * lateness.max_s:.1f} ms late"
        )
        if lateness.is_late and not self._is_late:
            self._condition("loop_late", f"the event loop is late: in {seconds:g} s {words}; {why}", active=True)
            self._is_late = True
        elif self._is_late and lateness.p99_s <= LATE_S / 2:
            self._condition("loop_late", f"the event loop is in time again: in {seconds:g} s {words}", active=False)
            self._is_late = False
        if self._was_blocked and not stood:
            self._condition("loop_blocked", f"the event loop has not stood still for {seconds:g} s", active=False)
            self._was_blocked = False

    # ---------------------------------------------------------------------- the service manager

    def _feed(self) -> bool:
        """Feeds, unless something is wrong; whether it did."""
        faults = self._health.faults
        if self._latest_s > UNFED_S:
            faults.append(f"the event loop was late by {self._latest_s:.1f} s")
        if self._journal.is_silent:
            faults.append("the journal neither writes nor says why")
        self._latest_s = 0.0
        if not faults:
            self._manager.tell(WATCHDOG="1")
        unfit = "; ".join(faults) or None
        if unfit != self._unfit:
            self._unfit = unfit
            is_fed = "the service manager's watchdog is fed"
            self._condition("watchdog_unfed", f"not fed: {unfit}" if unfit else is_fed, active=unfit is not None)
            self._manager.tell(STATUS=f"unfit: {unfit}" if unfit else is_fed)
        return unfit is None

    def status(self, event: Event) -> None:
        """What a person reads in `systemctl status`: the state of the run that changed last."""
        if event.kind == "run.state":
            reason = event.data["reason"]
            self._manager.tell(STATUS=f"run {event.run} is {event.data['state']}" + (f": {reason}" if reason else ""))


class _Load:
    """Why a loop is late: a call that blocked, its own work, or a computer that has no time for it."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wall_s, self._thread_s = clock(), time.thread_time()

    def why(self, standstill: Standstill | None) -> str:
        """The reason for the time since the last call; to be called in the loop's thread."""
        wall_s, thread_s = self._clock(), time.thread_time()
        passed_s = max(wall_s - self._wall_s, 1e-9)
        share = (thread_s - self._thread_s) / passed_s
        self._wall_s, self._thread_s = wall_s, thread_s
        if standstill is not None:
            return f"it stood still for {standstill.lasted_s:.2f} s in {standstill.where}"
        if share > BUSY:
            return f"its own work took {100 * share:.0f} % of a core"
        load, cores = os.getloadavg()[0], os.cpu_count() or 1
        return (
            f"its own work took {100 * share:.0f} % of a core only; load {load:.1f} on {cores} cores and other"
            " threads leave it too little time"
        )


@asynccontextmanager
async def self_watched(
    journal: Journal, health: Health, manager: ServiceManager, *, speed: float = 1.0
) -> AsyncIterator[SelfWatch]:
    """The controller watches itself within the block; `speed` is how fast the loop's clock runs beside the wall's.

    The service manager is told that it is stopping when the block is left.
    """
    watch = SelfWatch(journal, health, manager)
    watch.begin()
    standstills = StandstillWatch(time.monotonic)

    async def watched() -> None:
        while True:
            due_s = time.monotonic() + PERIOD_S
            await asyncio.sleep(PERIOD_S * speed)
            watch.tick(max(0.0, time.monotonic() - due_s), standstills.turned())
            tell_states()

    def tell_states() -> None:
        while not events.empty():
            watch.status(events.get_nowait())

    with standstills.watching(), journal.stream.subscribe() as events:
        async with background(conditions_in(journal), health) as tasks:
            tasks.start("the controller's watch over itself", watched, Restart(times=None), condition="self_watch")
            try:
                yield watch
            finally:
                tell_states()
                manager.tell(STOPPING="1")
