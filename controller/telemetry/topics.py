"""The table of all topics: where what is published, as what, and how long it is kept.

Code, schemas, the reference page and tests share it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.outbox import Priority
from controller.telemetry import messages
from controller.telemetry.names import level, topic


@dataclass(frozen=True, slots=True)
class Topic:
    """One kind of topic. `path` is what follows site, area and line; words in braces are names.

    priority is how important a message is while there is no connection; None: it is not kept, as it only says what is
    now. All go out with QoS 1.
    """

    name: str
    path: str
    message: type
    retained: bool
    priority: Priority | None
    when: str


TOPICS: Mapping[str, Topic] = {
    one.name: one
    for one in (
        Topic("status", "status", messages.StatusMessage, True, None, "the connection is made; it ends (last will)"),
        Topic("health", "health", messages.HealthMessage, True, None, "something of it changes"),
        Topic("unit", "{unit}/state", messages.UnitStateMessage, True, Priority.STATE, "something of it changes"),
        Topic(
            "values",
            "{unit}/values",
            messages.ValuesMessage,
            False,
            Priority.VALUE,
            "values have changed, at most `values_hz` times a second; only those that have changed",
        ),
        Topic(
            "image",
            "{unit}/image",
            messages.ValuesMessage,
            True,
            None,
            "the connection is made, and then once a minute; all values",
        ),
        Topic(
            "unit_alarm",
            "{unit}/alarm/{alarm}",
            messages.AlarmMessage,
            True,
            None,
            "something of it changes; `{unit}/alarm/{alarm}/{part}` where a unit has several of a kind",
        ),
        Topic("alarm", "alarm/{alarm}", messages.AlarmMessage, True, None, "the same of the line's own alarms"),
        Topic("run_alarm", "run/{run}/alarm/{alarm}", messages.AlarmMessage, True, None, "the same of a run's alarms"),
        Topic("run", "run/{run}/state", messages.RunMessage, True, Priority.STATE, "its state or its step changes"),
        Topic(
            "event",
            "event/{kind}",
            messages.EventMessage,
            False,
            Priority.EVENT,
            "anything is recorded; the dots of a kind are levels: `event/run/state`, `event/alarm/raised`",
        ),
        Topic("gap", "gap", messages.GapMessage, False, Priority.EVENT, "the connection is there again"),
    )
}
RESERVED = frozenset({"status", "health", "alarm", "run", "event", "gap"})
"""First levels below the line that are no unit."""


class Topics:
    """The topics of one line."""

    def __init__(self, site: str, area: str, line: str) -> None:
        self.root = topic(site, area, line)

    def of(self, name: str) -> str:
        """A topic without names in it: status, health, gap."""
        return f"{self.root}/{TOPICS[name].path}"

    def unit(self, name: str, unit: str) -> str:
        """A topic of one unit: unit, values, image."""
        return f"{self.root}/{TOPICS[name].path.format(unit=unit_level(unit))}"

    def run(self, run: str) -> str:
        """The state of one run."""
        return f"{self.root}/run/{level(run)}/state"

    def event(self, kind: str) -> str:
        """The records of one kind."""
        return "/".join([self.root, "event", *(level(part) for part in kind.split("."))])

    def alarm(self, name: str, subject: str, *, units: frozenset[str], line: str) -> str:
        """One alarm, below the unit or the run that it is about, or the line."""
        whom, _, part = subject.partition("/")
        parts = [level(part)] if part else []
        if whom in units:
            return "/".join([self.root, unit_level(whom), "alarm", level(name), *parts])
        if whom == line:
            return "/".join([self.root, "alarm", level(name), *parts])
        return "/".join([self.root, "run", level(whom), "alarm", level(name), *parts])


def unit_level(unit: str) -> str:
    """A unit as a level; one that is called like another level of the line gets a hyphen."""
    fit = level(unit)
    return f"{fit}-" if fit in RESERVED else fit


def schema_of(one: Topic) -> dict[str, Any]:
    """The JSON Schema of a topic's messages."""
    from pydantic import TypeAdapter

    schema = TypeAdapter(one.message).json_schema()
    schema["properties"] = {
        "historical": {
            "type": "boolean",
            "description": "kept while there was no connection, and sent afterwards",
        },
        **schema["properties"],
    }
    schema["required"] = ["historical", *schema["required"]]
    schema["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": one.message.__name__, **schema}
