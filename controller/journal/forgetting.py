"""A journal that does not hold all that it wrote: what it forgot it reads in its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

from controller.events import Event, EventStream
from controller.journal.database import events_of, row_of
from controller.journal.errors import JournalError
from controller.journal.medium import Medium
from controller.journal.memory import Journal
from controller.journal.past import AskedPast, HeldPast, JoinedPast, Past
from controller.journal.records import Records, Row
from controller.journal.stored import CHECK_PAUSE_S, held_by, rest_checked

LINE = "line"
"""The name under which is told what belongs to no run."""


class ForgettingJournal(Journal):
    """Lets go what its store holds, after a look that it really does.

    unverified is how many of the first records nobody has verified yet. damaged tells what was found wrong behind the
    start, and stays: nothing new may start on it. `_written` is the number up to which everything is durable.
    """

    def __init__(self, stream: EventStream, utc: Callable[[], str], medium: Medium) -> None:
        super().__init__(stream, utc)
        self.damaged: str | None = None
        self.unverified = 0
        self._medium = medium
        self._written = self._forgotten = 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="journal")
        self._forgetting: set[asyncio.Future[bool]] = set()

    def everything(self) -> Past:
        if not self._forgotten:
            return super().everything()
        written = self._written
        stored = AskedPast(written, self._medium.reading, partial(events_of, self._medium.place))
        return JoinedPast(stored, HeldPast([event for event in self._events if event.sequence > written]))

    def reading(self) -> AbstractContextManager[Records]:
        """What is durable, on a connection of its own beside the writer. Raises StoreUnusable, also in the block."""
        return self._medium.reading()

    def forget(self, *runs: str) -> None:
        going = [event for event in self._events if event.run in runs]
        if not going or self.broken is not None or self._thread_is_done():
            return
        rows = [row_of(event) for event in going]
        future = asyncio.get_running_loop().run_in_executor(self._thread, self._holds, rows)
        self._forgetting.add(future)  # it comes behind the writing of all of them
        future.add_done_callback(partial(self._looked_at, going))

    def _thread_is_done(self) -> bool:
        return False

    def _holds(self, rows: Sequence[Row]) -> bool:
        with self._medium.reading() as records:
            return held_by(records, rows)

    def _looked_at(self, going: Sequence[Event], future: asyncio.Future[bool]) -> None:
        self._forgetting.discard(future)
        if future.cancelled():
            return
        if (error := future.exception()) is not None:
            if not isinstance(error, (JournalError, OSError, *self._medium.errors)):
                raise error
            return  # the store cannot be read now; what cannot be looked at stays in memory
        if going[-1].sequence > self._written:
            return  # the store has refused some of them meanwhile
        if not future.result():
            self.tell_damaged(f"{self._medium.place} does not hold what was written to it")
            return
        gone = {event.sequence for event in going}
        self._events = [event for event in self._events if event.sequence not in gone]
        self._forgotten = max(self._forgotten, *gone)

    async def check_rest(self, pause_s: float = CHECK_PAUSE_S) -> list[str]:
        """Verifies what the start left out, a few records at a time beside everything else; what it finds is told.

        For a task of the service's own. Raises StoreUnusable where the store cannot be read.
        """
        faults = await rest_checked(self._medium, self.unverified, pause_s)
        if faults:
            self.tell_damaged(f"{self._medium.place}: {faults[0]}")
        else:
            self.unverified = 0
        return faults

    def tell_damaged(self, words: str) -> None:
        """Tells that the store is damaged, as a condition, once."""
        was, self.damaged = self.damaged, f"the journal is damaged: {words}"
        if was is None:
            data = {"name": "journal_damaged", "unit": None, "active": True, "message": self.damaged}
            self.note(LINE, "condition", data)
