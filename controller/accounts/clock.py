"""The time that limits are judged by: it never goes back, whatever is done to the computer's clock."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AccountClock:
    """UTC in microseconds that goes on with the loop's time while UTC is behind it.

    Set back, the computer's clock would revive what is over; standing still on the latest time would let nothing ever
    end. So it is the later of UTC and the latest time known plus what the loop counted since.
    """

    def __init__(self, utc: Callable[[], str], latest_us: int = 0) -> None:
        self._utc = utc
        self._latest_us = latest_us
        self._at_s: float | None = None

    def now_us(self) -> int:
        """The time of what is done now."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        passed_s = 0.0 if self._at_s is None else (now_s - self._at_s) / float(getattr(loop, "speed", 1.0))
        self._latest_us = max(us_of(self._utc()), self._latest_us + round(passed_s * 1e6))
        self._at_s = now_s
        return self._latest_us

    def not_before(self, latest_us: int) -> None:
        """Another time that is known to have been."""
        self._latest_us = max(self._latest_us, latest_us)


def us_of(utc: str) -> int:
    """A time of a record in microseconds; one without an offset is UTC. Raises ValueError."""
    when = datetime.fromisoformat(utc)
    when = when if when.tzinfo is not None else when.replace(tzinfo=UTC)
    return (when - _EPOCH) // timedelta(microseconds=1)


def text_of(us: int) -> str:
    """Microseconds in ISO 8601 with milliseconds."""
    return (_EPOCH + timedelta(microseconds=us)).isoformat(timespec="milliseconds")
