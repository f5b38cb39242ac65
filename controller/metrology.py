"""Measurements become porosities: the law's prediction, corrected by what gauges, balance and lab say.

One laminate per run. Every estimate carries its standard uncertainty and the evidence it rests on: "estimated" while it
rests on the law and on stack thicknesses that no single layer explains, "lab" once the lab has measured that layer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import hypot, sqrt

from recipes.facts import Evidence
from recipes.materials.estimate import CHI2_LIMIT, Innovation, LaminateEstimate
from recipes.materials.library import load_materials
from recipes.model import Foil, Laminate

FOIL_TOLERANCE = 0.01  # standard uncertainty of a foil's thickness, 1 %: a usual rolling tolerance of 2 % as a bound


NOTICED = 0.05  # 5 points, the size of the claims on porosity: what hides a larger change proves nothing of a layer


@dataclass(frozen=True, slots=True)
class LayerChange:
    """Porosity of one layer before and after one pressing, and its rate of decrease, with standard uncertainties."""

    before_pct: float
    before_uncertainty_pct: float
    after_pct: float
    after_uncertainty_pct: float
    decrease_pct: float
    decrease_uncertainty_pct: float


class Metrology:
    """What is known of the laminate in work."""

    def __init__(self, laminate: Laminate) -> None:
        self._laminate = laminate
        materials = load_materials()
        by_law = {name: layer for name, layer in laminate.layers.items() if name in materials}
        self._by_law = frozenset(by_law)
        self._estimate = LaminateEstimate(by_law, materials)
        self._measured: dict[str, int] = {}
        self._pressed: list[tuple[str, tuple[str, ...]]] = []
        self._lost: set[str] = set()
        self._doubts: dict[str, list[str]] = {}
        self._lab: dict[tuple[str, str], tuple[int, tuple[float, float]]] = {}
        self.area_mm2 = laminate.area_mm2

    def confirm_area(self, area_mm2: float) -> None:
        """The area that a person measured; pressures and areal masses use it from now on."""
        self.area_mm2 = area_mm2

    def press(
        self,
        step: str,
        layers: Sequence[str],
        pressure: tuple[float, float],
        temperature: tuple[float, float],
        dwell_s: float,
        ramp_s: float,
    ) -> None:
        """A finished pressing with what was reached: (MPa, standard uncertainty), (degC, standard uncertainty), s."""
        layers = [layer for layer in layers if layer in self._by_law]
        self._estimate.press(layers, pressure[0], temperature[0], dwell_s, pressure[1], temperature[1], ramp_s)
        self._pressed.append((step, tuple(layers)))

    def weigh(
        self, layer: str, mass_g: float, uncertainty_g: float, foils: Iterable[str], solvent_pct: float
    ) -> tuple[float, float, bool]:
        """Coating weight and its standard uncertainty, mg/cm2, of a single coated sheet; it corrects the estimate.

        The third value says whether it can be this sheet's; one that cannot corrects nothing.

        solvent_pct is what the coater's gauge says is left in it, as a share of the dry weight; it is taken off, and
        the whole of it counts as the bound of that correction's error.
        """
        area_cm2 = self.area_mm2 / 100
        carriers = [_areal_mass_mg_cm2(self._laminate.foils[name]) for name in foils]
        weight = (1000 * mass_g / area_cm2 - sum(carriers)) / (1 + solvent_pct / 100)
        parts = [1000 * uncertainty_g / area_cm2, weight * solvent_pct / 100 / sqrt(3)]
        uncertainty = hypot(*parts, *(FOIL_TOLERANCE * mass for mass in carriers))
        is_plausible = True
        if layer in self._by_law:
            is_plausible = self._estimate.observe_coating_weight(layer, weight, uncertainty).plausible
        return weight, uncertainty, is_plausible

    def thickness(
        self, value_um: float, uncertainty_um: float, layers: Sequence[str], foils: Iterable[str]
    ) -> Innovation:
        """A stack thickness corrects the estimate of all its layers.

        Of layers without a law nothing is estimated: the innovation is the distance from what the recipe declares.
        """
        dense, dense_uncertainty = self.dense_um(foils)
        if not set(layers) <= self._by_law:
            expected = dense + sum(self._laminate.layers[layer].coated_thickness_um for layer in layers)
            return Innovation(value_um - expected, hypot(uncertainty_um, dense_uncertainty), 0.0, plausible=True)
        innovation = self._estimate.observe_thickness(value_um, uncertainty_um, layers, dense, dense_uncertainty)
        if innovation.plausible:
            sigma_um = hypot(uncertainty_um, dense_uncertainty)
            seen = [layer for layer in layers if self._is_seen(layer, sigma_um)]
            self._measured |= dict.fromkeys(seen, len(self._pressed))
        return innovation

    def _is_seen(self, layer: str, sigma_um: float) -> bool:
        """Whether a thickness would have shown a layer's porosity: a change by NOTICED is at least two sigma of it."""
        porosity = self._estimate.porosity_pct(layer)[0] / 100.0
        per_unit_um = self._laminate.layers[layer].solid_height_um / (1.0 - porosity) ** 2
        return NOTICED * per_unit_um >= 2.0 * sigma_um

    def dense_um(self, foils: Iterable[str]) -> tuple[float, float]:
        """Thickness of foils together and its standard uncertainty."""
        dense = [self._laminate.foils[name].thickness_um for name in foils]
        return sum(dense), sqrt(sum((FOIL_TOLERANCE * thickness) ** 2 for thickness in dense))

    def is_measured_since(self, step: str, layer: str) -> bool:
        """Whether a measurement of this layer has corrected the law's estimate after a pressing step."""
        number = max(n for n, (name, _) in enumerate(self._pressed, start=1) if name == step)
        return self._measured.get(layer, -1) >= number

    def expected(self, layer: str, quantity: str) -> tuple[float, float] | None:
        """What the estimate says a lab should find, with its standard uncertainty; None where it knows nothing."""
        if layer not in self._by_law or layer in self._lost:
            return None
        if quantity == "porosity":
            return self._estimate.porosity_pct(layer)
        return self._estimate.composite_modulus_gpa(layer)

    @staticmethod
    def agrees(value: tuple[float, float], expected: tuple[float, float]) -> bool:
        """Whether two values with their standard uncertainties can be of the same thing."""
        return (value[0] - expected[0]) ** 2 <= CHI2_LIMIT * (value[1] ** 2 + expected[1] ** 2)

    def lab(self, layer: str, quantity: str, value: float, uncertainty: float) -> None:
        """A lab value of one layer as it is now ("porosity", %, or "composite_modulus", GPa) overrides its estimate.

        It holds until the layer is pressed again; a later estimate still learns from it.
        """
        if quantity == "porosity" and layer in self._by_law:
            self._estimate.observe_porosity(layer, value, uncertainty)
            self._lost.discard(layer)
            self._measured[layer] = len(self._pressed)
        self._lab[layer, quantity] = (len(self._pressed), (value, uncertainty))

    def _lab_now(self, layer: str, quantity: str) -> tuple[float, float] | None:
        number, value = self._lab.get((layer, quantity), (-1, (0.0, 0.0)))
        pressed_since = any(layer in layers for _, layers in self._pressed[number:]) if number >= 0 else True
        return None if pressed_since else value

    def lose_track(self, layers: Iterable[str]) -> None:
        """Nothing is known of these layers before a lab has measured their porosity.

        A pressing was broken off, so that nobody knows how far it went; or a measurement contradicts the estimate.
        """
        self._lost.update(layers)

    def doubt(self, layers: Iterable[str], reason: str) -> None:
        """The estimates of these layers rest on a value of uncertain quality from now on.

        It stays: a laboratory's value overrides the estimate of its layer and is a fact of its own, but what was
        estimated before and on the way is as doubtful as it was.
        """
        for layer in layers:
            known = self._doubts.setdefault(layer, [])
            if reason not in known:
                known.append(reason)

    def doubt_of(self, layer: str) -> str:
        """Why the estimates of a layer are of uncertain quality, in words; "" if they are not."""
        return "; ".join(self._doubts.get(layer, ()))

    def is_known(self, layer: str) -> bool:
        """Whether something is known of the porosity; of a layer without a law, only what the lab says."""
        has_value = layer in self._by_law or self._lab_now(layer, "porosity") is not None
        return has_value and layer not in self._lost

    def evidence(self, layer: str, quantity: str = "porosity") -> Evidence:
        return Evidence.ESTIMATED if self._lab_now(layer, quantity) is None else Evidence.LAB

    def porosity_pct(self, layer: str) -> tuple[float, float]:
        """Porosity now and its standard uncertainty, %, of a layer that is known."""
        return self._lab_now(layer, "porosity") or self._estimate.porosity_pct(layer)

    def composite_modulus_gpa(self, layer: str) -> tuple[float, float] | None:
        """Composite modulus now and its standard uncertainty, GPa; None for a layer without a law and a lab value."""
        if (lab := self._lab_now(layer, "composite_modulus")) is not None:
            return lab
        return self._estimate.composite_modulus_gpa(layer) if layer in self._by_law else None

    def changes(self) -> Mapping[str, Mapping[str, LayerChange]]:
        """For every pressing step so far: step -> layer -> change, by the newest estimate.

        A step that pressed more than once changed its layers from before its first pressing to after its last.
        """
        numbers: dict[str, list[int]] = {}
        for number, (step, _) in enumerate(self._pressed, start=1):
            numbers.setdefault(step, []).append(number)
        result: dict[str, dict[str, LayerChange]] = {}
        for step, pressings in numbers.items():
            first, last = pressings[0], pressings[-1]
            layers = dict.fromkeys(layer for number in pressings for layer in self._pressed[number - 1][1])
            result[step] = {
                layer: LayerChange(
                    *self._estimate.porosity_pct(layer, first - 1),
                    *self._estimate.porosity_pct(layer, last),
                    *self._estimate.decrease_pct(layer, last, since=first - 1),
                )
                for layer in layers
            }
        return result


def _areal_mass_mg_cm2(foil: Foil) -> float:
    """1 um at 1 g/cm3 is 0.1 mg/cm2."""
    return 0.1 * foil.thickness_um * foil.density_g_cm3
