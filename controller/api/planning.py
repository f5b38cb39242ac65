"""Reading, planning and comparing recipes that come as text: pure work, done in the process for computing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.api.problems import FindingBody, located
from controller.store.files import RecipeFiles, is_inside, pack_paths, staged
from recipes.canonical import canonical_json
from recipes.compare import Difference, differences
from recipes.findings import Finding, RecipeErrors
from recipes.load import load_recipe
from recipes.model import Location, Recipe
from recipes.plan import Plan, Refused, UnitCapability, make_plan


@dataclass(frozen=True, slots=True)
class Text:
    """A recipe as text, the name that findings call its file by, and its rule packs by their paths beside it."""

    name: str
    text: str
    packs: Mapping[str, str]

    def files(self) -> RecipeFiles:
        return RecipeFiles(self.text.encode(), {path: content.encode() for path, content in self.packs.items()})


@dataclass(frozen=True, slots=True)
class Examined:
    """What became of a text: a recipe or none, a plan or none, and every finding."""

    is_recipe: bool
    findings: tuple[FindingBody, ...]
    hash: str | None = None
    plan: dict[str, Any] | None = None


def examined(text: Text, units: Sequence[UnitCapability]) -> Examined:
    """Reads and plans a text. Raises RecipeStoreError for packs that cannot lie where they should."""
    try:
        with staged(text.files(), Path(text.name)) as copy:
            plan = make_plan(_confined(load_recipe(copy)), units)
            return planned(plan)
    except RecipeErrors as error:
        return Examined(False, located(error.findings))
    except Refused as error:
        return Examined(True, located(error.findings))


def planned(plan: Plan) -> Examined:
    """A plan as plain values."""
    return Examined(True, located(plan.findings), plan.hash, json.loads(plan.canonical_json))


def compared(first: Text, second: Text) -> list[dict[str, Any]]:
    """What differs in what is made. Raises RecipeErrors, whose findings name the text that is none."""
    with staged(first.files(), Path(first.name)) as one, staged(second.files(), Path(second.name)) as other:
        recipes = (_confined(load_recipe(one)), _confined(load_recipe(other)))
        return [_difference(found) for found in differences(*recipes)]


def _confined(recipe: Recipe) -> Recipe:
    """A recipe that reads nothing but its own copy; else a text could have the service tell what its files hold.

    Raises RecipeErrors.
    """
    place = recipe.locations.get("basis", recipe.location)
    outside = [name for name in pack_paths(recipe) if not is_inside(name)]
    if outside:
        what = "the rule pack {} is not beside the recipe or below; give its content with the recipe"
        raise RecipeErrors(tuple(Finding("error", what.format(repr(name[:80])), place) for name in outside))
    return recipe


def _difference(found: Difference) -> dict[str, Any]:
    return {
        "section": found.section.value,
        "path": found.path,
        "message": found.message,
        "before": json.loads(canonical_json(found.before)),
        "after": json.loads(canonical_json(found.after)),
        "unit": found.unit or None,
        "first": _place(found.first),
        "second": _place(found.second),
    }


def _place(place: Location) -> dict[str, Any]:
    return {"file": place.file.name, "line": place.line, "column": place.column}
