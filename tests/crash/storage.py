"""A run whose disk goes bad at a moment of it, on virtual time, with the real executor and the real journal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import apsw

from controller.cli.recipes import planned
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.journal import SqliteJournal
from controller.journal.database import Connect, connected
from controller.session import Surroundings, carry_out, unattended
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.campaign.fault_limits import UNLOADED
from tests.campaign.fault_records import RAISING, TAKEN
from tests.campaign.observer import Observer
from tests.controller.recipes_for_tests import quick
from tests.crash.recording import RUN, STORE
from tests.crash.vfs import FileSystem, Witness

Fault = Callable[["BadDisk", SqliteJournal], None]


class BadDisk(Witness):
    """A disk that obeys until it is told not to."""

    def __init__(self) -> None:
        self.is_full = self.refuses_sync = self.refuses_write = False

    def writes(self, file: str, offset: int, data: bytes) -> None:
        if self.is_full:
            raise apsw.FullError("the disk is full")
        if self.refuses_write:
            raise apsw.IOError("write refused")

    def syncs(self, file: str) -> None:
        if self.refuses_sync:
            raise apsw.IOError("fsync refused")


@cache
def short_plan() -> Plan:
    """Example 1 with short coatings and dwells."""
    with TemporaryDirectory() as folder:
        return planned(quick(Path(folder, "quick.yaml")), None)


@dataclass(slots=True)
class StorageScene:
    """What a run became whose storage fault came when a unit entered a phase (or a step of this name started)."""

    folder: Path
    fault: Fault
    moment: tuple[str, str]
    connect: Connect | None = None
    mend: Fault | None = None
    disk: BadDisk = field(default_factory=BadDisk)
    begun_s: float | None = None
    loads: dict[str, float] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    broken: str | None = None
    raised_after: list[tuple[str, str, float]] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / STORE

    def play(self) -> StorageScene:
        run_virtual(self._play())
        assert self.begun_s is not None, "the moment came"
        return self

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        simulated = SimulatedLine(seed=1, clock=clock)
        observer = Observer(simulated)
        connect = self.connect or FileSystem(self.disk).connect
        journal = SqliteJournal(EventStream(), lambda: virtual_utc(clock()), self.store, connect)
        tasks = [asyncio.create_task(self._spoil(journal))]
        line, person = memory_line(simulated), SimulatedPerson(simulated)
        await carry_out(short_plan(), Surroundings(line, journal, person, unattended), RUN)
        timings = [seen.profile.timing for seen in observer.seen.values()]
        await asyncio.sleep(max(timing.watchdog_s + timing.decompression_s for timing in timings))
        observer.look(clock())
        tasks[0].cancel()
        if self.mend is not None:
            self.mend(self.disk, journal)
        await journal.close()
        self.events, self.broken = journal.events(), journal.broken
        self.record = document(journal.events(RUN), alive=False)
        for unit, seen in observer.seen.items():
            if seen.profile.kind in UNLOADED and seen.scans:
                self.loads[unit] = seen.scans[-1].load / UNLOADED[seen.profile.kind]
            self.raised_after += [
                (unit, obeyed.command, obeyed.time_s)
                for obeyed in seen.commands
                if obeyed.command in RAISING and obeyed.result in TAKEN and obeyed.time_s > (self.begun_s or 0.0)
            ]

    async def _spoil(self, journal: SqliteJournal) -> None:
        with journal.stream.subscribe() as events:
            while not _is(self.moment, await events.get()):
                pass
        self.begun_s = asyncio.get_running_loop().time()
        self.fault(self.disk, journal)


def _is(moment: tuple[str, str], event: Event) -> bool:
    if moment[0] == "step":
        return event.kind == "step.started" and event.data["name"] == moment[1]
    return event.kind == "step.phase" and event.data == {"unit": moment[0], "phase": moment[1]}


def plain(path: Path) -> Any:
    """The journal's own connection, which does not wait long for another writer."""
    connection = connected(path)
    connection.execute("PRAGMA busy_timeout=20")
    return connection
