"""What people did, found again: in the audit, and in every other record that names somebody."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from controller.accounts.audit import AUDIT
from controller.accounts.clock import text_of, us_of
from controller.accounts.errors import Unacceptable
from controller.events import Event

_OWN = ("who", "role", "means", "address", "object", "old", "new", "why")
_PEOPLE = ("who", "by", "ended_by")
_THINGS = ("object", "about", "unit", "lot", "item", "name")


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One thing that somebody did, or was refused. more is what else stands in the record."""

    sequence: int
    utc: str
    who: str
    role: str
    means: str
    address: str
    kind: str
    object: str
    old: Any
    new: Any
    why: str
    more: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """What is looked for; nothing given finds everything.

    who exactly; kind and object as beginnings, so that `user.` finds all of users; since and until in UTC, ISO 8601,
    until not included. Newest first, at most `limit`, before the record `before` where one is named (for pages).
    """

    who: str | None = None
    kind: str | None = None
    object: str | None = None
    since: str | None = None
    until: str | None = None
    before: int | None = None
    limit: int = 100

    def finds(self, entry: AuditEntry) -> bool:
        """Whether an entry is looked for."""
        return (
            (self.who is None or entry.who.casefold() == self.who.casefold())
            and (self.kind is None or entry.kind.startswith(self.kind))
            and (self.object is None or entry.object.casefold().startswith(self.object.casefold()))
            and (self.since is None or us_of(entry.utc) >= us_of(self.since))
            and (self.until is None or us_of(entry.utc) < us_of(self.until))
            and (self.before is None or entry.sequence < self.before)
        )


def query(
    who: str | None = None,
    kind: str | None = None,
    object: str | None = None,  # noqa: A002  what the audit calls it
    since: str | None = None,
    until: str | None = None,
    before: int | None = None,
    limit: int = 100,
) -> AuditQuery:
    """A query of what somebody typed. Raises Unacceptable for a time that is none, or a limit outside 1 to 10,000."""
    if not 1 <= limit <= 10_000:
        raise Unacceptable(f"the limit is {limit}; expected 1 to 10000")
    times = {"since": since, "until": until}
    for name, text in times.items():
        if text is not None:
            try:
                times[name] = text_of(us_of(text))
            except ValueError:
                raise Unacceptable(
                    f"{name}: {text[:40]!r} is no time; expected 2026-03-01 or 2026-03-01T06:00"
                ) from None
    return AuditQuery(who, kind, object, times["since"], times["until"], before, limit)


def entry_of(event: Event) -> AuditEntry | None:
    """A record as an entry; None where it names nobody and is none of the audit's."""
    data = event.data
    who = next((str(data[key]) for key in _PEOPLE if isinstance(data.get(key), str) and data[key]), None)
    if event.run != AUDIT and who is None:
        return None
    thing = next((str(data[key]) for key in _THINGS if isinstance(data.get(key), str) and data[key]), event.run)
    own = {key: data.get(key) for key in _OWN}
    why = own["why"] if isinstance(own["why"], str) else data.get("reason")
    return AuditEntry(
        sequence=event.sequence,
        utc=event.utc,
        who=who or "",
        role=str(own["role"] or ""),
        means=str(own["means"] or ""),
        address=str(own["address"] or ""),
        kind=event.kind,
        object=str(data.get("object", "")) if event.run == AUDIT else thing,
        old=own["old"],
        new=own["new"] if own["new"] is not None else data.get("what"),
        why=str(why or ""),
        more={key: value for key, value in data.items() if key not in _OWN},
    )


def search(events: Iterable[Event], wanted: AuditQuery) -> list[AuditEntry]:
    """What a query finds among records that come newest first; stops reading when it has enough."""
    found: list[AuditEntry] = []
    for entry in _entries(events):
        if wanted.finds(entry):
            found.append(entry)
            if len(found) >= wanted.limit:
                break
    return found


def _entries(events: Iterable[Event]) -> Iterator[AuditEntry]:
    for event in events:
        if (entry := entry_of(event)) is not None:
            yield entry
