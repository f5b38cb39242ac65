"""What is wrong or odd with polymers and slurries, told at its place."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from recipes.formulation import formulation_findings
from recipes.load import load_recipe
from recipes.model import DeclaredFact, Ingredient, Monomer, Recipe, Slurry
from tests.recipes.formulated import (
    CLAIMS,
    ETHER,
    EXAMPLE_1,
    A,
    ether,
    messages,
    values_of,
    with_binder,
    with_parts,
    with_polymer,
    with_slurry,
)
from tests.recipes.library import edited, line_of, shipped


def test_an_unknown_monomer_is_told_at_its_place(tmp_path: Path) -> None:
    file = edited(tmp_path, ("monomer: n-butyl acrylate", "monomer: n-butil acrylate"), name=EXAMPLE_1)
    recipe = load_recipe(file)
    found = list(formulation_findings(recipe))
    assert [(finding.level, finding.message) for finding in found] == [
        ("error", "unknown monomer 'n-butil acrylate', the nearest one known is n-butyl acrylate")
    ]
    assert found[0].location is not None
    assert found[0].location.line == line_of(file, "n-butil")
    values = values_of(recipe)
    assert not any(key.startswith("particulate_polymer:mole") for key in values)
    assert "hrl_slurry:contains" not in values


def test_mole_fractions_that_do_not_sum_are_told_at_their_place(tmp_path: Path) -> None:
    file = edited(tmp_path, ("mole_fraction: 0.879", "mole_fraction: 0.779"), name="zeon-example-2")
    found = list(formulation_findings(load_recipe(file)))
    assert [finding.message for finding in found] == ["the mole fractions of polymer B sum to 0.9, not to 1"]
    assert found[0].level == "error"
    assert found[0].location is not None
    assert found[0].location.line == line_of(file, "monomers:") + 1


def test_structures_that_cannot_be_judged() -> None:
    lacking = with_binder(ether("one", r1_carbons=None), ether("two", r2_carbons=None))
    assert messages(lacking) == ["the structure of one lacks r1_carbons", "the structure of two lacks r2_carbons"]
    assert "electrode_slurry:contains" not in values_of(lacking)
    other = with_binder(replace(ether("methoxy diethylene glycol methacrylate"), structure=replace(ETHER, n=3)))
    assert messages(other) == [
        "methoxy diethylene glycol methacrylate is a monomer of another structure than the one given"
    ]
    assert messages(with_binder(ether("methyl acrylate"))) == [
        "methyl acrylate is a monomer of another structure than the one given"
    ]
    assert messages(with_binder(ether("BA"), Monomer("butyl acrylate", mass_parts=1.0)))[-1] == (
        "n-butyl acrylate is there twice"
    )


def test_what_is_only_odd() -> None:
    moles = (replace(ether("one"), mass_parts=None, mole_fraction=0.5), Monomer("BA", mole_fraction=0.5))
    assert messages(with_binder(*moles), "advice") == [
        "no mass fractions of acrylate binder: the molar mass of one is not known"
    ]
    both = with_binder(ether("one"), ether("two", r2="aryl", r2_carbons=6), Monomer("butadiene", mass_parts=1.0))
    assert messages(both, "advice") == [
        "no mole fractions of acrylate binder: the molar mass of one, two is not known",
        "R2 of acrylate binder is an alkyl group in one monomer and an aryl group in another; a rule judges one",
        "1,3-butadiene is none of the units that claim 2 of US application 10/030,086 bounds",
    ]
    assert "formula(1).R2:carbon_atoms" not in values_of(both)
    oily = with_binder(*shipped(CLAIMS).polymers["acrylate binder"].monomers, medium="NMP")
    assert messages(oily, "advice") == ["acrylate binder is dispersed in NMP, but the slurry's solvent is water"]
    recipe = shipped(EXAMPLE_1)
    slurries = {**recipe.slurries, "other": Slurry("water", 0.5, 1.0, "other")}
    more = replace(recipe, polymers={**recipe.polymers, "spare": A}, slurries=slurries)
    assert messages(more, "advice") == ["no step uses the slurry 'other'", "no slurry has the polymer 'spare'"]


def test_a_polymer_without_composition_is_told() -> None:
    recipe = with_slurry(
        lambda it: replace(it, ingredients=tuple(replace(item, polymer=None) for item in it.ingredients)),
        replace(shipped(EXAMPLE_1), polymers={}),
    )
    assert messages(recipe, "advice") == ["polymer A: what it is made of is not known, so no rule judges it"]
    assert "hrl_slurry:contains" not in values_of(recipe)


def test_solids_that_leave_no_room_for_the_binders_medium() -> None:
    recipe = with_polymer(lambda polymer: replace(polymer, content_pct=2.0), shipped(EXAMPLE_1))
    (found,) = messages(recipe, "consistency")
    assert found.startswith("heat-resistant slurry: at 40 % solids 106.3 parts leave room for 159.4 parts of liquid")
    assert found.endswith("but its polymers bring 196.0")
    assert messages(with_polymer(lambda polymer: replace(polymer, content_pct=2.5), recipe), "consistency") == []


def test_a_layer_holds_what_its_slurry_held() -> None:
    found = messages(with_parts("particulate_polymer", 8.0, shipped(EXAMPLE_1)), "consistency")
    assert "polymer A is 3.76 % of the layer heat_resistant, but 7.25 % of heat-resistant slurry's solids" in found
    found = messages(with_parts("wetting_agent", 0.0, shipped(EXAMPLE_1)), "consistency")
    surfactant = "ethylene oxide/propylene oxide surfactant"
    assert found == [
        f"{surfactant} is 0.282 % of the layer heat_resistant, but 0 % of heat-resistant slurry's solids",
    ]


def test_two_sizes_of_one_polymer() -> None:
    def sized(um: float) -> Recipe:
        def change(slurry: Slurry) -> Slurry:
            items = (replace(i, mean_particle_size_um=um) if i.polymer else i for i in slurry.ingredients)
            return replace(slurry, ingredients=tuple(items))

        return with_slurry(change, shipped(EXAMPLE_1))

    assert messages(sized(0.1)) == ["polymer A has a mean particle size of 0.13 um and of 0.1 um"]
    assert messages(sized(0.13)) == []
    only_there = with_polymer(lambda polymer: replace(polymer, mean_particle_size_um=None), sized(0.1))
    assert values_of(only_there)["particulate_polymer:D50_volume"] == 0.1


def test_a_declared_fact_cannot_replace_what_the_composition_says() -> None:
    recipe = shipped("zeon-example-2")
    better = DeclaredFact("particulate_polymer", "M_OH/S", 0.9, "um^-2", "a wish")
    lying = replace(recipe, facts=(*recipe.facts, better))
    assert messages(lying) == [
        "M_OH/S of particulate_polymer is declared as 0.9, but the recipe's composition says 0.3955"
    ]
    assert values_of(lying)["particulate_polymer:M_OH/S"] == pytest.approx(0.3955, abs=1e-4)
    rounded = replace(recipe, facts=(*recipe.facts, replace(better, value=0.396)))
    assert messages(rounded) == []
    text = DeclaredFact("separator_substrate", "material", ("polyethylene non-woven",), "", "a wish")
    (found,) = messages(replace(recipe, facts=(text,)))
    assert found.startswith("material of separator_substrate is declared as polyethylene non-woven, but the recipe's")
    assert found.endswith("says polyethylene microporous membrane")


def test_two_slurries_of_one_layer_and_two_polymers_of_one_slurry() -> None:
    recipe = shipped(EXAMPLE_1)
    coat = next(step for step in recipe.steps if step.coat is not None)
    assert coat.coat is not None
    again = replace(coat, coat=replace(coat.coat, slurry=replace(coat.coat.slurry, name="another")))
    twice = replace(recipe, steps=(*recipe.steps, again))
    assert "the layer heat_resistant has two slurries, heat-resistant slurry and another" in messages(twice)
    assert not any(key.startswith("hrl_slurry") for key in values_of(twice))
    second = Ingredient("A", "particulate_polymer", 1.0, polymer="A")
    mixed = with_slurry(
        lambda it: replace(it, ingredients=(*it.ingredients, second)),
        replace(recipe, polymers={**recipe.polymers, "A": A}),
    )
    assert messages(mixed) == ["heat-resistant slurry has two polymers as particulate_polymer"]
    assert "hrl_slurry:contains" not in values_of(mixed)


def test_one_recipe_has_one_binder_composition() -> None:
    recipe, other = shipped(EXAMPLE_1), shipped(CLAIMS)
    both = replace(recipe, steps=(*recipe.steps, *other.steps), polymers={**recipe.polymers, **other.polymers})
    assert "a heat-resistant layer and an electrode have a binder composition each, the rules know one in a recipe" in (
        messages(both)
    )
