"""Arranging a tree: the order of keys, the spelling of quantities, and what stays on one line."""

from __future__ import annotations

import re

from recipes.keys.kinds import (
    FactValue,
    Kind,
    Measure,
    Named,
    Part,
    Parts,
    Quantities,
    Quantity,
    Range,
    Ranges,
    TextOrPart,
)
from recipes.layout.quantities import measure_text, quantity_text, range_text
from recipes.layout.tree import BREAKS, Collection, Entry, Scalar, Tree

WIDTH = 120
"""A mapping or a list stays on one line as far as this; a longer one gets a line for each entry."""
INDENT = 2
_PLAIN = re.compile(r"[+-]?[\d.][^\[\]{},#:\"']*")


def arrange(tree: Tree, kind: Kind) -> None:
    """Arranges a whole file in place; kind is what stands at its top."""
    tree.top.is_flow = False
    _arrange(tree.top, kind, 0)


def _arrange(collection: Collection, kind: Kind | None, indent: int) -> None:
    _order(collection, kind)
    for entry in collection.entries:
        inner = _kind_of(entry, kind)
        if entry.key is not None and isinstance(kind, Part) and inner is not None:
            entry.key.raw = entry.key.value  # a known key needs no quotes
        if isinstance(entry.value, Scalar):
            entry.value.raw = _written(entry.value, inner)
            continue
        _arrange(entry.value, inner, indent + INDENT)
        entry.value.is_flow = _stays_on_one_line(entry, indent)
        if entry.key is None and not entry.value.is_flow and entry.value.entries:
            _lift(entry, entry.value.entries[0])


def _order(collection: Collection, kind: Kind | None) -> None:
    part = kind.part if isinstance(kind, TextOrPart) else kind
    if isinstance(part, Part) and collection.is_mapping:
        places = {name: number for number, name in enumerate(part.by_name)}
        collection.entries.sort(key=lambda entry: places.get(entry.key.value if entry.key else "", len(places)))


def _kind_of(entry: Entry, around: Kind | None) -> Kind | None:
    """What kind an entry's value is, from the kind of what it stands in; None where the table does not know it."""
    name = entry.key.value if entry.key is not None else ""
    match around:
        case Part():
            key = around.by_name.get(name)
            return None if key is None else key.kind
        case TextOrPart(part):
            return _kind_of(entry, part)
        case Parts(part):
            return part
        case Named(part, known):
            return known.get(name, part)
        case Quantities(dimension):
            return Quantity(dimension)
        case Ranges(dimension):
            return Range(dimension)
        case _:
            return None


def _written(scalar: Scalar, kind: Kind | None) -> str:
    """A quantity in its canonical layout; every other text as it is."""
    match kind:
        case Quantity(dimension):
            text = quantity_text(scalar.value, dimension)
        case Range(dimension) | Ranges(dimension):
            text = range_text(scalar.value, dimension)
        case Measure() | FactValue():
            text = measure_text(scalar.value)
        case _:
            return scalar.raw
    return text if _PLAIN.fullmatch(text) else scalar.raw


def _lift(item: Entry, first: Entry) -> None:
    """What stands above an item's first key stands above its dash, and so does a comment behind an opening bracket."""
    item.lead += [comment.text for comment in item.trail] + first.lead
    item.trail, first.lead = [], []


def _stays_on_one_line(entry: Entry, indent: int) -> bool:
    value = entry.value
    if not isinstance(value, Collection) or not value.is_flow or not _is_leaf(value):
        return False
    begin = indent + (1 if entry.key is None else len(entry.key.raw) + 1)
    return begin + 1 + len(one_line(value)) <= WIDTH


def _is_leaf(collection: Collection) -> bool:
    """Whether it holds texts only, or a mapping texts and lists of texts, and no comments."""
    if collection.holds_comments or collection.tail:
        return False
    for entry in collection.entries:
        value = entry.value
        if isinstance(value, Scalar):
            if re.search(f"[{BREAKS}]", value.raw):
                return False
        elif not collection.is_mapping or value.is_mapping or not value.is_flow:
            return False
    return True


def one_line(collection: Collection) -> str:
    """A collection in brackets."""
    items = []
    for entry in collection.entries:
        value = entry.value.raw if isinstance(entry.value, Scalar) else one_line(entry.value)
        items.append(value if entry.key is None else f"{entry.key.raw}: {value}")
    return ("{%s}" if collection.is_mapping else "[%s]") % ", ".join(items)
