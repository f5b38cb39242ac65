"""Where a recipe file writes a quantity: from "densify.pressure" to characters of the file's text.

What is varied is the text itself. So a varied recipe is read and judged by the very code that reads a recipe of a
person, every message has its line, and any sample can be written out as a file that `dry-run` and `run` accept.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import yaml

from recipes.findings import listed
from recipes.keys.kinds import Named, Part, Quantities, Quantity, Range, Ranges
from recipes.keys.recipe import LAMINATE
from recipes.keys.steps import STEP
from recipes.model import StepKind
from recipes.units import Dimension

_INDEXED = re.compile(r"(?P<key>[a-z_]+)\[(?P<number>[1-9])\]")

_WITH_QUANTITIES = (StepKind.COAT, StepKind.PRESS, StepKind.ROLL_PRESS, StepKind.REST)


class NoSuchQuantity(Exception):
    """A path leads to no quantity of the recipe; the message says which there are."""


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of the text that hold one value, and the dimension that it has."""

    start: int
    end: int
    dimension: Dimension
    text: str


@dataclass(frozen=True, slots=True)
class Place:
    """A quantity of the recipe: its full path, its value, the windows around it, and other copies of its value.

    step is the name of the step that it belongs to, "" for the laminate's own.
    """

    path: str
    step: str
    value: Span
    windows: tuple[Span, ...] = ()
    copies: tuple[Span, ...] = ()


def find_place(top: yaml.MappingNode, asked: str) -> Place:
    """The place that a person means by "STEP.QUANTITY", STEP being a step's name or role, or by "laminate. ...".

    :raises NoSuchQuantity: if there is none.
    """
    if asked.startswith("laminate."):
        return _in_laminate(top, asked)
    named, dot, key = asked.rpartition(".")
    if not dot or not named or not key:
        raise NoSuchQuantity(f"{asked!r} names no quantity of a step; expected for example densify.pressure")
    steps = _steps(top)
    node = _step(steps, named)
    if node is None:  # "densify.press.pressure", the path as the file nests it
        named, dot, kind = named.rpartition(".")
        node = _step(steps, named) if dot and kind in tuple(StepKind) else None
    if node is None:
        known = [role or name for name, role, item in steps if any(_child(item, kind) for kind in _WITH_QUANTITIES)]
        wanted = asked.rpartition(".")[0]
        raise NoSuchQuantity(f"the recipe has no step {wanted!r}{_meant(wanted, known)}; it has {listed(known)}")
    return _in_step(node, key)


def _in_step(node: yaml.MappingNode, asked: str) -> Place:
    name = _text(node, "name") or ""
    kind = next((kind.value for kind in StepKind if _child(node, kind.value) is not None), "")
    part, body = STEP.by_name[kind].kind if kind else None, _child(node, kind)
    if not isinstance(part, Part) or not isinstance(body, yaml.MappingNode):
        raise NoSuchQuantity(f"the step {name!r} has no quantities")
    indexed = _INDEXED.fullmatch(asked)
    key = indexed["key"] if indexed else asked
    found = part.by_name.get(key)
    kinds = (Quantities,) if indexed else (Quantity,)
    if found is None or not isinstance(found.kind, kinds):
        known = list(_quantities(part, body))
        what = "is no quantity" if found is not None else "is not known"
        raise NoSuchQuantity(f"{asked!r} {what} in step {name!r}{_meant(asked, known)}; there are {listed(known)}")
    number = int(indexed["number"]) if indexed else None
    value = _item(_child(body, key), number)
    if not isinstance(value, yaml.ScalarNode):
        raise NoSuchQuantity(f"the recipe does not write {asked} in step {name!r}; write it there, then vary it")
    dimension = found.kind.dimension
    return Place(
        f"steps[{name}].{kind}.{asked}", name, _span(value, dimension), tuple(_windows(part, body, key, number))
    )


def _windows(part: Part, body: yaml.MappingNode, key: str, number: int | None) -> Iterator[Span]:
    """The window around a value; one that several values of a list share stays where it is."""
    window = part.by_name.get(f"{key}_window")
    node = _child(body, f"{key}_window")
    if window is None or not isinstance(window.kind, Range | Ranges):
        return
    if isinstance(node, yaml.SequenceNode) == (number is not None):
        node = _item(node, number)
        if isinstance(node, yaml.ScalarNode):
            yield _span(node, window.kind.dimension)


