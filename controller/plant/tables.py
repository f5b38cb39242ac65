"""The plant's tables: how far each line's copy is and what the line last said of itself, and its journal's records.

Copied trends are in the historian's own tables, under the line's name at the plant.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, String, Table

from controller.database import metadata

lines = Table(
    "plant_lines",
    metadata,
    Column("line", String, primary_key=True),
    Column("sequence", BigInteger, nullable=False),  # of the last record that is copied, and its hash
    Column("hash", String, nullable=False),
    Column("blocks", BigInteger, nullable=False),  # the number of the last block of trends, and what it holds
    Column("block_hash", String, nullable=False),
    Column("waiting", BigInteger, nullable=False),  # the newest row of samples that are in no block yet
    Column("lost_blocks", BigInteger, nullable=False),
    Column("heard_us", BigInteger, nullable=False),  # UTC by the plant's own clock
    Column("status", String, nullable=False),  # JSON
)

records = Table(
    "plant_records",
    metadata,
    Column("line", String, primary_key=True),
    Column("sequence", BigInteger, primary_key=True),
    Column("run", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("data", String, nullable=False),
    Column("time_s", Float(53), nullable=False),
    Column("utc", String, nullable=False),
    Column("previous_hash", String, nullable=False),
    Column("hash", String, nullable=False),
    Index(None, "line", "run"),
    Index(None, "line", "kind", "utc"),
)

TABLES = (lines, records)
