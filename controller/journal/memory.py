"""The journal in memory, which dry runs keep; the one on a disk adds the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from controller.events import Event, EventStream
from controller.journal.chain import GENESIS, canonical, chain_hash


class Journal:
    """A journal in memory; the SQLite journal adds the disk. One writer, on one event loop.

    earlier is what other processes wrote before, oldest first; the chain goes on from there. latest_utc is the latest
    time of any record, "" without one: a clock that was set back is behind it.
    """

    def __init__(self, stream: EventStream, utc: Callable[[], str], earlier: Sequence[Event] = ()) -> None:
        self.stream = stream
        self.broken: str | None = None
        self._utc = utc
        self._events: list[Event] = []
        self.earlier: Sequence[Event] = ()
        self._last = (0, GENESIS)
        self.latest_utc = ""
        self._go_on_from(earlier)

    def _go_on_from(self, earlier: Sequence[Event]) -> None:
        self.earlier = earlier
        if earlier:
            self._last = (earlier[-1].sequence, earlier[-1].hash)
            self.latest_utc = max(event.utc for event in earlier)

    @property
    def is_silent(self) -> bool:
        """Whether records wait to be written, and nobody watches that they are; memory has nothing to wait for."""
        return False

    def now(self) -> str:
        """The time of a record that is made now, UTC."""
        return self._utc()

    def _next(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        previous_sequence, previous_hash = self._last
        sequence, time_s, utc = previous_sequence + 1, asyncio.get_running_loop().time(), self._utc()
        own = chain_hash(previous_hash, sequence, run, kind, canonical(data), time_s, utc)
        event = Event(sequence, run, kind, data, time_s, utc, previous_hash, own)
        self._last = (sequence, own)
        self.latest_utc = max(self.latest_utc, utc)
        self._events.append(event)
        return event

    async def append(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        """Returns when the record is durable. Raises JournalError when it cannot be; then nothing may start."""
        event = self._next(run, kind, data)
        await self._store(event)
        self.stream.publish(event)
        return event

    def note(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        """Records what was already done, without waiting and without failing; durable as soon as the disk allows."""
        event = self._next(run, kind, data)
        self._store_later(event)
        self.stream.publish(event)
        return event

    async def _store(self, event: Event) -> None:
        """Makes one record durable; memory has nothing to do."""

    def _store_later(self, event: Event) -> None:
        """Queues one record; memory has nothing to do."""

    async def close(self) -> None:
        """Waits for what is still being written. Never raises: what could not be written is told in `broken`."""

    def forget(self, *runs: str) -> None:
        """Lets the records of runs that are closed go from memory where a store has them; memory keeps its own."""

    def events(self, run: str | None = None) -> list[Event]:
        """What this process appended, in order; of one run or of all."""
        return [event for event in self._events if run is None or event.run == run]
