"""The hash-chained records of stored recipes, each carrying the SHA-256 of its predecessor like a journal's."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from controller.journal import GENESIS, canonical
from controller.store.database import has_recipes, schema_faults, transaction
from controller.store.place import RecipeTables

FORMAT = "pressline recipe record 1"
"""Begins every hashed text, so that no other chain's record can stand for one of these."""

Kind = Literal["version", "comment", "approved", "withdrawn"]
Head = tuple[int, str]
"""Sequence and hash of the newest record; (0, GENESIS) before the first."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody says of a version, before it has its place in the chain. texts go with it, by their SHA-256."""

    kind: Kind
    recipe: str
    version: int
    by: str
    data: Mapping[str, Any]
    texts: Mapping[str, bytes] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Record:
    """One record. sequence counts from 1 in its store; utc is when it was written, by the computer's clock."""

    sequence: int
    kind: str
    recipe: str
    version: int
    by: str
    utc: str
    data: Mapping[str, Any]
    hash: str


@dataclass(frozen=True, slots=True)
class Chain:
    """All records of a store in order; faults says in words where they were changed (none: the chain holds)."""

    records: tuple[Record, ...]
    faults: tuple[str, ...]
    head: Head


def sha256(content: bytes) -> str:
    """In hexadecimal, as sha256sum prints it."""
    return hashlib.sha256(content).hexdigest()


def record_hash(previous: str, row: tuple[Any, ...]) -> str:
    """Hash of one record: over its predecessor's hash and (sequence, kind, recipe, version, by, utc, data)."""
    return sha256(canonical([FORMAT, previous, *row]).encode())


def read_chain(database: RecipeTables) -> Chain:
    """Every record and every break of the chain; a record that cannot be read is a break and is left out."""
    if not has_recipes(database):
        return Chain((), (), (0, GENESIS))
    faults = schema_faults(database)
    if any(fault.endswith(": recipe_records") for fault in faults):
        return Chain((), tuple(faults), (0, GENESIS))
    records: list[Record] = []
    head: Head = (0, GENESIS)
    for sequence, kind, recipe, version, by, utc, data, previous, own in database.execute(
        "SELECT * FROM recipe_records ORDER BY sequence"
    ):
        if sequence != head[0] + 1:
            faults.append(f"record {head[0] + 1} is missing, record {sequence} stands in its place")
        if previous != head[1]:
            faults.append(f"record {sequence} does not follow its predecessor")
        head = (sequence, own)
        try:
            if record_hash(previous, (sequence, kind, recipe, version, by, utc, data)) != own:
                faults.append(f"record {sequence} ({kind} of {recipe}@{version}) was changed")
            records.append(Record(sequence, kind, recipe, version, by, utc, json.loads(data), own))
        except (TypeError, ValueError):
            faults.append(f"record {sequence} cannot be read")
    return Chain(tuple(records), tuple(faults), head)


def append(database: RecipeTables, head: Head, draft: Draft, utc: str) -> Record | None:
    """Writes a record behind `head` together with its texts; None if another process was faster and head is old."""
    row = (head[0] + 1, draft.kind, draft.recipe, draft.version, draft.by, utc, canonical(draft.data))
    own = record_hash(head[1], row)
    newest = "SELECT sequence, hash FROM recipe_records ORDER BY sequence DESC LIMIT 1"
    with transaction(database):
        if (database.execute(newest).fetchone() or (0, GENESIS)) != head:
            return None
        for digest, content in draft.texts.items():
            if database.execute("SELECT 1 FROM recipe_texts WHERE sha256 = ?", (digest,)).fetchone() is None:
                database.execute("INSERT INTO recipe_texts VALUES (?, ?)", (digest, content))
        database.execute("INSERT INTO recipe_records VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", (*row, head[1], own))
    return Record(head[0] + 1, draft.kind, draft.recipe, draft.version, draft.by, utc, draft.data, own)


def text_faults(database: RecipeTables) -> list[str]:
    """Stored texts that were changed, in words."""
    if not has_recipes(database):
        return []
    rows = database.execute("SELECT sha256, content FROM recipe_texts")
    return [f"the text {digest} was changed" for digest, content in rows if not _is(digest, content)]


def read_text(database: RecipeTables, digest: str) -> bytes | None:
    """A stored text; None if it is not there or is not what it was."""
    found = database.execute("SELECT content FROM recipe_texts WHERE sha256 = ?", (digest,)).fetchone()
    return found[0] if found is not None and _is(digest, found[0]) else None


def _is(digest: Any, content: Any) -> bool:
    return isinstance(content, bytes) and sha256(content) == digest
