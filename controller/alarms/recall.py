"""The alarms that a journal knows, for a book that begins: alarms outlive the program that raised them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from controller.alarms.alarm import Alarm, AlarmKey
from controller.alarms.definition import Definition
from controller.alarms.record import KINDS, alarms_told
from controller.events import Event
from controller.journal import Journal


def recalled(journal: Journal, definitions: Mapping[str, Definition], now_s: float) -> dict[AlarmKey, Alarm]:
    """Every alarm as the journal left it, on the running loop's clock.

    What another process told has another loop's time, so its age goes by the time of day; where that was set back
    meanwhile, nothing is in the future.
    """
    earlier = journal.earlier.latest_of(tuple(KINDS), ("name", "subject"))
    own = journal.events()
    if not earlier:
        return alarms_told(own, definitions)
    now = datetime.fromisoformat(journal.now())
    first_own = own[0].sequence if own else None

    def at_s(event: Event) -> float:
        if first_own is not None and event.sequence >= first_own:
            return event.time_s
        return now_s - max(0.0, (now - datetime.fromisoformat(event.utc)).total_seconds())

    return alarms_told([*earlier, *own], definitions, at_s)
