"""Stored recipes in SQLite and in PostgreSQL alike: versions, approvals, plans, and rows that are only appended."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest

from controller.journal import StoreBusy, StoreUnusable
from controller.place import Place, StoreUrl, place_of
from controller.store.errors import ApprovalRefused, NotApproved, StoreDamaged
from controller.store.recipes import RecipeStore, approved_plan, files_of, read_shelf
from controller.store.words import Reference
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.stored_for_tests import FIRST, NAME, SHIPPED, UNITS, clock, soaked
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Place:
    return place_of(tmp_path / "s.sqlite" if request.param == "sqlite" else postgres.new_database())


def execute(place: Place, *statements: str) -> None:
    """What somebody else does to the tables."""
    if isinstance(place, StoreUrl):
        with psycopg.connect(place.text, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement.encode())
        return
    with closing(sqlite3.connect(place, isolation_level=None)) as database:
        for statement in statements:
            database.execute(statement)


def store_of(place: Place) -> RecipeStore:
    return RecipeStore(place, clock())


def add(place: Place, file: Path = EXAMPLE) -> Any:
    return store_of(place).add(file, "A. Author", "", SHIPPED, UNITS)


def test_what_is_added_comes_back_and_what_is_run_is_what_was_approved(place: Place, tmp_path: Path) -> None:
    added = add(place)
    assert (added.new, added.version.number) == (True, 1)
    assert not add(place).new, "the same bytes are the same version"
    assert add(place, soaked(tmp_path / "more.yaml", 4)).version.number == 2
    with pytest.raises(NotApproved):
        approved_plan(place, NAME, None, UNITS)
    recipes = store_of(place)
    recipes.comment(FIRST, "ü %s ? 'x'", "C. Reader")
    version, plan = recipes.approve(FIRST, "B. Reader", "for the line", SHIPPED, UNITS, four_eyes=True)
    with pytest.raises(ApprovalRefused):
        recipes.approve(FIRST, "B. Reader", "again", SHIPPED, UNITS, four_eyes=True)
    found, approval = approved_plan(place, NAME, None, UNITS)
    assert (found.hash, approval.by) == (plan.hash, "B. Reader")
    assert files_of(place, version).text == EXAMPLE.read_bytes()
    recipes.withdraw(FIRST, "B. Reader", "wrong soak")
    with pytest.raises(NotApproved):
        approved_plan(place, NAME, None, UNITS)
    shelf = read_shelf(place, with_texts=True)
    assert shelf.faults == ()
    assert shelf.version(FIRST).comments[0].text == "ü %s ? 'x'"
    assert shelf.version(Reference(NAME, 2)).state == "draft"


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE recipe_records SET who = 'Z'",
        "DELETE FROM recipe_records",
        "UPDATE recipe_texts SET content = 'x'",
        "DELETE FROM recipe_texts",
        "INSERT INTO recipe_records SELECT 9, kind, recipe, 2, who, utc, data, previous_hash, hash FROM recipe_records",
        "INSERT INTO recipe_records SELECT 2, kind, recipe, 7, who, utc, data, previous_hash, hash FROM recipe_records",
    ],
)
def test_rows_are_appended_and_nothing_else(place: Place, statement: str) -> None:
    add(place)
    with pytest.raises((sqlite3.Error, psycopg.Error)):
        execute(place, statement)
    assert read_shelf(place, with_texts=True).faults == ()


def test_what_other_means_have_changed_is_found(place: Place) -> None:
    add(place)
    if isinstance(place, StoreUrl):
        off = "ALTER TABLE recipe_records DISABLE TRIGGER ALL"
    else:
        off = "DROP TRIGGER recipe_records_update"
    execute(place, off, "UPDATE recipe_records SET who = 'Z'")
    faults = " ".join(read_shelf(place).faults)
    assert "what keeps stored recipes from being changed was removed" in faults
    assert "record 1 (version of honda-example-1@1) was changed" in faults
    with pytest.raises(StoreDamaged):
        store_of(place).comment(FIRST, "more", "C. Reader")


def test_writers_at_once_give_one_chain(place: Place) -> None:
    add(place)
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda number: store_of(place).comment(FIRST, f"c{number}", "C. Reader"), range(12)))
    shelf = read_shelf(place)
    assert shelf.faults == ()
    assert sorted(comment.text for comment in shelf.version(FIRST).comments) == sorted(f"c{n}" for n in range(12))


def test_a_writer_that_keeps_another_one_waiting_is_told_of(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = StoreUrl(postgres.new_database())
    add(place)
    monkeypatch.setattr("controller.store.postgres.WAITS_MS", 100)
    with psycopg.connect(place.text) as other:
        other.execute("LOCK TABLE recipe_records IN EXCLUSIVE MODE")
        with pytest.raises(StoreBusy, match="another process keeps writing"):
            store_of(place).comment(FIRST, "more", "C. Reader")


def test_a_database_without_recipes_is_told_and_no_password_is() -> None:
    away = StoreUrl("postgresql://u:secret@127.0.0.1:1/line")
    with pytest.raises(StoreUnusable) as told:
        read_shelf(away)
    assert "secret" not in str(told.value)
    assert "secret" not in repr(away)


def test_a_database_in_which_nothing_was_stored_has_an_empty_shelf(postgres: PostgresServer) -> None:
    assert read_shelf(StoreUrl(postgres.new_database())).recipes == {}
