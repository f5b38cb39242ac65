"""A disk that goes bad: nothing starts any more, what runs ends safely, the evidence is kept, and it is told."""

from __future__ import annotations

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.events import EventStream
from controller.journal import (
    Journal,
    SqliteJournal,
    StoreUnusable,
    read_events,
    read_rescue,
    rescue_path,
    verify,
)
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.test_processes import ended
from tests.crash.storage import BadDisk, StorageScene, plain
from tests.crash.stores import opened_and_closed, stored, utc

Fault = Callable[[BadDisk, SqliteJournal], None]
DWELL = ("isostatic-press-1", "dwell")


def full(disk: BadDisk, journal: SqliteJournal) -> None:
    disk.is_full = True


def no_sync(disk: BadDisk, journal: SqliteJournal) -> None:
    disk.refuses_sync = True


def no_write(disk: BadDisk, journal: SqliteJournal) -> None:
    disk.refuses_write = True


def deleted(disk: BadDisk, journal: SqliteJournal) -> None:
    journal.path.unlink()


def log_deleted(disk: BadDisk, journal: SqliteJournal) -> None:
    journal.path.with_name(journal.path.name + "-wal").unlink()


def replaced(disk: BadDisk, journal: SqliteJournal) -> None:
    other = journal.path.with_name("other")
    other.write_bytes(journal.path.read_bytes())
    other.replace(journal.path)


def held_lock(disk: BadDisk, journal: SqliteJournal) -> None:
    journal.blocker = sqlite3.connect(journal.path, isolation_level=None)  # type: ignore[attr-defined]  # kept open
    journal.blocker.execute("BEGIN IMMEDIATE")  # type: ignore[attr-defined]  # as above


def lock_let_go(disk: BadDisk, journal: SqliteJournal) -> None:
    journal.blocker.close()  # type: ignore[attr-defined]  # as above


FAULTS: dict[str, tuple[Fault, str]] = {
    "full": (full, "the disk is full"),
    "fsync": (no_sync, "the disk refuses"),
    "write": (no_write, "the disk refuses"),
    "deleted": (deleted, "the file was deleted or replaced while it was in use"),
    "log deleted": (log_deleted, "the file was deleted or replaced while it was in use"),
    "replaced": (replaced, "the file was deleted or replaced while it was in use"),
}


@pytest.mark.parametrize("moment", [DWELL, ("step", "stack intermediate")], ids=["at pressure", "between steps"])
@pytest.mark.parametrize("name", FAULTS)
def test_a_bad_disk_starts_nothing_and_keeps_the_evidence(tmp_path: Path, name: str, moment: tuple[str, str]) -> None:
    fault, words = FAULTS[name]
    scene = StorageScene(tmp_path, fault, moment).play()
    assert scene.raised_after == [], "nothing that raises risk reached a machine"
    assert all(load <= 1.0 for load in scene.loads.values()), scene.loads
    assert scene.record["state"] == "held"
    assert words in scene.record["reason"]
    told = [event.data for event in scene.events if event.kind == "condition"]
    assert [data["active"] for data in told if data["name"] == "journal_unwritable"] == [True]
    assert words in told[0]["message"]
    assert scene.broken is not None
    assert f"{rescue_path(scene.store)}, which `pressline verify` reads" in scene.broken
    rescued, faults = read_rescue(rescue_path(scene.store))
    assert faults == []
    assert [event.hash for event in rescued] == [event.hash for event in scene.events]


@pytest.mark.parametrize("name", ["full", "fsync", "write"])
def test_what_was_rescued_goes_into_the_store_when_the_disk_is_mended(tmp_path: Path, name: str) -> None:
    scene = StorageScene(tmp_path, FAULTS[name][0], DWELL).play()
    stored = read_events(scene.store)
    assert verify(stored) == []
    assert 0 < len(stored) < len(scene.events)
    asyncio.run(opened_and_closed(scene.store, rescued=len(scene.events) - len(stored)))
    *kept, told = read_events(scene.store)
    assert [event.hash for event in kept] == [event.hash for event in scene.events]
    assert (told.run, told.kind, told.data["name"], told.data["active"]) == (
        "line",
        "condition",
        "journal_rescued",
        True,
    )
    assert f"{len(scene.events) - len(stored)} records that the disk had not taken before" in told.data["message"]
    assert not rescue_path(scene.store).exists()


