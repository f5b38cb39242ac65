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
    try:
        root = yaml.compose(path.read_text(encoding="utf-8"), Loader=_LOADER)
        if not isinstance(root, yaml.MappingNode):
            raise ProfileError(f"{path}:1:1: a profile is a mapping")
        if (alias := _alias(root, set())) is not None:
            raise ProfileError(f"{path}:{_position(alias)}: aliases are not for profiles: write it out")
        data = yaml.constructor.SafeConstructor().construct_document(root)
    except yaml.YAMLError as error:
        raise ProfileError(_syntax_error(path, error)) from error
    except RecursionError as error:
        raise ProfileError(f"{path}: too many brackets in each other") from error
    except (OSError, ValueError) as error:  # ValueError: no UTF-8, or a date like 2024-13-45
        raise ProfileError(f"{path}: {error}") from error
    return Document(path, root, _frozen(data), tuple(_slips(root, ())))


def _syntax_error(path: Path, error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    where = f"{path}:{mark.line + 1}:{mark.column + 1}" if mark is not None else str(path)
    return f"{where}: {getattr(error, 'problem', error)}"


def _alias(node: yaml.Node, seen: set[int]) -> yaml.Node | None:
    """The first node that is used twice; it might contain itself."""
    if id(node) in seen:
        return node
    seen.add(id(node))
    if isinstance(node, yaml.MappingNode):
        inner = [part for pair in node.value for part in pair]
    else:
        inner = node.value if isinstance(node, yaml.SequenceNode) else []
    return next((found for part in inner if (found := _alias(part, seen)) is not None), None)


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
