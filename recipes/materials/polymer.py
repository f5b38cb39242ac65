"""What a polymer is made of: monomers by name, mole and mass fractions, hydroxyl per particle surface.

Units of a polymer are taken to have the shares of their monomers in the feed, as US 12,394,827 B2 D(118) and D(123) do.
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from recipes.materials.library import MaterialDataError
from recipes.model import Monomer, Polymer, Structure

GROUPS = (
    "cyano",
    "hydroxyl",
    "(meth)acrylic_ester",
    "acidic",
    "acid_amide",
    "crosslinkable",
    "aromatic_vinyl",
    "formula_1",
    "other",
)
POLAR_TYPES = {
    "cyano": "cyano group-containing",
    "substituted": "hydroxyl, amino or alkylamino group-containing",
    "monocarboxylic": "unsaturated monocarboxylic acid",
    "amide": "unsaturated carboxylic acid amide",
    "dicarboxylic": "unsaturated dicarboxylic acid",
    "sulfo_phosphate": "sulfo or phosphate group-containing",
}
"""Kinds of polar monomer in the words of the rules; claim 3 of US application 10/030,086 names the first three."""
SUM_TOLERANCE = 0.005
"""Fractions that a source prints at two decimals may miss 1 by this much."""

_ATOMIC_MASS = {
    "H": 1.008,
    "C": 12.011,
    "N": 14.007,
    "O": 15.999,
    "F": 18.998,
    "P": 30.974,
    "S": 32.06,
    "Cl": 35.45,
}
_ELEMENT = re.compile(r"([A-Z][a-z]?)(\d*)")
_KEYS = {"short", "formula", "also", "alkyl", "polar", "crosslinking", "structure"}


class UnknownMonomerError(ValueError):
    """There are no data for this monomer."""


class PolymerError(ValueError):
    """A polymer's composition cannot be worked out."""


@dataclass(frozen=True, slots=True)
class MonomerData:
    """What is known of one monomer.

    short is its abbreviation, its name if it has none. molar_mass_g_mol is None for a monomer of formula (1) that only
    the recipe knows. alkyl_carbons is that of R6 in formula (3), None for what is no such ester. polar is one of the
    texts of POLAR_TYPES.
    """

    name: str
    short: str
    group: str
    molar_mass_g_mol: float | None
    polar: str | None = None
    alkyl_carbons: int | None = None
    crosslinking: bool = False
    structure: Structure | None = None


@dataclass(frozen=True, slots=True)
class Unit:
    """The units that one monomer leaves in a polymer; the shares (0..1) are None where they cannot be worked out."""

    monomer: MonomerData
    mole_fraction: float | None
    mass_fraction: float | None


def molar_mass_g_mol(formula: str) -> float:
    """Molar mass from a formula such as "C7H12O2".

    :raises MaterialDataError: if it is no formula, or of elements that monomers are not made of.
    """
    parts = _ELEMENT.findall(formula)
    if "".join(element + count for element, count in parts) != formula or not parts:
        raise MaterialDataError(f"{formula!r} is no formula")
    unknown = sorted({element for element, _ in parts} - set(_ATOMIC_MASS))
    if unknown:
        raise MaterialDataError(f"{formula}: the atomic mass of {', '.join(unknown)} is not known here")
    return math.fsum(_ATOMIC_MASS[element] * int(count or 1) for element, count in parts)


@cache
def load_monomers() -> Mapping[str, MonomerData]:
    """The shipped monomers by every name that they go by, names without case, blanks and signs.

    :raises MaterialDataError: if the file is not complete or a name stands for two monomers.
    """
    resource = files("recipes.materials").joinpath("monomers.yaml")
    return read_monomers(yaml.safe_load(resource.read_text(encoding="utf-8")))


