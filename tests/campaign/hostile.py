"""Values that nobody should write into a recipe and somebody will, and small changes to values that are there."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Mapping
from math import nextafter
from pathlib import Path

NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")
RANGE = re.compile(rf"(?P<lower>{NUMBER.pattern})\s*\.\.\s*(?P<upper>{NUMBER.pattern})(?P<rest>.*)")

VALUES: Mapping[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
UNITS = tuple(VALUES["units"])
NUMBERS = (
    *VALUES["numbers"],
    *("9" * 5000, "0." + "0" * 5000 + "1"),
)
TEXTS = (
    *VALUES["texts"],
    *("x" * 1000, "x" * 100_000, "a " * 500),
)
RAW = (
    *VALUES["raw"],
    *("[" * 900, "{a: " * 900, "[" * 100_000, "- " * 500 + "x", "? " * 300),
)
NEW_KEYS = tuple(VALUES["new_keys"])
"""Keys of a recipe's top, good and bad, that the library's recipes need not have."""
STEPS = tuple(VALUES["new_steps"])
"""Steps that the library's recipes need not have."""


def changed_number(text: str, chance: random.Random) -> str:
    """The text with one of its numbers a little or a lot different, still a number."""
    found = list(NUMBER.finditer(text))
    if not found:
        return text
    match = chance.choice(found)
    try:
        value = float(match[0])
    except ValueError:
        return text
    new = chance.choice(
        (
            lambda: value * 10.0 ** chance.randint(-12, 12),
            lambda: value * chance.uniform(0.5, 2.0),
            lambda: value * (1.0 + chance.choice((-1.0, 1.0)) * 10.0 ** chance.randint(-12, -1)),
            lambda: nextafter(value, chance.choice((-1e300, 1e300))),
            lambda: value + chance.choice((-1.0, 1.0)),
            lambda: -value,
            lambda: 0.0,
            lambda: float(round(value)),
        )
    )()
    return f"{text[: match.start()]}{new!r}{text[match.end() :]}"


def other_unit(text: str, chance: random.Random) -> str:
    """The number with another unit behind it, or with none."""
    match = NUMBER.match(text)
    return f"{match[0]} {chance.choice(UNITS)}".strip() if match else chance.choice(UNITS)


def other_number(text: str, chance: random.Random) -> str:
    """A number that is none, or none that fits, with the unit that is there."""
    number = chance.choice(NUMBERS)
    match = NUMBER.match(text)
    return f"{number}{text[match.end() :]}" if match else number


def upside_down(text: str, chance: random.Random) -> str:
    """A range turned round, shrunk to one of its ends, made of nothing, or made where there was one value."""
    match = RANGE.fullmatch(text)
    if match is None:
        number = NUMBER.match(text)
        return f"{number[0]}..{number[0]}{text[number.end() :]}" if number else f"{text}..{text}"
    lower, upper, rest = match["lower"], match["upper"], match["rest"]
    ends = [(upper, lower), (lower, lower), (upper, upper), (lower, ""), ("", upper), (f"{lower}..{lower}", upper)]
    first, last = chance.choice(ends)
    return f"{first}..{last}{rest}"
