"""Whether the primary host application is there, by its STATE messages."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Any, Final

from controller.telemetry.sparkplug.topics import host_topic

LONGEST_STATE: Final = 1000  # bytes; a STATE payload has about 50, and what is longer is not worth reading


@dataclass(frozen=True, slots=True)
class HostWord:
    """What a STATE message says: whether the host is online, since when (ms, UTC)."""

    online: bool
    timestamp_ms: int


def read_state(payload: bytes) -> HostWord | None:
    """The word of a STATE payload (JSON with `online` and `timestamp`); None if it is none."""
    if len(payload) > LONGEST_STATE:
        return None
    try:
        said: Any = json.loads(payload)
        online, timestamp = said["online"], said["timestamp"]
    except (ValueError, KeyError, TypeError):
        return None
    if not isinstance(online, bool) or isinstance(timestamp, bool) or not isinstance(timestamp, int | float):
        return None
    whole = math.isfinite(timestamp) and timestamp >= 0 and timestamp == int(timestamp)
    return HostWord(online, int(timestamp)) if whole else None


class PrimaryHost:
    """The state of one host. What is older than what is known is ignored: a will may come after the next birth."""

    def __init__(self, host: str) -> None:
        """Raises NameRefused for an id that cannot stand in a topic."""
        self.topic = host_topic(host)
        self.online = False
        self._latest_ms: int | None = None
        self.since_ms: int | None = None
        """When the last session of the host began that is known of."""

    def unknown(self) -> None:
        """A new session begins: who is there is told anew by the retained message. Timestamps stay known."""
        self.online = False

    def hear(self, word: HostWord) -> bool:
        """Takes a word; False if it is out of date and ignored."""
        before = self._latest_ms if word.online else self.since_ms
        if before is not None and word.timestamp_ms < before:
            return False
        self._latest_ms = max(word.timestamp_ms, self._latest_ms or 0)
        if word.online:
            self.since_ms = word.timestamp_ms
        self.online = word.online
        return True
