"""Monomers and what a polymer is made of: molar masses, fractions, hydroxyl per surface."""

from __future__ import annotations

import pytest

from recipes.materials.coating import SOLVENTS
from recipes.materials.library import MaterialDataError
from recipes.materials.polymer import (
    PolymerError,
    UnknownMonomerError,
    hydroxyl_per_surface,
    load_monomers,
    mass_fractions,
    molar_mass_g_mol,
    mole_fractions,
    monomer_data,
    read_monomers,
    surface_um2,
    units,
)
from recipes.model import Monomer, Polymer
from tests.recipes.formulated import ETHER, A, by_mass, by_mole

N = by_mass("N", AN=2.0, NMA=1.2, BA=93.8, MAA=2.0, AGE=1.0)  # Comparative Example 4, D(167)
HAND_TYPED = {"AN": 53.06, "MAN": 67.09, "NMA": 101.11, "b-HEA": 116.12, "HEMA": 130.14, "BA": 128.17, "2EHA": 184.28,
              "MAA": 86.09, "AAm": 71.08, "AMA": 126.16, "AGE": 114.14, "St": 104.15, "MMA": 100.12, "AMPS": 207.24,
              "EGDMA": 198.22, "N-hydroxyethylacrylamide": 115.13, "2-methacryloyloxyethyl phosphate": 210.12,
              "methoxy diethylene glycol methacrylate": 188.22, "chlorotrifluoroethylene": 116.47}  # fmt: skip
"""g/mol, from data sheets."""


@pytest.mark.parametrize("name", HAND_TYPED)
def test_molar_masses(name: str) -> None:
    assert monomer_data(name).molar_mass_g_mol == pytest.approx(HAND_TYPED[name], abs=0.01)


def test_esters_of_formula_3_have_the_molar_mass_of_their_alkyl_group() -> None:
    esters = [item for item in load_monomers().values() if item.alkyl_carbons is not None]
    assert len({item.name for item in esters}) == 30
    for item in esters:
        n = item.alkyl_carbons or 0
        acid = molar_mass_g_mol("C4H5O2" if "methacrylate" in item.name else "C3H3O2")
        assert item.molar_mass_g_mol == pytest.approx(acid + molar_mass_g_mol(f"C{n}H{2 * n + 1}")), item.name


def test_monomers_of_formula_1_have_the_molar_mass_of_their_structure() -> None:
    found = [(item.molar_mass_g_mol, item.structure) for item in load_monomers().values()]
    structures = [(mass, structure) for mass, structure in found if structure is not None]
    assert len(structures) >= 11
    for mass, it in structures:
        r1 = molar_mass_g_mol("CH3" if it.r1 == "alkyl" else "H")
        carbons = it.r2_carbons or 0
        r2 = molar_mass_g_mol("C6H5" if it.r2 == "aryl" else f"C{carbons}H{2 * carbons + 1}")
        ether = molar_mass_g_mol("C2H4O") + (it.r3, it.r4).count("methyl") * molar_mass_g_mol("CH2")
        assert mass == pytest.approx(molar_mass_g_mol("C3H2O2") + r1 + r2 + it.n * ether)


def test_monomers_by_any_name() -> None:
    for name in ("butyl acrylate", "N-Butyl Acrylate", "BA", "ba", "n butyl acrylate"):
        assert monomer_data(name).name == "n-butyl acrylate"
    assert monomer_data("Aam").name == monomer_data("AAm").name == "acrylamide"
    assert {monomer_data(name).short for name in ("β-HEA", "b-HEA", "2-hydroxyethyl acrylate")} == {"b-HEA"}
    assert monomer_data("N-hydroxyethylacrylamide").short == "N-hydroxyethylacrylamide"
    with pytest.raises(UnknownMonomerError, match="'n-butil acrylate', the nearest one known is n-butyl acrylate"):
        monomer_data("n-butil acrylate")


