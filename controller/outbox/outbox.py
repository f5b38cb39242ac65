"""The outbox: messages are put in without waiting, kept on a disk, read in their order, and removed when taken.

One transaction at a time carries out everything that came meanwhile. A disk that fails loses nothing at once: what
cannot be written waits in memory, bounded as well, may be lent from there, and is written when the disk is mended.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager

from sqlalchemy import Connection

from controller.database import Database, DatabaseUnusable, database_opened
from controller.outbox import work
from controller.outbox.model import Drop, Entry, Limits, OutboxStatus, Priority, Waiting
from controller.outbox.tables import TABLES
from controller.outbox.work import Changes, Usage, carry_out, counted_drops

RETRY_S = 1.0
"""Loop seconds between two tries of a disk that refuses (engineering judgement)."""
BATCH = 2_000
"""Messages of one transaction: some ten milliseconds of the outbox's own thread (engineering judgement)."""


class Outbox:
    """Messages that wait for their outlets. One process works on a line's outbox.

    `on_change` is called on the loop when messages came to the disk, at every try that fails, and when it is mended.
    """

    def __init__(self, database: Database, line: str, limits: Limits | None = None) -> None:
        self._database, self._line, self._limits = database, line, limits or Limits()
        self._usage: Usage = {}
        self._marks: dict[str, int] = {}
        self._entries: deque[Entry] = deque()
        self._memory_size = 0
        self._changes = Changes()
        self._gone: set[int] = set()
        self._drops: tuple[Drop, ...] = ()
        self._retained: set[str] = set()
        self._wake = asyncio.Event()
        self._idle = asyncio.Event()
        self._idle.set()
        self.fault: str | None = None
        self.on_change: list[Callable[[], None]] = []

    # ------------------------------------------------------------------ for who puts in

    def put(self, entry: Entry) -> None:
        """Keeps a message; never waits, never fails. What is too much is dropped and counted, least important first."""
        self._entries.append(entry)
        self._memory_size += entry.size
        if len(self._entries) > self._limits.memory_messages or self._memory_size > self._limits.memory_size:
            self._drop_from_memory()
        self._touch()

    def put_back(self, entries: Sequence[Entry]) -> None:
        """Takes back what was lent and could not be delivered, before what came later."""
        self._entries.extendleft(reversed(entries))
        self._memory_size += sum(entry.size for entry in entries)
        self._touch()

    def mark(self, name: str) -> int | None:
        """What was remembered last under a name."""
        return self._changes.marks.get(name, self._marks.get(name))

    async def set_mark(self, name: str, value: int) -> None:
        """Remembers a number; returns when it is on the disk. Raises DatabaseUnusable."""
        self._marks[name] = value
        changes = Changes(marks={name: value})
        await self._database.run(lambda connection: carry_out(connection, self._line, changes, {}, self._limits))

    def retain(self, topic: str, *, kept: bool = True) -> None:
        """Remembers that a broker keeps something under a topic, or does no more."""
        if (topic in self._retained) is not kept:
            (self._retained.add if kept else self._retained.discard)(topic)
            self._changes.retained[topic] = kept
            self._touch()

    @property
    def retained(self) -> frozenset[str]:
        """The topics under which a broker keeps something of this line's."""
        return frozenset(self._retained)

    # ------------------------------------------------------------------ for outlets

    async def take(
        self, outlet: str, priorities: Iterable[Priority], after: int = 0, limit: int = 200
    ) -> list[Waiting]:
        """The oldest messages that come after a number, without those that were removed. Raises DatabaseUnusable."""
        kinds = tuple(priorities)
        found = await self._database.run(lambda c: work.waiting(c, self._line, outlet, kinds, after, limit))
        return work.known_numbers(found, self._gone)

    def lend(self, outlet: str, priorities: Iterable[Priority], limit: int = 200) -> list[Entry]:
        """Messages straight from memory while the disk fails; none if it does not, or older ones are on it."""
        kinds = tuple(priorities)
        if self.fault is None or any(self._usage.get((outlet, kind), (0, 0))[0] for kind in kinds):
            return []
        fits = [entry for entry in self._entries if entry.outlet == outlet and entry.priority in kinds][:limit]
        chosen = {id(entry) for entry in fits}
        self._entries = deque(entry for entry in self._entries if id(entry) not in chosen)
        self._memory_size -= sum(entry.size for entry in fits)
        return fits

    def remove(self, numbers: Iterable[int]) -> None:
        """Forgets messages that somebody has taken; on the disk soon."""
        new = [number for number in numbers if number not in self._gone]
        self._gone.update(new)
        self._changes.removed += new
        self._touch()

    def waits(self, outlet: str, priorities: Iterable[Priority]) -> int:
        """How many messages of an outlet wait on the disk."""
        return sum(self._usage.get((outlet, kind), (0, 0))[0] for kind in priorities)

    @property
    def drops(self) -> tuple[Drop, ...]:
        """What was not kept and nobody was told of yet."""
        return self._drops

    def told(self, drops: Iterable[Drop], entries: Iterable[Entry]) -> None:
        """Keeps the messages that tell of drops, and forgets those drops, in one transaction."""
        gone = list(drops)
        self._changes.told += gone
        self._drops = tuple(drop for drop in self._drops if drop not in gone)
        for entry in entries:
            self.put(entry)

    async def status(self) -> OutboxStatus:
        """How it stands."""
        try:
            oldest = await self._database.run(lambda c: work.oldest_us(c, self._line, dict(self._usage)))
        except DatabaseUnusable:
            oldest = None
        totals = {kind: sum(n for (_, k), (n, _) in self._usage.items() if k is kind) for kind in Priority}
        size = sum(size for _, size in self._usage.values())
        return OutboxStatus(totals, size, len(self._entries), oldest, self._drops, self.fault, self.retained)

    # ------------------------------------------------------------------ work

    async def load(self) -> None:
        """Finds what an earlier process left. Raises DatabaseUnusable."""
        self._usage = await self._database.run(lambda c: work.usage_of(c, self._line))
        self._marks = await self._database.run(lambda c: work.marks_of(c, self._line))
        self._drops = await self._database.run(lambda c: work.drops_of(c, self._line))
        self._retained = await self._database.run(lambda c: work.retained_of(c, self._line))

    async def run(self) -> None:
        """Writes until it is cancelled; what cannot be written is tried again."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            while self._has_work and await self._write():
                pass
            if self._has_work:
                await asyncio.sleep(RETRY_S)
                self._wake.set()
            else:
                self._idle.set()

    async def flushed(self) -> None:
        """Returns when everything that was put in is on the disk; `run` must be running."""
        await self._idle.wait()

    async def close(self) -> None:
        """Writes what is left, if the disk takes it."""
        while self._has_work and await self._write():
            pass

    @property
    def _has_work(self) -> bool:
        return bool(self._entries) or self._changes != Changes()

    def _touch(self) -> None:
        self._idle.clear()
        self._wake.set()

    async def _write(self) -> bool:
        """One transaction; whether it succeeded."""
        changes, self._changes = self._changes, Changes()
        changes.entries = [self._entries.popleft() for _ in range(min(BATCH, len(self._entries)))]
        self._memory_size -= sum(entry.size for entry in changes.entries)
        usage = dict(self._usage)

        def work_on(connection: Connection) -> tuple[Drop, ...]:
            carry_out(connection, self._line, changes, usage, self._limits)
            return work.drops_of(connection, self._line)

        writing = asyncio.ensure_future(self._database.run(work_on))
        try:
            drops = await asyncio.shield(writing)
        except asyncio.CancelledError:
            try:  # what has begun is carried out; what is known of it must agree
                self._written(changes, usage, await writing)
            except DatabaseUnusable as error:
                self._unwritten(changes, str(error))
            raise
        except DatabaseUnusable as error:
            self._unwritten(changes, str(error))
            return False
        self._written(changes, usage, drops)
        return True

    def _written(self, changes: Changes, usage: Usage, drops: tuple[Drop, ...]) -> None:
        self._usage, self._drops, was = usage, drops, self.fault
        self._marks.update(changes.marks)
        self._gone.difference_update(changes.removed)
        self.fault = None
        if changes.entries or was is not None:
            self._changed()

    def _unwritten(self, changes: Changes, fault: str) -> None:
        """As if it had not been tried; what came meanwhile is newer."""
        later, self._changes = self._changes, changes
        self._changes.removed += later.removed
        self._changes.drops += later.drops
        self._changes.told += later.told
        self._changes.marks.update(later.marks)
        self._changes.retained.update(later.retained)
        entries, self._changes.entries = changes.entries, []
        self.fault = fault
        self.put_back(entries)
        if len(self._entries) > self._limits.memory_messages or self._memory_size > self._limits.memory_size:
            self._drop_from_memory()
        self._changed()

    def _drop_from_memory(self) -> None:
        """Makes room for a tenth, so that it need not be done for each message."""
        limit, size_limit = 0.9 * self._limits.memory_messages, 0.9 * self._limits.memory_size
        count, size, gone = len(self._entries), self._memory_size, set[int]()
        dropped: list[Entry] = []
        for priority in Priority:
            for entry in self._entries:
                if count <= limit and size <= size_limit:
                    break
                if entry.priority is priority:
                    count, size = count - 1, size - entry.size
                    gone.add(id(entry))
                    dropped.append(entry)
        self._entries = deque(entry for entry in self._entries if id(entry) not in gone)
        self._memory_size = size
        self._changes.drops += counted_drops(dropped)
        for entry in dropped:
            self._changes.marks.update(entry.marks)

    def _changed(self) -> None:
        for call in list(self.on_change):
            call()


@asynccontextmanager
async def outbox_opened(url: str, line: str, limits: Limits | None = None) -> AsyncIterator[Outbox]:
    """The outbox of a line in a database, as long as the block; somebody has to run its `run()`.

    What was put in before the block is left is written then. Raises DatabaseUnusable if it cannot be opened.
    """
    async with database_opened(url, TABLES) as database:
        outbox = Outbox(database, line, limits)
        await outbox.load()
        try:
            yield outbox
        finally:
            await outbox.close()
