"""A whole run with its journal on the witnessed disk, and what had been told by each operation of the disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.cli.recipes import planned
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.journal import SqliteJournal, anchor_path
from controller.journal.database import Connect
from controller.people import run_truth
from controller.session import Surroundings, carry_out, unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from simulators.operator_link import truth
from tests.campaign.fault_records import RAISING, TAKEN
from tests.campaign.observer import Observer
from tests.crash.disk import Operation, Put, Recorder
from tests.crash.vfs import FileSystem

STORE = "store.sqlite"
RUN = "run"


@dataclass(frozen=True, slots=True)
class Told:
    """What a machine had obeyed that raises risk, by an operation of the disk."""

    operation: int
    unit: str
    command: str


@dataclass(slots=True)
class Recording:
    """A run as the disk saw it.

    returned[n] is the operation by which `append` had returned for record n; written[n] the one by which SQLite had
    taken it, noted ones too; begun[n] the one before which it cannot be there.
    """

    operations: list[Operation] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    begun: dict[int, int] = field(default_factory=dict)
    written: dict[int, int] = field(default_factory=dict)
    returned: dict[int, int] = field(default_factory=dict)
    told: list[Told] = field(default_factory=list)
    end_state: str = ""


class RecordedJournal(SqliteJournal):
    """The real journal, which says when a record is written and when `append` returns."""

    def __init__(self, recording: Recording, utc: Callable[[], str], path: Path, connect: Connect) -> None:
        self.recording = recording
        super().__init__(EventStream(), utc, path, connect)

    async def append(self, run: str, kind: str, data: Any) -> Event:
        event = await super().append(run, kind, data)
        self.recording.returned[event.sequence] = len(self.recording.operations)
        return event

    def _next(self, run: str, kind: str, data: Any) -> Event:
        event = super()._next(run, kind, data)
        self.recording.begun[event.sequence] = len(self.recording.operations)
        return event

    def _write_backlog(self) -> None:
        first = self._inserted + 1
        super()._write_backlog()
        for sequence in range(first, self._inserted + 1):  # also those that came while it was writing
            self.recording.written[sequence] = len(self.recording.operations)

    def _anchor(self, event: Event) -> None:
        super()._anchor(event)
        path = anchor_path(self.path)
        self.recording.operations.append(Put(path.name, path.read_bytes()))


def recorded(recipe: Path, folder: Path, *, seed: int = 1, earlier: int = 0) -> Recording:
    """Runs a recipe on virtual time with its journal in a folder.

    earlier is how many records of former runs the store holds at the start, so that SQLite's checkpoints fall
    elsewhere.
    """
    recording, recorder = Recording(), Recorder()
    recording.operations = recorder.operations
    run_virtual(_run(recipe, folder, seed, earlier, recording, FileSystem(recorder)))
    return recording


async def _run(recipe: Path, folder: Path, seed: int, earlier: int, recording: Recording, system: FileSystem) -> None:
    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine(seed=seed, clock=clock)
    observer = Observer(simulated)
    for seen in observer.seen.values():
        seen.commands = _Commands(recording, seen.unit)

    async def told_truth(lot: str, jobs: Any) -> dict[str, Any]:
        return run_truth(truth(simulated, lot), jobs)

    journal = RecordedJournal(recording, lambda: virtual_utc(clock()), folder / STORE, system.connect)
    for number in range(earlier):
        await journal.append("earlier", "filler", {"number": number, "text": "x" * 600})
    line, person = memory_line(simulated), SimulatedPerson(simulated)
    await carry_out(planned(recipe, None), Surroundings(line, journal, person, unattended, told_truth), RUN)
    await journal.close()
    if journal.broken is not None:
        raise AssertionError(journal.broken)
    recording.events = journal.events()
    recording.end_state = journal.events(RUN)[-1].data["state"]


class _Commands(list[Any]):
    """The observer's list of what a machine obeyed; what raises risk is written down beside the disk's operations."""

    def __init__(self, recording: Recording, unit: str) -> None:
        super().__init__()
        self._recording, self._unit = recording, unit

    def append(self, obeyed: Any) -> None:
        super().append(obeyed)
        if obeyed.command in RAISING and obeyed.result in TAKEN:
            operation = len(self._recording.operations)
            self._recording.told.append(Told(operation, self._unit, obeyed.command))
