"""What the tests of formulations share: polymers, and shipped recipes with another polymer or slurry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from recipes.facts import Evidence, Fact
from recipes.formulation import formulation_facts, formulation_findings
from recipes.model import Monomer, Polymer, Recipe, Slurry, Structure
from tests.recipes.library import shipped

EXAMPLE_1 = "zeon-example-1"
CLAIMS = "binder-claims-electrode"
ETHER = Structure("alkyl", "alkyl", "hydrogen", "hydrogen", 2, 1, 1)


def by_mass(name: str, **parts: float) -> Polymer:
    return Polymer(name, tuple(Monomer(key, mass_parts=part) for key, part in parts.items()), "water", 0.13)


def by_mole(name: str, *fractions: tuple[str, float], d50_um: float | None = 0.13) -> Polymer:
    return Polymer(name, tuple(Monomer(key, mole_fraction=mole) for key, mole in fractions), "water", d50_um)


A = by_mass("A", AN=2.2, NMA=2.5, BA=92.0, MAA=2.1, AAm=1.2)
"""Polymer A of US 12,394,827 B2, D(138)."""


def facts_of(recipe: Recipe) -> dict[tuple[str, str], Fact]:
    """Of one quantity the last fact counts."""
    found = {(fact.subject, fact.quantity): fact for fact in formulation_facts(recipe)}
    assert all(fact.evidence is Evidence.DECLARED and recipe.name in fact.source for fact in found.values())
    return found


def values_of(recipe: Recipe) -> dict[str, object]:
    return {f"{subject}:{quantity}": fact.value for (subject, quantity), fact in facts_of(recipe).items()}


def messages(recipe: Recipe, level: str = "error") -> list[str]:
    return [finding.message for finding in formulation_findings(recipe) if finding.level == level]


def with_polymer(change: Callable[[Polymer], Polymer], recipe: Recipe) -> Recipe:
    return replace(recipe, polymers={name: change(polymer) for name, polymer in recipe.polymers.items()})


def with_slurry(change: Callable[[Slurry], Slurry], recipe: Recipe) -> Recipe:
    """The recipe with its one slurry changed, in the coating step as well."""
    steps = tuple(
        step if step.coat is None else replace(step, coat=replace(step.coat, slurry=change(step.coat.slurry)))
        for step in recipe.steps
    )
    return replace(recipe, steps=steps, slurries={name: change(slurry) for name, slurry in recipe.slurries.items()})


def with_parts(role: str, parts: float, recipe: Recipe) -> Recipe:
    """The recipe with other mass parts of one role; 0 leaves it out."""

    def change(slurry: Slurry) -> Slurry:
        items = (replace(item, mass_parts=parts) if item.role == role else item for item in slurry.ingredients)
        return replace(slurry, ingredients=tuple(item for item in items if item.mass_parts > 0.0))

    return with_slurry(change, recipe)


def with_particulate(recipe: Recipe, polymer: Polymer) -> Recipe:
    """The recipe with this polymer as the particulate polymer of its slurry."""

    def change(slurry: Slurry) -> Slurry:
        items = (replace(i, polymer=polymer.name) if i.polymer is not None else i for i in slurry.ingredients)
        return replace(slurry, ingredients=tuple(items))

    return with_slurry(change, replace(recipe, polymers={polymer.name: polymer}))


def with_binder(*monomers: Monomer, medium: str = "water") -> Recipe:
    return with_polymer(lambda polymer: replace(polymer, monomers=monomers, medium=medium), shipped(CLAIMS))


def ether(name: str, **changes: object) -> Monomer:
    return Monomer(name, mass_parts=10.0, structure=replace(ETHER, **changes))  # type: ignore[arg-type] # any of its keys
