"""What the journal holds, asked beside the loop: a journal of months is read from its store, not from memory."""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.workers import Workers
from controller.events import Event
from controller.journal import Journal


class Records:
    """The records of a journal, whatever store it has. Everything raises JournalError where that cannot be read."""

    def __init__(self, journal: Journal, workers: Workers) -> None:
        self._journal, self._workers = journal, workers

    async def all(self) -> Sequence[Event]:
        """Every record in order."""
        return await self._workers.wait_for(lambda: list(self._journal.everything()))

    async def of_run(self, run: str) -> Sequence[Event]:
        """The records of one run in order."""
        return await self._workers.wait_for(lambda: list(self._journal.record(run)))
