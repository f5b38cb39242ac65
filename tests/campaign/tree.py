"""A recipe's text as a tree that can be damaged anywhere, and back to text that says exactly what the tree says.

YAML's own writer would repair what a mutation breaks (it quotes, and refuses control characters), so this one writes
scalars as they are asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

SAFE = re.compile(r"[A-Za-z0-9µ°+.%/][A-Za-z0-9µ°+.%/ _-]*")
"""Scalars that stand in a file without quotes and mean themselves."""

LARGEST = 200_000
"""Bytes of a file that is damaged again as a tree; larger ones are damaged as text only."""
MOST_BRACKETS = 2_000
"""More may nest deeper than Python's stack."""


@dataclass(slots=True)
class Scalar:
    """A leaf. raw is written as it stands, whatever that does to the file."""

    text: str
    raw: bool = False


@dataclass(slots=True)
class Sequence:
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Table:
    """A mapping in the order of the file; keys may be there twice."""

    items: list[tuple[Scalar, Node]] = field(default_factory=list)

    def get(self, key: str) -> Node | None:
        """The first value under a key."""
        return next((value for name, value in self.items if name.text == key), None)

    def put(self, key: str, value: Node) -> None:
        """Replaces the first value under a key, or adds one at the end."""
        for number, (name, _) in enumerate(self.items):
            if name.text == key:
                self.items[number] = (name, value)
                return
        self.items.append((Scalar(key), value))


Node = Scalar | Sequence | Table


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the tree where a node hangs: the number-th child of a list or a mapping."""

    parent: Sequence | Table
    number: int

    @property
    def node(self) -> Node:
        item = self.parent.items[self.number]
        return item[1] if isinstance(item, tuple) else item

    def replace(self, node: Node) -> None:
        if isinstance(self.parent, Table):
            self.parent.items[self.number] = (self.parent.items[self.number][0], node)
        else:
            self.parent.items[self.number] = node

    def delete(self) -> None:
        del self.parent.items[self.number]


def slots(node: Node) -> Iterator[Slot]:
    """Every place below a node."""
    if isinstance(node, Scalar):
        return
    for number in range(len(node.items)):
        slot = Slot(node, number)
        yield slot
        yield from slots(slot.node)


def tables(node: Node) -> Iterator[Table]:
    """Every mapping at and below a node."""
    if isinstance(node, Table):
        yield node
    yield from (slot.node for slot in slots(node) if isinstance(slot.node, Table))


def copied(node: Node) -> Node:
    """A tree that shares nothing with the one given."""
    if isinstance(node, Scalar):
        return Scalar(node.text, node.raw)
    if isinstance(node, Sequence):
        return Sequence([copied(item) for item in node.items])
    return Table([(Scalar(key.text, key.raw), copied(value)) for key, value in node.items])


def parsed(data: bytes) -> Node | None:
    """The tree of a file that is still readable and of a sensible size; None otherwise."""
    if len(data) > LARGEST or data.count(b"[") + data.count(b"{") > MOST_BRACKETS:
        return None
    try:
        events = yaml.parse(data.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        if any(getattr(event, "anchor", None) is not None for event in events):  # aliases may grow without end
            return None
        node = yaml.compose(data.decode("utf-8-sig"), Loader=yaml.CSafeLoader)
        return None if node is None else _tree(node)
    except (yaml.YAMLError, UnicodeError, RecursionError):
        return None


def _tree(node: yaml.Node) -> Node:
    if isinstance(node, yaml.SequenceNode):
        return Sequence([_tree(item) for item in node.value])
    if isinstance(node, yaml.MappingNode):
        return Table([(Scalar(str(key.value)), _tree(value)) for key, value in node.value])
    return Scalar(str(node.value))


@cache
def _shipped(path: Path) -> tuple[bytes, Node]:
    data = path.read_bytes()
    tree = parsed(data)
    if tree is None:
        raise ValueError(f"{path} is no YAML")
    return data, tree


def shipped(path: Path) -> tuple[bytes, Node]:
    """A file of the library and a tree of it that may be damaged."""
    data, tree = _shipped(path)
    return data, copied(tree)


def written(node: Node) -> bytes:
    """The text of a tree in UTF-8; lone surrogates go in as they are, which is no UTF-8."""
    if not isinstance(node, Table) or not node.items:
        return (_flow(node) + "\n").encode("utf-8", "surrogatepass")
    return ("\n".join(_block(node, 0)) + "\n").encode("utf-8", "surrogatepass")


def _block(node: Table | Sequence, indent: int) -> Iterator[str]:
    blank = "  " * indent
    if isinstance(node, Sequence):
        for item in node.items:
            if isinstance(item, Table) and item.items:
                lines = _block(item, indent + 1)
                yield f"{blank}- {next(lines).lstrip(' ')}"
                yield from lines
            else:
                yield f"{blank}- {_flow(item)}"
        return
    for key, value in node.items:
        if isinstance(value, Scalar) or not value.items or indent >= 4:
            yield f"{blank}{_key(key)}: {_flow(value)}"
        else:
            yield f"{blank}{_key(key)}:"
            yield from _block(value, indent + 1)


def _flow(node: Node) -> str:
    """On one line; brackets are opened and closed in a loop, since a mutation may nest deeper than Python's stack."""
    parts: list[str] = []
    left: list[Node | str] = [node]
    while left:
        item = left.pop()
        if isinstance(item, str):
            parts.append(item)
        elif isinstance(item, Scalar):
            parts.append(_scalar(item))
        elif isinstance(item, Sequence):
            left.append("]")
            for child in reversed(item.items):
                left += [", ", child]
            parts.append("[")
        else:
            left.append("}")
            for key, child in reversed(item.items):
                left += [", ", child, f"{_key(key)}: "]
            parts.append("{")
    return "".join(parts)


def _key(key: Scalar) -> str:
    return _scalar(key)


def _scalar(scalar: Scalar) -> str:
    if scalar.raw or SAFE.fullmatch(scalar.text):
        return scalar.text
    return json.dumps(scalar.text, ensure_ascii=False)
