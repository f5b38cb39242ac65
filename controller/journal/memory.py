"""The journal in memory, which dry runs keep; the one on a disk adds the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from controller.events import Event, EventStream
from controller.journal.chain import GENESIS, canonical, chain_hash
from controller.journal.past import HeldPast, JoinedPast, Past, as_past


class Journal:
    """A journal in memory; the stored journals add a store. One writer, on one event loop.

    earlier is what other processes wrote before, oldest first; the chain goes on from there. latest_utc is the latest
    time of any record, "" without one: a clock that was set back is behind it. broken tells why records cannot be
    written now; damaged what was found wrong with older ones behind the start, and stays: nothing new may start on it.
    """

    def __init__(self, stream: EventStream, utc: Callable[[], str], earlier: Sequence[Event] = ()) -> None:
        self.stream = stream
        self.broken: str | None = None
        self.damaged: str | None = None
        self._utc = utc
        self._events: list[Event] = []
        self.earlier: Past = HeldPast()
        self._last = (0, GENESIS)
        self._leaps: tuple[int, tuple[Event, ...]] = (1, ())
        self.latest_utc = ""
        if earlier:
            past = as_past(earlier)
            self._go_on_from(past, (past[-1].sequence, past[-1].hash), past.latest_utc())

    def _go_on_from(self, earlier: Past, last: tuple[int, str], latest_utc: str) -> None:
        self.earlier, self._last, self.latest_utc = earlier, last, latest_utc

    @property
    def newest(self) -> int:
        """The number of the last record, 0 without one; it may still wait for its disk."""
        return self._last[0]

    @property
    def is_silent(self) -> bool:
        """Whether records wait to be written, and nobody watches that they are; memory has nothing to wait for."""
        return False

    @property
    def faults(self) -> list[str]:
        """What is wrong with it, in words; empty where all is well."""
        return [words for words in (self.broken, self.damaged) if words is not None]

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

    # ---------------------------------------------------------------------- what it holds

    def events(self, run: str | None = None) -> list[Event]:
        """What this process appended and has not forgotten, in order; of one run or of all."""
        return [event for event in self._events if run is None or event.run == run]

    def everything(self) -> Past:
        """All records, by whatever process and also those that were forgotten, to be asked for what is needed."""
        return JoinedPast(self.earlier, HeldPast(self._events))

    def record(self, run: str) -> Sequence[Event]:
        """Everything that is recorded of a run, by whatever process. Raises JournalError where it cannot be read."""
        return self.everything().of_run(run)

    def told(self, kinds: Collection[str], after: int = 0) -> Sequence[Event]:
        """Everything recorded of these kinds behind number `after`. Raises JournalError where it cannot be read."""
        return self.everything().of_kinds(tuple(kinds), after)

    def leaps(self, first: int) -> Sequence[Event]:
        """The records from number `first` on at which the clock was set back, each behind its predecessor.

        Whatever was looked at before is not looked at again, so that only the first question takes longer where the
        store is large. Raises JournalError where it cannot be read.
        """
        looked_at, known = self._leaps
        until = self.newest
        if until > looked_at:
            found = self.everything().set_back(looked_at)
            known = (*known, *(event for event in found if event.sequence <= until))
            self._leaps = (until, known)
        return [event for event in known if event.sequence >= first]

    def forget(self, *runs: str) -> None:
        """Lets the records of these runs go from memory, once a store has them; memory itself keeps its own.

        For runs that are closed and for LINE, so that a service of months does not grow. `everything` has them still.
        """

    def forget_but(self, open_runs: Collection[str]) -> None:
        """The same of everything but these runs: of the line, the audit, and what is told later of closed runs."""
