"""The table of commands that came with a key, and what they were answered."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, LargeBinary, String, Table

from controller.database import metadata

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("owner", String(200), primary_key=True),  # a key belongs to who sent it: nobody meets another's by guessing
    Column("key", String(200), primary_key=True),
    Column("request_sha256", String(64), nullable=False),  # over method, address and body
    Column("process", String(32), nullable=False),  # which process got it: one that is gone will not answer any more
    Column("begun_us", BigInteger, nullable=False, index=True),  # UTC, microseconds since 1970
    Column("status", Integer, nullable=True),  # none until it was answered
    Column("media_type", String(100), nullable=True),
    Column("location", String(500), nullable=True),
    Column("body", LargeBinary, nullable=True),
)
TABLES = (idempotency_keys,)
