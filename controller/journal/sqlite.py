"""A journal in one SQLite file, written with the standard library."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

from controller.events import EventStream
from controller.journal.anchor import anchor_path
from controller.journal.database import INSERT, Connect, connected, in_words, opened, page_faults
from controller.journal.durable import PATIENCE_S, StoredJournal
from controller.journal.errors import StoreUnusable
from controller.journal.lock import locked
from controller.journal.medium import Held
from controller.journal.opening import HELD_RECORDS
from controller.journal.records import Connection, Records, Row
from controller.journal.rescue import is_empty, rescue_path

EXAMINED_PAGES = 16_384
"""Up to 64 MB every page is examined at the start, some 0.1 s; a larger file's pages are examined in the background."""


class SqliteMedium:
    """One file; `connect` opens it, and is another one where a test puts a file system of its own below."""

    errors: tuple[type[Exception], ...] = (sqlite3.Error,)

    def __init__(self, path: Path, connect: Connect = connected) -> None:
        self.beside, self.place = path, str(path)
        self._connect = connect
        self._connection: Connection | None = None
        self._files: list[tuple[int, int] | None] = []
        self._is_open = False

    @property
    def connection(self) -> Connection:
        if self._connection is None:
            raise StoreUnusable(f"{self.place}: is not open")
        return self._connection

    def lock(self) -> Held:
        return locked(self.beside)

    def refuse_lost(self) -> None:
        path = self.beside
        if path.exists():
            return
        left = [anchor_path(path), path.with_name(path.name + "-wal")]
        left += [] if is_empty(rescue_path(path)) else [rescue_path(path)]
        if there := [file.name for file in left if file.exists()]:
            words = f"{path}: the store is missing, and {', '.join(there)} beside it says that there was one"
            raise StoreUnusable(f"{words}; put it back, or take them away to begin a new one")

    def open(self) -> None:
        self._connection = opened(self.beside, self._connect)
        self._files, self._is_open = _identity(self.beside), True

    def faults(self) -> list[str]:
        pages = self.connection.execute("PRAGMA page_count").fetchone()[0]
        return [] if pages > EXAMINED_PAGES else self.all_faults(self.connection)

    @staticmethod
    def all_faults(connection: Connection) -> list[str]:
        """What is wrong with any page, however many there are."""
        return page_faults(connection)

    def records(self) -> Records:
        return Records(self.connection)

    @contextmanager
    def reading(self) -> Iterator[Records]:
        if self._files:
            self.refuse_replaced()  # else opening it once more would make a new file
        try:
            with closing(self._connect(self.beside)) as database:
                yield Records(database)
        except sqlite3.Error as error:
            raise StoreUnusable(self.in_words(error)) from error

    def insert(self, rows: Sequence[Row]) -> None:
        if len(rows) == 1:
            self.connection.execute(INSERT, rows[0])
            return
        self.connection.execute("BEGIN IMMEDIATE")
        for row in rows:
            self.connection.execute(INSERT, row)
        self.connection.execute("COMMIT")

    def refuse_replaced(self) -> None:
        held = 2 if self._is_open else 1  # SQLite takes the log away with the last connection
        if _identity(self.beside)[:held] != self._files[:held]:
            raise StoreUnusable("the file was deleted or replaced while it was in use")

    @staticmethod
    def tells_damage(error: BaseException) -> bool:
        """Pages that do not fit together, or a file that is no database any more."""
        code = getattr(error.__cause__ or error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
        return code in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

    def in_words(self, error: BaseException) -> str:
        if isinstance(error, sqlite3.Error):
            return in_words(self.beside, error, "SQLite refuses")
        return f"{self.place}: {error}"

    def close(self) -> None:
        self._is_open = False
        if self._connection is not None:
            self._connection.close()


class SqliteJournal(StoredJournal):
    """A journal in one SQLite file; connect opens the file."""

    def __init__(
        self,
        stream: EventStream,
        utc: Callable[[], str],
        path: Path,
        connect: Connect = connected,
        patience_s: float = PATIENCE_S,
        held: int = HELD_RECORDS,
    ) -> None:
        super().__init__(stream, utc, SqliteMedium(path, connect), patience_s, held)


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
