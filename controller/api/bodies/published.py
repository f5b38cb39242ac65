"""Schemas that are published elsewhere already, as parts of the OpenAPI document."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller import reports

REPORTS = Path(reports.__file__).parent


def published(name: str) -> dict[str, Any]:
    """A schema of controller/reports, with everything that it refers to written into it."""
    return whole(json.loads((REPORTS / name).read_text(encoding="utf-8")))


def whole(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The same schema without references: a part of a document has no definitions of its own.

    What refers to itself is left open inside itself.
    """
    known = schema.get("$defs", {})
    left_out = ("$schema", "$id", "$defs")

    def put_in(part: Any, within: tuple[str, ...]) -> Any:
        if isinstance(part, list):
            return [put_in(item, within) for item in part]
        if not isinstance(part, dict):
            return part
        if isinstance(reference := part.get("$ref"), str):
            name = reference.rpartition("/")[2]
            more = {key: item for key, item in part.items() if key != "$ref"}
            return {} if name in within else put_in(known[name], (*within, name)) | more
        return {key: put_in(item, within) for key, item in part.items()}

    found: dict[str, Any] = put_in({key: item for key, item in schema.items() if key not in left_out}, ())
    return found
