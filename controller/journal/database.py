"""The SQLite file under a journal: opened, examined, read; always for a whole store."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from controller.events import Event
from controller.journal.chain import canonical
from controller.journal.errors import RecordUnreadable, StoreUnusable
from controller.journal.records import COLUMNS, Connection

SCHEMA_VERSION = 2
"""1 had no indexes, by which a service finds what it needs among the records of months."""
TABLE = (
    "CREATE TABLE events (sequence INTEGER PRIMARY KEY, run TEXT NOT NULL, kind TEXT NOT NULL,"
    " data TEXT NOT NULL, time_s REAL NOT NULL, utc TEXT NOT NULL, previous_hash TEXT NOT NULL,"
    " hash TEXT NOT NULL)"
)
INDEXES = {
    "events_run": "CREATE INDEX events_run ON events (run)",
    "events_kind": "CREATE INDEX events_kind ON events (kind, run)",
    "events_utc": "CREATE INDEX events_utc ON events (utc)",
}
INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
BUSY_LIMIT_S = 5.0  # how long SQLite waits for another writer; recipes are added within some milliseconds


Connect = Callable[[Path], Connection]


def connected(path: Path) -> Connection:
    """A connection that several threads may use one after the other."""
    return sqlite3.connect(path, timeout=BUSY_LIMIT_S, isolation_level=None, check_same_thread=False)


def opened(path: Path, connect: Connect) -> Connection:
    """A store to write to, made if it is not there; modes, schema and table are checked. Raises StoreUnusable."""
    try:
        database = connect(path)
        try:
            _prepare(path, database)
        except BaseException:
            database.close()
            raise
    except sqlite3.Error as error:
        raise StoreUnusable(in_words(path, error)) from error
    return database


def _prepare(path: Path, database: Connection) -> None:
    mode = database.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    database.execute("PRAGMA synchronous=FULL")
    synchronous = database.execute("PRAGMA synchronous").fetchone()[0]
    if (mode, synchronous) != ("wal", 2):
        raise StoreUnusable(f"{path}: SQLite gives journal_mode={mode}, synchronous={synchronous}; WAL, FULL needed")
    version = database.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise StoreUnusable(f"{path}: has schema {version}, this program knows {SCHEMA_VERSION}; use a newer program")
    if not _made(database):
        database.execute("BEGIN IMMEDIATE")
        for statement in (TABLE, *INDEXES.values()):
            database.execute(if_missing(statement))
        database.execute(f"PRAGMA user_version={SCHEMA_VERSION}")
        database.execute("COMMIT")
    if faults := table_faults(database):
        raise StoreUnusable(f"{path}: the journal is damaged: {faults[0]}")


def _made(database: Connection) -> bool:
    """Whether the table of records is there with its indexes, whatever else there is."""
    names = {row[0] for row in database.execute("SELECT name FROM sqlite_master").fetchall()}
    return {"events", *INDEXES} <= names


def if_missing(statement: str) -> str:
    """A CREATE that leaves alone what is there."""
    return re.sub("^CREATE (TABLE|INDEX)", r"CREATE \1 IF NOT EXISTS", statement)


def table_faults(database: Connection) -> list[str]:
    """What was done to the table of records itself, in words: another form, or triggers that change what is written."""
    rows = database.execute("SELECT type, name, sql FROM sqlite_master WHERE tbl_name = 'events'").fetchall()
    others = [(kind, name) for kind, name, sql in rows if kind != "table" and INDEXES.get(name) != sql]
    faults = [f"there is a {kind} {name} on the records" for kind, name in others]
    faults += ["the table of the records has another form" for kind, _, sql in rows if kind == "table" and sql != TABLE]
    return faults


def page_faults(database: Connection) -> list[str]:
    """What SQLite finds wrong with the pages of a whole store, its recipes' too, in words."""
    told = [row[0] for row in database.execute("PRAGMA integrity_check(10)").fetchall()]
    return [f"SQLite finds: {words}" for words in told if words != "ok"]


