"""What a recipe says of its materials: polymers, slurries and their ingredients, and facts in a rule pack's terms."""

from __future__ import annotations

import math
from collections.abc import Mapping

from recipes.model import DeclaredFact, Ingredient, Monomer, Polymer, Slurry, Structure
from recipes.reader.mapping import QUANTITY_OF, MappingReader
from recipes.units import Dimension

INGREDIENT_ROLES = (
    "nonconductive_particle",
    "nonconductive_organic_particle",
    "particulate_polymer",
    "water_soluble_polymer",
    "dispersant",
    "wetting_agent",
    "active_material",
    "conductive_aid",
    "binder",
    "thickener",
)
"""What a solid does in its slurry; rules on contents ask by role."""
EXPECTED_VALUE = "a number with the rule's unit such as 3.9 x, or a list of texts"
NO_SLURRY = Slurry("", 0.5, 1.0)


def read_polymers(reader: MappingReader | None) -> Mapping[str, Polymer]:
    """The polymers by name."""
    if reader is None:
        return {}
    items = {name: reader.mapping(name, "a polymer: medium and monomers") for name in reader.names()}
    return {name: _polymer(name, item) for name, item in items.items() if item is not None}


def _polymer(name: str, reader: MappingReader) -> Polymer:
    monomers = tuple(_monomer(item) for item in reader.mappings("monomers", "a list of monomers", "monomer"))
    if len({monomer.mole_fraction is None for monomer in monomers}) > 1:
        reader.wrong("monomers", "some monomers have a mole_fraction, others mass_parts", "the same for all of them")
    polymer = Polymer(
        name=name,
        monomers=monomers,
        medium=reader.text("medium"),
        mean_particle_size_um=_optional(reader, "mean_particle_size", Dimension.THICKNESS),
        content_pct=_optional(reader, "content", Dimension.SHARE, below=100.0),
    )
    reader.finish()
    return polymer


def _monomer(reader: MappingReader) -> Monomer:
    fraction, parts = reader.number("mole_fraction", 0.0, above=0.0), reader.number("mass_parts", 0.0, above=0.0)
    if reader.has("mole_fraction") is reader.has("mass_parts"):
        reader.document.error(reader.place, "a monomer's share", reader.path, "either mole_fraction or mass_parts")
    if reader.has("mole_fraction") and fraction > 1.0:
        reader.wrong("mole_fraction", f"{fraction:g} is more than the whole", "a number of at most 1")
    structure = reader.mapping("structure", "r1, r2, r3, r4 and n of formula (1)", needed=False)
    monomer = Monomer(
        name=reader.text("monomer"),
        mole_fraction=fraction if reader.has("mole_fraction") else None,
        mass_parts=parts if reader.has("mass_parts") else None,
        structure=None if structure is None else _structure(structure),
    )
    reader.finish()
    return monomer


def _structure(reader: MappingReader) -> Structure:
    r1 = reader.choice("r1", ("hydrogen", "alkyl", "halogen"))
    r1_carbons = _count(reader, "r1_carbons", needed=r1 == "alkyl")
    if reader.has("r1_carbons") and r1 != "alkyl":
        reader.wrong("r1_carbons", f"{r1} has no carbon atoms")
    structure = Structure(
        r1=r1,
        r2=reader.choice("r2", ("alkyl", "aryl")),
        r3=reader.choice("r3", ("hydrogen", "methyl")),
        r4=reader.choice("r4", ("hydrogen", "methyl")),
        n=_count(reader, "n", needed=True) or 0,
        r1_carbons=r1_carbons,
        r2_carbons=_count(reader, "r2_carbons", needed=True),
    )
    reader.finish()
    return structure


def _count(reader: MappingReader, key: str, *, needed: bool) -> int | None:
    """A whole number from 1."""
    value = reader.number(key, None if needed else 0.0, above=0.0)
    if not reader.has(key) or not math.isfinite(value):
        return None
    if value != int(value):
        reader.wrong(key, f"{value:g} is no count", "a whole number")
    return int(value)


def read_slurries(reader: MappingReader | None, polymers: Mapping[str, Polymer]) -> Mapping[str, Slurry]:
    """The slurries by name."""
    if reader is None:
        return {}
    items = {name: reader.mapping(name, "a slurry: solvent, solids, ingredients") for name in reader.names()}
    return {name: read_slurry(item, name, polymers) for name, item in items.items() if item is not None}


def read_slurry(reader: MappingReader | None, name: str = "", polymers: Mapping[str, Polymer] | None = None) -> Slurry:
    """One slurry; only a named one has ingredients."""
    if reader is None:
        return NO_SLURRY
    ingredients: tuple[Ingredient, ...] = ()
    if name:
        items = reader.mappings("ingredients", "a list of ingredients", "material")
        ingredients = tuple(_ingredient(item, polymers or {}) for item in items)
    slurry = Slurry(
        solvent=reader.text("solvent"),
        solids_fraction=reader.quantity("solids", Dimension.SHARE, above=0.0, below=100.0) / 100.0,
        solvent_density_g_cm3=reader.quantity("solvent_density", Dimension.DENSITY, above=0.0),
        name=name,
        ingredients=ingredients,
    )
    reader.finish()
    return slurry


def _ingredient(reader: MappingReader, polymers: Mapping[str, Polymer]) -> Ingredient:
    polymer = ""
    if reader.has("polymer"):
        polymer = reader.choice("polymer", polymers) if polymers else reader.text("polymer")
        if not polymers:
            reader.wrong("polymer", f"the recipe has no polymer {polymer!r}", "a name under polymers")
    ingredient = Ingredient(
        material=reader.text("material", polymer or None),
        role=reader.choice("role", INGREDIENT_ROLES),
        mass_parts=reader.number("mass_parts", above=0.0),
        mean_particle_size_um=_optional(reader, "mean_particle_size", Dimension.THICKNESS),
        polymer=polymer or None,
    )
    reader.know("polymer")
    reader.finish()
    return ingredient


def _optional(reader: MappingReader, key: str, dimension: Dimension, below: float = math.inf) -> float | None:
    value = reader.quantity(key, dimension, 0.0, above=0.0, below=below)
    return value if reader.has(key) else None


def read_facts(top: MappingReader) -> tuple[DeclaredFact, ...]:
    """Facts that the author declares in the terms of the rule packs."""
    top.know("facts")
    if not top.has("facts"):
        return ()
    found: dict[tuple[str, str], DeclaredFact] = {}
    for item in top.mappings("facts", "a list of facts: of, quantity, value, source", QUANTITY_OF):
        fact = _fact(item)
        if (fact.subject, fact.quantity) in found:
            item.wrong("quantity", f"{fact.quantity} of {fact.subject} is declared twice")
        found[fact.subject, fact.quantity] = fact
    return tuple(found.values())


def _fact(reader: MappingReader) -> DeclaredFact:
    value: float | tuple[str, ...]
    unit, uncertainty = "", None
    if reader.is_list("value"):
        value = reader.texts("value")
    else:
        value, unit = reader.measure("value", EXPECTED_VALUE)
    reader.know("uncertainty")
    if reader.has("uncertainty"):
        uncertainty, its_unit = reader.measure("uncertainty", f"a number in {unit}")
        if its_unit != unit:
            reader.wrong("uncertainty", f"{its_unit!r} is not the value's unit", f"a number in {unit}")
        elif not uncertainty >= 0.0:
            reader.wrong("uncertainty", f"{uncertainty:g} is negative", "one standard uncertainty")
    fact = DeclaredFact(reader.text("of"), reader.text("quantity"), value, unit, reader.text("source"), uncertainty)
    reader.finish()
    return fact
