"""The outbox's tables. `line` keeps several lines apart that share one PostgreSQL database."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, SmallInteger, String, Table

from controller.database import metadata

_NUMBER = BigInteger().with_variant(Integer, "sqlite")

WAITING = Table(
    "outbox",
    metadata,
    Column("number", _NUMBER, primary_key=True, autoincrement=True),
    Column("line", String(200), nullable=False),
    Column("outlet", String(20), nullable=False),
    Column("priority", SmallInteger, nullable=False),
    Column("topic", String, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("utc_us", BigInteger, nullable=False),
    Index("ix_outbox_order", "line", "outlet", "priority", "number"),
    sqlite_autoincrement=True,  # a number that was removed never comes again: readers go on after the last they had
)

DROPPED = Table(
    "outbox_dropped",
    metadata,
    Column("line", String(200), primary_key=True),
    Column("outlet", String(20), primary_key=True),
    Column("priority", SmallInteger, primary_key=True, autoincrement=False),
    Column("messages", BigInteger, nullable=False),
    Column("first_us", BigInteger, nullable=False),
    Column("last_us", BigInteger, nullable=False),
)

MARKS = Table(
    "outbox_marks",
    metadata,
    Column("line", String(200), primary_key=True),
    Column("name", String(40), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

RETAINED = Table(
    "outbox_retained",
    metadata,
    Column("line", String(200), primary_key=True),
    Column("topic", String(1000), primary_key=True),
)

TABLES = (WAITING, DROPPED, MARKS, RETAINED)
