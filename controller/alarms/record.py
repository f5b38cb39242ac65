"""Alarms in the journal: each transition as one event with everything that is needed to have the alarm again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from controller.alarms.alarm import LINE, Alarm, AlarmKey, Told, Transition
from controller.alarms.definition import Definition
from controller.alarms.states import AlarmState
from controller.events import Event

PREFIX = "alarm."
RUN = "line"
"""Alarms are the line's, not a run's: their events must not come after a run's last."""
CAUSE = "cause"
KINDS = frozenset(PREFIX + told.value for told in Told)


def kind_of(transition: Transition) -> str:
    """The kind of a transition's event."""
    return PREFIX + transition.told.value


def data_of(transition: Transition, cause: int | None = None) -> dict[str, Any]:
    """What the journal says of a transition; cause is the sequence of the event that it follows from, if one does."""
    alarm = transition.alarm
    data: dict[str, Any] = {
        "name": alarm.key.name,
        "subject": alarm.key.subject,
        "state": alarm.state.value,
        "priority": alarm.definition.priority.value,
        "text": alarm.text,
        "condition": alarm.condition,
        "count": alarm.count,
        "first_out": alarm.first_out,
        "occurred": alarm.occurred,
        "who": alarm.who,
        "why": alarm.why,
    }
    if alarm.until_s is not None:
        data["for_s"] = alarm.until_s - transition.at_s
    if cause is not None:
        data[CAUSE] = cause
    return data


def same_clock(event: Event) -> float:
    """The time of an event for a reader on the clock that wrote it."""
    return event.time_s


def alarms_told(
    events: Iterable[Event], definitions: Mapping[str, Definition], at_s: Callable[[Event], float] = same_clock
) -> dict[AlarmKey, Alarm]:
    """Every alarm as its last event left it, on the clock that at_s tells; rows that the table lost are left out."""
    found: dict[AlarmKey, Alarm] = {}
    for event in events:
        if event.kind not in KINDS:
            continue
        data = event.data
        key = AlarmKey(data["name"], data["subject"])
        if (definition := definitions.get(key.name)) is None:
            continue
        before = found.get(key)
        told_s = at_s(event)
        is_raise = event.kind == PREFIX + Told.RAISED.value
        found[key] = Alarm(
            key,
            definition,
            AlarmState(data["state"]),
            data["condition"],
            data["text"],
            told_s if is_raise else 0.0 if before is None else before.raised_s,
            data["count"],
            data["first_out"],
            data["occurred"],
            told_s + data["for_s"] if "for_s" in data else None,
            data["who"],
            data["why"],
        )
    return found


def subject_of(definition: Definition, run: str, data: Mapping[str, Any]) -> str:
    """What an event's alarm is about: the unit that it names, the run it belongs to, or the line."""
    match definition.subject:
        case "unit":
            return str(data.get("unit") or run or LINE)
        case "run":
            return run or LINE
        case _:
            return LINE