def _item(node: yaml.Node | None, number: int | None) -> yaml.Node | None:
    """An item of a list counted from 1, or the node itself where no number was asked for."""
    if number is None:
        return node
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return items[number - 1] if number <= len(items) else None


def _quantities(part: Part, body: yaml.MappingNode) -> Iterator[str]:
    """The quantities that a step writes."""
    for key in part.keys:
        if isinstance(key.kind, Quantity) and _child(body, key.name) is not None:
            yield key.name
        elif isinstance(key.kind, Quantities) and isinstance(values := _child(body, key.name), yaml.SequenceNode):
            yield from (f"{key.name}[{number}]" for number in range(1, len(values.value) + 1))


def _in_laminate(top: yaml.MappingNode, asked: str) -> Place:
    node: yaml.Node | None = _child(top, "laminate")
    kind: object = LAMINATE
    keys = asked.split(".")[1:]
    for depth, key in enumerate(keys, start=1):
        inside = {} if not isinstance(kind, Part) else kind.by_name
        following = kind.part if isinstance(kind, Named) else inside[key].kind if key in inside else None
        below = _child(node, key) if isinstance(node, yaml.MappingNode) else None
        if following is None or below is None:
            known = _keys(node)
            where = ".".join(["laminate", *keys[: depth - 1]])
            raise NoSuchQuantity(f"{where} has no {key!r}{_meant(key, known)}; it has {listed(known)}")
        kind, node = following, below
    if not isinstance(kind, Quantity) or not isinstance(node, yaml.ScalarNode):
        raise NoSuchQuantity(f"{asked} is no quantity; expected for example laminate.layers.cathode.porosity")
    windows, copies = _elsewhere(top, keys)
    return Place(asked, "", _span(node, kind.dimension), windows, copies)


def _elsewhere(top: yaml.MappingNode, keys: Sequence[str]) -> tuple[tuple[Span, ...], tuple[Span, ...]]:
    """Windows and copies of the laminate's quantities in the steps, which must go along with them."""
    windows, copies = [], []
    for _, _, step in _steps(top):
        coat, task = _child(step, "coat"), _child(step, "task")
        if keys[0] == "layers" and keys[2:] == ["coating_weight"] and _text(coat, "layer") == keys[1]:
            node = _child(coat, "coating_weight_window")
            windows += [_span(node, Dimension.COATING_WEIGHT)] if isinstance(node, yaml.ScalarNode) else []
        if list(keys) == ["area"]:
            node = _child(_child(_child(task, "entries"), "area"), "expected")
            copies += [_span(node, Dimension.AREA)] if isinstance(node, yaml.ScalarNode) else []
    return tuple(windows), tuple(copies)


# ---------------------------------------------------------------------- nodes


def _steps(top: yaml.MappingNode) -> list[tuple[str, str | None, yaml.MappingNode]]:
    """Name, role and node of each step."""
    node = _child(top, "steps")
    items = node.value if isinstance(node, yaml.SequenceNode) else []
    return [(_text(i, "name") or "", _text(i, "role"), i) for i in items if isinstance(i, yaml.MappingNode)]


def _step(steps: Sequence[tuple[str, str | None, yaml.MappingNode]], named: str) -> yaml.MappingNode | None:
    for name, _, node in steps:
        if name == named:
            return node
    return next((node for _, role, node in steps if role == named), None)


def _child(node: yaml.Node | None, key: str) -> yaml.Node | None:
    if not isinstance(node, yaml.MappingNode):
        return None
    return next((value for name, value in node.value if name.value == key), None)


def _keys(node: yaml.Node | None) -> list[str]:
    return [name.value for name, _ in node.value] if isinstance(node, yaml.MappingNode) else []


def _text(node: yaml.Node | None, key: str) -> str | None:
    value = _child(node, key)
    return value.value if isinstance(value, yaml.ScalarNode) else None


def _span(node: yaml.ScalarNode, dimension: Dimension) -> Span:
    return Span(node.start_mark.index, node.end_mark.index, dimension, node.value)


def _meant(written: str, known: Sequence[str]) -> str:
    close = difflib.get_close_matches(written, known, n=1)
    return f", did you mean {close[0]!r}?" if close else ""
