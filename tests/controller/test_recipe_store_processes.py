"""Stored recipes among several processes: other writers, a run with its journal, and processes that die."""

from __future__ import annotations

import asyncio
import shutil
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from controller.events import EventStream
from controller.journal import SqliteJournal, read_events, verify
from controller.store.errors import ApprovalRefused
from controller.store.recipes import RecipeStore, approved_plan, files_of, read_shelf
from controller.store.words import Reference
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.stored_for_tests import (
    FIRST,
    NAME,
    OTHER,
    SHIPPED,
    UNITS,
    added,
    approved,
    clock,
    rows,
    soaked,
)

ADD = """
    import sys
    from pathlib import Path
    from controller.cli.recipes import capabilities
    from controller.store.recipes import RecipeStore
    store, folder, who, count = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3], int(sys.argv[4])
    text, units = (folder / "recipe.yaml").read_text(encoding="utf-8"), capabilities(None)
    print("ready", flush=True)
    sys.stdin.readline()
    recipes = RecipeStore(store, lambda: "2026-01-01T00:00:00.000+00:00")
    for number in range(count):
        file = folder / f"{who}.yaml"
        file.write_text(f"{text}# {who} {number}\\n", encoding="utf-8")
        print(recipes.add(file, who, "", "line", units).version.number, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@contextmanager
def adder(store: Path, folder: Path, who: str, count: int) -> Iterator[subprocess.Popen[str]]:
    """A process that adds versions as soon as it is told to go, and tells their numbers."""
    shutil.copy(EXAMPLE, folder / "recipe.yaml")
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(ADD), str(store), str(folder), who, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert line_of(process) == "ready"
        yield process
    finally:
        process.kill()
        process.communicate()


def go(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("go\n")
    process.stdin.flush()


def line_of(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_two_processes_add_to_a_new_store_and_no_number_is_given_twice(tmp_path: Path, store: Path) -> None:
    with adder(store, tmp_path, "A", 8) as a, adder(store, tmp_path, "B", 8) as b:
        go(a)
        go(b)
        told = {who: [int(line_of(process)) for _ in range(8)] for who, process in (("A", a), ("B", b))}
        assert [a.wait(30), b.wait(30)] == [0, 0]
    assert sorted(told["A"] + told["B"]) == list(range(1, 17))
    shelf = read_shelf(store, with_texts=True)
    assert shelf.faults == ()
    assert {version.number: version.by for version in shelf.versions(NAME)} == {
        number: who for who, numbers in told.items() for number in numbers
    }


def test_who_was_overtaken_decides_anew(store: Path, tmp_path: Path) -> None:
    """Somebody approves between our look at the store and our transaction: the rules are kept all the same."""
    added(store)

    class Overtaken(RecipeStore):
        def __init__(self) -> None:
            self.faster = [lambda: approved(store, by="B. Reader")]
            super().__init__(store, self.late)

        def late(self) -> str:
            if self.faster:
                self.faster.pop()()
            return "2026"

    with pytest.raises(ApprovalRefused, match=r"B\. Reader has approved this plan"):
        Overtaken().approve(FIRST, "B. Reader", "", SHIPPED, UNITS, four_eyes=False)
    assert len(read_shelf(store).version(FIRST).approvals) == 1
    late = Overtaken()
    late.faster = [lambda: added(store, soaked(tmp_path / "two.yaml", 4))]
    assert late.add(soaked(tmp_path / "three.yaml", 5), "A", "", SHIPPED, UNITS).version.number == 3


def test_kill_minus_nine_leaves_whole_versions_only(tmp_path: Path, store: Path) -> None:
    with adder(store, tmp_path, "A", 1000) as process:
        go(process)
        told = 0
        while told < 5:
            told = int(line_of(process))
        process.send_signal(signal.SIGKILL)
        while line := line_of(process):
            told = int(line)
    shelf = read_shelf(store, with_texts=True)
    assert shelf.faults == ()
    versions = shelf.versions(NAME)
    assert len(versions) in (told, told + 1)
    assert all(files_of(store, version).text.endswith(f"# A {version.number - 1}\n".encode()) for version in versions)


@pytest.mark.parametrize("at", ["BEGIN IMMEDIATE", "INSERT INTO recipe_records", "COMMIT"])
def test_a_process_that_dies_within_an_add_leaves_nothing_of_it(tmp_path: Path, store: Path, at: str) -> None:
    added(store)
    before = rows(store)
    program = textwrap.dedent("""
        import os, signal, sys
        from pathlib import Path
        import controller.store.database as module
        from controller.cli.recipes import capabilities
        from controller.store.recipes import RecipeStore
        connect = module._connected
        def watched(path, mode):
            database = connect(path, mode)
            def statement(sql):
                if sql.startswith(sys.argv[3]):
                    os.kill(os.getpid(), signal.SIGKILL)
            database.set_trace_callback(statement)
            return database
        module._connected = watched
        RecipeStore(Path(sys.argv[1]), lambda: "2026").add(Path(sys.argv[2]), "A", "", "line", capabilities(None))
    """)
    file = soaked(tmp_path / "other.yaml", 4)
    result = subprocess.run([sys.executable, "-c", program, store, file, at], capture_output=True, check=False)
    assert result.returncode == -signal.SIGKILL, result.stderr
    assert rows(store) == before
    assert added(store, file).number == 2


async def test_recipes_are_added_and_approved_while_a_run_writes_its_journal(tmp_path: Path, store: Path) -> None:
    journal = SqliteJournal(EventStream(), clock(), store)
    count = 0
    with adder(store, tmp_path, "A", 5) as process:
        go(process)
        while process.poll() is None:
            await journal.append("run", "tick", {"n": count})
            count += 1
        assert [line_of(process) for _ in range(5)] == ["1", "2", "3", "4", "5"]
    await asyncio.to_thread(approved, store, Reference(NAME, 5))
    await journal.append("run", "tick", {"n": count})
    assert approved_plan(store, NAME, None, UNITS)[1].version == 5
    assert journal.broken is None
    await journal.close()
    events = read_events(store)
    assert [event.data["n"] for event in events] == list(range(count + 1))
    assert verify(events) == []
    assert read_shelf(store, with_texts=True).faults == ()


async def test_a_journal_goes_on_in_a_store_that_recipes_made(store: Path) -> None:
    added(store)
    journal = SqliteJournal(EventStream(), clock(), store)
    await journal.append("run", "tick", {})
    await journal.close()
    assert len(read_events(store)) == 1
    assert added(store, OTHER).number == 1
