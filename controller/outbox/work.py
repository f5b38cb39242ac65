"""What an outbox does to its tables, each within one transaction that the caller opens."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, delete, func, insert, select, update

from controller.outbox.model import Drop, Entry, Limits, Priority, Waiting
from controller.outbox.tables import DROPPED, MARKS, RETAINED, WAITING

Usage = dict[tuple[str, Priority], tuple[int, int]]
"""Messages and bytes on the disk, by outlet and priority."""
_AT_ONCE = 500  # parameters of one statement; SQLite's oldest limit is 999


@dataclass(slots=True)
class Changes:
    """What one transaction shall do."""

    entries: list[Entry] = field(default_factory=list)
    removed: list[int] = field(default_factory=list)
    drops: list[Drop] = field(default_factory=list)
    told: list[Drop] = field(default_factory=list)
    marks: dict[str, int] = field(default_factory=dict)
    retained: dict[str, bool] = field(default_factory=dict)


def carry_out(connection: Connection, line: str, changes: Changes, usage: Usage, limits: Limits) -> None:
    """All of it or nothing; `usage` is made to say how much there is then."""
    _remove(connection, changes.removed, usage)
    rows = [
        {
            "line": line,
            "outlet": entry.outlet,
            "priority": int(entry.priority),
            "topic": entry.topic,
            "payload": entry.payload,
            "utc_us": entry.utc_us,
        }
        for entry in changes.entries
    ]
    if rows:
        connection.execute(insert(WAITING), rows)
    for entry in changes.entries:
        _count(usage, entry.outlet, entry.priority, 1, entry.size)
        changes.marks.update(entry.marks)
    for drop in changes.told:
        _told(connection, line, drop)
    for drop in [*changes.drops, *_drop_excess(connection, line, usage, limits)]:
        _add_drop(connection, line, drop)
    for name, value in changes.marks.items():
        _put_mark(connection, line, name, value)
    for topic, is_kept in changes.retained.items():
        connection.execute(delete(RETAINED).where(RETAINED.c.line == line, RETAINED.c.topic == topic))
        if is_kept:
            connection.execute(insert(RETAINED).values(line=line, topic=topic))


def waiting(
    connection: Connection, line: str, outlet: str, priorities: Iterable[Priority], after: int, limit: int
) -> list[Waiting]:
    """The oldest messages after a number."""
    return _oldest(connection, line, [(outlet, priority) for priority in priorities], after, limit)


def usage_of(connection: Connection, line: str) -> Usage:
    """How much waits on the disk."""
    size = func.sum(func.length(WAITING.c.payload) + func.length(WAITING.c.topic))
    rows = connection.execute(
        select(WAITING.c.outlet, WAITING.c.priority, func.count(), size)
        .where(WAITING.c.line == line)
        .group_by(WAITING.c.outlet, WAITING.c.priority)
    )
    return {(outlet, Priority(priority)): (count, int(total)) for outlet, priority, count, total in rows}


def drops_of(connection: Connection, line: str) -> tuple[Drop, ...]:
    """What was not kept and nobody was told of."""
    rows = connection.execute(select(DROPPED).where(DROPPED.c.line == line).order_by(DROPPED.c.priority))
    return tuple(Drop(row.outlet, Priority(row.priority), row.messages, row.first_us, row.last_us) for row in rows)


def marks_of(connection: Connection, line: str) -> dict[str, int]:
    """All that is remembered under a name."""
    rows = connection.execute(select(MARKS.c.name, MARKS.c.value).where(MARKS.c.line == line))
    return {name: value for name, value in rows}  # noqa: C416  a Row is no pair for dict()


def retained_of(connection: Connection, line: str) -> set[str]:
    """The topics under which the broker keeps something of ours."""
    return set(connection.execute(select(RETAINED.c.topic).where(RETAINED.c.line == line)).scalars())


def oldest_us(connection: Connection, line: str, usage: Usage) -> int | None:
    """The time of the oldest message that waits."""
    first = _oldest(connection, line, usage, 0, 1)
    return first[0].entry.utc_us if first else None


def _remove(connection: Connection, numbers: Sequence[int], usage: Usage) -> None:
    for start in range(0, len(numbers), _AT_ONCE):
        some = numbers[start : start + _AT_ONCE]
        size = func.length(WAITING.c.payload) + func.length(WAITING.c.topic)
        found = connection.execute(
            select(WAITING.c.outlet, WAITING.c.priority, func.count(), func.sum(size))
            .where(WAITING.c.number.in_(some))
            .group_by(WAITING.c.outlet, WAITING.c.priority)
        )
        for outlet, priority, count, total in found.all():
            _count(usage, outlet, Priority(priority), -count, -int(total))
        connection.execute(delete(WAITING).where(WAITING.c.number.in_(some)))


def _drop_excess(connection: Connection, line: str, usage: Usage, limits: Limits) -> list[Drop]:
    """Makes room: the least important first, of it the oldest, whoever sends it."""
    drops: list[Drop] = []
    for priority in Priority:
        while True:
            over = sum(count for count, _ in usage.values()) - limits.messages
            over_size = sum(size for _, size in usage.values()) - limits.size
            if over <= 0 and over_size <= 0:
                return drops
            kinds = [key for key, (count, _) in usage.items() if key[1] is priority and count]
            victims = _oldest(connection, line, kinds, 0, _AT_ONCE)
            if not victims:
                break
            gone = _enough(victims, over, over_size)
            _remove(connection, [one.number for one in gone], usage)
            drops += counted_drops(one.entry for one in gone)
    return drops


def _oldest(
    connection: Connection, line: str, kinds: Iterable[tuple[str, Priority]], after: int, limit: int
) -> list[Waiting]:
    """The oldest after a number of several outlets and priorities.

    Each is asked for by itself: all at once could not be read in the index's order, and would be sorted as a whole.
    """
    found = []
    for outlet, priority in kinds:
        mine = (WAITING.c.line == line, WAITING.c.outlet == outlet, WAITING.c.priority == int(priority))
        rows = select(WAITING).where(*mine, WAITING.c.number > after).order_by(WAITING.c.number).limit(limit)
        found += [
            Waiting(row.number, Entry(row.outlet, priority, row.topic, bytes(row.payload), row.utc_us))
            for row in connection.execute(rows)
        ]
    return sorted(found, key=lambda one: one.number)[:limit]


def _enough(victims: Sequence[Waiting], over: int, over_size: int) -> list[Waiting]:
    gone: list[Waiting] = []
    for one in victims:
        if over <= 0 and over_size <= 0:
            break
        gone.append(one)
        over, over_size = over - 1, over_size - one.entry.size
    return gone


def counted_drops(entries: Iterable[Entry]) -> list[Drop]:
    """What was not kept, by outlet and priority."""
    times: dict[tuple[str, Priority], list[int]] = defaultdict(list)
    for entry in entries:
        times[entry.outlet, entry.priority].append(entry.utc_us)
    return [Drop(outlet, kind, len(us), min(us), max(us)) for (outlet, kind), us in times.items()]


def _add_drop(connection: Connection, line: str, drop: Drop) -> None:
    key = (DROPPED.c.line == line, DROPPED.c.outlet == drop.outlet, DROPPED.c.priority == int(drop.priority))
    before = connection.execute(select(DROPPED).where(*key)).one_or_none()
    if before is None:
        row: Mapping[str, object] = {
            "line": line,
            "outlet": drop.outlet,
            "priority": int(drop.priority),
            "messages": drop.messages,
            "first_us": drop.first_us,
            "last_us": drop.last_us,
        }
        connection.execute(insert(DROPPED).values(**row))
    else:
        connection.execute(
            update(DROPPED)
            .where(*key)
            .values(
                messages=before.messages + drop.messages,
                first_us=min(before.first_us, drop.first_us),
                last_us=max(before.last_us, drop.last_us),
            )
        )


def _told(connection: Connection, line: str, drop: Drop) -> None:
    key = (DROPPED.c.line == line, DROPPED.c.outlet == drop.outlet, DROPPED.c.priority == int(drop.priority))
    connection.execute(delete(DROPPED).where(*key, DROPPED.c.messages <= drop.messages))
    connection.execute(update(DROPPED).where(*key).values(messages=DROPPED.c.messages - drop.messages))


def _put_mark(connection: Connection, line: str, name: str, value: int) -> None:
    key = (MARKS.c.line == line, MARKS.c.name == name)
    if not connection.execute(update(MARKS).where(*key).values(value=value)).rowcount:
        connection.execute(insert(MARKS).values(line=line, name=name, value=value))


def _count(usage: Usage, outlet: str, priority: Priority, messages: int, size: int) -> None:
    count, total = usage.get((outlet, priority), (0, 0))
    usage[outlet, priority] = (count + messages, total + size)


def known_numbers(rows: Iterable[Waiting], gone: Collection[int]) -> list[Waiting]:
    """Those that nobody has taken yet."""
    return [row for row in rows if row.number not in gone]
