"""The tables of stored recipes in the journal's SQLite file: only appended to, and as durable as the journal.

The lock file of a journal keeps other journals away and nobody else: SQLite lets one writer in at a time, so recipes
can be added while a run is recorded. A run waits for our transaction, therefore one holds nothing but its inserts;
everything is read, planned and checked before it.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from controller.journal import SCHEMA_VERSION, JournalError, StoreBusy, StoreUnusable
from controller.place import Place, StoreUrl
from controller.store.place import RecipeTables
from controller.store.schema import SCHEMA

BUSY_LIMIT_S = 5.0  # how long a writer waits for another one; a transaction takes some milliseconds
RETRY_S = 0.02


@contextmanager
def reading(path: Place) -> Iterator[RecipeTables]:
    """The store, opened to be read beside writers.

    Raises StoreUnusable or StoreBusy, also for what goes wrong within the block.
    """
    if isinstance(path, StoreUrl):
        from controller.store.postgres import connected

        with connected(path, make=False) as tables:
            yield tables
        return
    with _told(path):
        _refuse_no_file(path)
    with _told(path), closing(_connected(path, "ro")) as database:
        _examine(database, path)
        yield database


@contextmanager
def writing(path: Place, *, make: bool) -> Iterator[RecipeTables]:
    """The store, opened (with `make` also made) with the tables of recipes, durable at every commit.

    Raises StoreUnusable or StoreBusy, also for what goes wrong within the block.
    """
    if isinstance(path, StoreUrl):
        from controller.store.postgres import connected

        with connected(path, make=make) as tables:
            yield tables
        return
    with _told(path):
        if make and not path.parent.is_dir():
            raise StoreUnusable(f"{path}: there is no directory {path.parent}")
        if not make or path.exists():
            _refuse_no_file(path)
    with _told(path), closing(_connected(path, "rwc" if make else "rw")) as database:
        _examine(database, path)
        _make_durable(database, path)
        if not has_recipes(database):
            _make_tables(database)
        yield database


def has_recipes(database: RecipeTables) -> bool:
    """Whether the tables of stored recipes were made."""
    if not isinstance(database, sqlite3.Connection):
        return database.has_recipes()
    return not _names(database).isdisjoint(SCHEMA)


def schema_faults(database: RecipeTables) -> list[str]:
    """Tables and triggers that somebody removed or changed, in words."""
    if not isinstance(database, sqlite3.Connection):
        return database.schema_faults()
    found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())
    return [
        f"what keeps stored recipes from being changed was {'changed' if name in found else 'removed'}: {name}"
        for name, sql in SCHEMA.items()
        if found.get(name) != sql
    ]


def _refuse_no_file(path: Path) -> None:
    if path.is_dir():
        raise StoreUnusable(f"{path}: is a directory; expected the file of a store, for example pressline.sqlite")
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no such store; `pressline recipes add` makes one")
    if not path.is_file():
        raise StoreUnusable(f"{path}: is no file; expected the file of a store, for example pressline.sqlite")


def _connected(path: Path, mode: str) -> sqlite3.Connection:
    uri = f"{path.absolute().as_uri()}?mode={mode}"
    return sqlite3.connect(uri, uri=True, isolation_level=None, timeout=BUSY_LIMIT_S)


def _names(database: RecipeTables) -> set[str]:
    return {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type IN ('table', 'trigger')")}


def _examine(database: sqlite3.Connection, path: Path) -> None:
    """Refuses what is no store before anything is written into it."""
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise StoreUnusable(f"{path}: has schema {version}, this program knows {SCHEMA_VERSION}; use a newer program")
    names = _names(database)
    if names and names.isdisjoint({"events", *SCHEMA}):
        raise StoreUnusable(f"{path}: is a database of another program; use another --store")


def _make_durable(database: sqlite3.Connection, path: Path) -> None:
    mode = _write_ahead(database)
    database.execute("PRAGMA synchronous=FULL")
    synchronous = database.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        raise StoreUnusable(f"{path}: SQLite gives journal_mode={mode}, synchronous={synchronous}; WAL, FULL needed")


def _write_ahead(database: sqlite3.Connection) -> str:
    """Asks for a write-ahead log; SQLite does not wait by itself while another process makes the same change."""
    deadline = time.monotonic() + BUSY_LIMIT_S
    while True:
        try:
            return str(database.execute("PRAGMA journal_mode=WAL").fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(RETRY_S)


def _make_tables(database: sqlite3.Connection) -> None:
    """All or none of them, also if two processes find none."""
    with transaction(database):
        if not has_recipes(database):
            for sql in SCHEMA.values():
                database.execute(sql)
            if not database.execute("PRAGMA user_version").fetchone()[0]:
                database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")


@contextmanager
def transaction(database: RecipeTables) -> Iterator[None]:
    """Everything within the block or nothing of it, alone among writers; durable when the block is left."""
    if not isinstance(database, sqlite3.Connection):
        database.begin()
    else:
        database.execute("BEGIN IMMEDIATE")
    try:
        yield
        database.execute("COMMIT")
    except BaseException:
        if database.in_transaction:
            database.execute("ROLLBACK")
        raise


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        raise _in_words(path, error) from error
    except OSError as error:
        raise StoreUnusable(f"{path}: cannot be opened ({error.strerror})") from error


def _in_words(path: Path, error: sqlite3.Error) -> JournalError:
    """What SQLite says, as a message that tells what to do."""
    match getattr(error, "sqlite_errorcode", 0) & 0xFF:  # the low byte is the primary code
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(f"{path}: another process keeps writing to this store; try again")
        case sqlite3.SQLITE_FULL:
            return StoreUnusable(f"{path}: the disk is full; nothing was added")
        case sqlite3.SQLITE_IOERR:
            return StoreUnusable(f"{path}: the disk refuses ({error}); nothing was added")
        case sqlite3.SQLITE_READONLY:
            return StoreUnusable(f"{path}: it or its directory is read-only, and SQLite writes beside a store too")
        case sqlite3.SQLITE_CORRUPT:
            return StoreUnusable(f"{path}: the file is damaged ({error}); keep it and use a copy or another --store")
        case sqlite3.SQLITE_CANTOPEN | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
            return StoreUnusable(f"{path}: cannot be opened ({error}); SQLite also writes files beside it")
    return StoreUnusable(f"{path}: not a pressline store ({error})")
