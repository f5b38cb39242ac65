"""The head of a coater: what was threaded and filled, and what it leaves on the web."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from recipes.materials.coating import (
    GAP_FACTOR,
    UnknownSolventError,
    coating_weight_mg_cm2,
    outside_model,
    solvent,
    solvent_load_mg_cm2,
)
from recipes.model import Foil, Layer, Slurry
from simulators.disturbances import CoaterDisturbances
from simulators.physics.web import G_M2_PER_MG_CM2
from simulators.scenarios import Scenario
from simulators.world import WorldError

GAP_FACTOR_BOUND = 0.02
"""Wet film over gap varies by 2 % with the bank level (engineering judgement)."""


@dataclass(frozen=True, slots=True)
class Threaded:
    """What a person prepared: the layer that the slurry makes, the foil that it goes on, how long the zones are.

    zones_m None leaves the oven as it is built.
    """

    layer: Layer
    slurry: Slurry
    substrate: Foil | None
    area_mm2: float | None
    zones_m: tuple[float, ...] | None = None

    def check(self, zone_count: int) -> None:
        """:raises WorldError: for a slurry without drying data, or another number of zones."""
        if self.zones_m is not None and len(self.zones_m) != zone_count:
            raise WorldError(f"the coater has {zone_count} zones, not {len(self.zones_m)}")
        try:
            solvent(self.slurry.solvent)
        except UnknownSolventError as error:
            raise WorldError(str(error)) from error

    def weight_mg_cm2(self, gap_um: float, coated_m: float, scenario: Scenario, wrong: CoaterDisturbances) -> float:
        """The dry coating weight that a gap leaves on the web after coated_m of it."""
        if wrong.bank_empty:
            return 0.0
        factor = GAP_FACTOR * (1.0 + scenario.error(f"{self.layer.name}:gap_factor", GAP_FACTOR_BOUND))
        drift = 1.0 + wrong.weight_drift_pct_m / 100.0 * coated_m
        weight = coating_weight_mg_cm2(gap_um, self.slurry, self.layer.true_density_g_cm3, factor)
        return max(0.0, drift) * weight

    def load_g_m2(self, weight_mg_cm2: float) -> float:
        """The solvent that comes with a dry coating weight."""
        return G_M2_PER_MG_CM2 * solvent_load_mg_cm2(weight_mg_cm2, self.slurry)

    def limits(self, zones_c: Sequence[float], stays_s: Sequence[float], gap_um: float) -> tuple[str, ...]:
        """Where coating this leaves what the simulation of a coater was checked for."""
        weight = coating_weight_mg_cm2(gap_um, self.slurry, self.layer.true_density_g_cm3)
        return outside_model(self.slurry.solvent, zones_c, stays_s, self.load_g_m2(weight), gap_um)
