"""A recipe file becomes a Recipe, or every mistake in it is told at once with its line and column."""

from __future__ import annotations

import re
from pathlib import Path

from recipes.findings import Finding, RecipeErrors, in_file_order
from recipes.lots import lot_findings
from recipes.model import Purpose, Recipe
from recipes.reader.document import Document, compose
from recipes.reader.laminate import read_laminate
from recipes.reader.mapping import MappingReader
from recipes.reader.steps import StepReader

__all__ = ["Finding", "RecipeErrors", "library_recipes", "load_recipe"]

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def load_recipe(file: Path | str) -> Recipe:
    """The recipe in a file.

    Raises:
        RecipeErrors: the file is missing, no UTF-8, too large, no YAML, or no recipe; all mistakes of a kind that can
            be found together are in its findings, in file order.
    """
    document = Document(Path(file))
    top = MappingReader(document, compose(document), "")
    recipe = _recipe(top)
    if document.errors:
        raise RecipeErrors(in_file_order(document.errors))
    return recipe


def library_recipes() -> tuple[Path, ...]:
    """The recipe files that are shipped, by name."""
    return tuple(sorted(Path(__file__).with_name("library").glob("*.yaml")))


def _recipe(top: MappingReader) -> Recipe:
    name = top.text("recipe")
    if name and not _NAME.fullmatch(name):
        top.wrong("recipe", f"{name!r} is no name for a recipe", "small letters, digits and hyphens: honda-example-1")
    title = top.text("title")
    purpose = top.choice("purpose", [purpose.value for purpose in Purpose], Purpose.PRODUCTION.value)
    comparative = purpose == Purpose.COMPARATIVE
    reason = top.text("reason", None if comparative else "")
    if reason and not comparative:
        top.wrong("reason", "only a comparative recipe gives a reason", "purpose: comparative")
    basis = top.texts("basis", needed=False)
    laminate = read_laminate(top.mapping("laminate", "area, order, layers and foils"))
    reader = StepReader(laminate)
    steps = tuple(
        step for item in top.mappings("steps", "a list of steps", "name") if (step := reader.read(item)) is not None
    )
    top.finish()
    if steps and reader.lots_known:
        top.document.errors += lot_findings(steps)
    return Recipe(
        name=name,
        title=title,
        purpose=Purpose.COMPARATIVE if comparative else Purpose.PRODUCTION,
        basis=basis,
        laminate=laminate,
        steps=steps,
        location=top.place,
        comparative_reason=reason or None,
        locations=dict(top.document.locations),
    )
