"""The truth of a layer: how dense it really is."""

from __future__ import annotations

from dataclasses import dataclass

from recipes.materials.compaction import CompactionParameters, advance, porosity_fraction
from recipes.materials.library import load_materials
from recipes.materials.porosity import MG_CM2_PER_G_CM3_UM
from recipes.materials.rolling import RollingParameters, load_rolling, nip_thickness_um, rolled, rolled_porosity
from recipes.model import Layer
from simulators.scenarios import Scenario

POROSITY_BOUND_PCT = 1.0
"""A coated layer's porosity differs from the declared one by up to this (engineering judgement)."""
DENSITY_BOUND = 0.02
"""A mixture's true density differs from the calculated one by up to this share (engineering judgement)."""


@dataclass(slots=True)
class TrueLayer:
    """A layer as it is, known to nobody in the plant. Densification and highest pressure are its memory.

    A layer without parameters has no compaction law, one without rolling data none for a roll press: either leaves it
    as it is.
    """

    name: str
    parameters: CompactionParameters | None
    initial_porosity: float
    coating_weight_mg_cm2: float
    true_density_g_cm3: float
    modulus_intercept_gpa: float | None = None
    modulus_slope_gpa_per_mpa: float = 0.0
    densification: float = 0.0
    highest_pressure_mpa: float = 0.0
    rolling: RollingParameters | None = None
    rolling_densification: float = 0.0

    def press(self, pressure_mpa: float, temperature_c: float, dt_s: float) -> None:
        """dt_s under pressure at the layer's own temperature."""
        self.highest_pressure_mpa = max(self.highest_pressure_mpa, pressure_mpa)
        if self.parameters is None:
            return
        self.densification = advance(self.densification, pressure_mpa, temperature_c, dt_s, self.parameters)

    @property
    def porosity_pct(self) -> float:
        return 100.0 * self._porosity_after(self.rolling_densification)

    def _porosity_after(self, rolling_densification: float) -> float:
        initial = rolled_porosity(self.initial_porosity, rolling_densification)
        if self.parameters is None:
            return initial
        return porosity_fraction(initial, self.densification, self.parameters)

    @property
    def density_g_cm3(self) -> float:
        """Mass of the layer over its volume with all pores."""
        return self.true_density_g_cm3 * (1.0 - self.porosity_pct / 100.0)

    def roll(self, density_g_cm3: float) -> None:
        """Rolled to a density; a layer cannot become denser than its solid."""
        self.initial_porosity = max(0.0, 1.0 - density_g_cm3 / self.true_density_g_cm3)
        self.rolling_densification = 0.0

    def pass_nip(self, load_n_mm: float, temperature_c: float) -> None:
        """Once through a roll press."""
        self.rolling_densification = self._rolled(load_n_mm, temperature_c)

    def rolled_thickness_um(self, load_n_mm: float, temperature_c: float) -> float:
        """Thickness behind the rolls of such a pass."""
        return self._solid_um / (1.0 - self._porosity_after(self._rolled(load_n_mm, temperature_c)))

    def nip_thickness_um(self, thickness_um: float, load_n_mm: float) -> float:
        """Thickness between the rolls of what is so thick behind them."""
        return thickness_um if self.rolling is None else nip_thickness_um(thickness_um, load_n_mm, self.rolling)

    def _rolled(self, load_n_mm: float, temperature_c: float) -> float:
        if self.rolling is None:
            return self.rolling_densification
        return rolled(self.rolling_densification, load_n_mm, temperature_c, self.rolling)

    @property
    def thickness_um(self) -> float:
        return self._solid_um / (1.0 - self.porosity_pct / 100.0)

    @property
    def _solid_um(self) -> float:
        return MG_CM2_PER_G_CM3_UM * self.coating_weight_mg_cm2 / self.true_density_g_cm3

    @property
    def composite_modulus_gpa(self) -> float | None:
        if self.modulus_intercept_gpa is None:
            return None
        return self.modulus_intercept_gpa + self.modulus_slope_gpa_per_mpa * self.highest_pressure_mpa


def coated_layer(layer: Layer, coating_weight_mg_cm2: float, scenario: Scenario) -> TrueLayer:
    """A layer that has just been coated and dried, with the truth that the scenario drew for it."""
    material = load_materials(scenario.materials).get(layer.name)
    rolling = load_rolling().get(layer.name)
    shift = scenario.error(f"{layer.name}:initial_porosity", POROSITY_BOUND_PCT)
    return TrueLayer(
        name=layer.name,
        parameters=None if material is None else scenario.compaction(material),
        initial_porosity=(layer.porosity_pct + shift) / 100.0,
        coating_weight_mg_cm2=coating_weight_mg_cm2,
        true_density_g_cm3=layer.true_density_g_cm3 * (1.0 + scenario.error(f"{layer.name}:density", DENSITY_BOUND)),
        modulus_intercept_gpa=None if material is None or material.modulus is None else material.modulus.intercept_gpa,
        modulus_slope_gpa_per_mpa=0.0 if material is None else scenario.modulus_slope(material),
        rolling=None if rolling is None else scenario.rolling(rolling),
    )
