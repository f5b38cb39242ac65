"""One layout for recipe files, which changes nothing of what is made.

Keys stand in the order of docs/reference/recipes.md, two blanks indent a level, quantities are written "90 MPa" and
"85..95 MPa" with the units of the table. Texts stay as they are, and comments where they are. Before a layout is handed
out, it is read again and compared with the recipe that the file held.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from recipes.canonical import canonical_json
from recipes.findings import RecipeErrors
from recipes.keys.recipe import RECIPE
from recipes.layout.arrange import arrange
from recipes.layout.comments import comments_of, with_comments
from recipes.layout.lines import lines_of
from recipes.layout.tree import parsed
from recipes.load import load_recipe
from recipes.model import Recipe


class LayoutRefused(Exception):
    """The layout of a file would not say what the file says; the file is better left alone."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """A file's text and the same in the canonical layout; is_changed also where only its bytes differ."""

    before: str
    after: str
    is_changed: bool


def formatted(file: Path) -> Formatted:
    """A recipe file in the canonical layout; nothing is written.

    Raises:
        RecipeErrors: the file does not load, with everything that is wrong with it.
        LayoutRefused: the layout would change what is made or lose a comment, which is a fault of the program.
    """
    recipe = load_recipe(file)
    data = file.read_bytes()
    before = data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    after = laid_out(before)
    if (why := _difference(before, after, recipe)) is not None:
        raise LayoutRefused(f"{file}: left as it is: its layout {why}")
    return Formatted(before, after, is_changed=data != after.encode())


def laid_out(text: str) -> str:
    """The canonical layout of a text that the reader accepts."""
    tree = with_comments(text, parsed(text))
    arrange(tree, RECIPE)
    return "\n".join(lines_of(tree)) + "\n"


def _difference(before: str, after: str, recipe: Recipe) -> str | None:
    """What the layout would change, in words; None if it keeps everything."""
    try:
        again = _loaded(after)
    except RecipeErrors:
        return "could not be read again"
    if canonical_json(again) != canonical_json(recipe):
        return "would change what is made"
    if Counter(comments_of(before, parsed(before))) != Counter(comments_of(after, parsed(after))):
        return "would lose a comment"
    return None if laid_out(after) == after else "would change when it is formatted again"


def _loaded(text: str) -> Recipe:
    with TemporaryDirectory() as folder:
        file = Path(folder, "recipe.yaml")
        file.write_text(text, encoding="utf-8")
        return load_recipe(file)
