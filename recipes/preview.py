"""What a person wants to see of a plan before anything moves: margins to every rule and materials used."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from recipes.materials.coating import solvent_load_mg_cm2
from recipes.model import Recipe
from recipes.rules.engine import Judgement, Verdict
from recipes.rules.relations import number
from recipes.rules.rule import BOUNDED, COMPARISONS

MG_CM2_MM2_PER_G = 1e5
"""mg/cm2 times mm2 is 1e-5 g."""


@dataclass(frozen=True, slots=True)
class Margin:
    """How far a rule's value is inside its nearest bound (negative: outside), in the rule's unit.

    sigmas is the margin over the value's standard uncertainty, None where the value is set and not predicted.
    """

    judgement: Judgement
    value: float
    margin: float
    sigmas: float | None


@dataclass(frozen=True, slots=True)
class Amount:
    """Mass of one material for one laminate, in g, and what it is for."""

    use: str
    material: str
    mass_g: float


def margins(judgements: tuple[Judgement, ...]) -> Iterator[Margin]:
    """The margin of every rule on numbers that could be judged."""
    for judgement in judgements:
        rule, value = judgement.rule, judgement.value
        if judgement.verdict is Verdict.UNDETERMINED or isinstance(value, str) or value is None:
            continue
        sides: list[float] = []
        if rule.relation in BOUNDED:
            sides += [value - rule.lower] if rule.lower is not None else []
            sides += [rule.upper - value] if rule.upper is not None else []
        elif rule.relation in COMPARISONS and len(judgement.facts) == 2:
            distance = number(judgement.facts[0]) - number(judgement.facts[1])
            sides.append(distance if rule.relation.value == "greater_than" else -distance)
        if sides:
            known, margin = judgement.uncertainty, min(sides)
            if judgement.verdict is Verdict.PASS:  # at the precision of the source, a value beside its bound is on it
                margin = max(margin, 0.0)
            yield Margin(judgement, value, margin, margin / known if known else None)


def materials_used(recipe: Recipe) -> tuple[Amount, ...]:
    """What one laminate of the recipe's area takes: solids by their parts, solvents that are dried off, foils."""
    found: list[Amount] = []
    area = recipe.laminate.area_mm2
    for step in recipe.steps:
        if step.coat is None:
            continue
        layer = recipe.laminate.layers[step.coat.layer]
        dry_g = layer.coating_weight_mg_cm2 * area / MG_CM2_MM2_PER_G
        solids = [(i.material, i.mass_parts) for i in step.coat.slurry.ingredients] or [
            (c.material, c.mass_parts or 0.0) for c in layer.components
        ]
        total = sum(parts for _, parts in solids)
        use = f"{step.coat.layer}, dry"
        if total > 0.0:
            found += [Amount(use, material, dry_g * parts / total) for material, parts in solids]
        else:
            found.append(Amount(use, step.coat.layer, dry_g))
        solvent_g = solvent_load_mg_cm2(layer.coating_weight_mg_cm2, step.coat.slurry) * area / MG_CM2_MM2_PER_G
        found.append(Amount(f"{step.coat.layer}, dried off", step.coat.slurry.solvent, solvent_g))
    for foil in recipe.laminate.foils.values():
        mass_g = 0.1 * foil.thickness_um * foil.density_g_cm3 * area / MG_CM2_MM2_PER_G
        kept = "foil" if foil.name in recipe.laminate.order else "support, peeled off"
        found.append(Amount(f"{foil.name}, {kept}", foil.material, mass_g))
    return tuple(found)
