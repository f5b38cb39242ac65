"""A crash at write boundaries of a run's journal: nothing is lost, doubled or disordered, and the judge can fail."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import apsw
import pytest

from controller.events import EventStream
from controller.journal import JournalError, SqliteJournal, database, read_events
from tests.controller.recipes_for_tests import EXAMPLE, quick
from tests.crash.boundaries import Wanted, fast_folder, judged
from tests.crash.disk import Create, Delete, Disk, FailedSync, Left, Recorder, Sync, Truncate, Write
from tests.crash.judging import Judge
from tests.crash.recording import STORE, Recording, Told, recorded
from tests.crash.vfs import FileSystem

PRIME = 31
"""Every so many boundaries of a whole run are judged here, all of them by `make campaign-crash`."""


@pytest.fixture(scope="module")
def example() -> Iterator[Recording]:
    """Example 1, whole, as the disk saw its journal."""
    with fast_folder() as folder:
        yield recorded(EXAMPLE, folder)


def test_a_crash_at_write_boundaries_of_example_1_loses_doubles_and_disorders_nothing(example: Recording) -> None:
    assert example.end_state == "complete"
    assert len(example.told) > 10, "machines were told something"
    assert set(example.written) == set(range(1, len(example.events) + 1))
    tally = judged(example, Wanted(step=PRIME, holes=1, every_tear=False))
    assert tally.faults == []
    assert tally.boundaries >= len(example.operations) // PRIME
    assert set(tally.images) == {str(left) for left in Left}


def test_a_crash_while_the_store_is_made(example: Recording) -> None:
    first = example.begun[2]
    begin = Recording(example.operations[:first], example.events, example.begun, example.written, example.returned)
    tally = judged(begin, Wanted(holes=2))
    assert tally.faults == []
    assert tally.boundaries == first + 1


def test_what_raises_risk_was_durable_before_a_machine_obeyed(example: Recording) -> None:
    judge = Judge(example, Path())
    for told in example.told:
        request = judge._request_of(told)
        assert example.returned[request] <= told.operation, told


def test_a_journal_that_does_not_sync_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without synchronous=FULL SQLite does not sync its log with each commit: records are lost, the judge sees it."""
    prepare = database._prepare

    def careless(path: Path, connection: Any) -> None:
        prepare(path, connection)
        connection.execute("PRAGMA synchronous=NORMAL")

    monkeypatch.setattr(database, "_prepare", careless)
    recording = recorded(quick(tmp_path / "quick.yaml"), tmp_path)
    monkeypatch.undo()
    tally = judged(recording, Wanted(first=200, step=150, holes=1, every_tear=False))
    assert any("records are lost" in fault.words for fault in tally.faults)
    assert any("no record is left of it" in fault.words for fault in tally.faults)


def test_lost_doubled_and_disordered_records_are_found(example: Recording) -> None:
    judge, end, events = Judge(example, Path()), len(example.operations), example.events
    assert list(judge.record_faults(end, judge.found(events))) == []
    assert any("1 records are lost" in words for words in judge.record_faults(end, judge.found(events[:-1])))
    swapped = [events[1], events[0], *events[2:]]
    assert any("not the first ones" in words for words in judge.record_faults(end, judge.found(swapped)))
    doubled = [*events, events[-1]]
    assert any(f"only {len(events)} had been made" in words for words in judge.record_faults(end, judge.found(doubled)))
    assert any("only 0 had been made" in words for words in judge.record_faults(0, judge.found(events[:1])))


def test_a_command_that_was_sent_before_it_was_durable_is_found(example: Recording) -> None:
    told = example.told[0]
    hasty = Recording(example.operations, events=example.events, begun=example.begun, told=[Told(10, *_of(told))])
    judge = Judge(hasty, Path())
    few = judge.found(example.events[:5])
    assert any("no record is left" in words for words in judge.record_faults(20, few))


class Unsteady(Recorder):
    """Refuses one sync of the log, and forgets what was to be synced, as Linux does."""

    def __init__(self, refused: int) -> None:
        super().__init__()
        self.left = refused

    def syncs(self, file: str) -> None:
        self.left -= file.endswith("-wal")
        if self.left == 0 and file.endswith("-wal"):
            self.operations.append(FailedSync(file))
            raise apsw.IOError("fsync refused")
        super().syncs(file)


