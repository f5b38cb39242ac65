"""A store read through from its first record to its last, few in memory: what is in it, and what is wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from controller.events import Event
from controller.journal.anchor import Anchor, anchor_faults
from controller.journal.chain import verify
from controller.journal.database import (
    SCHEMA_VERSION,
    events_of,
    is_without_records,
    page_faults,
    reading,
    refuse_no_file,
    table_faults,
)
from controller.journal.errors import RecordUnreadable, StoreUnusable
from controller.journal.opening import LEAST
from controller.journal.records import Records, Row


@dataclass(slots=True)
class Examined:
    """What a store holds, and everything that is wrong with it, in words: with the file, the chain, and its end."""

    records: int = 0
    runs: int = 0
    last: Event | None = None
    file_faults: list[str] = field(default_factory=list)
    chain_faults: list[str] = field(default_factory=list)
    end_faults: list[str] = field(default_factory=list)

    @property
    def faults(self) -> list[str]:
        return [*self.file_faults, *self.chain_faults, *self.end_faults]


def examined_file(path: Path, anchor: Anchor | None = None) -> Examined:
    """A SQLite store, read beside its writer. Raises StoreUnusable for what is no store at all."""
    refuse_no_file(path)
    found = Examined()
    try:
        with closing(reading(path)) as database:
            found.file_faults += table_faults(database)
            if (version := database.execute("PRAGMA user_version").fetchone()[0]) > SCHEMA_VERSION:
                words = f"it has schema {version}, this program knows {SCHEMA_VERSION}; use a newer program"
                found.file_faults.append(words)
            records = Records(database)
            last = 0 if is_without_records(database) else records.newest()[0]
            if last:
                _read_through(found, records, last, str(path), anchor)
            elif anchor is not None:
                found.end_faults = anchor_faults([], anchor)
            found.file_faults += page_faults(database)
    except sqlite3.Error as error:
        if error.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_IOERR):
            raise StoreUnusable(f"{path}: not a pressline store ({error})") from error
        found.file_faults.append(f"SQLite cannot read all of it ({error})")
    return found


def examined_records(records: Records, place: str, anchor: Anchor | None = None) -> Examined:
    """The same of a store that is open already, without its pages."""
    found = Examined()
    if (last := records.newest()[0]) or anchor is not None:
        _read_through(found, records, last, place, anchor)
    return found


def _read_through(found: Examined, records: Records, last: int, place: str, anchor: Anchor | None) -> None:
    kept: list[Event] = []

    def each() -> Iterator[Event]:
        for row in records.each(LEAST, last):
            if (event := _event(found, place, row)) is None:
                continue
            found.records += 1
            found.runs += event.kind == "run.created"
            found.last = event
            if anchor is not None and event.sequence == anchor.sequence:
                kept.append(event)
            yield event

    found.chain_faults += verify(each())
    if anchor is not None:
        ends: Sequence[Event] = kept or ([] if found.last is None else [found.last])
        found.end_faults += anchor_faults(ends, anchor)


def _event(found: Examined, place: str, row: Row) -> Event | None:
    try:
        return events_of(place, [row])[0]
    except RecordUnreadable as error:
        found.file_faults.append(error.what)
        return None


def beside_store(store: Path) -> list[Path]:
    """The other databases of a store, by their names: NAME-outbox.sqlite, NAME-trends.sqlite for NAME.sqlite."""
    return sorted(file for file in store.parent.glob(f"{store.stem}-*{store.suffix}") if file.is_file())


def pages_of(file: Path) -> list[str]:
    """What SQLite finds wrong with the pages of a file, in words."""
    try:
        with closing(reading(file)) as database:
            return page_faults(database)
    except sqlite3.Error as error:
        return [f"SQLite cannot read it ({error})"]
