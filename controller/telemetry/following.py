"""How far the journal was followed, kept in the outbox with every event that went into it."""

from __future__ import annotations

from controller.events import Event
from controller.journal import Journal
from controller.outbox import Outbox

SEQUENCE, HASH = "journal", "journal_hash"
AGAIN = 1_000
"""Records that are told again where the last one that was told is not in the journal: a kill or a power cut has taken
it, as what lowers risk is told before it is on the disk. Far more than wait for a disk at once (engineering judgement);
who looks at the hash drops what was there already."""


def marks_of(event: Event) -> tuple[tuple[str, int], ...]:
    """What the outbox remembers with an event."""
    return (SEQUENCE, event.sequence), (HASH, _number(event.hash))


async def followed_up_to(outbox: Outbox, journal: Journal) -> int:
    """The record after which events are to be told; those of before the first time were promised to nobody.

    Raises DatabaseUnusable.
    """
    known = [*journal.earlier, *journal.events()]
    last = known[-1].sequence if known else 0
    followed = outbox.mark(SEQUENCE)
    if followed is None:
        await outbox.set_mark(SEQUENCE, last)
        if known:
            await outbox.set_mark(HASH, _number(known[-1].hash))
        return last
    record = next((event for event in reversed(known) if event.sequence == followed), None)
    if followed == 0 or (record is not None and _number(record.hash) == outbox.mark(HASH)):
        return followed
    return max(0, min(followed, last) - AGAIN)


def _number(digest: str) -> int:
    """Enough of a hash for a column of whole numbers."""
    return int(digest[:15], 16)
