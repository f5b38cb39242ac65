"""What tests of the plant's copy share: a line's store on a disk, a plant's database, and one round of copying."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import select

from controller.database import Database, database_opened
from controller.events import Event, EventStream
from controller.historian import TABLES as TREND_TABLES
from controller.historian.looking import look_at
from controller.historian.reading import TrendReader
from controller.historian.samples import Samples
from controller.journal import SqliteJournal, read_events
from controller.journal.database import events_of
from controller.journal.records import COLUMNS
from controller.journal.sqlite import SqliteMedium
from controller.plant import TABLES, Copied, Copier, CopyOptions
from controller.plant.tables import records
from tests.controller.historian.stores import DAY_US, START_US, Store, bits, sqlite_url

NAME = "lyon/hall-2/line-1"
ALWAYS = (START_US - 90 * DAY_US, START_US + 90 * DAY_US)
AT_ONCE = CopyOptions(every_s=0.01, pause_s=0, first_wait_s=0.01, most_wait_s=0.02, away_s=0, records=10, blocks=3)


def utc() -> str:
    return "2026-11-22T06:00:00.000+00:00"


class Line:
    """A line's store: its journal, and its trends where a test wants some."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        self.file, self.url = folder / "line.sqlite", sqlite_url(folder)
        self.status: dict[str, Any] = {"accepts_runs": True, "runs": [], "units": [], "alarms": {}, "standing": []}
        self.has_trends = False
        self.store: Store | None = None

    async def tell(self, count: int, kind: str = "k", data: Mapping[str, Any] | None = None, run: str = "r") -> None:
        journal = SqliteJournal(EventStream(), utc, self.file)
        for number in range(count):
            await journal.append(run, kind, {"n": number} if data is None else data)
        await journal.close()

    def events(self) -> list[Event]:
        return read_events(self.file)

    def trends(self) -> Store:
        if self.store is None:
            self.store, self.has_trends = Store(self.url), True
        return self.store

    def copied(self, name: str = NAME) -> Copied:
        return Copied(
            name,
            "line",
            newest=lambda: len(self.events()),
            reading=SqliteMedium(self.file).reading,
            trends=lambda: self.url if self.has_trends else None,
            status=lambda: self.status,
        )

    def copier(self, plant: str, told: list[Mapping[str, Any]] | None = None, **more: Any) -> Copier:
        tell = (list[Mapping[str, Any]]() if told is None else told).append
        return Copier(self.copied(more.pop("name", NAME)), plant, tell, more.pop("options", AT_ONCE))

    def close(self) -> None:
        if self.store is not None:
            self.store.database.close()


@asynccontextmanager
async def open_plant(url: str) -> AsyncIterator[Database]:
    async with database_opened(url, (*TREND_TABLES, *TABLES)) as plant:
        yield plant


async def one_round(line: Line, copier: Copier, url: str) -> None:
    """As after a start: the plant is opened, everything new is copied once."""
    async with open_plant(url) as plant:
        await copier.begin(plant)
        trends = look_at(line.url) if line.has_trends else None
        try:
            await copier.round(plant, trends)
        finally:
            if trends is not None:
                trends.close()


async def at_plant(url: str, name: str = NAME) -> list[Event]:
    """The records that the plant has of a line, in their order."""
    names = [records.c[column] for column in COLUMNS.split(", ")]
    query = select(*names).where(records.c.line == name).order_by(records.c.sequence)
    async with open_plant(url) as plant:
        rows = await plant.run(lambda connection: connection.execute(query).all())
    return events_of("plant", [tuple(row) for row in rows])


def plant_samples(plant: Database, tag: str, name: str = NAME) -> list[tuple[int, int, int]]:
    return bits(plant.run_now(lambda connection: TrendReader(name).samples(connection, tag, *ALWAYS)))


def line_samples(line: Line, tag: str) -> list[tuple[int, int, int]]:
    return bits(line.trends().both(tag, *ALWAYS)[1])


def noise(count: int, seed: int, from_us: int = START_US, every_us: int = 50_000) -> Samples:
    """Samples of which no two are alike."""
    chance = np.random.default_rng(seed)
    times = from_us + np.arange(count) * every_us
    return Samples(times, chance.normal(size=count), chance.integers(0, 3, count).astype(np.uint8))
