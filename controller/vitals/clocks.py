"""A computer that slept, and a clock of the day that was set: both are recorded, because records carry UTC.

Durations are the loop's and run on a clock that nobody sets. While a computer sleeps that clock stands, and machines
hear nothing: they have acted by themselves, and what they do now is read anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

JUMP_S = 0.5
"""Seconds that a clock was set by; less may lie between the readings of one look on a computer that has no time
(engineering judgement)."""
SLEPT_S = 1.0
"""Seconds that the running clock lost (engineering judgement, for the same reason)."""


@dataclass(frozen=True, slots=True)
class Clocks:
    """Three clocks, in seconds: of the day (UTC), one that nobody sets and that stands while the computer sleeps, and
    one that counts through its sleep.
    """

    day: Callable[[], float]
    running: Callable[[], float]
    through: Callable[[], float]


def _through_sleep() -> float:
    """Linux counts sleep with CLOCK_BOOTTIME; elsewhere no sleep is seen, and UTC seems to jump."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if number is None else time.clock_gettime(number)


COMPUTER = Clocks(time.time, time.monotonic, _through_sleep)


class ClockWatch:
    """Compares the clocks at every look."""

    def __init__(self, clocks: Clocks = COMPUTER) -> None:
        self._clocks = clocks
        self._seen = self._read()

    def _read(self) -> tuple[float, float, float]:
        return self._clocks.day(), self._clocks.running(), self._clocks.through()

    def look(self) -> list[tuple[str, Mapping[str, Any]]]:
        """The events that happened to the clocks since the last look: kind and data, times in UTC and seconds."""
        (day_was, running_was, through_was), now = self._seen, self._read()
        self._seen = now
        day, running, through = now
        passed_s = through - through_was
        slept_s = passed_s - (running - running_was)
        expected = day_was + passed_s
        events: list[tuple[str, Mapping[str, Any]]] = []
        if slept_s > SLEPT_S:
            data = {"slept_s": round(slept_s, 3), "before": utc_of(day_was), "after": utc_of(expected)}
            events.append(("computer.slept", data))
        if abs(day - expected) > JUMP_S:
            data = {"by_s": round(day - expected, 3), "before": utc_of(expected), "after": utc_of(day)}
            events.append(("clock.jumped", data))
        return events


def behind(latest_utc: str, utc: str) -> Mapping[str, Any] | None:
    """The data of a clock.jumped: by how much a clock is behind a record that it has written, at least; None if not."""
    if not latest_utc:
        return None
    by_s = (datetime.fromisoformat(utc) - datetime.fromisoformat(latest_utc)).total_seconds()
    return {"by_s": round(by_s, 3), "before": latest_utc, "after": utc} if by_s < -JUMP_S else None


def utc_of(day_s: float) -> str:
    """A time of the day as records have it."""
    return datetime.fromtimestamp(day_s, UTC).isoformat(timespec="milliseconds")


def in_words(kind: str, data: Mapping[str, Any]) -> str:
    """What happened to the clocks, as a sentence."""
    if kind == "computer.slept":
        slept = f"the computer slept for {data['slept_s']:g} s from {data['before']} on"
        return f"{slept}; machines heard nothing meanwhile"
    ahead = "ahead" if data["by_s"] > 0 else "back"
    return f"the clock was set {ahead} by {abs(data['by_s']):g} s, from {data['before']} to {data['after']}"
