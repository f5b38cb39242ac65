"""The keys of polymers, slurries and facts, in the order of the documentation."""

from __future__ import annotations

from recipes.keys.kinds import Choice, Count, FactValue, Key, Measure, Number, Part, Parts, Quantity, Text, optional
from recipes.reader.formulation import INGREDIENT_ROLES
from recipes.units import Dimension

STRUCTURE = Part(
    "structure",
    (
        Key("r1", Choice(("hydrogen", "alkyl", "halogen")), "R1 of formula (1), CH2=C(R1)-COO-(CHR3-CHR4-O)n-R2."),
        optional("r1_carbons", Count(), "Carbon atoms of R1, if it is an alkyl group."),
        Key("r2", Choice(("alkyl", "aryl")), "R2 of formula (1)."),
        Key("r2_carbons", Count(), "Carbon atoms of R2."),
        Key("r3", Choice(("hydrogen", "methyl")), "R3 of formula (1)."),
        Key("r4", Choice(("hydrogen", "methyl")), "R4 of formula (1)."),
        Key("n", Count(), "Number of repeated units in formula (1)."),
    ),
)
MONOMER = Part(
    "monomer",
    (
        Key("monomer", Text(), "Name of the monomer."),
        optional("mass_parts", Number(), "Parts by mass, relative to the polymer's other monomers."),
        optional("mole_fraction", Number(most=1.0), "Share of all monomers by amount of substance, 0 to 1."),
        optional("structure", STRUCTURE, "Substituents of a monomer of formula (1) of the binder claims."),
    ),
)
POLYMER = Part(
    "polymer",
    (
        Key("medium", Text(), "The liquid that the polymer is dispersed in."),
        optional("mean_particle_size", Quantity(Dimension.THICKNESS), "Volume-average D50."),
        optional("content", Quantity(Dimension.SHARE), "The polymer's share of the binder composition by mass."),
        Key("monomers", Parts(MONOMER), "All with mass_parts, or all with mole_fraction."),
    ),
)
INGREDIENT = Part(
    "ingredient",
    (
        optional("material", Text(), "Name of the material; the polymer's name if it is left out."),
        optional("polymer", Text(), "Which of the polymers it is."),
        Key("role", Choice(INGREDIENT_ROLES), "What it does in the slurry; rules ask by role."),
        Key("mass_parts", Number(), "Parts by mass of solids, relative to the slurry's other ingredients."),
        optional("mean_particle_size", Quantity(Dimension.THICKNESS), "Mean particle size."),
    ),
)
_LIQUID = (
    Key("solvent", Text(), "Name of the dispersion medium."),
    Key("solids", Quantity(Dimension.SHARE), "Solids by mass."),
    Key("solvent_density", Quantity(Dimension.DENSITY), "Density of the dispersion medium."),
)
SLURRY_IN_PLACE = Part("slurry_in_place", _LIQUID)
SLURRY = Part(
    "slurry", (*_LIQUID, Key("ingredients", Parts(INGREDIENT), "The solids: materials, roles and parts by mass."))
)
FACT = Part(
    "fact",
    (
        Key("of", Text(), "What it is known of, in a rule pack's terms: particulate_polymer."),
        Key("quantity", Text(), "Which quantity, in a rule pack's terms: swelling_in_electrolyte."),
        Key("value", FactValue(), "A number with the rule's unit, or a list of texts."),
        optional("uncertainty", Measure(), "One standard uncertainty, in the value's unit."),
        Key("source", Text(), "Where it is known from."),
    ),
)
