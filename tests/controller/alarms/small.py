"""A small alarm table and a book on it, for tests of what the book does."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.alarms.alarm import AlarmKey, Transition
from controller.alarms.book import AlarmBook
from controller.alarms.definition import (
    Definition,
    FromBit,
    FromEvent,
    FromValue,
    Match,
    Priority,
    Source,
)
from controller.alarms.record import RUN, data_of, kind_of
from controller.events import Event

BIT = FromBit(("coater",), "alarm_bits", "bit")
EVENT = FromEvent(Match("command.failed", {}), (), ("error",), {})
VALUE = FromValue(("coater",), "zone1_c", high=4.0, low=-4.0)


def row(name: str, source: Source = BIT, **columns: Any) -> Definition:
    words: dict[str, Any] = dict.fromkeys(("message", "cause", "consequence", "automatic", "action"), name)
    return Definition(
        name=name,
        source=source,
        subject="unit",
        priority=Priority.HIGH,
        alarm_class="machine",
        severity="machine",
        respond_s=300.0,
        **words,
        **columns,
    )


ROWS = (
    row("plain", first_out=True),
    row("other", first_out=True),
    row("slow", on_delay_s=5.0, off_delay_s=3.0, shelve_max_s=100.0, removable=True),
    row("latched", latching=True, shelve_max_s=100.0, first_out=True),
    row("silent", suppressed_by="idle", shelve_max_s=50.0, removable=True),
    row("silent_latched", suppressed_by="idle", latching=True, removable=True, on_delay_s=1.0),
    row("momentary", EVENT, shelve_max_s=20.0),
    row("value", VALUE, deadband=1.0, on_delay_s=2.0, shelve_max_s=10.0),
)
DEFINITIONS = {definition.name: definition for definition in ROWS}


def book() -> AlarmBook:
    return AlarmBook(DEFINITIONS)


def key(name: str, subject: str = "press-1") -> AlarmKey:
    return AlarmKey(name, subject)


def as_events(transitions: Iterable[Transition]) -> list[Event]:
    """Transitions as a journal on the same clock would hold them."""
    return [
        Event(number, RUN, kind_of(one), data_of(one), one.at_s, "2026-01-01T00:00:00+00:00", "", "")
        for number, one in enumerate(transitions, start=1)
    ]
