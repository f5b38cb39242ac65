"""The journal: durable, chained, in order, with one writer, and honest about a disk that fails."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.events import Event, EventStream
from controller.journal import (
    Journal,
    JournalError,
    SqliteJournal,
    StoreBusy,
    StoreUnusable,
    canonical,
    chain_hash,
    is_in_use,
    read_events,
    verify,
)
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.test_cli import pressline


def utc() -> str:
    return "2026-01-01T00:00:00.000+00:00"


def chained(count: int) -> list[Event]:
    events: list[Event] = []
    previous = "0" * 64
    for sequence in range(1, count + 1):
        data = {"n": sequence}
        own = chain_hash(previous, sequence, "r", "k", canonical(data), float(sequence), utc())
        events.append(Event(sequence, "r", "k", data, float(sequence), utc(), previous, own))
        previous = own
    return events


async def test_what_was_appended_is_read_back_in_order_and_the_chain_holds(tmp_path: Path) -> None:
    journal = SqliteJournal(EventStream(), utc, tmp_path / "store.sqlite")
    await journal.append("a", "first", {"x": 1.5})
    journal.note("a", "second", {"y": "ü"})
    await journal.append("b", "third", {})
    await journal.close()
    again = SqliteJournal(EventStream(), utc, tmp_path / "store.sqlite")
    await again.append("b", "fourth", {})
    await again.close()
    events = read_events(tmp_path / "store.sqlite")
    assert [event.kind for event in events] == ["first", "second", "third", "fourth"]
    assert events[1].data == {"y": "ü"}
    assert verify(events) == []
    assert [event.kind for event in read_events(tmp_path / "store.sqlite", "b")] == ["third", "fourth"]


async def test_the_store_runs_with_a_synchronous_write_ahead_log(tmp_path: Path) -> None:
    journal = SqliteJournal(EventStream(), utc, tmp_path / "store.sqlite")
    assert journal._database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert journal._database.execute("PRAGMA synchronous").fetchone() == (2,)
    await journal.close()


@given(st.integers(2, 12), st.data())
def test_every_altered_deleted_or_swapped_record_is_found(count: int, data: st.DataObject) -> None:
    events = chained(count)
    assert verify(events) == []
    index = data.draw(st.integers(0, count - 2))
    altered = [*events]
    altered[index] = replace(events[index], data={"n": -1})
    assert verify(altered)
    assert verify(events[:index] + events[index + 1 :])
    swapped = [*events]
    swapped[index], swapped[index + 1] = swapped[index + 1], swapped[index]
    assert verify(swapped)


async def test_a_second_writer_is_kept_away_and_readers_are_not(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), utc, path)
    await journal.append("a", "first", {})
    assert is_in_use(path)
    with pytest.raises(StoreBusy, match=f"process {os.getpid()} is using this store"):
        SqliteJournal(EventStream(), utc, path)
    assert len(read_events(path)) == 1
    await journal.close()
    assert not is_in_use(path)


@pytest.mark.parametrize("content", [b"this is no database, it is a text of some length", b"\x00" * 200])
def test_a_file_that_is_no_store_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(StoreUnusable, match=r"notes\.txt"):
        SqliteJournal(EventStream(), utc, path)
    assert path.read_bytes() == content


def test_a_newer_schema_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=99")
    database.close()
    with pytest.raises(StoreUnusable, match="schema 99"):
        SqliteJournal(EventStream(), utc, path)


async def test_a_failing_disk_refuses_what_raises_risk_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), utc, path)
    await journal.append("a", "first", {})
    journal._database.execute("PRAGMA busy_timeout=20")
    blocker = sqlite3.connect(path, isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with pytest.raises(JournalError, match="cannot be written"):
        await journal.append("a", "start", {})
    journal.note("a", "stop", {})
    with pytest.raises(JournalError, match="cannot be written"):
        await journal.append("a", "start again", {})
    assert journal.broken is not None
    assert [event.kind for event in read_events(path)] == ["first"]
    blocker.execute("ROLLBACK")
    await journal.append("a", "mended", {})
    assert (journal.broken or "nothing") == "nothing"
    blocker.close()
    await journal.close()
    events = read_events(path)
    kinds = ["first", "start", "condition", "stop", "start again", "mended", "condition"]
    assert [event.kind for event in events] == kinds
    assert [event.data["active"] for event in events if event.kind == "condition"] == [True, False]
    assert "another process keeps this store locked" in events[2].data["message"]
    assert verify(events) == []


async def test_what_could_not_be_written_in_the_end_is_told(tmp_path: Path) -> None:
    journal = SqliteJournal(EventStream(), utc, tmp_path / "store.sqlite")
    journal._database.execute("DROP TABLE events")
    journal.note("a", "stop", {})
    await journal.close()
    assert "1 records were not written" in str(journal.broken)
    assert [event.kind for event in journal.events("a")] == ["stop"]


async def test_a_damaged_journal_is_not_written_on(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    journal = SqliteJournal(EventStream(), utc, path)
    for kind in ("first", "second", "third"):
        await journal.append("a", kind, {})
    await journal.close()
    with sqlite3.connect(path) as database:
        database.execute("DELETE FROM events WHERE sequence = 2")
    database.close()
    with pytest.raises(StoreUnusable, match="the journal is damaged: record 2 is missing"):
        SqliteJournal(EventStream(), utc, path)
    assert not is_in_use(path)


async def test_nothing_is_started_on_a_store_whose_recipe_pages_are_damaged(tmp_path: Path) -> None:
    """The records are whole, and read without a word; the page is one of the stored recipes."""
    path = tmp_path / "store.sqlite"
    assert pressline("recipes", "add", EXAMPLE, "--by", "me", "--store", path).exit_code == 0
    journal = SqliteJournal(EventStream(), utc, path)
    await journal.append("a", "first", {})
    await journal.close()
    with closing(sqlite3.connect(path)) as database:
        (size,) = database.execute("PRAGMA page_size").fetchone()
        (page,) = database.execute("SELECT rootpage FROM sqlite_master WHERE name = 'recipe_records'").fetchone()
        database.execute("PRAGMA journal_mode=DELETE")
    content = bytearray(path.read_bytes())
    content[(page - 1) * size : page * size] = bytes(size)
    path.write_bytes(content)
    assert [event.kind for event in read_events(path)] == ["first"]
    with pytest.raises(StoreUnusable, match=r"store.sqlite: the file is damaged[:( ].*use a copy or another --store"):
        SqliteJournal(EventStream(), utc, path)
    assert not is_in_use(path)


@pytest.mark.parametrize("path", [Path(), Path("tests")])
def test_a_directory_is_no_store(path: Path) -> None:
    with pytest.raises(StoreUnusable, match="is a directory"):
        SqliteJournal(EventStream(), utc, path)
    with pytest.raises(StoreUnusable, match="is a directory"):
        read_events(path)


async def test_events_reach_every_subscriber_and_a_slow_one_is_dropped() -> None:
    stream = EventStream()
    journal = Journal(stream, utc)
    with stream.subscribe() as queue:
        await journal.append("a", "first", {})
        journal.note("a", "second", {})
        assert [queue.get_nowait().kind, queue.get_nowait().kind] == ["first", "second"]
        for _ in range(queue.maxsize + 1):
            journal.note("a", "more", {})
        while not queue.empty():
            queue.get_nowait()
        journal.note("a", "after", {})
        assert queue.empty()


def test_kill_minus_nine_loses_nothing_that_append_returned_for(tmp_path: Path) -> None:
    path = tmp_path / "store.sqlite"
    program = textwrap.dedent("""
        import asyncio, pathlib, sys
        from controller.events import EventStream
        from controller.journal import SqliteJournal
        async def main():
            journal = SqliteJournal(EventStream(), lambda: "2026", pathlib.Path(sys.argv[1]))
            for number in range(100000):
                await journal.append("r", "k", {"n": number})
                print(number, flush=True)
        asyncio.run(main())
    """)
    process = subprocess.Popen([sys.executable, "-c", program, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    told = -1
    while told < 40:
        told = int(process.stdout.readline())
    process.send_signal(signal.SIGKILL)
    rest = process.stdout.read().split()
    process.wait()
    process.stdout.close()
    told = int(rest[-1]) if rest else told
    events = read_events(path)
    assert verify(events) == []
    assert [event.data["n"] for event in events][: told + 1] == list(range(told + 1))
    assert not is_in_use(path)


async def test_who_is_cancelled_as_the_record_is_written_ends(tmp_path: Path) -> None:
    """asyncio.wait_for of Python 3.11 would forget the cancellation, and the caller go on."""
    journal = SqliteJournal(EventStream(), lambda: "2026-01-01T00:00:00Z", tmp_path / "store.sqlite")
    appending = asyncio.create_task(journal.append("r1", "a.told", {}))
    await asyncio.sleep(0)
    assert journal._turn is not None
    journal._turn.add_done_callback(lambda _: appending.cancel())
    await asyncio.wait([appending])
    assert appending.cancelled()
    await journal.close()
    assert [event.kind for event in read_events(tmp_path / "store.sqlite")] == ["a.told"]
