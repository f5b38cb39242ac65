"""What the journal holds, asked beside the loop and by index: no answer reads more the longer the service has lived."""

from __future__ import annotations

from collections.abc import Sequence

from controller.api.bodies.records import PastRunBody, past_run
from controller.api.workers import Workers
from controller.events import Event
from controller.journal import Journal, StoredJournal
from controller.lots.fold import lots_of
from controller.lots.model import Lot, Lots
from controller.lots.needed import records_of_runs, runs_after

NEWEST = 2**62
"""A number that no record has: pages begin at the newest."""
TOLD = ("run.state", "run.closed", "run.resumed")


class Records:
    """The records of a journal, whatever store it has. Everything raises JournalError where that cannot be read."""

    def __init__(self, journal: Journal, workers: Workers) -> None:
        self._journal, self._workers = journal, workers

    def doubt(self) -> str:
        """Why nobody can say now that the journal's chain holds; "" where it does."""
        if not isinstance(self._journal, StoredJournal):
            return ""
        if self._journal.damaged is not None:
            return self._journal.damaged
        left = self._journal.unverified
        return f"the first {left} records of the journal have not been verified since the start" if left else ""

    async def of_run(self, run: str) -> Sequence[Event]:
        """The records of one run in order."""
        return await self._workers.wait_for(lambda: list(self._journal.record(run)))

    async def runs(self, before: int | None, since: str, limit: int) -> Sequence[PastRunBody]:
        """Runs that were begun before record number `before` and not before `since` (UTC text), the newest first."""
        return await self._workers.wait_for(self._runs, before, since, limit)

    def _runs(self, before: int | None, since: str, limit: int) -> list[PastRunBody]:
        past = self._journal.everything()
        created = past.newest_of("run.created", NEWEST if before is None else before, limit)
        wanted = [event for event in created if event.utc >= since]
        return [past_run(event, past.of_run_and_kinds(event.run, TOLD)) for event in wanted]

    async def began(self, before: int | None, since: str, limit: int) -> Sequence[tuple[int, str]]:
        """The same runs, only number and name."""

        def found() -> list[tuple[int, str]]:
            created = self._journal.everything().newest_of("run.created", NEWEST if before is None else before, limit)
            return [(event.sequence, event.run) for event in created if event.utc >= since]

        return await self._workers.wait_for(found)

    async def lots_of_run(self, run: str, utc: str) -> list[Lot]:
        """The lots that a run made, the newest first. utc is until when one that is out is counted."""
        found = await self._workers.wait_for(lambda: lots_of(records_of_runs(self._journal, [run]), utc))
        return [lot for lot in reversed(list(found.values())) if lot.id.run == run]

    async def lots_around(self, run: str, utc: str, *, forward: bool = False) -> Lots:
        """A run's lots with all that they were made of; forward also with all that was made of them elsewhere."""

        def folded() -> Lots:
            runs = runs_after(self._journal, run) if forward else [run]
            return lots_of(records_of_runs(self._journal, runs), utc)

        return await self._workers.wait_for(folded)
