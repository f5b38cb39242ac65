"""`pressline verify STORE`: every record that was altered, removed, swapped, added or cut off is found, one by one."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from random import Random
from typing import Any

import pytest
from typer.testing import CliRunner

from controller.cli import verify_journal as verify_module
from controller.cli.exit_codes import ExitCode
from controller.cli.main import app
from controller.cli.verify_journal import is_journal, verify_journal
from controller.events import EventStream
from controller.journal import (
    SqliteJournal,
    StoreUnusable,
    anchor_path,
    chain_hash,
    examine,
    examined_file,
    read_events,
    rescue_path,
    verify,
)
from controller.journal.anchor import write_anchor
from controller.journal.rescue import write_rescue

COUNT = 40
COLUMNS = ("sequence", "run", "kind", "data", "time_s", "utc", "previous_hash", "hash")


def utc() -> str:
    return "2026-01-01T00:00:00.000+00:00"


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of 40 records of several kinds and lengths."""
    path = tmp_path_factory.mktemp("original") / "store.sqlite"

    async def fill() -> None:
        rng, journal = Random(1), SqliteJournal(EventStream(), utc, path)
        for number in range(COUNT):
            data = {"unit": f"press-{number % 3}", "value": rng.random(), "text": "x" * rng.choice([0, 10, 5000])}
            await journal.append(f"run {number // 10}", rng.choice(["step.started", "command.done"]), data)
        await journal.close()

    asyncio.run(fill())
    return path


@pytest.fixture
def store(original: Path, tmp_path: Path) -> Path:
    shutil.copy(original, tmp_path)
    shutil.copy(anchor_path(original), tmp_path)
    return tmp_path / original.name


def spoilt(store: Path, *statements: str) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def told(capsys: pytest.CaptureFixture[str], store: Path, **more: Any) -> tuple[ExitCode, list[dict[str, str]]]:
    code = verify_journal(store, None, more.get("anchor"), as_json=True)
    checks: list[dict[str, str]] = json.loads(capsys.readouterr().out)["checks"]
    return code, checks


def failing(checks: list[dict[str, str]]) -> list[str]:
    return [check["words"] for check in checks if check["result"] == "DOES NOT HOLD"]


def test_a_sound_store_holds(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, checks = told(capsys, store)
    assert code is ExitCode.PASSED
    assert [check["result"] for check in checks] == ["holds"] * 3
    assert verify_journal(store, None, None, as_json=False) is ExitCode.PASSED
    text = capsys.readouterr().out
    assert f"{COUNT} records" in text
    assert f"by store.sqlite.anchor, up to record {COUNT}" in text
    assert "checks: 3 hold, 0 do not hold, 0 were not made" in text


CHANGES = {
    "run": "run || 'x'",
    "kind": "upper(kind)",
    "data": "replace(data, 'press', 'Press')",
    "time_s": "time_s + 0.001",
    "utc": "'2027' || substr(utc, 5)",
    "previous_hash": "'f' || substr(previous_hash, 2)",
    "hash": "'0' || substr(hash, 2)",
}


@pytest.mark.parametrize("column", CHANGES)
def test_every_altered_field_of_every_record_is_found(
    store: Path, capsys: pytest.CaptureFixture[str], column: str
) -> None:
    for number in range(1, COUNT + 1):
        before = next(row for row in rows(store) if row[0] == number)
        spoilt(store, f"UPDATE events SET {column} = {CHANGES[column]} WHERE sequence = {number}")  # noqa: S608  a test's own text
        after = next(row for row in rows(store) if row[0] == number)
        code, checks = told(capsys, store)
        if before == after:  # a hash that begins with 0 already
            assert code is ExitCode.PASSED
            continue
        assert code is ExitCode.REFUSED, number
        assert any(re.search(rf"record {number}\b|record {number + 1} does not follow", w) for w in failing(checks))
        put_back(store, before)


def rows(store: Path) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(store)) as database:
        return database.execute("SELECT * FROM events ORDER BY sequence").fetchall()


