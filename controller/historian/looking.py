"""Trends of a store for whoever only looks: nothing is written, and a writer beside is not disturbed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import NullPool

from controller.database import Database, DatabaseUnusable
from controller.historian import reading
from controller.historian.model import HOUR_US, Mark, StoredTag, Trend
from controller.historian.samples import Samples

PAGE_US = 6 * HOUR_US
"""How much of a tag is in memory at once while it is exported: 430,000 samples at 20 Hz."""


class Trends(Protocol):
    """Who has trends: the historian that records them, or a store that is looked at."""

    line: str

    async def tags(self) -> list[StoredTag]: ...

    async def samples(self, tag: str, from_us: int, to_us: int) -> Samples: ...

    async def marks(self, from_us: int, to_us: int) -> list[Mark]: ...


class StoredTrends:
    """The trends of one line in a database."""

    def __init__(self, database: Database, line: str) -> None:
        self.line = line
        self._database = database
        self._reader = reading.TrendReader(line)

    async def tags(self) -> list[StoredTag]:
        """Every tag, by name."""
        return await self._database.run(self._reader.tags)

    async def samples(self, tag: str, from_us: int, to_us: int) -> Samples:
        """Every sample of from_us <= time < to_us, in order. Raises TagUnknown, RangeRefused."""
        return await self._database.run(lambda c: self._reader.samples(c, tag, from_us, to_us))

    async def trend(self, tag: str, from_us: int, to_us: int, points: int) -> Trend:
        """A tag in at most `points` buckets. Raises TagUnknown, RangeRefused."""
        return await self._database.run(lambda c: self._reader.trend(c, tag, from_us, to_us, points))

    async def marks(self, from_us: int, to_us: int) -> list[Mark]:
        """What has to be known of a stretch of time. Raises RangeRefused."""
        reading.check_range(from_us, to_us)
        return await self._database.run(lambda c: self._reader.marks(c, from_us, to_us))


def page_bounds(stored: Sequence[StoredTag], from_us: int, to_us: int) -> Iterator[tuple[int, int]]:
    """The range in pieces that memory holds, without what lies before the first or behind the last sample."""
    firsts = [one.first_us for one in stored if one.first_us is not None]
    lasts = [one.last_us for one in stored if one.last_us is not None]
    start_us, end_us = max(from_us, min(firsts, default=to_us)), min(to_us, max(lasts, default=from_us) + 1)
    for page_us in range(start_us, end_us, PAGE_US):
        yield page_us, min(page_us + PAGE_US, end_us)


async def pages(trends: Trends, stored: StoredTag, from_us: int, to_us: int) -> AsyncIterator[Samples]:
    """All samples of a tag in pieces that memory holds, in order; none is empty."""
    for start_us, end_us in page_bounds([stored], from_us, to_us):
        found = await trends.samples(stored.tag.name, start_us, end_us)
        if len(found):
            yield found


def trends_file(store: Path) -> Path:
    """Where the trends of an SQLite store are: beside it."""
    return store.with_name(f"{store.stem}-trends.sqlite")


def look_at(url: str) -> Database:
    """A database that is only read, each transaction at one moment. Raises DatabaseUnusable."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable("the store's URL is none; expected a file or postgresql://HOST/NAME") from None
    if parsed.get_backend_name() == "sqlite":
        return Database(_read_only(parsed))
    return Database(create_engine(parsed.set(drivername="postgresql+psycopg"), isolation_level="REPEATABLE READ"))


def lines(connection: Connection) -> Sequence[str]:
    """The lines whose trends a database holds."""
    return reading.lines(connection)


def _read_only(url: URL) -> Engine:
    file = quote(str(Path(url.database or "").absolute()))
    engine = create_engine(f"sqlite:///file:{file}?mode=ro&uri=true", poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _ours(connection: Any, _: Any) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN")

    return engine
