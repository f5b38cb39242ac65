"""The file of stored recipes: nothing in it changes unnoticed, and what is no store is told and left alone."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

import controller.store.database as database_module
from controller.events import EventStream
from controller.journal import SqliteJournal, StoreBusy
from controller.store.database import writing
from controller.store.errors import StoreDamaged
from controller.store.recipes import RecipeStore, approved_plan, files_of, read_shelf
from controller.store.records import Draft, append, read_chain, record_hash
from controller.store.schema import SCHEMA
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.stored_for_tests import FIRST, NAME, OTHER, UNITS, added, clock, filled, pressline, rows


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


def tampered(store: Path, *statements: str) -> None:
    """What somebody does who knows SQLite: takes the triggers away, changes rows, puts the triggers back."""
    with closing(sqlite3.connect(store, isolation_level=None)) as database:
        triggers = {name: sql for name, sql in SCHEMA.items() if sql.startswith("CREATE TRIGGER")}
        for name in triggers:
            database.execute(f"DROP TRIGGER {name}")
        for statement in statements:
            assert database.execute(statement).rowcount != 0, statement
        for sql in triggers.values():
            database.execute(sql)


# ---------------------------------------------------------------------- nothing changes


ROW = (
    "INSERT{} INTO recipe_records"
    " SELECT {}, recipe, {}, who, utc, data, previous_hash, hash FROM recipe_records WHERE sequence = 1"
)


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE recipe_records SET who = 'Somebody' WHERE kind = 'approved'", "a record is never changed"),
        ("UPDATE OR REPLACE recipe_records SET sequence = 2 WHERE sequence = 1", "a record is never changed"),
        ("DELETE FROM recipe_records WHERE kind = 'comment'", "a record is never removed"),
        ("DELETE FROM recipe_records", "a record is never removed"),
        (ROW.format(" OR REPLACE", "1, 'version'", "2"), "records are appended one after the other"),
        (ROW.format("", "9, 'version'", "2"), "records are appended one after the other"),
        (ROW.format("", "4, 'version'", "1"), "are numbered 1, 2, 3"),
        (ROW.format("", "4, 'version'", "3"), "are numbered 1, 2, 3"),
        (ROW.format("", "4, 'approved'", "2"), "there is no such version"),
        ("UPDATE recipe_texts SET content = x'00'", "a stored text is never changed"),
        ("DELETE FROM recipe_texts", "a stored text is never removed"),
        (
            "INSERT OR REPLACE INTO recipe_texts SELECT sha256, x'00' FROM recipe_texts",
            "a stored text is never changed",
        ),
    ],
)
def test_the_database_itself_refuses_every_change(store: Path, statement: str, refusal: str) -> None:
    filled(store)
    before = rows(store)
    raises = pytest.raises(sqlite3.IntegrityError, match=refusal)
    with closing(sqlite3.connect(store, isolation_level=None)) as database, raises:
        database.execute(statement)
    assert rows(store) == before


TAMPERINGS = {
    "another person": ("UPDATE recipe_records SET who = 'Somebody' WHERE sequence = 3",),
    "another time": ("UPDATE recipe_records SET utc = '2020' WHERE sequence = 2",),
    "another plan": ("UPDATE recipe_records SET data = replace(data, 'plan', 'plam') WHERE sequence = 3",),
    "no JSON": ("UPDATE recipe_records SET data = '{' WHERE sequence = 2",),
    "a number": ("UPDATE recipe_records SET data = 7.5 WHERE sequence = 2",),
    "a blob": ("UPDATE recipe_records SET data = x'ff' WHERE sequence = 2",),
    "another version": ("UPDATE recipe_records SET version = 2 WHERE sequence = 2",),
    "one less": ("DELETE FROM recipe_records WHERE sequence = 2",),
    "the first is gone": ("DELETE FROM recipe_records WHERE sequence = 1",),
    "swapped": (
        "UPDATE recipe_records SET sequence = 99 WHERE sequence = 2",
        "UPDATE recipe_records SET sequence = 2 WHERE sequence = 3",
        "UPDATE recipe_records SET sequence = 3 WHERE sequence = 99",
    ),
    "another hash": ("UPDATE recipe_records SET hash = previous_hash WHERE sequence = 3",),
    "made up": (ROW.format("", "4, 'comment'", "1"),),
}


@pytest.mark.parametrize("statements", TAMPERINGS.values(), ids=TAMPERINGS)
def test_what_was_changed_all_the_same_is_found_and_nothing_is_built_on_it(
    store: Path, statements: tuple[str, ...]
) -> None:
    filled(store)
    assert read_shelf(store, with_texts=True).faults == ()
    tampered(store, *statements)
    assert read_shelf(store).faults
    before = rows(store)
    with pytest.raises(StoreDamaged, match="stored recipes are damaged"):
        approved_plan(store, NAME, 1, UNITS)
    with pytest.raises(StoreDamaged):
        added(store, OTHER)
    for command in (
        ("comment", f"{NAME}@1", "x", "--by", "D"),
        ("approve", f"{NAME}@1", "--by", "D"),
        ("withdraw", f"{NAME}@1", "--by", "D", "--reason", "x"),
    ):
        result = pressline("recipes", *command, "--store", store)
        assert (result.exit_code, "damaged: record" in result.output) == (2, True)
    listed = pressline("recipes", "list", "--store", store)
    assert (listed.exit_code, "damaged: record" in listed.output) == (1, True)
    assert rows(store) == before


REHASHED = "UPDATE recipe_records SET sequence = {}, hash = '{}' WHERE sequence = 3"


@pytest.mark.parametrize(
    ("statement", "sequence", "expected"),
    [
        ("DELETE FROM recipe_records WHERE sequence = 2", 2, "record 2 does not follow its predecessor"),
        ("SELECT 1", 7, "record 3 is missing, record 7 stands in its place"),
    ],
)
def test_a_record_that_was_hashed_anew_is_found_by_its_place(
    store: Path, statement: str, sequence: int, expected: str
) -> None:
    """Somebody knows the hash but not that it is chained."""
    filled(store)
    with closing(sqlite3.connect(store)) as database:
        *row, previous, _ = database.execute("SELECT * FROM recipe_records WHERE sequence = 3").fetchone()
    own = record_hash(previous, (sequence, *row[1:]))
    tampered(store, statement, REHASHED.format(sequence, own))
    assert read_shelf(store).faults == (expected,)


def test_a_changed_text_is_found_and_not_handed_out(tmp_path: Path, store: Path) -> None:
    version = read_shelf(filled(store)).version(FIRST)
    tampered(
        store,
        "UPDATE recipe_texts SET content = CAST(replace(content, '980 MPa', '985 MPa') AS BLOB)"
        " WHERE CAST(content AS TEXT) LIKE '%recipe: honda-example-1%'",
    )
    assert read_shelf(store).faults == ()
    assert read_shelf(store, with_texts=True).faults == (f"the text {version.text_sha256} was changed",)
    assert pressline("recipes", "list", "--store", store).exit_code == 1
    with pytest.raises(StoreDamaged):
        files_of(store, version)
    with pytest.raises(StoreDamaged):
        approved_plan(store, NAME, 1, UNITS)
    for command in (("show", NAME, "--text"), ("export", NAME, "--output", tmp_path / "x.yaml")):
        result = pressline("recipes", *command, "--store", store)
        assert (result.exit_code, "damaged: the text" in result.output) == (2, True)
    assert not (tmp_path / "x.yaml").exists()


@pytest.mark.parametrize("name", [name for name, sql in SCHEMA.items() if sql.startswith("CREATE TRIGGER")])
def test_a_trigger_that_was_taken_away_is_missed(store: Path, name: str) -> None:
    added(store)
    with closing(sqlite3.connect(store)) as database:
        database.execute(f"DROP TRIGGER {name}")
    assert read_shelf(store).faults == (f"what keeps stored recipes from being changed was removed: {name}",)
    with pytest.raises(StoreDamaged, match=name):
        added(store, OTHER)


def test_records_that_were_hashed_anew_but_make_no_sense_are_refused(store: Path) -> None:
    """Who knows the hash can append; an approval that does not name the version that it is of counts for nothing."""
    version = added(store)
    data = {"of": "0" * 64, "plan": version.plan_hash, "line": "", "meaning": "", "four_eyes": False}
    with writing(store, make=False) as database:
        assert append(database, read_chain(database).head, Draft("approved", NAME, 1, "X", data), "2026")
    assert read_shelf(store).faults == ("record 2 (approved of honda-example-1@1) makes no sense",)
    with pytest.raises(StoreDamaged, match="makes no sense"):
        approved_plan(store, NAME, 1, UNITS)


# ---------------------------------------------------------------------- the file


def _a_directory(path: Path) -> None:
    path.mkdir()


def _a_text(path: Path) -> None:
    path.write_text("this is no database, it is a text of some length", encoding="utf-8")


def _zeros(path: Path) -> None:
    path.write_bytes(b"\x00" * 200)


def _newer(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA user_version=99")


def _foreign(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE songs (title TEXT)")


def _a_pipe(path: Path) -> None:
    os.mkfifo(path)


def _a_loop(path: Path) -> None:
    path.symlink_to(path)


def _torn(path: Path) -> None:
    content = bytearray(filled(path).read_bytes())
    content[4096:] = bytes(len(content) - 4096)
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (_a_pipe, "is no file"),
        (_a_loop, "store.sqlite: "),
        (_torn, "the file is damaged"),
        (_a_directory, "is a directory"),
        (_a_text, "not a pressline store"),
        (_zeros, "not a pressline store"),
        (_newer, "has schema 99, this program knows 2; use a newer program"),
        (_foreign, "is a database of another program"),
    ],
)
def test_a_file_that_is_no_store_is_refused_and_left_alone(
    store: Path, made: Callable[[Path], None], expected: str
) -> None:
    made(store)
    before = store.read_bytes() if store.is_file() else None
    for command in (("add", EXAMPLE, "--by", "A"), ("list",), ("comment", f"{NAME}@1", "x", "--by", "A")):
        result = pressline("recipes", *command, "--store", store)
        assert (result.exit_code, expected in result.output) == (2, True), result.output
    assert before is None or store.read_bytes() == before


def test_only_add_makes_a_store(tmp_path: Path, store: Path) -> None:
    for command in (
        ("list",),
        ("show", NAME),
        ("comment", f"{NAME}@1", "x", "--by", "A"),
        ("approve", f"{NAME}@1", "--by", "A"),
        ("withdraw", f"{NAME}@1", "--by", "A", "--reason", "x"),
        ("export", NAME, "--output", tmp_path / "x.yaml"),
    ):
        result = pressline("recipes", *command, "--store", store)
        assert (result.exit_code, "there is no such store; `pressline recipes add` makes one" in result.output) == (
            2,
            True,
        )
        assert not store.exists()
    missing = pressline("recipes", "add", EXAMPLE, "--by", "A", "--store", tmp_path / "nowhere" / "store.sqlite")
    assert (missing.exit_code, f"there is no directory {tmp_path / 'nowhere'}" in missing.output) == (2, True)


async def test_a_journal_without_recipes_has_none_yet(store: Path) -> None:
    await SqliteJournal(EventStream(), clock(), store).close()
    assert pressline("recipes", "list", "--store", store).output == "no recipe is stored yet\n"


def test_a_store_is_as_durable_as_a_journal(store: Path) -> None:
    added(store)
    with database_module.writing(store, make=False) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert database.execute("PRAGMA synchronous").fetchone() == (2,)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user of this computer can look into, as pytest's own is not."""
    folder = Path(tempfile.mkdtemp(prefix="pressline-test-"))
    folder.chmod(0o755)
    yield folder
    folder.chmod(0o755)
    shutil.rmtree(folder)