@pytest.mark.parametrize("refused", range(5, 24, 4))
def test_after_a_failed_fsync_the_record_is_written_anew_and_not_only_synced_again(
    tmp_path: Path, refused: int
) -> None:
    recorder, failed = Unsteady(refused), []

    async def main() -> list[str]:
        journal = SqliteJournal(EventStream(), lambda: "now", tmp_path / STORE, FileSystem(recorder).connect)
        for number in range(20):
            try:
                await journal.append("r", "k", {"n": number, "text": "x" * 900 * (number % 7)})
            except JournalError:
                failed.append(number)
        await journal.append("r", "k", {"n": "last"})  # what was noted before it is written by then
        hashes = [event.hash for event in journal.events()]
        disk = disk_with(*recorder.operations)
        await journal.close()
        assert disk.is_clean
        with fast_folder() as folder:
            for name, content in left(disk, Left.KEPT).items():
                (folder / name).write_bytes(content)
            assert [event.hash for event in read_events(folder / STORE)] == hashes
        return hashes

    assert len(asyncio.run(main())) == 23, "twenty-one, and a condition that begins and ends"
    assert len(failed) == 1


def _of(told: Told) -> tuple[str, str]:
    return told.unit, told.command


# ---------------------------------------------------------------------- the disk itself


def left(disk: Disk, kind: Left, seed: int = 1) -> dict[str, bytes]:
    return next(image.files for image in disk.images(Random(seed), [kind]) if image.left is kind)


def disk_with(*operations: Any) -> Disk:
    disk = Disk()
    for operation in operations:
        disk.apply(operation)
    return disk


def test_what_was_synced_stays_and_the_rest_is_as_the_kind_says() -> None:
    disk = disk_with(Create("a-wal"), Write("a-wal", 0, b"x" * 600), Sync("a-wal"), Write("a-wal", 600, b"y" * 1000))
    assert set(left(disk, Left.INDEX)) == {"a-wal", "a-shm"}
    assert left(disk, Left.KEPT) == {"a-wal": b"x" * 600 + b"y" * 1000}
    assert left(disk, Left.DROPPED) == {"a-wal": b"x" * 600}
    torn = [image.files["a-wal"] for image in disk.images(Random(1), [Left.TORN], every_tear=True)][1:]
    assert [len(content) for content in torn] == [1024, 1536], "at sectors of the file, not of the write"
    assert left(disk, Left.ZEROS)["a-wal"] in (b"x" * 600 + bytes(1000), b"x" * 600 + b"y" * 1000)
    seen = {left(disk, Left.HOLES, seed)["a-wal"] for seed in range(20)}
    assert len(seen) > 3, "single sectors come and go"


def test_only_the_last_write_can_be_there_without_those_before_it() -> None:
    disk = disk_with(Create("a-wal"), Sync("a-wal"), Write("a-wal", 0, b"x" * 512), Write("a-wal", 512, b"y" * 512))
    assert left(disk, Left.LAST_ONLY) == {"a-wal": bytes(512) + b"y" * 512}


def test_a_name_is_on_disk_when_its_directory_was_synced() -> None:
    made = (Create("a"), Write("a", 0, b"x"), Sync("a"))
    assert left(disk_with(*made), Left.DROPPED) == {}, "the file was synced, its name was not"
    logged = disk_with(*made, Create("a-wal"), Sync("a-wal"))
    assert logged.is_clean
    logged.apply(Delete("a-wal", durably=False))
    assert left(logged, Left.KEPT) == {"a": b"x"}
    assert left(logged, Left.DROPPED) == {"a": b"x", "a-wal": b""}, "the deletion was not synced"


def test_a_truncation_is_a_write_too() -> None:
    disk = disk_with(Create("a-wal"), Write("a-wal", 0, b"x" * 10), Sync("a-wal"), Truncate("a-wal", 4))
    assert left(disk, Left.KEPT) == {"a-wal": b"xxxx"}
    assert left(disk, Left.DROPPED) == {"a-wal": b"x" * 10}
