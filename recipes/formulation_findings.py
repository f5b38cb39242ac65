"""What is wrong or odd with a recipe's polymers and slurries, apart from any rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from recipes.findings import Finding
from recipes.materials.coating import UnknownSolventError, solvent
from recipes.materials.polymer import PolymerError, UnknownMonomerError, monomer_data, resolve, units
from recipes.model import Location, Monomer, Polymer, Recipe, Slurry
from recipes.polymer_facts import binder_kind, missing_in

_SHARE_TOLERANCE = 0.01
"""Shares of the dry layer that differ by less are rounding."""
_SIZE_TOLERANCE = 1e-6


def material_findings(recipe: Recipe) -> Iterator[Finding]:
    """Errors, advice and what does not fit together, of every polymer, slurry and layer that a slurry is coated as."""
    for polymer in recipe.polymers.values():
        yield from _polymer_findings(recipe, polymer)
    for slurry in recipe.slurries.values():
        yield from _slurry_findings(recipe, slurry)
    yield from _unused(recipe)
    for step in recipe.steps:
        if step.coat is not None and step.coat.slurry.ingredients:
            yield from _layer_findings(recipe, step.coat.layer, step.coat.slurry)


def place(recipe: Recipe, *keys: str) -> Location:
    """Where the first of these keys stands that is written, else the recipe."""
    return next((recipe.locations[key] for key in keys if key in recipe.locations), recipe.location)


def _polymer_findings(recipe: Recipe, polymer: Polymer) -> Iterator[Finding]:
    at = f"polymers.{polymer.name}.monomers"
    errors = [
        Finding("error", what, place(recipe, f"{at}[{monomer.name}].monomer", f"{at}[{monomer.name}]", at))
        for number, monomer in enumerate(polymer.monomers)
        for what in _monomer_errors(monomer, polymer.monomers[:number])
    ]
    yield from errors
    if errors:
        return
    try:
        found = units(polymer)
    except (PolymerError, UnknownMonomerError) as error:
        yield Finding("error", str(error), place(recipe, at))
        return
    for unit in found:
        if unit.mole_fraction is None or unit.mass_fraction is None:
            lost = "mole" if unit.mole_fraction is None else "mass"
            lacking = ", ".join(one.monomer.name for one in found if one.monomer.molar_mass_g_mol is None)
            what = f"no {lost} fractions of {polymer.name}: the molar mass of {lacking} is not known"
            yield Finding("advice", what, place(recipe, at))
            break
    rings = {unit.monomer.structure.r2 for unit in found if unit.monomer.structure is not None}
    if len(rings) > 1:
        what = f"R2 of {polymer.name} is an alkyl group in one monomer and an aryl group in another; a rule judges one"
        yield Finding("advice", what, place(recipe, at))
    if recipe.laminate.layers.get("electrode") is not None:
        for unit in found:
            if binder_kind(unit) is None:
                what = f"{unit.monomer.name} is none of the units that claim 2 of US application 10/030,086 bounds"
                yield Finding("advice", what, place(recipe, f"{at}[{unit.monomer.name}]", at))


def _monomer_errors(monomer: Monomer, before: Sequence[Monomer]) -> Iterator[str]:
    """What keeps one monomer from being counted; before are the polymer's monomers in front of it."""
    try:
        item = resolve(monomer)
    except UnknownMonomerError as error:
        yield str(error)
        return
    if item.name in [_name(other) for other in before]:
        yield f"{item.name} is there twice"
    if item.structure is None:
        return
    missing = missing_in(item.structure)
    if missing:
        yield f"the structure of {monomer.name} lacks {' and '.join(missing)}"
    elif item.molar_mass_g_mol is not None and monomer_data(monomer.name).structure != item.structure:
        yield f"{monomer.name} is a monomer of another structure than the one given"


def _name(monomer: Monomer) -> str:
    try:
        return monomer_data(monomer.name).name
    except UnknownMonomerError:
        return monomer.name


