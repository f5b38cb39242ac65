"""The laboratory: it sees the truth of a lot's layers through small errors, and states its uncertainty."""

from __future__ import annotations

import math

from recipes.materials.cell import OutsideCells, load_cells
from recipes.materials.porosity import porosity_pct, porosity_uncertainty_pct
from simulators.physics.laminate import TrueLayer
from simulators.scenarios import Scenario
from simulators.world import Lot, WorldError

POROSITY_BOUND_PCT = 0.5
"""Points within which a porosity by image analysis of cross sections is right (engineering judgement)."""
MODULUS_BOUND = 0.03
"""Relative bound of a composite modulus by nanoindentation over many places (engineering judgement)."""
WEIGHT_U, DENSITY_U, THICKNESS_U_UM = 0.01, 0.015, 1.0
"""Standard uncertainties of a cut piece's coating weight, of a mixture's true density and of a thickness: together two
points of porosity at 5 % and 80 um (engineering judgement)."""
CATHODE = "cathode"


class Laboratory:
    """Answers fields like "porosity_pct:cathode" and "composite_modulus_gpa:intermediate".

    "porosity_by_weight_pct:<layer>" is equation (2) of US 2025/0260067 A1, from weight, true density and thickness.
    "dcr_ohm_cm2:cell" and "discharge_capacity_mah_g:cell" are of a cell that is built of the lot.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def measure(self, lot: Lot, field: str) -> tuple[float, float]:
        """Value and standard uncertainty.

        :raises WorldError: for an unknown field or layer, a layer without that quantity, or a cell like nobody's.
        """
        quantity, _, name = field.partition(":")
        if name == "cell":
            return self._of_cell(lot, quantity)
        layer = _layer(lot, name)
        if quantity == "porosity_by_weight_pct":
            return self._by_weight(lot, layer)
        if quantity == "porosity_pct":
            truth, bound = layer.porosity_pct, POROSITY_BOUND_PCT
        elif quantity == "composite_modulus_gpa" and layer.composite_modulus_gpa is not None:
            truth, bound = layer.composite_modulus_gpa, MODULUS_BOUND * layer.composite_modulus_gpa
        else:
            raise WorldError(f"the laboratory cannot measure {field!r} of lot {lot.name}")
        value = max(0.0, truth + self._scenario.error(f"lab:{lot.name}:{field}", bound))
        return value, bound / math.sqrt(3.0)

    def _by_weight(self, lot: Lot, layer: TrueLayer) -> tuple[float, float]:
        """1 - m / (rho h) of a cut piece, with an error in each of the three."""

        def off(what: str, standard: float) -> float:
            return self._scenario.error(f"lab:{lot.name}:{layer.name}:{what}", math.sqrt(3.0) * standard)

        thickness_um = layer.thickness_um + off("thickness", THICKNESS_U_UM)
        weight = layer.coating_weight_mg_cm2 * (1.0 + off("weight", WEIGHT_U))
        density = layer.true_density_g_cm3 * (1.0 + off("density", DENSITY_U))
        value = porosity_pct(weight, density, thickness_um)
        return value, porosity_uncertainty_pct(value, WEIGHT_U, DENSITY_U, THICKNESS_U_UM / thickness_um)

    def _of_cell(self, lot: Lot, quantity: str) -> tuple[float, float]:
        """Of a cell built of the lot: by its cathode's true porosity, where such cells were made."""
        curve = load_cells().get(quantity)
        if curve is None:
            raise WorldError(f"the laboratory cannot measure {quantity!r} of a cell")
        try:
            truth = curve.at(_layer(lot, CATHODE).porosity_pct)
        except OutsideCells as error:
            raise WorldError(str(error)) from error
        return truth + self._scenario.error(f"lab:{lot.name}:cell:{quantity}", curve.error), curve.error / math.sqrt(
            3.0
        )


def _layer(lot: Lot, name: str) -> TrueLayer:
    layer = next((layer for layer in lot.layers if layer.name == name), None)
    if layer is None:
        raise WorldError(f"lot {lot.name} has no layer {name!r}")
    return layer
