"""What a cell does, by the porosity of its cathode: a curve through six printed cells, refused outside them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType

import yaml

from recipes.materials.pchip import Knots, curve

QUANTITIES = ("dcr_ohm_cm2", "discharge_capacity_mah_g")


class OutsideCells(ValueError):
    """No cell of this porosity was made, so nothing is known of one."""


@dataclass(frozen=True, slots=True)
class CellCurve:
    """One quantity of a cell over its cathode's porosity in percent; error is how far it may be off between cells."""

    quantity: str
    knots: Knots
    error: float
    source: str

    def at(self, porosity_pct: float) -> float:
        """The quantity in its unit.

        :raises OutsideCells: below the densest or above the most porous cell.
        """
        low, high = self.knots[0][0], self.knots[-1][0]
        if not low <= porosity_pct <= high:
            raise OutsideCells(
                f"{self.quantity} is known for cathodes of {low:g} to {high:g} % porosity only, this one has"
                f" {porosity_pct:.1f} %"
            )
        return curve(porosity_pct, self.knots)


@cache
def load_cells(name: str = "cell") -> Mapping[str, CellCurve]:
    """Curves by quantity, from the file of that name."""
    data = yaml.safe_load(files("recipes.materials").joinpath(f"{name}.yaml").read_text(encoding="utf-8"))
    porosities = [float(value) for value in data["porosity_pct"]]
    found = {}
    for quantity in QUANTITIES:
        entry = data[quantity]
        knots = tuple(zip(porosities, (float(value) for value in entry["values"]), strict=True))
        found[quantity] = CellCurve(quantity, knots, float(entry["error"]), data["source"])
    return MappingProxyType(found)
