"""Lag, resolution and noise of what the machines show."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.sensors import Lag, quantised
from simulators.plc import Plc
from tests.simulators.bench import Bench


@given(st.floats(-1e4, 1e4), st.sampled_from([0.01, 0.1, 0.25, 1.0]))
def test_a_resolution_is_off_by_half_a_step_at_most(value: float, step: float) -> None:
    shown = quantised(value, step)
    assert abs(shown - value) <= 0.5 * step + 1e-9
    assert shown / step == pytest.approx(round(shown / step), abs=1e-6)


@given(st.floats(-50.0, 300.0), st.floats(-50.0, 300.0), st.floats(0.01, 30.0), st.integers(1, 10))
def test_a_lag_is_first_order_however_time_is_cut(before: float, truth: float, dt_s: float, pieces: int) -> None:
    lag = Lag(before, 3.0)
    for _ in range(pieces):
        lag.step(truth, dt_s / pieces)
    assert lag.value == pytest.approx(truth + (before - truth) * math.exp(-dt_s / 3.0), abs=1e-6)


def test_a_probe_shows_a_ramp_late_by_its_time_constant() -> None:
    bench = Bench()
    bench.dwelling_uniaxial()
    bench.uniaxial.platens.set(80.0)
    bench.wait(bench.uniaxial, 60.0)
    truth = bench.uniaxial.platens.temperature_c(0)
    assert truth - float(bench.uniaxial.tags["platen_top_c"]) == pytest.approx(3.0 * 10.0 / 60.0, abs=0.05)


def shown(bench: Bench, plc: Plc, name: str, times: int, step_s: float) -> list[float]:
    values = []
    for _ in range(times):
        bench.now_s += step_s
        plc.advance(bench.now_s)
        values.append(float(plc.tags[name]))
    return values


@pytest.mark.parametrize(
    ("unit", "name", "step"),
    [("uniaxial", "force_pv_kn", 0.01), ("uniaxial", "thickness_um", 0.25), ("isostatic", "pressure_a_mpa", 0.02)],
)
def test_readings_are_noisy_within_a_little_and_come_in_steps(unit: str, name: str, step: float) -> None:
    bench = Bench()
    dwell: Callable[[], None] = bench.dwelling_uniaxial if unit == "uniaxial" else bench.dwelling_isostatic
    dwell()
    plc: Plc = bench.uniaxial if unit == "uniaxial" else bench.isostatic
    bench.wait(plc, 15.0)
    values = shown(bench, plc, name, 100, 0.1)
    assert len(set(values)) > 2, "no two looks are quite the same"
    assert max(values) - min(values) < 4.0
    assert all(value / step == pytest.approx(round(value / step), abs=1e-6) for value in values)


@pytest.mark.parametrize("seed", range(1, 6))
def test_the_isostatic_readings_are_within_their_accuracies(seed: int) -> None:
    bench = Bench("realistic", seed)
    bench.dwelling_isostatic()
    press = bench.isostatic
    for _ in range(50):
        bench.wait(press, 2.0)
        for name in ("pressure_a_mpa", "pressure_b_mpa"):
            assert abs(float(press.tags[name]) - press.pressure_mpa) <= 4.0
        settled = abs(press.medium.probe_c - press.medium.temperature_c)
        assert abs(float(press.tags["medium_a_c"]) - press.medium.temperature_c) <= 0.3 + settled
