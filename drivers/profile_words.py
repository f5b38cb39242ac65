"""What is wrong with the shape of a profile, in the words of its author: pydantic finds it, here it is said."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

from drivers.profile_shape import ProfileShape
from drivers.profile_yaml import Place

_SWITCHES = "on, off, yes and no are truth values in YAML: put the word in quotes"
_PAIRS: Mapping[str, str] = {
    "range": "two numbers in brackets, the least and the greatest: [0, 500]",
    "write_range": "two numbers in brackets, the least and the greatest: [0, 500]",
    "between": 'two texts in brackets, the mark before and the mark behind: ["@", "*"]',
    "unreadable": "stretches in brackets, each with its first and last address: [[100, 119]]",
}
_TYPES: Mapping[str, str] = {
    **dict.fromkeys(("int", "short", "s16", "i16"), "int16"),
    **dict.fromkeys(("uint", "word", "ushort", "u16"), "uint16"),
    **dict.fromkeys(("dint", "long", "s32", "i32"), "int32"),
    **dict.fromkeys(("udint", "dword", "ulong", "u32"), "uint32"),
    **dict.fromkeys(("real", "float", "single", "f32"), "float32"),
    **dict.fromkeys(("lreal", "double", "f64"), "float64"),
    **dict.fromkeys(("string", "str", "char"), "text"),
}
"""What register lists call the types, after IEC 61131-3 and C, in small letters."""
_COMMA = re.compile(r"\s*([+-]?\d+),(\d+)\s*")
_POWER = re.compile(r"\s*([+-]?\d+)(\.\d*)?[eE]([+-]?)(\d+)\s*")
_SHOWN = 40
_ALIKE = 0.65  # a letter lost, doubled or swapped; less alike are other words
_LIMITS = {
    "greater_than_equal": ("ge", "at least"),
    "less_than_equal": ("le", "at most"),
    "greater_than": ("gt", "above"),
}


@dataclass(frozen=True, slots=True)
class _Wrong:
    """One finding of pydantic: where, what stands there, what kind of finding, and its numbers and words."""

    place: Place
    given: Any
    kind: str
    context: Mapping[str, Any]


def findings(errors: Iterable[ErrorDetails]) -> Iterator[tuple[Place, str]]:
    """Each mistake once, with its place: pydantic tells of every type that a value could have had."""
    seen: set[tuple[Place, str]] = set()
    for error in errors:
        found = _finding(error)
        if found not in seen:
            seen.add(found)
            yield found


def _finding(error: ErrorDetails) -> tuple[Place, str]:
    place = tuple(part for part in error["loc"] if part != "[key]")
    kind, given = error["type"], error["input"]
    if place[:1] == ("identity",) and len(place) > 2:  # a number or a text: two findings, told as one
        return place[:2], _SWITCHES if isinstance(given, bool) else _not("a whole number or a text", given)
    if kind == "missing":
        pair = _pair(place[:-1])
        return place[:-1], f"must be {pair}" if pair else f"{place[-1]} is missing"
    if kind == "extra_forbidden":
        return place, _unknown_key(place)
    if "[key]" in error["loc"] or kind == "invalid_key":
        return place if kind == "invalid_key" else place[:-1], _wrong_key(place, given)
    say = _SAYINGS.get(kind, _other)
    return place, say(_Wrong(place, given, kind, error.get("ctx", {})))


def _pair(place: Place) -> str | None:
    """What a key that takes two values wants; a place within the stretches of `unreadable` counts as theirs."""
    keys = [part for part in place if isinstance(part, str)]
    return _PAIRS.get(keys[-1]) if keys else None


def _named(given: Any) -> str:
    """A value as the author may recognise it."""
    if given is None:
        return "empty"
    if isinstance(given, bool):
        return "a truth value (on, off, yes, no, true, false)"
    if isinstance(given, Mapping):
        return "keys with values"
    if isinstance(given, tuple):
        return "a list"
    text = str(given)
    return f"'{text[:_SHOWN]}'" if isinstance(given, str) else text[:_SHOWN]


def _other(wrong: _Wrong) -> str:
    return f"cannot be {_named(wrong.given)}"


def _list(wrong: _Wrong) -> str:
    pair = _pair(wrong.place)
    return f"must be {pair or 'a list in brackets, or one line with - for each'}"


def _length(wrong: _Wrong) -> str:
    pair = _pair(wrong.place)
    return f"must be {pair}" if pair else "must not be empty"


def _mapping(wrong: _Wrong) -> str:
    shape = _shape_at((*wrong.place, ""))
    if wrong.place[:1] == ("timing",) and len(wrong.place) == 2:
        return "a time comes with its reason: {value: seconds, reason: why it is so long}"
    keys = [name for name, field in shape.model_fields.items() if field.is_required()] or [*shape.model_fields][:1]
    return _not(f"written as {{{', '.join(f'{key}: ...' for key in keys)}}}", wrong.given)


def _words(wrong: _Wrong) -> str:
    return _not("names with their values, as in {name: value}", wrong.given)


def _text(wrong: _Wrong) -> str:
    given = wrong.given
    if isinstance(given, bool):
        return _SWITCHES
    return "must be a text: put it in quotes" if isinstance(given, int | float) else _not("a text", given)


def _not(wanted: str, given: Any) -> str:
    return f"must be {wanted}, not {_named(given)}"


def _number(wanted: str) -> Callable[[_Wrong], str]:
    def told(wrong: _Wrong) -> str:
        given = wrong.given
        if isinstance(given, str) and (comma := _COMMA.fullmatch(given)):
            return f"must be {wanted}: a decimal comma? write {comma[1]}.{comma[2]}"
        if isinstance(given, str) and (power := _POWER.fullmatch(given)):
            written = f"{power[1]}{power[2] or '.0'}e{power[3] or '+'}{power[4]}"
            return f"must be {wanted}: YAML takes {_named(given)} for a text, write {written}"
        quotes = ", without quotes" if isinstance(given, str) and re.fullmatch(r"[+-]?[\d.]+", given) else ""
        return f"{_not(wanted, given)}{quotes}"

    return told


def _name(wrong: _Wrong) -> str:
    return _name_told(str(wrong.given))


def _name_told(given: str) -> str:
    fitting = re.sub(r"[^a-z0-9]+", "_", given.lower()).strip("_")
    hint = f": {fitting}?" if re.match(r"[a-z]", fitting) else ""
    return f"a name is small letters, digits and underscores, and begins with a letter{hint}"


def _choice(wrong: _Wrong) -> str:
    given, known = wrong.given, re.findall(r"'([^']*)'|(\d+)", wrong.context["expected"])
    words = [word or number for word, number in known]
    if given is None or isinstance(given, bool):
        return f"must be one of {', '.join(words)}" + (f"; {_SWITCHES}" if given is not None else "")
    spelt = str(given)[:_SHOWN].lower()
    near = [_TYPES[spelt]] if spelt in _TYPES and wrong.place[-1] == "type" else get_close_matches(spelt, words, 1)
    return f"{_named(given)} is none of {', '.join(words)}" + (f"; is {near[0]} meant?" if near else "")


def _limit(wrong: _Wrong) -> str:
    key, words = _LIMITS[wrong.kind]
    hint = ""
    if wrong.place[-1] == "address" and isinstance(wrong.given, int) and 100_000 < wrong.given < 500_000:
        hint = f"; counted as in {wrong.given // 100_000}xxxxx? then it is {wrong.given % 100_000 - 1}"
    return f"must be {words} {wrong.context[key]:g}{hint}"


def _short(wrong: _Wrong) -> str:
    least = wrong.context["min_length"]
    return "must not be empty" if least == 1 else f"must have at least {least} characters"


_SAYINGS: Mapping[str, Callable[[_Wrong], str]] = {
    "tuple_type": _list,
    "too_long": _length,
    "too_short": _length,
    "model_type": _mapping,
    "dict_type": _words,
    "string_type": _text,
    "string_pattern_mismatch": _name,
    "string_too_short": _short,
    "int_type": _number("a whole number"),
    "int_from_float": _number("a whole number"),
    "float_type": _number("a number"),
    "finite_number": lambda _: "must be a number that is neither infinite nor undefined",
    "bool_type": lambda wrong: _not("true or false", wrong.given),
    "literal_error": _choice,
    **dict.fromkeys(_LIMITS, _limit),
}


def _unknown_key(place: Place) -> str:
    known = list(_shape_at(place).model_fields)
    near = get_close_matches(str(place[-1])[:_SHOWN].lower(), known, 1, _ALIKE)
    return "is no key that is known here" + (f"; is {near[0]} meant?" if near else f"; known are {', '.join(known)}")


def _wrong_key(place: Place, given: Any) -> str:
    if isinstance(given, bool):
        return _SWITCHES
    if isinstance(given, str):
        return _name_told(given)
    if place[0] == "enums":
        return f"{_named(given)} stands where a word must stand: the word comes first, as in {{idle: 0}}"
    return f"{_named(given)} is no key: a decimal comma? write a point, as in 0.1"


def _shape_at(place: Place) -> type[BaseModel]:
    """The shape whose key is the last part of a place."""
    shape: type[BaseModel] = ProfileShape
    for part in place[:-1]:
        field = shape.model_fields.get(str(part))
        shape = (_shape_in(field.annotation) if field is not None else None) or shape
    return shape


def _shape_in(annotation: Any) -> type[BaseModel] | None:
    """The shape that a key's type is made of, as in `tuple[SignalShape, ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _shape_in(part)) is not None), None)
