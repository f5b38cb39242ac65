"""Bypasses of rows: who lets a unit work without one, in which role, why, and until when.

A bypass is journalled before it counts, ends by itself when its time is over, and is told in every run that it touches.
It changes what is checked here; the machine's own interlocks and the hard-wired ones know nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from controller.events import Event
from controller.interlocks.authority import Action, NotAuthorised, Role, authorise
from controller.interlocks.matrix import row_named, rows_of
from controller.journal import Journal, read_events

RUN = "interlocks"
"""Under which name the journal keeps bypasses: they are the line's, not a run's."""
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
        return {**asdict(self), "role": self.role.value}


def moment(utc: str) -> datetime:
    """A time of the journal; one without an offset is UTC. Raises ValueError."""
    when = datetime.fromisoformat(utc)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def check_bypass(kind: str, wanted: Bypass) -> None:
    """Raises BypassRefused unless this row of such a unit may be bypassed by this role for so long."""
    row = row_named(kind, wanted.row)
    if row is None:
        known = ", ".join(row.name for row in rows_of(kind) if row.bypassed_by)
        raise BypassRefused(f"{wanted.unit} has no row {wanted.row!r}; a {kind} can do without: {known}")
    if not row.bypassed_by:
        raise BypassRefused(f"{wanted.row} of {wanted.unit} cannot be bypassed from here: {row.why_never}")
    try:
        authorise(wanted.role, Action.BYPASS)
    except NotAuthorised as error:
        raise BypassRefused(f"{wanted.row} of {wanted.unit} is not bypassed: {error}") from error
    if wanted.role not in row.bypassed_by:
        raise BypassRefused(f"{wanted.row} of {wanted.unit} is not bypassed by the role {wanted.role}")
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
    """The bypasses of a line. What the journal holds is what counts: `recall` reads them back after a restart."""

    def __init__(self) -> None:
        self._known: list[Bypass] = []
        self._ended: set[Bypass] = set()
        self._journal: Journal | None = None

    @property
    def are_none(self) -> bool:
        """Whether none was ever begun on this line."""
        return not self._known

    def recall(self, journal: Journal) -> None:
        """Takes over what a journal holds, that of earlier processes included, and tells ends on it from now on.

        Done once a journal: what begins or ends later is told to these bypasses anyway. Raises StoreUnusable.
        """
        if journal is self._journal:
            return
        path: Path | None = getattr(journal, "path", None)
        for event in journal.events(RUN) if path is None else read_events(path, RUN):
            self._fold(event.kind, event.data)
        self._journal = journal

    def _fold(self, kind: str, data: Mapping[str, Any]) -> None:
        if kind == "bypass.begun":
            self._known.append(bypass_of(data))
        elif kind == "bypass.ended":
            self._ended |= {item for item in self._known if (item.unit, item.row) == (data["unit"], data["row"])}

    async def begin(self, journal: Journal, kind: str, wanted: Bypass) -> None:
        """Journals a bypass, then lets it count. Raises BypassRefused (told in the journal too) or JournalError."""
        try:
            check_bypass(kind, wanted)
        except BypassRefused as error:
            await journal.append(RUN, "bypass.refused", {**wanted.data, "why": str(error)})
            raise
        self.recall(journal)
        await journal.append(RUN, "bypass.begun", wanted.data)
        self._fold("bypass.begun", wanted.data)
        _tell_condition(journal, wanted, active=True)

    def end(self, journal: Journal, unit: str, row: str, who: str, why: str) -> bool:
        """Ends a bypass now, then notes it: it lowers risk. False if there is none in force."""
        live = [item for item in self.in_force(journal.now(), unit) if item.row == row]
        for item in live:
            self._end(journal, item, who, why)
        return bool(live)

    def in_force(self, utc: str, unit: str | None = None) -> list[Bypass]:
        """What counts at this moment, of one unit or of all; what is over by now is noted as ended."""
        found = []
        for item in [item for item in self._known if item not in self._ended]:
            if item.counts_at(utc):
                found.append(item)
            elif moment(item.until) <= moment(utc):
                if self._journal is not None:
                    self._end(self._journal, item, "pressline", "its time is over")
                else:
                    self._ended.add(item)
        return [item for item in found if unit in (None, item.unit)]

    def _end(self, journal: Journal, item: Bypass, who: str, why: str) -> None:
        self._ended.add(item)
        journal.note(RUN, "bypass.ended", {"unit": item.unit, "row": item.row, "who": who, "why": why})
        _tell_condition(journal, item, active=False)


def bypass_of(data: Mapping[str, Any]) -> Bypass:
    """A bypass from its journalled form."""
    fields = ("unit", "row", "who", "reason", "begun", "until")
    return Bypass(role=Role(data["role"]), **{name: data[name] for name in fields})


def told_bypasses(events: Iterable[Event]) -> list[tuple[Bypass, str | None, str | None]]:
    """Every bypass of a store, oldest first, with when and by whom it was ended, None while nobody did."""
    found: list[tuple[Bypass, str | None, str | None]] = []
    for event in events:
        if event.kind == "bypass.begun":
            found.append((bypass_of(event.data), None, None))
        elif event.kind == "bypass.ended":
            same = (event.data["unit"], event.data["row"])
            found = [
                (item, event.utc, event.data["who"])
                if at is None and (item.unit, item.row) == same
                else (item, at, who)
                for item, at, who in found
            ]
    return found


def _tell_condition(journal: Journal, item: Bypass, *, active: bool) -> None:
    name = "interlock_bypassed"
    journal.note(RUN, "condition", {"name": name, "unit": item.unit, "active": active, "message": item.words})
