"""A journal that does not hold all that it wrote: what it forgot it reads in its store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from functools import partial

from controller.events import Event, EventStream
from controller.journal.database import events_of, row_of
from controller.journal.errors import JournalError, StoreUnusable
from controller.journal.medium import Medium
from controller.journal.memory import Journal
from controller.journal.past import AskedPast, HeldPast, JoinedPast, Past
from controller.journal.records import Records, Row
from controller.journal.stored import CHECK_PAUSE_S, held_by, rest_checked

LINE = "line"
"""The name under which is told what belongs to no run."""
CHECK_EVERY_S = 86_400.0
"""Loop seconds between two looks at every record and page: a disk that rots is told within a day (engineering
judgement; a million records take some ten minutes of a tenth of a core)."""
UNREADABLE_S = 60.0
"""Loop seconds until a store that could not be read is looked at again (engineering judgement)."""


class ForgettingJournal(Journal):
    """Lets go what its store holds, after a look that it really does.

    unverified is how many of the first records nobody has verified yet. `_written` is the number up to which everything
    is durable.
    """

    def __init__(self, stream: EventStream, utc: Callable[[], str], medium: Medium) -> None:
        super().__init__(stream, utc)
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
        self._let_go([event for event in self._events if event.run in runs])

    def forget_but(self, open_runs: Collection[str]) -> None:
        self._let_go([event for event in self._events if event.run not in open_runs])

    def _let_go(self, going: Sequence[Event]) -> None:
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
            if self._medium.tells_damage(error):
                self.tell_damaged(str(error))
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

        Raises StoreUnusable where the store cannot be read.
        """
        try:
            faults = await rest_checked(self._medium, self.unverified, pause_s)
        except StoreUnusable as error:
            if not self._medium.tells_damage(error):
                raise
            faults = [str(error)]
            self.tell_damaged(str(error))
            return faults
        if faults:
            self.tell_damaged(f"{self._medium.place}: {faults[0]}")
        else:
            self.unverified = 0
        return faults

    async def keep_checking(self, every_s: float = CHECK_EVERY_S) -> None:
        """Verifies what the start left out, and all of it again every so many loop seconds, until damage is found.

        For a task of the service's own. A store that cannot be read now is asked again.
        """
        while True:
            try:
                await self.check_rest()
            except JournalError:
                await asyncio.sleep(UNREADABLE_S)
                continue
            if self.damaged is not None:
                return
            await asyncio.sleep(every_s)
            self.unverified = max(0, self._written - 1)

    def tell_damaged(self, words: str) -> None:
        """Tells that the store is damaged, as a condition, once."""
        was, self.damaged = self.damaged, f"the journal is damaged: {words}"
        if was is None:
            data = {"name": "journal_damaged", "unit": None, "active": True, "message": self.damaged}
            self.note(LINE, "condition", data)
