"""Whether alarms come faster than a person can follow them (EEMUA 191, ISA-18.2: more than 10 in 10 minutes)."""

from __future__ import annotations

from collections import deque
from math import inf

WINDOW_S = 600.0
BEGINS_ABOVE = 10
"""Alarms in 10 minutes for one operator: more than this is a flood."""
ENDS_BELOW = 5
"""A flood is over once fewer than this came in 10 minutes."""


class Flood:
    """Counts raised alarms over the last 10 minutes, on given times."""

    def __init__(self) -> None:
        self._raised: deque[float] = deque()
        self.is_there = False

    def raised(self, at_s: float) -> None:
        """One alarm more."""
        self._raised.append(at_s)

    def look(self, now_s: float) -> bool:
        """Whether there is a flood now."""
        while self._raised and self._raised[0] <= now_s - WINDOW_S:
            self._raised.popleft()
        count = len(self._raised)
        self.is_there = count >= ENDS_BELOW if self.is_there else count > BEGINS_ABOVE
        return self.is_there

    @property
    def next_due_s(self) -> float:
        """When a flood may be over at the earliest; infinite while there is none."""
        return self._raised[len(self._raised) - ENDS_BELOW] + WINDOW_S if self.is_there else inf
