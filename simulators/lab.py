"""The laboratory: it sees the truth of a lot's layers through small errors, and states its uncertainty."""

from __future__ import annotations

import math

from simulators.scenarios import Scenario
from simulators.world import Lot, WorldError

POROSITY_BOUND_PCT = 0.5
"""Points within which a porosity by image analysis of cross sections is right (engineering judgement)."""
MODULUS_BOUND = 0.03
"""Relative bound of a composite modulus by nanoindentation over many places (engineering judgement)."""


class Laboratory:
    """Answers fields like "porosity_pct:cathode" and "composite_modulus_gpa:intermediate"."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario

    def measure(self, lot: Lot, field: str) -> tuple[float, float]:
        """Value and standard uncertainty.

        :raises WorldError: for an unknown field or layer, or a layer without that quantity.
        """
        quantity, _, name = field.partition(":")
        layer = next((layer for layer in lot.layers if layer.name == name), None)
        if layer is None:
            raise WorldError(f"lot {lot.name} has no layer {name!r}")
        if quantity == "porosity_pct":
            truth, bound = layer.porosity_pct, POROSITY_BOUND_PCT
        elif quantity == "composite_modulus_gpa" and layer.composite_modulus_gpa is not None:
            truth, bound = layer.composite_modulus_gpa, MODULUS_BOUND * layer.composite_modulus_gpa
        else:
            raise WorldError(f"the laboratory cannot measure {field!r} of lot {lot.name}")
        value = max(0.0, truth + self._scenario.error(f"lab:{lot.name}:{field}", bound))
        return value, bound / math.sqrt(3.0)
