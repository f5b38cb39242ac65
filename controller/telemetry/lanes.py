"""Kept messages on their way: read from the outbox in their order, sent with a share of the window, and paced."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.outbox import Entry, Outbox, Priority, Waiting

READ = 200
"""Messages that are read from the outbox at once."""
BURST_S = 0.02
"""Seconds of a pace that may be sent at once, so that the loop is not woken for each message."""


@dataclass(frozen=True, slots=True)
class Lent:
    """A message that was never on the disk, because that refuses."""

    entry: Entry


Kept = Waiting | Lent


@dataclass(slots=True)
class Lane:
    """One order of messages. At most `share` of them wait for an acknowledgement at once; `per_s` None: no pace.

    has_more says that the outbox may hold messages that were not read yet.
    """

    outbox: Outbox
    outlet: str
    priorities: tuple[Priority, ...]
    share: int
    per_s: float | None
    clock: Callable[[], float]
    in_flight: int = 0
    has_more: bool = True
    _rows: deque[Kept] = field(default_factory=deque)
    _after: int = 0
    _next_s: float = 0.0

    def begin(self) -> None:
        """From the oldest on, as after every loss of the connection."""
        self._give_back()
        self._after = self.in_flight = 0
        self.has_more = True
        self._next_s = self.clock()

    def end(self, lent: list[Entry]) -> None:
        """The connection is lost; `lent` was sent and not acknowledged."""
        self._give_back(lent)
        self.in_flight = 0

    def next(self) -> Kept | None:
        """The next message, if one may be sent now."""
        if not self._rows or self.in_flight >= self.share or self.wait_s > 0:
            return None
        if self.per_s is not None:
            self._next_s = max(self._next_s, self.clock() - BURST_S) + 1 / self.per_s
        self.in_flight += 1
        return self._rows.popleft()

    @property
    def wait_s(self) -> float:
        """Seconds until the pace lets the next one go; 0 if nothing waits for it."""
        return max(0.0, self._next_s - self.clock()) if self._rows and self.per_s is not None else 0.0

    @property
    def is_hungry(self) -> bool:
        """Whether something should be read."""
        return self.has_more and len(self._rows) < READ // 2

    async def read(self) -> None:
        """Reads what comes next. Raises DatabaseUnusable."""
        self.has_more = False  # what is written from now on says so itself
        found = await self.outbox.take(self.outlet, self.priorities, self._after, READ)
        if found:
            self.has_more = True
            self._after = found[-1].number
            self._rows.extend(found)
        else:
            self.borrow()

    def borrow(self) -> None:
        """What the outbox cannot write is sent from its memory."""
        if not self._rows and not self.in_flight:
            self._rows.extend(Lent(entry) for entry in self.outbox.lend(self.outlet, self.priorities, READ))

    def _give_back(self, lent: list[Entry] | None = None) -> None:
        entries = [*(lent or []), *(row.entry for row in self._rows if isinstance(row, Lent))]
        if entries:
            self.outbox.put_back(entries)
        self._rows.clear()
