"""The copy of one line's journal in a plant's database, with the questions that any journal is asked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.journal import StoreUnusable
from controller.journal.postgres import PostgresMedium
from controller.journal.records import COLUMNS, Records

_VIEW = (
    f"CREATE TEMPORARY VIEW events AS SELECT {COLUMNS} FROM plant_records"  # noqa: S608  our own text
    " WHERE line = current_setting('plant.line')"
)


@contextmanager
def copied_records(url: str, line: str) -> Iterator[Records]:
    """The records of a line. Raises StoreUnusable, also where the plant has none of it.

    A view of this connection's own stands where a store has its table; nothing is written.
    """
    medium = PostgresMedium(url, Path())
    with medium.reading() as records:
        connection = records.connection
        if connection.execute("SELECT to_regclass('plant_records')").fetchone() == (None,):
            raise StoreUnusable(f"{medium.place}: no line was ever copied to this database")
        connection.execute("SELECT set_config('plant.line', ?, false)", (line,))
        connection.execute(_VIEW)
        if not records.newest()[0]:
            known = connection.execute("SELECT line FROM plant_lines ORDER BY line LIMIT 20").fetchall()
            names = ", ".join(name for (name,) in known) or "none"
            raise StoreUnusable(f"{medium.place}: there are no records of a line {line!r}; there are: {names}")
        yield records
