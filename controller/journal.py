"""The durable, hash-chained record of every decision (append-only).

Each record carries the SHA-256 of its predecessor, so that a changed, removed or swapped record is found. The SQLite
journal runs in write-ahead mode with synchronous=FULL, both checked when it is opened: an `append` that returned
survives a power cut. What raises risk is appended first and then sent; what lowers risk is sent first and noted with
`note`, which keeps the record in memory if the disk fails.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import sqlite3
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TextIO

from controller.events import Event, EventStream

GENESIS = "0" * 64
SCHEMA_VERSION = 1


class JournalError(Exception):
    """The journal cannot be trusted or written. Nothing may start; retry only after the cause is mended."""


class StoreUnusable(JournalError):
    """The file is not a journal of this version, or cannot be opened."""


class RecordUnreadable(StoreUnusable):
    """A record is no JSON any more: somebody or something changed the file. Not retryable."""

    def __init__(self, path: Path, what: str) -> None:
        super().__init__(f"{path}: the journal is damaged: {what}")
        self.what = what


class StoreBusy(JournalError):
    """Another process writes to this store. A retry makes sense when that process has ended."""


def canonical(data: Any) -> str:
    """JSON text that is the same for the same data: sorted keys, no spaces, no NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def chain_hash(previous: str, sequence: int, run: str, kind: str, data: str, time_s: float, utc: str) -> str:
    """Hash of one record, over its predecessor's hash and everything it says."""
    text = canonical([previous, sequence, run, kind, data, repr(time_s), utc])
    return hashlib.sha256(text.encode()).hexdigest()


def verify(events: Iterable[Event]) -> list[str]:
    """Every break of the chain, in words; an empty list means that the chain holds."""
    faults = []
    previous, expected = GENESIS, 1
    for event in events:
        if event.sequence != expected:
            faults.append(f"record {expected} is missing, record {event.sequence} stands in its place")
        if event.previous_hash != previous:
            faults.append(f"record {event.sequence} does not follow its predecessor")
        own = chain_hash(
            event.previous_hash, event.sequence, event.run, event.kind, canonical(event.data), event.time_s, event.utc
        )
        if own != event.hash:
            faults.append(f"record {event.sequence} ({event.kind}) was changed")
        previous, expected = event.hash, event.sequence + 1
    return faults


