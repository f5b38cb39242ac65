"""The tables of trends: blocks of one tag, the times that blocks share, an hour's summary, what waits, marks.

In PostgreSQL blocks and times are partitioned by month (partitions.py).
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from controller.database import metadata

_BY_TIME: dict[str, Any] = {"postgresql_partition_by": "RANGE (from_us)"}

tags = Table(
    "trend_tags",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line", String, nullable=False),
    Column("name", String, nullable=False),
    Column("about", String, nullable=False),  # JSON: unit, meaning, profile, words, bits
    Column("waits_from", BigInteger, nullable=False),  # rows of trend_waiting before this one are in blocks
    Column("left_out", BigInteger, nullable=False),
    UniqueConstraint("line", "name"),
)


def _summary_columns() -> list[Column[Any]]:
    whole = ("to_us", "min_us", "max_us", "count", "summed", "bad", "worst")
    real = ("min", "max", "first", "last", "sum")
    return [
        *(Column(name, BigInteger, nullable=False) for name in whole),
        *(Column(name, Float(53)) for name in real),  # SQLite keeps no NaN: that is NULL
    ]


blocks = Table(
    "trend_blocks",
    metadata,
    Column("tag", ForeignKey("trend_tags.id"), primary_key=True),
    Column("from_us", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),  # counts a line's blocks: what came first
    *_summary_columns(),
    Column("times", BigInteger, nullable=False),  # the number of the block that brought the times
    Column("parts", LargeBinary, nullable=False),
    Column("vals", LargeBinary, nullable=False),
    Column("qualities", LargeBinary, nullable=False),
    Index(None, "number"),  # what a copy does not have yet
    **_BY_TIME,
)

times = Table(
    "trend_times",
    metadata,
    Column("line", String, primary_key=True),
    Column("from_us", BigInteger, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("data", LargeBinary, nullable=False),
    **_BY_TIME,
)

hours = Table(
    "trend_hours",
    metadata,
    Column("tag", ForeignKey("trend_tags.id"), primary_key=True),
    Column("hour", BigInteger, primary_key=True),  # of the blocks that begin in it, hours since 1970
    Column("from_us", BigInteger, nullable=False),
    *_summary_columns(),
    Column("bytes", BigInteger, nullable=False),
    Index(None, "hour"),
)

waiting = Table(
    "trend_waiting",
    metadata,
    Column("line", String, primary_key=True),
    Column("number", BigInteger, primary_key=True),
    Column("held", BigInteger, nullable=False),  # samples
    Column("data", LargeBinary, nullable=False),
)

marks = Table(
    "trend_marks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("line", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("scope", String, nullable=False),
    Column("from_us", BigInteger, nullable=False),
    Column("to_us", BigInteger, nullable=False),
    Column("lost", BigInteger, nullable=False),
    Column("words", String, nullable=False),
    Index(None, "line", "to_us"),
)

writers = Table(
    "trend_writers",
    metadata,
    Column("line", String, primary_key=True),
    Column("owner", String, nullable=False),  # who may write; another program that begins takes it over
    Column("alive_us", BigInteger, nullable=False),
    Column("ended", Boolean, nullable=False),
    Column("waiting", BigInteger, nullable=False),  # the number of the newest row of trend_waiting
    Column("blocks", BigInteger, nullable=False),  # the number of the newest block
)

TABLES = (tags, blocks, times, hours, waiting, marks, writers)
