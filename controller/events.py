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
        self._queues: dict[asyncio.Queue[Event], str | None] = {}

    def publish(self, event: Event) -> None:
        for queue, run in list(self._queues.items()):
            if run is not None and event.run != run:
                continue
            try:
                queue.put_nowait(event)
            except asyncio.QueueFull:
                self._queues.pop(queue, None)

    @contextmanager
    def flowing(self, queue: asyncio.Queue[Any]) -> Iterator[None]:
        """All events from now on go into a queue of the caller's own, until the block is left."""
        self._queues[queue] = None
        try:
            yield
        finally:
            self._queues.pop(queue, None)

    @contextmanager
    def subscribe(self, run: str | None = None) -> Iterator[asyncio.Queue[Event]]:
        """A queue of all events from now on, or of those of one run, until the block is left."""
        queue: asyncio.Queue[Event] = asyncio.Queue(SUBSCRIBER_LIMIT)
        self._queues[queue] = run
        try:
            yield queue
        finally:
            self._queues.pop(queue, None)
