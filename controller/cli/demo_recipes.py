"""What may be made on the line of `pressline up --demo`: recipes of the library, approved by the demonstration."""

from __future__ import annotations

from pathlib import Path

from controller.cli.clock import utc_text
from controller.config import LineConfig
from controller.line import capability, unit_profile
from controller.store.recipes import RecipeStore, read_shelf
from controller.store.words import Reference
from recipes.load import library_recipes

WHO = "demonstration"
NAMES = ("honda-example-1",)
"""Example 1 of US 2025/0260067 A1: every machine of the simulated line works."""


def shelve(store: Path, config: LineConfig) -> tuple[str, ...]:
    """Puts the recipes into a store that has none yet, approved for this line; returns their names.

    Raises StoreUnusable or StoreBusy.
    """
    if store.exists() and read_shelf(store).recipes:
        return NAMES
    units = [capability(unit.name, unit_profile(unit)) for unit in config.units.values()]
    shelf = RecipeStore(store, utc_text)
    for file in library_recipes():
        if file.stem in NAMES:
            added = shelf.add(file, WHO, "from the library", config.name, units).version
            of = Reference(added.recipe, added.number)
            shelf.approve(of, WHO, "to be tried on simulated machines", config.name, units, four_eyes=False)
    return NAMES
