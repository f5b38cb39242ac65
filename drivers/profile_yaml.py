"""A profile's YAML as data in which every place has its line and column; what YAML itself would take wrong is told."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from drivers.errors import ProfileError

Place = tuple[int | str, ...]
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = "tag:yaml.org,2002:int"
_STRING = "tag:yaml.org,2002:str"
_TEXTS = frozenset({"tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_TAGS = frozenset(f"tag:yaml.org,2002:{tag}" for tag in ("str", "int", "float", "bool", "null", "map", "seq", "merge"))
_MEANT = {
    "mapping values are not allowed": "a colon cannot stand here: a text with ': ' in it needs quotes,"
    " and the keys of one level begin in one column",
    "undefined alias": "a text that begins with * needs quotes",
    "unknown escape character": "in double quotes a backslash begins a special character like \\n: use single quotes",
    "unexpected end of stream": "a quote is open until the end of the file",
    "another document": "a profile is one document: take the --- out",
    "unhashable key": "a key is one word",
}
"""What YAML's parser says, and how that comes about in a profile."""
_READ_OTHERWISE = re.compile(r"[+-]?0[0-9_]|.*[:_]")
"""YAML reads 010 as 8 and 1:30 as 90; nobody who types an address means that."""


@dataclass(frozen=True, slots=True)
class Document:
    """`data` has tuples for lists; `slips` is what is wrong with the YAML itself, though it could be read."""

    path: Path
    root: yaml.Node
    data: Any
    slips: tuple[tuple[Place, str], ...]

    def told(self, mistakes: Iterable[tuple[Place, str]]) -> list[str]:
        """One line for each mistake, with file:line:column."""
        return [f"{self.path}:{_mark(self.root, place)}: {_dotted(place)}: {text}" for place, text in mistakes]


def read_document(path: Path) -> Document:
    """The mapping in a file; raises ProfileError with file:line:column where there is none."""
    text = _text(path)
    try:
        root = yaml.compose(text, Loader=_LOADER)
        if not isinstance(root, yaml.MappingNode):
            raise ProfileError(f"{path}:1:1: a profile is a mapping")
        if (alias := _alias(root, set())) is not None:
            raise ProfileError(f"{path}:{_position(alias)}: aliases are not for profiles: write it out")
        if (tagged := _tagged(root)) is not None:
            raise ProfileError(f"{path}:{_position(tagged)}: a text that begins with ! needs quotes")
        data = yaml.constructor.SafeConstructor().construct_document(root)
    except yaml.YAMLError as error:
        raise ProfileError(_syntax_error(path, text, error)) from error
    except RecursionError as error:
        raise ProfileError(f"{path}: too many brackets in each other") from error
    except ValueError as error:  # 0x_ looks like a number
        raise ProfileError(f"{path}: has a number that cannot be read") from error
    return Document(path, root, _frozen(data), tuple(_slips(root, ())))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ProfileError(f"{path}: there is no such file") from error
    except UnicodeDecodeError as error:
        raise ProfileError(f"{path}: is not written in UTF-8; save it in this encoding") from error
    except (OSError, ValueError) as error:  # ValueError: a name that no file can have
        raise ProfileError(f"{path}: cannot be read: {getattr(error, 'strerror', None) or error}") from error


def _syntax_error(path: Path, text: str, error: yaml.YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None)
    if mark is None or problem is None:
        return f"{path}: {str(error).splitlines()[0]}"
    line = (*text.split("\n"), "")[mark.line]
    return f"{path}:{mark.line + 1}:{mark.column + 1}: {_said(problem, line[mark.column : mark.column + 1])}"


def _said(problem: str, at: str) -> str:
    """What YAML says, or rather what it means."""
    if "cannot start any token" in problem:
        return "a tab: indent with blanks" if at == "\t" else f"a text that begins with {at} needs quotes"
    return next((meant for said, meant in _MEANT.items() if said in problem), problem)


def _tagged(node: yaml.Node) -> yaml.Node | None:
    """The first node with a tag like !!set. What YAML takes for a date, or for its =, is a text here."""
    if isinstance(node, yaml.ScalarNode) and node.tag in _TEXTS:
        node.tag = _STRING
    if node.tag not in _TAGS:
        return node
    return next((found for inner in _inner(node) if (found := _tagged(inner)) is not None), None)


def _inner(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return list(node.value) if isinstance(node, yaml.SequenceNode) else []


def _alias(node: yaml.Node, seen: set[int]) -> yaml.Node | None:
    """The first node that is used twice; it might contain itself."""
    if id(node) in seen:
        return node
    seen.add(id(node))
    return next((found for part in _inner(node) if (found := _alias(part, seen)) is not None), None)


def _frozen(data: Any) -> Any:
    """Lists as tuples: a strict shape takes a list for no tuple."""
    if isinstance(data, dict):
        return {key: _frozen(value) for key, value in data.items()}
    return tuple(map(_frozen, data)) if isinstance(data, list) else data


def _slips(node: yaml.Node, place: Place) -> Iterator[tuple[Place, str]]:
    """Keys that stand twice, of which YAML takes the last; numbers that YAML reads as others."""
    if isinstance(node, yaml.ScalarNode) and node.tag == _INTEGER and _READ_OTHERWISE.match(node.value):
        yield place, f"{node.value} is read as another number: write it without leading 0, : and _"
    if isinstance(node, yaml.SequenceNode):
        for i, item in enumerate(node.value):
            yield from _slips(item, (*place, i))
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*place, name), f"{name} stands twice"
            seen.add(name)
            yield from _slips(value, (*place, name))


def _dotted(place: Place) -> str:
    return ".".join(str(part) for part in place) or "profile"


def _mark(node: yaml.Node, place: Place) -> str:
    """line:column of the deepest node on the way to `place`."""
    for part in place:
        inner: yaml.Node | None = None
        if isinstance(node, yaml.MappingNode):
            inner = next((value for key, value in reversed(node.value) if key.value == str(part)), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            inner = node.value[part]
        if inner is None:
            break
        node = inner
    return _position(node)


def _position(node: yaml.Node) -> str:
    return f"{node.start_mark.line + 1}:{node.start_mark.column + 1}"
