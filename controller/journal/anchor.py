"""The anchor: which record a store certainly held, written beside it, so that an end that was cut off is found.

A hash chain shows every record that was altered, removed or swapped within it and says nothing of what came after its
last record. The anchor is one line, `NAME.anchor`: the number and the hash of a record that was durable when it was
written. Whoever cuts both files cuts unseen; a copy of the anchor elsewhere, or any certificate, shows it then.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from controller.events import Event
from controller.journal.errors import StoreUnusable

EVERY_RECORDS = 64  # a run of Example 1 has some 250; one more fsync to so many keeps the journal as fast as it was


@dataclass(frozen=True, slots=True)
class Anchor:
    """A record that was durable: its number, from 1, its hash and its UTC."""

    sequence: int
    hash: str
    utc: str


def anchor_path(store: Path) -> Path:
    """Where a store's anchor is."""
    return store.with_name(store.name + ".anchor")


def read_anchor(path: Path) -> Anchor | None:
    """An anchor, or None where there is none. Raises StoreUnusable for a file that is no anchor."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        anchor = Anchor(int(data["sequence"]), str(data["hash"]), str(data["utc"]))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreUnusable(f"{path}: is no anchor of a store ({error})") from error
    return anchor


def write_anchor(path: Path, event: Event) -> None:
    """Replaces the anchor in one move, durably. Raises OSError; then the one before still stands."""
    draft = path.with_name(path.name + ".part")
    try:
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(Anchor(event.sequence, event.hash, event.utc)), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise


def anchor_faults(events: Sequence[Event], anchor: Anchor) -> list[str]:
    """What an anchor says against the records of a store, in words."""
    held = next((event for event in events if event.sequence == anchor.sequence), None)
    if held is None:
        last = events[-1].sequence if events else 0
        words = f"it ends with record {last}, but record {anchor.sequence} was written ({anchor.utc})"
        return [f"{words}: records were cut off, or it is an older copy"]
    if (held.hash, held.utc) != (anchor.hash, anchor.utc):
        words = f"record {anchor.sequence} is not the one that was written ({anchor.utc})"
        return [f"{words}: it is another journal, or the anchor was altered"]
    return []
