"""Which alarms an event raises and which it returns; built once from the table."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from controller.alarms.alarm import AlarmKey
from controller.alarms.definition import Definition, FromCondition, FromEvent
from controller.alarms.record import CAUSE, KINDS, subject_of
from controller.alarms.table import ANY_CONDITION, AlarmTable
from controller.events import Event
from controller.journal import Journal

CONDITION = "condition"


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that an event says of an alarm; active None: it is over as it happens."""

    key: AlarmKey
    text: str
    active: bool | None


class EventMapping:
    """The event rows of a table by the kinds of events that they wait for."""

    def __init__(self, table: AlarmTable) -> None:
        self._raising: dict[str, list[tuple[Definition, FromEvent]]] = {}
        self._returning: dict[str, list[tuple[Definition, FromEvent]]] = {}
        self._conditions: list[tuple[str, Definition]] = []
        for definition in table.definitions.values():
            match definition.source:
                case FromEvent() as source:
                    self._raising.setdefault(source.raised.kind, []).append((definition, source))
                    for match in source.until:
                        rows = self._returning.setdefault(match.kind, [])
                        if (definition, source) not in rows:
                            rows.append((definition, source))
                case FromCondition(name=name):
                    self._conditions.append((name, definition))
                case _:
                    pass
        self.kinds = frozenset({*self._raising, *self._returning, CONDITION})

    def changes(self, event: Event) -> Iterator[Change]:
        """What an event returns, then what it raises: of the rows for its kind the first one that fits."""
        if event.kind == CONDITION:
            yield self._condition(event)
            return
        for definition, source in self._returning.get(event.kind, ()):
            if any(match.kind == event.kind and match.fits(event.data) for match in source.until):
                yield Change(AlarmKey(definition.name, subject_of(definition, event.run, event.data)), "", active=False)
        for definition, source in self._raising.get(event.kind, ()):
            if source.raised.fits(event.data):
                key = AlarmKey(definition.name, subject_of(definition, event.run, event.data))
                yield Change(key, text_of(event.data, source.words), True if source.until else None)
                return

    def unwatched(self, journal: Journal) -> Iterator[tuple[Event, Change]]:
        """What a journal says of alarms that no alarm followed from: while nobody watched, or as the watcher died.

        Of a record without alarms, one from before there were any, only what is still there.
        """
        followed = journal.everything().highest(tuple(KINDS), CAUSE)
        events = journal.told(self.kinds, followed or 0)
        found = (
            (e, c) for e in events if e.kind in self.kinds and e.sequence > (followed or 0) for c in self.changes(e)
        )
        if followed is not None:
            yield from found
            return
        active: dict[AlarmKey, tuple[Event, Change]] = {}
        for event, change in found:
            if change.active:
                active[change.key] = event, change
            else:
                active.pop(change.key, None)
        yield from active.values()

    def row_of(self, condition: str) -> Definition:
        """The row of a told condition: its own, else the first whose pattern fits, else the one for all others."""
        for wanted, definition in self._conditions:
            if wanted == condition or (wanted.startswith("~") and re.search(wanted[1:], condition)):
                return definition
        return next(definition for wanted, definition in self._conditions if wanted == ANY_CONDITION)

    def _condition(self, event: Event) -> Change:
        """A told condition; its name is part of the subject where several share a row, its `item` where it has one."""
        name, data = str(event.data["name"]), event.data
        definition = self.row_of(name)
        kind = "" if definition.name == name else name
        whom = subject_of(definition, event.run, data)
        key = AlarmKey.about(definition.name, whom, kind, str(data.get("item") or ""))
        active = None if definition.is_momentary else bool(data["active"])
        return Change(key, str(data.get("message", name)), active)


def text_of(data: Mapping[str, Any], keys: tuple[str, ...]) -> str:
    """The words of an event: the values of these keys, one after the other."""
    found = [data[key] for key in keys if data.get(key)]
    return ": ".join("; ".join(map(str, value)) if isinstance(value, list | tuple) else str(value) for value in found)
