"""Opening what a crash left with the real journal, and holding it against what had been told until then."""

from __future__ import annotations

import hashlib
import sqlite3
from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from controller.events import Event, EventStream
from controller.journal import JournalError, SqliteJournal
from controller.recovery import open_runs
from tests.crash.disk import Files, Image
from tests.crash.recording import RUN, STORE, Recording, Told

NEVER = 1 << 62


@dataclass(frozen=True, slots=True)
class Fault:
    """What must not be after a crash: at which operation, with what left of the unsynced writes."""

    operation: int
    left: str
    words: str

    def __str__(self) -> str:
        return f"operation {self.operation}, {self.left}: {self.words}"


@dataclass(frozen=True, slots=True)
class Found:
    """What an image held when it was opened: how many records, whether they are the first ones, which runs are open."""

    count: int
    are_the_first: bool
    open_runs: tuple[str, ...]
    is_created: bool
    is_closed: bool


class Judge:
    """Judges images of one recording. folder is where they are put; a memory disk makes it fast."""

    def __init__(self, recording: Recording, folder: Path) -> None:
        self._recording, self._folder = recording, folder
        self._hashes = [event.hash for event in recording.events]
        self._written = sorted(recording.written.values())
        self._returned = sorted((operation, number) for number, operation in recording.returned.items())
        self._begun = sorted(recording.begun.values())
        self._requested = _requested(recording.events)
        self._opened: dict[bytes, Found | str] = {}

    def least(self, operation: int) -> int:
        """How many records must be there after a crash before this operation: what SQLite had taken by then."""
        written = bisect_right(self._written, operation)
        returned = [number for at, number in self._returned if at <= operation]
        return max(written, *returned, 0)

    def most(self, operation: int) -> int:
        """How many records can be there: what had been made by then."""
        return bisect_right(self._begun, operation)

    async def judge(self, operation: int, image: Image) -> list[Fault]:
        """Everything that is wrong with what a crash before an operation left."""
        mark = _mark(image.files)
        if mark not in self._opened:
            _put(self._folder, image.files)
            self._opened[mark] = await self._open()
        opened = self._opened[mark]
        faults = [opened] if isinstance(opened, str) else self.record_faults(operation, opened)
        return [Fault(operation, image.left.value, words) for words in faults]

    async def _open(self) -> Found | str:
        """What the real journal finds, after it has written on; or what it cannot do."""
        path = self._folder / STORE
        try:
            journal = SqliteJournal(EventStream(), lambda: "2026-01-02T00:00:00.000+00:00", path)
        except JournalError as error:
            return f"it cannot be opened: {error}"
        try:
            after = await journal.append("after", "after.crash", {})
        except JournalError as error:
            return f"it cannot be written to: {error}"
        finally:
            await journal.close()
        events = list(journal.earlier)  # it has verified them
        if journal.broken is not None or _hashes(path) != [*(event.hash for event in events), after.hash]:
            return f"it does not go on: {journal.broken}"
        return self.found(events)

    def found(self, events: Sequence[Event]) -> Found:
        """What there is to judge of the records of an image."""
        kinds = {event.kind for event in events if event.run == RUN}
        return Found(
            len(events),
            [event.hash for event in events] == self._hashes[: len(events)],
            tuple(open_runs(list(events))),
            "run.created" in kinds,
            "run.closed" in kinds,
        )

    def record_faults(self, operation: int, found: Found) -> Iterator[str]:
        """What is lost, doubled or disordered, and what a machine was told that nobody knows of any more."""
        if not found.are_the_first:
            yield "its records are not the first ones that were written"
        if found.count < (least := self.least(operation)):
            yield f"{least - found.count} records are lost: it holds {found.count}, {least} were durable"
        if found.count > (most := self.most(operation)):
            yield f"it holds {found.count} records, only {most} had been made"
        for told in self._recording.told:
            is_known = self._request_of(told) <= found.count
            if told.operation <= operation and not is_known:
                yield f"{told.unit} had obeyed {told.command}, and no record is left of it"
        if found.open_runs != ((RUN,) if found.is_created and not found.is_closed else ()):
            yield "the run is not found to be open"

    def _request_of(self, told: Told) -> int:
        """The number of the newest request for a command that had been made when a machine obeyed it."""
        made, wanted = self.most(told.operation), self._requested.get((told.unit, told.command), [])
        return max((number for number in wanted if number <= made), default=NEVER)


def _requested(events: Sequence[Event]) -> Mapping[tuple[str, str], list[int]]:
    found: dict[tuple[str, str], list[int]] = {}
    for event in events:
        if event.kind == "command.requested":
            found.setdefault((event.data["unit"], event.data["command"]), []).append(event.sequence)
    return found


def _hashes(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as database:
        return [row[0] for row in database.execute("SELECT hash FROM events ORDER BY sequence")]


def _mark(files: Files) -> bytes:
    """The same for the same files: what two crashes left alike is opened once."""
    mark = hashlib.blake2b(digest_size=16)
    for name in sorted(files):
        mark.update(f"{name}:{len(files[name])}:".encode())
        mark.update(files[name])
    return mark.digest()


def _put(folder: Path, files: Files) -> None:
    for old in folder.iterdir():
        old.unlink()
    for name, content in files.items():
        (folder / name).write_bytes(content)
