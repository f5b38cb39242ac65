"""What people say of lots: out of the dry room, back, released, in quarantine, scrap. Each is one record of its run.

What is known of a lot is read and folded in a thread, as a run's record takes some milliseconds of a loop that polls.
"""

from __future__ import annotations

import asyncio

from controller.events import Event
from controller.journal import Journal
from controller.lots.fold import histories, lots_of
from controller.lots.model import UNSURE, Lot, LotStatus, LotUnknown, named
from controller.lots.needed import records_for


class NotAllowed(Exception):
    """What was said of a lot cannot be, or is not a person's to decide; the message says why."""


async def say_out(journal: Journal, text: str, who: str) -> Lot:
    """A lot left the dry room. Raises LotUnknown, NotAllowed, JournalError."""
    lot, _ = await _asked(journal, text, who)
    if lot.out_since:
        raise NotAllowed(f"{lot.id} is out already, since {lot.out_since}")
    return await _said(journal, lot, "lot.out", {"who": who})


async def say_back(journal: Journal, text: str, who: str) -> Lot:
    """A lot came back into the dry room; one that was out too long is told. Raises as say_out."""
    lot, _ = await _asked(journal, text, who)
    if not lot.out_since:
        raise NotAllowed(f"{lot.id} is not out")
    after = await _said(journal, lot, "lot.back", {"who": who})
    if after.is_out_too_long and after.max_out_s is not None:
        words = f"{after.id} was outside the dry room for {after.out_s / 60:.0f} min"
        more = UNSURE if after.out_s <= after.max_out_s else f"more than {after.max_out_s / 60:.0f} min"
        message = f"{words}, {more}"
        data = {"name": "lot_out_too_long", "unit": None, "item": str(lot.id), "active": True, "message": message}
        journal.note(lot.id.run, "condition", data)
    return after


async def scrap(journal: Journal, text: str, who: str, why: str) -> Lot:
    """A person scraps a lot, for good. Raises as say_out."""
    return await _decided(journal, text, LotStatus.SCRAP, who, why)


async def quarantine(journal: Journal, text: str, who: str, why: str) -> Lot:
    """A person keeps a lot back until a person releases it. Raises as say_out."""
    return await _decided(journal, text, LotStatus.QUARANTINE, who, why)


async def release(journal: Journal, text: str, who: str, why: str) -> Lot:
    """A person releases a lot that was kept back, where nothing forbids it. Raises as say_out."""
    return await _decided(journal, text, LotStatus.RELEASED, who, why)


def forbidding(lot: Lot, events: list[Event]) -> str:
    """What forbids a person to release a lot; "" if nothing does.

    A claim or a required rule that does not pass cannot be overruled: undetermined is no pass.
    """
    if lot.status is LotStatus.RELEASED:
        return f"it is released already, by {lot.decided_by}"
    if lot.status is LotStatus.IN_WORK:
        return "its run goes on"
    history = histories(events)[lot.id.run]
    if history.ended is None:
        return "its run goes on"
    if not history.is_accepted:
        open_ones = ", ".join(history.failing) or "no rule was judged"
        return f"the certificate of its run is not accepted: {open_ones}"
    if lot.out_since:
        return f"it is outside the dry room since {lot.out_since}"
    return ""


async def _decided(journal: Journal, text: str, status: LotStatus, who: str, why: str) -> Lot:
    if not why.strip():
        raise NotAllowed("the reason is empty: whoever reads the record later wants to know why")
    lot, records = await _asked(journal, text, who)
    if status is LotStatus.RELEASED and (against := forbidding(lot, records)):
        raise NotAllowed(f"{lot.id} cannot be released: {against}")
    return await _said(journal, lot, "lot.status", {"status": status.value, "who": who, "why": why})


async def _asked(journal: Journal, text: str, who: str) -> tuple[Lot, list[Event]]:
    """The lot that is meant, where something can still be said of it, with the records that it follows from.

    Nothing is recorded of its run between them and what is appended next. Raises LotUnknown, NotAllowed.
    """
    if not who.strip():
        raise NotAllowed("--who is empty: somebody has to answer for it")
    lot, records = await _known(journal, text)
    if lot.used_in is not None:
        raise NotAllowed(
            f"{lot.id} went into {lot.used_in}, which shares its fate; say it of the lot that there is now"
        )
    if lot.status is LotStatus.SCRAP:
        raise NotAllowed(f"{lot.id} is scrap: {'; '.join(lot.reasons)} ({lot.decided_by})")
    return lot, records


async def _known(journal: Journal, text: str) -> tuple[Lot, list[Event]]:
    def folded() -> tuple[Lot, list[Event]]:
        records = records_for(journal, text)
        return named(lots_of(records), text), records

    while True:
        before = journal.newest
        lot, records = await asyncio.to_thread(folded)
        if all(event.sequence <= before for event in journal.events(lot.id.run)):
            return lot, records


async def _said(journal: Journal, lot: Lot, kind: str, data: dict[str, str]) -> Lot:
    await journal.append(lot.id.run, kind, {"lot": lot.id.name, **data})
    return (await _known(journal, str(lot.id)))[0]


__all__ = ["LotUnknown", "NotAllowed", "forbidding", "quarantine", "release", "say_back", "say_out", "scrap"]
