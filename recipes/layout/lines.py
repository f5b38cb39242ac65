"""The lines that show an arranged tree."""

from __future__ import annotations

from collections.abc import Sequence

from recipes.layout.arrange import INDENT, one_line
from recipes.layout.tree import Collection, Entry, Scalar, Tree

_APART = 2
"""Blanks between a value and the comment behind it, at least; a comment that has more room keeps its column."""


def lines_of(tree: Tree) -> list[str]:
    """The lines of a file."""
    return _single_blanks([*tree.header, *_block(tree.top, 0)])


def _single_blanks(lines: Sequence[str]) -> list[str]:
    """Without blank lines at both ends, and never two of them together."""
    kept: list[str] = []
    for line in lines:
        if line or (kept and kept[-1]):
            kept.append(line)
    while kept and not kept[-1]:
        kept.pop()
    return kept


def _block(collection: Collection, indent: int) -> list[str]:
    lines: list[str] = []
    for number, entry in enumerate(collection.entries):
        lead = entry.lead
        while number == 0 and indent > 0 and lead and not lead[0]:
            lead = lead[1:]  # no blank line between a key and what it holds
        lines += _comments(indent, lead)
        lines += _entry(entry, indent)
    return lines + _comments(indent, collection.tail)


def _comments(indent: int, comments: Sequence[str]) -> list[str]:
    return [" " * indent + comment if comment else "" for comment in comments]


def _entry(entry: Entry, indent: int) -> list[str]:
    """An entry with everything in it, but not the lines above it."""
    begin = " " * indent + ("-" if entry.key is None else f"{entry.key.raw}:")
    value = entry.value
    if isinstance(value, Scalar):
        first, *more = _scalar(value, indent, indent - entry.column)
        return _commented([f"{begin} {first}", *more], entry, indent)
    if value.is_flow:
        return _commented([f"{begin} {one_line(value)}"], entry, indent)
    inside = _block(value, indent + INDENT)
    if entry.key is None:
        return [f"{begin} {inside[0].lstrip()}", *inside[1:]]
    return [*_commented([begin], entry, indent), *inside]


def _scalar(scalar: Scalar, indent: int, shift: int) -> list[str]:
    """The lines of a text; the first one goes behind its key."""
    first, *more = scalar.raw.split("\n")
    if not more:
        return [first]
    if not scalar.is_block:
        return [first.rstrip(), *(" " * (indent + INDENT) + line.strip() if line.strip() else "" for line in more)]
    head = first.split("#", 1)[0]
    if not any(character.isdigit() for character in head):  # otherwise the text's indent is given from its key's
        texts = [line for line in more if line.strip()]
        shift = indent + INDENT - min((len(line) - len(line.lstrip(" ")) for line in texts), default=0)
    return [first.rstrip(), *(_shifted(line, shift) for line in more)]


def _shifted(line: str, shift: int) -> str:
    if shift >= 0:
        return " " * shift + line if line else ""
    blanks = len(line) - len(line.lstrip(" "))
    return line[min(-shift, blanks) :]


def _commented(lines: list[str], entry: Entry, indent: int) -> list[str]:
    """Lines with the comments behind them."""
    if not entry.trail:
        return lines
    *above, last = lines
    column = len(last) + _APART
    if (at := entry.trail[0].column) is not None:
        column = max(column, at + indent - entry.column)
    first, *more = entry.trail
    behind = [" " * column + comment.text for comment in more]
    return [*above, f"{last:<{column}}{first.text}", *behind]
