"""The tables of stored recipes for databases that are reached by URL; SQLite's own text of them is in `schema.py`.

In PostgreSQL the triggers that let rows be appended and nothing else are in the first migration.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, Table, Text

from controller.database import metadata

recipe_texts = Table(
    "recipe_texts",
    metadata,
    Column("sha256", Text, primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

recipe_records = Table(
    "recipe_records",
    metadata,
    Column("sequence", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("kind", Text, nullable=False),
    Column("recipe", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("who", Text, nullable=False),
    Column("utc", Text, nullable=False),
    Column("data", Text, nullable=False),
    Column("previous_hash", Text, nullable=False),
    Column("hash", Text, nullable=False),
)
