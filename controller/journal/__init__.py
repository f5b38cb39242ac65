"""The durable, hash-chained record of every decision (append-only).

Each record carries the SHA-256 of its predecessor, so that a changed, removed or swapped record is found. The SQLite
journal runs in write-ahead mode with synchronous=FULL, both checked when it is opened: an `append` that returned
survives a power cut. What raises risk is appended first and then sent; what lowers risk is sent first and noted with
`note`, which keeps the record in memory if the disk fails; what the disk never took is rescued into a file beside it.
"""

from __future__ import annotations

from controller.journal.anchor import Anchor, anchor_faults, anchor_path, read_anchor
from controller.journal.chain import GENESIS, canonical, chain_hash, verify
from controller.journal.database import SCHEMA_VERSION, Connection, examine, read_events
from controller.journal.durable import PATIENCE_S, SqliteJournal
from controller.journal.errors import JournalError, RecordUnreadable, StoreBusy, StoreUnusable
from controller.journal.lock import is_in_use
from controller.journal.memory import Journal
from controller.journal.rescue import read_rescue, rescue_path

__all__ = [
    "GENESIS",
    "PATIENCE_S",
    "SCHEMA_VERSION",
    "Anchor",
    "Connection",
    "Journal",
    "JournalError",
    "RecordUnreadable",
    "SqliteJournal",
    "StoreBusy",
    "StoreUnusable",
    "anchor_faults",
    "anchor_path",
    "canonical",
    "chain_hash",
    "examine",
    "is_in_use",
    "read_anchor",
    "read_events",
    "read_rescue",
    "rescue_path",
    "verify",
]
