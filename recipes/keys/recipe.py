"""The keys at the top of a recipe and those of its laminate, in the order of the documentation."""

from __future__ import annotations

from recipes.keys.formulation import FACT, POLYMER, SLURRY
from recipes.keys.kinds import (
    Choice,
    Flag,
    Key,
    Measure,
    Named,
    Number,
    Part,
    Parts,
    Quantity,
    Text,
    Texts,
    optional,
)
from recipes.keys.steps import STEP
from recipes.model import Purpose
from recipes.reader.laminate import COMPONENT_ROLES, LAYERS
from recipes.units import Dimension

COMPONENT = Part(
    "component",
    (
        Key("material", Text(), "Name of the material."),
        Key("role", Choice(COMPONENT_ROLES), "What it does in its layer; rules ask by role."),
        optional("mass_parts", Number(), "Parts by mass, relative to the layer's other components."),
        optional("mean_particle_size", Quantity(Dimension.THICKNESS), "Mean particle size."),
    ),
)
LAYER = Part(
    "layer",
    (
        Key("components", Parts(COMPONENT), "The materials of the layer."),
        Key("porosity", Quantity(Dimension.SHARE), "As coated, before any pressing; between 0 and 100 %."),
        optional(
            "porosity_uncertainty",
            Quantity(Dimension.SHARE),
            "One standard uncertainty of the porosity in points; 1 % if it is left out.",
        ),
        Key("coating_weight", Quantity(Dimension.COATING_WEIGHT), "Dry mass on an area."),
        Key(
            "true_density",
            Quantity(Dimension.DENSITY),
            "Of the mix without pores; with the coating weight it gives the height of solid that pressing keeps.",
        ),
        optional("composite_modulus", Quantity(Dimension.MODULUS), "Before pressing."),
        optional("quoted_thickness", Quantity(Dimension.THICKNESS), "What a source prints; nothing is computed of it."),
    ),
)
FOIL = Part(
    "foil",
    (
        Key("material", Text(), "Name of the material."),
        Key("thickness", Quantity(Dimension.THICKNESS), "Thickness of the dense sheet."),
        Key("density", Quantity(Dimension.DENSITY), "Density of the dense sheet."),
    ),
)
LAYERS_BY_NAME = Part("layers", tuple(optional(name, LAYER, f"The layer {name}, as coated.") for name in LAYERS))
LAMINATE = Part(
    "laminate",
    (
        Key("area", Quantity(Dimension.AREA), "Area that is pressed."),
        Key(
            "order",
            Texts(),
            "All layers and foils of the finished laminate, from the cathode's collector to the negative electrode's;"
            " foils that are peeled off do not belong here.",
        ),
        Key("layers", LAYERS_BY_NAME, "The porous layers by name."),
        Key("foils", Named(FOIL), "Dense sheets by names of your own: collectors, metal layers, support sheets."),
    ),
)
OWN_BOUND = Part(
    "own_bound",
    (
        optional("at_least", Measure(), "The value must be this or more; in the rule's unit."),
        optional("at_most", Measure(), "The value must be this or less; in the rule's unit."),
        optional("required", Flag(), "yes makes an advisory rule binding for this recipe."),
    ),
)
DECISION_RULE = Part(
    "decision_rule",
    (
        Key(
            "acceptance",
            Choice(("simple", "guarded")),
            "simple: the value decides. guarded: it must lie inside its bound with the given confidence.",
        ),
        optional("confidence", Quantity(Dimension.SHARE), "Between 50 and 100 %; only with guarded acceptance."),
    ),
)
ACCEPT_ESTIMATES = Part(
    "accept_estimates",
    (
        Key(
            "rules", Texts(), "Rules for which a law's estimate is accepted where the laboratory's value is asked for."
        ),
        Key("by", Text(), "Who accepts them, by name."),
        Key("reason", Text(), "Why."),
    ),
)
RECIPE = Part(
    "recipe",
    (
        Key("recipe", Text("[a-z0-9]+(?:-[a-z0-9]+)*"), "Name of the recipe: small letters, digits and hyphens."),
        Key("title", Text(), "One line for people."),
        optional("purpose", Choice(tuple(purpose.value for purpose in Purpose)), "production if it is left out."),
        optional("reason", Text(), "Why a comparative recipe exists; needed there, not allowed elsewhere."),
        Key(
            "basis",
            Texts(),
            "Rule packs that the recipe is judged by: shipped ones by name, others by the path of their CSV file,"
            " relative to the recipe.",
        ),
        optional("sources", Texts(may_be_empty=True), "Where the recipe comes from, in words."),
        optional("goes_into", Texts(may_be_empty=True), "What the product is for: a text or a list."),
        optional("decision_rule", DECISION_RULE, "How a measured value is decided on; simple if it is left out."),
        optional("accept_estimates", ACCEPT_ESTIMATES, "Estimates that stand in for the laboratory's values."),
        optional(
            "rules",
            Named(OWN_BOUND),
            "The recipe's own, stricter bounds by rule; looser ones only in a comparative recipe.",
        ),
        optional("polymers", Named(POLYMER), "Polymers by names of your own."),
        optional("slurries", Named(SLURRY), "Slurries by names of your own."),
        optional("facts", Parts(FACT), "What is known of a material, in a rule pack's terms."),
        Key("laminate", LAMINATE, "What is made."),
        Key("steps", Parts(STEP), "How it is made."),
    ),
)
