"""A journal in either kind of store, for tests that hold both to the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from controller.events import EventStream
from controller.journal import SqliteJournal, StoredJournal
from controller.journal.postgres import PostgresJournal

RUNS = ("one", "two", "line")


def utc() -> str:
    return "2026-01-01T00:00:00.000+00:00"


@dataclass(frozen=True, slots=True)
class Store:
    """One store of a test's own; url is None for SQLite."""

    folder: Path
    url: str | None

    def journal(self, held: int = 4096, patience_s: float = 10.0) -> StoredJournal:
        if self.url is None:
            return SqliteJournal(EventStream(), utc, self.folder / "s.sqlite", patience_s=patience_s, held=held)
        return PostgresJournal(EventStream(), utc, self.url, self.folder, patience_s, held)

    @property
    def beside(self) -> Path:
        return self.folder / ("s.sqlite" if self.url is None else "journal")

    def execute(self, sql: str, *values: Any) -> list[Any]:
        """A statement of somebody else, as SQLite writes it."""
        if self.url is None:
            with closing(sqlite3.connect(self.folder / "s.sqlite", isolation_level=None)) as database:
                return database.execute(sql, values).fetchall()
        with psycopg.connect(self.url, autocommit=True) as connection:
            cursor = connection.execute(sql.replace("?", "%s").encode(), values)
            return cursor.fetchall() if cursor.description else []

    def hashes(self) -> list[str]:
        return [row[0] for row in self.execute("SELECT hash FROM events ORDER BY sequence")]


async def filled(store: Store, count: int) -> None:
    """Records of two runs and of the line, with what the queries of a service look for."""
    journal = store.journal()
    for number in range(count):
        run = RUNS[number % 3]
        kind = ("run.created", "condition", "command.requested", "run.closed")[number % 4]
        data = {"name": f"n{number % 5}", "unit": None if number % 2 else "press", "job": {"job_id": number}}
        journal.note(run, kind, data)
    await journal.close()
    assert journal.broken is None
