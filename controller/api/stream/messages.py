"""What is sent on the stream. A message is made once, and its text is shared by all who get it.

The line is told as topics (`line`, `units/NAME`, `values/NAME`, `runs/NAME`, `prompts/ID`, `alarms/KEY`), each an
object of fields. A snapshot has all topics; a change has, by topic, the fields that are different now, and the topics
that are gone. Sequence numbers count changes; a snapshot and a heartbeat carry the number of the last change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from math import isfinite
from typing import Any

Topics = Mapping[str, Mapping[str, Any]]
"""Topic -> field -> plain value."""
_POSITION = re.compile(r"([0-9a-f]{16})-(\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Position:
    """How far somebody has read: which stream (a new one with each start of the service), and the last number."""

    stream: str
    sequence: int

    def __str__(self) -> str:
        return f"{self.stream}-{self.sequence}"

    @classmethod
    def of(cls, text: str) -> Position | None:
        """What str() wrote; None for anything else, which is answered with a snapshot."""
        found = _POSITION.fullmatch(text)
        return None if found is None else cls(found[1], int(found[2]))


@dataclass(frozen=True)
class Message:
    """One message: its kind (snapshot, change, heartbeat), the number it stands for, and its JSON text."""

    kind: str
    position: Position
    text: str = field(repr=False)

    @cached_property
    def sse(self) -> bytes:
        """As a server-sent event; its id is where to go on from. A heartbeat is an event too, so that pages see it."""
        return f"event: {self.kind}\nid: {self.position}\ndata: {self.text}\n\n".encode()


def snapshot(position: Position, utc: str, topics: Topics) -> Message:
    return _message("snapshot", position, utc, {"topics": topics})


def change(position: Position, utc: str, changed: Topics, removed: list[str]) -> Message:
    return _message("change", position, utc, {"set": changed, "removed": removed})


def heartbeat(position: Position, utc: str) -> Message:
    return _message("heartbeat", position, utc, {})


def _message(kind: str, position: Position, utc: str, more: Mapping[str, Any]) -> Message:
    content = {"type": kind, "position": str(position), "sequence": position.sequence, "utc": utc, **more}
    return Message(kind, position, text_of(content))


def text_of(content: Any) -> str:
    """Compact JSON. JSON knows no infinity: a number that is none becomes null."""
    try:
        return json.dumps(content, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except ValueError:
        return json.dumps(_finite(content), separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    return [_finite(item) for item in value] if isinstance(value, list | tuple) else value


def differences(before: Topics, now: Topics) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The fields that are new or different, by topic, and the topics that are gone.

    A topic that lost a field is told as gone and as new, in this order, so that nobody keeps what is not there.
    """
    changed: dict[str, dict[str, Any]] = {}
    removed = [topic for topic in before if topic not in now]
    for topic, fields in now.items():
        was = before.get(topic)
        if was is fields or was == fields:
            continue
        if was is None:
            changed[topic] = dict(fields)
        elif was.keys() - fields.keys():
            removed.append(topic)
            changed[topic] = dict(fields)
        else:
            changed[topic] = {name: value for name, value in fields.items() if name not in was or was[name] != value}
    return changed, removed
