"""The one stream on which everything is told: what was decided, commanded, measured and ended.

An Event is immutable and already journalled (or, for what lowers risk, about to be). Outlets subscribe; a subscriber
that cannot keep up loses its subscription, never the events of others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

SUBSCRIBER_LIMIT = 10_000  # events; a run of Example 1 has some hundreds, so this is a reader that stands still


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. sequence counts from 1 in its journal; time_s is the loop's, utc is for people."""

    sequence: int
    run: str
    kind: str
    data: Mapping[str, Any]
    time_s: float
    utc: str
    previous_hash: str
    hash: str


class EventStream:
    """Fan-out of events to any number of bounded queues."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[Event]] = set()

    def publish(self, event: Event) -> None:
        for queue in list(self._queues):
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._queues.discard(queue)

    @contextmanager
    def subscribe(self) -> Iterator[asyncio.Queue[Event]]:
        """A queue of all events from now on, until the block is left."""
        queue: asyncio.Queue[Event] = asyncio.Queue(SUBSCRIBER_LIMIT)
        self._queues.add(queue)
        try:
            yield queue
        finally:
            self._queues.discard(queue)
