"""What a store holds, beside what was written to it: looked at again, and verified where the start left it out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

from controller.events import Event
from controller.journal.chain import GENESIS, verify
from controller.journal.database import events_of
from controller.journal.errors import RecordUnreadable
from controller.journal.medium import Medium
from controller.journal.records import AT_ONCE, Records, Row

CHECK_RECORDS = 25
"""Records verified together in the background: the interpreter is theirs for about a millisecond."""
CHECK_PAUSE_S = 0.01
"""Seconds between them: a tenth of a core, and a million records in some ten minutes."""


def held_by(records: Records, rows: Sequence[Row]) -> bool:
    """Whether a store holds these records, exactly."""
    return all(records.between(stretch[0][0], stretch[-1][0]) == stretch for stretch in _stretches(rows))


def _stretches(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """The rows in parts whose numbers follow each other."""
    part: list[Row] = []
    for row in rows:
        if part and row[0] != part[-1][0] + 1:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def tail_of(events: Sequence[Event]) -> Sequence[Event]:
    """The events behind the last one that was forgotten: what continues a chain without a gap."""
    first = len(events)
    while first and (first == len(events) or events[first - 1].sequence + 1 == events[first].sequence):
        first -= 1
    return events[first:]


async def rest_checked(medium: Medium, last: int, pause_s: float) -> list[str]:
    """Everything that is wrong with the pages of a store, or with its records up to a number, in words.

    Stops at the first records that do not hold. Raises StoreUnusable where the store cannot be read.
    """
    if faults := await asyncio.to_thread(_pages, medium):
        return faults
    previous, first = GENESIS, 1
    while first <= last:
        until = min(last + 1, first + AT_ONCE - 1)  # the first that the start verified has to follow the others
        rows = await asyncio.to_thread(_read, medium, first, until)
        for place in range(0, until - first + 1, CHECK_RECORDS):
            begin, end = first + place, min(until, first + place + CHECK_RECORDS - 1)
            part = [row for row in rows[place : place + CHECK_RECORDS] if row[0] <= end]
            faults, previous = await asyncio.to_thread(_checked, medium.place, part, begin, end, previous)
            if faults:
                return faults
            await asyncio.sleep(pause_s)
        first = until + 1
    return []


def _pages(medium: Medium) -> list[str]:
    with medium.reading() as records:
        return medium.all_faults(records.connection)


def _read(medium: Medium, first: int, last: int) -> list[Row]:
    with medium.reading() as records:
        return records.between(first, last)


def _checked(place: str, rows: Sequence[Row], first: int, last: int, previous: str) -> tuple[list[str], str]:
    try:
        events = events_of(place, rows)
    except RecordUnreadable as error:
        return [error.what], previous
    faults = verify(events, first, previous)
    if not faults and (not events or events[-1].sequence != last):
        faults = [f"record {events[-1].sequence + 1 if events else first} is missing"]
    return faults, events[-1].hash if events else previous
