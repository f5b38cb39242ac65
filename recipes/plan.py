"""Recipe and line become a Plan, every setpoint exact and hashed, or are refused with everything that is wrong.

Planning is pure: the same recipe and the same units give the same plan, and what runs is exactly the plan that was
approved, by its hash.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields

from recipes.asked import asked_advice, asked_errors
from recipes.canonical import canonical_json, digest
from recipes.capability import UnitCapability, force_kn, resolve, unit_findings
from recipes.design import design_book, design_findings, design_judgements
from recipes.findings import Finding, RecipeErrors, by_weight, in_file_order
from recipes.flow import flow_findings
from recipes.formulation import formulation_findings
from recipes.gates import gate_findings
from recipes.isostatic import sequence_findings
from recipes.lots import Contents, contents, ordered
from recipes.model import PressMethod, Recipe, Step
from recipes.predict import duration_s, predict
from recipes.rules.engine import Judgement
from recipes.rules.rulebook import Rulebook, rulebook, terms
from recipes.sheets import sheet_findings
from recipes.waits import tight_findings

__all__ = ["Finding", "Plan", "PlannedStep", "Refused", "UnitCapability", "make_plan"]

FORMAT = "pressline control recipe 2"
"""Changes with the meaning of the canonical text, so that an old hash cannot stand for a new plan."""


@dataclass(frozen=True, slots=True)
class PlannedStep:
    """A step with everything exact.

    unit is the resolved unit's name, None for tasks and inspections. force_kn (uniaxial pressing) is pressure times
    area without the tare; gap_um is a coating's comma gap. layers (from the cathode's side) and foils are in the lot
    after the step, support sheets included while they are there. predicted_s is the expected duration.
    """

    step: Step
    unit: str | None
    force_kn: float | None
    gap_um: float | None
    layers: tuple[str, ...]
    foils: tuple[str, ...]
    predicted_s: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The control recipe.

    steps stand in an order that the lots allow. predictions are step name -> layer -> (porosity before, porosity
    after, standard uncertainty of after), %. findings are advice and, in a comparative recipe, what would be refused.
    hash is the SHA-256 of canonical_json, which holds neither places in files nor predictions: nothing is set by these,
    and their linear algebra may differ in the last digit between computers. It holds the hash of every rule pack.
    judgements are those of the design, margins included, for a person to read.
    """

    recipe: Recipe
    rules: Rulebook
    steps: tuple[PlannedStep, ...]
    predictions: Mapping[str, Mapping[str, tuple[float, float, float]]]
    findings: tuple[Finding, ...]
    hash: str
    canonical_json: str
    judgements: tuple[Judgement, ...] = ()
    predicted_modulus_gpa: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)


class Refused(Exception):
    """A recipe that this line must not or cannot run. findings holds the refusals first, then the advice."""

    def __init__(self, findings: tuple[Finding, ...]) -> None:
        super().__init__("\n".join(str(finding) for finding in findings if finding.level == "refused"))
        self.findings = findings


def make_plan(recipe: Recipe, units: Sequence[UnitCapability]) -> Plan:
    """The plan of a recipe on a line.

    Raises:
        RecipeErrors: a rule pack that the recipe names, or a bound of its own, cannot be used.
        Refused: a claim or a required rule does not pass (production only), the line lacks a unit or the unit cannot
            reach a setpoint, or the lots do not hold what a step needs.
        ValueError: steps wait for each other's lots; load_recipe never returns such a recipe.
    """
    rules = rulebook(recipe)
    composition = tuple(formulation_findings(recipe))
    errors = (*(f for f in composition if f.level == "error"), *asked_errors(recipe, rules))
    if errors:
        raise RecipeErrors(in_file_order(errors))
    steps = ordered(recipe.steps)
    lots = contents(recipe, steps)
    prediction = predict(recipe, steps, lots)
    planned = tuple(_planned(step, recipe, units, lots) for step in steps)
    findings = [*flow_findings(recipe, steps, lots), *sheet_findings(recipe, steps), *sequence_findings(steps)]
    findings += tight_findings(steps, {item.step.name: item.predicted_s for item in planned})
    for item in planned:
        unit = resolve(item.step, units)
        findings += unit_findings(item.step, unit, units, recipe.laminate.area_mm2, item.gap_um)
    book = design_book(recipe, steps, lots, prediction)
    try:
        judgements = tuple(design_judgements(book, rules, terms(recipe, rules)))
    except (ValueError, TypeError) as error:  # a pack that asks for what is computed in a unit that it cannot have
        place = recipe.locations.get("basis", recipe.location)
        raise RecipeErrors((Finding("error", f"a rule pack does not fit: {error}", place),)) from error
    findings += design_findings(recipe, steps, rules, judgements)
    findings += [finding for finding in composition if finding.level != "error"]
    findings += asked_advice(recipe, rules)
    findings += gate_findings(recipe, steps, lots, units, rules, terms(recipe, rules))
    if any(finding.level == "refused" for finding in findings):
        raise Refused(by_weight(findings))
    text = control_recipe(recipe, rules, planned)
    return Plan(
        recipe,
        rules,
        planned,
        prediction.porosities,
        tuple(findings),
        digest(text),
        text,
        judgements,
        prediction.modulus_gpa,
    )


def control_recipe(recipe: Recipe, rules: Rulebook, steps: Sequence[PlannedStep]) -> str:
    """The canonical text of a plan, whose SHA-256 is the plan's hash."""
    packs = {pack.name: pack.sha256 for pack in rules.packs}
    return canonical_json({"format": FORMAT, "recipe": _without_steps(recipe), "packs": packs, "steps": tuple(steps)})


def recipe_sha256(recipe: Recipe) -> str:
    """SHA-256 of what a recipe says, whatever its comments, its layout and the units it is written in."""
    return digest(canonical_json(recipe))


def _planned(step: Step, recipe: Recipe, units: Sequence[UnitCapability], lots: Mapping[str, Contents]) -> PlannedStep:
    unit = resolve(step, units)
    lot = step.produces if step.produces is not None else step.consumes[0]
    press = step.press
    uniaxial = press is not None and press.method is PressMethod.UNIAXIAL
    return PlannedStep(
        step=step,
        unit=unit.name if unit is not None else None,
        force_kn=force_kn(press.pressure_mpa, recipe.laminate.area_mm2) if press is not None and uniaxial else None,
        gap_um=_gap_um(step, recipe),
        layers=lots[lot].layers,
        foils=lots[lot].foils,
        predicted_s=duration_s(step),
    )


def _gap_um(step: Step, recipe: Recipe) -> float | None:
    if step.coat is None:
        return None
    from recipes.materials.coating import gap_um

    layer = recipe.laminate.layers[step.coat.layer]
    return gap_um(layer.coating_weight_mg_cm2, step.coat.slurry, layer.true_density_g_cm3)


def _without_steps(recipe: Recipe) -> dict[str, object]:
    names = (item.name for item in fields(recipe) if item.name not in ("steps", "location", "locations"))
    return {name: getattr(recipe, name) for name in names}
