"""The JSON Schema of a line file, for editors and checks before the service reads it.

It cannot say what concerns two tables or two days: a speed above 1 wants an [operator], a calibration is not due before
its date, a day stands without quotes. The reader says these.
"""

from __future__ import annotations

from typing import Any

from controller.config import MAX_SPEED, NAME, OPERATOR_URL, UNIT_KINDS
from controller.fitness_config import MOST
from controller.line_keys import table_schema
from controller.service_config import SERVICE_TABLES

SCHEMA_ID = "https://json-schema.org/draft/2020-12/schema"
_TEXT: dict[str, Any] = {"type": "string"}
_SAID: dict[str, Any] = {"type": "string", "pattern": r"\S"}
_DAY: dict[str, Any] = {"type": "string", "format": "date", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$(?!\\n)"}
_ABOVE_ZERO: dict[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": MOST}


def line_schema() -> dict[str, Any]:
    """The schema of a whole line file; a TOML day is a text of the format "date"."""
    tables = {name: table_schema(table) for name, table in SERVICE_TABLES.items()}
    speed = {"type": "number", "minimum": 1, "maximum": MAX_SPEED}
    return {
        "$schema": SCHEMA_ID,
        "title": "pressline line file",
        **_table(
            {
                "line": _table({"name": _TEXT, "speed": speed}),
                "operator": _table({"url": OPERATOR_URL.schema()}),
                "units": {
                    "type": "object",
                    "patternProperties": {f"^{NAME.pattern}$(?!\\n)": _unit()},
                    "additionalProperties": False,
                    "minProperties": 1,
                },
                "lots": _table({"max_out_h": _ABOVE_ZERO}),
                "foils": {"type": "object", "additionalProperties": _SAID},
                **tables,
            },
            "units",
        ),
    }


def _unit() -> dict[str, Any]:
    calibration = _table(
        {"date": _DAY, "due": _DAY, "certificate": _SAID, "who": _SAID}, "date", "due", "certificate", "who"
    )
    zero = _table({"tolerance": _ABOVE_ZERO, "max_age_h": {"type": "number", "minimum": 0, "maximum": MOST}})
    keys = {
        "kind": {"enum": list(UNIT_KINDS)},
        "profile": _TEXT,
        "url": _TEXT,
        "max_cycles": {"type": "integer", "minimum": 1},
        "calibration": calibration,
        "zero": zero,
    }
    return _table(keys, "kind", "profile", "url")


def _table(properties: dict[str, Any], *needed: str) -> dict[str, Any]:
    table: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**table, "required": list(needed)} if needed else table
