"""A line is copied into the plant's database, for as long as both live; the line waits for nothing of it.

Everything that waits for a disk or a network does so in a thread. What fails is tried again, later each time; where a
copy is, only the plant's own row says, so that nothing is there twice and nothing is left out.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection

from controller.database import Database, DatabaseUnusable, database_opened
from controller.historian import TABLES as TREND_TABLES
from controller.historian.looking import look_at
from controller.journal import StoreUnusable
from controller.journal.records import Records
from controller.plant import journal_copy, position, trend_source
from controller.plant.errors import HistoryDiffers, PlantError
from controller.plant.model import CopyOptions, Position, Progress
from controller.plant.tables import TABLES
from controller.plant.trend_copy import TrendCopy
from controller.vitals.deaths import Tell

T = TypeVar("T")
AWAY, REFUSED, LOST = "plant_away", "plant_refused", "plant_lost"


@dataclass(frozen=True, slots=True)
class Copied:
    """What is copied: a line, by its name there and by the name under which its store has its trends.

    newest is the number of its journal's last record, reading opens the journal to be read; trends is the URL of its
    trends, None where none are kept (yet); status says in plain values how it is.
    """

    name: str
    line: str
    newest: Callable[[], int]
    reading: Callable[[], AbstractContextManager[Records]]
    trends: Callable[[], str | None]
    status: Callable[[], Mapping[str, Any]]


class Copier:
    """Copies one line to the database of a URL, until it is cancelled. `tell` hears of what people should know."""

    def __init__(self, copied: Copied, url: str, tell: Tell, options: CopyOptions | None = None) -> None:
        self._copied, self._url, self._tell = copied, url, tell
        self._options = options or CopyOptions()
        self._trends = TrendCopy(copied.name)
        self._position: Position | None = None
        self._told: set[str] = set()
        self._fails_since_s: float | None = None
        self.progress = Progress()

    @property
    def copied_block(self) -> int:
        """The newest block of trends that the plant is known to have; before it was asked, 0."""
        return 0 if self._position is None else self._position.blocks

    async def run(self) -> None:
        """Copies, and begins again after whatever failed."""
        wait_s = self._options.first_wait_s
        while True:
            began_s = _now()
            try:
                await self._open_and_copy()
            except (DatabaseUnusable, StoreUnusable, PlantError) as error:
                if _now() - began_s > _loop_s(self._options.most_wait_s):
                    wait_s = self._options.first_wait_s  # it has worked for a while
                self._failed(error)
            else:
                wait_s = self._options.first_wait_s
            await asyncio.sleep(_loop_s(wait_s))
            wait_s = min(self._options.most_wait_s, 2 * wait_s)

    async def _open_and_copy(self) -> None:
        """A server that takes connections and answers nothing is waited for, in a thread, and told."""
        words = f"the plant's database has not answered for {self._options.away_s:g} s"
        stands = partial(self._say, _away(f"the line is not copied to the plant: {words}", active=True))
        late = asyncio.get_running_loop().call_later(max(1.0, _loop_s(self._options.away_s)), stands)
        try:
            async with database_opened(self._url, (*TREND_TABLES, *TABLES)) as plant:
                late.cancel()
                await self._copy(plant)
        finally:
            late.cancel()

    async def _copy(self, plant: Database) -> None:
        await self.begin(plant)
        async with self._local() as trends:
            while True:
                try:
                    await self.round(plant, trends)
                except HistoryDiffers as error:  # the plant still hears of the line
                    self._refused(error)
                await asyncio.sleep(_loop_s(self._options.every_s))
                if trends is None and self._copied.trends() is not None:
                    return  # there are some now

    async def begin(self, plant: Database) -> None:
        """Finds out where the copy is, on a connection that is new."""
        await self._asked(plant, self._trends.read)
        name, status = self._copied.name, self._status()
        self._position = await self._asked(plant, lambda connection: position.told(connection, name, status))

    def _status(self) -> str:
        said = {**self._copied.status(), "copy": {**asdict(self.progress), "newest": self._copied.newest()}}
        return json.dumps(said, ensure_ascii=False)

    async def round(self, plant: Database, trends: Database | None) -> None:
        """Says how the line is, and copies everything that is new.

        Raises DatabaseUnusable, StoreUnusable, CopyMoved, HistoryDiffers.
        """
        status = self._status()
        self._position = await self._asked(
            plant, lambda connection: position.told(connection, self._copied.name, status)
        )
        parts: list[Callable[[], Awaitable[bool]]] = [lambda: self._records(plant)]
        if trends is not None:
            parts.append(lambda: self._part(plant, trends))
        refused: list[HistoryDiffers] = []
        while parts:
            for part in list(parts):  # in turns: neither waits for the other's backlog
                try:
                    if await part():
                        continue
                except HistoryDiffers as error:
                    refused.append(error)
                parts.remove(part)
            self._worked()
            if parts:
                await asyncio.sleep(_loop_s(self._options.pause_s))
        if refused:
            raise refused[0]
        self._say(_refused("the line is copied to the plant again", active=False))
        self.progress = replace(self.progress, refused="")

    # ---------------------------------------------------------------------- parts

    async def _records(self, plant: Database) -> bool:
        """One part of the journal; whether there may be more."""
        was, most = self._at(), self._options.records

        def read() -> tuple[list[Any], int]:
            with self._copied.reading() as records:
                return journal_copy.next_records(records, was, most)

        rows, newest = await asyncio.to_thread(read)
        if rows:
            name = self._copied.name
            self._position = await self._asked(
                plant, lambda connection: journal_copy.put_records(connection, name, was, rows)
            )
        now = self._at().sequence
        self.progress = replace(self.progress, records=now, records_behind=newest - now)
        return now < newest

    async def _part(self, plant: Database, trends: Database) -> bool:
        """One part of the trends; whether there may be more."""
        was, copy, most = self._at(), self._trends, self._options.blocks
        line = self._copied.line
        part = await trends.run(lambda c: trend_source.next_part(c, line, was, most, copy.waiting))
        if part is None:
            return False
        is_new = not part.is_whole or (part.last, part.waiting) != (was.blocks, was.waiting)
        if is_new:
            self._position = await self._asked(plant, lambda connection: copy.put(connection, was, part))
        if part.lost:
            words = f"{part.lost} blocks of trends were deleted here before the plant had them"
            self._tell({"name": LOST, "unit": None, "active": True, "message": words})
        now = self._at()
        behind = part.newest - now.blocks
        self.progress = replace(self.progress, blocks=now.blocks, blocks_behind=behind, lost_blocks=now.lost_blocks)
        return not part.is_whole

    async def _asked(self, plant: Database, work: Callable[[Connection], T]) -> T:
        """What the plant's database answers. One that does not answer any more, or nobody waits for, is hung up on."""
        try:
            async with asyncio.timeout(_loop_s(self._options.answer_s)):
                return await plant.run(work)
        except TimeoutError:
            plant.hang_up()
            raise PlantError(f"{plant.place}: it has not answered for {self._options.answer_s:g} s") from None
        except asyncio.CancelledError:
            plant.hang_up()
            raise

    def _at(self) -> Position:
        if self._position is None:
            raise PlantError("the plant was not asked yet")
        return self._position

    @asynccontextmanager
    async def _local(self) -> AsyncIterator[Database | None]:
        url = self._copied.trends()
        if url is None:
            yield None
            return
        database = look_at(url)
        try:
            yield database
        finally:
            await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, database.close))

    # ---------------------------------------------------------------------- telling

    def _worked(self) -> None:
        self._fails_since_s = None
        self.progress = replace(self.progress, is_reached=True)
        self._say(_away("the plant's database takes the line's copy again", active=False))

    def _refused(self, error: HistoryDiffers) -> None:
        self.progress = replace(self.progress, refused=str(error))
        self._say(_refused(f"the line is not copied to the plant: {error}", active=True))

    def _failed(self, error: Exception) -> None:
        behind = self._copied.newest() - self.progress.records
        self.progress = replace(self.progress, is_reached=False, records_behind=behind)
        if self._fails_since_s is None:
            self._fails_since_s = _now()
        if _now() - self._fails_since_s >= _loop_s(self._options.away_s):
            self._say(_away(f"the line is not copied to the plant: {error}", active=True))

    def _say(self, data: Mapping[str, Any]) -> None:
        """Tells a condition when it begins and when it is over, each once."""
        if data["active"] == (data["name"] in self._told):
            return
        self._told ^= {data["name"]}
        self._tell(data)


def _away(words: str, *, active: bool) -> Mapping[str, Any]:
    return {"name": AWAY, "unit": None, "active": active, "message": words}


def _refused(words: str, *, active: bool) -> Mapping[str, Any]:
    return {"name": REFUSED, "unit": None, "active": active, "message": words}


def _now() -> float:
    return asyncio.get_running_loop().time()


def _loop_s(seconds: float) -> float:
    """Real seconds in the loop's: a network is no faster where a simulated line's clock is."""
    return seconds * float(getattr(asyncio.get_running_loop(), "speed", 1.0))
