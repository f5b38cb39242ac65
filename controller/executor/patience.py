"""Waiting for what happens next, and noticing when nothing does: one timer for many waits.

A timer a wait would be a timer a poll; here the timer that is there is left, and set anew when it goes off too early.
"""

from __future__ import annotations

import asyncio

from controller.executor.run import Inbox, Late, Request
from drivers.reading import LinkChange, Snapshot

_SAME_S = 1e-6  # a loop may call a timer early by its clock's resolution


class Patience:
    """Takes what comes into an inbox, until it gets too late. `end()` when nobody waits any more."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox
        self._due_s = 0.0
        self._timer: asyncio.TimerHandle | None = None

    async def next(self, due_s: float) -> Snapshot | LinkChange | Request:
        """The next item; raises TimeoutError when none came until the loop's clock shows due_s."""
        loop = asyncio.get_running_loop()
        self._due_s = due_s
        while True:
            if self._timer is None or self._timer.when() > due_s:
                self._set(due_s)
            item = await self._inbox.get()
            if not isinstance(item, Late):
                return item
            if loop.time() >= due_s - _SAME_S:
                raise TimeoutError

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _set(self, due_s: float) -> None:
        self.end()
        self._timer = asyncio.get_running_loop().call_at(due_s, self._rang)

    def _rang(self) -> None:
        self._timer = None
        if asyncio.get_running_loop().time() < self._due_s - _SAME_S:
            self._set(self._due_s)
        elif self._inbox.empty():  # else something is there to be taken, and the next wait begins anew
            self._inbox.put_nowait(Late())
