"""The writer of a line's trends: one transaction for each batch, in the database's thread.

What came is durable at once as a row of trend_waiting; a tag whose samples fill a block gets the block, and says from
which row on it waits again. Every WAITING_ROWS rows everything that still waits is written as one row and the older
ones go. So a writer that dies loses nothing that was committed, and one that begins finds its buffers again.

What a transaction changes here counts only when it is known to be committed: the next one asks the database first.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from controller.historian import codec, tables
from controller.historian.batch import Batch
from controller.historian.blocks import block_row, cut, must_be_cut
from controller.historian.buffers import Waiting, by_tag, flattened
from controller.historian.errors import TrendsTaken
from controller.historian.hours import add_to_hours
from controller.historian.marks import insert_marks
from controller.historian.model import Mark, MarkKind
from controller.historian.partitions import Months
from controller.historian.samples import Samples, joined
from controller.historian.tags import TagBook

WAITING_ROWS = 256
"""Rows until what waits is written anew as one: two minutes at two writes a second (engineering judgement)."""


@dataclass(slots=True)
class _Change:
    """What is true when the transaction of this batch is committed."""

    batch: Batch
    waiting: int
    blocks: int
    added: list[tuple[int, Samples]] = field(default_factory=list)
    replaced: list[tuple[int, Samples]] = field(default_factory=list)
    rows: int = 0


class TrendWriter:
    """Its methods work in a transaction of the caller's, one at a time."""

    def __init__(self, line: str) -> None:
        self.line = line
        self.waiting = Waiting()
        self.tags = TagBook(line)
        self._owner = secrets.token_hex(8)
        self._row = self._block = 0
        self._rows = 0
        self._months = Months()
        self._change: _Change | None = None
        self._stored: Batch | None = None

    def open(self, connection: Connection, now_us: int) -> None:
        """Takes over what another one left, and marks the time in which nobody recorded."""
        table = tables.writers
        found = connection.execute(select(table).where(table.c.line == self.line).with_for_update()).first()
        state = {"owner": self._owner, "alive_us": now_us, "ended": False}
        if found is None:
            connection.execute(insert(table).values(line=self.line, waiting=0, blocks=0, **state))
            self._row = self._block = 0
        else:
            connection.execute(update(table).where(table.c.line == self.line).values(**state))
            self._row, self._block = found.waiting, found.blocks
            words = (
                "recording was ended"
                if found.ended
                else "the recorder died; up to a second before this is missing as well"
            )
            until_us = max(found.alive_us, now_us)
            insert_marks(connection, self.line, [Mark(MarkKind.STOPPED, "*", found.alive_us, until_us, words)])
        self.tags.read(connection)
        self.waiting = waiting_of(connection, self.line)
        self._rows = WAITING_ROWS  # the first batch tidies up
        self._change = None

    def settle(self, connection: Connection) -> None:
        """Makes up for a transaction of which nobody knows yet whether it was committed."""
        if (change := self._change) is None:
            return
        table = tables.writers
        stored = connection.execute(select(table.c.waiting, table.c.owner).where(table.c.line == self.line)).one()
        self._change = None
        if stored.waiting != change.waiting or stored.owner != self._owner:
            self.tags.read(connection)
            self._months.forget()
            return
        self._row, self._block, self._rows = change.waiting, change.blocks, change.rows
        self._stored = change.batch
        for tag, new in change.added:
            self.waiting.add(tag, new)
        for tag, left in change.replaced:
            self.waiting.replace(tag, left)

    def store(self, connection: Connection, batch: Batch) -> None:
        """One batch; the same one again, after a fault, is stored once. Raises TrendsTaken."""
        self.settle(connection)
        if self._stored is batch:
            return
        self._change = change = _Change(batch, self._row + 1, self._block, rows=self._rows + 1)
        self._own(connection, batch.now_us, change.waiting)
        numbers = self.tags.numbers(connection, batch)
        full = self._sort(change, {numbers[name]: samples for name, samples in batch.samples.items()})
        self._write_blocks(connection, change, full)
        self._write_waiting(connection, change)
        mine = tables.writers.c.line == self.line
        connection.execute(update(tables.writers).where(mine).values(blocks=change.blocks))
        insert_marks(connection, self.line, batch.marks)

    def end(self, connection: Connection, now_us: int) -> None:
        """Nobody records from now on, and that is meant."""
        self.settle(connection)
        table = tables.writers
        mine = (table.c.line == self.line) & (table.c.owner == self._owner)
        connection.execute(update(table).where(mine).values(ended=True, alive_us=now_us))

    def _own(self, connection: Connection, now_us: int, row: int) -> None:
        table = tables.writers
        mine = (table.c.line == self.line) & (table.c.owner == self._owner)
        done = connection.execute(update(table).where(mine).values(alive_us=now_us, waiting=row))
        if not done.rowcount:
            raise TrendsTaken(f"another program records the trends of {self.line} now")

    def _sort(self, change: _Change, samples: Mapping[int, Samples]) -> list[tuple[int, Samples]]:
        """What is only added, what is a block now, what is left of it."""
        full: list[tuple[int, Samples]] = []
        for tag, new in samples.items():
            everything = joined((self.waiting.samples(tag), new))
            if not must_be_cut(everything):
                change.added.append((tag, new))
                continue
            found = cut(everything)
            full += [(tag, piece) for piece in found.full]
            change.replaced.append((tag, found.left))
        return full

    def _write_blocks(self, connection: Connection, change: _Change, full: list[tuple[int, Samples]]) -> None:
        """Signals that are read together have the same times, which are kept once."""
        rows, times, numbers = [], [], dict[bytes, int]()
        for tag, samples in full:
            change.blocks += 1
            row = block_row(tag, change.blocks, samples)
            known = numbers.setdefault(samples.times_us.tobytes(), change.blocks)
            if known == change.blocks:
                data = codec.encoded_times(samples.times_us)
                times.append({"line": self.line, "from_us": row["from_us"], "number": known, "data": data})
            rows.append(row | {"times": known})
        if not rows:
            return
        self._months.ensure(connection, (row["from_us"] for row in rows))
        connection.execute(insert(tables.times), times)
        connection.execute(insert(tables.blocks), rows)
        sizes = {row["number"]: len(row["data"]) for row in times}
        add_to_hours(connection, rows, sizes)

    def _write_waiting(self, connection: Connection, change: _Change) -> None:
        table, replaced = tables.waiting, dict(change.replaced)
        if tidy := change.rows >= WAITING_ROWS:
            new = dict(change.added)
            known = {tag: buffer.samples for tag, buffer in self.waiting.of_tag.items() if tag not in replaced}
            added = [(tag, joined((known.get(tag, new[tag][:0]), new[tag]))) for tag in new]
            content = [*added, *((tag, samples) for tag, samples in known.items() if tag not in new), *change.replaced]
            connection.execute(delete(table).where(table.c.line == self.line))
            change.rows = 0
        else:
            content = [*change.added, *change.replaced]
        self._waits_from(connection, change, replaced)
        numbers, samples = flattened(content)
        if len(samples):
            data = codec.encoded_waiting(numbers, samples)
            row = {"line": self.line, "number": change.waiting, "held": len(samples), "data": data}
            connection.execute(insert(table).values(**row))
        elif not tidy:
            change.rows -= 1

    def _waits_from(self, connection: Connection, change: _Change, replaced: Mapping[int, Any]) -> None:
        if replaced:
            query = update(tables.tags).where(tables.tags.c.id == bindparam("tag"))
            connection.execute(
                query.values(waits_from=bindparam("row")), [{"tag": tag, "row": change.waiting} for tag in replaced]
            )


def waiting_of(connection: Connection, line: str, only: int | None = None) -> Waiting:
    """What waits to become blocks, as a writer left it; of one tag only, or of all."""
    table, found = tables.waiting, Waiting()
    query = select(tables.tags.c.id, tables.tags.c.waits_from).where(tables.tags.c.line == line)
    if only is not None:
        query = query.where(tables.tags.c.id == only)
    since = {row.id: row.waits_from for row in connection.execute(query)}
    rows = select(table).where(table.c.line == line, table.c.number >= min(since.values(), default=0))
    for row in connection.execute(rows.order_by(table.c.number)):
        tags, samples = codec.decoded_waiting(row.data, row.held)
        if only is not None:
            mine = tags == only
            tags, samples = tags[mine], samples[mine]
        for tag, part in by_tag(tags, samples).items():
            if row.number >= since.get(tag, row.number + 1):
                found.add(tag, part)
    return found