def test_groups_are_those_of_the_source() -> None:
    groups = {"AN": "cyano", "HEMA": "hydroxyl", "NMA": "hydroxyl", "2EHA": "(meth)acrylic_ester", "MAA": "acidic",
              "AAm": "acid_amide", "AGE": "crosslinkable", "AMA": "crosslinkable", "St": "aromatic_vinyl",
              "DVB": "aromatic_vinyl", "phenoxyethyl acrylate": "formula_1", "butadiene": "other"}  # fmt: skip
    assert {name: monomer_data(name).group for name in groups} == groups


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"nitrile": {"x": {"formula": "CH4"}}}, "unknown group 'nitrile'"),
        ({"other": {"x": {"formula": "C4Xx"}}}, "the atomic mass of Xx is not known"),
        ({"other": {"x": {"formula": "4CH"}}}, "'4CH' is no formula"),
        ({"other": {"x": {"short": "X"}}}, "x is not complete: 'formula'"),
        ({"other": {"x": {"formula": "CH4", "colour": "red"}}}, "x: unknown key 'colour'"),
        ({"other": {"x-1": {"formula": "CH4"}, "y": {"formula": "CH4", "also": ["X 1"]}}}, "'X 1' is x-1 and y"),
        ({"other": {"x": {"formula": "CH4", "polar": "very"}}}, "x is not complete: 'very'"),
    ],
)
def test_a_wrong_file_of_monomers_is_refused(data: dict[str, dict[str, dict[str, object]]], message: str) -> None:
    with pytest.raises(MaterialDataError, match=message):
        read_monomers(data)


def test_mole_fractions_of_polymers_a_and_n() -> None:
    printed = {"A": (A, [0.0502, 0.0300, 0.8698, 0.0296, 0.0205]), "N": (N, [0.0463, 0.0146, 0.8997, 0.0286, 0.0108])}
    for polymer, wanted in printed.values():
        found = [unit.mole_fraction for unit in units(polymer)]
        assert found == pytest.approx(wanted, abs=5e-5)
        assert sum(mole_fractions(polymer).values()) == pytest.approx(1.0)
    assert mole_fractions(N)["crosslinkable"] == pytest.approx(0.0108, abs=5e-5)
    assert mole_fractions(N)["acid_amide"] == 0.0


def test_mass_fractions_are_the_parts_or_follow_from_molar_masses() -> None:
    assert mass_fractions(A)["(meth)acrylic_ester"] == pytest.approx(0.92)
    shares = mass_fractions(by_mole("P", ("AN", 0.5), ("BA", 0.5)))
    assert shares["cyano"] == pytest.approx(53.064 / (53.064 + 128.171), abs=1e-6)
    assert sum(shares.values()) == pytest.approx(1.0)
    there_and_back = by_mole("A", *((u.monomer.name, u.mole_fraction or 0.0) for u in units(A)))
    assert [unit.mass_fraction for unit in units(there_and_back)] == pytest.approx([0.022, 0.025, 0.92, 0.021, 0.012])


def test_the_hydroxyl_column_of_table_1() -> None:
    assert surface_um2(0.13) == pytest.approx(0.0530929, abs=1e-7)
    for mole, wanted in ((0.03, 0.565), (0.021, 0.396), (0.08, 1.507)):
        assert hydroxyl_per_surface(mole, 0.13) == pytest.approx(wanted, abs=5e-4)
    with pytest.raises(ValueError, match="must be greater than 0, not 0"):
        surface_um2(0.0)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ((("AN", 0.05), ("BA", 0.9449)), "the mole fractions of P sum to 0.9949, not to 1"),
        ((("AN", 0.05), ("BA", 0.9551)), "the mole fractions of P sum to 1.005, not to 1"),
        ((), "P has no monomers"),
    ],
)
def test_mole_fractions_sum_to_1(fractions: tuple[tuple[str, float], ...], message: str) -> None:
    with pytest.raises(PolymerError, match=message):
        mole_fractions(by_mole("P", *fractions))


def test_mole_fractions_may_miss_1_by_what_printing_rounds() -> None:
    assert mole_fractions(by_mole("P", ("AN", 0.05), ("BA", 0.945)))["(meth)acrylic_ester"] == 0.945
    assert mole_fractions(by_mole("P", ("AN", 0.05), ("BA", 0.955)))["(meth)acrylic_ester"] == 0.955


def test_shares_are_not_mixed() -> None:
    mixed = Polymer("P", (Monomer("AN", mole_fraction=0.5), Monomer("BA", mass_parts=50.0)), "water")
    with pytest.raises(PolymerError, match="a mole_fraction each, or mass_parts each"):
        units(mixed)


def test_a_structure_stands_for_a_monomer_that_nobody_lists() -> None:
    own = Polymer("P", (Monomer("my ether", mass_parts=30.0, structure=ETHER), Monomer("BA", mass_parts=70.0)), "water")
    assert mass_fractions(own)["formula_1"] == pytest.approx(0.3)
    with pytest.raises(PolymerError, match="no mole fractions of P: the molar mass of my ether is not known"):
        mole_fractions(own)


def test_boiling_points_at_normal_pressure() -> None:
    assert {name: data.boiling_point_c for name, data in SOLVENTS.items()} == {
        "water": 100.0,
        "NMP": 202.5,
        "butyl butyrate": 164.5,
    }
