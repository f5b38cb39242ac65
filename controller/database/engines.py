"""Engines for the URLs of a store, and what goes wrong with one in words.

DatabaseUnusable     it cannot be opened, read or written; a retry makes sense when what the message names is mended
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

BUSY_LIMIT_S = 5.0  # how long SQLite waits for another writer; ours take some milliseconds
REACHED = {
    "connect_timeout": 5,
    "tcp_user_timeout": 10_000,
    "keepalives_idle": 10,
    "keepalives_interval": 3,
    "keepalives_count": 3,
}
"""What a network that is cut may cost, as the journal's own connection has it: 5 s to connect, some 10 s (or 20 s while
nothing is sent) until a connection counts as lost."""
KINDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


class DatabaseUnusable(Exception):
    """A database cannot be opened, read or written. The message says which, and names no password."""


@contextmanager
def in_words(engine: Engine) -> Iterator[None]:
    """What SQLAlchemy says within the block, as DatabaseUnusable."""
    try:
        yield
    except SQLAlchemyError as error:
        raise DatabaseUnusable(f"{engine.url.render_as_string(hide_password=True)}: {first_line(error)}") from error


def engine_of(url: str) -> Engine:
    """The engine of a URL. Raises DatabaseUnusable for one that is none of ours."""
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUnusable("the store's URL is none; expected sqlite:///FILE or postgresql://HOST/NAME") from None
    if (kind := KINDS.get(parsed.get_backend_name())) is None:
        known = "sqlite:///FILE and postgresql://HOST/NAME"
        raise DatabaseUnusable(f"{parsed.get_backend_name()} is no kind of store; known are {known}")
    if kind == "sqlite":
        return _sqlite(parsed)
    return create_engine(parsed.set(drivername=kind), pool_pre_ping=True, connect_args=REACHED)


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


def first_line(error: SQLAlchemyError) -> str:
    """What the database said, without the statement."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
