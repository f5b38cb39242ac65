"""Seeded mutants of the library's recipes: the same seed gives the same file, whatever was made before.

A mutant is one of the shipped recipes with one to five damages, most to its tree (structure, values, names, numbers),
some to its text and bytes; every fifth descends from another mutant. Small damages are drawn more often than gross
ones, so that a good share comes through the reader and tries the planner.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from recipes.load import library_recipes
from tests.campaign import text_damages, tree_damages
from tests.campaign.tree import Node, Table, parsed, shipped, written

GENERATIONS = 3
"""Mutants of mutants of mutants."""
_DAMAGES, _SHARES = (1, 2, 3, 4, 5), (40, 25, 15, 10, 10)

_D = TypeVar("_D")


@dataclass(frozen=True, slots=True)
class Mutant:
    """A damaged file: the seed that makes it again, what it was made from, and what was done to it in order."""

    seed: int
    base: str
    damages: tuple[str, ...]
    data: bytes


def mutant(seed: int, generations: int = GENERATIONS) -> Mutant:
    """The mutant of a seed."""
    chance = random.Random(f"mutant {seed}")
    path = chance.choice(library_recipes())
    data, node = shipped(path)
    tree: Node | None = node
    base, damages = path.stem, list[str]()
    if generations > 1 and chance.random() < 0.2:
        parent = mutant(chance.randrange(10**9), generations - 1)
        base, damages, data, tree = parent.base, list(parent.damages), parent.data, parsed(parent.data)
    for _ in range(chance.choices(_DAMAGES, _SHARES)[0]):
        if isinstance(tree, Table) and chance.random() < 0.85:
            tree_damage = chosen(tree_damages.DAMAGES, chance)
            tree_damage(tree, chance)
            data = written(tree)
            damages.append(tree_damage.__name__)
        else:
            text_damage = chosen(text_damages.DAMAGES, chance)
            data = text_damage(data, chance)
            damages.append(text_damage.__name__)
            tree = parsed(data)
    if seed % text_damages.HUGE_EVERY == text_damages.HUGE_EVERY - 1:
        data = text_damages.huge(data, chance)
        damages.append("huge")
    return Mutant(seed, base, tuple(damages), data)


def chosen(damages: Sequence[tuple[int, _D]], chance: random.Random) -> _D:
    """One of several, as often as its weight says."""
    return chance.choices([damage for _, damage in damages], [weight for weight, _ in damages])[0]
