"""The kinds of value that a key of a recipe file can have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from recipes.units import Dimension


@dataclass(frozen=True, slots=True)
class Text:
    """A text that is not empty; pattern is what all of it must match."""

    pattern: str | None = None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the names."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts, none of them twice, or one text; names are the possible ones where they are known."""

    names: tuple[str, ...] | None = None
    may_be_empty: bool = False


@dataclass(frozen=True, slots=True)
class Number:
    """A number above 0 without a unit, at most `most`."""

    most: float | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A whole number from 1."""


@dataclass(frozen=True, slots=True)
class Flag:
    """Yes or no."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """A number and a unit of the dimension; above 0 unless zero_or_less says that these are possible too."""

    dimension: Dimension
    zero_or_less: bool = False


@dataclass(frozen=True, slots=True)
class Quantities:
    """A list of one to `most` quantities."""

    dimension: Dimension
    most: int


@dataclass(frozen=True, slots=True)
class Range:
    """Two numbers and a unit of the dimension: 85..95 MPa."""

    dimension: Dimension


@dataclass(frozen=True, slots=True)
class Ranges:
    """One range for all of up to `most` values, or a list with one for each."""

    dimension: Dimension
    most: int


@dataclass(frozen=True, slots=True)
class Measure:
    """A number with a unit of any kind, as a rule pack has it, or without one."""


@dataclass(frozen=True, slots=True)
class FactValue:
    """A measure, or a list of texts."""


@dataclass(frozen=True, slots=True)
class Part:
    """A mapping of known keys; name is its own among all parts."""

    name: str
    keys: tuple[Key, ...]

    @property
    def by_name(self) -> Mapping[str, Key]:
        return {key.name: key for key in self.keys}


@dataclass(frozen=True, slots=True)
class Parts:
    """A list of parts, at least one."""

    part: Part


@dataclass(frozen=True, slots=True)
class Named:
    """A mapping from names of the recipe's own to parts; `known` are the names whose part is another one."""

    part: Part
    known: Mapping[str, Part] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextOrPart:
    """The name of a part that stands elsewhere, or the part in place."""

    part: Part


Kind: TypeAlias = (
    Text
    | Choice
    | Texts
    | Number
    | Count
    | Flag
    | Quantity
    | Quantities
    | Range
    | Ranges
    | Measure
    | FactValue
    | Part
    | Parts
    | Named
    | TextOrPart
)


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a part: its value and what it means, in a sentence. needed says that it is never left out."""

    name: str
    kind: Kind
    words: str
    needed: bool = True


def optional(name: str, kind: Kind, words: str) -> Key:
    """A key that may be left out, at least in some cases."""
    return Key(name, kind, words, needed=False)
