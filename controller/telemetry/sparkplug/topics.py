"""Sparkplug topics: `spBv1.0/group/TYPE/node[/device]` and `spBv1.0/STATE/host`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from controller.telemetry.sparkplug.errors import NameRefused

NAMESPACE: Final = "spBv1.0"
RESERVED: Final = frozenset("+/#\0")
LONGEST_TOPIC: Final = 65_535  # bytes; MQTT gives the length of a text two bytes


class MessageType(StrEnum):
    """What a message is; the D ones are about a device."""

    NBIRTH = "NBIRTH"
    NDEATH = "NDEATH"
    NDATA = "NDATA"
    NCMD = "NCMD"
    DBIRTH = "DBIRTH"
    DDEATH = "DDEATH"
    DDATA = "DDATA"
    DCMD = "DCMD"


def checked_id(what: str, name: str) -> str:
    """The name, if it may stand in a topic; raises NameRefused with `what` in its sentence otherwise."""
    if not name or RESERVED & set(name) or not name.isprintable():
        raise NameRefused(f"{what} {name!r}: a Sparkplug id is not empty and has no +, /, # or control character")
    return name


def host_topic(host: str) -> str:
    """Where a host application says whether it is online; raises NameRefused."""
    return f"{NAMESPACE}/STATE/{checked_id('host', host)}"


@dataclass(frozen=True, slots=True)
class NodeName:
    """The edge node descriptor: unique in the plant. Raises NameRefused; so does every device that cannot be one."""

    group: str
    node: str

    def __post_init__(self) -> None:
        checked_id("group", self.group)
        checked_id("edge node", self.node)
        self.topic(MessageType.NBIRTH)

    def topic(self, kind: MessageType, device: str | None = None) -> str:
        """The topic of a message of this node, or of one of its devices."""
        if (device is not None) != kind.startswith("D"):
            raise NameRefused(f"{kind} {'has no' if device is not None else 'needs a'} device")
        parts = [NAMESPACE, self.group, kind.value, self.node]
        topic = "/".join(parts if device is None else [*parts, checked_id("device", device)])
        if len(topic.encode()) > LONGEST_TOPIC:
            raise NameRefused(f"group, edge node and device are too long for a topic: {len(topic)} characters")
        return topic

    def command(self, topic: str) -> tuple[MessageType, str | None] | None:
        """What a topic asks this node for: (NCMD, None) or (DCMD, device); None if it is none of its commands."""
        match topic.split("/"):
            case [space, group, "NCMD", node] if (space, group, node) == (NAMESPACE, self.group, self.node):
                return MessageType.NCMD, None
            case [space, group, "DCMD", node, device] if (space, group, node) == (NAMESPACE, self.group, self.node):
                return MessageType.DCMD, device
        return None


def check_distinct(what: str, names: Iterable[str]) -> None:
    """Raises NameRefused if two names are the same or differ only in upper and lower case."""
    seen: dict[str, str] = {}
    for name in names:
        if name.lower() in seen:
            other = seen[name.lower()]
            raise NameRefused(f"{what} {name!r} and {other!r} are the same, or differ only in upper and lower case")
        seen[name.lower()] = name
