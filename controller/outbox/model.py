"""What waits in an outbox, how important it is, and how much may wait."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum


class Priority(IntEnum):
    """How important a message is. When not everything can be kept, the lowest goes first, and of it the oldest."""

    VALUE = 0
    STATE = 1
    EVENT = 2


@dataclass(frozen=True, slots=True)
class Entry:
    """A message that shall be kept until somebody has taken it. utc_us is when it was true.

    outlet is who sends it. marks are what the outbox remembers with it, by name and in one transaction: how far its
    source was followed.
    """

    outlet: str
    priority: Priority
    topic: str
    payload: bytes
    utc_us: int
    marks: tuple[tuple[str, int], ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it counts for."""
        return len(self.payload) + len(self.topic)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A message in the outbox; numbers count in the order in which messages came."""

    number: int
    entry: Entry


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may wait. On the disk: 2 million messages or 1 GB, whatever comes first; without it in memory.

    13 hours of four machines at one message of values a second each are 190,000 messages; what is on the disk is what
    a plant's broker may be away for, what is in memory what may come while a disk is mended (engineering judgement).
    """

    messages: int = 2_000_000
    size: int = 1_000_000_000
    memory_messages: int = 20_000
    memory_size: int = 2**25


@dataclass(frozen=True, slots=True)
class Drop:
    """Messages of one kind that were not kept, and of which time they are."""

    outlet: str
    priority: Priority
    messages: int
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class OutboxStatus:
    """How it stands: what waits, by priority; bytes; what waits for the disk; drops nobody was told of; what is wrong.

    oldest_us is the time of the oldest message that waits, None without one.
    """

    messages: Mapping[Priority, int]
    size: int
    unwritten: int
    oldest_us: int | None
    drops: tuple[Drop, ...] = ()
    fault: str | None = None
    retained: frozenset[str] = field(default_factory=frozenset)

    @property
    def waiting(self) -> int:
        """All messages that wait."""
        return sum(self.messages.values()) + self.unwritten
