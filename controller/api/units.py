"""What a name's ending says of its unit, written out in the documents: names carry their units everywhere."""

from __future__ import annotations

from typing import Any

ENDINGS = {
    "_utc": "UTC, ISO 8601",
    "_us": "UTC, microseconds since 1970",
    "_s": "seconds",
    "_pct": "per cent",
    "_mpa": "MPa",
    "_kn": "kN",
    "_n": "N",
    "_c": "degC",
    "_k": "K",
    "_um": "micrometres",
    "_mm2": "mm2",
    "_mm": "mm",
    "_m": "m",
    "_m_min": "m/min",
    "_mg_cm2": "mg/cm2",
    "_g_cm3": "g/cm3",
    "_gpa": "GPa",
    "_hz": "Hz",
}


def unit_of(name: str) -> str | None:
    """The unit that a name ends in, None where it says none."""
    endings = [ending for ending in ENDINGS if name.endswith(ending)]
    return ENDINGS[max(endings, key=len)] if endings else None


def tell_units(schema: Any) -> None:
    """Adds the unit to the description of every property of a schema, and of those inside it, whose name has one."""
    if isinstance(schema, list):
        for item in schema:
            tell_units(item)
    elif isinstance(schema, dict):
        properties = schema.get("properties")
        for name, item in (properties if isinstance(properties, dict) else {}).items():
            unit = unit_of(name)
            if unit is not None and isinstance(item, dict) and not item.keys() & {"const", "description", "$ref"}:
                item["description"] = unit
        for item in schema.values():
            tell_units(item)
