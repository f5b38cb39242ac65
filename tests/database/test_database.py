"""One place to open SQLite and PostgreSQL: transactions are whole, the loop does not wait, no password is told."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, insert, select

from controller.database import Database, DatabaseUnusable, database_opened, migrate, open_database
from controller.database.engines import LIVELY, SERVER_LIVELY, engine_of
from controller.database.tables import metadata
from controller.journal import database as journal_file
from controller.journal.postgres import PostgresMedium
from tests.postgres import PostgresServer

NOTES = Table("notes", MetaData(), Column("number", Integer, primary_key=True), Column("text", String, nullable=False))


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path, postgres: PostgresServer) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path / 'store.sqlite'}" if request.param == "sqlite" else postgres.new_database()
    opened = open_database(url, ())
    opened.run_now(NOTES.metadata.create_all)
    yield opened
    opened.close()


def written(connection: Connection) -> list[str]:
    return list(connection.execute(select(NOTES.c.text).order_by(NOTES.c.number)).scalars())


async def test_a_transaction_is_whole(database: Database) -> None:
    def fails(connection: Connection) -> None:
        connection.execute(insert(NOTES).values(text="half"))
        raise ZeroDivisionError

    await database.run(lambda connection: connection.execute(insert(NOTES).values(text="one")))
    with pytest.raises(ZeroDivisionError):
        await database.run(fails)
    assert await database.run(written) == ["one"]


async def test_the_loop_does_not_wait_for_the_disk(database: Database) -> None:
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0.01)

    counting = asyncio.create_task(count())
    await database.run(lambda _: time.sleep(0.3))
    counting.cancel()
    assert turns > 10


async def test_what_was_begun_is_carried_out_although_nobody_waits_any_more(database: Database) -> None:
    def slowly(connection: Connection) -> None:
        time.sleep(0.1)
        connection.execute(insert(NOTES).values(text="kept"))

    task = asyncio.create_task(database.run(slowly))
    await asyncio.sleep(0.02)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await database.run(written) == ["kept"]


def test_sqlite_is_durable_and_lets_readers_in(tmp_path: Path) -> None:
    database = open_database(f"sqlite:///{tmp_path / 'a.sqlite'}", ())
    pragmas = ("journal_mode", "synchronous", "foreign_keys")
    found = database.run_now(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in pragmas])
    assert found == ["wal", 2, 1]
    database.close()


def test_another_writer_is_waited_for_and_then_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.database.engines.BUSY_LIMIT_S", 0.1)
    file = tmp_path / "a.sqlite"
    database = open_database(f"sqlite:///{file}", ())
    with sqlite3.connect(file) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseUnusable, match=r"a\.sqlite: database is locked"):
            database.run_now(lambda _: None)
    database.close()


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("pressline", "expected sqlite:///FILE or postgresql://HOST/NAME"),
        ("mysql://plant/line", "mysql is no kind of store"),
        ("sqlite:////nowhere/at/all.sqlite", "unable to open database file"),
        ("postgresql://u:secret@127.0.0.1:1/line", "refused"),
    ],
)
def test_what_cannot_be_opened_is_said_without_the_password(url: str, words: str) -> None:
    with pytest.raises(DatabaseUnusable) as told:
        open_database(url, metadata.tables.values())
    assert words in str(told.value)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


async def test_a_database_is_opened_and_closed_beside_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that does not answer keeps nobody from polling; who gives up need not wait, and nothing stays open."""
    closed: asyncio.Queue[Database] = asyncio.Queue()
    loop, close = asyncio.get_running_loop(), Database.close

    def slow_migrate(_: str) -> None:
        time.sleep(0.2)

    def told_close(database: Database) -> None:
        close(database)
        loop.call_soon_threadsafe(closed.put_nowait, database)

    monkeypatch.setattr("controller.database.database.migrate", slow_migrate)
    monkeypatch.setattr(Database, "close", told_close)

    async def opened() -> None:
        async with database_opened(f"sqlite:///{tmp_path / 'a.sqlite'}", ()):
            await asyncio.sleep(0)

    begun_s = loop.time()
    opening = asyncio.create_task(opened())
    await asyncio.sleep(0.02)
    assert loop.time() - begun_s < 0.15, "the loop stood still"
    opening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await opening
    assert closed.empty()
    await closed.get()
    await opened()
    await closed.get()


async def test_a_database_that_hangs_keeps_nothing_else_from_ending(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal has still to be closed, and to rescue what a server never took."""
    monkeypatch.setattr("controller.database.database.CLOSES_WITHIN_S", 0.05)
    hangs = threading.Event()
    async with database_opened(f"sqlite:///{tmp_path / 's.sqlite'}", ()) as database:
        work = asyncio.ensure_future(database.run(lambda _: hangs.wait(30)))
        await asyncio.sleep(0.01)
        begun_s = asyncio.get_running_loop().time()
    took_s = asyncio.get_running_loop().time() - begun_s
    hangs.set()
    await work
    assert took_s < 20, "it did not wait for what hangs"


def test_both_ends_give_up_a_network_that_carries_nothing(postgres: PostgresServer) -> None:
    url = postgres.new_database()
    engine = engine_of(url)
    with engine.connect() as connection:
        raw = connection.connection.dbapi_connection
        assert raw is not None
        told = {name: raw.info.get_parameters().get(name) for name in LIVELY}
        assert told == {name: str(value) for name, value in LIVELY.items()}
    engine.dispose()
    medium = PostgresMedium(url, Path())
    with medium.reading() as records:
        for statement in SERVER_LIVELY:
            name, _, wanted = statement.removeprefix("SET ").partition(" = ")
            asked = "SELECT setting FROM pg_settings WHERE name = ?"
            assert records.connection.execute(asked, (name,)).fetchone() == (wanted,)


def test_a_store_that_begins_is_not_copied_before_its_first_migration(tmp_path: Path) -> None:
    file = tmp_path / "s.sqlite"
    journal_file.opened(file, journal_file.connected).close()
    assert migrate(f"sqlite:///{file}") is None
    assert {one.name for one in tmp_path.iterdir()} == {"s.sqlite"}
