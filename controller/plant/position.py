"""The plant's row of a line: how far its copy is. Every part of a copy moves it in its own transaction.

So a part whose transaction was not committed, or whose answer was lost, is known by the row: it is sent again, or not.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, select, text, update
from sqlalchemy.dialects.postgresql import insert

from controller.plant.errors import CopyMoved
from controller.plant.model import Position
from controller.plant.tables import lines

_NOW_US = "CAST(extract(epoch FROM clock_timestamp()) * 1000000 AS BIGINT)"


def told(connection: Connection, line: str, status: str) -> Position:
    """Says how the line is, as JSON; how far its copy is. A line that the plant does not know begins at nothing."""
    new = Position()
    row = {"line": line, "heard_us": text(_NOW_US), "status": status, **_columns(new)}
    said = {"heard_us": text(_NOW_US), "status": status}
    connection.execute(insert(lines).values(row).on_conflict_do_update(index_elements=["line"], set_=said))
    return _position(connection.execute(select(lines).where(lines.c.line == line)).one())


def moved(connection: Connection, line: str, was: Position, now: Position) -> None:
    """Moves the copy on, in the transaction that brings what is new. Raises CopyMoved where it is somewhere else."""
    row = connection.execute(select(lines).where(lines.c.line == line).with_for_update()).first()
    if row is None or _position(row) != was:
        raise CopyMoved(f"another program copies {line} as well, or somebody has changed its copy")
    connection.execute(update(lines).where(lines.c.line == line).values(heard_us=text(_NOW_US), **_columns(now)))


def now_us(connection: Connection) -> int:
    """UTC of the plant's own clock."""
    return int(connection.execute(text(f"SELECT {_NOW_US}")).scalar_one())


def _columns(position: Position) -> dict[str, Any]:
    names = ("sequence", "hash", "blocks", "block_hash", "waiting", "lost_blocks")
    return {name: getattr(position, name) for name in names}


def _position(row: Any) -> Position:
    return Position(row.sequence, row.hash, row.blocks, row.block_hash, row.waiting, row.lost_blocks)
