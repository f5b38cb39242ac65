"""Facts of polymers in the rules' own terms: the particulate polymer of US 12,394,827 B2, the binder of US 10/030,086.

A polymer whose composition cannot be worked out gives no facts of it; recipes.formulation says why as a finding.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence

from recipes.facts import Evidence, Fact
from recipes.materials.coating import UnknownSolventError, solvent
from recipes.materials.polymer import PolymerError, Unit, UnknownMonomerError, hydroxyl_per_surface, units
from recipes.model import Polymer, Structure

CONTAINED = {"cyano": "cyano group-containing unit", "hydroxyl": "hydroxyl group-containing unit"}
_FRACTIONS = ("(meth)acrylic_ester", "cyano", "hydroxyl", "acidic", "acid_amide", "crosslinkable", "aromatic_vinyl")
_FORMULA_1, _DISPERSED = "formula (1) units", "dispersed in a liquid medium"
_KINDS = ("formula(1)_units", "(meth)acrylate_formula(3)_units", "polar_monomer_units", "crosslinking_units")
"""Units of claim 2 of US application 10/030,086, in the words of the rules."""
_METHYLS = {0: "both hydrogen", 1: "hydrogen and methyl", 2: "both methyl"}


def known_units(polymer: Polymer) -> tuple[Unit, ...]:
    """The polymer's units, none where they cannot be worked out."""
    try:
        return units(polymer)
    except (UnknownMonomerError, PolymerError):
        return ()


def declared(subject: str, quantity: str, value: float | Sequence[str], unit: str, source: str) -> Fact:
    """A declared fact; texts become a tuple."""
    kept = float(value) if isinstance(value, int | float) else tuple(value)
    return Fact(subject, quantity, kept, unit, Evidence.DECLARED, source)


def particulate_facts(polymer: Polymer, d50_um: float | None, source: str) -> Iterator[Fact]:
    """What the binder of a heat-resistant layer is made of; d50_um is its volume-average diameter, if it is known."""
    subject, of = "particulate_polymer", f"{source}, {polymer.name}"
    if d50_um is not None:
        yield declared(subject, "D50_volume", d50_um, "um", of)
    found = known_units(polymer)
    fractions = {group: _mole_fraction(found, group) for group in _FRACTIONS}
    how = f"{of}, {_basis_words(polymer)}"
    for group, fraction in fractions.items():
        if fraction is not None:
            yield declared(subject, f"mole_fraction.{group}", fraction, "-", how)
    hydroxyl = fractions["hydroxyl"]
    if hydroxyl is not None and d50_um is not None:
        value = hydroxyl_per_surface(hydroxyl, d50_um)
        yield declared(subject, "M_OH/S", value, "um^-2", f"{how}, and a sphere of {d50_um:g} um")
    if found:
        present = {group: [unit.monomer for unit in found if _is(unit, group)] for group in _FRACTIONS}
        yield declared(subject, "contains", [words for group, words in CONTAINED.items() if present[group]], "", of)
        yield declared(subject, "hydroxyl_monomer", _once(item.short for item in present["hydroxyl"]), "", of)
        esters = _once(item.name for item in present["(meth)acrylic_ester"])
        yield declared(subject, "(meth)acrylic_ester_monomer", esters, "", of)


def is_heat_resistant_binder(polymer: Polymer, d50_um: float | None) -> bool | None:
    """Whether the polymer is that of claim 1 of US 12,394,827 B2, as far as its composition tells; None if unknown.

    M_OH/S is compared at the two decimals that the source prints.
    """
    found = known_units(polymer)
    ester, cyano, hydroxyl = (_mole_fraction(found, group) for group in ("(meth)acrylic_ester", "cyano", "hydroxyl"))
    if ester is None or cyano is None or hydroxyl is None:
        return None
    if not (ester > 0.5 and 0.0 < cyano <= 0.07 and hydroxyl > 0.0):
        return False
    return None if d50_um is None else round(hydroxyl_per_surface(hydroxyl, d50_um), 2) >= 0.40


def composition_facts(polymer: Polymer, source: str) -> Iterator[Fact]:
    """What a binder composition is besides its polymer: the dispersion medium, and the polymer's content."""
    of = f"{source}, {polymer.name}"
    medium, boiling_c = _medium(polymer.medium)
    yield declared("binder_composition", "dispersion_medium", [medium], "", of)
    if boiling_c is not None:
        yield declared("dispersion_medium", "boiling_point_1atm", boiling_c, "degC", f"{of}, dispersed in {medium}")
    if polymer.content_pct is not None:
        yield declared("binder_composition", "polymer_content", polymer.content_pct, "wt%", of)


