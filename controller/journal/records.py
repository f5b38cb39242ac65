"""What is asked of the table of records, in SQL that SQLite and PostgreSQL both understand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

COLUMNS = "sequence, run, kind, data, time_s, utc, previous_hash, hash"
AT_ONCE = 512  # records fetched together: some 1 MB
Row = tuple[Any, ...]
"""A record as it is stored, in the order of COLUMNS."""


class Cursor(Protocol):
    """What a statement gives."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...


class Connection(Protocol):
    """A connection in autocommit mode; everything that it raises is one of its medium's errors."""

    def execute(self, sql: str, parameters: Sequence[Any] = ..., /) -> Cursor: ...

    def close(self) -> None: ...


def field_of_sqlite(path: Sequence[str]) -> str:
    """The SQL for a value inside a record's data."""
    return f"json_extract(data, '$.{'.'.join(path)}')"


def field_of_postgres(path: Sequence[str]) -> str:
    """The same for PostgreSQL."""
    return f"(data::json #>> '{{{','.join(path)}}}')"


@dataclass(frozen=True, slots=True)
class Records:
    """Queries on one connection. Each looks at the records up to number `last`, oldest first.

    Names of kinds and fields are the program's own, never a user's: they become part of a statement's text.
    """

    connection: Connection
    is_postgres: bool = False

    def newest(self) -> tuple[int, str]:
        """Number and hash of the last record; (0, "") where there is none."""
        row = self.connection.execute("SELECT sequence, hash FROM events ORDER BY sequence DESC LIMIT 1").fetchone()
        return (0, "") if row is None else (row[0], row[1])

    def hash_of(self, sequence: int) -> str | None:
        """The hash of one record."""
        row = self.connection.execute("SELECT hash FROM events WHERE sequence = ?", (sequence,)).fetchone()
        return None if row is None else str(row[0])

    def between(self, first: int, last: int) -> list[Row]:
        """The records with these numbers, those included."""
        return self._rows("sequence >= ? AND sequence <= ?", (first, last))

    def each(self, first: int, last: int) -> Iterator[Row]:
        """The same, never many of them in memory."""
        while rows := self._rows("sequence >= ? AND sequence <= ?", (first, last), f" LIMIT {AT_ONCE}"):
            yield from rows
            first = rows[-1][0] + 1

    def of_run(self, run: str, last: int, after: int = 0) -> list[Row]:
        """The records of one run."""
        return self._rows("run = ? AND sequence > ? AND sequence <= ?", (run, after, last))

    def of_kinds(self, kinds: Sequence[str], last: int, after: int = 0) -> list[Row]:
        """The records of these kinds."""
        return self._rows(f"kind IN ({_marks(kinds)}) AND sequence > ? AND sequence <= ?", (*kinds, after, last))

    def newest_of(self, kind: str, before: int, limit: int) -> list[Row]:
        """The newest records of a kind before number `before`: found in the index, so that only they are read."""
        inner = "SELECT sequence FROM events WHERE kind = ? AND sequence < ? ORDER BY sequence DESC LIMIT ?"
        return self._rows(f"sequence IN ({inner})", (kind, before, limit))

    def of_run_and_kinds(self, run: str, kinds: Sequence[str], last: int) -> list[Row]:
        """The records of one run that are of these kinds."""
        return self._rows(f"run = ? AND kind IN ({_marks(kinds)}) AND sequence <= ?", (run, *kinds, last))

    def naming(self, kind: str, value: str, field: Sequence[str], last: int) -> list[Row]:
        """The records of a kind with this text in a field of their data."""
        return self._rows(f"kind = ? AND {self._field(field)} = ? AND sequence <= ?", (kind, value, last))

    def runs_told(self, kinds: Sequence[str], last: int) -> list[tuple[str, str]]:
        """Run and kind of the records of these kinds, without what they say."""
        wanted = f"SELECT run, kind FROM events WHERE kind IN ({_marks(kinds)}) AND sequence <= ? ORDER BY sequence"  # noqa: S608
        return [(run, kind) for run, kind in self.connection.execute(wanted, (*kinds, last)).fetchall()]

    def latest_of(self, kinds: Sequence[str], fields: Sequence[str], last: int) -> list[Row]:
        """Of each kind and each value of these fields of its data, the newest record."""
        by = ", ".join(["kind", *(self._field((field,)) for field in fields)])
        inner = f"SELECT max(sequence) FROM events WHERE kind IN ({_marks(kinds)}) AND sequence <= ? GROUP BY {by}"  # noqa: S608
        return self._rows(f"sequence IN ({inner})", (*kinds, last))

    def highest(self, kinds: Sequence[str], field: Sequence[str], last: int) -> int | None:
        """The highest whole number in a field of the data of records of these kinds."""
        what = f"max(CAST({self._field(field)} AS INTEGER))"
        wanted = f"SELECT {what} FROM events WHERE kind IN ({_marks(kinds)}) AND sequence <= ?"  # noqa: S608
        found = self.connection.execute(wanted, (*kinds, last)).fetchone()[0]
        return None if found is None else int(found)

    def latest_utc(self, last: int, since: int = 1) -> str:
        """The latest time of any record from number `since` on, "" without one.

        The sums keep the databases from going through all records by their numbers instead of by their times.
        """
        wanted = "SELECT utc FROM events WHERE sequence + 0 >= ? AND sequence + 0 <= ? ORDER BY utc DESC LIMIT 1"
        row = self.connection.execute(wanted, (since, last)).fetchone()
        return "" if row is None else str(row[0])

    def set_back(self, first: int, last: int) -> list[Row]:
        """The records from number `first` on whose time is before that of their predecessor, with that one."""
        pairs = (
            "SELECT sequence, utc, lag(utc) OVER (ORDER BY sequence) AS before FROM events"
            " WHERE sequence >= ? AND sequence <= ?"
        )
        later = f"SELECT sequence FROM ({pairs}) AS told WHERE utc < before"  # noqa: S608
        found = [row[0] for row in self.connection.execute(later, (first, last)).fetchall()]
        return [row for number in found for row in self.between(max(first, number - 1), number)]

    def _rows(self, condition: str, parameters: Sequence[Any], more: str = "") -> list[Row]:
        wanted = f"SELECT {COLUMNS} FROM events WHERE {condition} ORDER BY sequence{more}"  # noqa: S608
        return [tuple(row) for row in self.connection.execute(wanted, parameters).fetchall()]

    def _field(self, path: Sequence[str]) -> str:
        return field_of_postgres(path) if self.is_postgres else field_of_sqlite(path)


def _marks(values: Sequence[str]) -> str:
    return ", ".join("?" * len(values))
