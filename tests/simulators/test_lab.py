"""The laboratory's porosity by weight, and what it says of cells."""

from __future__ import annotations

from itertools import pairwise

import pytest

from recipes.materials.cell import load_cells
from simulators.lab import Laboratory
from simulators.world import WorldError
from tests.simulators.bench import Bench


def cathode_of(porosity_pct: float, scenario: str = "nominal", seed: int = 1) -> tuple[Bench, Laboratory]:
    bench = Bench(scenario, seed)
    lot = bench.lot()
    lot.layers[0].initial_porosity = porosity_pct / 100.0
    return bench, bench.line.lab


def test_porosity_by_weight_has_two_points_of_uncertainty_at_5_percent() -> None:
    bench, lab = cathode_of(5.0)
    lot = bench.line.world.lot("assembly")
    value, uncertainty = lab.measure(lot, "porosity_by_weight_pct:cathode")
    assert lot.layers[0].thickness_um == pytest.approx(80.0, abs=0.5)
    assert value == pytest.approx(5.0)
    assert uncertainty == pytest.approx(2.1, abs=0.05)


def test_porosity_by_weight_scatters_as_it_says() -> None:
    deviations = []
    for seed in range(200):
        bench, lab = cathode_of(5.0, "realistic", seed)
        value, uncertainty = lab.measure(bench.line.world.lot("assembly"), "porosity_by_weight_pct:cathode")
        deviations.append((value - 5.0) / uncertainty)
    spread = (sum(deviation**2 for deviation in deviations) / len(deviations)) ** 0.5
    assert spread == pytest.approx(1.0, abs=0.15)


@pytest.mark.parametrize(
    ("porosity_pct", "dcr", "capacity"),
    [(2, 15.3, 166), (3, 16.7, 166), (4.5, 17.7, 165), (6, 21.0, 121), (8, 45.1, 99), (9, 52.3, 68)],
)
def test_the_cells_of_the_source_are_met(porosity_pct: float, dcr: float, capacity: float) -> None:
    bench, lab = cathode_of(porosity_pct)
    lot = bench.line.world.lot("assembly")
    assert lab.measure(lot, "dcr_ohm_cm2:cell")[0] == pytest.approx(dcr)
    assert lab.measure(lot, "discharge_capacity_mah_g:cell")[0] == pytest.approx(capacity)


def test_between_the_cells_the_curves_are_monotone() -> None:
    curves = load_cells()
    at = [2.0 + 0.05 * step for step in range(141)]
    assert all(b >= a - 1e-9 for a, b in pairwise(curves["dcr_ohm_cm2"].at(e) for e in at))
    assert all(b <= a + 1e-9 for a, b in pairwise(curves["discharge_capacity_mah_g"].at(e) for e in at))


@pytest.mark.parametrize("porosity_pct", [1.5, 9.5])
def test_nothing_is_said_of_cells_that_nobody_made(porosity_pct: float) -> None:
    bench, lab = cathode_of(porosity_pct)
    with pytest.raises(WorldError, match="2 to 9 % porosity only"):
        lab.measure(bench.line.world.lot("assembly"), "dcr_ohm_cm2:cell")


def test_what_the_laboratory_cannot_do_is_refused() -> None:
    bench, lab = cathode_of(5.0)
    lot = bench.line.world.lot("assembly")
    for field in ("cycle_life:cell", "colour:cathode", "porosity_pct:anode"):
        with pytest.raises(WorldError):
            lab.measure(lot, field)
