"""The JSON Schema of recipe files (draft 2020-12), for editors: completion, hover and a first check while typing.

It is made from the table of keys and is never stricter than the reader, which alone knows what names refer to and how
values fit each other. Editors read YAML 1.2: a text may arrive as a number or a boolean. The keywords are those that
draft 7 has too, because that is what most editors know.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from recipes.keys.kinds import (
    Choice,
    Count,
    FactValue,
    Flag,
    Key,
    Kind,
    Measure,
    Named,
    Number,
    Part,
    Parts,
    Quantities,
    Quantity,
    Range,
    Ranges,
    Text,
    TextOrPart,
    Texts,
)
from recipes.keys.recipe import RECIPE
from recipes.schema_conditions import CONDITIONS
from recipes.units import Dimension

Schema = dict[str, Any]

PUBLISHED = Path(__file__).with_name("recipe.schema.json")
"""The schema as it is shipped; a test keeps it equal to what is made here."""
_DIGITS = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?"
_NUMBER = rf"[+-]?{_DIGITS}"
_ABOVE_ZERO = rf"\+?(?=[\d.]*[1-9]){_DIGITS}"
_BARE_ABOVE_ZERO = r"\+?(?=[\d.]*[1-9])(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_ANY_UNIT = r"[^\s\d.+-].*"
_SCALAR = ["string", "number", "boolean"]
_WRITTEN = r"\S"


def recipe_schema() -> Schema:
    """The schema as plain data, in the order of the documentation."""
    definitions: dict[str, Schema] = {}
    top = _part(RECIPE, definitions)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:pressline:recipe:1",
        "title": "A recipe of pressline",
        "description": "What is made, from which materials and in which steps, and which rules it is judged by.",
        **top,
        "$defs": dict(sorted(definitions.items())),
    }


def schema_text() -> str:
    """The schema as it is printed and published."""
    return json.dumps(recipe_schema(), indent=2, ensure_ascii=False) + "\n"


def _part(part: Part, definitions: dict[str, Schema]) -> Schema:
    schema: Schema = {"type": "object"}
    if needed := [key.name for key in part.keys if key.needed]:
        schema["required"] = needed
    schema["properties"] = {key.name: _key(key, definitions) for key in part.keys}
    schema["additionalProperties"] = False
    return schema | CONDITIONS.get(part.name, {})


def _key(key: Key, definitions: dict[str, Schema]) -> Schema:
    return {"description": key.words, **_kind(key.kind, definitions)}


def _reference(part: Part, definitions: dict[str, Schema]) -> Schema:
    return _defined(part.name, _part(part, definitions), definitions)


def _defined(name: str, schema: Schema, definitions: dict[str, Schema]) -> Schema:
    definitions[name] = schema
    return {"$ref": f"#/$defs/{name}"}


def _kind(kind: Kind, definitions: dict[str, Schema]) -> Schema:
    match kind:
        case Part():
            return _reference(kind, definitions)
        case Parts(part):
            return {"type": "array", "minItems": 1, "items": _reference(part, definitions)}
        case Named(part, known):
            return {
                "type": "object",
                "properties": {name: _reference(other, definitions) for name, other in known.items()},
                "propertyNames": {"pattern": _WRITTEN},
                "additionalProperties": _reference(part, definitions),
            }
        case TextOrPart(part):
            return {"anyOf": [_text(None), _reference(part, definitions)]}
        case Quantity(dimension, zero_or_less):
            name = dimension.name.lower() if zero_or_less else f"{dimension.name.lower()}_above_zero"
            return _defined(name, _quantity(dimension, _NUMBER if zero_or_less else _ABOVE_ZERO), definitions)
        case Quantities(dimension, most):
            one = _defined(dimension.name.lower(), _quantity(dimension, _NUMBER), definitions)
            return {"type": "array", "minItems": 1, "maxItems": most, "items": one}
        case Range(dimension):
            return _range(dimension, definitions)
        case Ranges(dimension, most):
            one = _range(dimension, definitions)
            return {"anyOf": [one, {"type": "array", "minItems": 1, "maxItems": most, "items": one}]}
        case _:
            return _value(kind)


def _value(kind: Kind) -> Schema:
    match kind:
        case Text(pattern):
            return _text(pattern)
        case Choice(names):
            return {"enum": list(names)}
        case Texts(names, may_be_empty):
            return _texts({"enum": list(names)} if names is not None else _text(None), may_be_empty=may_be_empty)
        case Number(most):
            limit = {} if most is None else {"maximum": most}
            return _number(_BARE_ABOVE_ZERO) | {"exclusiveMinimum": 0} | limit
        case Count():
            return {"type": ["integer", "string"], "minimum": 1, "pattern": rf"^\s*{_BARE_ABOVE_ZERO}\s*$"}
        case Flag():
            return {"enum": ["yes", "no", "true", "false", True, False]}
        case Measure():
            return _measure()
        case FactValue():
            return {"anyOf": [_measure(), _texts(_text(None), may_be_empty=False, single=False)]}
        case _:
            raise TypeError(f"{kind} has no schema")


def _text(pattern: str | None) -> Schema:
    return {"type": _SCALAR, "pattern": _WRITTEN if pattern is None else f"^{pattern}$"}


def _texts(one: Schema, *, may_be_empty: bool, single: bool = True) -> Schema:
    several: Schema = {"type": "array", "uniqueItems": True, "items": one}
    if not may_be_empty:
        several["minItems"] = 1
    return {"anyOf": [one, several]} if single else several


def _number(pattern: str) -> Schema:
    """A number, or the text of one: in quotes it is a text to an editor and a number to the reader."""
    return {"type": ["number", "string"], "pattern": rf"^\s*{pattern}\s*$"}


def _measure() -> Schema:
    return _number(rf"{_NUMBER}\s*(?:{_ANY_UNIT})?")


def _quantity(dimension: Dimension, number: str) -> Schema:
    return {
        "type": "string",
        "pattern": rf"^\s*{number}\s*(?:{_units(dimension)})\s*$",
        "patternErrorMessage": f"expected {dimension.expected}; units: {', '.join(dimension.value.units)}",
        "examples": [dimension.value.example],
    }


def _range(dimension: Dimension, definitions: dict[str, Schema]) -> Schema:
    schema = {
        "type": "string",
        "pattern": rf"^\s*{_NUMBER}\s*\.\.\s*{_NUMBER}\s*(?:{_units(dimension)})\s*$",
        "patternErrorMessage": f"expected {dimension.expected_range}; units: {', '.join(dimension.value.units)}",
        "examples": [dimension.expected_range.removeprefix("a range such as ")],
    }
    return _defined(f"{dimension.name.lower()}_range", schema, definitions)


def _units(dimension: Dimension) -> str:
    return "|".join(re.escape(unit).replace("\\%", "%").replace("\\/", "/") for unit in dimension.value.units)
