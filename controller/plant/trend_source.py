"""What is new in a line's trends since the plant's copy: read at one moment, without touching what is written there."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, select

from controller.historian import MarkKind, tables
from controller.plant.errors import HistoryDiffers
from controller.plant.model import Position

Row = dict[str, Any]
MARK = ("kind", "scope", "from_us", "to_us", "lost", "words")


@dataclass(frozen=True, slots=True)
class LineTag:
    """A tag of the line. waits_from: from this row on samples of it are in no block yet."""

    name: str
    about: str
    waits_from: int
    left_out: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is copied in one transaction: blocks up to number `last`, with their times, and which tags they are of.

    lost counts the numbers among them whose blocks are not there any more. newest is the line's newest block. Only the
    part that reaches it (`is_whole`) has what else there is: samples that are in no block yet, as rows of which
    waiting_numbers are all and waiting_rows those that the plant does not have, and marks.
    """

    last: int
    last_hash: str
    newest: int
    lost: int
    tags: dict[int, LineTag]
    blocks: Sequence[Row]
    times: Sequence[Row]
    is_whole: bool
    waiting: int = 0
    waiting_numbers: Collection[int] = ()
    waiting_rows: Sequence[Row] = ()
    marks: Sequence[tuple[Any, ...]] = field(default=())


def next_part(connection: Connection, line: str, position: Position, most: int, known: Collection[int]) -> Part | None:
    """What comes behind the copy, at most so many blocks; None where nothing was ever recorded.

    known are the rows of waiting samples that the plant has. Raises HistoryDiffers.
    """
    writers = tables.writers
    writer = connection.execute(select(writers).where(writers.c.line == line)).first()
    if writer is None:
        if position.blocks or position.waiting:
            raise HistoryDiffers("the line has no trends, and the plant has some of this line" + _WHY)
        return None
    _refuse_other(connection, line, position, writer)
    tags = _tags(connection, line)
    blocks = tables.blocks
    query = select(blocks).where(blocks.c.number > position.blocks, blocks.c.tag.in_(_mine(line)))
    rows = [dict(row) for row in connection.execute(query.order_by(blocks.c.number).limit(most)).mappings()]
    last = rows[-1]["number"] if len(rows) == most else writer.blocks
    last_hash = hash_of(rows[-1]) if rows and rows[-1]["number"] == last else ""
    if last == position.blocks:
        last_hash = position.block_hash
    part = Part(
        last,
        last_hash,
        writer.blocks,
        last - position.blocks - len(rows),
        tags,
        rows,
        _times(connection, line, rows),
        is_whole=last == writer.blocks,
    )
    return _with_rest(connection, line, part, writer.waiting, known) if part.is_whole else part


def hash_of(block: Mapping[Any, Any]) -> str:
    """What a block holds, as SHA-256."""
    digest = hashlib.sha256(f"{block['number']} {block['from_us']} {block['to_us']} {block['count']}".encode())
    for name in ("vals", "qualities"):
        digest.update(block[name])
    return digest.hexdigest()


_WHY = ": they were restored from a backup or taken away, or another line has the same name"


def _refuse_other(connection: Connection, line: str, position: Position, writer: Any) -> None:
    if writer.blocks < position.blocks or writer.waiting < position.waiting:
        raise HistoryDiffers("the line's trends end before what the plant has of this line" + _WHY)
    if not position.block_hash:
        return
    blocks = tables.blocks
    query = select(blocks).where(blocks.c.number == position.blocks, blocks.c.tag.in_(_mine(line)))
    held = connection.execute(query).mappings().first()  # retention may have deleted it
    if held is not None and hash_of(held) != position.block_hash:
        raise HistoryDiffers(f"block {position.blocks} of the line's trends is not the one that the plant has" + _WHY)


def _mine(line: str) -> Any:
    return select(tables.tags.c.id).where(tables.tags.c.line == line)


def _tags(connection: Connection, line: str) -> dict[int, LineTag]:
    table = tables.tags
    rows = connection.execute(select(table).where(table.c.line == line))
    return {row.id: LineTag(row.name, row.about, row.waits_from, row.left_out) for row in rows}


def _times(connection: Connection, line: str, rows: Sequence[Row]) -> list[Row]:
    """The times that came with these blocks: those of other blocks were copied with them."""
    if not rows:
        return []
    table = tables.times
    starts = [row["from_us"] for row in rows]
    near = table.c.from_us.between(min(starts), max(starts))
    numbers = table.c.number.in_([row["number"] for row in rows])
    found = connection.execute(select(table).where(table.c.line == line, near, numbers))
    return [dict(row) for row in found.mappings()]


def _with_rest(connection: Connection, line: str, part: Part, newest_row: int, known: Collection[int]) -> Part:
    waiting, marks = tables.waiting, tables.marks
    mine = waiting.c.line == line
    numbers = set(connection.execute(select(waiting.c.number).where(mine)).scalars())
    new = sorted(numbers - set(known))
    query = select(waiting).where(mine, waiting.c.number.in_(new)).order_by(waiting.c.number)
    rows = [dict(row) for row in connection.execute(query).mappings()]
    told = select(*(marks.c[name] for name in MARK)).where(marks.c.line == line, marks.c.kind != MarkKind.EXPIRED)
    found = [tuple(row) for row in connection.execute(told.order_by(marks.c.from_us, marks.c.id))]
    return Part(
        part.last,
        part.last_hash,
        part.newest,
        part.lost,
        part.tags,
        part.blocks,
        part.times,
        is_whole=True,
        waiting=newest_row,
        waiting_numbers=numbers,
        waiting_rows=rows,
        marks=found,
    )
