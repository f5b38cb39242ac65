"""Months of blocks in PostgreSQL: made when the first block of a month comes, dropped when retention emptied them.

Every PostgreSQL has native partitions; blocks are packed columns already, which TimescaleDB's own packing would not
make smaller (docs/decisions/0037-historian.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

from sqlalchemy import Connection, text

PARTITIONED = ("trend_blocks", "trend_times")
_LOCK = 7_310_593  # of ours among the advisory locks of a database: two lines may need the same month at once


class Months:
    """Which months are there; a month that a transaction made counts only once that is known to be committed."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def ensure(self, connection: Connection, starts_us: Iterable[int]) -> None:
        """Partitions for blocks that begin at these times; nothing where the database needs none."""
        if connection.dialect.name != "postgresql":
            return
        for name in sorted({_month_of(us) for us in starts_us}):
            if name not in self._known and not self._is_there(connection, name):
                connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
                from_us, to_us = _bounds(name)
                for table in PARTITIONED:
                    bounds = f"FOR VALUES FROM ({from_us}) TO ({to_us})"
                    connection.execute(text(f"CREATE TABLE IF NOT EXISTS {table}_{name} PARTITION OF {table} {bounds}"))
            elif len(self._known) < 1000:
                self._known.add(name)

    def forget(self) -> None:
        """Another program may have dropped some."""
        self._known.clear()

    @staticmethod
    def _is_there(connection: Connection, name: str) -> bool:
        found = connection.execute(text("SELECT to_regclass(:name)"), {"name": f"{PARTITIONED[-1]}_{name}"})
        return found.scalar() is not None


def drop_empty(connection: Connection, before_us: int) -> list[str]:
    """Drops months that lie wholly before this time and hold nothing; which ones."""
    if connection.dialect.name != "postgresql":
        return []
    last = _month_of(before_us)
    dropped = []
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    for table in PARTITIONED:
        query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)")
        for name in connection.execute(query, {"table": table}).scalars().all():
            is_old = name.rpartition("_")[2] < last
            if is_old and not connection.execute(text(f"SELECT 1 FROM {name} LIMIT 1")).first():  # noqa: S608 - a catalogue's name
                connection.execute(text(f"DROP TABLE {name}"))
                dropped.append(name)
    return dropped


def drop_months(connection: Connection, before_us: int) -> list[str]:
    """Drops months that lie wholly before this time, with every line's blocks; which months, the oldest first."""
    if connection.dialect.name != "postgresql":
        return []
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    months = set()
    for table in PARTITIONED:
        query = text("SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = CAST(:table AS regclass)")
        for name in connection.execute(query, {"table": table}).scalars().all():
            if (month := name.rpartition("_")[2]) < _month_of(before_us):
                connection.execute(text(f"DROP TABLE {name}"))
                months.add(month)
    return sorted(months)


def end_of(month: str) -> int:
    """UTC microseconds at which a month (202611) is over."""
    return _bounds(month)[1]


def _month_of(us: int) -> str:
    return f"{datetime.fromtimestamp(us // 1_000_000, UTC):%Y%m}"


def _bounds(month: str) -> tuple[int, int]:
    year, number = int(month[:-2]), int(month[-2:])
    after = (year + 1, 1) if number == 12 else (year, number + 1)
    first, end = (int(datetime(*start, 1, tzinfo=UTC).timestamp()) for start in ((year, number), after))
    return first * 1_000_000, end * 1_000_000
