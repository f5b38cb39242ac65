"""Putting each comment of a file to the entry that it stands at.

A comment at the end of a line belongs to the entry in front of it, and so do lines below it that begin at the same
column. A comment on lines of its own belongs to the entry below it; indented deeper than that, it belongs to the end of
what is above it.
"""

from __future__ import annotations

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from recipes.layout.tree import BREAKS, Collection, Comment, Entry, Lines, Scalar, Tree

_NOTES = re.compile(rf"#[^{BREAKS}]*|(?<=[{BREAKS}])[ \t]*(?=[{BREAKS}])")


@dataclass(frozen=True, slots=True)
class _Note:
    """A comment as it was found, or a blank line (then text is empty); is_alone: nothing stands in front of it."""

    index: int
    line: int
    column: int
    text: str
    is_alone: bool


@dataclass(frozen=True, slots=True)
class _Gap:
    """Where lines of comments stand: above which entry, in which flow collection, and between a key and its value."""

    following: int
    flow: int | None
    before_value: bool


def with_comments(text: str, top: Collection) -> Tree:
    """The tree of a text, with its comments where they belong."""
    placing = _Placing(text, top)
    placing.place(_notes(text, top, placing.lines))
    return Tree(placing.header, top)


def comments_of(text: str, top: Collection) -> list[str]:
    """Every comment of a text, in its order."""
    return [note.text for note in _notes(text, top, Lines(text)) if note.text]


def _notes(text: str, top: Collection, lines: Lines) -> list[_Note]:
    """Comments and blank lines: whatever of them is not inside a key or a value."""
    found: list[_Note] = []
    start = 0
    for scalar in (*_scalars(top), None):
        end = len(text) if scalar is None else scalar.start
        for match in _NOTES.finditer(text, start, end):
            line, column = lines.place(match.start())
            is_alone = not text[match.start() - column : match.start()].strip()
            found.append(_Note(match.start(), line, column, match.group().rstrip(), is_alone))
        start = end if scalar is None else scalar.end
    return found


def _scalars(collection: Collection) -> Iterator[Scalar]:
    for entry in collection.entries:
        if entry.key is not None:
            yield entry.key
        if isinstance(entry.value, Scalar):
            yield entry.value
        else:
            yield from _scalars(entry.value)


class _Placing:
    """Puts the notes of one text to the entries of its tree, which it changes."""

    def __init__(self, text: str, top: Collection) -> None:
        self.lines = Lines(text)
        self.header: list[str] = []
        self._entries: list[Entry] = []
        self._around: list[tuple[Collection, ...]] = []  # the collections that each entry is in, from the top
        self._ends: list[tuple[int, int]] = []  # where something ends that a comment can stand behind, and whose it is
        self._top = top
        self._list(top, ())
        self._ends.sort()
        self._starts = [entry.start for entry in self._entries]

    def _list(self, collection: Collection, around: tuple[Collection, ...]) -> None:
        around = (*around, collection)
        for entry in collection.entries:
            number = len(self._entries)
            self._entries.append(entry)
            self._around.append(around)
            if entry.key is not None:
                self._ends.append((entry.key.end, number))
            if isinstance(entry.value, Scalar) or entry.value.is_flow:
                self._ends.append((entry.value.end, number))
            if isinstance(entry.value, Collection):
                self._list(entry.value, around)

    def place(self, notes: Sequence[_Note]) -> None:
        """Places all notes, which are in the order of the text."""
        lines: list[_Note] = []
        last: tuple[Entry, _Note] | None = None  # the comment behind an entry that the next line may continue
        for note in notes:
            owner = None if note.is_alone else self._in_front(note)
            if last is not None and _continues(note, last[1]):
                last[0].trail.append(Comment(note.text, last[0].trail[-1].column))
                last = (last[0], note)
            elif owner is None:
                lines.append(note)
                last = None
            else:
                self._above(lines)
                lines = []
                self._behind(owner, note)
                last = (self._entries[owner], note)
        self._above(lines)

    def _above(self, lines: Sequence[_Note]) -> None:
        for gap, members in groupby(lines, self._gap):
            self._between(gap, list(members))

    def _in_front(self, note: _Note) -> int | None:
        """The entry that ends in front of a comment on its line; None if only a dash or a bracket stands there."""
        position = bisect_right(self._ends, (note.index, len(self._entries))) - 1
        if position < 0:
            return None
        end, owner = self._ends[position]
        return owner if self.lines.place(end - 1)[0] == note.line else None

    def _behind(self, number: int, note: _Note) -> None:
        entry = self._entries[number]
        inside = [flow for flow in self._around[number] if flow.is_flow]
        value = entry.value
        if isinstance(value, Collection) and value.is_flow and note.index < value.end:
            inside.append(value)
        for flow in inside:
            flow.holds_comments = True
        entry.lead += [comment.text for comment in entry.trail]
        entry.trail = [Comment(note.text, None if inside else note.column)]

    def _gap(self, note: _Note) -> _Gap:
        following = bisect_left(self._starts, note.index)
        if following == 0:
            return _Gap(0, None, before_value=False)
        value = self._entries[following - 1].value
        begun = value.start < note.index or (isinstance(value, Collection) and not value.is_flow)
        flows = [flow for flow in self._flows_at(following - 1) if flow.start < note.index < flow.end]
        return _Gap(following, id(flows[-1]) if flows else None, before_value=not begun)

    def _flows_at(self, number: int) -> list[Collection]:
        value = self._entries[number].value
        own = (value,) if isinstance(value, Collection) else ()
        return [collection for collection in (*self._around[number], *own) if collection.is_flow]

    def _between(self, gap: _Gap, notes: Sequence[_Note]) -> None:
        """Places the comment lines of one gap; they never change their order, so a deeper one does not go back."""
        column = math.inf
        blank = False
        for note in notes:
            if not note.text:
                blank = True
                continue
            column = min(column, note.column)
            target = self._target(gap, note, column)
            target += ["", note.text] if blank else [note.text]
            blank = False
        if blank and gap.flow is None and not gap.before_value and 0 < gap.following < len(self._entries):
            self._entries[gap.following].lead.append("")
        elif blank and gap.following == 0:
            self.header.append("")

    def _target(self, gap: _Gap, note: _Note, column: float) -> list[str]:
        if gap.following == 0:
            return self.header
        above = gap.following - 1
        if gap.before_value:
            return self._entries[above].lead
        below = self._entries[gap.following] if gap.following < len(self._entries) else None
        inside = [flow for flow in self._flows_at(above) if flow.start < note.index < flow.end]
        for flow in inside:
            flow.holds_comments = True
        if inside:
            return below.lead if below is not None and below.start < inside[-1].end else inside[-1].tail
        still_open = {id(collection) for collection in self._around[gap.following]} if below is not None else set()
        ended = [one for one in self._around[above] if id(one) not in still_open and not one.is_flow]
        deeper = [one for one in ended if one.column <= column and (below is None or column > below.column)]
        if deeper:
            return deeper[-1].tail
        return below.lead if below is not None else self._top.tail


def _continues(note: _Note, behind: _Note) -> bool:
    return bool(note.text) and note.is_alone and (note.line, note.column) == (behind.line + 1, behind.column)