def read_monomers(data: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Mapping[str, MonomerData]:
    """Monomers by every name from the groups of a file. Raises MaterialDataError as load_monomers does."""
    found: dict[str, MonomerData] = {}
    for group, entries in data.items():
        if group not in GROUPS:
            raise MaterialDataError(f"unknown group {group!r}, known are {', '.join(GROUPS)}")
        for name, entry in entries.items():
            item = _monomer_data(name, group, entry)
            for text in {_key(other): other for other in (name, item.short, *entry.get("also", ()))}.values():
                if _key(text) in found:
                    raise MaterialDataError(f"{text!r} is {found[_key(text)].name} and {name}")
                found[_key(text)] = item
    return MappingProxyType(found)


def monomer_data(name: str) -> MonomerData:
    """The monomer of a name or an abbreviation, whatever its case, blanks and hyphens.

    :raises UnknownMonomerError: if there are no data for it; the message names the nearest one that is known.
    """
    known = load_monomers()
    item = known.get(_key(name))
    if item is None:
        near = difflib.get_close_matches(_key(name), known, n=1)
        hint = f", the nearest one known is {known[near[0]].name}" if near else ""
        raise UnknownMonomerError(f"unknown monomer {name!r}{hint}")
    return item


def resolve(monomer: Monomer) -> MonomerData:
    """What is known of a recipe's monomer. A structure that the recipe gives stands for that of the file.

    A monomer of formula (1) need not be in the file: its structure is enough, but its molar mass is then not known.

    :raises UnknownMonomerError: if neither the file nor a structure tells what it is.
    """
    try:
        item = monomer_data(monomer.name)
    except UnknownMonomerError:
        if monomer.structure is None:
            raise
        return MonomerData(monomer.name, monomer.name, "formula_1", None, structure=monomer.structure)
    return item if monomer.structure is None else replace(item, structure=monomer.structure)


def units(polymer: Polymer) -> tuple[Unit, ...]:
    """The units of a polymer with their shares, in the order of its monomers.

    :raises UnknownMonomerError: if a monomer is not known.
    :raises PolymerError: if there is no monomer, shares are missing or mixed, or mole fractions do not sum to 1.
    """
    items = [resolve(monomer) for monomer in polymer.monomers]
    moles = [monomer.mole_fraction for monomer in polymer.monomers]
    parts = [monomer.mass_parts for monomer in polymer.monomers]
    masses = [item.molar_mass_g_mol for item in items]
    known_moles = [value for value in moles if value is not None]
    known_parts = [value for value in parts if value is not None]
    if not items:
        raise PolymerError(f"{polymer.name} has no monomers")
    if len(known_moles) == len(items) and not known_parts:
        total = math.fsum(known_moles)
        if abs(total - 1.0) > SUM_TOLERANCE * (1.0 + 1e-9):
            raise PolymerError(f"the mole fractions of {polymer.name} sum to {total:.4g}, not to 1")
        by_mass = _shares(known_moles, masses, lambda mole, mass: mole * mass)
        return tuple(map(Unit, items, known_moles, by_mass))
    if len(known_parts) == len(items) and not known_moles:
        total = math.fsum(known_parts)
        by_mole = _shares(known_parts, masses, lambda part, mass: part / mass)
        return tuple(map(Unit, items, by_mole, (part / total for part in known_parts)))
    raise PolymerError(f"the monomers of {polymer.name} need a mole_fraction each, or mass_parts each")


def mole_fractions(polymer: Polymer) -> Mapping[str, float]:
    """Mole fraction of each group's units, 0 where a group is absent.

    Raises what units raises, and PolymerError if a molar mass that is needed is not known.
    """
    return _by_group(polymer, "mole fractions", [(unit.monomer, unit.mole_fraction) for unit in units(polymer)])


def mass_fractions(polymer: Polymer) -> Mapping[str, float]:
    """Mass fraction of each group's units; otherwise as mole_fractions."""
    return _by_group(polymer, "mass fractions", [(unit.monomer, unit.mass_fraction) for unit in units(polymer)])


def surface_um2(d50_um: float) -> float:
    """Surface of a sphere of the volume-average diameter.

    :raises ValueError: if the diameter is not greater than 0.
    """
    if not d50_um > 0.0:
        raise ValueError(f"a particle's diameter must be greater than 0, not {d50_um}")
    return 4.0 * math.pi * (d50_um / 2.0) ** 2


def hydroxyl_per_surface(hydroxyl_mole_fraction: float, d50_um: float) -> float:
    """M_OH/S of US 12,394,827 B2 D(122) in um^-2. Raises ValueError as surface_um2 does."""
    return hydroxyl_mole_fraction / surface_um2(d50_um)


def _shares(
    values: list[float], masses: list[float | None], amount: Callable[[float, float], float]
) -> list[float | None]:
    """Shares of the amounts that values and molar masses give; None for each if a molar mass is not known."""
    amounts = [amount(value, mass) for value, mass in zip(values, masses, strict=True) if mass is not None]
    if len(amounts) < len(values):
        return [None] * len(values)
    return [one / math.fsum(amounts) for one in amounts]


def _by_group(polymer: Polymer, name: str, shares: list[tuple[MonomerData, float | None]]) -> Mapping[str, float]:
    found: dict[str, list[float]] = {group: [] for group in GROUPS}
    for item, share in shares:
        if share is None:
            lacking = ", ".join(other.name for other, _ in shares if other.molar_mass_g_mol is None)
            raise PolymerError(f"no {name} of {polymer.name}: the molar mass of {lacking} is not known")
        found[item.group].append(share)
    return {group: math.fsum(values) for group, values in found.items()}


def _monomer_data(name: str, group: str, entry: Mapping[str, Any]) -> MonomerData:
    try:
        if unknown := sorted(set(entry) - _KEYS):
            raise MaterialDataError(f"{name}: unknown key {unknown[0]!r}")
        return MonomerData(
            name=name,
            short=entry.get("short", name),
            group=group,
            molar_mass_g_mol=molar_mass_g_mol(entry["formula"]),
            polar=POLAR_TYPES[entry["polar"]] if "polar" in entry else None,
            alkyl_carbons=entry.get("alkyl"),
            crosslinking=entry.get("crosslinking", group == "crosslinkable"),
            structure=Structure(**entry["structure"]) if "structure" in entry else None,
        )
    except (KeyError, TypeError) as error:
        raise MaterialDataError(f"{name} is not complete: {error}") from error


def _key(name: str) -> str:
    return "".join(character for character in name.lower() if character.isalnum())
