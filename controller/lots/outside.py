"""Time outside the dry room, by a record whose clock may have been set while it was kept."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

SET_BACK_S = 1.0
"""Seconds by which a record may be older than the one before it: less is a clock that was corrected (engineering
judgement)."""


@dataclass(frozen=True, slots=True)
class Moment:
    """When something was recorded: UTC, the seconds that had passed for sure, and how often the clock was set back."""

    utc: str = ""
    passed_s: float = 0.0
    set_back: int = 0


class RecordClock:
    """The time that passes from record to record; where UTC goes back nobody knows how long: it counts nothing."""

    def __init__(self) -> None:
        self._utc, self._at_s = "", 0.0
        self._passed_s, self._set_back = 0.0, 0

    def take(self, utc: str) -> None:
        """The time of the next record."""
        if utc == self._utc:
            return
        at_s = datetime.fromisoformat(utc).timestamp()
        passed_s = at_s - self._at_s if self._utc else 0.0
        self._passed_s += max(0.0, passed_s)
        self._set_back += passed_s < -SET_BACK_S
        self._utc, self._at_s = utc, at_s

    @property
    def now(self) -> Moment:
        """The moment of the last record."""
        return Moment(self._utc, self._passed_s, self._set_back)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A lot left the dry room or came back; `since` is when it left, also where it was still another lot then."""

    is_out: bool
    at: Moment
    sequence: int
    since: str = ""


@dataclass(frozen=True, slots=True)
class Outside:
    """How long a lot was outside, s, whether a clock that was set back hides more, and the last record that told it."""

    seconds: float = 0.0
    is_unsure: bool = False
    sequence: int = 0

    def after(self, parts: Iterable[Outside]) -> Outside:
        """Its own time after the longest of its parts."""
        parts = list(parts)
        return Outside(
            self.seconds + max((part.seconds for part in parts), default=0.0),
            self.is_unsure or any(part.is_unsure for part in parts),
            max((self.sequence, *(part.sequence for part in parts))),
        )


def outside(crossings: Iterable[Crossing], now: Moment) -> Outside:
    """The time between leaving and coming back, and until now for what is still outside."""
    seconds, is_unsure, sequence = 0.0, False, 0
    left: Moment | None = None
    for crossing in crossings:
        sequence = crossing.sequence
        if left is None:
            left = crossing.at if crossing.is_out else None
        elif not crossing.is_out:
            seconds += crossing.at.passed_s - left.passed_s
            is_unsure = is_unsure or crossing.at.set_back > left.set_back
            left = None
    if left is not None:
        seconds += now.passed_s - left.passed_s
        is_unsure = is_unsure or now.set_back > left.set_back
    return Outside(seconds, is_unsure, sequence)
