"""A recipe file becomes a Recipe, or every mistake in it is told at once with its line and column."""

from __future__ import annotations

import re
from pathlib import Path

from recipes.findings import Finding, RecipeErrors, in_file_order
from recipes.lots import lot_findings
from recipes.model import Purpose, Recipe
from recipes.reader.document import Document, compose
from recipes.reader.formulation import read_facts, read_polymers, read_slurries
from recipes.reader.judging import read_accepted_estimates, read_decision_rule, read_own_bounds
from recipes.reader.laminate import read_laminate
from recipes.reader.mapping import MappingReader
from recipes.reader.steps import StepReader
from recipes.waits import wait_findings

__all__ = ["Finding", "RecipeErrors", "library_recipes", "load_recipe"]

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def load_recipe(file: Path | str, data: bytes | None = None) -> Recipe:
    """The recipe in a file; data is the file's content where it was read, or varied, already.

    Raises:
        RecipeErrors: the file is missing, no UTF-8, too large, no YAML, or no recipe; all mistakes of a kind that can
            be found together are in its findings, in file order.
    """
    document = Document(Path(file), data=data)
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
    basis = top.texts("basis")
    sources = top.texts("sources", needed=False)
    goes_into = top.texts("goes_into", needed=False)
    decision_rule = read_decision_rule(top.mapping("decision_rule", "acceptance and confidence", needed=False))
    accepted = read_accepted_estimates(top.mapping("accept_estimates", "rules, by and reason", needed=False))
    own_bounds = read_own_bounds(top.mapping("rules", "the recipe's own bounds by rule", needed=False))
    polymers = read_polymers(top.mapping("polymers", "polymers by name", needed=False))
    slurries = read_slurries(top.mapping("slurries", "slurries by name", needed=False), polymers)
    facts = read_facts(top)
    laminate = read_laminate(top.mapping("laminate", "area, order, layers and foils"))
    reader = StepReader(laminate, slurries)
    steps = tuple(
        step for item in top.mappings("steps", "a list of steps", "name") if (step := reader.read(item)) is not None
    )
    top.finish()
    if steps and reader.lots_known:
        top.document.errors += lot_findings(steps)
        top.document.errors += wait_findings(steps)
    return Recipe(
        name=name,
        title=title,
        purpose=Purpose.COMPARATIVE if comparative else Purpose.PRODUCTION,
        basis=basis,
        laminate=laminate,
        steps=steps,
        location=top.place,
        comparative_reason=reason or None,
        sources=sources,
        goes_into=goes_into,
        polymers=polymers,
        slurries=slurries,
        facts=facts,
        own_bounds=own_bounds,
        decision_rule=decision_rule,
        accepted_estimates=accepted,
        locations=dict(top.document.locations),
    )
