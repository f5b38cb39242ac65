"""What slurries and polymers are made of, as facts that rules can be judged on, and what is wrong with them.

Which slurry the rules speak of follows from the layer that it is coated as: heat_resistant, negative_electrode,
positive_electrode, and electrode for the binder claims. Facts are declared, in the rules' own terms and units, and only
of what the recipe has.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from itertools import chain
from typing import TypeVar

from recipes.facts import Evidence, Fact
from recipes.findings import Finding
from recipes.formulation_findings import material_findings, place
from recipes.model import Coat, Ingredient, Polymer, Recipe, Slurry, Step
from recipes.polymer_facts import (
    binder_facts,
    composition_facts,
    declared,
    is_electrode_binder,
    is_heat_resistant_binder,
    particulate_facts,
)

PARTS = "parts per 100 parts nonconductive (solids)"
INSULATING = ("nonconductive_particle", "nonconductive_organic_particle")
CONTENTS = ("particulate_polymer", "water_soluble_polymer", "wetting_agent", "dispersant")
"""Roles whose content in the slurry of a heat-resistant layer the rules bound."""
PARTICLES, BINDER, CLAIMED_SLURRY = "non-conductive particles", "binder of claim 1", "slurry of claim 4"
COMPOSITION, ACTIVE = "binder composition of claims 1 to 6", "active material"
SECONDARY, LITHIUM_ION = "secondary battery", "lithium ion battery"
_ELECTRODES = ("negative_electrode", "positive_electrode", "electrode", "cathode")
_SEPARATORS = ("separator", "polyethylene", "polypropylene", "polyolefin")
_T = TypeVar("_T")
_CONTRADICTION = 0.01
"""A declared number that is further than this, relatively, from the computed one is another number."""


def formulation_facts(recipe: Recipe) -> Iterator[Fact]:
    """What the recipe declares, then what follows from its composition: of the same quantity the latter counts."""
    for fact in recipe.facts:
        source = f"recipe {recipe.name}, {fact.source}"
        value = fact.value
        yield Fact(fact.subject, fact.quantity, value, fact.unit, Evidence.DECLARED, source, fact.uncertainty)
    yield from _computed(recipe)


def formulation_findings(recipe: Recipe) -> Iterator[Finding]:
    """Errors of what cannot be judged, what does not fit together, and advice on what is only odd, with its place."""
    yield from material_findings(recipe)
    for layer, role in (("heat_resistant", "particulate_polymer"), ("electrode", "binder")):
        slurries = slurries_of(recipe, layer)
        if len(slurries) > 1:
            names = " and ".join(slurry.name or "one written in place" for slurry in slurries)
            yield Finding("error", f"the layer {layer} has two slurries, {names}", place(recipe, "slurries"))
        for slurry in slurries[:1]:
            if len(polymers_of(recipe, slurry, role)) > 1:
                key = f"slurries.{slurry.name}.ingredients"
                yield Finding("error", f"{slurry.name} has two polymers as {role}", place(recipe, key))
    if slurries_of(recipe, "heat_resistant") and slurries_of(recipe, "electrode"):
        what = "a heat-resistant layer and an electrode have a binder composition each, the rules know one in a recipe"
        yield Finding("error", what, place(recipe, "slurries"))
    yield from _contradictions(recipe)


def slurries_of(recipe: Recipe, layer: str) -> tuple[Slurry, ...]:
    """The slurries that a layer is coated from; in a recipe that coats nothing, those that could be."""
    coats = [step.coat for step in recipe.steps if step.coat is not None]
    if coats:
        return tuple(dict.fromkeys(coat.slurry for coat in coats if coat.layer == layer))

    def could_be(item: Ingredient) -> bool:
        if layer == "heat_resistant":
            return item.role in INSULATING
        return layer == "electrode" and item.role == "binder" and item.polymer is not None

    return tuple(slurry for slurry in recipe.slurries.values() if any(map(could_be, slurry.ingredients)))


def polymers_of(recipe: Recipe, slurry: Slurry, role: str) -> tuple[Polymer, ...]:
    """The recipe's polymers that a slurry's ingredients of this role name."""
    names = dict.fromkeys(item.polymer for item in slurry.ingredients if item.role == role and item.polymer is not None)
    return tuple(recipe.polymers[name] for name in names if name in recipe.polymers)


def _computed(recipe: Recipe) -> Iterator[Fact]:
    source = f"recipe {recipe.name}"
    yield declared("product", "goes_into", _uses(recipe.goes_into), "", source)
    for layer, subject in (("negative_electrode", "neg_slurry"), ("positive_electrode", "pos_slurry")):
        slurry = _only(slurries_of(recipe, layer))
        if slurry is not None:
            yield _solids(subject, slurry, source)
    heat_resistant = _only(slurries_of(recipe, "heat_resistant"))
    if heat_resistant is not None:
        yield from _heat_resistant_facts(recipe, heat_resistant, source)
    electrode = _only(slurries_of(recipe, "electrode"))
    if electrode is not None:
        yield from _electrode_facts(recipe, electrode, source)


def _heat_resistant_facts(recipe: Recipe, slurry: Slurry, source: str) -> Iterator[Fact]:
    """The binder, the slurry, the layer and the battery of US 12,394,827 B2."""
    of = f"{source}, {slurry.name or 'slurry'}"
    polymer = _only(polymers_of(recipe, slurry, "particulate_polymer"))
    is_binder: bool | None = False
    if polymer is not None:
        d50_um = _particle_size(polymer, slurry)
        is_binder = is_heat_resistant_binder(polymer, d50_um)
        yield from particulate_facts(polymer, d50_um, source)
        yield from composition_facts(polymer, source)
    elif any(item.role == "particulate_polymer" for item in slurry.ingredients):
        is_binder = None  # a polymer of which the recipe says no more than its name
    particles = [item for item in slurry.ingredients if item.role in INSULATING]
    is_slurry = None if is_binder is None or not slurry.ingredients else bool(particles) and is_binder
    yield _solids("hrl_slurry", slurry, source)
    if slurry.ingredients:
        yield from _particle_facts(particles, of)
        yield from _content_facts(slurry, particles, of)
    if is_slurry is not None:
        contained = [PARTICLES] if particles else []
        yield declared("hrl_slurry", "contains", [*contained, BINDER] if is_binder else contained, "", of)
    for step, coat in _coats(recipe, "heat_resistant")[:1]:
        yield from _layer_facts(recipe, coat, is_slurry, f"{source}, {step.name}")
    if is_slurry is not None and SECONDARY in _uses(recipe.goes_into):
        contained = ["heat-resistant layer of claim 6"] if is_slurry else []
        yield declared("secondary_battery", "contains", contained, "", f"{source}, goes_into")


def _particle_facts(particles: Sequence[Ingredient], source: str) -> Iterator[Fact]:
    """Materials of all non-conductive particles and of the organic ones among them, and their largest diameter."""
    organic = [item.material for item in particles if item.role == "nonconductive_organic_particle"]
    yield declared("nonconductive_organic_particle", "material", organic, "", source)
    if not particles:
        return
    yield declared("nonconductive_particle", "material", [item.material for item in particles], "", source)
    sizes = [item.mean_particle_size_um for item in particles if item.mean_particle_size_um is not None]
    if len(sizes) == len(particles):
        low, high = (min(sizes), max(sizes)) if min(sizes) < max(sizes) else (None, None)
        kind = Evidence.DECLARED
        yield Fact("nonconductive_particle", "D50_volume", max(sizes), "um", kind, source, low=low, high=high)


def _content_facts(slurry: Slurry, particles: Collection[Ingredient], source: str) -> Iterator[Fact]:
    base = math.fsum(item.mass_parts for item in particles)
    for role in CONTENTS if base > 0.0 else ():
        parts = math.fsum(item.mass_parts for item in slurry.ingredients if item.role == role)
        yield declared("hrl_slurry", f"content.{role}", round(100.0 * parts / base, 9), PARTS, source)


def _layer_facts(recipe: Recipe, coat: Coat, is_slurry: bool | None, source: str) -> Iterator[Fact]:
    """What a coating step says of the heat-resistant layer: what of, on what and how it is formed."""
    if is_slurry is not None:
        yield declared("heat_resistant_layer", "formed_from", [CLAIMED_SLURRY] if is_slurry else [], "", source)
    substrate = _substrate(recipe, coat)
    yield declared("heat_resistant_layer", "substrate", [substrate], "", source)
    yield declared("heat_resistant_layer", "formation_method", ["apply slurry then dry"], "", source)
    if substrate == "separator":
        material = recipe.laminate.foils[coat.substrate].material
        yield declared("separator_substrate", "material", [material], "", source)


def _electrode_facts(recipe: Recipe, slurry: Slurry, source: str) -> Iterator[Fact]:
    """The binder, the slurry, the electrode and the battery of the claims of US application 10/030,086."""
    of = f"{source}, {slurry.name or 'slurry'}"
    polymer = _only(polymers_of(recipe, slurry, "binder"))
    is_binder = is_electrode_binder(polymer) if polymer is not None else None
    active = math.fsum(item.mass_parts for item in slurry.ingredients if item.role == "active_material")
    binder = 0.0
    if polymer is not None:
        binder = math.fsum(item.mass_parts for item in slurry.ingredients if item.polymer == polymer.name)
        yield from binder_facts(polymer, source)
        yield from composition_facts(polymer, source)
        yield declared("binder_composition", "solids_mass", binder, "parts", of)
    if slurry.ingredients:
        yield declared("electrode_slurry", "active_material_mass", active, "parts", of)
    if is_binder is not None:
        contained = [*([COMPOSITION] if is_binder else []), *([ACTIVE] if active > 0.0 else [])]
        yield declared("electrode_slurry", "contains", contained, "", of)
    coats = _coats(recipe, "electrode")
    if coats:
        yield declared("electrode", "process_order", ["coat", "dry"], "", f"{source}, {coats[0][0].name}")
    if is_binder is not None and coats and LITHIUM_ION in _uses(recipe.goes_into):
        is_electrode = is_binder and binder > 0.0 and 1.0 <= active / binder <= 1000.0
        contained = ["electrode of claim 9 or 10"] if is_electrode else []
        yield declared("lithium_ion_battery", "contains", contained, "", f"{source}, goes_into")


def _contradictions(recipe: Recipe) -> Iterator[Finding]:
    """Declared facts that say something else than the recipe's own composition does."""
    computed = {(fact.subject, fact.quantity): fact for fact in _computed(recipe)}
    for fact in recipe.facts:
        other = computed.get((fact.subject, fact.quantity))
        if other is None or _same(fact.value, other.value):
            continue
        shown = [value if isinstance(value, float | int) else ", ".join(value) for value in (fact.value, other.value)]
        numbers = [f"{value:.4g}" if isinstance(value, float | int) else value or "nothing" for value in shown]
        what = f"{fact.quantity} of {fact.subject} is declared as {numbers[0]}, but the recipe's composition says"
        key = f"facts[{fact.quantity} of {fact.subject}]"
        yield Finding("error", f"{what} {numbers[1]}", place(recipe, f"{key}.value", key, "facts"))


