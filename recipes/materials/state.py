"""What a laminate estimate is uncertain about, and the compaction law over many parameter sets at once."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from recipes.materials.compaction import SOFTENING_FLOOR
from recipes.materials.library import LayerMaterial
from recipes.materials.porosity import MG_CM2_PER_G_CM3_UM
from recipes.model import Layer

Array = NDArray[np.float64]

WEIGHT_UNCERTAINTY = 0.012
"""Relative standard uncertainty of a coating weight nobody has weighed: a comma coater's +-2 % taken as a bound."""
DENSITY_UNCERTAINTY = 0.015
"""Relative standard uncertainty of a calculated true density (densities of the components, mixing ratio; judgement)."""
SHARED = ("c_per_k", "tau_s")
"""One value for all layers: softening and time constant were fitted for the laminate, not a layer at a time."""
LOWEST = {"k_per_mpa": 1e-6, "b": 0.0, "c_per_k": 0.0, "tau_s": 0.5, "residual_porosity": 0.0, "initial": 1e-3}
"""Below these the law has no meaning; a sample drawn there counts at the limit."""


RAMP_PARTS = 8
"""Within 0.1 points of the law followed continuously, for rises up to some minutes."""


@dataclass(frozen=True, slots=True)
class PressRecord:
    """One pressing as it was told; the two indices are those of its unknown errors of pressure and temperature."""

    layers: frozenset[str]
    pressure_mpa: float
    temperature_c: float
    dwell_s: float
    pressure_index: int
    temperature_index: int
    ramp_s: float = 0.0

    def segments(self) -> Iterator[tuple[float, float]]:
        """Shares of the dwell's pressure and for how long: the rise in equal parts, then the dwell."""
        if self.ramp_s > 0.0:
            for part in range(RAMP_PARTS):
                yield (part + 0.5) / RAMP_PARTS, self.ramp_s / RAMP_PARTS
        yield 1.0, self.dwell_s


class ParameterState:
    """Mean and covariance of everything that is not exactly known, addressed by (layer or "", name)."""

    def __init__(self, layers: Mapping[str, Layer], materials: Mapping[str, LayerMaterial]) -> None:
        self.index: dict[tuple[str, str], int] = {}
        self.mean: Array = np.zeros(0)
        self.covariance: Array = np.zeros((0, 0))
        self.presses: list[PressRecord] = []
        self._fixed: dict[tuple[str, str], float] = {}
        self._trails: dict[str, tuple[Array | None, list[Array]]] = {}
        for name, layer in layers.items():
            weight, density = layer.coating_weight_mg_cm2, layer.true_density_g_cm3
            self.add((name, "weight"), weight, WEIGHT_UNCERTAINTY * weight)
            self.add((name, "density"), density, DENSITY_UNCERTAINTY * density)
            self.add((name, "initial"), layer.porosity_pct / 100.0, layer.porosity_uncertainty_pct / 100.0)
            self._add_material(name, materials[name])

    def add(self, key: tuple[str, str], value: float, uncertainty: float) -> int:
        """Adds an unknown that is independent of all others so far; gives its index."""
        size = len(self.mean)
        self.index[key] = size
        self.mean = np.append(self.mean, value)
        covariance = np.zeros((size + 1, size + 1))
        covariance[:size, :size] = self.covariance
        covariance[size, size] = uncertainty**2
        self.covariance = covariance
        return size

    def _add_material(self, layer: str, material: LayerMaterial) -> None:
        for name in ("k_per_mpa", "b", "c_per_k", "tau_s", "residual_porosity", "p1_mpa", "m"):
            value = getattr(material.parameters, name)
            self._fixed[(layer, name)] = value
            if name not in material.intervals:
                continue
            key = ("", name) if name in SHARED else (layer, name)
            if key not in self.index:
                self.add(key, value, interval_uncertainty(value, material.intervals[name]))
        self._fixed[(layer, "reference_temperature_c")] = material.parameters.reference_temperature_c

    def get(self, theta: Array, layer: str, name: str) -> Array | float:
        """Values of one parameter in each row of theta, or the fixed value."""
        position = self.index.get((layer, name))
        if position is None and name in SHARED and self._fixed[(layer, name)] > 0.0:
            position = self.index.get(("", name))
        if position is None:
            return self._fixed[(layer, name)]
        values: Array = np.maximum(theta[:, position], LOWEST.get(name, -math.inf))
        return values

    def porosity(self, theta: Array, layer: str, presses: int) -> Array:
        """Porosity (0..1) of a layer after the first `presses` pressings, for each row of theta."""
        initial = np.minimum(self.get(theta, layer, "initial"), 0.99)
        residual = np.minimum(self.get(theta, layer, "residual_porosity"), initial)
        result: Array = residual + (initial - residual) * np.exp(-self._densification(theta, layer, presses))
        return result

    def thickness_um(self, theta: Array, layer: str, presses: int) -> Array:
        """Thickness of a layer: its solid's height over what is not pores."""
        solid = MG_CM2_PER_G_CM3_UM * self.get(theta, layer, "weight") / self.get(theta, layer, "density")
        result: Array = solid / (1.0 - self.porosity(theta, layer, presses))
        return result

    def _densification(self, theta: Array, layer: str, presses: int) -> Array:
        k, b = self.get(theta, layer, "k_per_mpa"), self.get(theta, layer, "b")
        c, tau = self.get(theta, layer, "c_per_k"), self.get(theta, layer, "tau_s")
        p1, m = self._fixed[(layer, "p1_mpa")], self._fixed[(layer, "m")]
        reference = self._fixed[(layer, "reference_temperature_c")]
        known, trail = self._trails.get(layer, (None, []))
        if known is not theta:  # another set of samples: begin again
            trail = []
            self._trails[layer] = (theta, trail)
        done: Array = trail[-1] if trail else np.zeros(len(theta))
        for press in self.presses[len(trail) : presses]:
            if layer in press.layers:
                pressure = np.maximum(press.pressure_mpa + theta[:, press.pressure_index], 0.0)
                temperature = press.temperature_c + theta[:, press.temperature_index]
                softening = np.maximum(SOFTENING_FLOOR, 1.0 - c * (temperature - reference))
                for share, duration_s in press.segments():
                    x = share * pressure / softening
                    gap = np.maximum(k * x - b * np.expm1(-((x / p1) ** m)) - done, 0.0)
                    done = done - gap * np.expm1(-duration_s / tau)
            trail.append(done)
        return trail[presses - 1] if presses else np.zeros(len(theta))


def interval_uncertainty(value: float, interval: tuple[float, float]) -> float:
    """Root mean square distance between a uniform quantity in the interval and the value used for it."""
    low, high = interval
    half = (high - low) / 2.0
    return math.hypot(half / math.sqrt(3.0), (high + low) / 2.0 - value)
