"""The estimate's uncertainty must be honest, its observations must act the right way, its faults must be noticed."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from recipes.materials.compaction import advance, porosity_fraction
from recipes.materials.estimate import LaminateEstimate
from recipes.materials.library import load_materials
from recipes.model import Layer
from simulators.physics.laminate import TrueLayer, coated_layer
from simulators.scenarios import named_scenario

LAYERS = {
    "cathode": Layer("cathode", (), 45.0, 27.0, 3.56),
    "solid_electrolyte": Layer("solid_electrolyte", (), 40.0, 11.16, 1.86),
    "intermediate": Layer("intermediate", (), 82.0, 0.124, 2.30),
}
PAIR, ALL = ("cathode", "solid_electrolyte"), tuple(LAYERS)
ROOT3 = math.sqrt(3.0)
SEEDS = 300


def estimate() -> LaminateEstimate:
    return LaminateEstimate(LAYERS, load_materials())


def example(densify_c: float = 120.0, densify_mpa: float = 980.0) -> LaminateEstimate:
    result = estimate()
    result.press(PAIR, 90.0, 25.0, 180.0, 0.5, 0.3)
    result.press(ALL, 290.0, 25.0, 300.0, 0.5, 0.3)
    result.press(ALL, densify_mpa, densify_c, 300.0, 2.3, 0.3)
    result.press(ALL, 180.0, 25.0, 120.0, 0.5, 0.3)
    return result


@dataclass
class Drawn:
    """A laminate as the simulator draws it, and measurements with errors uniform within their bounds."""

    seed: int

    def __post_init__(self) -> None:
        self.random = random.Random(self.seed)
        world = named_scenario("realistic", self.seed)
        self.layers: dict[str, TrueLayer] = {}
        for name, layer in LAYERS.items():
            weight = layer.coating_weight_mg_cm2 * (1.0 + world.error(f"{name}:gap_factor", 0.02))
            self.layers[name] = coated_layer(layer, weight, world)
        self.estimate = estimate()

    def error(self, bound: float) -> float:
        return self.random.uniform(-bound, bound)

    def press(self, layers: Sequence[str], mpa: float, celsius: float, dwell_s: float, bound_mpa: float) -> None:
        for name in layers:
            self.layers[name].press(mpa, celsius, dwell_s)
        measured = mpa + self.error(bound_mpa), celsius + self.error(0.5)
        self.estimate.press(layers, *measured, dwell_s, bound_mpa / ROOT3, 0.5 / ROOT3)

    def weigh(self) -> None:
        for name in PAIR:
            weight = self.layers[name].coating_weight_mg_cm2
            self.estimate.observe_coating_weight(name, weight + self.error(0.1), 0.1 / ROOT3)

    def gauge(self, layers: Sequence[str]) -> None:
        thickness = sum(self.layers[name].thickness_um for name in layers) + 25.0 + self.error(0.25)
        innovation = self.estimate.observe_thickness(
            thickness + self.error(1.0), 1.0 / ROOT3, layers, 25.0, 0.25 / ROOT3
        )
        assert innovation.plausible

    def make(self, densify_mpa: float, densify_c: float, *, measured: bool) -> None:
        if measured:
            self.weigh()
            for name in PAIR:
                self.gauge([name])
        self.press(PAIR, 90.0, 25.0, 180.0, 1.0)
        self.press(ALL, 290.0, 25.0, 300.0, 1.0)
        self.press(ALL, densify_mpa, densify_c, 300.0, 4.0)
        if measured:
            self.gauge(ALL)

    def ratios(self, layer: str) -> float:
        value, uncertainty = self.estimate.porosity_pct(layer)
        return abs(value - self.layers[layer].porosity_pct) / uncertainty


@pytest.mark.parametrize(("mpa", "celsius"), [(980.0, 120.0), (980.0, 60.0), (980.0, 25.0), (700.0, 25.0)])
@pytest.mark.parametrize("measured", [False, True], ids=["law alone", "weighed and gauged"])
def test_the_uncertainty_is_honest(mpa: float, celsius: float, measured: bool) -> None:
    ratios: dict[str, list[float]] = {layer: [] for layer in PAIR}
    for seed in range(SEEDS):
        drawn = Drawn(seed)
        drawn.make(mpa, celsius, measured=measured)
        for layer in PAIR:
            ratios[layer].append(drawn.ratios(layer))
    for layer, found in ratios.items():
        assert sum(ratio <= 2.0 for ratio in found) >= 0.95 * SEEDS, layer
        assert max(found) <= 3.0, layer
        assert math.sqrt(sum(ratio**2 for ratio in found) / SEEDS) > 0.4, f"{layer}: far too careful to be of use"


def test_a_gauge_makes_the_estimate_better() -> None:
    errors = {False: 0.0, True: 0.0}
    for measured in errors:
        for seed in range(100):
            drawn = Drawn(seed)
            drawn.make(980.0, 25.0, measured=measured)
            for layer in PAIR:
                errors[measured] += (drawn.estimate.porosity_pct(layer)[0] - drawn.layers[layer].porosity_pct) ** 2
    assert errors[True] < 0.8 * errors[False]


@pytest.mark.parametrize("layer", ALL)
def test_without_observations_the_value_is_the_law(layer: str) -> None:
    parameters, found = load_materials()[layer].parameters, example()
    initial, densification = LAYERS[layer].porosity_pct / 100.0, 0.0
    if layer != "intermediate":
        densification = advance(densification, 90.0, 25.0, 180.0, parameters)
    densification = advance(densification, 290.0, 25.0, 300.0, parameters)
    assert found.porosity_pct(layer, 0)[0] == pytest.approx(LAYERS[layer].porosity_pct)
    expected = 100.0 * porosity_fraction(initial, densification, parameters)
    assert found.porosity_pct(layer, 2)[0] == pytest.approx(expected)
    before, after = found.porosity_pct(layer, 2)[0], found.porosity_pct(layer, 3)[0]
    assert found.decrease_pct(layer, 3)[0] == pytest.approx(100.0 * (1.0 - after / before))
    assert found.porosity_pct(layer) == found.porosity_pct(layer, 4)


def test_a_pressing_leaves_other_layers_alone() -> None:
    found = example()
    assert found.porosity_pct("intermediate", 1) == found.porosity_pct("intermediate", 0)
    assert found.decrease_pct("intermediate", 1) == (0.0, 0.0)
    assert found.decrease_pct("cathode", 4)[0] == pytest.approx(0.0, abs=1e-9)


def test_a_thicker_stack_than_predicted_means_more_porosity() -> None:
    found = example()
    before = {layer: found.porosity_pct(layer) for layer in PAIR}
    innovation = found.observe_thickness(found.thickness_um(ALL)[0] + 25.0 + 3.0, 0.5, ALL, 25.0, 0.1)
    assert innovation.value == pytest.approx(3.0)
    assert innovation.plausible
    for layer in PAIR:
        assert found.porosity_pct(layer)[0] > before[layer][0]
        assert found.porosity_pct(layer)[1] < 1.05 * before[layer][1] * found.porosity_pct(layer)[0] / before[layer][0]


def test_a_laboratory_overrides_the_law() -> None:
    found = example(25.0)
    innovation = found.observe_porosity("cathode", 7.5, 0.1)
    assert innovation.plausible
    value, uncertainty = found.porosity_pct("cathode")
    assert value == pytest.approx(7.5, abs=0.1)
    assert uncertainty < 0.2


def test_an_observation_corrects_earlier_stages_too() -> None:
    found = example(25.0)
    before = found.porosity_pct("cathode", 2)[0]
    found.observe_porosity("cathode", 8.0, 0.1)
    assert found.porosity_pct("cathode", 2)[0] > before


def test_an_implausible_thickness_is_told_and_not_used() -> None:
    found = example()
    before = found.porosity_pct("cathode")
    innovation = found.observe_thickness(found.thickness_um(ALL)[0] + 25.0 + 30.0, 0.6, ALL, 25.0, 0.1)
    assert not innovation.plausible
    assert innovation.chi2 > 9.0
    assert found.porosity_pct("cathode") == before


def test_a_weighed_sheet_is_known_better() -> None:
    found = estimate()
    wide = found.thickness_um(["cathode"])[1]
    found.observe_coating_weight("cathode", 27.1, 0.05)
    assert found.thickness_um(["cathode"])[1] < wide


def test_modulus_from_the_highest_pressure() -> None:
    found = example()
    modulus = found.composite_modulus_gpa("intermediate")
    assert modulus is not None
    assert modulus[0] == pytest.approx(0.815, abs=0.001)
    assert 0.0 < modulus[1] < 0.05
    assert found.composite_modulus_gpa("cathode") is None
    fresh = estimate().composite_modulus_gpa("intermediate")
    assert fresh is not None
    assert fresh == pytest.approx((0.1, 0.0))


@pytest.mark.parametrize("stage", [-1, 5])
def test_a_stage_that_was_not_is_refused(stage: int) -> None:
    with pytest.raises(ValueError, match="there were 4 pressings"):
        example().porosity_pct("cathode", stage)
    with pytest.raises(ValueError, match="press"):
        example().decrease_pct("cathode", max(stage, 0))


def test_two_estimates_of_the_same_history_agree_to_the_bit() -> None:
    assert example().porosity_pct("cathode") == example().porosity_pct("cathode")
