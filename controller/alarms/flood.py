"""Whether alarms come faster than a person can follow them (EEMUA 191, ISA-18.2: more than 10 in 10 minutes)."""

from __future__ import annotations

from bisect import bisect_right, insort
from math import inf

WINDOW_S = 600.0
BEGINS_ABOVE = 10
"""Alarms in 10 minutes for one operator: more than this is a flood."""
ENDS_BELOW = 5
"""A flood is over once fewer than this came in 10 minutes."""


class Flood:
    """Counts raised alarms over the last 10 minutes, on given times."""

    def __init__(self) -> None:
        self._leaves_s: list[float] = []
        self.is_there = False

    def raised(self, at_s: float) -> None:
        """One alarm more."""
        insort(self._leaves_s, at_s + WINDOW_S)

    def look(self, now_s: float) -> bool:
        """Whether there is a flood now."""
        del self._leaves_s[: bisect_right(self._leaves_s, now_s)]
        count = len(self._leaves_s)
        self.is_there = count >= ENDS_BELOW if self.is_there else count > BEGINS_ABOVE
        return self.is_there

    @property
    def next_due_s(self) -> float:
        """When a flood may be over at the earliest; infinite while there is none. A look at that time finds it over."""
        return self._leaves_s[-ENDS_BELOW] if self.is_there else inf
