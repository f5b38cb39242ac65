"""The time of day, as commands print it and as the journal keeps it."""

from __future__ import annotations

from datetime import UTC, datetime


def utc() -> datetime:
    """Now."""
    return datetime.now(UTC)


def utc_text(moment: datetime | None = None) -> str:
    """A moment (now, if none is given) in ISO 8601 with milliseconds."""
    return (moment or utc()).isoformat(timespec="milliseconds")