def _slurry_findings(recipe: Recipe, slurry: Slurry) -> Iterator[Finding]:
    at = f"slurries.{slurry.name}"
    total = math.fsum(item.mass_parts for item in slurry.ingredients)
    room = total * (1.0 - slurry.solids_fraction) / slurry.solids_fraction
    brought = 0.0
    for item in slurry.ingredients:
        here = place(recipe, f"{at}.ingredients[{item.material}]", f"{at}.ingredients", at)
        polymer = recipe.polymers.get(item.polymer or "")
        if polymer is None:
            if item.role == "particulate_polymer" or item.polymer is not None:
                yield Finding("advice", f"{item.material}: what it is made of is not known, so no rule judges it", here)
            continue
        if polymer.content_pct is not None:
            brought += item.mass_parts * (100.0 / polymer.content_pct - 1.0)
        own, other = polymer.mean_particle_size_um, item.mean_particle_size_um
        if own is not None and other is not None and not math.isclose(own, other, rel_tol=_SIZE_TOLERANCE):
            yield Finding("error", f"{polymer.name} has a mean particle size of {own:g} um and of {other:g} um", here)
        if _common(polymer.medium) != _common(slurry.solvent):
            what = f"{polymer.name} is dispersed in {polymer.medium}, but the slurry's solvent is {slurry.solvent}"
            yield Finding("advice", what, here)
    if brought > room * (1.0 + 1e-9):
        what = (
            f"{slurry.name}: at {100.0 * slurry.solids_fraction:g} % solids {total:g} parts leave room for"
            f" {room:.1f} parts of liquid, but its polymers bring {brought:.1f}"
        )
        yield Finding("consistency", what, place(recipe, f"{at}.solids", at))


def _unused(recipe: Recipe) -> Iterator[Finding]:
    used = {step.coat.slurry.name for step in recipe.steps if step.coat is not None}
    used |= {step.task.slurry for step in recipe.steps if step.task is not None and step.task.slurry is not None}
    for name in recipe.slurries:
        if recipe.steps and name not in used:
            yield Finding("advice", f"no step uses the slurry {name!r}", place(recipe, f"slurries.{name}"))
    named = {item.polymer for slurry in recipe.slurries.values() for item in slurry.ingredients}
    for name in recipe.polymers:
        if name not in named:
            yield Finding("advice", f"no slurry has the polymer {name!r}", place(recipe, f"polymers.{name}"))


def _layer_findings(recipe: Recipe, layer: str, slurry: Slurry) -> Iterator[Finding]:
    """A dry layer holds what its slurry held, in the same proportions."""
    known = recipe.laminate.layers.get(layer)
    if known is None:
        return
    key = f"laminate.layers.{layer}.components"
    if any(item.mass_parts is None for item in known.components):
        return  # without all parts there is nothing to compare
    have = _shares((item.material, item.mass_parts or 0.0) for item in known.components)
    want = _shares((item.material, item.mass_parts) for item in slurry.ingredients)
    for material in dict.fromkeys((*want, *have)):
        first, second = have.get(material, 0.0), want.get(material, 0.0)
        if abs(first - second) > _SHARE_TOLERANCE or (first == 0.0) is not (second == 0.0):
            what = f"{material} is {100 * first:.3g} % of the layer {layer}, but {100 * second:.3g} % of {slurry.name}"
            yield Finding("consistency", f"{what}'s solids", place(recipe, key))


def _shares(parts: Iterable[tuple[str, float]]) -> Mapping[str, float]:
    """Each material's share of the whole; a material may be listed more than once."""
    sums: dict[str, float] = {}
    for material, value in parts:
        sums[material] = sums.get(material, 0.0) + value
    total = math.fsum(sums.values())
    return {material: value / total for material, value in sums.items()} if total > 0.0 else {}


def _common(name: str) -> str:
    try:
        return solvent(name).name
    except UnknownSolventError:
        return name.strip().lower()
