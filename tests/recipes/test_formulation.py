"""What slurries and polymers are made of, as facts in the rules' own terms, and the library recipes made of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from recipes.formulation import PARTS, formulation_findings
from recipes.model import Ingredient, Monomer, Polymer
from recipes.plan import make_plan
from tests.recipes.formulated import (
    CLAIMS,
    EXAMPLE_1,
    by_mole,
    ether,
    facts_of,
    values_of,
    with_binder,
    with_particulate,
    with_parts,
    with_slurry,
)
from tests.recipes.library import LIBRARY, LINE, shipped

# ---- the heat-resistant layer ----


def test_facts_of_example_1() -> None:
    recipe = shipped("zeon-example-1")
    values, facts = values_of(recipe), facts_of(recipe)
    numbers = {
        "particulate_polymer:mole_fraction.(meth)acrylic_ester": 0.8698,
        "particulate_polymer:mole_fraction.cyano": 0.0502,
        "particulate_polymer:mole_fraction.hydroxyl": 0.0300,
        "particulate_polymer:mole_fraction.acidic": 0.0296,
        "particulate_polymer:mole_fraction.acid_amide": 0.0205,
        "particulate_polymer:mole_fraction.crosslinkable": 0.0,
        "particulate_polymer:mole_fraction.aromatic_vinyl": 0.0,
        "particulate_polymer:M_OH/S": 0.5643,
        "particulate_polymer:D50_volume": 0.13,
        "particulate_polymer:swelling_in_electrolyte": 3.9,
        "particulate_polymer:water_insoluble_content": 90.0,
        "water_soluble_polymer:water_insoluble_content": 0.5,
        "binder_composition:polymer_content": 41.7,
        "dispersion_medium:boiling_point_1atm": 100.0,
        "nonconductive_particle:D50_volume": 0.3,
        "hrl_slurry:content.particulate_polymer": 4.0,
        "hrl_slurry:content.water_soluble_polymer": 1.5,
        "hrl_slurry:content.wetting_agent": 0.3,
        "hrl_slurry:content.dispersant": 0.5,
        "hrl_slurry:solids_content": 40.0,
    }
    texts = {
        "particulate_polymer:contains": ("cyano group-containing unit", "hydroxyl group-containing unit"),
        "particulate_polymer:hydroxyl_monomer": ("NMA",),
        "particulate_polymer:(meth)acrylic_ester_monomer": ("n-butyl acrylate",),
        "binder_composition:dispersion_medium": ("water",),
        "nonconductive_particle:material": ("alumina",),
        "nonconductive_organic_particle:material": (),
        "hrl_slurry:contains": ("non-conductive particles", "binder of claim 1"),
        "heat_resistant_layer:formed_from": ("slurry of claim 4",),
        "heat_resistant_layer:substrate": ("separator",),
        "heat_resistant_layer:formation_method": ("apply slurry then dry",),
        "separator_substrate:material": ("polyethylene microporous membrane",),
        "product:goes_into": ("secondary battery",),
        "secondary_battery:contains": ("heat-resistant layer of claim 6",),
    }
    assert set(values) == set(numbers) | set(texts)
    assert {key: values[key] for key in texts} == texts
    assert {key: values[key] for key in numbers} == pytest.approx(numbers, abs=5e-5)
    units_ = {facts[("particulate_polymer", key)].unit for key in ("mole_fraction.cyano", "M_OH/S", "D50_volume")}
    assert units_ == {"-", "um^-2", "um"}
    assert facts[("hrl_slurry", "content.dispersant")].unit == PARTS
    assert facts[("hrl_slurry", "solids_content")].unit == "mass%"
    source = facts[("particulate_polymer", "M_OH/S")].source
    assert source == "recipe zeon-example-1, polymer A, from its monomers' mass parts, and a sphere of 0.13 um"


ZEON = ("1", "2", "3", "4", "5", "6", "7", "8", "12")
PRINTED = {"1": 0.57, "2": 0.40, "3": 0.57, "4": 0.57, "5": 0.57, "6": 0.57, "7": 1.51, "8": 0.57, "12": 0.57}
"""M_OH/S of Table 1; Examples 8 and 12 have polymer A."""


@pytest.mark.parametrize("example", ZEON)
def test_library_of_heat_resistant_layers(example: str) -> None:
    recipe = shipped(f"zeon-example-{example}")
    assert list(formulation_findings(recipe)) == []
    found = values_of(recipe)["particulate_polymer:M_OH/S"]
    assert isinstance(found, float)
    assert found == pytest.approx(PRINTED[example], abs=0.006)  # polymer A's mass parts give 0.0300 at four decimals
    assert values_of(recipe)["hrl_slurry:contains"] == ("non-conductive particles", "binder of claim 1")
    layer = recipe.laminate.layers["heat_resistant"]
    assert layer.coated_thickness_um == pytest.approx(2.0, rel=0.005)


@pytest.mark.parametrize(
    ("example", "hydroxyl", "cyano"),
    [("3", ("b-HEA",), 0.05), ("5", ("HEMA",), 0.05), ("6", ("NMA",), 0.05), ("7", ("NMA", "b-HEA"), 0.05)],
)
def test_hydroxyl_monomers_of_the_examples(example: str, hydroxyl: tuple[str, ...], cyano: float) -> None:
    values = values_of(shipped(f"zeon-example-{example}"))
    assert values["particulate_polymer:hydroxyl_monomer"] == hydroxyl
    assert values["particulate_polymer:mole_fraction.cyano"] == cyano
    assert values["particulate_polymer:mole_fraction.hydroxyl"] == (0.08 if example == "7" else 0.03)


@pytest.mark.parametrize(
    "polymer",
    [
        by_mole("no cyano", ("NMA", 0.03), ("BA", 0.97)),
        by_mole("no hydroxyl", ("AN", 0.05), ("BA", 0.95)),
        by_mole("much cyano", ("AN", 0.08), ("NMA", 0.03), ("BA", 0.89)),
        by_mole("little ester", ("AN", 0.05), ("NMA", 0.03), ("St", 0.42), ("BA", 0.50)),
        by_mole("large particles", ("AN", 0.05), ("NMA", 0.03), ("BA", 0.92), d50_um=0.2),
    ],
    ids=lambda polymer: polymer.name,
)
def test_a_binder_that_is_not_that_of_claim_1(polymer: Polymer) -> None:
    values = values_of(with_particulate(shipped(EXAMPLE_1), polymer))
    assert values["hrl_slurry:contains"] == ("non-conductive particles",)
    assert values["heat_resistant_layer:formed_from"] == ()
    assert values["secondary_battery:contains"] == ()


def test_what_is_not_known_is_not_said() -> None:
    unknown = by_mole("P", ("AN", 0.05), ("NMA", 0.03), ("BA", 0.92), d50_um=None)
    values = values_of(with_particulate(shipped(EXAMPLE_1), unknown))
    assert "particulate_polymer:D50_volume" not in values
    assert "particulate_polymer:M_OH/S" not in values
    assert "hrl_slurry:contains" not in values
    assert "heat_resistant_layer:formed_from" not in values
    assert "secondary_battery:contains" not in values
    assert values["particulate_polymer:mole_fraction.hydroxyl"] == 0.03
    assert values["heat_resistant_layer:substrate"] == ("separator",)


def test_esters_of_formula_1_are_acrylic_esters_as_well() -> None:
    mixed = by_mole("P", ("AN", 0.05), ("NMA", 0.03), ("BA", 0.42), ("methoxy diethylene glycol acrylate", 0.5))
    values = values_of(with_particulate(shipped(EXAMPLE_1), mixed))
    assert values["particulate_polymer:mole_fraction.(meth)acrylic_ester"] == 0.92
    assert values["particulate_polymer:(meth)acrylic_ester_monomer"] == (
        "n-butyl acrylate",
        "methoxy diethylene glycol acrylate",
    )


def test_what_a_slurry_does_not_have_is_0_or_empty() -> None:
    recipe = with_parts("dispersant", 0.0, with_parts("wetting_agent", 0.0, shipped(EXAMPLE_1)))
    values = values_of(with_parts("nonconductive_particle", 50.0, recipe))
    assert values["hrl_slurry:content.dispersant"] == 0.0
    assert values["hrl_slurry:content.wetting_agent"] == 0.0
    assert values["hrl_slurry:content.particulate_polymer"] == 8.0
    assert values_of(with_parts("particulate_polymer", 0.0, recipe))["hrl_slurry:contains"] == (
        "non-conductive particles",
    )


def test_organic_particles_are_non_conductive_particles_too() -> None:
    organic = Ingredient("cross-linked polystyrene", "nonconductive_organic_particle", 100.0, 0.5)
    recipe = with_slurry(lambda it: replace(it, ingredients=(*it.ingredients, organic)), shipped(EXAMPLE_1))
    facts = facts_of(recipe)
    assert facts[("nonconductive_organic_particle", "material")].value == ("cross-linked polystyrene",)
    assert facts[("nonconductive_particle", "material")].value == ("alumina", "cross-linked polystyrene")
    size = facts[("nonconductive_particle", "D50_volume")]
    assert (size.value, size.low, size.high) == (0.5, 0.3, 0.5)
    assert facts[("hrl_slurry", "content.particulate_polymer")].value == 2.0


@pytest.mark.parametrize(
    ("foil", "material", "order", "substrate"),
    [
        ("membrane", "polyethylene non-woven", ("membrane", "heat_resistant"), "separator"),
        ("support_sheet", "PET", ("heat_resistant",), "support_sheet"),
        ("copper", "copper", ("copper", "negative_electrode", "heat_resistant"), "electrode"),
        ("graphite electrode", "graphite", ("graphite electrode", "heat_resistant"), "electrode"),
    ],
)
def test_what_the_layer_is_coated_on(foil: str, material: str, order: tuple[str, ...], substrate: str) -> None:
    recipe = shipped(EXAMPLE_1)
    old = recipe.laminate.foils["separator"]
    laminate = replace(recipe.laminate, foils={foil: replace(old, name=foil, material=material)}, order=order)
    steps = tuple(s if s.coat is None else replace(s, coat=replace(s.coat, substrate=foil)) for s in recipe.steps)
    values = values_of(replace(recipe, laminate=laminate, steps=steps))
    assert values["heat_resistant_layer:substrate"] == (substrate,)
    assert ("separator_substrate:material" in values) is (substrate == "separator")


def test_a_recipe_without_steps_has_its_slurry() -> None:
    values = values_of(replace(shipped(EXAMPLE_1), steps=()))
    assert values["hrl_slurry:contains"] == ("non-conductive particles", "binder of claim 1")
    assert "heat_resistant_layer:formed_from" not in values


@pytest.mark.parametrize(
    ("goes_into", "meant"),
    [
        ((), ()),
        (("capacitor",), ("capacitor",)),
        (("Secondary battery of a car",), ("Secondary battery of a car", "secondary battery")),
        (("Lithium-ion battery",), ("Lithium-ion battery", "lithium ion battery", "secondary battery")),
        (("lithium ion battery",), ("lithium ion battery", "secondary battery")),
    ],
)
def test_what_a_product_is_for_in_the_rules_words(goes_into: tuple[str, ...], meant: tuple[str, ...]) -> None:
    values = values_of(replace(shipped(EXAMPLE_1), goes_into=goes_into))
    assert values["product:goes_into"] == meant
    assert ("secondary_battery:contains" in values) is ("secondary battery" in meant)


def test_recipes_of_the_other_source_have_no_such_facts() -> None:
    recipe = shipped("honda-example-1")
    assert values_of(recipe) == {"product:goes_into": recipe.goes_into}
    assert list(formulation_findings(recipe)) == []


# ---- electrodes ----


@pytest.mark.parametrize(
    ("name", "subject", "solids"),
    [("zeon-negative-electrode", "neg_slurry", 55.0), ("zeon-positive-electrode", "pos_slurry", 67.0)],
)
def test_facts_of_the_electrodes(name: str, subject: str, solids: float) -> None:
    recipe = shipped(name)
    assert list(formulation_findings(recipe)) == []
    assert values_of(recipe) == {"product:goes_into": ("secondary battery",), f"{subject}:solids_content": solids}


def test_facts_of_the_binder_claims() -> None:
    recipe = shipped(CLAIMS)
    assert list(formulation_findings(recipe)) == []
    facts = facts_of(recipe)
    assert values_of(recipe) == {
        "product:goes_into": ("lithium ion battery", "secondary battery"),
        "binder_polymer:contains": ("formula (1) units", "dispersed in a liquid medium"),
        "binder_polymer:mass_fraction.formula(1)_units": 20.0,
        "binder_polymer:mass_fraction.(meth)acrylate_formula(3)_units": 70.0,
        "binder_polymer:mass_fraction.polar_monomer_units": 7.0,
        "binder_polymer:mass_fraction.crosslinking_units": 3.0,
        "binder_polymer:gel_content_in_electrolyte": 90.0,
        "binder_polymer:gel_content_in_dispersion_medium": 95.0,
        "formula(1).R1:substituent": ("alkyl",),
        "formula(1).R1:carbon_atoms": 1.0,
        "formula(1).R2:substituent": ("alkyl",),
        "formula(1).R2:carbon_atoms": 1.0,
        "formula(1).R3,R4:substituents": ("both hydrogen",),
        "formula(1):n": 2.0,
        "formula(3).R6:carbon_atoms": 8.0,
        "polar_monomer:type": ("cyano group-containing", "unsaturated monocarboxylic acid"),
        "binder_composition:dispersion_medium": ("water",),
        "binder_composition:polymer_content": 40.0,
        "binder_composition:solids_mass": 2.5,
        "dispersion_medium:boiling_point_1atm": 100.0,
        "electrode_slurry:contains": ("binder composition of claims 1 to 6", "active material"),
        "electrode_slurry:active_material_mass": 96.0,
        "electrode:process_order": ("coat", "dry"),
        "lithium_ion_battery:contains": ("electrode of claim 9 or 10",),
    }
    assert facts[("binder_polymer", "mass_fraction.formula(1)_units")].unit == "wt%"
    assert facts[("formula(1)", "n")].unit == ""
    assert facts[("electrode_slurry", "active_material_mass")].unit == "parts"
    assert facts[("binder_composition", "solids_mass")].unit == "parts"


def test_several_monomers_of_formula_1_have_extremes() -> None:
    first = ether("one", r1="hydrogen", r1_carbons=None, n=3)
    second, third = ether("two", r1_carbons=3, r2_carbons=12, n=9), ether("three", r4="methyl")
    facts = facts_of(
        with_binder(first, second, third, Monomer("EA", mass_parts=30.0), Monomer("2EHA", mass_parts=40.0))
    )
    assert facts[("formula(1).R1", "substituent")].value == ("hydrogen", "alkyl")
    shown = {
        key: (facts[key].value, facts[key].low, facts[key].high)
        for key in (
            ("formula(1).R1", "carbon_atoms"),
            ("formula(1).R2", "carbon_atoms"),
            ("formula(1)", "n"),
            ("formula(3).R6", "carbon_atoms"),
        )
    }
    assert list(shown.values()) == [(3.0, 1.0, 3.0), (12.0, 1.0, 12.0), (9.0, 2.0, 9.0), (8.0, 2.0, 8.0)]
    assert facts[("formula(1).R3,R4", "substituents")].value == ("both hydrogen", "hydrogen and methyl")
    assert facts[("binder_polymer", "mass_fraction.formula(1)_units")].value == 30.0


@pytest.mark.parametrize(
    ("changes", "subject", "quantity", "value"),
    [
        ({"r1": "halogen", "r1_carbons": None}, "formula(1).R1", "substituent", ("halogen",)),
        ({"r2": "aryl", "r2_carbons": 6}, "formula(1).R2", "carbon_atoms", 6.0),
        ({"r3": "methyl", "r4": "methyl"}, "formula(1).R3,R4", "substituents", ("both methyl",)),
    ],
)
def test_substituents(changes: dict[str, object], subject: str, quantity: str, value: object) -> None:
    facts = facts_of(with_binder(ether("one", **changes), Monomer("BA", mass_parts=90.0)))
    assert facts[(subject, quantity)].value == value
    assert (("formula(1).R1", "carbon_atoms") in facts) is ("r1" not in changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"r1_carbons": 5},
        {"r2_carbons": 21},
        {"r2": "aryl", "r2_carbons": 5},
        {"r3": "methyl", "r4": "methyl"},
        {"n": 51},
    ],
)
def test_a_binder_beyond_formula_1(changes: dict[str, object]) -> None:
    values = values_of(with_binder(ether("one", **changes), Monomer("BA", mass_parts=90.0)))
    assert values["electrode_slurry:contains"] == ("active material",)
    assert values["lithium_ion_battery:contains"] == ()
    edge = values_of(with_binder(ether("one", r1_carbons=4, r2_carbons=20, r3="methyl", n=50)))
    assert edge["electrode_slurry:contains"] == ("binder composition of claims 1 to 6", "active material")


def test_a_binder_without_formula_1() -> None:
    values = values_of(with_binder(Monomer("BA", mass_parts=99.0), Monomer("AAm", mass_parts=1.0)))
    assert values["binder_polymer:contains"] == ("dispersed in a liquid medium",)
    assert values["binder_polymer:mass_fraction.formula(1)_units"] == 0.0
    assert values["electrode_slurry:contains"] == ("active material",)
    assert values["polar_monomer:type"] == ("unsaturated carboxylic acid amide",)  # none of the kinds of claim 3
    assert "formula(1):n" not in values


@pytest.mark.parametrize(("parts", "claimed"), [(2.4, False), (2.5, True), (2500.0, True), (2501.0, False)])
def test_claim_8_bounds_the_active_material(parts: float, claimed: bool) -> None:
    values = values_of(with_parts("active_material", parts, shipped(CLAIMS)))
    assert bool(values["lithium_ion_battery:contains"]) is claimed
    assert values["electrode_slurry:active_material_mass"] == parts


def test_an_unknown_medium_keeps_its_name_and_has_no_boiling_point() -> None:
    values = values_of(with_binder(ether("one"), Monomer("BA", mass_parts=90.0), medium="anisole"))
    assert values["binder_composition:dispersion_medium"] == ("anisole",)
    assert "dispersion_medium:boiling_point_1atm" not in values
    nmp = values_of(with_binder(ether("one"), medium="N-methyl-2-pyrrolidone"))
    assert nmp["binder_composition:dispersion_medium"] == ("NMP",)
    assert nmp["dispersion_medium:boiling_point_1atm"] == 202.5


# ---- the library as plans ----


@pytest.mark.parametrize("name", [*(f"zeon-example-{n}" for n in ZEON), "zeon-negative-electrode", CLAIMS])
def test_the_library_is_accepted(name: str) -> None:
    plan = make_plan(shipped(name), LINE)
    assert {finding.level for finding in plan.findings} <= {"advice"}
    assert {judgement.verdict.value for judgement in plan.judgements if judgement.severity.binding} <= {"pass"}


def test_the_positive_electrodes_oven_is_not_the_negative_electrodes() -> None:
    plan = make_plan(shipped("zeon-positive-electrode"), LINE)
    found = [finding.message for finding in plan.findings if finding.level == "consistency"]
    assert len(found) == 2
    assert all("which would be a zone of 0.4 m" in message for message in found)


def test_the_examples_are_those_of_table_1() -> None:
    names = {path.stem for path in LIBRARY.glob("zeon-*.yaml")}
    assert names == {*(f"zeon-example-{n}" for n in ZEON), "zeon-negative-electrode", "zeon-positive-electrode"}
