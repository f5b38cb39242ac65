"""Where a lot comes from and what came of it: one set of edges, read in both directions.

An edge goes from a lot to what it rests on: its parts, slurry and foils, the machine that made it, the instruments that
measured it, the calibrations that these had, the people who did the work.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from controller.lots.model import BATCH, Lot, Lots, LotUnknown


class Kind(StrEnum):
    """What a node of the genealogy is."""

    LOT = "lot"
    SLURRY = "slurry"
    FOIL = "foil"
    MACHINE = "machine"
    INSTRUMENT = "instrument"
    CALIBRATION = "calibration"
    PERSON = "person"


@dataclass(frozen=True, slots=True, order=True)
class Node:
    """Something that a lot can rest on; its name is unique among its kind."""

    kind: Kind
    name: str

    def __str__(self) -> str:
        return self.name if self.kind is Kind.LOT else f"{self.kind} {self.name}"


@dataclass(frozen=True)
class Genealogy:
    """All edges of a store, back (from what was made to what it rests on) and forward, each the other turned round."""

    back: Mapping[Node, tuple[Node, ...]]
    forward: Mapping[Node, tuple[Node, ...]]

    def edges(self, *, forward: bool) -> Mapping[Node, tuple[Node, ...]]:
        return self.forward if forward else self.back

    def reached(self, start: Node, *, forward: bool = False) -> frozenset[Node]:
        """Everything that is behind (or ahead of) a node, without itself."""
        edges, found, todo = self.edges(forward=forward), set[Node](), [start]
        while todo:
            for node in edges.get(todo.pop(), ()):
                if node not in found:
                    found.add(node)
                    todo.append(node)
        return frozenset(found)


def genealogy(lots: Lots) -> Genealogy:
    """The edges of all these lots."""
    back: dict[Node, tuple[Node, ...]] = {}
    forward: dict[Node, list[Node]] = {}
    for lot in lots.values():
        node = lot_node(lot)
        back[node] = tuple(dict.fromkeys(_rests_on(lot)))
        for other in back[node]:
            forward.setdefault(other, []).append(node)
    return Genealogy(back, {node: tuple(users) for node, users in forward.items()})


def lot_node(lot: Lot) -> Node:
    """The lot as a node."""
    return Node(Kind.LOT, str(lot.id))


def _rests_on(lot: Lot) -> Iterable[Node]:
    yield from (Node(Kind.LOT, str(part)) for part in lot.made_from)
    if lot.slurry:
        yield Node(Kind.SLURRY, lot.slurry)
    yield from (Node(Kind.FOIL, foil) for foil in lot.foils)
    for unit, number in ((lot.made_by.unit, lot.serial_number), *lot.also_on):
        if unit:
            yield Node(Kind.MACHINE, unit + (f" no. {number}" if number else ""))
    known = list(lot.calibrated)
    for item in lot.measured:
        if item.unit:
            yield Node(Kind.INSTRUMENT, item.unit)
        known += [] if item.calibrated is None else [item.calibrated]
    yield from (Node(Kind.CALIBRATION, f"{item.certificate} of {item.unit}") for item in known if item.certificate)
    yield from (Node(Kind.PERSON, person) for person in lot.people)


def node_named(graph: Genealogy, text: str) -> Node:
    """The node that a person means: its name, with its kind where that is needed, or a part of it that is unambiguous.

    Raises LotUnknown.
    """
    nodes = sorted({*graph.back, *graph.forward})
    for fits in (
        [node for node in nodes if text in (node.name, f"{node.kind} {node.name}")],
        [node for node in nodes if text in _parts(node)],
    ):
        if len(fits) == 1:
            return fits[0]
        if fits:
            which = ", ".join(f"'{node}'" for node in fits[:5])
            raise LotUnknown(f"{text!r} can be {which}{' and more' if len(fits) > 5 else ''}; name one of them")
    near = [str(node) for node in nodes if text.casefold() in node.name.casefold()][:5]
    hint = f"; perhaps {', '.join(near)}" if near else ""
    raise LotUnknown(f"nothing in the record is called {text!r}{hint}")


def _parts(node: Node) -> tuple[str, ...]:
    """What people call a node for short: a lot without its run, a machine without its number, a calibration's
    paper, a foil of any batch or by its batch alone.
    """
    match node.kind:
        case Kind.LOT | Kind.SLURRY:
            return (node.name.partition("/")[2],)
        case Kind.MACHINE:
            return (node.name.partition(" no. ")[0],)
        case Kind.FOIL:
            name, _, batch = node.name.partition(BATCH)
            return (name, batch) if batch else ()
        case Kind.CALIBRATION:
            return (node.name.rpartition(" of ")[0],)
        case _:
            return ()


def tree(graph: Genealogy, start: Node, *, forward: bool = False) -> dict[str, Any]:
    """What is behind (or ahead of) a node as a tree of plain data; what came before is named and not told again."""
    seen: set[Node] = set()
    edges = graph.edges(forward=forward)

    def branch(node: Node) -> dict[str, Any]:
        told = {"kind": node.kind.value, "name": node.name}
        if node in seen:
            return told | ({"above": True} if edges.get(node) else {})
        seen.add(node)
        return told | {"branches": [branch(other) for other in edges.get(node, ())]}

    return branch(start)
