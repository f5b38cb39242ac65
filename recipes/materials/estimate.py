"""Porosity of every layer with its uncertainty, from the compaction law and from what was measured.

An extended Kalman filter over the parameters: coating weight, density, initial porosity and compaction parameters of
each layer, the shared ones, and the unknown errors of pressure and temperature of every pressing. Observations change
the parameters, and the porosities of all stages follow from the same parameters, so rates of decrease stay consistent.
A value is the law at the best parameters. Its standard uncertainty is the root mean square distance from that value on
its wider side, over a fixed set of parameter samples: porosity depends on densification exponentially, so a linear
propagation would understate the upper side, which is the one that claims are judged on.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from recipes.materials.library import LayerMaterial
from recipes.materials.state import Array, ParameterState, PressRecord
from recipes.model import Layer

CHI2_LIMIT = 9.0
"""Three standard deviations: a measurement further off says that something is wrong, not that the layer is."""
RELINEARISATIONS = 2
"""A third changes a porosity by less than 0.01 points."""
WIDENINGS = 5
"""Each makes the standard deviations three times as large at least; what is still too far off then, no law gives."""
TWO_SIGMA = 0.9545
"""Share of a normal quantity within two standard deviations."""
SAMPLES = 400
"""Antithetic pairs make the mean exact; with 400 samples an uncertainty repeats within about 4 %."""


@dataclass(frozen=True, slots=True)
class Innovation:
    """How far an observation was from its prediction: value and its standard deviation in the observation's unit.

    chi2 has one degree of freedom. An observation that is not plausible was not used, unless it is a laboratory's.
    """

    value: float
    sigma: float
    chi2: float
    plausible: bool


class LaminateEstimate:
    """What is known of a laminate's layers. Without observations it is the prediction that a plan previews."""

    def __init__(self, layers: Mapping[str, Layer], materials: Mapping[str, LayerMaterial]) -> None:
        """:raises KeyError: if a layer has no material."""
        self._materials = materials
        self._state = ParameterState(layers, materials)
        self._layers = tuple(layers)
        self._cached: Array | None = None

    def press(
        self,
        layers: Collection[str],
        pressure_mpa: float,
        temperature_c: float,
        dwell_s: float,
        u_pressure_mpa: float,
        u_temperature_k: float,
        ramp_s: float = 0.0,
    ) -> None:
        """A pressing of these layers at the dwell's means; the u are standard uncertainties of those means.

        ramp_s is how long the pressure rose before the dwell: a slow rise densifies as much as a dwell does.

        Layers that the laminate does not know are not porous and are left out.
        """
        number = len(self._state.presses) + 1
        pressure_index = self._state.add((f"press {number}", "pressure"), 0.0, u_pressure_mpa)
        temperature_index = self._state.add((f"press {number}", "temperature"), 0.0, u_temperature_k)
        known = frozenset(layers).intersection(self._layers)
        record = PressRecord(known, pressure_mpa, temperature_c, dwell_s, pressure_index, temperature_index, ramp_s)
        self._state.presses.append(record)
        self._cached = None

    def observe_coating_weight(self, layer: str, mg_cm2: float, u: float) -> Innovation:
        """A weighed coating weight with its standard uncertainty, both in mg/cm2."""
        position = self._state.index[(layer, "weight")]
        return self._observe(lambda theta: theta[:, position], mg_cm2, u)

    def observe_thickness(
        self, um: float, u_um: float, layers: Collection[str], dense_um: float, u_dense_um: float
    ) -> Innovation:
        """A thickness of a lot that holds these porous layers as they are now, and dense_um of foils."""
        now = len(self._state.presses)
        present = [layer for layer in self._layers if layer in layers]

        def predicted(theta: Array) -> Array:
            total: Array = np.full(len(theta), dense_um)
            for layer in present:
                total = total + self._state.thickness_um(theta, layer, now)
            return total

        return self._observe(predicted, um, math.hypot(u_um, u_dense_um))

    def observe_porosity(self, layer: str, pct: float, u: float) -> Innovation:
        """A laboratory's porosity of a layer as it is now, with its standard uncertainty, in percent and points.

        It corrects the estimate in any case. One that is not plausible says that the parameters are known worse than
        was thought: their covariance is widened until it is. Returns how far it was from that in the end; a value that
        no parameters give is not plausible still.
        """
        now = len(self._state.presses)

        def porosity(theta: Array) -> Array:
            return 100.0 * self._state.porosity(theta, layer, now)

        innovation = self._observe(porosity, pct, u)
        for _ in range(WIDENINGS):
            if innovation.plausible:
                break
            self._state.covariance = self._state.covariance * innovation.chi2
            self._cached = None
            innovation = self._observe(porosity, pct, u)
        return innovation

    def porosity_pct(self, layer: str, after_press: int | None = None) -> tuple[float, float]:
        """Porosity and its standard uncertainty: as coated (0), after the n-th pressing of all (n), now (None)."""
        presses = self._stage(after_press)
        return self._value(lambda theta: 100.0 * self._state.porosity(theta, layer, presses))

    def decrease_pct(self, layer: str, n: int, since: int | None = None) -> tuple[float, float]:
        """Rate of decrease in porosity by the n-th pressing (n >= 1), in percent of the porosity before it.

        since counts from after that pressing instead, for a step that presses more than once.
        """
        if n < 1:
            raise ValueError(f"pressings are counted from 1, not {n}")
        presses, begun = self._stage(n), n - 1 if since is None else since

        def rate(theta: Array) -> Array:
            before = self._state.porosity(theta, layer, begun)
            left = np.divide(
                self._state.porosity(theta, layer, presses), before, out=np.ones_like(before), where=before > 0
            )
            result: Array = 100.0 * (1.0 - left)  # what has no pores any more loses none
            return result

        return self._value(rate)

    def thickness_um(self, layers: Collection[str], after_press: int | None = None) -> tuple[float, float]:
        """Predicted thickness of these porous layers together and its standard uncertainty."""
        presses = self._stage(after_press)
        present = [layer for layer in self._layers if layer in layers]

        def total(theta: Array) -> Array:
            parts = [self._state.thickness_um(theta, layer, presses) for layer in present]
            return np.sum(parts, axis=0) if parts else np.zeros(len(theta))

        return self._value(total)

    def composite_modulus_gpa(self, layer: str) -> tuple[float, float] | None:
        """Composite modulus from the highest pressure so far, or None if the material has no such law."""
        law = self._materials[layer].modulus
        if law is None:
            return None
        presses = [press for press in self._state.presses if layer in press.layers]
        if not presses:
            return law.modulus_gpa(0.0), 0.0
        highest = max(presses, key=lambda press: press.pressure_mpa)
        low, high = law.slope_interval
        u_slope = math.hypot((high - low) / 2.0 / math.sqrt(3.0), (high + low) / 2.0 - law.slope_gpa_per_mpa)
        u_pressure = math.sqrt(self._state.covariance[highest.pressure_index, highest.pressure_index])
        uncertainty = math.hypot(u_slope * highest.pressure_mpa, law.slope_gpa_per_mpa * u_pressure)
        return law.modulus_gpa(highest.pressure_mpa), uncertainty

    def _stage(self, after_press: int | None) -> int:
        presses = len(self._state.presses)
        if after_press is None:
            return presses
        if not 0 <= after_press <= presses:
            raise ValueError(f"there were {presses} pressings, not {after_press}")
        return after_press

    def _value(self, function: Callable[[Array], Array]) -> tuple[float, float]:
        values = function(self._samples())  # the first row is the mean itself
        return float(values[0]), _wider_side(values[1:] - values[0])

    def _observe(self, function: Callable[[Array], Array], measured: float, u: float) -> Innovation:
        state = self._state
        prior, covariance = state.mean, state.covariance
        predicted, gradient = self._linearised(function, prior)
        value = measured - predicted
        curvature = self._curvature_variance(function, predicted, gradient)
        noise = u * u + curvature
        variance = float(gradient @ covariance @ gradient) + noise
        if variance <= 0.0:
            return Innovation(value, 0.0, 0.0 if value == 0.0 else math.inf, value == 0.0)
        innovation = Innovation(value, math.sqrt(variance), value**2 / variance, value**2 <= CHI2_LIMIT * variance)
        if not innovation.plausible:
            return innovation
        gain = covariance @ gradient / variance
        state.mean = prior + gain * value
        for _ in range(RELINEARISATIONS):  # porosity is far from linear in the drive, so look again from there
            predicted, gradient = self._linearised(function, state.mean)
            gain = covariance @ gradient / (float(gradient @ covariance @ gradient) + noise)
            state.mean = prior + gain * (measured - predicted - float(gradient @ (prior - state.mean)))
        keep = np.eye(len(prior)) - np.outer(gain, gradient)  # Joseph's form stays symmetric and not negative
        state.covariance = keep @ covariance @ keep.T + np.outer(gain, gain) * noise
        self._cached = None
        return innovation

    def _curvature_variance(self, function: Callable[[Array], Array], predicted: float, gradient: Array) -> float:
        """What a linear observation misses, treated as noise so that a curved one is not trusted too much."""
        samples = self._samples()
        missed = function(samples) - predicted - (samples - samples[0]) @ gradient
        return float(np.mean(missed**2))

    def _samples(self) -> Array:
        if self._cached is None:
            self._cached = _samples(self._state.mean, self._state.covariance)
        return self._cached

    def _linearised(self, function: Callable[[Array], Array], at: Array) -> tuple[float, Array]:
        size = len(at)
        widths = np.sqrt(np.diag(self._state.covariance))  # one standard deviation each: a secant, not a tangent
        steps = np.diag(widths)
        predicted = function(np.vstack([at[None, :], at + steps, at - steps]))
        slopes = (predicted[1 : size + 1] - predicted[size + 1 :]) / np.where(widths > 0.0, 2.0 * widths, 1.0)
        gradient: Array = np.where(widths > 0.0, slopes, 0.0)
        return float(predicted[0]), gradient


