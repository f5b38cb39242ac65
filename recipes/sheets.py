"""Coatings whose web is cut into several sheets, one each for as many laminates: what belongs to one of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from math import sqrt

from recipes.capability import place_of
from recipes.findings import Finding
from recipes.model import Recipe, Step, StepKind
from recipes.waits import before


def shared_coatings(steps: Sequence[Step]) -> Mapping[str, tuple[str, ...]]:
    """By coating that is cut into several sheets, all steps whose work is its web's, as they stand in `steps`.

    What makes its slurry, the coating, and what inspects the sheet: the web is the same wherever it is cut.
    """
    earlier = before(steps)
    found: dict[str, tuple[str, ...]] = {}
    for coating in (step for step in steps if step.coat is not None and step.coat.sheets is not None):
        looks = {s.name for s in steps if s.kind is StepKind.INSPECT and coating.produces in s.consumes}
        own = {coating.name, *earlier[coating.name], *looks}
        found[coating.name] = tuple(step.name for step in steps if step.name in own)
    return found


def sheet_findings(recipe: Recipe, steps: Sequence[Step]) -> Iterator[Finding]:
    """Refusals of a web that is too short for its sheets.

    How wide a web is no recipe says. A sheet is taken to be a square of the laminate's area, as the shortest web that
    a coater of any width is used for (engineering judgement).
    """
    side_m = sqrt(recipe.laminate.area_mm2) / 1000.0
    for step in steps:
        coat = step.coat
        if coat is None or coat.sheets is None or coat.sheets * side_m <= coat.length_m:
            continue
        yield Finding(
            "refused",
            f"{step.name}: {coat.sheets} sheets of {1000.0 * side_m:.3g} mm each, squares of the laminate's"
            f" {recipe.laminate.area_mm2 / 100.0:g} cm2, need {coat.sheets * side_m:.3g} m of web, and"
            f" {coat.length_m:g} m is coated",
            place_of(step, "coat.sheets"),
        )
