"""A disk that is slow, or does not answer: what raises risk is refused, what lowers it is not delayed."""

from __future__ import annotations

import asyncio
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from controller.events import EventStream
from controller.journal import (
    JournalError,
    SqliteJournal,
    is_in_use,
    read_events,
    read_rescue,
    rescue_path,
)
from tests.crash.storage import BadDisk
from tests.crash.stores import utc
from tests.crash.vfs import FileSystem


class SlowDisk(BadDisk):
    """Syncs wait while the gate is shut."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = threading.Event()
        self.gate.set()

    def syncs(self, file: str) -> None:
        self.gate.wait(10.0)


def answering(disk: SlowDisk, journal: SqliteJournal) -> None:
    """The disk answers again; a loaded computer is given time for it."""
    journal._patience_s = 30.0
    disk.gate.set()


async def test_a_disk_that_does_not_answer_is_told_and_delays_no_stop(tmp_path: Path) -> None:
    disk, path = SlowDisk(), tmp_path / "s.sqlite"
    journal = SqliteJournal(EventStream(), utc, path, FileSystem(disk).connect, patience_s=0.2)
    await journal.append("r", "first", {})
    disk.gate.clear()
    with pytest.raises(JournalError, match=r"the disk has not answered for 0\.2 s"):
        await journal.append("r", "start", {})
    begun = asyncio.get_running_loop().time()
    journal.note("r", "stop", {})
    assert asyncio.get_running_loop().time() - begun < 0.1
    assert "the disk has not answered" in str(journal.broken)
    answering(disk, journal)
    await journal.append("r", "start again", {})
    await journal.close()
    assert journal.broken is None
    kinds = [event.kind for event in read_events(path)]
    assert kinds == ["first", "start", "condition", "stop", "start again", "condition"]


async def test_a_slow_disk_that_is_waited_for_by_nobody_is_told_too(tmp_path: Path) -> None:
    disk, path = SlowDisk(), tmp_path / "s.sqlite"
    journal = SqliteJournal(EventStream(), utc, path, FileSystem(disk).connect, patience_s=0.2)
    disk.gate.clear()
    journal.note("r", "stop", {})
    await asyncio.sleep(0.5)
    assert [event.data["active"] for event in journal.events() if event.kind == "condition"] == [True]
    answering(disk, journal)
    await journal.close()
    assert journal.broken is None


async def test_a_disk_that_never_answers_leaves_the_evidence_in_the_rescue_file(tmp_path: Path) -> None:
    disk, path = SlowDisk(), tmp_path / "s.sqlite"
    journal = SqliteJournal(EventStream(), utc, path, FileSystem(disk).connect, patience_s=0.2)
    disk.gate.clear()
    journal.note("r", "stop", {})
    await journal.close()
    is_kept = is_in_use(path)
    disk.gate.set()
    journal._thread.shutdown()
    journal._database.close()
    journal._lock.close()
    assert "the disk does not answer" in str(journal.broken)
    assert is_kept, "what the disk takes at last would fall into another's writing"
    events, faults = read_rescue(rescue_path(path))
    assert (faults, [event.kind for event in events]) == ([], ["stop"])


async def test_many_notes_on_a_bad_disk_are_tried_together(tmp_path: Path) -> None:
    """Each try may cost SQLite's whole patience; a hundred notes must not cost a hundred of them."""
    tries = 0

    class Counting(BadDisk):
        def syncs(self, file: str) -> None:
            nonlocal tries
            tries += 1
            super().syncs(file)

    disk = Counting()
    journal = SqliteJournal(EventStream(), utc, tmp_path / "s.sqlite", FileSystem(disk).connect)
    disk.refuses_sync = True
    tries = 0
    for number in range(100):
        journal.note("r", "note", {"n": number})
    with suppress(JournalError):
        await journal.append("r", "last", {})
    assert tries < 10
    disk.refuses_sync = False
    await journal.close()
    assert journal.broken is None
    assert len(read_events(tmp_path / "s.sqlite")) >= 101
