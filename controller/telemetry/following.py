"""How far the journal was followed, kept in the outbox with every event that went into it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from controller.events import Event
from controller.journal import Journal, Past
from controller.outbox import Outbox
from controller.recovery import undecided

SEQUENCE, HASH = "journal", "journal_hash"
AGAIN = 1_000
"""Records that are told again where the last one that was told is not in the journal: a kill or a power cut has taken
it, as what lowers risk is told before it is on the disk. Far more than wait for a disk at once (engineering judgement);
who looks at the hash drops what was there already."""


def marks_of(event: Event) -> tuple[tuple[str, int], ...]:
    """What the outbox remembers with an event."""
    return (SEQUENCE, event.sequence), (HASH, _number(event.hash))


@dataclass(frozen=True, slots=True)
class Before:
    """What was recorded before somebody begins to follow: up to the record `followed` it was told.

    known are the records up to there of runs that go on, untold all that came behind it.
    """

    followed: int
    known: Sequence[Event]
    untold: Sequence[Event]


async def told_before(outbox: Outbox, journal: Journal, *, is_told: bool = True) -> Before:
    """What is to be told, and what has to be known for it; what was before the first time was promised to nobody.

    A journal of months is read beside the loop. Where no records are told at all, nothing is untold. Raises
    DatabaseUnusable, and JournalError where it cannot be read.
    """
    followed, digest = (outbox.mark(SEQUENCE), outbox.mark(HASH)) if is_told else (None, None)
    reading = asyncio.get_running_loop().run_in_executor(None, _before, journal.everything(), followed, digest)
    before, last = await reading
    if followed is None and is_told:
        await outbox.set_mark(SEQUENCE, before.followed)
        if last is not None:
            await outbox.set_mark(HASH, _number(last.hash))
    return before


def _before(past: Past, followed: int | None, digest: int | None) -> tuple[Before, Event | None]:
    last = past[-1] if past else None
    newest = 0 if last is None else last.sequence
    if followed is None:
        followed = newest
    elif followed and not (followed <= newest and _number(past[followed - 1].hash) == digest):
        followed = max(0, min(followed, newest) - AGAIN)
    untold = list(takewhile(lambda event: event.sequence > followed, reversed(past)))
    known = [event for run in undecided(past) for event in past.of_run(run) if event.sequence <= followed]
    return Before(followed, sorted(known, key=lambda event: event.sequence), untold[::-1]), last


def _number(digest: str) -> int:
    """Enough of a hash for a column of whole numbers."""
    return int(digest[:15], 16)
