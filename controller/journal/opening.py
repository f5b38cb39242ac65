"""Opening a store: what it holds is judged, and what an earlier process had to rescue is taken in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from controller.events import Event
from controller.journal.anchor import anchor_faults, anchor_path, read_anchor
from controller.journal.chain import GENESIS, verify
from controller.journal.database import events_of, row_of
from controller.journal.errors import StoreUnusable
from controller.journal.medium import Medium
from controller.journal.past import AskedPast, HeldPast, Past
from controller.journal.records import Row
from controller.journal.rescue import is_empty, missing_records, rescue_path, reserve

HELD_RECORDS = 4096
"""Records that are verified at the start, and held where there are no more: some 0.2 s and 20 MB; some ten runs."""
LEAST = -(1 << 62)
"""Below the number of any record, also of one that somebody added in front."""


@dataclass(slots=True)
class Opened:
    """A store as it was found: what is in it, its last record's number and hash, and how many were not verified yet."""

    past: Past
    last: tuple[int, str]
    latest_utc: str
    unverified: int
    rescued: int = 0


def opened(medium: Medium, held: int, tell: Callable[[Opened], Event | None]) -> Opened:
    """Opens a store to write to it. Raises StoreUnusable.

    tell is asked for the record that goes in with what was rescued, behind it; None where nothing was.
    """
    medium.refuse_lost()
    reserved = is_empty(rescue_path(medium.beside))
    if reserved:
        reserve(rescue_path(medium.beside))
    medium.open()
    try:
        was, newest = _judged(medium, held)
        if reserved:
            tell(was)
        else:
            _take_in(medium, was, newest, tell)
            reserve(rescue_path(medium.beside))
    except medium.errors as error:
        _close(medium)
        raise StoreUnusable(medium.in_words(error)) from error
    except BaseException:
        _close(medium)
        raise
    return was


def _close(medium: Medium) -> None:
    with suppress(*medium.errors):
        medium.close()


def _judged(medium: Medium, held: int) -> tuple[Opened, list[Event]]:
    """What is in the store, and its newest records, of which the end is held against the anchor."""
    if faults := medium.faults():
        raise StoreUnusable(
            f"{medium.place}: the file is damaged: {faults[0]}; keep it and use a copy or another --store"
        )
    records = medium.records()
    last = records.newest()[0]
    anchor = read_anchor(anchor_path(medium.beside))
    first = 1
    if last > held:
        first = last - held + 1 if anchor is None else max(1, min(anchor.sequence, last - held + 1))

    def newest_of(rows: Sequence[Row]) -> list[Event]:
        return events_of(medium.place, rows)

    newest = newest_of(records.between(first if first > 1 else LEAST, last))
    before = GENESIS if first == 1 else records.hash_of(first - 1)
    faults = verify(newest, first, before)
    if before is None:
        faults = [f"record {first - 1} is missing"]
    if not faults and anchor is not None:
        faults = anchor_faults(newest, anchor)
    if faults:
        keep = "keep this file and use another --store"
        raise StoreUnusable(f"{medium.place}: the journal is damaged: {faults[0]}; {keep}")
    if first == 1:
        past: Past = HeldPast(newest)
        latest = past.latest_utc()
    else:
        past, latest = AskedPast(last, medium.reading, newest_of), records.latest_utc(last)
    return Opened(past, _last(newest), latest, first - 1), newest


def _last(events: Sequence[Event]) -> tuple[int, str]:
    return (events[-1].sequence, events[-1].hash) if events else (0, GENESIS)


def _take_in(medium: Medium, was: Opened, newest: list[Event], tell: Callable[[Opened], Event | None]) -> None:
    """What was rescued goes in with the record that tells of it, all or nothing, also where this process dies."""
    missing = missing_records(rescue_path(medium.beside), newest)
    if missing:
        whole = [*newest, *missing]
        was.rescued, was.last = len(missing), _last(whole)
        was.latest_utc = max(was.latest_utc, *(event.utc for event in missing))
        if was.unverified:
            was.past = AskedPast(was.last[0], medium.reading, lambda rows: events_of(medium.place, rows))
        else:
            was.past = HeldPast(whole)
    told = tell(was)
    if missing and told is not None:
        medium.insert([row_of(event) for event in (*missing, told)])
    rescue_path(medium.beside).unlink()
