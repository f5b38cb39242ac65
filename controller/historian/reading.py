"""Trends as they are stored: samples in order of time, and as few buckets as a screen has points.

Whoever writes brings what waits in its memory; whoever only looks reads that from its rows. A method works in one
transaction, so that nothing is seen twice or missed while a writer makes blocks of what waits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import numpy as np
from sqlalchemy import ColumnElement, Connection, func, select

from controller.historian import codec, tables
from controller.historian.blocks import SPAN_US, SUMMARY_COLUMNS, summaries_of
from controller.historian.errors import RangeRefused, TagUnknown
from controller.historian.marks import marks_between
from controller.historian.model import HOUR_US, Mark, StoredTag, Tag, Trend
from controller.historian.reducing import Grid, buckets_of
from controller.historian.samples import EARLIEST_US, LATEST_US, Samples, joined
from controller.historian.summaries import SUMMARY, Summaries, summarised, unpacked
from controller.historian.tags import tag_of
from controller.historian.writing import waiting_of

MOST_POINTS = 100_000
"""Buckets of one answer: more than any screen has (engineering judgement)."""
_MANY = 500  # keys that are asked for at once


class OpenSamples(Protocol):
    """What waits of a tag, by its number."""

    def __call__(self, connection: Connection, tag: int) -> Samples: ...


class TrendReader:
    """One line's trends."""

    def __init__(self, line: str, waiting: OpenSamples | None = None) -> None:
        self.line = line
        self._waiting: OpenSamples = waiting or self._stored_waiting

    def tags(self, connection: Connection) -> list[StoredTag]:
        """Every tag of the line, by name, and what is stored of it."""
        table, hours = tables.tags, tables.hours
        columns = (
            func.min(hours.c.from_us),
            func.max(hours.c.to_us),
            func.sum(hours.c["count"]),
            func.sum(hours.c.bytes),
        )
        grouped = select(hours.c.tag, *columns).group_by(hours.c.tag)
        in_blocks = {row[0]: row[1:] for row in connection.execute(grouped)}
        rows = connection.execute(select(table).where(table.c.line == self.line).order_by(table.c.name)).all()
        waiting = self._all_waiting(connection, [row.id for row in rows])
        return [
            _stored(tag_of(row.name, row.about), in_blocks.get(row.id), waiting[row.id], row.left_out) for row in rows
        ]

    def tag(self, connection: Connection, name: str) -> Tag:
        """What a tag is. Raises TagUnknown."""
        return self._row(connection, name)[1]

    def trend(self, connection: Connection, name: str, from_us: int, to_us: int, points: int) -> Trend:
        """A tag from from_us up to to_us in at most `points` buckets. Raises TagUnknown, RangeRefused."""
        check_range(from_us, to_us)
        if not 1 <= points <= MOST_POINTS:
            raise RangeRefused(f"{points} points; expected 1 to {MOST_POINTS}")
        number, tag, left_out = self._row(connection, name)
        grid = Grid(from_us, to_us, points)
        summaries = self._summaries(connection, number, grid)
        marks = tuple(mark for mark in self.marks(connection, from_us, to_us) if mark.concerns(name))
        return Trend(tag, from_us, to_us, buckets_of(summaries, grid), marks, left_out)

    def samples(self, connection: Connection, name: str, from_us: int, to_us: int) -> Samples:
        """Every sample of from_us <= time < to_us, in order. Raises TagUnknown, RangeRefused."""
        check_range(from_us, to_us)
        number = self._row(connection, name)[0]
        keys = self._touching(connection, number, from_us, to_us)
        parts = list(self._decoded(connection, number, [(row.from_us, row.number) for row in keys]))
        parts.append(self._waiting(connection, number).in_order())
        return joined(part.within(from_us, to_us) for part in parts).in_order()

    def marks(self, connection: Connection, from_us: int, to_us: int) -> list[Mark]:
        """What has to be known about this stretch of time, for whichever tag."""
        return marks_between(connection, self.line, from_us, to_us)

    # ------------------------------------------------------------------ reducing

    def _summaries(self, connection: Connection, tag: int, grid: Grid) -> Summaries:
        """What covers the range exactly once, each as coarse as the buckets allow, in order of from_us."""
        found: list[Summaries] = []
        rows: Sequence[Any]
        if grid.width_us >= 2 * HOUR_US:
            whole, hours = self._hours(connection, tag, grid)
            found.append(whole)
            rows = [row for hour in hours for row in self._of_hour(connection, tag, hour)]
        else:
            rows = self._touching(connection, tag, grid.from_us, grid.to_us)
        blocks = summaries_of(list(rows))
        inside = (blocks["from_us"] >= grid.from_us) & (blocks["to_us"] < grid.to_us)
        is_short = inside & (blocks["to_us"] - blocks["from_us"] <= grid.width_us)
        found.append(blocks[is_short])
        by_parts = inside & ~is_short & (blocks["to_us"] - blocks["from_us"] <= grid.width_us * 32)
        parts, others = self._parts(
            connection, tag, [_key(rows[place]) for place in np.flatnonzero(by_parts).tolist()], grid
        )
        found += parts
        others += [_key(rows[place]) for place in np.flatnonzero(~is_short & ~by_parts).tolist()]
        samples = [part.within(grid.from_us, grid.to_us) for part in self._decoded(connection, tag, others)]
        samples.append(self._waiting(connection, tag).in_order().within(grid.from_us, grid.to_us))
        from_samples = _in_buckets(joined(samples).in_order(), grid)
        if not any(map(len, found)):
            return from_samples
        found.append(from_samples)
        everything = np.concatenate(found)
        return everything[np.argsort(everything["from_us"], kind="stable")]

    def _hours(self, connection: Connection, tag: int, grid: Grid) -> tuple[Summaries, list[int]]:
        """Hours that lie in the range with all that they sum up, and those that only touch it."""
        table = tables.hours
        columns = [*(table.c[name] for name in SUMMARY_COLUMNS), table.c.hour]
        touching = table.c.hour.between((grid.from_us - SPAN_US) // HOUR_US - 1, grid.to_us // HOUR_US)
        rows = connection.execute(select(*columns).where(table.c.tag == tag, touching)).all()
        found = summaries_of(list(rows))
        inside = (found["from_us"] >= grid.from_us) & (found["to_us"] < grid.to_us)
        return found[inside], [rows[place].hour for place in np.flatnonzero(~inside).tolist()]

    def _of_hour(self, connection: Connection, tag: int, hour: int) -> Sequence[Any]:
        table = tables.blocks
        starts = (table.c.from_us >= hour * HOUR_US) & (table.c.from_us < (hour + 1) * HOUR_US)
        return self._block_rows(connection, tag, starts)

    def _touching(self, connection: Connection, tag: int, from_us: int, to_us: int) -> Sequence[Any]:
        """Blocks that reach into this range; none begins more than a span before it."""
        table = tables.blocks
        starts = (table.c.from_us > from_us - SPAN_US) & (table.c.from_us < to_us) & (table.c.to_us >= from_us)
        return self._block_rows(connection, tag, starts)

    @staticmethod
    def _block_rows(connection: Connection, tag: int, condition: ColumnElement[bool]) -> Sequence[Any]:
        table = tables.blocks
        columns = [*(table.c[name] for name in SUMMARY_COLUMNS), table.c.number]
        query = select(*columns).where(table.c.tag == tag, condition)
        return connection.execute(query.order_by(table.c.from_us, table.c.number)).all()

    def _parts(
        self, connection: Connection, tag: int, keys: list[tuple[int, int]], grid: Grid
    ) -> tuple[list[Summaries], list[tuple[int, int]]]:
        """The stored parts of blocks where they are fine enough, and the blocks where they are not."""
        found, others = [], []
        for row in self._rows(connection, tag, keys, "parts"):
            parts = unpacked(row.parts, row.from_us)
            if bool((parts["to_us"] - parts["from_us"] <= grid.width_us).all()):
                found.append(parts)
            else:
                others.append((row.from_us, row.number))
        return found, others

    def _decoded(self, connection: Connection, tag: int, keys: Sequence[tuple[int, int]]) -> Iterator[Samples]:
        """The samples of blocks, in the order in which the blocks came. Raises TrendsDamaged."""
        rows = list(self._rows(connection, tag, keys, "count", "times", "vals", "qualities"))
        table = tables.times
        times: dict[int, bytes] = {}
        for some in _portions(sorted({(row.from_us, row.times) for row in rows})):
            wanted = table.c.number.in_([number for _, number in some])
            near = table.c.from_us.between(some[0][0], some[-1][0])
            query = select(table.c.number, table.c.data).where(table.c.line == self.line, near, wanted)
            times |= {row.number: row.data for row in connection.execute(query)}
        for row in sorted(rows, key=lambda row: row.number):
            count = row._mapping["count"]  # noqa: SLF001 - count is a method of rows
            yield Samples(
                codec.decoded_times(times[row.times], count),
                codec.decoded_values(row.vals, count),
                codec.decoded_qualities(row.qualities, count),
            )

    @staticmethod
    def _rows(connection: Connection, tag: int, keys: Sequence[tuple[int, int]], *names: str) -> Iterator[Any]:
        table = tables.blocks
        columns = [table.c.from_us, table.c.number, *(table.c[name] for name in names)]
        for some in _portions(sorted(keys)):
            near = table.c.from_us.between(some[0][0], some[-1][0])
            wanted = table.c.number.in_([number for _, number in some])
            yield from connection.execute(select(*columns).where(table.c.tag == tag, near, wanted))

    # ------------------------------------------------------------------ tags

    def _row(self, connection: Connection, name: str) -> tuple[int, Tag, int]:
        table = tables.tags
        row = connection.execute(select(table).where(table.c.line == self.line, table.c.name == name)).first()
        if row is None:
            raise TagUnknown(f"there are no trends of {name!r}; `pressline trends list` names every tag")
        return row.id, tag_of(row.name, row.about), row.left_out

    def _stored_waiting(self, connection: Connection, tag: int) -> Samples:
        return waiting_of(connection, self.line, tag).samples(tag)

    def _all_waiting(self, connection: Connection, numbers: Sequence[int]) -> dict[int, Samples]:
        if self._waiting != self._stored_waiting:
            return {number: self._waiting(connection, number) for number in numbers}
        everything = waiting_of(connection, self.line)
        return {number: everything.samples(number) for number in numbers}


def check_range(from_us: int, to_us: int) -> None:
    """Raises RangeRefused unless this is a stretch of time."""
    if not EARLIEST_US <= from_us < to_us <= LATEST_US:
        raise RangeRefused("the range has to begin before it ends, and lie between 1970 and 9998")


def lines(connection: Connection) -> list[str]:
    """The lines whose trends a database holds."""
    found = tables.tags.c.line
    return list(connection.execute(select(found).distinct().order_by(found)).scalars())


def _key(row: Any) -> tuple[int, int]:
    return row.from_us, row.number


def _portions(keys: Sequence[tuple[int, int]]) -> Iterator[Sequence[tuple[int, int]]]:
    for start in range(0, len(keys), _MANY):
        yield keys[start : start + _MANY]


def _in_buckets(samples: Samples, grid: Grid) -> Summaries:
    if not len(samples):
        return np.zeros(0, SUMMARY)
    return summarised(samples, grid.starts(samples.times_us))


def _stored(tag: Tag, in_blocks: Any, waiting: Samples, left_out: int) -> StoredTag:
    first, last, count, size = in_blocks or (None, None, 0, 0)
    if len(waiting):
        low, high = int(waiting.times_us.min()), int(waiting.times_us.max())
        first, last = min(low, first or low), max(high, last or high)
    return StoredTag(tag, first, last, int(count) + len(waiting), int(size), left_out)
