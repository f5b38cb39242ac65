"""Migrations: what they make is what the rooms' tables say, with data, with a backup before, never backwards."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Connection

from controller.database import DatabaseUnusable, metadata, migrate, newest_schema, open_database, schema_of
from controller.database.engines import engine_of
from controller.database.revise import load_tables
from controller.database.schema import is_compared
from controller.journal import database as journal_file
from controller.journal import read_events, verify
from controller.store.schema import SCHEMA
from tests.crash.stores import stored
from tests.postgres import PostgresServer


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> str:
    return f"sqlite:///{tmp_path / 'store.sqlite'}" if request.param == "sqlite" else postgres.new_database()


def looked_at(url: str, look: Any) -> Any:
    engine = engine_of(url)
    try:
        with engine.begin() as connection:
            return look(connection)
    finally:
        engine.dispose()


def test_what_migrations_make_is_what_the_rooms_say(url: str) -> None:
    assert {"journal", "store"} <= set(load_tables())
    migrate(url)

    def differences(connection: Connection) -> Any:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": is_compared})
        return compare_metadata(context, metadata)

    assert looked_at(url, differences) == []
    assert looked_at(url, schema_of) == newest_schema()
    assert migrate(url) is None, "a second time there is nothing to do"


def test_sqlite_gets_word_for_word_what_its_readers_compare(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    migrate(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as database:
        found = dict(database.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall())
        version = database.execute("PRAGMA user_version").fetchone()[0]
    wanted = {"events": journal_file.TABLE, **journal_file.INDEXES, **SCHEMA}
    assert {name: found.get(name) for name in wanted} == wanted
    assert version == journal_file.SCHEMA_VERSION


def test_a_store_from_before_there_were_migrations_is_taken_over_with_its_data(tmp_path: Path) -> None:
    file = stored(tmp_path / "s.sqlite", 20)
    with closing(sqlite3.connect(file)) as database:
        for index in journal_file.INDEXES:
            database.execute(f"DROP INDEX {index}")
        database.execute("PRAGMA user_version=1")
    before = read_events(file)
    copy = migrate(f"sqlite:///{file}")
    assert copy == tmp_path / f"s.sqlite.before-{newest_schema()}"
    assert [event.hash for event in read_events(file)] == [event.hash for event in before]
    assert verify(read_events(file)) == []
    with closing(sqlite3.connect(copy)) as database:
        names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
        assert database.execute("PRAGMA user_version").fetchone() == (1,)
        assert "alembic_version" not in names
        assert database.execute("SELECT count(*) FROM events").fetchone() == (20,)
    stored(file, 1)
    assert len(read_events(file)) == 21, "the journal goes on in it"


def test_a_schema_of_a_newer_program_is_refused_and_nothing_is_changed(url: str) -> None:
    migrate(url)
    looked_at(url, lambda connection: connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseUnusable, match=rf"has schema 9999, this program knows {newest_schema()}; use a newer"):
        open_database(url, ())
    assert looked_at(url, schema_of) == "9999"


def test_a_migration_that_fails_leaves_everything_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = stored(tmp_path / "s.sqlite")

    def fails(*_: Any, **__: Any) -> None:
        raise DatabaseUnusable("no room")

    monkeypatch.setattr("controller.database.schema.copy_sqlite", fails)
    with pytest.raises(DatabaseUnusable, match="no room"):
        migrate(f"sqlite:///{file}")
    assert looked_at(f"sqlite:///{file}", schema_of) is None
    assert len(read_events(file)) == 3


def test_an_older_postgres_database_is_dumped_before(postgres: PostgresServer, tmp_path: Path) -> None:
    url = postgres.new_database()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE kept (n int)")
    with pytest.raises(DatabaseUnusable, match="older schema than this program; `pressline migrate"):
        migrate(url)
    copy = migrate(url, tmp_path)
    assert copy is not None
    assert copy.read_bytes().startswith(b"PGDMP")


def test_two_databases_are_brought_forward_at_once(tmp_path: Path) -> None:
    """As trends and outbox are when a service starts for the first time; Alembic alone mixes up their connections."""
    urls = [f"sqlite:///{tmp_path}/{number}.sqlite" for number in range(4)]
    with ThreadPoolExecutor(len(urls)) as threads:
        assert list(threads.map(migrate, urls)) == [None] * len(urls)
    for url in urls:
        engine = engine_of(url)
        with engine.connect() as connection:
            assert schema_of(connection) == newest_schema()
        engine.dispose()
