"""A server that goes away under a journal: told, mended when it is back, and no record is lost or there twice."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from controller.events import EventStream
from controller.journal import JournalError, StoreBusy, StoreUnusable, verify
from controller.journal.database import row_of
from controller.journal.postgres import PostgresJournal
from controller.journal.rescue import rescue_path
from tests.journal.stores import Store, utc
from tests.postgres import PostgresServer

END_OTHERS = (
    "SELECT pg_terminate_backend(pid, 2000) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()"
)


@pytest.fixture
def store(tmp_path: Path, postgres: PostgresServer) -> Store:
    return Store(tmp_path, postgres.new_database())


class Server:
    """Whoever looks after the server of one database."""

    def __init__(self, postgres: PostgresServer, url: str | None) -> None:
        self._url, self._name = postgres.url("postgres"), str(url).rpartition("/")[2]

    def ends_connections(self) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            connection.execute(END_OTHERS, (self._name,))

    def lets_in(self, *, anybody: bool) -> None:
        with psycopg.connect(self._url, autocommit=True) as connection:
            words = SQL("ALTER DATABASE {} ALLOW_CONNECTIONS {}")
            connection.execute(words.format(Identifier(self._name), SQL("true" if anybody else "false")))


async def settled(journal: PostgresJournal | Any, *, broken: bool) -> None:
    for _ in range(600):
        if (journal.broken is not None) == broken:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(journal.broken)


async def test_a_lost_connection_is_made_anew_and_nothing_is_lost(store: Store, postgres: PostgresServer) -> None:
    journal = store.journal()
    server = Server(postgres, store.url)
    for number in range(4):
        journal.note("a", "k", {"n": number})
        server.ends_connections()
    await settled(journal, broken=False)
    await journal.append("a", "last", {})
    await journal.close()
    assert journal.broken is None
    again = store.journal()
    assert verify(again.earlier) == []
    assert [event.data["n"] for event in again.earlier if event.kind == "k"] == [0, 1, 2, 3]
    await again.close()


async def test_a_connection_that_was_lost_between_two_records_refuses_nothing(
    store: Store, postgres: PostgresServer
) -> None:
    journal = store.journal()
    for number in range(3):
        await journal.append("a", "k", {"n": number})
        Server(postgres, store.url).ends_connections()
    await journal.append("a", "last", {})
    assert journal.broken is None
    await journal.close()
    assert [row[0] for row in store.execute("SELECT kind FROM events ORDER BY sequence")] == ["k", "k", "k", "last"]


async def test_a_server_that_is_away_is_told_and_what_waited_is_written_when_it_is_back(
    store: Store, postgres: PostgresServer
) -> None:
    journal = store.journal()
    server = Server(postgres, store.url)
    await journal.append("a", "first", {})
    server.lets_in(anybody=False)
    server.ends_connections()
    with pytest.raises(JournalError, match="the journal cannot be written: postgresql://"):
        await journal.append("a", "start", {})
    journal.note("a", "stop", {})
    assert journal.broken is not None
    server.lets_in(anybody=True)
    await settled(journal, broken=False)  # without a new record
    await journal.close()
    kinds = [row[0] for row in store.execute("SELECT kind FROM events ORDER BY sequence")]
    assert kinds == ["first", "start", "condition", "stop", "condition"]
    again = store.journal()
    assert verify(again.earlier) == []
    await again.close()


async def test_a_commit_whose_answer_was_lost_is_not_written_twice(store: Store) -> None:
    journal = store.journal()
    await journal.append("a", "first", {})
    insert = journal._medium.insert

    def answers_nothing(rows: Any) -> None:
        insert(rows)
        journal._medium.insert = insert  # type: ignore[method-assign]
        journal._medium.close()
        raise psycopg.OperationalError("server closed the connection unexpectedly")

    journal._medium.insert = answers_nothing  # type: ignore[method-assign]
    with pytest.raises(JournalError, match="the server cannot be reached"):
        await journal.append("a", "second", {})
    await journal.append("a", "third", {})
    await journal.close()
    assert journal.broken is None
    kinds = [row[0] for row in store.execute("SELECT kind FROM events ORDER BY sequence")]
    assert kinds == ["first", "second", "condition", "third", "condition"]


async def test_another_computer_is_kept_away_too(store: Store, tmp_path: Path) -> None:
    journal = store.journal()
    with pytest.raises(StoreBusy, match="another process is using this store"):
        PostgresJournal(EventStream(), utc, str(store.url), tmp_path / "of another computer")
    await journal.close()


async def test_a_record_of_somebody_else_is_never_written_over(store: Store) -> None:
    journal = store.journal()
    event = await journal.append("a", "first", {})
    other = (2, "b", "k", "{}", 0.0, utc(), event.hash, "f" * 64)
    store.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", *other)
    with pytest.raises(JournalError, match="another process has written record 2"):
        await journal.append("a", "second", {})
    await journal.close()
    assert store.execute("SELECT run FROM events WHERE sequence = 2") == [("b",)]
    assert rescue_path(store.beside).stat().st_size > 0


async def test_an_older_copy_behind_the_same_address_is_refused(store: Store, postgres: PostgresServer) -> None:
    journal = store.journal()
    for number in range(3):
        await journal.append("a", "k", {"n": number})
    store.execute("DELETE FROM events WHERE sequence = 3")
    Server(postgres, store.url).ends_connections()
    await journal_fails(journal, "cannot be reached|not in it any more")
    await journal_fails(journal, "record 3 that was written is not in it any more")
    await journal.close()
    assert [row[0] for row in store.execute("SELECT sequence FROM events ORDER BY sequence")] == [1, 2]
    rescued = rescue_path(store.beside).read_text()
    assert rescued.count("\n") == 1 + len(journal.events())


async def journal_fails(journal: Any, words: str) -> None:
    with pytest.raises(JournalError, match=words):
        await journal.append("a", "more", {})


async def test_a_server_that_would_lose_records_at_a_power_cut_is_refused(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = psycopg.Connection.execute

    def unsynced(self: Any, query: Any, *rest: Any, **more: Any) -> Any:
        return real(self, "SELECT 'off'" if query == "SHOW fsync" else query, *rest, **more)

    monkeypatch.setattr(psycopg.Connection, "execute", unsynced)
    with pytest.raises(StoreUnusable, match="runs with fsync=off; a power cut would lose records"):
        store.journal()


async def test_triggers_on_the_records_are_refused(store: Store) -> None:
    await store.journal().close()
    store.execute("CREATE FUNCTION quiet() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$")
    store.execute("CREATE TRIGGER quiet BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION quiet()")
    with pytest.raises(StoreUnusable, match="there is a trigger quiet on the records"):
        store.journal()


@pytest.mark.parametrize(
    "url", ["postgresql://u:secret@127.0.0.1:1/line", "postgresql://u:secret@nowhere.invalid/line"]
)
async def test_what_cannot_be_reached_is_said_without_the_password(url: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnusable) as told:
        PostgresJournal(EventStream(), utc, url, tmp_path)
    assert "secret" not in str(told.value)
    assert "\n" not in str(told.value)


async def test_numbers_and_texts_come_back_as_they_went(store: Store) -> None:
    journal = store.journal()
    event = await journal.append("ü'%s", "k?", {"x": [1e308, 5e-324, -0.0], "t": "%(x)s ? \\u0000 \U0001f600"})
    await journal.close()
    (row,) = store.execute("SELECT * FROM events")
    assert row == row_of(event)
