"""The journal in a store, written by one thread; what can go wrong with a disk or a server is answered here.

Records reach the store in their order: one that it refused is tried again before the next. A record counts as written
when the store has synced it and is still the one that was opened. What is still missing at the end goes into the rescue
file.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from controller.events import Event, EventStream
from controller.journal.anchor import EVERY_RECORDS, anchor_path, write_anchor
from controller.journal.database import row_of
from controller.journal.errors import JournalError, StoreUnusable
from controller.journal.forgetting import LINE, ForgettingJournal
from controller.journal.medium import Medium
from controller.journal.opening import HELD_RECORDS, Opened, opened
from controller.journal.rescue import is_empty, rescue_path, write_rescue
from controller.journal.stored import held_by, tail_of

PATIENCE_S = 10.0
"""Seconds that a record may take: twice what SQLite waits for another writer; a disk that is slower is told of."""


class StoredJournal(ForgettingJournal):
    """A journal in one store, locked against a second writer, verified against its anchor when it is opened.

    patience_s is in real seconds. Of a store with more than `held` records the newest `held` are verified at the start
    and the others by `check_rest`. rescued counts the records of an earlier process that were taken in from its rescue
    file; a condition `journal_rescued` behind them in the record tells of it. Then it has to be opened on a running
    loop. retry_s: what waits is tried again so often without a new record, in real seconds; None: with the next one.
    """

    def __init__(
        self,
        stream: EventStream,
        utc: Callable[[], str],
        medium: Medium,
        patience_s: float = PATIENCE_S,
        held: int = HELD_RECORDS,
        retry_s: float | None = None,
    ) -> None:
        super().__init__(stream, utc, medium)
        self.path = medium.beside
        self._patience_s, self._retry_s = patience_s, retry_s
        self._lock = medium.lock()
        self._pending: set[asyncio.Future[None]] = set()
        self._backlog: deque[Event] = deque()
        self._turn: asyncio.Future[None] | None = None
        self._turn_waits = False
        self._watch: asyncio.TimerHandle | None = None
        self._retry: asyncio.TimerHandle | None = None
        self._closing = False
        self._refusals: tuple[type[Exception], ...] = (*medium.errors, OSError, StoreUnusable)
        self._inserted = self._anchored = 0
        try:
            was = opened(medium, held, self._of_rescued)
        except BaseException:
            if is_empty(rescue_path(self.path)):
                rescue_path(self.path).unlink(missing_ok=True)
            self._lock.close()
            raise
        self.unverified, self.rescued = was.unverified, was.rescued
        self._written = max(self._written, was.last[0])

    @property
    def _database(self) -> Any:
        return self._medium.connection

    def _of_rescued(self, was: Opened) -> Event | None:
        """Goes on from what was found, with the record that tells what was rescued, if anything was."""
        self._go_on_from(was.past, was.last, was.latest_utc)
        if not was.rescued:
            return None
        words = f"{was.rescued} records that the disk had not taken before are in the journal {self._medium.place} now"
        told = self._next(LINE, "condition", _condition("journal_rescued", words, active=True))
        self._inserted = self._written = told.sequence
        return told

    # ---------------------------------------------------------------------- writing, in the journal's thread

    def _write_backlog(self) -> None:
        """Writes everything that waits, oldest first; what fails stays and is tried again with the next record."""
        self._turn_waits = False  # what comes from now on may be too late for this turn
        while self._backlog:
            event = self._backlog[0]
            if event.sequence > self._inserted:
                self._medium.insert([row_of(event)])
                self._inserted = event.sequence
            self._medium.refuse_replaced()
            self._backlog.popleft()
            self._written = event.sequence
            self._anchored += 1
            if self._anchored >= EVERY_RECORDS:
                self._anchor(event)

    def _anchor(self, event: Event) -> None:
        with suppress(OSError):  # the anchor before this one still stands, and says less
            write_anchor(anchor_path(self.path), event)
            self._anchored = 0

    # ---------------------------------------------------------------------- appending, on the loop

    def _submit(self, *events: Event) -> asyncio.Future[None]:
        """The turn of the thread that will write these; one that has not begun writes for all that wait."""
        self._backlog.extend(events)
        if self._turn_waits and self._turn is not None:
            return self._turn
        self._turn_waits = True
        loop = asyncio.get_running_loop()
        future = self._turn = loop.run_in_executor(self._thread, self._write_backlog)
        self._pending.add(future)
        future.add_done_callback(self._settled)
        if self._watch is None and not self._closing:
            self._watch = loop.call_later(self._limit_s(), self._late)
        return future

    def _settled(self, future: asyncio.Future[None]) -> None:
        self._pending.discard(future)
        if self._watch is not None and not self._closing:
            self._watch.cancel()
            loop = asyncio.get_running_loop()
            self._watch = loop.call_later(self._limit_s(), self._late) if self._pending else None
        if future.cancelled():
            return
        error = future.exception()
        self._tell(None if error is None else self._medium.in_words(error))
        if error is not None and self._retry_s is not None and self._retry is None and not self._closing:
            self._retry = asyncio.get_running_loop().call_later(self._real_s(self._retry_s), self.try_again)

    def try_again(self) -> None:
        """Tries what waits once more, where anything does; a new record does the same."""
        self._retry = None
        if self._backlog and not self._closing and not self._turn_waits:
            self._submit()

    def _limit_s(self) -> float:
        """The patience in the loop's seconds: a disk is no faster where a simulated line's clock is."""
        return self._real_s(self._patience_s)

    @staticmethod
    def _real_s(seconds: float) -> float:
        return seconds * float(getattr(asyncio.get_running_loop(), "speed", 1.0))

    def _late(self) -> None:
        self._watch = None
        self._tell(f"{self._medium.place}: the disk has not answered for {self._patience_s:g} s")

    def _tell(self, broken: str | None) -> None:
        """Tells when writing begins to fail and when it works again, as a condition; each change once."""
        was, self.broken = self.broken, None if broken is None else f"the journal cannot be written: {broken}"
        if self._closing or (was is None) == (self.broken is None):
            return
        message = self.broken or f"the journal {self._medium.place} is written again; nothing is missing in it"
        self.note(LINE, "condition", _condition("journal_unwritable", message, active=self.broken is not None))

    @property
    def is_silent(self) -> bool:
        return bool(self._pending) and self._watch is None and self.broken is None and not self._closing

    async def _store(self, event: Event) -> None:
        future = self._submit(event)
        try:
            async with asyncio.timeout(self._limit_s()):  # wait_for of Python 3.11 loses a cancellation that comes late
                await asyncio.shield(future)
        except TimeoutError:
            words = f"{self._medium.place}: the disk has not answered for {self._patience_s:g} s"
            raise JournalError(f"the journal cannot be written: {words}") from None
        except self._refusals as error:
            raise JournalError(f"the journal cannot be written: {self._medium.in_words(error)}") from error

    def _store_later(self, event: Event) -> None:
        self._submit(event)

    # ---------------------------------------------------------------------- closing

    def _thread_is_done(self) -> bool:
        return self._closing

    async def close(self) -> None:
        if self._closing:
            return
        self._closing = True
        for timer in (self._watch, self._retry):
            if timer is not None:
                timer.cancel()
        loop = asyncio.get_running_loop()
        last = loop.run_in_executor(self._thread, self._finish)
        done, late = await asyncio.wait({last, *self._pending}, timeout=self._limit_s())
        if late:
            last.cancel()
            self.broken = f"the journal cannot be written: {self._medium.place}: the disk does not answer"
            self._rescue()
        elif (error := last.exception()) is not None:
            self.broken = f"the journal cannot be written: {self._medium.in_words(error)}"
            self._rescue()
        else:
            self.broken = None
            rescue_path(self.path).unlink(missing_ok=True)
        for future in done:
            future.exception()  # each was told of when it came
        self._thread.shutdown(wait=not late)
        if not late:  # else the thread may still write, and nobody else may until it is gone
            self._lock.close()

    def _finish(self) -> None:
        """The last try, and a look at what the file holds: all that this process appended, or it raises."""
        try:
            self._write_backlog()
            if events := self._events:
                self._look_again(events)
                self._anchor(events[-1])
        finally:
            self._medium.close()

    def _look_again(self, events: Sequence[Event]) -> None:
        with self._medium.reading() as records:
            if not held_by(records, [row_of(event) for event in events]):
                raise StoreUnusable("the file does not hold what was written to it")

    def _rescue(self) -> None:
        """All that this process still holds, into the rescue file; what became of it is added to `broken`."""
        kept_events = tail_of(self._events)
        waiting = f"{len(self._backlog)} records were not written"
        try:
            where = write_rescue(rescue_path(self.path), self.path.name, kept_events)
        except OSError as error:
            self.broken = f"{self.broken}; {waiting}, nor could they be rescued ({error.strerror})"
            return
        kept = f"all {len(kept_events)} of this process are in {where}, which `pressline verify` reads"
        self.broken = f"{self.broken}; {waiting}; {kept}"


def _condition(name: str, message: str, *, active: bool) -> Mapping[str, Any]:
    return {"name": name, "unit": None, "active": active, "message": message}
