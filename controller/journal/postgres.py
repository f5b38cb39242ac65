"""A journal in a PostgreSQL database: the same records and chain; the anchor and the rescue file stay with the service.

A connection that is lost is made anew for the next try. What a commit whose answer was lost had written is recognised
by its number and hash, so that no record is missing and none is there twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

from controller.database import DatabaseAway, DatabaseUnusable, is_away, migrate
from controller.database.engines import LIVELY, SERVER_LIVELY
from controller.events import EventStream
from controller.journal.durable import PATIENCE_S, StoredJournal
from controller.journal.errors import StoreAway, StoreBusy, StoreUnusable
from controller.journal.lock import locked
from controller.journal.medium import Held
from controller.journal.opening import HELD_RECORDS
from controller.journal.records import COLUMNS, Connection, Cursor, Records, Row

INSERT = f"INSERT INTO events ({COLUMNS}) VALUES (%s, %s, %s, %s, %s, %s, %s, %s) ON CONFLICT DO NOTHING"  # noqa: S608  our own text
LOCK = "SELECT pg_try_advisory_lock(hashtextextended('pressline journal ' || current_schema(), 0))"
OWNERS = (
    "SELECT a.pid, a.application_name FROM pg_locks l JOIN pg_stat_activity a USING (pid)"
    " WHERE l.locktype = 'advisory' AND l.granted AND a.datname = current_database()"
    " AND a.application_name LIKE 'pressline journal%'"
)
ANSWER_S = 10
"""Seconds after which a statement is given up, as a journal's patience is: a broken network holds nothing for ever."""
RETRY_S = 1.0
"""Real seconds until what waits is tried again, so that a server that comes back is noticed without a new record."""


def driver_url(url: str) -> str:
    """A store's URL as the driver takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


class _Speaking:
    """A connection that takes the statements of `records.py`, which mark values as SQLite does."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self.raw = connection

    def execute(self, text: str, parameters: Sequence[Any] = (), /) -> Cursor:
        return self.raw.execute(text.replace("?", "%s").encode(), parameters or None)

    def close(self) -> None:
        self.raw.close()


