"""Backups: made beside a writer, checked, put back only where it is asked for, and nothing is ever lost by it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from controller.backups import BackupUnusable, check_backup, make_backup, restore
from controller.database import open_database
from controller.events import EventStream
from controller.journal import SqliteJournal, anchor_path, is_in_use, read_events, verify
from controller.journal.postgres import PostgresJournal
from tests.controller.test_cli import pressline
from tests.crash.stores import stored, utc
from tests.postgres import PostgresServer

UTC = "2026-03-01T10:20:30+00:00"


def beside(store: Path, what: str) -> Path:
    file = store.with_name(f"{store.stem}-{what}.sqlite")
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("CREATE TABLE things (n)")
        database.execute("INSERT INTO things VALUES (7)")
    return file


async def test_a_backup_is_made_beside_a_writer_and_comes_back_whole(tmp_path: Path) -> None:
    store = tmp_path / "line.sqlite"
    journal = SqliteJournal(EventStream(), utc, store)
    open_database(f"sqlite:///{store}", ()).close()
    writing = True

    async def write() -> int:
        number = 0
        while writing:
            await journal.append("r", "k", {"n": number, "text": "x" * 2000})
            number += 1
        return number

    task = asyncio.create_task(write())
    await asyncio.sleep(0.1)
    beside(store, "outbox")
    folder = await asyncio.to_thread(make_backup, str(store), tmp_path / "backups", UTC)
    writing = False
    count = await task
    await journal.close()
    made = check_backup(folder)
    assert folder.name == "line-20260301T102030Z"
    assert 0 < made.records <= count
    other = tmp_path / "other" / "new.sqlite"
    restore(folder, str(other), replace=False)
    events = read_events(other)
    assert verify(events) == []
    assert [event.hash for event in events] == [event.hash for event in read_events(store)[: made.records]]
    with closing(sqlite3.connect(other.with_name("new-outbox.sqlite"))) as database:
        assert database.execute("SELECT n FROM things").fetchall() == [(7,)]
    again = SqliteJournal(EventStream(), utc, other)
    await again.append("r", "after", {})
    await again.close()
    assert again.broken is None


def test_a_store_that_is_there_is_not_replaced_without_being_asked(tmp_path: Path) -> None:
    store = stored(tmp_path / "s.sqlite", 3)
    folder = make_backup(str(store), tmp_path / "backups", UTC)
    stored(store, 2)
    with pytest.raises(BackupUnusable, match="there is a store already; --replace"):
        restore(folder, str(store), replace=False)
    assert len(read_events(store)) == 5
    _, kept = restore(folder, str(store), replace=True)
    assert len(read_events(store)) == 3
    assert {file.name for file in kept} >= {"s.sqlite.replaced-1", "s.sqlite.anchor.replaced-1"}
    assert len(read_events(tmp_path / "s.sqlite.replaced-1")) == 5, "what it replaced is kept"
    stored(store, 1)
    restore(folder, str(store), replace=True)
    assert len(read_events(tmp_path / "s.sqlite.replaced-2")) == 4
    asyncio.run(SqliteJournal(EventStream(), utc, store).close())


async def test_a_store_that_is_used_is_not_replaced(tmp_path: Path) -> None:
    store = tmp_path / "s.sqlite"
    await asyncio.to_thread(stored, store, 3)
    folder = make_backup(str(store), tmp_path / "backups", UTC)
    journal = SqliteJournal(EventStream(), utc, store)
    with pytest.raises(BackupUnusable, match="is using this store"):
        restore(folder, str(store), replace=True)
    await journal.close()


@pytest.mark.parametrize("what", ["altered", "missing", "chain", "cut", "newer", "elsewhere", "no list"])
def test_a_backup_that_is_not_whole_replaces_nothing(tmp_path: Path, what: str) -> None:
    store = stored(tmp_path / "s.sqlite", 5)
    folder = make_backup(str(store), tmp_path / "backups", UTC)
    main, listed = folder / "s.sqlite", folder / "backup.json"
    data = json.loads(listed.read_text())
    match what:
        case "altered":
            main.write_bytes(main.read_bytes()[:-1] + b"?")
        case "missing":
            main.unlink()
        case "no list":
            listed.unlink()
        case "elsewhere":
            data["files"]["../s.sqlite"] = data["files"]["s.sqlite"]
        case _:
            words = {
                "chain": "UPDATE events SET run = 'x' WHERE sequence = 2",
                "cut": "DELETE FROM events WHERE sequence = 5",
                "newer": "PRAGMA user_version=99",
            }
            with closing(sqlite3.connect(main, isolation_level=None)) as database:
                database.execute(words[what])
    if what in ("chain", "cut", "newer"):  # whoever did that knew about the list
        from controller.backups.manifest import sha256_of

        data["files"]["s.sqlite"] = sha256_of(main)
    if what != "no list":
        listed.write_text(json.dumps(data))
    before = sorted((file.name, file.read_bytes()) for file in tmp_path.glob("s.sqlite*"))
    with pytest.raises(BackupUnusable):
        restore(folder, str(store), replace=True)
    assert sorted((file.name, file.read_bytes()) for file in tmp_path.glob("s.sqlite*")) == before


def test_a_damaged_store_gives_no_backup(tmp_path: Path) -> None:
    store = stored(tmp_path / "s.sqlite", 5)
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("UPDATE events SET run = 'x' WHERE sequence = 2")
    with pytest.raises(BackupUnusable, match="the journal is damaged: record 2"):
        make_backup(str(store), tmp_path / "backups", UTC)
    assert list((tmp_path / "backups").iterdir()) == []


def test_the_commands_say_what_they_did(tmp_path: Path) -> None:
    store = stored(tmp_path / "s.sqlite", 5)
    made = pressline("backup", tmp_path / "b", "--store", store)
    assert made.exit_code == 0
    assert "5 records of s.sqlite, in 2 files; the chain holds" in made.output
    (folder,) = (tmp_path / "b").iterdir()
    checked = pressline("verify", folder)
    assert (checked.exit_code, "5 records of s.sqlite" in checked.output) == (0, True)
    refused = pressline("restore", folder, "--store", store)
    assert (refused.exit_code, "there is a store already" in refused.output) == (2, True)
    back = pressline("restore", folder, "--store", store, "--replace")
    assert back.exit_code == 0
    assert "what was there is" in back.output
    assert anchor_path(store).exists()
    assert not is_in_use(store)
    assert pressline("verify", store).exit_code == 0
    moved = pressline("migrate", store)
    assert (moved.exit_code, "s.sqlite.before-" in moved.output) == (0, True)
    assert pressline("migrate", tmp_path / "none.sqlite").exit_code == 2
    assert pressline("backup", tmp_path / "b", "--store", tmp_path / "none.sqlite").exit_code == 2
    (folder / "s.sqlite").write_bytes(b"")
    assert pressline("verify", folder).exit_code == 1


def test_what_is_beside_a_store_is_verified_with_it(tmp_path: Path) -> None:
    store = stored(tmp_path / "s.sqlite", 5)
    outbox = beside(store, "outbox")
    assert "s-outbox.sqlite: holds" in pressline("verify", store).output
    content = bytearray(outbox.read_bytes())
    content[4096:8192] = b"\xa5" * 4096
    outbox.write_bytes(content)
    found = pressline("verify", store)
    assert (found.exit_code, "s-outbox.sqlite: " in found.output and "SQLite" in found.output) == (1, True)


def test_a_postgres_store_comes_back_with_its_anchor(tmp_path: Path, postgres: PostgresServer) -> None:
    async def fill(url: str, state: Path, count: int) -> None:
        journal = PostgresJournal(EventStream(), utc, url, state)
        for number in range(count):
            await journal.append("r", "k", {"n": number})
        await journal.close()
        assert journal.broken is None

    url, other = postgres.new_database(), postgres.new_database()
    asyncio.run(fill(url, tmp_path / "state", 5))
    made = pressline("backup", tmp_path / "b", "--store", url, "--state", tmp_path / "state")
    assert made.exit_code == 0, made.output
    (folder,) = (tmp_path / "b").iterdir()
    asyncio.run(fill(url, tmp_path / "state", 2))
    refused = pressline("restore", folder, "--store", url, "--state", tmp_path / "state")
    assert "there is a store already" in refused.output
    for target, state in ((url, "state"), (other, "new")):
        more = ["--replace"] if target == url else []
        back = pressline("restore", folder, "--store", target, "--state", tmp_path / state, *more)
        assert back.exit_code == 0, back.output
        found = pressline("verify", target, "--anchor", tmp_path / state)
        assert (found.exit_code, "5 records" in found.output) == (0, True), found.output
        asyncio.run(fill(target, tmp_path / state, 1))
