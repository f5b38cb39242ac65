"""The hash chain: what a record's hash is taken over, and every break of it in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from typing import Any

from controller.events import Event

GENESIS = "0" * 64


def canonical(data: Any) -> str:
    """JSON text that is the same for the same data: sorted keys, no spaces, no NaN."""
    return json.dumps(data, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def chain_hash(previous: str, sequence: int, run: str, kind: str, data: str, time_s: float, utc: str) -> str:
    """Hash of one record, over its predecessor's hash and everything it says."""
    text = canonical([previous, sequence, run, kind, data, repr(time_s), utc])
    return hashlib.sha256(text.encode()).hexdigest()


def own_hash(event: Event) -> str:
    """The hash that a record's content gives."""
    data = canonical(event.data)
    return chain_hash(event.previous_hash, event.sequence, event.run, event.kind, data, event.time_s, event.utc)


def verify(events: Iterable[Event], first: int = 1, previous: str | None = GENESIS) -> list[str]:
    """Every break of the chain, in words; an empty list means that the chain holds.

    A part of a chain begins with record `first`, whose predecessor has the hash `previous` (None: whatever it is).
    """
    faults = []
    expected = first
    for event in events:
        if event.sequence != expected:
            faults.append(_gap(expected, event.sequence))
        if previous is not None and event.previous_hash != previous:
            faults.append(f"record {event.sequence} does not follow its predecessor")
        if own_hash(event) != event.hash:
            faults.append(f"record {event.sequence} ({event.kind}) was changed")
        previous, expected = event.hash, event.sequence + 1
    return faults


def _gap(expected: int, found: int) -> str:
    if found > expected + 1:
        return f"records {expected} to {found - 1} are missing, record {found} stands in their place"
    return f"record {expected} is missing, record {found} stands in its place"