class PostgresMedium:
    """One database by URL; folder is the service's own, for the lock, the anchor and the rescue file."""

    errors: tuple[type[Exception], ...] = (psycopg.Error,)

    def __init__(self, url: str, folder: Path) -> None:
        parsed = make_url(url)
        self.place = parsed.render_as_string(hide_password=True)
        self.beside = folder / "journal"
        self._url = url
        self._conninfo = driver_url(url)
        self._name = f"pressline journal {token_hex(4)}"
        self._connection: _Speaking | None = None
        self._last: tuple[int, str] | None = None

    @property
    def connection(self) -> Connection:
        return self._speaking()

    def _speaking(self) -> _Speaking:
        """The connection that writes, made anew where it was lost: then it has to be the same store, and ours."""
        if self._connection is None or self._connection.raw.closed:
            made = _Speaking(self._connected(self._name))
            try:
                self._claim(made.raw)
                self._refuse_other(made)
            except BaseException:
                made.close()
                raise
            self._connection = made
        return self._connection

    def _connected(self, name: str) -> psycopg.Connection[Any]:
        connection = psycopg.connect(
            self._conninfo,
            autocommit=True,
            application_name=name,
            **LIVELY,
        )
        for statement in SERVER_LIVELY:
            connection.execute(statement)
        connection.execute(sql.SQL("SET statement_timeout = {}").format(sql.Literal(1000 * ANSWER_S)))
        connection.execute("SET synchronous_commit = on")
        return connection

    def _claim(self, connection: psycopg.Connection[Any]) -> None:
        """One writer: a lock that ends with its connection; one that a lost connection of ours still has is ended."""
        if connection.execute(LOCK).fetchone() == (True,):
            return
        for pid, name in connection.execute(OWNERS).fetchall():
            if name == self._name and pid != connection.info.backend_pid:
                connection.execute("SELECT pg_terminate_backend(%s, 2000)", (pid,))
        if connection.execute(LOCK).fetchone() != (True,):
            raise StoreBusy(f"{self.place}: another process is using this store")

    def _refuse_other(self, connection: _Speaking) -> None:
        if self._last is not None and Records(connection, is_postgres=True).hash_of(self._last[0]) != self._last[1]:
            words = f"record {self._last[0]} that was written is not in it any more"
            raise StoreUnusable(f"{self.place}: {words}: it is another database, or an older copy")

    # ---------------------------------------------------------------------- what a journal asks for

    def lock(self) -> Held:
        try:
            self.beside.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreUnusable(f"{self.beside.parent}: cannot be made ({error.strerror})") from error
        return locked(self.beside)

    def refuse_lost(self) -> None:
        """An anchor without its records is told where the anchor is judged."""

    def open(self) -> None:
        try:
            migrate(self._url, self.beside.parent)
            connection = self._speaking().raw
            fsync = connection.execute("SHOW fsync").fetchone()
        except DatabaseAway as error:
            raise StoreAway(str(error)) from error
        except DatabaseUnusable as error:
            raise StoreUnusable(str(error)) from error
        except psycopg.Error as error:
            raise (StoreAway if is_away(error) else StoreUnusable)(self.in_words(error)) from error
        if fsync != ("on",):
            self.close()
            raise StoreUnusable(f"{self.place}: the server runs with fsync=off; a power cut would lose records")

    def faults(self) -> list[str]:
        return self.all_faults(self.connection)

    def all_faults(self, connection: Connection) -> list[str]:
        """Triggers and rules that change what is written; its pages are the server's to check (data checksums)."""
        found = connection.execute(
            "SELECT 'trigger', tgname FROM pg_trigger WHERE tgrelid = 'events'::regclass AND NOT tgisinternal"
            " UNION ALL SELECT 'rule', rulename FROM pg_rewrite WHERE ev_class = 'events'::regclass"
        ).fetchall()
        return [f"there is a {kind} {name} on the records" for kind, name in found]

    def records(self) -> Records:
        return Records(self.connection, is_postgres=True)

    @contextmanager
    def reading(self) -> Iterator[Records]:
        try:
            with self._connected("pressline reader") as connection:
                yield Records(_Speaking(connection), is_postgres=True)
        except psycopg.Error as error:
            raise StoreUnusable(self.in_words(error)) from error

    def insert(self, rows: Sequence[Row]) -> None:
        was_open = self._connection is not None and not self._connection.raw.closed
        try:
            self._write(rows)
        except psycopg.OperationalError as error:
            if not was_open or isinstance(error, psycopg.errors.QueryCanceled):
                raise
            self._write(rows)  # the connection may have been lost while nothing was written
        self._last = (rows[-1][0], rows[-1][7])

    def _write(self, rows: Sequence[Row]) -> None:
        connection = self._speaking().raw
        try:
            with connection.transaction():
                for row in rows:
                    if connection.execute(INSERT, row).rowcount == 0:
                        self._refuse_taken(connection, row)
        except psycopg.OperationalError:
            connection.close()  # whatever became of it: the next try looks
            raise

    def _refuse_taken(self, connection: psycopg.Connection[Any], row: Row) -> None:
        held = connection.execute("SELECT hash FROM events WHERE sequence = %s", (row[0],)).fetchone()
        if held != (row[7],):
            raise StoreUnusable(f"{self.place}: another process has written record {row[0]}")

    @contextmanager
    def writing_alone(self) -> Iterator[None]:
        """No journal writes within the block. Raises StoreBusy or StoreUnusable."""
        try:
            with self._connected(self._name) as connection:
                self._claim(connection)
                yield
        except psycopg.Error as error:
            raise StoreUnusable(self.in_words(error)) from error

    def refuse_replaced(self) -> None:
        """A database that was replaced has ended its connections; the next one looks."""

    @staticmethod
    def tells_damage(error: BaseException) -> bool:
        """Class XX: the server finds its own pages or indexes damaged (data_corrupted, index_corrupted)."""
        return str(getattr(error.__cause__ or error, "sqlstate", None) or "") in ("XX001", "XX002")

    def in_words(self, error: BaseException) -> str:
        if not isinstance(error, psycopg.Error):
            return str(error) if str(error).startswith(self.place) else f"{self.place}: {error}"
        told = (str(error).strip() or type(error).__name__).splitlines()[0]
        match error.sqlstate or "08":
            case "53100":
                return f"{self.place}: the disk of the server is full"
            case "42P01":
                return f"{self.place}: there is no pressline store in it ({told})"
            case "57014":
                return f"{self.place}: the server has not answered for {ANSWER_S} s"
            case "25006":
                return f"{self.place}: the server is read-only ({told})"
            case state if state[:2] in ("08", "57"):
                return f"{self.place}: the server cannot be reached ({told})"
        return f"{self.place}: PostgreSQL refuses ({told})"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()


class PostgresJournal(StoredJournal):
    """A journal in a PostgreSQL database; folder is where its lock, anchor and rescue file are.

    A server that comes back is noticed within some seconds, and what waited is written in its order.
    """

    def __init__(
        self,
        stream: EventStream,
        utc: Callable[[], str],
        url: str,
        folder: Path,
        patience_s: float = PATIENCE_S,
        held: int = HELD_RECORDS,
    ) -> None:
        super().__init__(stream, utc, PostgresMedium(url, folder), patience_s, held, RETRY_S)
