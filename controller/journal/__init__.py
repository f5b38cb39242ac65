"""The durable, hash-chained record of every decision (append-only).

Each record carries the SHA-256 of its predecessor, so that a changed, removed or swapped record is found. The SQLite
journal runs in write-ahead mode with synchronous=FULL, both checked when it is opened: an `append` that returned
survives a power cut. What raises risk is appended first and then sent; what lowers risk is sent first and noted with
`note`, which keeps the record in memory if the disk fails; what the disk never took is rescued into a file beside it.
"""

from __future__ import annotations

from controller.journal.anchor import Anchor, anchor_faults, anchor_path, read_anchor
from controller.journal.chain import GENESIS, canonical, chain_hash, verify
from controller.journal.database import SCHEMA_VERSION, examine
from controller.journal.durable import PATIENCE_S, StoredJournal
from controller.journal.errors import JournalError, RecordUnreadable, StoreAway, StoreBusy, StoreUnusable
from controller.journal.examining import Examined, examined_file, examined_records
from controller.journal.forgetting import LINE
from controller.journal.memory import Journal
from controller.journal.past import HeldPast, Past, as_past
from controller.journal.places import is_in_use, read_events
from controller.journal.records import Connection
from controller.journal.rescue import read_rescue, rescue_path
from controller.journal.sqlite import SqliteJournal

__all__ = [
    "GENESIS",
    "LINE",
    "PATIENCE_S",
    "SCHEMA_VERSION",
    "Anchor",
    "Connection",
    "Examined",
    "HeldPast",
    "Journal",
    "JournalError",
    "Past",
    "RecordUnreadable",
    "SqliteJournal",
    "StoreAway",
    "StoreBusy",
    "StoreUnusable",
    "StoredJournal",
    "anchor_faults",
    "anchor_path",
    "as_past",
    "canonical",
    "chain_hash",
    "examine",
    "examined_file",
    "examined_records",
    "is_in_use",
    "read_anchor",
    "read_events",
    "read_rescue",
    "rescue_path",
    "verify",
]
