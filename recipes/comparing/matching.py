"""Which parts of two recipes are the same part: by name, not by place, so that one more part moves no others."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from recipes.model import Step

T = TypeVar("T")

_NAMES: Final[Mapping[str, tuple[str, ...]]] = {
    "Component": ("material",),
    "Ingredient": ("material",),
    "Monomer": ("name",),
    "DeclaredFact": ("subject", "quantity"),
    "OwnBound": ("rule_id",),
    "Entry": ("name",),
    "LabMeasure": ("subject", "quantity"),
    "PorosityTarget": ("layer",),
    "Step": ("name",),
}
"""The fields that tell a part of a list from the others; parts without any are told apart by their number."""


@dataclass(frozen=True, slots=True)
class Matched(Generic[T]):
    """Two lists of parts: those that are in both, in the order of the second, and those in one only."""

    both: tuple[tuple[T, T], ...]
    removed: tuple[T, ...]
    added: tuple[T, ...]


def name_fields(part: Any) -> tuple[str, ...]:
    """The fields that name a part of a list; none if it is known by its number only."""
    return _NAMES.get(type(part).__name__, ())


def name_of(part: Any) -> str:
    """What a part is called among its kind: "porosity of cathode"; "" if it has no name."""
    return " of ".join(str(getattr(part, name)) for name in reversed(name_fields(part)))


def matched(first: Sequence[T], second: Sequence[T]) -> Matched[T]:
    """Parts of the same name; of several with one name the first goes with the first."""
    return _matched(first, second, [name_of])


def paired_steps(first: Sequence[Step], second: Sequence[Step]) -> Matched[Step]:
    """Steps of the same name, and renamed ones: of the same role, or making or looking at the same lot."""
    return _matched(
        first,
        second,
        [
            lambda step: step.name,
            lambda step: step.role,
            lambda step: None if step.produces is None else (step.kind, step.produces),
            lambda step: None if step.produces is not None else (step.kind, step.consumes),
        ],
    )


def _matched(first: Sequence[T], second: Sequence[T], keys: Sequence[Callable[[T], Hashable]]) -> Matched[T]:
    """Matches by the first key, what is left by the next, and so on; a key that is empty matches nothing."""
    partner: dict[int, int] = {}
    for key in keys:
        taken = set(partner.values())
        free: dict[Hashable, list[int]] = {}
        for number, part in enumerate(first):
            if number not in taken:
                free.setdefault(key(part), []).append(number)
        for number, part in enumerate(second):
            name = key(part)
            if number not in partner and name is not None and free.get(name):
                partner[number] = free[name].pop(0)
    taken = set(partner.values())
    return Matched(
        tuple((first[partner[number]], part) for number, part in enumerate(second) if number in partner),
        tuple(part for number, part in enumerate(first) if number not in taken),
        tuple(part for number, part in enumerate(second) if number not in partner),
    )


def moved(order: Sequence[int]) -> frozenset[int]:
    """The places in `order` that have to move for it to become ascending: as few as possible."""
    ends: list[int] = []  # the lowest number that a rising run of each length can end with, and its place
    places: list[int] = []
    before: list[int] = []
    for place, number in enumerate(order):
        length = bisect_left(ends, number)
        before.append(places[length - 1] if length else -1)
        if length == len(ends):
            ends.append(number)
            places.append(place)
        else:
            ends[length], places[length] = number, place
    kept: set[int] = set()
    last = places[-1] if places else -1
    while last >= 0:
        kept.add(last)
        last = before[last]
    return frozenset(range(len(order))) - kept
