"""A line's trends on their way into the plant's database: the same blocks, packed as they are, under the plant's name.

Readers there see each sample once at every moment. While blocks are behind, the newest samples of a tag whose blocks
are coming are left out: they are in those blocks, or come again with the part that reaches the end.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert

from controller.historian import MarkKind, codec, tables
from controller.historian.hours import add_to_hours
from controller.historian.partitions import Months
from controller.plant.model import Position
from controller.plant.position import moved
from controller.plant.trend_source import MARK, LineTag, Part, Row

NEVER = 1 << 62
"""Behind every row: of a tag that waits from here on nothing waits."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A tag as the plant has it."""

    id: int
    tag: LineTag


class TrendCopy:
    """One line's trends at the plant. What it remembers of the plant is read anew after anything went wrong."""

    def __init__(self, line: str) -> None:
        self.line = line
        self._months = Months()
        self._tags: dict[str, _Known] = {}
        self._marks: Counter[tuple[object, ...]] = Counter()
        self.waiting: set[int] = set()

    def read(self, connection: Connection) -> None:
        """What the plant has."""
        table, marks, waiting = tables.tags, tables.marks, tables.waiting
        rows = connection.execute(select(table).where(table.c.line == self.line))
        self._tags = {
            row.name: _Known(row.id, LineTag(row.name, row.about, row.waits_from, row.left_out)) for row in rows
        }
        told = select(*(marks.c[name] for name in MARK)).where(marks.c.line == self.line)
        found = connection.execute(told.where(marks.c.kind != MarkKind.EXPIRED))
        self._marks = Counter(tuple(row) for row in found)
        self.waiting = set(connection.execute(select(waiting.c.number).where(waiting.c.line == self.line)).scalars())
        self._months.forget()

    def put(self, connection: Connection, position: Position, part: Part) -> Position:
        """Brings a part in the caller's transaction; how far the copy is then. `taken` has to be told of its end.

        Raises CopyMoved.
        """
        lost = position.lost_blocks + part.lost
        after = replace(position, blocks=part.last, block_hash=part.last_hash, lost_blocks=lost)
        after = replace(after, waiting=part.waiting) if part.is_whole else after
        if after != position or part.is_whole:
            moved(connection, self.line, position, after)
        if part.lost:
            self._mark_lost(connection, part)
        self._put_tags(connection, part)
        self._put_blocks(connection, part)
        if part.is_whole:
            self._put_waiting(connection, part)
            self._put_marks(connection, part)
        return after

    # ---------------------------------------------------------------------- parts of a part

    def _put_tags(self, connection: Connection, part: Part) -> None:
        for wanted in self._wanted(part):
            known = self._tags.get(wanted.name)
            if known is not None and known.tag == wanted:
                continue
            row = {"about": wanted.about, "waits_from": wanted.waits_from, "left_out": wanted.left_out}
            adding = upsert(tables.tags).values(line=self.line, name=wanted.name, **row)
            done = adding.on_conflict_do_update(index_elements=["line", "name"], set_=row).returning(tables.tags.c.id)
            self._tags[wanted.name] = _Known(connection.execute(done).scalar_one(), wanted)

    def _wanted(self, part: Part) -> Iterable[LineTag]:
        """Tags as the plant shall have them after this part."""
        if part.is_whole:
            yield from part.tags.values()
            return
        for number in {row["tag"] for row in part.blocks}:
            yield replace(part.tags[number], waits_from=NEVER)

    def _put_blocks(self, connection: Connection, part: Part) -> None:
        if not part.blocks:
            return
        numbers = {number: self._tags[tag.name].id for number, tag in part.tags.items() if tag.name in self._tags}
        rows = [row | {"tag": numbers[row["tag"]]} for row in part.blocks]
        times = [row | {"line": self.line} for row in part.times]
        self._months.ensure(connection, (row["from_us"] for row in rows))
        if times:
            connection.execute(insert(tables.times), times)
        connection.execute(insert(tables.blocks), rows)
        add_to_hours(connection, rows, {row["number"]: len(row["data"]) for row in times})

    def _put_waiting(self, connection: Connection, part: Part) -> None:
        table = tables.waiting
        if gone := [number for number in self.waiting if number not in part.waiting_numbers]:
            connection.execute(delete(table).where(table.c.line == self.line, table.c.number.in_(gone)))
        if part.waiting_rows:
            numbers = {number: self._tags[tag.name].id for number, tag in part.tags.items()}
            mine = [{**row, "line": self.line, "data": _retagged(row, numbers)} for row in part.waiting_rows]
            connection.execute(insert(table), mine)
        self.waiting = set(part.waiting_numbers)

    def _put_marks(self, connection: Connection, part: Part) -> None:
        """Those that the plant does not have; it keeps those that the line has forgotten."""
        wanted = Counter(part.marks)
        if new := list((wanted - self._marks).elements()):
            rows = [dict(zip(MARK, mark, strict=True)) | {"line": self.line} for mark in new]
            connection.execute(insert(tables.marks), rows)
            self._marks |= wanted

    def _mark_lost(self, connection: Connection, part: Part) -> None:
        """Between what the plant has and what comes now, trends went at the line before they were copied."""
        hours, tags = tables.hours, tables.tags
        had = select(func.max(hours.c.to_us)).join(tags, tags.c.id == hours.c.tag).where(tags.c.line == self.line)
        until_us = int(connection.execute(had).scalar() or 0)
        comes_us = min((row["from_us"] for row in part.blocks), default=until_us)
        words = f"{part.lost} blocks of trends were deleted at the line before they were copied"
        row = {"kind": MarkKind.DROPPED.value, "scope": "*", "lost": 0, "words": words}
        bounds = {"from_us": min(until_us, comes_us), "to_us": max(until_us, comes_us)}
        connection.execute(insert(tables.marks).values(line=self.line, **row, **bounds))


def _retagged(row: Row, numbers: Mapping[int, int]) -> bytes:
    """What waits, by the plant's numbers of the tags."""
    return codec.retagged(row["data"], row["held"], numbers)
