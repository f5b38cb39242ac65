"""Bypasses of rows: who lets a unit work without one, in which role, why, and until when.

A bypass is journalled before it counts, ends by itself when its time is over, and is told in every run that it touches.
It changes what is checked here; the machine's own interlocks and the hard-wired ones know nothing of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from controller.authority import Action, NotAuthorised, Role, authorise
from controller.events import Event
from controller.interlocks.matrix import row_named, rows_of
from controller.journal import Journal

RUN = "interlocks"
"""Under which name the journal keeps bypasses: they are the line's, not a run's."""
_BEGUN, _ENDED = "bypass.begun", "bypass.ended"
LONGEST = timedelta(hours=12)
"""A shift with its handover; what is needed for longer is a change of the machine (engineering judgement)."""


class BypassRefused(Exception):
    """A row is not bypassed; the message says why. Not retryable as it is."""


@dataclass(frozen=True, slots=True)
class Bypass:
    """One row of one unit that does not count from `begun` until before `until` (both UTC, ISO 8601)."""

    unit: str
    row: str
    role: Role
    who: str
    reason: str
    begun: str
    until: str

    def counts_at(self, utc: str) -> bool:
        """Whether it is in force at this moment."""
        return moment(self.begun) <= moment(utc) < moment(self.until)

    @property
    def words(self) -> str:
        """Who let what be, why and until when."""
        return f"{self.unit}: {self.row} is bypassed by {self.who} ({self.role}) until {self.until}: {self.reason}"

    @property
    def data(self) -> dict[str, str]:
        """The form in which it is journalled."""
        return asdict(self)


def moment(utc: str) -> datetime:
    """A time of the journal; one without an offset is UTC. Raises ValueError."""
    when = datetime.fromisoformat(utc)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def check_bypass(kind: str, wanted: Bypass) -> None:
    """Raises BypassRefused unless this row of such a unit may be bypassed by this role for so long."""
    row = row_named(kind, wanted.row)
    if row is None:
        known = ", ".join(row.name for row in rows_of(kind) if row.bypassed_by)
        raise BypassRefused(f"{wanted.unit} has no row {wanted.row!r}; these can be bypassed: {known}")
    if not row.bypassed_by:
        raise BypassRefused(f"{wanted.row} of {wanted.unit} cannot be bypassed from here: {row.why_never}")
    try:
        authorise(wanted.role, Action.BYPASS)
    except NotAuthorised as error:
        raise BypassRefused(f"{wanted.row} of {wanted.unit} is not bypassed: {error}") from error
    for name, text in (("who", wanted.who), ("a reason", wanted.reason)):
        if not text.strip():
            raise BypassRefused(f"{wanted.row} of {wanted.unit} is not bypassed without {name}")
    lasts = moment(wanted.until) - moment(wanted.begun)
    if lasts <= timedelta(0):
        raise BypassRefused(f"{wanted.row} of {wanted.unit}: the end {wanted.until} is over already")
    if lasts > LONGEST:
        hours = LONGEST.total_seconds() / 3600
        raise BypassRefused(f"{wanted.row} of {wanted.unit}: at most {hours:g} h at a time")


class Bypasses:
    """The bypasses of a line. What the journal holds is what counts: `recall` reads them back after a restart.

    One ends when the time of day or the loop's clock says so, whichever is first: a time of day that is set back does
    not lengthen it.
    """

    def __init__(self) -> None:
        self._ends_s: dict[Bypass, float] = {}
        self._journal: Journal | None = None

    @property
    def are_none(self) -> bool:
        """Whether nothing can be bypassed now."""
        return not self._ends_s

    def recall(self, journal: Journal) -> None:
        """Takes over what a journal holds, that of earlier processes included.

        Done once a journal: what begins or ends later is told to these bypasses anyway.
        """
        if journal is self._journal:
            return
        self._journal = journal
        begun: dict[Bypass, int] = {}
        everything = journal.everything()
        for event in everything.of_kinds((_BEGUN, _ENDED)):
            if event.kind == _BEGUN:
                begun[bypass_of(event.data)] = event.sequence
            else:
                begun = {item: at for item, at in begun.items() if not is_ended(item, event.data)}
                self._forget_ended(event.data)
        for item, sequence in begun.items():
            since = moment(everything.latest_utc(sequence))
            self._count(item, max(moment(journal.now()), since))  # as late as at any event since

    def _count(self, item: Bypass, now: datetime) -> None:
        self._ends_s[item] = asyncio.get_running_loop().time() + (moment(item.until) - now).total_seconds()

    def _forget_ended(self, data: Mapping[str, Any]) -> None:
        for item in [item for item in self._ends_s if is_ended(item, data)]:
            del self._ends_s[item]

    async def begin(self, journal: Journal, kind: str, wanted: Bypass) -> None:
        """Journals a bypass, then lets it count. Raises BypassRefused (told in the journal too) or JournalError."""
        try:
            check_bypass(kind, wanted)
        except BypassRefused as error:
            await journal.append(RUN, "bypass.refused", {**wanted.data, "why": str(error)})
            raise
        self.recall(journal)
        await journal.append(RUN, _BEGUN, wanted.data)
        self._count(wanted, moment(wanted.begun))
        _tell_condition(journal, wanted, active=True)

    def end(self, journal: Journal, unit: str, row: str, who: str, why: str) -> bool:
        """Ends a bypass now, then notes it: it lowers risk. False if there is none."""
        self._end_what_is_over(journal)
        live = [item for item in self._ends_s if (item.unit, item.row) == (unit, row)]
        for item in live:
            self._end(journal, item, who, why)
        return bool(live)

    def in_force(self, journal: Journal, unit: str | None = None) -> list[Bypass]:
        """What counts at this moment, of one unit or of all; what is over by now is noted as ended."""
        self._end_what_is_over(journal)
        utc = journal.now()
        return [item for item in self._ends_s if item.counts_at(utc) and unit in (None, item.unit)]

    def _end_what_is_over(self, journal: Journal) -> None:
        now, now_s = moment(journal.now()), asyncio.get_running_loop().time()
        for item in [item for item, end_s in self._ends_s.items() if moment(item.until) <= now or end_s <= now_s]:
            self._end(journal, item, "pressline", "its time is over")

    def _end(self, journal: Journal, item: Bypass, who: str, why: str) -> None:
        del self._ends_s[item]
        data = {"unit": item.unit, "row": item.row, "begun": item.begun, "who": who, "why": why}
        journal.note(RUN, _ENDED, data)
        other = next((other for other in self._ends_s if (other.unit, other.row) == (item.unit, item.row)), None)
        _tell_condition(journal, other or item, active=other is not None)


def is_ended(item: Bypass, data: Mapping[str, Any]) -> bool:
    """Whether a `bypass.ended` tells the end of this one; without `begun` it ends all of its row."""
    return (item.unit, item.row, item.begun) == (data["unit"], data["row"], data.get("begun", item.begun))


def bypass_of(data: Mapping[str, Any]) -> Bypass:
    """A bypass from its journalled form."""
    fields = ("unit", "row", "who", "reason", "begun", "until")
    return Bypass(role=Role(data["role"]), **{name: data[name] for name in fields})


def told_bypasses(events: Iterable[Event]) -> list[tuple[Bypass, str | None, str | None]]:
    """Every bypass of a store, oldest first, with when and by whom it was ended, None while nobody did."""
    found: list[tuple[Bypass, str | None, str | None]] = []
    for event in events:
        if event.kind == _BEGUN:
            found.append((bypass_of(event.data), None, None))
        elif event.kind == _ENDED:
            found = [
                (item, event.utc, event.data["who"]) if at is None and is_ended(item, event.data) else (item, at, who)
                for item, at, who in found
            ]
    return found


def _tell_condition(journal: Journal, item: Bypass, *, active: bool) -> None:
    data = {"name": "interlock_bypassed", "unit": item.unit, "item": item.row, "active": active, "message": item.words}
    journal.note(RUN, "condition", data)
