"""The counters of Sparkplug B, 0 to 255 and again: seq over a node's messages, bdSeq over its connections."""

from __future__ import annotations

from typing import Final, Protocol

ROUND: Final = 256


class DeathNumbers(Protocol):
    """Where the last bdSeq is kept over restarts."""

    async def load(self) -> int | None:
        """The last one that was saved, None if there never was one."""

    async def save(self, number: int) -> None:
        """Keeps it; when this returns it survives a crash."""


async def next_death_number(kept: DeathNumbers) -> int:
    """The bdSeq of the next CONNECT: saved before it is used, so that no two connections ever share one in a row."""
    last = await kept.load()
    number = 0 if last is None else (last + 1) % ROUND
    await kept.save(number)
    return number


class Sequence:
    """seq of the next message."""

    def __init__(self) -> None:
        self._next = 0

    def restart(self) -> None:
        """A birth of the node comes next, with 0."""
        self._next = 0

    def take(self) -> int:
        """The next number."""
        number, self._next = self._next, (self._next + 1) % ROUND
        return number