def in_words(path: Path, error: sqlite3.Error, otherwise: str = "not a pressline store") -> str:
    """What SQLite says of a store, as a sentence that tells what to do; `otherwise` for what is none of the known."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF  # the low byte is the primary code
    match code:
        case sqlite3.SQLITE_FULL:
            return f"{path}: the disk is full"
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return f"{path}: another process keeps this store locked ({error})"
        case sqlite3.SQLITE_IOERR:
            return f"{path}: the disk refuses ({error})"
        case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM:
            return f"{path}: it or its directory is read-only ({error}); SQLite writes files beside a store too"
        case sqlite3.SQLITE_CORRUPT:
            return f"{path}: the file is damaged ({error}); keep it and use a copy or another --store"
    return f"{path}: {otherwise} ({error})"


# ---------------------------------------------------------------------- reading


def read_events(path: Path, run: str | None = None) -> list[Event]:
    """All records of a store, or of one run; raises StoreUnusable. Reads beside a writer."""
    refuse_no_file(path)
    try:
        with closing(reading(path)) as database:
            rows = _rows(database, run)
    except sqlite3.Error as error:
        raise StoreUnusable(f"{path}: not a pressline store ({error})") from error
    return events_of(path, rows)


def refuse_no_file(path: Path) -> None:
    """Raises StoreUnusable where there is no file of a store."""
    if path.is_dir():
        raise StoreUnusable(f"{path}: is a directory; expected the file of a store")
    if not path.exists():
        raise StoreUnusable(f"{path}: there is no such store; `pressline run` makes one")


def reading(path: Path) -> sqlite3.Connection:
    """A connection that only reads, beside a writer."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def is_without_records(database: Connection) -> bool:
    """Whether recipes were added to a store in which nothing ran yet."""
    tables = {row[0] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()}
    return "recipe_records" in tables and "events" not in tables


def _rows(database: Connection, run: str | None = None) -> list[Any]:
    """The records of a store, none of one to which recipes were added and in which nothing ran yet."""
    if is_without_records(database):
        return []
    condition, values = ("", ()) if run is None else (" WHERE run = ?", (run,))
    wanted = f"SELECT {COLUMNS} FROM events{condition} ORDER BY sequence"  # noqa: S608  our own text
    return database.execute(wanted, values).fetchall()


def events_of(path: Path | str, rows: Iterable[Sequence[Any]]) -> list[Event]:
    """Records as they are stored, as events. Raises RecordUnreadable."""
    return [Event(row[0], row[1], row[2], _data(path, row[0], row[3]), *row[4:]) for row in rows]


def row_of(event: Event) -> tuple[Any, ...]:
    """An event as it is stored."""
    head = (event.sequence, event.run, event.kind, canonical(event.data), event.time_s, event.utc)
    return (*head, event.previous_hash, event.hash)


def _data(path: Path | str, sequence: int, text: str) -> Any:
    try:
        data = json.loads(text)
        is_whole = canonical(data) == text
    except (ValueError, TypeError) as error:
        raise RecordUnreadable(path, f"record {sequence} cannot be read ({error})") from error
    if not is_whole:
        raise RecordUnreadable(path, f"record {sequence} was changed: its text is not as this program writes it")
    return data


def examine(path: Path) -> tuple[list[Event], list[str]]:
    """All records that can be read, and everything that is wrong with the file or with single records, in words.

    Raises StoreUnusable for what is no store at all. The chain itself is not judged here.
    """
    refuse_no_file(path)
    events: list[Event] = []
    faults: list[str] = []
    try:
        with closing(reading(path)) as database:
            faults += table_faults(database)
            if (version := database.execute("PRAGMA user_version").fetchone()[0]) > SCHEMA_VERSION:
                faults.append(f"it has schema {version}, this program knows {SCHEMA_VERSION}; use a newer program")
            rows = _rows(database)
            faults += page_faults(database)
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
            raise StoreUnusable(f"{path}: not a pressline store ({error})") from error
        return events, [*faults, f"SQLite cannot read all of it ({error})"]
    for row in rows:
        try:
            events += events_of(path, [row])
        except RecordUnreadable as error:
            faults.append(error.what)
    return events, faults
