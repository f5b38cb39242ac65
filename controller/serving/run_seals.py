"""The trends of each run that has ended, sealed: a Parquet file, and its SHA-256 in the journal's chain.

What is left to do is read from the journal, so that a run which ended while nobody could seal it is sealed later. Until
then its trends are needed, and age does not delete them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from controller.database import DatabaseUnusable
from controller.events import Event
from controller.executor.states import ENDED, RunState
from controller.historian import ExportRefused, Historian, HistorianError, Seal, Sealed
from controller.journal import LINE, Journal, JournalError
from controller.vitals.deaths import Tell

SEALED = "trends.sealed"
CONDITION = "trends_not_sealed"
AGAIN_S = 60.0
"""Loop seconds until a run that could not be sealed is tried again (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A run that has ended and is not sealed: from when to when it lasted (UTC microseconds), where it was made."""

    run: str
    from_us: int
    to_us: int
    plan_hash: str
    units: tuple[str, ...]


class _Closings(asyncio.Queue[Event]):
    """Hears of every record and keeps the ends of runs."""

    def put_nowait(self, item: Event) -> None:
        if _is_end(item):
            super().put_nowait(item)


class RunSeals:
    """Seals runs as they end. folder takes the files; open_since gives when the runs began that are open (UTC text).

    profiles gives the profile of each unit of the line by name.
    """

    def __init__(
        self,
        historian: Historian,
        journal: Journal,
        folder: Path,
        tell: Tell,
        profiles: Callable[[], dict[str, str]],
        open_since: Callable[[], Iterable[str]],
    ) -> None:
        self._historian, self._journal, self._folder, self._tell = historian, journal, folder, tell
        self._profiles, self._open_since = profiles, open_since
        self._left: dict[str, Ended] = {}
        self._seen = 0  # the record of the newest end that was looked at
        self._knows = self._is_told = False

    def needed_us(self) -> int | None:
        """From when on trends are needed: of runs that are open, or not sealed. Before that is known, of all."""
        if not self._knows:
            return 0
        return min(
            [*map(us_of, filter(None, self._open_since())), *(one.from_us for one in self._left.values())], default=None
        )

    async def run(self) -> None:
        """Seals until it is cancelled. What cannot be sealed is told, and tried again."""
        closings = _Closings()
        with self._journal.stream.flowing(closings):
            self._knows = False
            while True:
                try:
                    if not self._knows:
                        self._left = await asyncio.to_thread(self._unsealed)
                        self._knows = True
                    await self._seal_all()
                    self._over()
                    end = await closings.get()
                    if end.sequence > self._seen:
                        found = await asyncio.to_thread(self._ended, end)
                        self._seen, self._left[found.run] = end.sequence, found
                except (HistorianError, DatabaseUnusable, JournalError) as error:
                    self._trouble(str(error))
                    self._knows = False  # an end that could not be read is found again
                    await asyncio.sleep(AGAIN_S)

    # ------------------------------------------------------------------ what is left to do

    def _unsealed(self) -> dict[str, Ended]:
        past = self._journal.everything()
        done = {str(event.data["run"]) for event in past.of_kinds((SEALED,))}
        ends = {event.run: event for event in past.of_kinds(("run.closed", "run.resumed"))}
        self._seen = max((end.sequence for end in ends.values()), default=0)
        return {run: self._ended(end) for run, end in ends.items() if run not in done and _is_end(end)}

    def _ended(self, end: Event) -> Ended:
        own = [event for event in self._journal.record(end.run) if event.sequence <= end.sequence]
        created = next((event for event in own if event.kind == "run.created"), end)
        begun = (event.data.get("unit") for event in own if event.kind == "step.started")
        units = tuple(sorted({unit for unit in begun if unit}))
        from_us, to_us = us_of(created.utc), us_of(end.utc)  # a clock that was set back turns them round
        hash_ = str(created.data.get("plan_hash", ""))
        return Ended(end.run, min(from_us, to_us), max(from_us + 1, to_us), hash_, units)

    # ------------------------------------------------------------------ sealing

    async def _seal_all(self) -> None:
        if not self._left:
            return
        await self._historian.flush()  # what came just now is known as well
        first_us = min((one.first_us for one in await self._historian.tags() if one.first_us is not None), default=None)
        for ended in list(self._left.values()):
            if ended.units and first_us is not None and first_us < ended.to_us:
                await self._seal(ended)
            del self._left[ended.run]

    async def _seal(self, ended: Ended) -> None:
        file = self._folder / f"{quote(ended.run, safe='')}.parquet"
        await asyncio.to_thread(_put_aside, file)
        profiles = self._profiles()
        wanted = Seal(
            ended.from_us,
            ended.to_us,
            ended.run,
            ended.plan_hash,
            {unit: profiles.get(unit, "") for unit in ended.units},
        )
        sealed = await self._historian.seal(wanted, file)
        await self._journal.append(LINE, SEALED, _data(ended.run, sealed))

    def _trouble(self, why: str) -> None:
        if not self._is_told:
            self._is_told = True
            words = (
                f"trends of runs that have ended are not sealed: {why}; they stay in the store, and it is tried again"
            )
            self._tell({"name": CONDITION, "unit": None, "active": True, "message": words})

    def _over(self) -> None:
        if self._is_told:
            self._is_told = False
            self._tell({"name": CONDITION, "unit": None, "active": False, "message": "trends of runs are sealed again"})


def us_of(utc: str) -> int:
    """UTC text as microseconds since 1970."""
    return round(datetime.fromisoformat(utc).timestamp() * 1e6)


def _is_end(event: Event) -> bool:
    """Whether a run is over with this record; one that is closed as held may go on."""
    return event.kind == "run.closed" and RunState(event.data["state"]) in ENDED


def _data(run: str, sealed: Sealed) -> dict[str, Any]:
    return {
        "run": run,
        "file": Path(sealed.file).name,
        "sha256": sealed.sha256,
        "rows": sealed.rows,
        "tags": sealed.tags,
        "bytes": sealed.bytes,
    }


def _put_aside(file: Path) -> None:
    """A file that no record speaks of: a sealing that died before its record, or a store that was put back since."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if file.exists():
            file.replace(file.with_name(f"{file.name}.unrecorded"))
    except OSError as error:
        raise ExportRefused(f"{file}: cannot be written: {error.strerror or error}") from error
