"""The machine-readable control recipe: one text for one content, whatever file it came from."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from enum import Enum
from hashlib import sha256
from typing import Any

from recipes.model import Location

LEFT_OUT = frozenset({"location", "locations", "predicted_s"})
"""Where something was written and how long it may take are no part of what is to be made."""

EMPTY_LEFT_OUT = frozenset({"gate", "within", "leaves_out", "sheets"})
"""What came later to the format and says nothing where it is empty: older plans keep their hash."""


def canonical_json(value: Any) -> str:
    """JSON with sorted keys, no blanks, floats by repr; files, places and predicted durations are left out."""
    return json.dumps(_plain(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """SHA-256 of a text in UTF-8, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = (field.name for field in dataclasses.fields(value) if field.name not in LEFT_OUT)
        values = {name: getattr(value, name) for name in names}
        return {name: _plain(item) for name, item in values.items() if item or name not in EMPTY_LEFT_OUT}
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Location):
        raise TypeError("a place in a file has no place in a control recipe")
    return value
