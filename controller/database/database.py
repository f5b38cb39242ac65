"""A database that rooms of the service keep their tables in: SQLite by default, PostgreSQL by URL."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar
from weakref import WeakSet

import psycopg
from sqlalchemy import Connection, Engine, Table, event

from controller.database.engines import engine_of, in_words
from controller.database.schema import migrate
from controller.database.tables import metadata

T = TypeVar("T")
CLOSES_WITHIN_S = 15.0
"""Real seconds for what has begun when a database is closed: somewhat longer than a statement may take to be given up
on a network that is gone (engineering judgement)."""


class Database:
    """Transactions on one database, one after the other, in one thread of its own.

    The loop never waits for a disk. `run` may be cancelled; what has begun is then still carried out as a whole.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.place = engine.url.render_as_string(hide_password=True)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="database")
        self._wires: WeakSet[Any] = WeakSet()
        if engine.dialect.name == "postgresql":
            event.listen(engine, "connect", lambda wire, _: self._wires.add(wire))

    async def run(self, work: Callable[[Connection], T]) -> T:
        """What `work` returns, from one transaction: all or nothing. Raises DatabaseUnusable, and what it raises."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self.run_now, work)

    def run_now(self, work: Callable[[Connection], T]) -> T:
        """The same for whoever has no loop, in the caller's thread."""
        with in_words(self.engine), self.engine.begin() as connection:
            return work(connection)

    def hang_up(self) -> None:
        """Cuts the connections to a server, so that what waits for its answer fails now; a file is left alone."""
        for wire in list(self._wires):
            with suppress(OSError, psycopg.Error), socket.socket(fileno=os.dup(wire.fileno())) as end:
                end.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Waits for what has begun."""
        self._thread.shutdown()
        self.engine.dispose()


def open_database(url: str, tables: Iterable[Table]) -> Database:
    """The database of a URL (sqlite:///path, postgresql://user@host/name), migrated to this program's schema.

    tables are those that the caller works on; one that no migration makes yet is made. Raises DatabaseUnusable.
    """
    migrate(url)
    engine = engine_of(url)
    database = Database(engine)
    try:
        database.run_now(lambda connection: metadata.create_all(connection, list(tables)))
    except BaseException:
        database.close()
        raise
    return database


@asynccontextmanager
async def database_opened(url: str, tables: Iterable[Table]) -> AsyncIterator[Database]:
    """The same as long as the block: a server or a disk that does not answer is waited for beside the loop.

    Raises DatabaseUnusable. Whoever is cancelled while it opens need not wait; what comes too late is closed again. A
    database that does not answer is waited for at the end no longer than CLOSES_WITHIN_S: others have to end as well.
    """
    loop = asyncio.get_running_loop()
    opening = loop.run_in_executor(None, lambda: open_database(url, tables))
    try:
        database = await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_closed_again)
        raise
    try:
        yield database
    finally:
        closing = loop.run_in_executor(None, database.close)
        await asyncio.wait({closing}, timeout=CLOSES_WITHIN_S * float(getattr(loop, "speed", 1.0)))


def _closed_again(opening: asyncio.Future[Database]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
