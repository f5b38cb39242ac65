"""Where a part of a recipe stands in its file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from recipes.model import DeclaredFact, Entry, LabMeasure, Location, OwnBound, Recipe

Path: TypeAlias = tuple[str, ...]
"""A dotted path of the reader in its segments: ("steps", "[densifying]", "press", "pressure")."""
_BY_KEY = (OwnBound, Entry)
"""Parts that a recipe file keeps in a mapping and the model in a list."""


def dotted(path: Path) -> str:
    """A path as the reader writes it."""
    return "".join(segment if segment.startswith("[") else f".{segment}" for segment in path).lstrip(".")


def item_path(recipe: Recipe, path: Path, part: Any, parts: Sequence[Any]) -> Path:
    """The path of one part of a list; the reader shows the name that is written there, or its number without one."""
    name = _shown(part)
    if isinstance(part, _BY_KEY):
        return (*path, name)
    number = next(number for number, other in enumerate(parts, start=1) if other is part)
    if any(_shown(other) == name for other in parts[number:]):
        return path  # the path of several parts of one name leads to the last of them
    by_name, by_number = (*path, f"[{name}]"), (*path, f"[{number}]")
    return by_name if _inside(recipe, by_name) else by_number


def _shown(part: Any) -> str:
    if isinstance(part, OwnBound):
        return part.rule_id
    if isinstance(part, DeclaredFact | LabMeasure):
        return f"{part.quantity} of {part.subject}"
    return str(getattr(part, "name", None) or getattr(part, "material", ""))


def place(recipe: Recipe, path: Path) -> Location:
    """Where a path stands, or else what it is in; an item of a list stands where its first key does."""
    for length in range(len(path), 0, -1):
        if (exact := recipe.locations.get(dotted(path[:length]))) is not None:
            return exact
        if inside := _inside(recipe, path[:length]):
            return min(inside, key=lambda found: (found.line, found.column))
    return recipe.location


def _inside(recipe: Recipe, path: Path) -> list[Location]:
    text = dotted(path)
    return [found for name, found in recipe.locations.items() if name.startswith((f"{text}.", f"{text}["))]
