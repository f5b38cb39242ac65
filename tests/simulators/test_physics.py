"""The physics against closed forms."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.materials.coating import drying_rate_g_m2s
from simulators.physics.heat import HeatedBody, Medium, relax
from simulators.physics.hydraulics import ForceLoop, ramped
from simulators.physics.vessel import FINAL_STAGE_MPA, Vessel
from simulators.physics.web import ZONE_LENGTH_M, lel_pct, residual_g_m2
from simulators.scenarios import UnknownScenarioError, named_scenario


@given(st.floats(-50.0, 300.0), st.floats(-50.0, 300.0), st.floats(0.01, 100.0), st.integers(1, 20))
def test_relaxing_does_not_depend_on_how_time_is_cut(start: float, target: float, dt_s: float, pieces: int) -> None:
    value = start
    for _ in range(pieces):
        value = relax(value, target, dt_s / pieces, 20.0)
    assert value == pytest.approx(relax(start, target, dt_s, 20.0), abs=1e-9)


def test_a_force_loop_has_its_time_constant() -> None:
    loop = ForceLoop(rate_limit_kn_s=1e6)
    for _ in range(10):
        loop.step(100.0, 0.05)
    assert loop.force_kn == pytest.approx(100.0 * (1.0 - math.exp(-1.0)))


def test_a_force_loop_neither_jumps_nor_pulls() -> None:
    loop = ForceLoop(rate_limit_kn_s=10.0)
    loop.step(500.0, 0.1)
    assert loop.force_kn == pytest.approx(1.0)
    loop.step(-500.0, 10.0)
    assert loop.force_kn == 0.0


@given(st.floats(-100.0, 100.0), st.floats(-100.0, 100.0), st.floats(0.1, 50.0), st.floats(0.01, 5.0))
def test_a_ramp_is_never_faster_than_its_rate_and_never_passes_its_target(
    value: float, target: float, rate: float, dt_s: float
) -> None:
    after = ramped(value, target, rate, dt_s)
    assert abs(after - value) <= rate * dt_s + 1e-9
    assert min(value, target) - 1e-9 <= after <= max(value, target) + 1e-9


def test_a_heated_body_waits_for_its_dead_time_and_keeps_its_rate() -> None:
    body = HeatedBody(25.0, rate_k_s=0.2, tau_s=30.0, dead_time_s=20.0)
    body.set(125.0)
    for _ in range(19):
        body.step(1.0)
    assert body.temperature_c == 25.0
    for _ in range(101):
        body.step(1.0)
    assert body.temperature_c == pytest.approx(25.0 + 0.2 * 101, abs=0.41)
    for _ in range(2000):
        body.step(1.0)
    assert body.temperature_c == pytest.approx(125.0, abs=1e-6)


def test_compression_heats_the_medium_and_the_wall_takes_the_heat() -> None:
    medium = Medium(25.0, adiabatic_k_per_mpa=0.07)
    medium.step(25.0, 100.0, 0.001)
    assert medium.temperature_c == pytest.approx(32.0, abs=0.01)
    medium.step(25.0, 0.0, 20.0)
    assert medium.temperature_c == pytest.approx(25.0 + 7.0 * math.exp(-1.0), abs=0.01)


def test_the_first_five_percent_of_a_pressure_rise_are_slow() -> None:
    vessel = Vessel()
    seconds = 0
    while vessel.base_mpa < 50.0:
        vessel.raise_to(1000.0, 5.0, 1.0)
        seconds += 1
    assert seconds == 50
    while not vessel.raise_to(1000.0, 5.0, 1.0):
        seconds += 1
    assert seconds == pytest.approx(50 + 190, abs=1)


def test_decompression_has_two_stages() -> None:
    vessel = Vessel(base_mpa=150.0)
    pressures = [150.0]
    while not vessel.decompress(5.0, 1.0, 1.0):
        pressures.append(vessel.base_mpa)
    drops = [before - after for before, after in pairwise(pressures)]
    fast = [drop for drop, before in zip(drops, pressures, strict=False) if before > FINAL_STAGE_MPA]
    slow = [drop for drop, before in zip(drops, pressures, strict=False) if before <= FINAL_STAGE_MPA]
    assert fast == pytest.approx([5.0] * 20)
    assert slow == pytest.approx([1.0] * 49)


def test_ripple_rides_on_a_pressure_that_rises_and_on_no_other() -> None:
    vessel = Vessel(ripple_mpa=1.5)
    swings = []
    for _ in range(100):
        vessel.raise_to(900.0, 5.0, 0.5)
        swings.append(abs(vessel.pressure_mpa - vessel.base_mpa))
    assert 1.0 < max(swings) <= 1.5
    vessel.isolate(1.0)
    assert vessel.pressure_mpa == vessel.base_mpa


def test_a_leaking_vessel_is_topped_up() -> None:
    vessel = Vessel(leak_mpa_s=0.05, base_mpa=500.0)
    lows = []
    for _ in range(600):
        vessel.keep(500.0, 1.0)
        lows.append(vessel.base_mpa)
    assert min(lows) >= 498.9
    assert max(lows) == 500.0


def test_a_web_dries_as_its_zones_say() -> None:
    load, speed = 100.0, 0.6
    rate = drying_rate_g_m2s("water", 80.0)[0]
    first = load - rate * 60.0 * ZONE_LENGTH_M / speed
    assert first > 25.0, "constant rate up to here"
    assert residual_g_m2("water", load, [80.0], speed) == pytest.approx(first)
    assert residual_g_m2("water", load, [80.0, 110.0], speed) < first
    assert residual_g_m2("water", load, [80.0, 110.0], 2 * speed) > residual_g_m2("water", load, [80.0, 110.0], speed)


def test_vapour_is_conserved() -> None:
    grams_a_minute = 116.0 * 0.3 * 0.4  # load, width, speed
    assert lel_pct("butyl butyrate", 116.0, 0.4, 0.944) == pytest.approx(100.0 * grams_a_minute / 0.944 / 59.0)
    assert lel_pct("butyl butyrate", 116.0, 0.4, 0.944) == pytest.approx(25.0, abs=0.1)
    assert lel_pct("water", 116.0, 0.4, 1.0) == 0.0
    assert lel_pct("NMP", 1.0, 0.4, 0.0) == 100.0


def test_scenarios_draw_repeatably_and_apart() -> None:
    one, again, other = (named_scenario("realistic", seed) for seed in (1, 1, 2))
    assert one.error("a", 1.0) == again.error("a", 1.0)
    assert one.error("a", 1.0) != one.error("b", 1.0) != other.error("b", 1.0)
    assert all(abs(named_scenario("realistic", seed).room_c - 25.0) <= 1.0 for seed in range(100))
    assert named_scenario("nominal", 5).room_c == 25.0


def test_an_unknown_scenario_is_refused() -> None:
    with pytest.raises(UnknownScenarioError, match=r"known are nominal, .*realistic"):
        named_scenario("ideal")
