"""What the value of a line file's key may be: for the reader, for the JSON Schema and in words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

PORT = "(?:[1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"
"""The pattern of a port, 1 to 65535."""


class Kind(Protocol):
    """What the value of a key may be."""

    @property
    def expected(self) -> str:
        """In words, after "expected"."""

    def accepts(self, value: Any) -> bool:
        """Whether the value in the file is one."""

    def settled(self, value: Any, base: Path) -> Any:
        """What the program works with; `base` is the folder of the line file."""

    def schema(self) -> dict[str, Any]:
        """The same as a JSON Schema."""


@dataclass(frozen=True, slots=True)
class Plain:
    """A value that is used as it stands."""

    def settled(self, value: Any, base: Path) -> Any:  # noqa: ARG002  other kinds need the folder
        return value


@dataclass(frozen=True, slots=True)
class Text(Plain):
    """A text that matches a pattern as a whole; the pattern is one for Python and for ECMA 262."""

    pattern: str
    expected: str

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(self.pattern, value) is not None

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^(?:{self.pattern})$(?!\\n)"}


@dataclass(frozen=True, slots=True)
class Whole(Plain):
    """A whole number with its limits."""

    low: int
    high: int
    unit: str = ""

    @property
    def expected(self) -> str:
        return f"a whole number{self.unit and f' of {self.unit}'} from {self.low} to {self.high}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, int) and not isinstance(value, bool) and self.low <= value <= self.high

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Number(Plain):
    """A number with its limits."""

    low: float
    high: float
    unit: str = ""

    @property
    def expected(self) -> str:
        return f"a number{self.unit and f' of {self.unit}'} from {self.low:g} to {self.high:g}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool) and self.low <= value <= self.high

    def schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True, slots=True)
class Flag(Plain):
    """Yes or no."""

    expected: str = "true or false"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, bool)

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True, slots=True)
class OneOf(Plain):
    """One of some names."""

    names: tuple[str, ...]

    @property
    def expected(self) -> str:
        return "one of " + ", ".join(self.names)

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and value in self.names

    def schema(self) -> dict[str, Any]:
        return {"enum": list(self.names)}


@dataclass(frozen=True, slots=True)
class FileName:
    """A file, from the folder of the line file."""

    expected: str = "the name of a file"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, str) and re.fullmatch(r"[^\x00-\x1f]{1,4000}", value) is not None

    def settled(self, value: Any, base: Path) -> Path:
        return base / str(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[^\\x00-\\x1f]{1,4000}$(?!\\n)"}


@dataclass(frozen=True, slots=True)
class Texts:
    """A list of texts of one kind, none of them twice."""

    item: Text

    @property
    def expected(self) -> str:
        return f"a list, each {self.item.expected}, none twice"

    def accepts(self, value: Any) -> bool:
        return (
            isinstance(value, list) and all(map(self.item.accepts, value)) and len(set(map(str, value))) == len(value)
        )

    def settled(self, value: Any, base: Path) -> tuple[str, ...]:  # noqa: ARG002
        return tuple(value)

    def schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.schema(), "uniqueItems": True}


@dataclass(frozen=True, slots=True)
class Named:
    """A table whose keys are names of the user's; kept as pairs."""

    name: Text
    item: Number | OneOf

    @property
    def expected(self) -> str:
        return f"a table; each key {self.name.expected}, each value {self.item.expected}"

    def accepts(self, value: Any) -> bool:
        return isinstance(value, dict) and all(self.name.accepts(k) and self.item.accepts(v) for k, v in value.items())

    def settled(self, value: Any, base: Path) -> tuple[tuple[str, Any], ...]:  # noqa: ARG002
        return tuple(dict(value).items())

    def schema(self) -> dict[str, Any]:
        named = self.name.schema()["pattern"]
        return {"type": "object", "patternProperties": {named: self.item.schema()}, "additionalProperties": False}
