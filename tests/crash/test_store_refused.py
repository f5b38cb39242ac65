"""A store that cannot be trusted, or a disk that cannot: nothing is started, nothing is changed, and it is told."""

from __future__ import annotations

import asyncio
import errno
import os
import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from controller.events import EventStream
from controller.journal import (
    JournalError,
    SqliteJournal,
    StoreUnusable,
    anchor_path,
    read_events,
    read_rescue,
    rescue_path,
)
from controller.journal import rescue as rescues
from tests.crash.stores import opened_and_closed, stored, utc


def contents(folder: Path) -> dict[str, bytes]:
    """What is in a folder, but for the lock and for what SQLite makes to read."""
    kept = [file for file in folder.iterdir() if not file.name.endswith((".lock", "-wal", "-shm"))]
    return {file.name: file.read_bytes() for file in kept}


def refused(path: Path, words: str) -> None:
    before = contents(path.parent)
    with pytest.raises(JournalError, match=words):
        SqliteJournal(EventStream(), utc, path)
    assert contents(path.parent) == before, "nothing was changed"


def test_a_store_whose_end_was_cut_off_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM events WHERE sequence = 3")
    database.close()
    with pytest.raises(StoreUnusable, match="it ends with record 2, but record 3 was written"):
        SqliteJournal(EventStream(), utc, path)


def test_another_journal_in_its_place_is_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    stored(tmp_path / "other.sqlite", 5).replace(path)
    with pytest.raises(StoreUnusable, match="record 3 is not the one that was written"):
        SqliteJournal(EventStream(), utc, path)


def test_a_missing_store_is_not_made_anew_where_there_was_one(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    path.unlink()
    refused(path, r"the store is missing, and s\.sqlite\.anchor beside it says that there was one")
    assert not path.exists()
    anchor_path(path).unlink()
    asyncio.run(opened_and_closed(path, rescued=0))


@pytest.mark.parametrize("place", [0, 4096, 8192, -4096])
def test_a_damaged_page_is_refused(tmp_path: Path, place: int) -> None:
    path = stored(tmp_path / "s.sqlite", 10)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + 400] = b"\xa5" * 400
    path.write_bytes(content)
    refused(path, "damaged|not a pressline store")


def test_triggers_that_change_what_is_written_are_refused(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    with sqlite3.connect(path) as database:
        database.execute("CREATE TRIGGER quiet BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END")
    database.close()
    with pytest.raises(StoreUnusable, match="there is a trigger quiet on the records"):
        SqliteJournal(EventStream(), utc, path)


def test_a_disk_without_room_for_the_evidence_starts_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room(number: int, offset: int, length: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", no_room)
    with pytest.raises(StoreUnusable, match=r"the disk has no room for 2 MB of records .*nothing is started"):
        SqliteJournal(EventStream(), utc, tmp_path / "s.sqlite")
    assert not (tmp_path / "s.sqlite").exists()


def test_a_file_system_that_sets_nothing_aside_is_used_without(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def not_supported(number: int, offset: int, length: int) -> None:
        raise OSError(errno.EOPNOTSUPP, "Operation not supported")

    monkeypatch.setattr(os, "posix_fallocate", not_supported)
    assert len(read_events(stored(tmp_path / "s.sqlite"))) == 3


def test_rescued_records_of_another_journal_are_not_taken_in(tmp_path: Path) -> None:
    one, other = stored(tmp_path / "one.sqlite"), stored(tmp_path / "other.sqlite", 5)
    rescues.write_rescue(rescue_path(one), one.name, read_events(other))
    refused(one, "it holds other records than the store")
    rescues.write_rescue(rescue_path(one), one.name, read_events(other)[4:])
    refused(one, "do not fit to it: record 4 is missing")


def test_a_rescue_file_that_was_cut_is_told(tmp_path: Path) -> None:
    path = stored(tmp_path / "s.sqlite")
    rescue = rescue_path(path)
    rescues.write_rescue(rescue, path.name, read_events(path))
    rescue.write_bytes(rescue.read_bytes()[:-500])
    refused(path, "is no record|it holds 2 of 3 records")


def test_a_full_disk_beside_the_store_sends_the_rescue_elsewhere(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "elsewhere"))
    events = read_events(stored(tmp_path / "s.sqlite"))
    where = rescues.write_rescue(tmp_path / "no-such-folder" / "s.sqlite.rescue", "s.sqlite", events)
    assert where.parent == tmp_path / "elsewhere"
    half = tmp_path / "half.rescue"
    monkeypatch.setattr(os, "ftruncate", _no_room_left(os.ftruncate))
    assert rescues.write_rescue(half, "s.sqlite", events).parent == tmp_path / "elsewhere"
    assert not half.exists(), "half of the records is worse than none"
    assert [event.hash for event in read_rescue(where)[0]] == [event.hash for event in events]


def _no_room_left(real: Callable[[int, int], None]) -> Callable[[int, int], None]:
    """The first call fails as on a full disk."""
    calls = []

    def truncated(number: int, size: int) -> None:
        calls.append(size)
        if len(calls) == 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(number, size)

    return truncated