def _wider_side(distances: Array) -> float:
    """Root mean square distance on that side where it is larger; on both sides the same for a linear quantity.

    At least so much that twice of it (k = 2) reaches 95.45 % of either side, as it does of a normal quantity: a skewed
    one has a tail.
    """
    sides = (distances[distances > 0.0], -distances[distances < 0.0])
    return max((_spread(side) for side in sides if side.size), default=0.0)


def _spread(side: Array) -> float:
    last = math.ceil(TWO_SIGMA * (len(side) - 1))  # np.quantile would interpolate, and take ten times as long
    return max(float(np.sqrt(np.mean(side**2))), float(np.partition(side, last)[last]) / 2.0)


@lru_cache(maxsize=8)  # a recipe has a few sizes; one of 300 values takes tens of megabytes
def _normals(size: int) -> Array:
    """Standard normal samples in antithetic pairs, the same in every process."""
    half = np.random.default_rng(size).standard_normal((SAMPLES // 2, size))
    half /= np.sqrt(np.mean(half**2, axis=0))
    return np.vstack([half, -half])


def _samples(mean: Array, covariance: Array) -> Array:
    scale = np.sqrt(np.diag(covariance))
    safe = np.where(scale > 0.0, scale, 1.0)
    values, vectors = np.linalg.eigh(covariance / np.outer(safe, safe))
    root = safe[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))
    return np.vstack([mean[None, :], mean + _normals(len(mean)) @ root.T])
