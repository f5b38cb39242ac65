"""The journal in one SQLite file, written by one thread; what can go wrong with a disk is answered here.

Records reach the file in their order: one that the disk refused is tried again before the next. A record counts as
written when SQLite has synced it and the file is still the one that was opened. What is still missing at the end goes
into the rescue file.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from controller.events import Event, EventStream
from controller.journal.anchor import EVERY_RECORDS, anchor_faults, anchor_path, read_anchor, write_anchor
from controller.journal.chain import verify
from controller.journal.database import (
    INSERT,
    Connect,
    all_rows,
    connected,
    events_of,
    in_words,
    opened,
    row_of,
    rows_from,
)
from controller.journal.errors import JournalError, StoreUnusable
from controller.journal.lock import locked
from controller.journal.memory import Journal
from controller.journal.rescue import is_empty, missing_records, rescue_path, reserve, write_rescue

PATIENCE_S = 10.0
"""Seconds that a record may take: twice what SQLite waits for another writer; a disk that is slower is told of."""

LINE = "line"
"""The name under which is told what belongs to no run."""


class SqliteJournal(Journal):
    """A journal in one SQLite file, locked against a second writer, verified against its anchor when it is opened.

    connect opens the file; patience_s is in real seconds. rescued counts the records of an earlier process that
    were taken in from its rescue file; a condition `journal_rescued` behind them in the record tells of it. Then it
    has to be opened on a running loop.
    """

    def __init__(
        self,
        stream: EventStream,
        utc: Callable[[], str],
        path: Path,
        connect: Connect = connected,
        patience_s: float = PATIENCE_S,
    ) -> None:
        super().__init__(stream, utc)
        self.path = path
        self.rescued = 0
        self._connect, self._patience_s = connect, patience_s
        self._lock = locked(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: set[asyncio.Future[None]] = set()
        self._backlog: deque[Event] = deque()
        self._turn: asyncio.Future[None] | None = None
        self._turn_waits = False
        self._watch: asyncio.TimerHandle | None = None
        self._closing = False
        self._inserted = self._anchored = 0
        try:
            self._database = self._opened()
        except BaseException:
            if is_empty(rescue_path(path)):
                rescue_path(path).unlink(missing_ok=True)
            self._lock.close()
            raise

    # ---------------------------------------------------------------------- opening

    def _opened(self) -> Any:
        """The database, with everything in it judged, and what was rescued taken in. Raises StoreUnusable."""
        _refuse_lost(self.path)
        reserved = is_empty(rescue_path(self.path))
        if reserved:
            reserve(rescue_path(self.path))
        database = opened(self.path, self._connect)
        try:
            self._go_on_from(earlier := self._judged(database))
            if not reserved:
                self._take_in(database, earlier)
                reserve(rescue_path(self.path))
        except sqlite3.Error as error:
            database.close()
            raise StoreUnusable(in_words(self.path, error)) from error
        except BaseException:
            database.close()
            raise
        self._files = _identity(self.path)
        return database

    def _judged(self, database: Any) -> list[Event]:
        earlier = events_of(self.path, all_rows(database))
        faults = verify(earlier)
        if not faults and (anchor := read_anchor(anchor_path(self.path))) is not None:
            faults = anchor_faults(earlier, anchor)
        if faults:
            keep = "keep this file and use another --store"
            raise StoreUnusable(f"{self.path}: the journal is damaged: {faults[0]}; {keep}")
        return earlier

    def _take_in(self, database: Any, earlier: list[Event]) -> None:
        """What was rescued goes in with the record that tells of it, all or nothing, also where this process dies."""
        missing = missing_records(rescue_path(self.path), earlier)
        if missing:
            self._go_on_from([*earlier, *missing])
            self.rescued = len(missing)
            words = f"{len(missing)} records that the disk had not taken before are in the journal {self.path} now"
            told = self._next(LINE, "condition", _condition("journal_rescued", words, active=True))
            database.execute("BEGIN IMMEDIATE")
            for event in (*missing, told):
                database.execute(INSERT, row_of(event))
            database.execute("COMMIT")
            self._inserted = told.sequence
        rescue_path(self.path).unlink()

    # ---------------------------------------------------------------------- writing, in the journal's thread

    def _write_backlog(self) -> None:
        """Writes everything that waits, oldest first; what fails stays and is tried again with the next record."""
        self._turn_waits = False  # what comes from now on may be too late for this turn
        while self._backlog:
            event = self._backlog[0]
            if event.sequence > self._inserted:
                self._database.execute(INSERT, row_of(event))
                self._inserted = event.sequence
            self._refuse_replaced()
            self._backlog.popleft()
            self._anchored += 1
            if self._anchored >= EVERY_RECORDS:
                self._anchor(event)

    def _refuse_replaced(self) -> None:
        if _identity(self.path) != self._files:
            raise StoreUnusable("the file was deleted or replaced while it was in use")

    def _anchor(self, event: Event) -> None:
        with suppress(OSError):  # the anchor before this one still stands, and says less
            write_anchor(anchor_path(self.path), event)
            self._anchored = 0

    # ---------------------------------------------------------------------- appending, on the loop

    def _submit(self, event: Event) -> asyncio.Future[None]:
        """The turn of the thread that will write a record; one that has not begun writes for all that wait."""
        self._backlog.append(event)
        if self._turn_waits and self._turn is not None:
            return self._turn
        self._turn_waits = True
        loop = asyncio.get_running_loop()
        future = self._turn = loop.run_in_executor(self._thread, self._write_backlog)
        self._pending.add(future)
        future.add_done_callback(self._settled)
        if self._watch is None and not self._closing:
            self._watch = loop.call_later(self._limit_s(), self._late)
        return future

    def _settled(self, future: asyncio.Future[None]) -> None:
        self._pending.discard(future)
        if self._watch is not None and not self._closing:
            self._watch.cancel()
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(self._limit_s(), self._late) if self._pending else None
        if future.cancelled():
            return
        error = future.exception()
        self._tell(None if error is None else _why(self.path, error))

    def _limit_s(self) -> float:
        """The patience in the loop's seconds: a disk is no faster where a simulated line's clock is."""
        return self._patience_s * float(getattr(asyncio.get_running_loop(), "speed", 1.0))

    def _late(self) -> None:
        self._watch = None
        self._tell(f"{self.path}: the disk has not answered for {self._patience_s:g} s")

    def _tell(self, broken: str | None) -> None:
        """Tells when writing begins to fail and when it works again, as a condition; each change once."""
        was, self.broken = self.broken, None if broken is None else f"the journal cannot be written: {broken}"
        if self._closing or (was is None) == (self.broken is None):
            return
        message = self.broken or f"the journal {self.path} is written again; nothing is missing in it"
        self.note(LINE, "condition", _condition("journal_unwritable", message, active=self.broken is not None))

    @property
    def is_silent(self) -> bool:
        return bool(self._pending) and self._watch is None and self.broken is None and not self._closing

    async def _store(self, event: Event) -> None:
        future = self._submit(event)
        try:
            await asyncio.wait_for(asyncio.shield(future), self._limit_s())
        except TimeoutError:
            words = f"{self.path}: the disk has not answered for {self._patience_s:g} s"
            raise JournalError(f"the journal cannot be written: {words}") from None
        except (sqlite3.Error, OSError, StoreUnusable) as error:
            raise JournalError(f"the journal cannot be written: {_why(self.path, error)}") from error

    def _store_later(self, event: Event) -> None:
        self._submit(event)

    # ---------------------------------------------------------------------- closing

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        if self._watch is not None:
            self._watch.cancel()
        loop = asyncio.get_running_loop()
        last = loop.run_in_executor(self._thread, self._finish)
        done, late = await asyncio.wait({last, *self._pending}, timeout=self._limit_s())
        if late:
            last.cancel()
            self.broken = f"the journal cannot be written: {self.path}: the disk does not answer"
            self._rescue()
        elif (error := last.exception()) is not None:
            self.broken = f"the journal cannot be written: {_why(self.path, error)}"
            self._rescue()
        else:
            self.broken = None
            rescue_path(self.path).unlink(missing_ok=True)
        for future in done:
            future.exception()  # each was told of when it came
        self._thread.shutdown(wait=not late)
        if not late:  # else the thread may still write, and nobody else may until it is gone
            self._lock.close()

    def _finish(self) -> None:
        """The last try, and a look at what the file holds: all that this process appended, or it raises."""
        try:
            self._write_backlog()
            if self._events:
                self._look_again()
                self._anchor(self._events[-1])
        finally:
            self._database.close()

    def _look_again(self) -> None:
        self._refuse_replaced()  # else opening it once more would make a new file
        with closing(self._connect(self.path)) as database:
            held = rows_from(database, self._events[0].sequence)
        if held != [row_of(event) for event in self._events]:
            raise StoreUnusable("the file does not hold what was written to it")

    def _rescue(self) -> None:
        """Everything that this process appended, into the rescue file; what became of it is added to `broken`."""
        waiting = f"{len(self._backlog)} records were not written"
        try:
            where = write_rescue(rescue_path(self.path), self.path.name, self._events)
        except OSError as error:
            self.broken = f"{self.broken}; {waiting}, nor could they be rescued ({error.strerror})"
            return
        kept = f"all {len(self._events)} of this process are in {where}, which `pressline verify` reads"
        self.broken = f"{self.broken}; {waiting}; {kept}"


def _condition(name: str, message: str, *, active: bool) -> Mapping[str, Any]:
    return {"name": name, "unit": None, "active": active, "message": message}


def _why(path: Path, error: BaseException) -> str:
    return in_words(path, error, "SQLite refuses") if isinstance(error, sqlite3.Error) else f"{path}: {error}"


def _identity(path: Path) -> list[tuple[int, int] | None]:
    """Which files are at the place of a store and of its log; SQLite would go on writing to ones that were deleted."""
    found: list[tuple[int, int] | None] = []
    for file in (path, path.with_name(path.name + "-wal")):
        try:
            state = file.stat()
            found.append((state.st_dev, state.st_ino))
        except OSError:
            found.append(None)
    return found


def _refuse_lost(path: Path) -> None:
    """Refuses to make a new store where there was one. Raises StoreUnusable."""
    if path.exists():
        return
    left = [anchor_path(path), path.with_name(path.name + "-wal")]
    left += [] if is_empty(rescue_path(path)) else [rescue_path(path)]
    if there := [file.name for file in left if file.exists()]:
        words = f"{path}: the store is missing, and {', '.join(there)} beside it says that there was one"
        raise StoreUnusable(f"{words}; put it back, or take them away to begin a new one")
