"""What the schema says of keys that go together or exclude each other: by the part that has them.

"needs" and "only with" are written with if and then, because the shorter keywords are newer than what editors know.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from recipes.reader.steps import LAB_MEASURES, MOST_ZONES

Schema = dict[str, Any]

_NOTHING: Final[Schema] = {"type": "array", "maxItems": 0}
_SOMETHING: Final[Schema] = {"if": {"type": "array"}, "then": {"minItems": 1}}


def _has(*keys: str) -> Schema:
    return {"required": list(keys)}


def _is(key: str, *values: str) -> Schema:
    return {"properties": {key: {"enum": list(values)}}, "required": [key]}


def _lacks(*keys: str) -> Schema:
    return {"properties": dict.fromkeys(keys, False)}


def _when(condition: Schema, then: Schema, otherwise: Schema | None = None) -> Schema:
    return {"if": condition, "then": then} | ({} if otherwise is None else {"else": otherwise})


def _all(*schemas: Schema) -> Schema:
    return {"allOf": list(schemas)}


def _together(*keys: str) -> Schema:
    return _when({"anyOf": [_has(key) for key in keys]}, _has(*keys))


def _exactly_one(keys: Sequence[str]) -> Schema:
    return {"oneOf": [_has(key) for key in keys]}


def _as_many_as_zones(zones: int) -> Schema:
    """With so many zones there is a residence for each of them, and a window for each or one for all."""
    exactly: Schema = {"minItems": zones, "maxItems": zones}
    return _when(
        {"properties": {"zones": {"type": "array", **exactly}}, "required": ["zones"]},
        {"properties": {"zone_residence": exactly, "zone_residence_window": {"anyOf": [{"maxItems": 1}, exactly]}}},
    )


_ASKS_THE_LABORATORY: Final[Schema] = {
    "required": ["measures"],
    "properties": {
        "measures": {
            "anyOf": [
                {"enum": list(LAB_MEASURES)},
                {"type": "array", "contains": {"enum": list(LAB_MEASURES)}},
            ]
        }
    },
}
_MIXES: Final[Schema] = {"required": ["task"], "properties": {"task": _is("action", "mix")}}
_STACKS_LOTS_ONLY: Final[Schema] = {
    "required": ["task"],
    "properties": {
        "task": {**_is("action", "stack"), "not": {"required": ["adds"], "properties": {"adds": _SOMETHING}}}
    },
}
_KINDS = ("coat", "task", "press", "roll_press", "rest", "inspect")

CONDITIONS: Final[Mapping[str, Schema]] = {
    "recipe": _all(_when(_is("purpose", "comparative"), _has("reason"), _lacks("reason"))),
    "decision_rule": _all(_when(_is("acceptance", "guarded"), _has("confidence"), _lacks("confidence"))),
    "own_bound": {"minProperties": 1},
    "monomer": _exactly_one(["mass_parts", "mole_fraction"]),
    "structure": _all(_when(_is("r1", "alkyl"), _has("r1_carbons"), _lacks("r1_carbons"))),
    "ingredient": {"anyOf": [_has("material"), _has("polymer")]},
    "coat": _all(
        _together("thickness", "thickness_window"),
        _when(_has("zone_residence_window"), _has("zone_residence")),
        *(_as_many_as_zones(zones) for zones in range(1, MOST_ZONES + 1)),
    ),
    "rest": _all(_together("humidity", "humidity_window")),
    "task": _all(
        _when(_is("action", "mix"), _has("slurry"), _lacks("slurry")),
        _when(_is("action", "stack"), {}, {"properties": {"adds": _NOTHING}}),
        _when(
            _is("action", "peel"),
            {"required": ["removes"], "properties": {"removes": _SOMETHING}},
            {"properties": {"removes": _NOTHING}},
        ),
    ),
    "inspect": {
        "anyOf": [{"required": ["measures"], "properties": {"measures": _SOMETHING}}, _has("lab")],
        "allOf": [
            _when(
                _ASKS_THE_LABORATORY,
                {"required": ["layers"], "properties": {"layers": _SOMETHING}},
                {"properties": {"layers": _NOTHING}},
            )
        ],
    },
    "step": {
        **_exactly_one(_KINDS),
        "allOf": [
            _when(_has("role"), _has("press")),
            _when(_has("gate"), {"anyOf": [_has("coat"), _has("press"), _has("inspect")]}),
            _when(_has("unit"), {"anyOf": [_has("press"), _has("coat")]}),
            _when(_has("unit", "coat"), _is("unit", "coater")),
            *(
                _when(
                    {"required": ["unit", "press"], "properties": {"press": _is("method", method)}},
                    _is("unit", f"{method}_press"),
                )
                for method in ("uniaxial", "isostatic")
            ),
            _when(_has("inspect"), _lacks("consumes", "produces"), _has("produces")),
            _when(_MIXES, _lacks("consumes")),
            _when(
                {"anyOf": [_has("coat"), _has("press"), _has("roll_press"), _has("rest")]},
                {"properties": {"consumes": {"maxItems": 1}}},
            ),
            _when(_STACKS_LOTS_ONLY, {"properties": {"consumes": {"type": "array", "minItems": 2}}}),
            _when(
                {"anyOf": [_has("press"), _has("roll_press"), _has("rest"), {**_has("task"), "not": _MIXES}]},
                {"required": ["consumes"], "properties": {"consumes": _SOMETHING}},
            ),
        ],
    },
}
"""Part name -> what its schema says beside its keys."""