def binder_facts(polymer: Polymer, source: str) -> Iterator[Fact]:
    """What the binder of an electrode is made of, in the terms of the claims of US application 10/030,086."""
    subject, of = "binder_polymer", f"{source}, {polymer.name}"
    found = known_units(polymer)
    if not found:
        return
    kinds = {kind: [unit for unit in found if binder_kind(unit) == kind] for kind in _KINDS}
    contained = [_FORMULA_1] if kinds[_KINDS[0]] else []
    contained += [_DISPERSED] if polymer.medium else []
    yield declared(subject, "contains", contained, "", of)
    for kind, members in kinds.items():
        masses = [unit.mass_fraction for unit in members]
        known = [mass for mass in masses if mass is not None]
        if len(known) == len(masses):
            share = round(100.0 * math.fsum(known), 9)
            yield declared(subject, f"mass_fraction.{kind}", share, "wt%", f"{of}, {_basis_words(polymer)}")
    formula_1, formula_3, polar, _ = kinds.values()
    structures = [unit.monomer.structure for unit in formula_1 if unit.monomer.structure is not None]
    if structures:
        yield from _structure_facts(structures, of)
    yield from _count("formula(3).R6", "carbon_atoms", [unit.monomer.alkyl_carbons for unit in formula_3], of)
    yield declared("polar_monomer", "type", _once(unit.monomer.polar or "" for unit in polar), "", of)


def binder_kind(unit: Unit) -> str | None:
    """Which of the four kinds of unit of claim 2 of US application 10/030,086 a unit is; None for any other."""
    item = unit.monomer
    if item.structure is not None:
        return "formula(1)_units"
    if item.crosslinking:
        return "crosslinking_units"
    if item.polar is not None:
        return "polar_monomer_units"
    return "(meth)acrylate_formula(3)_units" if item.alkyl_carbons is not None else None


def is_electrode_binder(polymer: Polymer) -> bool | None:
    """Whether the polymer is that of claim 1 of US application 10/030,086, as far as is known; None if it is not."""
    found = known_units(polymer)
    if not found:
        return None
    structures = [unit.monomer.structure for unit in found if unit.monomer.structure is not None]
    if any(missing_in(structure) for structure in structures):
        return None
    return bool(structures and polymer.medium) and all(_is_formula_1(structure) for structure in structures)


def missing_in(structure: Structure) -> tuple[str, ...]:
    """The values that a structure lacks before it can be judged, by the recipe's keys."""
    wanted = {"r1_carbons": structure.r1 == "alkyl", "r2_carbons": True}
    return tuple(key for key, needed in wanted.items() if needed and getattr(structure, key) is None)


def _is_formula_1(structure: Structure) -> bool:
    most = {"alkyl": range(1, 21), "aryl": range(6, 31)}
    return (
        (structure.r1 != "alkyl" or structure.r1_carbons in range(1, 5))
        and structure.r2_carbons in most.get(structure.r2, ())
        and not structure.r3 == structure.r4 == "methyl"
        and structure.n in range(1, 51)
    )


def _structure_facts(structures: Sequence[Structure], source: str) -> Iterator[Fact]:
    yield declared("formula(1).R1", "substituent", _once(item.r1 for item in structures), "", source)
    r1 = [item.r1_carbons for item in structures if item.r1 == "alkyl"]
    yield from _count("formula(1).R1", "carbon_atoms", r1, source)
    kinds = _once(item.r2 for item in structures)
    yield declared("formula(1).R2", "substituent", kinds, "", source)
    if len(kinds) == 1:  # the bounds of an alkyl group and of an aryl group differ, and a fact has one value
        yield from _count("formula(1).R2", "carbon_atoms", [item.r2_carbons for item in structures], source)
    methyls = _once(_METHYLS[(item.r3, item.r4).count("methyl")] for item in structures)
    yield declared("formula(1).R3,R4", "substituents", methyls, "", source)
    yield from _count("formula(1)", "n", [item.n for item in structures], source)


def _count(subject: str, quantity: str, values: Sequence[int | None], source: str) -> Iterator[Fact]:
    """One count for several monomers: the largest, with the extremes where they differ; nothing if one is unknown."""
    known = [float(value) for value in values if value is not None]
    if not known or len(known) < len(values):
        return
    low, high = (min(known), max(known)) if min(known) < max(known) else (None, None)
    yield Fact(subject, quantity, max(known), "", Evidence.DECLARED, source, low=low, high=high)


def _is(unit: Unit, group: str) -> bool:
    """Whether a unit counts to a group; an ester of formula (1) with R1 hydrogen or methyl is a (meth)acrylic one."""
    item = unit.monomer
    if group == "(meth)acrylic_ester" and item.group == "formula_1" and item.structure is not None:
        return item.structure.r1 == "hydrogen" or (item.structure.r1, item.structure.r1_carbons) == ("alkyl", 1)
    return item.group == group


def _mole_fraction(found: Sequence[Unit], group: str) -> float | None:
    """A group's share, rounded where binary arithmetic ends; None if it is not known of every unit."""
    if not found or any(unit.mole_fraction is None for unit in found):
        return None
    return round(math.fsum(unit.mole_fraction or 0.0 for unit in found if _is(unit, group)), 12)


def _medium(name: str) -> tuple[str, float | None]:
    """A medium's common name and its boiling point in degC; as it is written, and None, for an unknown one."""
    try:
        data = solvent(name)
    except UnknownSolventError:
        return name, None
    return data.name, data.boiling_point_c


def _basis_words(polymer: Polymer) -> str:
    by_mass = any(monomer.mass_parts is not None for monomer in polymer.monomers)
    return "from its monomers' mass parts" if by_mass else "from its monomers' mole fractions"


def _once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(texts))