def put_back(store: Path, row: tuple[Any, ...]) -> None:
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        database.execute("INSERT OR REPLACE INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)


def test_the_same_content_in_another_spelling_is_found(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """JSON can be written in many ways; a record is what was written, not what it means."""
    spoilt(store, """UPDATE events SET data = replace(data, ',', ', ') WHERE sequence = 5""")
    _, checks = told(capsys, store)
    assert "record 5 was changed: its text is not as this program writes it" in failing(checks)


def test_every_deleted_record_is_found(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, COUNT + 1):
        row = next(row for row in rows(store) if row[0] == number)
        spoilt(store, f"DELETE FROM events WHERE sequence = {number}")  # noqa: S608  a test's own text
        code, checks = told(capsys, store)
        assert code is ExitCode.REFUSED
        assert any(f"record {number} " in words for words in failing(checks)), failing(checks)
        put_back(store, row)
    assert told(capsys, store)[0] is ExitCode.PASSED


def test_every_swapped_pair_is_found(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in range(1, COUNT):
        swap = (
            f"UPDATE events SET sequence = -1 WHERE sequence = {number}",  # noqa: S608  a test's own text
            f"UPDATE events SET sequence = {number} WHERE sequence = {number + 1}",  # noqa: S608  as above
            f"UPDATE events SET sequence = {number + 1} WHERE sequence = -1",  # noqa: S608  as above
        )
        spoilt(store, *swap)
        code, checks = told(capsys, store)
        assert code is ExitCode.REFUSED
        assert any(f"record {number} " in words for words in failing(checks))
        assert any(f"record {number + 1} " in words for words in failing(checks))
        spoilt(store, *swap)
    assert told(capsys, store)[0] is ExitCode.PASSED


def test_every_cut_end_is_found(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for last in range(COUNT - 1, -1, -1):
        spoilt(store, f"DELETE FROM events WHERE sequence > {last}")  # noqa: S608  a test's own text
        code, checks = told(capsys, store)
        assert code is ExitCode.REFUSED
        words = f"it ends with record {last}, but record {COUNT} was written ({utc()})"
        assert failing(checks) == [f"{words}: records were cut off, or it is an older copy"]


def test_a_cut_end_and_a_cut_anchor_are_found_with_an_anchor_that_was_kept_elsewhere(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Path(shutil.copy(anchor_path(store), store.with_name("kept.anchor")))
    spoilt(store, "DELETE FROM events WHERE sequence > 30")
    anchor_path(store).unlink()
    code, checks = told(capsys, store)
    assert (code, failing(checks)) == (ExitCode.PASSED, []), "this is the limit that the documentation names"
    assert "records may have been cut off" in checks[-1]["words"]
    code, checks = told(capsys, store, anchor=kept)
    assert code is ExitCode.REFUSED
    assert "it ends with record 30" in failing(checks)[0]


def test_a_whole_chain_that_was_written_anew_is_found_by_the_anchor(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Who can compute hashes can make a chain that holds; the anchor knows another one."""
    previous, forged = "0" * 64, []
    for sequence, run, kind, data, time_s, when, _, _ in rows(store):
        told_data = data.replace("press-1", "press-2")
        own = chain_hash(previous, sequence, run, kind, told_data, time_s, when)
        forged.append((sequence, run, kind, told_data, time_s, when, previous, own))
        previous = own
    for row in forged:
        put_back(store, row)
    assert verify(read_events(store)) == []
    code, checks = told(capsys, store)
    assert code is ExitCode.REFUSED
    (words,) = failing(checks)
    assert words.startswith(f"record {COUNT} is not the one that was written ({utc()}): it is another journal")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (f'"sequence": {COUNT}', '"sequence": 39', "record 39 is not the one that was written"),
        (f'"sequence": {COUNT}', '"sequence": 41', "record 41 was written"),
        ('"hash": "', '"hash": "0', "record 40 is not the one that was written"),
        ('"2026-', '"2025-', "or the anchor was altered"),
        ("{", "", "is no anchor of a store"),
    ],
)
def test_an_anchor_that_was_altered_is_found(
    store: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, words: str
) -> None:
    anchor = anchor_path(store)
    anchor.write_text(anchor.read_text().replace(old, new))
    code, checks = told(capsys, store)
    assert code is ExitCode.REFUSED
    assert any(words in failed for failed in failing(checks)), failing(checks)


def test_a_store_that_is_written_to_meanwhile_is_not_called_cut_off(
    store: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    newest = anchor_path(store).read_text()
    spoilt(store, "DELETE FROM events WHERE sequence > 30")
    write_anchor(anchor_path(store), read_events(store)[19])

    def examined(file: Path, kept: Any) -> Any:
        found = examined_file(file, kept)
        anchor_path(file).write_text(newest)  # its writer goes on: ten records more, and their anchor
        return found

    monkeypatch.setattr(verify_module, "examined_file", examined)
    code, checks = told(capsys, store)
    assert (code, failing(checks)) == (ExitCode.PASSED, [])


def added() -> Iterator[tuple[str, str]]:
    for number, words in (
        (-3, "record -3"),
        (COUNT + 1, f"record {COUNT + 1}"),
        (COUNT + 9, f"records {COUNT + 1} to {COUNT + 8} are missing"),
    ):
        yield f"INSERT INTO events VALUES ({number}, 'r', 'k', '{{}}', 1.0, 'u', 'p', 'h')", words  # noqa: S608  a test's own text
    yield "CREATE TRIGGER quiet BEFORE INSERT ON events BEGIN SELECT RAISE(IGNORE); END", "there is a trigger quiet"
    yield "ALTER TABLE events ADD COLUMN more TEXT", "the table of the records has another form"


@pytest.mark.parametrize(("statement", "words"), list(added()))
def test_what_was_added_is_found(store: Path, capsys: pytest.CaptureFixture[str], statement: str, words: str) -> None:
    spoilt(store, statement)
    code, checks = told(capsys, store)
    assert code is ExitCode.REFUSED
    assert any(words in failed for failed in failing(checks)), failing(checks)


@pytest.mark.parametrize("value", ["NULL", "'no json'", "x'00ff'", "17", "'[1,2'"])
def test_a_record_that_is_none_any_more_is_found_and_the_others_are_judged(
    store: Path, capsys: pytest.CaptureFixture[str], value: str
) -> None:
    spoilt(
        store,
        "PRAGMA writable_schema = ON",
        "UPDATE sqlite_master SET sql = replace(sql, 'NOT NULL', '') WHERE name = 'events'",
    )
    spoilt(store, f"UPDATE events SET data = {value} WHERE sequence IN (7, 20)")  # noqa: S608  a test's own text
    code, checks = told(capsys, store)
    assert code is ExitCode.REFUSED
    for number in (7, 20):
        assert any(f"record {number} " in words for words in failing(checks)), failing(checks)


def test_damaged_bytes_anywhere_in_the_file_never_pass(original: Path, tmp_path: Path) -> None:
    """One byte of the file after the other, a sample of them: what still reads the same may pass, nothing else."""
    content, rng, sound = original.read_bytes(), Random(3), read_events(original)
    for place in rng.sample(range(len(content)), 150):
        store = tmp_path / f"{place}.sqlite"
        store.write_bytes(content[:place] + bytes([content[place] ^ 0x41]) + content[place + 1 :])
        try:
            events, faults = examine(store)
        except StoreUnusable:
            continue
        assert faults or verify(events) or events == sound, place


# ---------------------------------------------------------------------- rescue files


def test_a_rescue_file_is_read_and_held_against_its_store(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events, rescue = read_events(store), rescue_path(store)
    write_rescue(rescue, store.name, events[20:])
    spoilt(store, "DELETE FROM events WHERE sequence > 30")
    assert is_journal(rescue)
    code, checks = told(capsys, rescue)
    assert code is ExitCode.PASSED
    assert checks[1]["words"].endswith("has 10 of its records, 10 are only here")
    code, checks = told(capsys, store)
    assert code is ExitCode.REFUSED
    assert any("they wait in" in words for words in failing(checks))


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda text: text.replace("press-1", "press-2", 1), "was changed"),
        (lambda text: "\n".join(text.splitlines()[:-1]), "it holds 39 of 40 records"),
        (lambda text: text.replace('[5,"', '[6,"', 1), "record 5 is missing"),
        (lambda text: text.replace('"run 1"', "run 1", 1), "is no record"),
    ],
)
def test_a_rescue_file_that_was_altered_is_found(
    store: Path, capsys: pytest.CaptureFixture[str], spoil: Callable[[str], str], words: str
) -> None:
    rescue = store.with_name("alone.rescue")
    write_rescue(rescue, store.name, read_events(store))
    rescue.write_text(spoil(rescue.read_text()))
    code, checks = told(capsys, rescue)
    assert code is ExitCode.REFUSED
    assert any(words in failed for failed in failing(checks)), failing(checks)


def test_what_is_no_store_is_told_as_such(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.sqlite"
    with closing(sqlite3.connect(other)) as database:
        database.execute("CREATE TABLE notes (text TEXT)")
    assert verify_journal(other, None, None, as_json=False) is ExitCode.UNUSABLE
    assert verify_journal(tmp_path / "missing.sqlite", None, None, as_json=False) is ExitCode.UNUSABLE
    errors = capsys.readouterr().err
    assert "not a pressline store" in errors
    assert "there is no such store" in errors


def test_the_command_takes_a_store(store: Path) -> None:
    sound = CliRunner().invoke(app, ["verify", str(store)])
    assert (sound.exit_code, "the hash chain: holds" in sound.output) == (0, True)
    spoilt(store, "DELETE FROM events WHERE sequence = 9")
    damaged = CliRunner().invoke(app, ["verify", str(store)])
    assert damaged.exit_code == 1
    assert "record 9 is missing, record 10 stands in its place" in damaged.output
