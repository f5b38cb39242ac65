"""Times of messages: microseconds since 1970 inside, ISO 8601 outside."""

from __future__ import annotations

from datetime import UTC, datetime

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def iso(utc_us: int) -> str:
    """A time as messages write it."""
    seconds, rest = divmod(utc_us, 1_000_000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{rest:06d}Z"


def microseconds(utc: str) -> int | None:
    """The time of a record; None if it is none that can be read."""
    try:
        told = datetime.fromisoformat(utc)
    except ValueError:
        return None
    if told.tzinfo is None:
        told = told.replace(tzinfo=UTC)
    passed = told - _EPOCH
    return (passed.days * 86_400 + passed.seconds) * 1_000_000 + passed.microseconds