class Journal:
    """A journal in memory; the SQLite journal adds the disk. One writer, on one event loop."""

    def __init__(self, stream: EventStream, utc: Callable[[], str]) -> None:
        self.stream = stream
        self.broken: str | None = None
        self._utc = utc
        self._events: list[Event] = []
        self._last = (0, GENESIS)

    def _next(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        previous_sequence, previous_hash = self._last
        sequence, time_s, utc = previous_sequence + 1, asyncio.get_running_loop().time(), self._utc()
        own = chain_hash(previous_hash, sequence, run, kind, canonical(data), time_s, utc)
        event = Event(sequence, run, kind, data, time_s, utc, previous_hash, own)
        self._last = (sequence, own)
        self._events.append(event)
        return event

    async def append(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        """Returns when the record is durable. Raises JournalError when it cannot be; then nothing may start."""
        event = self._next(run, kind, data)
        await self._store(event)
        self.stream.publish(event)
        return event

    def note(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        """Records what was already done, without waiting and without failing; durable as soon as the disk allows."""
        event = self._next(run, kind, data)
        self._store_later(event)
        self.stream.publish(event)
        return event

    async def _store(self, event: Event) -> None:
        """Makes one record durable; memory has nothing to do."""

    def _store_later(self, event: Event) -> None:
        """Queues one record; memory has nothing to do."""

    async def close(self) -> None:
        """Waits for what is still being written. Never raises: what could not be written is told in `broken`."""

    def events(self, run: str | None = None) -> list[Event]:
        """What this process appended, in order; of one run or of all."""
        return [event for event in self._events if run is None or event.run == run]


class SqliteJournal(Journal):
    """A journal in one SQLite file, written by one thread, locked against a second writer, verified when it is opened.

    Records reach the file in their order: one that the disk refused is tried again before the next.
    """

    def __init__(self, stream: EventStream, utc: Callable[[], str], path: Path) -> None:
        super().__init__(stream, utc)
        self.path = path
        self._lock = _lock(path)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._pending: set[asyncio.Future[None]] = set()
        self._backlog: deque[Event] = deque()
        try:
            self._database = _open(path)
            if faults := verify(earlier := read_events(path)):
                raise StoreUnusable(
                    f"{path}: the journal is damaged: {faults[0]}; keep this file and use another --store"
                )
        except JournalError:
            self._lock.close()
            raise
        if earlier:
            self._last = (earlier[-1].sequence, earlier[-1].hash)

    def _write_backlog(self) -> None:
        """Writes everything that waits, oldest first; what fails stays and is tried again with the next record."""
        while self._backlog:
            event = self._backlog[0]
            row = (event.sequence, event.run, event.kind, canonical(event.data), event.time_s, event.utc)
            self._database.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", (*row, event.previous_hash, event.hash)
            )
            self._backlog.popleft()

    def _submit(self, event: Event) -> asyncio.Future[None]:
        self._backlog.append(event)
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._write_backlog)
        self._pending.add(future)
        future.add_done_callback(self._settled)
        return future

    def _settled(self, future: asyncio.Future[None]) -> None:
        self._pending.discard(future)
        if future.cancelled():
            return
        error = future.exception()
        self.broken = None if error is None else f"the journal {self.path} cannot be written: {error}"

    async def _store(self, event: Event) -> None:
        future = self._submit(event)
        try:
            await asyncio.shield(future)
        except sqlite3.Error as error:
            raise JournalError(f"the journal {self.path} cannot be written: {error}") from error

    def _store_later(self, event: Event) -> None:
        self._submit(event)

    async def close(self) -> None:
        if self._pending:
            await asyncio.gather(*self._pending, return_exceptions=True)
        if self._backlog:
            await asyncio.gather(
                asyncio.get_running_loop().run_in_executor(self._thread, self._write_backlog), return_exceptions=True
            )
            self.broken = None if not self._backlog else f"{self.broken}; {len(self._backlog)} records were not written"
        await asyncio.get_running_loop().run_in_executor(self._thread, self._database.close)
        self._thread.shutdown()
        self._lock.close()


def read_events(path: Path, run: str | None = None) -> list[Event]:
    """All records of a store, or of one run; raises StoreUnusable. Reads beside a writer."""
    if path.is_dir():
        raise StoreUnusable(f"{path}: is a directory; expected the file of a store")
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no such store; `pressline run` makes one")
    try:
        database = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
            is_only_shelf = "recipe_records" in tables and "events" not in tables  # recipes were added, nothing ran yet
            rows = [] if is_only_shelf else database.execute("SELECT * FROM events ORDER BY sequence").fetchall()
        finally:
            database.close()
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path}: not a pressline store ({error})") from error
    events = [Event(row[0], row[1], row[2], _data(path, row[0], row[3]), *row[4:]) for row in rows]
    return [event for event in events if run is None or event.run == run]


def _data(path: Path, sequence: int, text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, TypeError) as error:
        raise RecordUnreadable(path, f"record {sequence} cannot be read ({error})") from error


def _lock(path: Path) -> TextIO:
    """An advisory lock beside the store, held as long as the process lives; the kernel drops it at kill -9."""
    if path.is_dir() or not path.name:
        raise StoreUnusable(f"{path}: is a directory; expected a file for the journal, for example pressline.sqlite")
    try:
        handle = path.with_name(path.name + ".lock").open("a+")
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be opened ({error.strerror})") from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        handle.seek(0)
        owner = handle.read().strip() or "unknown"
        handle.close()
        raise StoreBusy(f"{path}: process {owner} is using this store") from None
    handle.seek(0)
    handle.truncate()
    handle.write(str(os.getpid()))
    handle.flush()
    return handle


def is_in_use(path: Path) -> bool:
    """Whether a living process holds the store open for writing."""
    try:
        _lock(path).close()
    except StoreBusy:
        return True
    return False


def _open(path: Path) -> sqlite3.Connection:
    try:
        database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        database.execute("PRAGMA synchronous=FULL")
        synchronous = database.execute("PRAGMA synchronous").fetchone()[0]
        if (mode, synchronous) != ("wal", 2):
            raise StoreUnusable(
                f"{path}: SQLite gives journal_mode={mode}, synchronous={synchronous}; WAL, FULL needed"
            )
        version = database.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, SCHEMA_VERSION):
            raise StoreUnusable(
                f"{path}: has schema {version}, this program knows {SCHEMA_VERSION}; use a newer program"
            )
        database.execute(
            "CREATE TABLE IF NOT EXISTS events (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL,"
            " data TEXT NOT NULL, time_s REAL NOT NULL, utc TEXT NOT NULL, previous_hash TEXT NOT NULL,"
            " hash TEXT NOT NULL)"
        )
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path}: not a pressline store ({error})") from error
    return database
