"""Marks in their table."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, insert, select

from controller.historian import tables
from controller.historian.model import Mark, MarkKind


def insert_marks(connection: Connection, line: str, marks: Sequence[Mark]) -> None:
    """Keeps marks that have ended."""
    rows = [
        {
            "line": line,
            "kind": mark.kind.value,
            "scope": mark.scope,
            "from_us": mark.from_us,
            "to_us": mark.from_us if mark.to_us is None else mark.to_us,
            "lost": mark.lost,
            "words": mark.words,
        }
        for mark in marks
    ]
    if rows:
        connection.execute(insert(tables.marks), rows)


def marks_between(connection: Connection, line: str, from_us: int, to_us: int) -> list[Mark]:
    """Those that touch from_us <= time < to_us, the earliest first."""
    table = tables.marks
    query = select(table).where(table.c.line == line, table.c.to_us >= from_us, table.c.from_us < to_us)
    rows = connection.execute(query.order_by(table.c.from_us, table.c.id))
    return [Mark(MarkKind(row.kind), row.scope, row.from_us, row.to_us, row.words, row.lost) for row in rows]
