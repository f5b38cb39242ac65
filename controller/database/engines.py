"""Engines for the URLs of a store, and what goes wrong with one in words.

DatabaseUnusable     it cannot be opened, read or written; a retry makes sense when what the message names is mended
  DatabaseAway       its server takes no connection now; a plain retry makes sense
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.pool import NullPool

BUSY_LIMIT_S = 5.0  # how long SQLite waits for another writer; ours take some milliseconds
KINDS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


CONNECT_S = 5
"""Seconds for a connection to come about; PostgreSQL on the same network answers in milliseconds."""
GONE_S = 10
"""Seconds after which a network that carries nothing any more counts as gone, at either end: what hangs on it is given
up, and the server lets go of the locks of a computer that died (engineering judgement; the system's own are hours)."""
_PROBES = 3
LIVELY: Mapping[str, Any] = {
    "connect_timeout": CONNECT_S,
    "tcp_user_timeout": 1000 * GONE_S,
    "keepalives_idle": GONE_S,
    "keepalives_interval": _PROBES,
    "keepalives_count": _PROBES,
}
"""How every connection of ours to PostgreSQL is made."""
SERVER_LIVELY = (
    f"SET tcp_keepalives_idle = {GONE_S}",
    f"SET tcp_keepalives_interval = {_PROBES}",
    f"SET tcp_keepalives_count = {_PROBES}",
    f"SET tcp_user_timeout = {1000 * GONE_S}",
)
"""What the server is asked to do at its end."""


class DatabaseUnusable(Exception):
    """A database cannot be opened, read or written. The message says which, and names no password."""


class DatabaseAway(DatabaseUnusable):
    """The server of a database takes no connection: it starts, the network is away, it does not know us yet."""


@contextmanager
def in_words(engine: Engine) -> Iterator[None]:
    """What SQLAlchemy says within the block, as DatabaseUnusable."""
    try:
        yield
    except SQLAlchemyError as error:
        kind = DatabaseAway if is_away(getattr(error, "orig", None)) else DatabaseUnusable
        raise kind(f"{engine.url.render_as_string(hide_password=True)}: {first_line(error)}") from error


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
    return create_engine(parsed.set(drivername=kind), pool_pre_ping=True, connect_args=dict(LIVELY))


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


def is_away(error: BaseException | None) -> bool:
    """Whether a driver's error says that a server takes no connection: none came about, or it ended or ends now.

    The first has no SQLSTATE; class 08 is a connection's, 57P a server's that is shut down or begins.
    """
    if not hasattr(error, "sqlstate"):  # SQLite's have none, and need no driver of PostgreSQL here
        return False
    import psycopg

    if not isinstance(error, psycopg.OperationalError):
        return False
    return error.sqlstate is None or error.sqlstate.startswith(("08", "57P"))


def first_line(error: SQLAlchemyError) -> str:
    """What the database said, without the statement."""
    return str(getattr(error, "orig", None) or error).strip().splitlines()[0]