def _same(first: float | str | tuple[str, ...], second: float | str | tuple[str, ...]) -> bool:
    if isinstance(first, float | int) and isinstance(second, float | int):
        return math.isclose(first, second, rel_tol=_CONTRADICTION)
    return first == second


def _uses(goes_into: Sequence[str]) -> tuple[str, ...]:
    """What a product is for, with the rules' own words added for what means the same."""
    texts = [" ".join(text.lower().replace("-", " ").split()) for text in goes_into]
    found = list(goes_into)
    if any("lithium ion" in text and "battery" in text for text in texts):
        found += [LITHIUM_ION, SECONDARY]  # D(3) of US 12,394,827 B2 counts it among the secondary batteries
    if any(SECONDARY in text for text in texts):
        found.append(SECONDARY)
    return tuple(dict.fromkeys(found))


def _substrate(recipe: Recipe, coat: Coat) -> str:
    """What a layer is coated on: "separator", "electrode", else the foil's own name.

    It is an electrode if a layer of one lies between the foil and the coated layer, or if the foil is called one.
    """
    order = recipe.laminate.order
    if coat.substrate in order and coat.layer in order:
        first, last = sorted((order.index(coat.substrate), order.index(coat.layer)))
        if any(name in _ELECTRODES for name in order[first:last]):
            return "electrode"
    foil = recipe.laminate.foils.get(coat.substrate)
    words = f"{coat.substrate} {foil.material if foil is not None else ''}".lower()
    if any(word in words for word in _SEPARATORS):
        return "separator"
    return "electrode" if "electrode" in words else coat.substrate


def _particle_size(polymer: Polymer, slurry: Slurry) -> float | None:
    """The polymer's own D50, else the one that its ingredient gives."""
    sizes = chain(
        [polymer.mean_particle_size_um],
        (item.mean_particle_size_um for item in slurry.ingredients if item.polymer == polymer.name),
    )
    return next((size for size in sizes if size is not None), None)


def _solids(subject: str, slurry: Slurry, source: str) -> Fact:
    of = f"{source}, {slurry.name or 'slurry'}"
    return declared(subject, "solids_content", round(100.0 * slurry.solids_fraction, 9), "mass%", of)


def _coats(recipe: Recipe, layer: str) -> list[tuple[Step, Coat]]:
    return [(step, step.coat) for step in recipe.steps if step.coat is not None and step.coat.layer == layer]


def _only(items: Sequence[_T]) -> _T | None:
    """The item, if there is exactly one: the rules speak of one, and must not judge another."""
    return items[0] if len(items) == 1 else None
