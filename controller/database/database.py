"""A database that rooms of the service keep their tables in: SQLite by default, PostgreSQL by URL.

DatabaseUnusable     it cannot be opened, read or written; a retry makes sense when what the message names is mended
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from controller.database.tables import metadata

T = TypeVar("T")
BUSY_LIMIT_S = 5.0  # how long SQLite waits for another writer; ours take some milliseconds
KINDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class DatabaseUnusable(Exception):
    """A database cannot be opened, read or written. The message says which, and names no password."""


class Database:
    """Transactions on one database, one after the other, in one thread of its own.

    The loop never waits for a disk. `run` may be cancelled; what has begun is then still carried out as a whole.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.place = engine.url.render_as_string(hide_password=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, from one transaction: all or nothing. Raises DatabaseUnusable, and what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.run_now, work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """The same for whoever has no loop, in the caller's thread."""
        try:
            with self.engine.begin() as connection:
                return work(connection)
        except SQLAlchemyError as error:
            raise DatabaseUnusable(f"{self.place}: {_first_line(error)}") from error

    def close(self) -> None:
        """Waits for what has begun."""
        self._thread.shutdown()
        self.engine.dispose()


def open_database(url: str, tables: Iterable[Table]) -> Database:
    """The database of a URL (sqlite:///path, postgresql://user@host/name), with these tables made where they are not.

    Raises DatabaseUnusable.
    """
    engine = _engine(url)
    database = Database(engine)
    try:
        database.run_now(lambda connection: metadata.create_all(connection, list(tables)))
    except BaseException:
        database.close()
        raise
    return database


def _engine(url: str) -> Engine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable("the store's URL is none; expected sqlite:///FILE or postgresql://HOST/NAME") from None
    if (kind := KINDS.get(parsed.get_backend_name())) is None:
        known = "sqlite:///FILE and postgresql://HOST/NAME"
        raise DatabaseUnusable(f"{parsed.get_backend_name()} is no kind of store; known are {known}")
    return _sqlite(parsed) if kind == "sqlite" else create_engine(parsed.set(drivername=kind), pool_pre_ping=True)


def _sqlite(url: URL) -> Engine:
    """Durable at every commit, readers beside a writer; a connection of its own for each transaction's thread."""
    engine = create_engine(url, connect_args={"timeout": BUSY_LIMIT_S}, poolclass=NullPool)

    @event.listens_for(engine, "connect")
    def _modes(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # ours is the BEGIN
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def _first_line(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
