"""What the journal holds, read beside the loop from the file that it is written to."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from controller.api.workers import Workers
from controller.events import Event
from controller.journal import read_events
from controller.journal.memory import Journal


class StoreRecords:
    """Records of a store file; `Records` of controller/api/ports.py."""

    def __init__(self, file: Path, workers: Workers) -> None:
        self._file, self._workers = file, workers

    async def events(self, run: str | None = None) -> Sequence[Event]:
        """All records in order, or those of one run. Raises JournalError."""
        return await self._workers.wait_for(read_events, self._file, run)


class MemoryRecords:
    """Records of a journal that has no file, as simulated lines on virtual time have."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    async def events(self, run: str | None = None) -> Sequence[Event]:
        """All records in order, or those of one run."""
        earlier = [event for event in self._journal.earlier if run is None or event.run == run]
        return [*earlier, *self._journal.events(run)]
