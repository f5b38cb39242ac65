"""What is written in a recipe file: entries with their keys, values and comments, each with its place in the text."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field

import yaml

BREAKS = "\n\x85\u2028\u2029"
"""What ends a line for the YAML parser, once carriage returns are line feeds."""


@dataclass(slots=True)
class Comment:
    """A comment at the end of a line; column is where it began, None where that means nothing any more."""

    text: str
    column: int | None


@dataclass(slots=True)
class Scalar:
    """A text as it is written, with its quotes; value is what it means."""

    start: int
    end: int
    raw: str
    value: str
    is_block: bool = False  # literal (|) or folded (>)


@dataclass(slots=True)
class Collection:
    """A mapping or a list; tail holds the comment lines at its end, column is where a block's entries begin."""

    start: int
    end: int
    column: int
    is_mapping: bool
    is_flow: bool
    entries: list[Entry] = field(default_factory=list)
    tail: list[str] = field(default_factory=list)
    holds_comments: bool = False


@dataclass(slots=True)
class Entry:
    """One entry of a mapping, or one item of a list (then there is no key).

    lead holds the comment lines above it ("" is a blank line), trail the comments at the end of its first line: more
    than one where they go on in the lines below.
    """

    key: Scalar | None
    value: Scalar | Collection
    column: int
    lead: list[str] = field(default_factory=list)
    trail: list[Comment] = field(default_factory=list)

    @property
    def start(self) -> int:
        return self.value.start if self.key is None else self.key.start


@dataclass(slots=True)
class Tree:
    """A whole file: the comment lines at its beginning, and the collection at its top."""

    header: list[str]
    top: Collection


class Lines:
    """Where the lines of a text begin."""

    def __init__(self, text: str) -> None:
        self._starts = [0, *(match.end() for match in re.finditer(f"[{BREAKS}]", text))]

    def place(self, index: int) -> tuple[int, int]:
        """Line and column of a character, both from 0."""
        line = bisect_right(self._starts, index) - 1
        return line, index - self._starts[line]


def parsed(text: str) -> Collection:
    """The collection at the top of a text that the reader accepts, still without comments."""
    node = yaml.compose(text, Loader=yaml.CSafeLoader)
    made = _made(node, text) if node is not None else None
    if not isinstance(made, Collection):
        raise TypeError("the text is no mapping")
    return made


def _made(node: yaml.Node, text: str) -> Scalar | Collection:
    start, end = node.start_mark.index, node.end_mark.index
    if isinstance(node, yaml.ScalarNode):
        return _scalar(node, text, start, end)
    if not isinstance(node, yaml.CollectionNode):
        raise TypeError("a text, a list or a mapping is expected")
    made = Collection(start, end, node.start_mark.column, isinstance(node, yaml.MappingNode), bool(node.flow_style))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = _made(key, text)
            if not isinstance(name, Scalar):
                raise TypeError("a key is no text")
            made.entries.append(Entry(name, _made(value, text), key.start_mark.column))
    else:
        made.entries += [Entry(None, _made(item, text), made.column) for item in node.value]
    if not made.is_flow:  # a block has no end of its own: the parser tells where the next thing begins
        made.end = max((entry.value.end for entry in made.entries), default=end)
    return made


def _scalar(node: yaml.ScalarNode, text: str, start: int, end: int) -> Scalar:
    is_block = node.style in ("|", ">")
    raw = text[start:end]
    if is_block and "+" not in raw.split("\n", 1)[0].split("#", 1)[0]:  # "+" keeps the blank lines at the end
        raw = raw.rstrip()
    elif is_block:
        raw = raw.removesuffix("\n")
    return Scalar(start, start + len(raw), raw, str(node.value), is_block)
