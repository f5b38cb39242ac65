"""The historian of a line: samples come in from the loop at any rate, and a thread stores them.

Nothing here waits for a disk: what came is written every flush_s, and when the store stands still samples wait in
bounded memory; what finds no room is counted, marked in the trend, and told as a condition until writing works again.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from numpy.typing import ArrayLike
from sqlalchemy import Connection

from controller.database import Database, DatabaseUnusable
from controller.historian import retention
from controller.historian.csv_export import export_csv
from controller.historian.errors import TrendsTaken
from controller.historian.exceptions import Exceptions
from controller.historian.model import HistorianOptions, Mark, MarkKind, StoredTag, Tag, Trend
from controller.historian.reading import TrendReader, check_range
from controller.historian.samples import Samples, samples_of
from controller.historian.sealing import Seal, Sealed, seal
from controller.historian.waiting_room import Source, Taken, WaitingRoom
from controller.historian.writing import TrendWriter
from controller.vitals.background import Health, background
from controller.vitals.deaths import Restart, Tell
from drivers.reading import Quality

T = TypeVar("T")
CONDITION = "trends_not_stored"
STANDS_S = 10.0
"""Loop seconds that one write may take before it is told (engineering judgement; it takes some milliseconds)."""
KEEP_EVERY_S = 3600.0
"""Loop seconds between two looks at what is too old or too much."""
ENDS_WITHIN_S = 10.0
"""Loop seconds for what waits when recording is ended."""


class Historian:
    """Samples in, trends out. Times are UTC microseconds; `utc_us` gives now. Reading raises DatabaseUnusable.

    needed_us gives from when on trends are needed still, however old they are; None for nothing.
    """

    def __init__(
        self, database: Database, line: str, options: HistorianOptions, utc_us: Callable[[], int], tell: Tell
    ) -> None:
        self.line = line
        self.options = options
        self.utc_us = utc_us
        self.needed_us: Callable[[], int | None] = lambda: None
        self._database = database
        self._tell = tell
        self._room = WaitingRoom(options.waiting_samples)
        self._writer = TrendWriter(line)
        self._reader = TrendReader(line, lambda _, tag: self._writer.waiting.samples(tag))
        self._exceptions = Exceptions(options.exceptions)
        self._ongoing: dict[tuple[MarkKind, str], Mark] = {}
        self._writing = asyncio.Lock()
        self._is_open = self._is_told = False

    # ------------------------------------------------------------------ samples in

    @property
    def lost(self) -> int:
        """Samples that found no room since recording began."""
        return self._room.lost

    @property
    def waiting(self) -> int:
        """Samples in memory that are not stored yet."""
        return self._room.count

    def describe(self, tags: Iterable[Tag]) -> None:
        """Says what tags are; a tag of which nothing is said has no unit."""
        for tag in tags:
            self._room.describe(tag)

    def write(
        self, tag: str, times_us: ArrayLike, values: ArrayLike, qualities: ArrayLike | Quality = Quality.GOOD
    ) -> None:
        """Samples of one tag, late ones too; stored with the next write. Raises SamplesRefused, and takes none then."""
        samples = samples_of(times_us, values, qualities)
        if not len(samples):
            return
        first, last = int(samples.times_us.min()), int(samples.times_us.max())
        if self._room.has_room(tag, len(samples), first, last):
            self._room.put(tag, samples)
        else:
            self._tell_trouble("the store takes none")

    def take(self, source: Source, item: Any, scope: str, count: int, at_us: int) -> None:
        """Something with at most `count` samples, which its source decodes later and elsewhere."""
        if self._room.has_room(scope, count, at_us, at_us):
            self._room.put_item(source, item)
        else:
            self._tell_trouble("the store takes none")

    def begin_mark(self, kind: MarkKind, scope: str, words: str, at_us: int) -> None:
        """Something has to be known of the trends of `scope` from now on."""
        self._ongoing.setdefault((kind, scope), Mark(kind, scope, at_us, None, words))

    def end_mark(self, kind: MarkKind, scope: str, at_us: int) -> None:
        """It is over; nothing where nothing was begun."""
        if (mark := self._ongoing.pop((kind, scope), None)) is not None:
            self.mark(Mark(kind, scope, min(mark.from_us, at_us), max(mark.from_us, at_us), mark.words, mark.lost))

    def mark(self, mark: Mark) -> None:
        """Something has to be known of a stretch of time that has ended."""
        self._room.mark(mark)

    # ------------------------------------------------------------------ trends out

    async def trend(self, tag: str, from_us: int, to_us: int, points: int) -> Trend:
        """A tag from from_us up to to_us, as far as it is stored. Raises TagUnknown, RangeRefused."""
        found = await self._read(lambda connection: self._reader.trend(connection, tag, from_us, to_us, points))
        ongoing = (mark for mark in self._marks_since(to_us) if mark.concerns(tag))
        return Trend(found.tag, from_us, to_us, found.buckets, (*found.marks, *ongoing), found.left_out)

    async def samples(self, tag: str, from_us: int, to_us: int) -> Samples:
        """Every sample of from_us <= time < to_us, in order. Raises TagUnknown, RangeRefused."""
        return await self._read(lambda connection: self._reader.samples(connection, tag, from_us, to_us))

    async def tags(self) -> list[StoredTag]:
        """Every tag that was ever recorded, by name."""
        return await self._read(self._reader.tags)

    async def marks(self, from_us: int, to_us: int) -> list[Mark]:
        """What has to be known of a stretch of time, for whichever tag. Raises RangeRefused."""
        check_range(from_us, to_us)
        return [*await self._read(lambda c: self._reader.marks(c, from_us, to_us)), *self._marks_since(to_us)]

    async def seal(self, wanted: Seal, file: Path) -> Sealed:
        """Trends as a Parquet file, with what came up to now. Raises ExportRefused, TagUnknown, RangeRefused."""
        await self.flush()
        return await seal(self, wanted, file)

    async def export_csv(self, tags: Sequence[str] | None, from_us: int, to_us: int, file: Path) -> int:
        """Trends as CSV, None takes every tag; how many rows. Raises ExportRefused, TagUnknown, RangeRefused."""
        await self.flush()
        return await export_csv(self, tags, from_us, to_us, file)

    async def stored(self) -> tuple[str, str]:
        """Stores what waits, and says where others read it: the database's URL and the name of the line in it."""
        await self.flush()
        return self._database.engine.url.render_as_string(hide_password=False), self.line

    # ------------------------------------------------------------------ work

    async def open(self) -> None:
        """Takes the line's trends over and marks the time in which nobody recorded."""
        if not self._is_open:
            now_us = self.utc_us()
            await self._database.run(lambda connection: self._writer.open(connection, now_us))
            self._is_open = True

    async def flush(self) -> None:
        """Stores what waits; returns when it is durable. Raises DatabaseUnusable, TrendsTaken; then it waits on."""
        async with self._writing:
            await self.open()
            taken = self._room.first(self.utc_us())
            stands = asyncio.get_running_loop().call_later(STANDS_S, self._tell_trouble, "the disk stands still")
            try:
                await self._database.run(lambda connection: self._store(connection, taken))
            finally:
                stands.cancel()
            self._room.written(taken)
        if self._is_told:
            self._is_told = False
            lost = f"; {self.lost} samples were lost" if self.lost else "; nothing was lost"
            self._tell({"name": CONDITION, "unit": None, "active": False, "message": f"trends are stored again{lost}"})

    async def keep(self, now_us: int) -> int:
        """Deletes what is older or more than the options allow; how many hours of trends went."""
        needed_us = self.needed_us()
        before = await self._read(lambda c: retention.limit(c, self.line, self.options, now_us, needed_us))
        gone = 0
        while before is not None and await self._read(lambda c: retention.delete_oldest(c, self.line, before)):
            gone += 1
        if gone:
            await self._read(lambda connection: retention.finish(connection, self.line))
        return gone

    async def run(self) -> None:
        """Writes every flush_s until it is cancelled. Trouble with the store is told, and tried again."""
        while True:
            await asyncio.sleep(self.options.flush_s)
            try:
                await self.flush()
            except (DatabaseUnusable, TrendsTaken) as error:
                self._tell_trouble(str(error))

    async def run_keeping(self) -> None:
        """Deletes what is too old or too much, again and again.

        How old something is, is judged by the clock of the day as it went on since the start: a clock that is set
        forward deletes nothing.
        """
        clock = asyncio.get_running_loop().time
        begun_us, begun_s = self.utc_us(), clock()
        while True:
            await asyncio.sleep(KEEP_EVERY_S)
            lived_us = begun_us + round((clock() - begun_s) * 1e6)
            try:
                await self.keep(min(self.utc_us(), lived_us))
            except DatabaseUnusable as error:
                self._tell_trouble(str(error))

    async def close(self) -> None:
        """Stores what waits and says that recording was ended; what cannot be stored in time is told as lost."""
        now_us = self.utc_us()
        for kind, scope in list(self._ongoing):
            self.end_mark(kind, scope, now_us)
        try:
            async with asyncio.timeout(ENDS_WITHIN_S):
                await self.flush()  # what a write before has left behind
                await self.flush()
                await self._database.run(lambda connection: self._writer.end(connection, now_us))
        except (DatabaseUnusable, TrendsTaken, TimeoutError) as error:
            why = str(error) or "the disk stands still"
            self._is_told = False  # this is new
            self._tell_trouble(f"{why}; recording ends without what waits")

    def _store(self, connection: Connection, taken: Taken) -> None:
        self._writer.store(connection, taken.made_batch(self._exceptions))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        def settled(connection: Connection) -> T:
            self._writer.settle(connection)
            return work(connection)

        return await self._database.run(settled)

    def _marks_since(self, to_us: int) -> list[Mark]:
        return [mark for mark in self._ongoing.values() if mark.from_us < to_us]

    def _tell_trouble(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            message = f"trends are not stored: {why}; {self.waiting} samples wait in memory"
            self._tell({"name": CONDITION, "unit": None, "active": True, "message": message})


@asynccontextmanager
async def recording(
    database: Database,
    line: str,
    *,
    utc_us: Callable[[], int],
    tell: Tell,
    options: HistorianOptions | None = None,
    health: Health | None = None,
) -> AsyncIterator[Historian]:
    """A historian works within the block; what waits is stored when it is left. `tell` hears of its trouble.

    Raises DatabaseUnusable where the store cannot be used at all.
    """
    historian = Historian(database, line, options or HistorianOptions(), utc_us, tell)
    await historian.open()
    try:
        async with background(tell, health) as tasks:
            tasks.start("the historian", historian.run, Restart(times=None), condition="historian")
            tasks.start("retention of trends", historian.run_keeping, Restart(times=None), condition="trend_retention")
            yield historian
    finally:
        await historian.close()
