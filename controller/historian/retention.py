"""Trends that are too old or too much: deleted by whole hours, the oldest first, one short transaction each."""

from __future__ import annotations

from sqlalchemy import Connection, delete, func, insert, select

from controller.historian import tables
from controller.historian.model import HOUR_US, HistorianOptions, MarkKind
from controller.historian.partitions import drop_empty, drop_months, end_of


def limit(
    connection: Connection, line: str, options: HistorianOptions, now_us: int, needed_us: int | None = None
) -> int | None:
    """The hour (since 1970) before which everything has to go; None where nothing has to. The newest hour stays.

    What came from needed_us on is not too old yet, whatever its age; a size is kept in any case, because a full disk
    would end more than trends.
    """
    found: list[int] = []
    if options.keep_s is not None:  # a block that begins in an hour may reach through the next one
        old_us = now_us - round(options.keep_s * 1e6)
        by_age = (old_us if needed_us is None else min(old_us, needed_us)) // HOUR_US - 1
        found.append(min(by_age, _not_copied(connection, line, options.copied(), by_age)))
    if options.keep_bytes is not None and (by_size := _by_size(connection, line, options.keep_bytes)) is not None:
        found.append(by_size)
    return max(found, default=None)


def delete_oldest(connection: Connection, line: str, before_hour: int) -> bool:
    """Deletes the oldest hour that is before this one; whether there was one."""
    mine = select(tables.tags.c.id).where(tables.tags.c.line == line)
    hours, blocks, times = tables.hours, tables.blocks, tables.times
    oldest = select(func.min(hours.c.hour)).where(hours.c.tag.in_(mine), hours.c.hour < before_hour)
    if (hour := connection.execute(oldest).scalar()) is None:
        return False
    from_us, to_us = hour * HOUR_US, (hour + 1) * HOUR_US
    begins = (blocks.c.from_us >= from_us) & (blocks.c.from_us < to_us)
    connection.execute(delete(blocks).where(blocks.c.tag.in_(mine), begins))
    begins = (times.c.from_us >= from_us) & (times.c.from_us < to_us)
    connection.execute(delete(times).where(times.c.line == line, begins))
    connection.execute(delete(hours).where(hours.c.tag.in_(mine), hours.c.hour == hour))
    _mark(connection, line, to_us)
    return True


def finish(connection: Connection, line: str) -> None:
    """Gives back the partitions that hold nothing any more, and forgets marks of what is gone."""
    marks = tables.marks
    gone = select(func.max(marks.c.to_us)).where(marks.c.line == line, marks.c.kind == MarkKind.EXPIRED)
    if (until_us := connection.execute(gone).scalar()) is None:
        return
    connection.execute(
        delete(marks).where(marks.c.line == line, marks.c.kind != MarkKind.EXPIRED, marks.c.to_us < until_us)
    )
    drop_empty(connection, until_us)


def drop_before(connection: Connection, before_us: int) -> list[str]:
    """Drops whole months of all lines that lie before this time, for a database of many lines; which months.

    The samples go with their partitions, at once; each line's mark says up to when they are gone.
    """
    months = drop_months(connection, before_us)
    if months:
        until_us = end_of(months[-1])
        hours, tags = tables.hours, tables.tags
        connection.execute(delete(hours).where(hours.c.hour < until_us // HOUR_US))
        for line in connection.execute(select(tags.c.line).distinct()).scalars().all():
            _mark(connection, line, until_us)
    return months


def _not_copied(connection: Connection, line: str, copied: int | None, otherwise: int) -> int:
    """The hour of the first block that is not copied yet."""
    if copied is None:
        return otherwise
    blocks, tags = tables.blocks, tables.tags
    mine = select(tags.c.id).where(tags.c.line == line)
    first = select(func.min(blocks.c.from_us)).where(blocks.c.number > copied, blocks.c.tag.in_(mine))
    from_us = connection.execute(first).scalar()
    return otherwise if from_us is None else int(from_us) // HOUR_US


def _by_size(connection: Connection, line: str, keep_bytes: int) -> int | None:
    """The first hour that may stay, so that all from it on are not more than so many bytes."""
    hours, tags = tables.hours, tables.tags
    sizes = select(hours.c.hour, func.sum(hours.c.bytes)).join(tags, tags.c.id == hours.c.tag)
    rows = connection.execute(sizes.where(tags.c.line == line).group_by(hours.c.hour).order_by(hours.c.hour.desc()))
    total, kept = 0, None
    for hour, size in rows:
        total += size
        if total > keep_bytes and kept is not None:
            return int(kept)
        kept = hour
    return None


def _mark(connection: Connection, line: str, until_us: int) -> None:
    """One mark says up to when trends are gone."""
    marks = tables.marks
    connection.execute(delete(marks).where(marks.c.line == line, marks.c.kind == MarkKind.EXPIRED))
    words = "older trends were deleted by the rule of retention"
    row = {"line": line, "kind": MarkKind.EXPIRED.value, "scope": "*", "from_us": 0, "to_us": until_us}
    connection.execute(insert(marks).values(**row, lost=0, words=words))
