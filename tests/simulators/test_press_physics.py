"""What yields, stores and carries load in the presses, against closed forms."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators.physics.frame import FRAME_KN_UM, corners_um, loaded_thickness_um, stretch_um, tilt_um
from simulators.physics.heat import Medium
from simulators.physics.hydraulics import OIL_MPA_PER_KN, RELIEF_KN, ForceLoop, swing_kn
from simulators.physics.platens import Platens
from simulators.physics.vessel import (
    ACCUMULATION,
    BULK_MPA,
    MAWP_MPA,
    STROKE_SHARE,
    Vessel,
    compression_energy_mj_m3,
    content,
)
from tests.simulators.bench import ISOSTATIC_JOB, UNIAXIAL_JOB, Bench, word

# ---- frame and laminate ----


def test_a_frame_yields_by_force_over_stiffness() -> None:
    assert stretch_um(144.0) == pytest.approx(144.0 / FRAME_KN_UM)
    assert stretch_um(600.0) == pytest.approx(300.0)


@given(st.floats(1.0, 1000.0), st.floats(0.0, 400.0))
def test_a_laminate_is_strained_by_pressure_over_modulus_and_springs_back(thickness: float, pressure: float) -> None:
    loaded = loaded_thickness_um(thickness, pressure, 20.0)
    assert (thickness - loaded) / thickness == pytest.approx(pressure / 20_000.0, abs=1e-12)
    assert loaded_thickness_um(thickness, 0.0, 20.0) == thickness


@given(st.floats(-50.0, 50.0), st.floats(0.0, 60.0))
def test_four_sensors_tell_mean_and_tilt(mean: float, tilt: float) -> None:
    corners = corners_um(mean, tilt)
    assert sum(corners) / 4.0 == pytest.approx(mean, abs=1e-9)
    assert tilt_um(corners) == pytest.approx(tilt, abs=1e-9)


def test_the_thickness_under_load_is_that_of_the_laminate_less_its_strain_and_springs_back() -> None:
    bench = Bench()
    lot = bench.lot()
    bench.uniaxial.insert(lot)
    bench.start(bench.uniaxial, UNIAXIAL_JOB | {"force_sp_kn": 464.8, "dwell_sp_s": 200.0})
    bench.wait_for(bench.uniaxial, phase="dwell")
    bench.wait(bench.uniaxial, 195.0)
    strain_um = lot.thickness_um * 290.0 / 20_000.0
    assert strain_um > 2.5
    assert bench.uniaxial.tags["thickness_um"] == pytest.approx(lot.thickness_um - strain_um, abs=0.35)
    bench.wait_for(bench.uniaxial, phase="release")
    while bench.uniaxial.loop.force_kn > 0.05:
        bench.wait(bench.uniaxial, 0.5)
    assert word(bench.uniaxial, "phase") == "release"
    assert bench.uniaxial.tags["thickness_um"] == pytest.approx(lot.thickness_um, abs=0.35)


@pytest.mark.parametrize("seed", range(1, 9))
def test_the_thickness_is_right_within_its_accuracy_at_any_force(seed: int) -> None:
    bench = Bench("realistic", seed)
    bench.uniaxial.insert(bench.lot())
    bench.start(bench.uniaxial, UNIAXIAL_JOB | {"force_sp_kn": 550.0, "force_ramp_kn_s": 40.0})
    bench.wait_for(bench.uniaxial, phase="dwell")
    bench.wait(bench.uniaxial, 10.0)
    lot = bench.uniaxial.lot
    assert lot is not None
    truth = loaded_thickness_um(lot.thickness_um, bench.uniaxial.pressure_mpa)
    assert abs(float(bench.uniaxial.tags["thickness_um"]) - truth) <= 2.0


def test_oil_carries_the_force_and_the_relief_valve_limits_it() -> None:
    loop = ForceLoop()
    for _ in range(400):
        loop.step(900.0, 0.05)
    assert loop.force_kn == RELIEF_KN
    assert loop.relief_open
    assert 1.05 * 30.0 <= loop.force_kn * OIL_MPA_PER_KN <= 1.1 * 30.0
    bench = Bench()
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 10.0)
    assert bench.uniaxial.tags["oil_pressure_mpa"] == pytest.approx(144.0 * 0.05, abs=0.05)
    assert "relief_open" not in bench.bits(bench.uniaxial, "status_bits")


def test_a_swing_comes_out_with_its_amplitude() -> None:
    loop, seen = ForceLoop(force_kn=100.0, rate_limit_kn_s=1e6), []
    for tick in range(4000):
        loop.step(100.0 + swing_kn(5.0, tick * 0.005), 0.005)
        seen.append(loop.force_kn)
    assert max(seen[-800:]) == pytest.approx(105.0, abs=0.1)
    assert min(seen[-800:]) == pytest.approx(95.0, abs=0.1)


@given(st.floats(0.0, 640.0), st.floats(0.0, 20.0), st.floats(0.01, 5.0), st.integers(1, 10))
def test_an_isolated_cylinder_only_loses(force: float, leak: float, dt_s: float, pieces: int) -> None:
    loop = ForceLoop(force_kn=force)
    for _ in range(pieces):
        loop.isolate(dt_s / pieces, leak)
    assert loop.force_kn == pytest.approx(max(0.0, force - leak * dt_s), abs=1e-9)


def test_platens_without_power_cool_and_with_a_stuck_contactor_run_away() -> None:
    platens = Platens(25.0)
    platens.settle(100.0)
    for _ in range(60):
        platens.step(1.0, "stuck_on")
    assert platens.mean_c == pytest.approx(110.0)
    for _ in range(120):
        platens.step(1.0, "off")
    assert platens.mean_c == pytest.approx(90.0)
    for _ in range(600):
        platens.step(1.0, "ok", 4.0)
    assert [platens.temperature_c(index) for index in (0, 1)] == pytest.approx([100.0, 104.0], abs=0.01)


# ---- vessel ----


def test_the_content_follows_murnaghan() -> None:
    assert content(0.0) == 1.0
    slope = (content(1e-3) - 1.0) / 1e-3
    assert slope == pytest.approx(1.0 / BULK_MPA, rel=1e-3), "the bulk modulus at no pressure"
    assert content(980.0) == pytest.approx((1.0 + 10.0 * 980.0 / 1600.0) ** 0.1)
    assert all(content(b) > content(a) for a, b in pairwise(range(0, 1200, 50)))


@pytest.mark.parametrize("pressure", [50.0, 300.0, 980.0])
def test_the_stored_energy_is_the_work_of_compression(pressure: float) -> None:
    """The integral of p dv, in small steps."""
    steps, work = 20_000, 0.0
    for index in range(steps):
        low, high = pressure * index / steps, pressure * (index + 1) / steps
        work += (low + high) / 2.0 * (1.0 / content(low) - 1.0 / content(high))
    assert compression_energy_mj_m3(pressure) == pytest.approx(work, rel=1e-6)
    if pressure <= 50.0:
        assert work == pytest.approx(pressure**2 / (2.0 * BULK_MPA), rel=0.25), "Hooke's, where it is weak"


def test_what_was_pumped_less_what_went_is_what_is_there() -> None:
    vessel = Vessel(leak_mpa_s=0.2)
    while not vessel.raise_to(980.0, 5.0, 0.1):
        pass
    for _ in range(600):
        vessel.keep(980.0, 0.5)
    while not vessel.decompress(5.0, 1.0, 0.1):
        assert 1.0 + vessel.pumped - vessel.leaked - vessel.vented == pytest.approx(content(vessel.base_mpa), abs=1e-9)
    assert vessel.leaked > 0.0
    assert vessel.vented > 0.0
    assert 1.0 + vessel.pumped - vessel.leaked - vessel.vented == pytest.approx(content(vessel.base_mpa), abs=1e-9)


def test_the_intensifier_strokes_for_what_it_delivers() -> None:
    vessel, strokes, last = Vessel(), 0, 0.0
    while not vessel.raise_to(980.0, 5.0, 0.1):
        strokes += vessel.stroke < last
        last = vessel.stroke
    assert strokes + vessel.stroke == pytest.approx((content(980.0) - 1.0) / STROKE_SHARE, abs=1e-6)


def test_a_relief_valve_keeps_a_runaway_pump_below_its_accumulation() -> None:
    vessel, highest = Vessel(base_mpa=1000.0), 0.0
    for _ in range(3000):
        vessel.raise_to(2000.0, 10.0, 0.1)
        highest = max(highest, vessel.base_mpa)
    assert MAWP_MPA < highest < ACCUMULATION * MAWP_MPA
    assert vessel.relief_lift == pytest.approx(0.5, abs=0.02), "it flows 20 MPa/s when it is fully open"


@given(st.floats(1100.0, 1210.0), st.floats(0.1, 20.0), st.integers(1, 10))
def test_a_relief_valve_closes_at_its_set_pressure(pressure: float, dt_s: float, pieces: int) -> None:
    vessel = Vessel(base_mpa=pressure)
    for _ in range(pieces):
        vessel.isolate(dt_s / pieces)
    tau_s = 110.0 / 20.0
    assert vessel.base_mpa == pytest.approx(1100.0 + (pressure - 1100.0) * math.exp(-dt_s / tau_s), abs=1e-6)


def test_a_leak_is_not_let_off_besides() -> None:
    vessel = Vessel(base_mpa=500.0, leak_mpa_s=2.0)
    vessel.decompress(5.0, 1.0, 1.0)
    assert vessel.base_mpa == pytest.approx(495.0)
    vessel = Vessel(base_mpa=500.0, leak_mpa_s=8.0)
    vessel.decompress(5.0, 1.0, 1.0)
    assert vessel.base_mpa == pytest.approx(492.0), "a leak that is faster cannot be slowed"


@given(st.floats(0.01, 200.0), st.integers(1, 20))
def test_a_steady_compression_heats_by_its_closed_form(duration_s: float, pieces: int) -> None:
    """dT/dt = a r - (T - T_wall) / tau."""
    medium = Medium(25.0, adiabatic_k_per_mpa=0.07)
    for _ in range(pieces):
        medium.step(25.0, 5.0 * duration_s / pieces, duration_s / pieces)
    expected = 25.0 + 0.07 * 5.0 * 20.0 * -math.expm1(-duration_s / 20.0)
    assert medium.temperature_c == pytest.approx(expected, abs=1e-9)


def test_compressing_and_letting_off_quickly_gives_all_heat_back() -> None:
    medium = Medium(120.0, adiabatic_k_per_mpa=0.07)
    medium.step(120.0, 980.0, 1e-4)
    assert medium.temperature_c == pytest.approx(120.0 + 68.6, abs=0.01)
    medium.step(120.0, -980.0, 1e-4)
    assert medium.temperature_c == pytest.approx(120.0, abs=0.01)


def test_the_laminate_has_settled_when_the_vessel_is_pressurised() -> None:
    bench = Bench()
    bench.isostatic.insert(bench.lot())
    bench.start(bench.isostatic, ISOSTATIC_JOB)
    bench.wait_for(bench.isostatic, phase="ramp")
    lot = bench.isostatic.lot
    assert lot is not None
    assert lot.temperature_c == pytest.approx(120.0, abs=0.1)
    assert word(bench.isostatic, "machine_state") == "EXECUTE"
