"""The table of records for databases that are reached by URL; SQLite's own text of it is in `database.py`.

The two are held together by a test: what a migration makes on either is what stands here.
"""

from __future__ import annotations

from sqlalchemy import REAL, BigInteger, Column, Double, Index, Integer, Table, Text

from controller.database import metadata

events = Table(
    "events",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("run", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("time_s", Double().with_variant(REAL, "sqlite"), nullable=False),
    Column("utc", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
    Index("events_run", "run"),
    Index("events_kind", "kind", "run"),
    Index("events_utc", "utc"),
)