def test_a_store_that_is_read_only_is_told(open_folder: Path) -> None:
    store = open_folder / "store.sqlite"
    added(store)
    program = textwrap.dedent("""
        import os, sys
        from pathlib import Path
        from controller.journal import StoreUnusable
        from controller.store.recipes import RecipeStore
        from controller.store.words import Reference
        if os.geteuid() == 0:  # who may write everywhere
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
        try:
            RecipeStore(Path(sys.argv[1]), lambda: "2026").comment(Reference("honda-example-1", 1), "x", "A")
        except StoreUnusable as error:
            print(error)
    """)
    before = rows(store)
    store.chmod(0o444)
    open_folder.chmod(0o555)
    result = subprocess.run([sys.executable, "-c", program, store], capture_output=True, text=True, check=False)
    assert "read-only" in result.stdout, result.stderr
    assert rows(store) == before


def test_a_full_disk_is_told_and_nothing_is_half_there(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added(store)
    before, pages = rows(store), store.stat().st_size // 4096 + 1
    connect = database_module._connected

    def small(path: Path, mode: str) -> sqlite3.Connection:
        database = connect(path, mode)
        database.execute(f"PRAGMA max_page_count={pages}")
        return database

    monkeypatch.setattr(database_module, "_connected", small)
    result = pressline("recipes", "add", OTHER, "--by", "A", "--store", store)
    assert (result.exit_code, f"{store}: the disk is full; nothing was added" in result.output) == (2, True)
    monkeypatch.undo()
    assert rows(store) == before
    assert str(added(store, OTHER)) == "honda-example-2@1"


def test_a_disk_that_refuses_is_told_and_nothing_is_half_there(tmp_path: Path, store: Path) -> None:
    """The kernel's own limit on the size of a file stands for a broken disk."""
    added(store)
    before = rows(store)
    program = textwrap.dedent("""
        import resource, sys
        from controller.cli.main import main
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv.pop(1)),) * 2)
        main()
    """)
    command = ["recipes", "add", OTHER, "--by", "A", "--store", store]
    limit = "20000"  # bytes: enough for a copy of the recipe, too few for the write-ahead log
    result = subprocess.run(
        [sys.executable, "-c", program, limit, *map(str, command)], capture_output=True, text=True, check=False
    )
    assert result.returncode == 2, result.stderr
    assert f"{store}: the disk" in result.stderr
    assert rows(store) == before
    assert read_shelf(store, with_texts=True).faults == ()


def test_a_writer_that_does_not_let_go_is_told(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    added(store)
    monkeypatch.setattr(database_module, "BUSY_LIMIT_S", 0.05)
    with closing(sqlite3.connect(store, isolation_level=None)) as blocker:
        blocker.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusy, match="try again"):
            RecipeStore(store, clock()).comment(FIRST, "x", "A")
        assert len(read_shelf(store).recipes) == 1
