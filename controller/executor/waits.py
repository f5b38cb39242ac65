"""The maximum waits of one run while it goes on: when each ends, and a condition told when one is broken.

Time is the loop's. A wait counts from the end of a step to the beginning of another, which has its unit then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from math import inf
from typing import Any

from controller.allocation import earliest_due
from recipes.model import Step
from recipes.waits import WaitLimit, wait_limits

BROKEN = "maximum_wait_broken"


class Waits:
    """What is known of a run's steps and maximum waits.

    `reached` is told of every step that has its unit, `finished` of its end, `end` of the run's. A step begins when it
    is reached, or, where by_person is set, when somebody comes to it (`begun`).
    """

    def __init__(self, steps: Sequence[Step], tell: Callable[[str, Mapping[str, Any]], None]) -> None:
        self.limits = wait_limits(steps)
        self.finished_s: dict[str, float] = {}
        self.by_person = False
        self.current: str | None = None
        self.reached_s = 0.0
        self.has_begun = False
        self._tell = tell
        self._timers: dict[WaitLimit, asyncio.TimerHandle] = {}
        self._broken: list[WaitLimit] = []

    def due_s(self, step: str) -> float:
        """When the first of a step's maximum waits ends, on the loop's clock; inf where none is counting."""
        if step == self.current and self.has_begun:
            return inf
        return earliest_due(self.finished_s, [(x.after, x.time_s) for x in self.limits if x.step == step])

    def finished(self, step: str, ago_s: float = 0.0) -> None:
        """A step has ended, now or ago_s before: what is to follow it within a time is counted from then."""
        loop = asyncio.get_running_loop()
        self.finished_s[step], self.current = loop.time() - ago_s, None
        for limit in self.limits:
            if limit.after == step:
                self._timers[limit] = loop.call_later(max(0.0, limit.time_s - ago_s), self._break, limit)

    def tell_over(self) -> None:
        """Tells now of the waits whose time was over when they began to count: a sheet that had lain for long."""
        now_s = asyncio.get_running_loop().time()
        for limit in [x for x in self._timers if now_s - self.finished_s[x.after] >= x.time_s]:
            self._timers[limit].cancel()
            self._break(limit)

    def reached(self, step: str) -> None:
        """A step has its unit."""
        self.current, self.reached_s, self.has_begun = step, asyncio.get_running_loop().time(), False
        if not self.by_person:
            self.begun()

    def begun(self) -> None:
        """The present step begins: nothing counts towards it any more."""
        if self.current is None or self.has_begun:
            return
        self.has_begun = True
        self._started(self.current)

    def _started(self, step: str) -> None:
        now_s = asyncio.get_running_loop().time()
        for limit in [limit for limit in self.limits if limit.step == step]:
            if (timer := self._timers.pop(limit, None)) is not None:
                timer.cancel()
            if limit in self._broken:
                self._broken.remove(limit)
                waited = _minutes(now_s - self.finished_s[limit.after])
                self._condition(f"{step} began {waited} after the end of {limit.after}", limit, active=False)

    def end(self) -> None:
        """The run is over; what did not begin will not."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        for limit in self._broken:
            self._condition(f"the run ended before {limit.step} began", limit, active=False)
        self._broken.clear()

    def _break(self, limit: WaitLimit) -> None:
        self._timers.pop(limit, None)
        self._broken.append(limit)
        what = f"{limit.step} has not begun {_minutes(limit.time_s)} after the end of {limit.after}"
        self._condition(f"{what}, the longest that the recipe allows", limit, active=True)

    def _condition(self, message: str, limit: WaitLimit, *, active: bool) -> None:
        item = f"{limit.after}-{limit.step}"
        data = {"name": BROKEN, "unit": None, "item": item, "active": active, "message": message}
        self._tell("condition", data | {"step": limit.step, "after": limit.after})


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"