def test_a_death_while_rescued_records_are_taken_in_takes_them_in_once(tmp_path: Path) -> None:
    scene = StorageScene(tmp_path, full, DWELL).play()
    rescue = rescue_path(scene.store)
    content = rescue.read_bytes()
    asyncio.run(opened_and_closed(scene.store, rescued=len(scene.events) - len(read_events(scene.store))))
    rescue.write_bytes(content)  # it died before the file was gone
    asyncio.run(opened_and_closed(scene.store, rescued=0))
    told = [e for e in read_events(scene.store) if e.data.get("name") == "journal_rescued"]
    assert len(told) == 1
    assert verify(read_events(scene.store)) == []


def test_a_store_that_was_deleted_is_not_silently_made_anew(tmp_path: Path) -> None:
    scene = StorageScene(tmp_path, deleted, DWELL).play()
    assert not scene.store.exists()
    with pytest.raises(StoreUnusable, match=r"the store is missing, and .*rescue beside it says that there was one"):
        SqliteJournal(EventStream(), utc, scene.store)
    assert not scene.store.exists()


def test_a_store_that_is_locked_for_a_while_holds_the_run_and_loses_nothing(tmp_path: Path) -> None:
    scene = StorageScene(tmp_path, held_lock, DWELL, connect=plain, mend=lock_let_go).play()
    assert scene.record["state"] == "held"
    assert "another process keeps this store locked" in scene.record["reason"]
    assert scene.raised_after == []
    assert scene.broken is None
    assert [event.hash for event in read_events(scene.store)] == [event.hash for event in scene.events]
    assert not rescue_path(scene.store).exists()


def test_a_page_that_is_damaged_under_a_run_is_found_and_the_evidence_is_kept(tmp_path: Path) -> None:
    def damage(disk: BadDisk, journal: SqliteJournal) -> None:
        file = journal.path.with_name(journal.path.name + "-wal")
        content = bytearray(file.read_bytes())
        content[4096 : len(content) // 2] = b"\xa5" * (len(content) // 2 - 4096)
        with file.open("r+b") as opened:
            opened.write(content)

    scene = StorageScene(tmp_path, damage, DWELL, connect=plain).play()
    assert all(load <= 1.0 for load in scene.loads.values())
    assert scene.broken is not None
    assert "which `pressline verify` reads" in scene.broken
    rescued, faults = read_rescue(rescue_path(scene.store))
    assert faults == []
    assert [event.hash for event in rescued] == [event.hash for event in scene.events]


SMALL_DISK = """
set -e
mount -t tmpfs -o size=2560k tmpfs "$1"
"$2" -m tests.crash.filling "$1/store.sqlite"
"$2" -m controller.cli.main verify "$1/store.sqlite.rescue"
"""


def test_a_disk_that_is_really_full_keeps_the_evidence(tmp_path: Path) -> None:
    """A file system of 2.5 MB in a mount namespace of its own, filled by the journal alone."""
    if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
        pytest.skip("this computer lets nobody make a mount namespace")
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", SMALL_DISK, "sh", str(tmp_path), sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    full, rescued, *_ = done.stdout.splitlines()
    assert full.endswith("store.sqlite: the disk is full")
    assert "records were not written; all" in rescued
    assert "store.sqlite.rescue, which `pressline verify` reads" in rescued
    assert "its lines and their chain: holds" in done.stdout
    assert "2 are only here" in done.stdout, "the refused record and the condition that tells of it"


def test_a_run_on_a_store_of_a_newer_program_starts_nothing(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    spoilt = sqlite3.connect(path)
    spoilt.execute("PRAGMA user_version=99")
    spoilt.close()
    done = ended("run", EXAMPLE, "--simulate", "--speed", "20", "--store", path)
    assert done.returncode == 2
    assert "has schema 99, this program knows 2; use a newer program" in done.stderr
    assert "Traceback" not in done.stderr
    assert len(read_events_of_any_schema(path)) == 3


def read_events_of_any_schema(path: Path) -> list[object]:
    database = sqlite3.connect(path)
    try:
        return database.execute("SELECT * FROM events").fetchall()
    finally:
        database.close()


def test_a_journal_in_memory_needs_no_disk() -> None:
    async def main() -> None:
        journal = Journal(EventStream(), utc)
        await journal.append("r", "k", {})
        await journal.close()
        assert journal.broken is None

    asyncio.run(main())
