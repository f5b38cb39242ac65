"""Each disturbance of a machine: what its sensors show, and what its own controller does about it."""

from __future__ import annotations

from dataclasses import fields

import pytest

from simulators.coater import Threaded
from simulators.disturbances import (
    CoaterDisturbances,
    InstrumentDisturbances,
    IsostaticDisturbances,
    RollPressDisturbances,
    UniaxialDisturbances,
)
from simulators.instruments import Instrument
from simulators.plc import Plc
from tests.simulators.bench import ALUMINIUM, AREA_MM2, COAT_JOB, ISOSTATIC_JOB, LAYERS, SLURRY, Bench, word
from tests.simulators.bench import UNIAXIAL_JOB as JOB


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    "kind",
    [
        UniaxialDisturbances,
        IsostaticDisturbances,
        CoaterDisturbances,
        RollPressDisturbances,
        InstrumentDisturbances,
    ],
)
def test_nothing_is_wrong_at_first(kind: type) -> None:
    nothing = kind()
    assert [getattr(nothing, f.name) for f in fields(kind) if getattr(nothing, f.name) not in (False, 0.0, "ok")] == []


def force(bench: Bench) -> float:
    return float(bench.uniaxial.tags["force_pv_kn"])


def pressed(bench: Bench, **job: float) -> None:
    """A laminate in the uniaxial press, in approach."""
    bench.uniaxial.insert(bench.lot())
    bench.start(bench.uniaxial, JOB | job)
    bench.wait_for(bench.uniaxial, phase="approach")


def ended_by(bench: Bench, plc: Plc, *alarms: str) -> None:
    """The job was ended by the machine, with these alarms latched, and nothing is under load in the end."""
    bench.wait_for(plc, machine_state="ABORTED")
    assert bench.bits(plc) == set(alarms)


# ---- uniaxial press ----


def test_a_pump_that_gives_nothing_raises_no_force(bench: Bench) -> None:
    pressed(bench)
    bench.uniaxial.disturbances.no_rise = True
    bench.wait(bench.uniaxial, 60.0)
    assert word(bench.uniaxial, "phase") == "ramp"
    assert bench.uniaxial.loop.force_kn == 0.0
    bench.uniaxial.disturbances.no_rise = False
    bench.wait_for(bench.uniaxial, phase="dwell")


def test_a_leak_in_the_dwell_falls_at_its_rate_and_trips(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 5.0)
    before = force(bench)
    bench.uniaxial.disturbances.leak_kn_s = 1.0
    bench.wait(bench.uniaxial, 5.0)
    assert before - force(bench) == pytest.approx(5.0 * (1.0 - 0.2), abs=0.3), "the holding pump makes up 0.2 kN/s"
    ended_by(bench, bench.uniaxial, "force_leak")


def test_a_held_force_that_leaks_trips_too(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 5.0)
    bench.command(bench.uniaxial, "hold")
    before = force(bench)
    bench.uniaxial.disturbances.leak_kn_s = 1.0
    bench.wait(bench.uniaxial, 10.0)
    assert before - force(bench) == pytest.approx(10.0, abs=0.1), "a pump that stands makes up nothing"
    assert word(bench.uniaxial, "machine_state") == "HELD"
    ended_by(bench, bench.uniaxial, "force_leak")


def test_a_large_overshoot_trips(bench: Bench) -> None:
    bench.uniaxial.disturbances.overshoot_pct = 30.0
    pressed(bench)
    ended_by(bench, bench.uniaxial, "over_force")


def test_a_small_overshoot_shows(bench: Bench) -> None:
    bench.uniaxial.disturbances.overshoot_pct = 3.0
    pressed(bench)
    bench.wait_for(bench.uniaxial, phase="dwell")
    highest = 0.0
    for _ in range(20):
        bench.wait(bench.uniaxial, 0.25)
        highest = max(highest, force(bench))
    assert 1.005 * JOB["force_sp_kn"] < highest < 1.03 * JOB["force_sp_kn"]


def test_a_hunting_loop_swings_by_its_amplitude(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 5.0)
    bench.uniaxial.disturbances.oscillation_pct = 3.0
    bench.wait(bench.uniaxial, 5.0)
    seen = []
    for _ in range(200):
        bench.now_s += 0.05
        bench.uniaxial.advance(bench.now_s)
        seen.append(force(bench))
    assert (max(seen) - min(seen)) / 2.0 == pytest.approx(0.03 * JOB["force_sp_kn"], rel=0.05)
    assert bench.uniaxial.tags["dwell_elapsed_s"] < 5.0 + 5.0 + 10.0 - 2.0, "time outside the band does not count"


def test_an_uneven_platen_keeps_the_force_away(bench: Bench) -> None:
    bench.uniaxial.disturbances.platen_offset_k = 6.0
    bench.uniaxial.insert(bench.lot())
    bench.wait(bench.uniaxial, 120.0)
    bench.start(bench.uniaxial, JOB)
    bench.wait(bench.uniaxial, 120.0)
    assert word(bench.uniaxial, "phase") == "prepare"
    tags = bench.uniaxial.tags
    assert tags["platen_bottom_c"] - tags["platen_top_c"] == pytest.approx(6.0, abs=0.1)


def test_a_heater_without_power_cools(bench: Bench) -> None:
    bench.uniaxial.insert(bench.lot())
    bench.start(bench.uniaxial, JOB | {"platen_temperature_sp_c": 80.0, "dwell_sp_s": 600.0})
    bench.wait_for(bench.uniaxial, phase="dwell")
    bench.uniaxial.disturbances.heater = "off"
    bench.wait(bench.uniaxial, 60.0)
    assert bench.uniaxial.tags["platen_top_c"] == pytest.approx(70.0, abs=1.5), "10 K in a minute"


def test_a_heater_that_is_stuck_on_trips_and_the_second_contactor_opens(bench: Bench) -> None:
    pressed(bench, dwell_sp_s=600.0)
    bench.uniaxial.disturbances.heater = "stuck_on"
    ended_by_over_temperature = bench.wait_for(bench.uniaxial, machine_state="ABORTING")
    assert ended_by_over_temperature == pytest.approx(25.0 / (10.0 / 60.0), abs=5.0)
    hottest = float(bench.uniaxial.tags["platen_top_c"])
    bench.wait(bench.uniaxial, 300.0)
    assert bench.bits(bench.uniaxial) == {"over_temperature"}
    assert bench.uniaxial.tags["platen_top_c"] < hottest


def test_an_idle_press_watches_its_heaters_too(bench: Bench) -> None:
    bench.uniaxial.disturbances.heater = "stuck_on"
    bench.wait(bench.uniaxial, 60.0 * 30.0)
    assert bench.bits(bench.uniaxial) == {"over_temperature"}
    assert bench.uniaxial.tags["platen_top_c"] < 280.0


def test_a_thickness_that_drifts_and_one_that_is_stuck(bench: Bench) -> None:
    pressed(bench, dwell_sp_s=300.0)
    bench.wait(bench.uniaxial, 150.0)  # the laminate has settled
    before = float(bench.uniaxial.tags["thickness_um"])
    bench.uniaxial.disturbances.thickness_drift_um_s = 0.5
    bench.wait(bench.uniaxial, 10.0)
    assert float(bench.uniaxial.tags["thickness_um"]) - before == pytest.approx(5.0, abs=0.7)
    bench.uniaxial.disturbances.thickness_drift_um_s = 0.0
    bench.uniaxial.disturbances.thickness_stuck = True
    bench.wait(bench.uniaxial, 1.0)
    stuck = bench.uniaxial.tags["thickness_um"]
    bench.wait_for(bench.uniaxial, machine_state="COMPLETE")
    assert bench.uniaxial.tags["thickness_um"] == stuck, "even with the press open"


def test_a_tilted_ram_trips(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.uniaxial.disturbances.tilt_um = 15.0
    bench.wait(bench.uniaxial, 1.0)
    assert bench.bits(bench.uniaxial) == set()
    bench.uniaxial.disturbances.tilt_um = 25.0
    ended_by(bench, bench.uniaxial, "tilt")


def test_an_opened_guard_ends_a_job_and_starts_none(bench: Bench) -> None:
    bench.uniaxial.insert(bench.lot())
    bench.uniaxial.disturbances.guard_open = True
    bench.uniaxial.write(JOB)
    bench.command(bench.uniaxial, "load_job")
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "guard_open")
    bench.uniaxial.disturbances.guard_open = False
    assert bench.command(bench.uniaxial, "start") == ("ACCEPTED", "none")
    bench.wait_for(bench.uniaxial, phase="dwell")
    bench.uniaxial.disturbances.guard_open = True
    ended_by(bench, bench.uniaxial, "guard_opened")


def test_hands_taken_away_end_the_closing_stroke_and_nothing_later(bench: Bench) -> None:
    pressed(bench)
    bench.uniaxial.disturbances.two_hand_released = True
    ended_by(bench, bench.uniaxial, "two_hand_released")
    assert bench.uniaxial.loop.force_kn == 0.0
    assert "two_hand_ok" not in bench.bits(bench.uniaxial, "status_bits")
    bench.uniaxial.disturbances.two_hand_released = False
    bench.command(bench.uniaxial, "reset")
    bench.start(bench.uniaxial, JOB)
    bench.wait_for(bench.uniaxial, phase="dwell")
    assert bench.bits(bench.uniaxial) == set(), "reset has cleared it"
    bench.uniaxial.disturbances.two_hand_released = True
    bench.wait_for(bench.uniaxial, machine_state="COMPLETE")


# ---- isostatic press ----


def soaking(bench: Bench, **job: float) -> None:
    bench.isostatic.insert(bench.lot())
    bench.start(bench.isostatic, ISOSTATIC_JOB | job)


def test_one_sensor_that_drifts_is_seen(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.sensor_drift_mpa = 8.0
    bench.wait(bench.isostatic, 2.0)
    tags = bench.isostatic.tags
    assert float(tags["pressure_b_mpa"]) - float(tags["pressure_a_mpa"]) == pytest.approx(8.0, abs=0.2)
    assert bench.bits(bench.isostatic) == set(), "within the sum of both accuracies and a margin"
    bench.isostatic.disturbances.sensor_drift_mpa = -12.0
    ended_by(bench, bench.isostatic, "sensor_disagreement")


@pytest.mark.parametrize("offset_k", [-10.0, 10.0])
def test_a_medium_off_its_temperature_is_not_pressurised(bench: Bench, offset_k: float) -> None:
    bench.isostatic.disturbances.medium_offset_k = offset_k
    soaking(bench)
    bench.wait(bench.isostatic, 1200.0)
    assert word(bench.isostatic, "phase") == "prepare"
    assert bench.isostatic.tags["medium_a_c"] == pytest.approx(120.0 + offset_k, abs=0.5)
    bench.isostatic.disturbances.medium_offset_k = 0.0
    bench.wait_for(bench.isostatic, phase="ramp")


def test_a_medium_that_runs_away_under_pressure_trips(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.medium_offset_k = 40.0
    ended_by(bench, bench.isostatic, "over_temperature")


def test_a_rippling_intensifier_swings_in_the_dwell(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.ripple_mpa = 6.0
    seen = []
    for _ in range(100):
        bench.now_s += 0.1
        bench.isostatic.advance(bench.now_s)
        seen.append(float(bench.isostatic.tags["pressure_a_mpa"]))
    assert (max(seen) - min(seen)) / 2.0 == pytest.approx(6.0, abs=0.7)


def test_a_small_seal_leak_is_topped_up_and_a_lasting_one_trips(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.seal_leak_mpa_s = 0.02
    bench.wait(bench.isostatic, 100.0)
    assert bench.bits(bench.isostatic) == set()
    assert 978.5 < bench.isostatic.pressure_mpa <= 980.0
    bench.isostatic.disturbances.seal_leak_mpa_s = 0.5
    ended_by(bench, bench.isostatic, "pressure_leak")


def test_a_vessel_that_leaks_faster_than_it_is_pumped_never_gets_there(bench: Bench) -> None:
    soaking(bench, soak_s=0.0)
    bench.wait_for(bench.isostatic, phase="ramp")
    bench.isostatic.disturbances.seal_leak_mpa_s = 6.0
    bench.wait(bench.isostatic, 300.0)
    assert word(bench.isostatic, "phase") == "ramp"
    assert bench.isostatic.pressure_mpa < 1.0


@pytest.mark.parametrize(("how", "share"), [("slow", 0.2), ("stuck", 0.0)])
def test_a_decompression_that_is_slow_or_stuck_keeps_the_closure_locked(bench: Bench, how: str, share: float) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.decompression = "slow" if how == "slow" else "stuck"
    bench.command(bench.isostatic, "abort")
    bench.wait(bench.isostatic, 100.0)
    assert 980.0 - bench.isostatic.pressure_mpa == pytest.approx(share * 5.0 * 100.0, abs=1.0)
    assert word(bench.isostatic, "machine_state") == "ABORTING"
    assert "closure_locked" in bench.bits(bench.isostatic, "status_bits")
    bench.isostatic.disturbances.decompression = "ok"
    bench.wait_for(bench.isostatic, machine_state="ABORTED")
    assert "closure_locked" not in bench.bits(bench.isostatic, "status_bits")


def test_a_closure_that_is_not_proven_is_not_filled(bench: Bench) -> None:
    bench.isostatic.disturbances.closure_unproven = True
    soaking(bench)
    ended_by(bench, bench.isostatic, "closure_fault")
    assert bench.isostatic.tags["fill_level_pct"] == 0.0


def test_a_closure_that_loses_its_proof_is_released_and_stays_locked_until_zero(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.closure_unproven = True
    bench.wait(bench.isostatic, 1.0)
    assert bench.bits(bench.isostatic) == {"closure_fault"}
    while bench.isostatic.pressure_mpa > 0.1:
        bench.wait(bench.isostatic, 1.0)
        assert bench.isostatic.pressure_mpa <= 0.1 or bench.isostatic.closure_locked
    ended_by(bench, bench.isostatic, "closure_fault")


def test_a_leaking_bag_wets_the_laminate_and_nothing_densifies(bench: Bench) -> None:
    lot = bench.lot()
    lot.bagged = True
    before, mass_g = lot.porosities_pct(), lot.mass_g
    bench.isostatic.insert(lot)
    bench.isostatic.disturbances.bag_leak = True
    bench.start(bench.isostatic, ISOSTATIC_JOB | {"soak_s": 0.0})
    assert "bag_ok" not in bench.bits(bench.isostatic, "status_bits")
    bench.wait_for(bench.isostatic, machine_state="COMPLETE")
    pores_um = sum(layer.thickness_um * layer.porosity_pct / 100.0 for layer in lot.layers)
    assert lot.porosities_pct() == before
    assert lot.mass_g - mass_g == pytest.approx(pores_um * 1e-4 * 0.87 * AREA_MM2 * 1e-2)


def test_a_relief_valve_that_lifts_early_ends_the_pressing_without_haste(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.relief_lifts = True
    bench.wait(bench.isostatic, 0.5)
    assert "relief_open" in bench.bits(bench.isostatic, "status_bits")
    before = bench.isostatic.pressure_mpa
    while before > 50.0:
        bench.wait(bench.isostatic, 0.5)
        assert before - bench.isostatic.pressure_mpa <= ISOSTATIC_JOB["decompression_rate_mpa_s"] * 0.5 + 1e-6
        before = bench.isostatic.pressure_mpa
    ended_by(bench, bench.isostatic, "pressure_leak")


# ---- coater ----


def coating(bench: Bench, **job: float) -> None:
    bench.coater.thread(Threaded(LAYERS["cathode"], SLURRY, ALUMINIUM, AREA_MM2))
    bench.start(bench.coater, COAT_JOB | job)
    bench.wait_for(bench.coater, phase="coat")


@pytest.mark.parametrize(
    ("field", "value", "alarm"),
    [
        ("web_break", True, "web_break"),
        ("tension_lost", True, "tension_low"),
        ("fan_failed", True, "exhaust_low"),
        ("lel_drift_pct", 60.0, "lel_high"),
        ("web_stopped", True, "web_stopped"),
        ("guard_open", True, "guard_opened"),
    ],
)
def test_a_coater_shuts_down_with_the_exhaust_on(bench: Bench, field: str, value: object, alarm: str) -> None:
    coating(bench)
    setattr(bench.coater.disturbances, field, value)
    bench.wait(bench.coater, 4.0)
    assert bench.bits(bench.coater) == {alarm}
    assert word(bench.coater, "machine_state") == "ABORTED"
    assert bench.coater.tags["web_speed_m_min"] == 0.0
    assert bench.coater.tags["exhaust_m3_min"] == pytest.approx(6.0)
    assert {"exhaust_ok", "head_closed"} & bench.bits(bench.coater, "status_bits") == {"exhaust_ok"}
    hot = float(bench.coater.tags["zone1_c"])
    bench.wait(bench.coater, 60.0)
    assert bench.coater.tags["zone1_c"] < hot - 15.0
    setattr(bench.coater.disturbances, field, type(value)())
    assert bench.bits(bench.coater) == {alarm}, "latched until somebody resets it"
    assert bench.command(bench.coater, "reset") == ("DONE", "none")


def test_vapour_warns_at_25_percent_and_trips_at_50(bench: Bench) -> None:
    coating(bench)
    bench.wait(bench.coater, 10.0)
    real = float(bench.coater.tags["lel_pct"])
    bench.coater.disturbances.lel_drift_pct = 30.0
    bench.wait(bench.coater, 1.0)
    assert bench.coater.tags["lel_pct"] == pytest.approx(30.0 + real, abs=2.0)
    assert "lel_warning" in bench.bits(bench.coater, "status_bits")
    assert word(bench.coater, "machine_state") == "EXECUTE"
    assert bench.bits(bench.coater) == set()


def test_a_zone_off_its_temperature_shows_and_trips_far_off(bench: Bench) -> None:
    coating(bench, length_sp_m=5.0)
    bench.coater.disturbances.zone_offset_k = -8.0
    bench.wait(bench.coater, 150.0)
    assert bench.coater.tags["zone1_c"] == pytest.approx(92.0, abs=0.5)
    bench.coater.disturbances.zone_offset_k = 40.0
    ended_by(bench, bench.coater, "over_temperature")


def finished_weight(bench: Bench) -> float:
    bench.wait_for(bench.coater, machine_state="COMPLETE")
    return float(bench.coater.tags["coating_weight_mg_cm2"])


def test_an_uneven_gap_coats_by_its_mean(bench: Bench) -> None:
    coating(bench)
    bench.coater.disturbances.gap_uneven_um = 40.0
    bench.wait(bench.coater, 1.0)
    assert bench.coater.tags["gap_um"] == pytest.approx(COAT_JOB["gap_sp_um"] + 20.0)
    assert finished_weight(bench) == pytest.approx(27.0 * (1.0 + 20.0 / COAT_JOB["gap_sp_um"]), rel=0.01)


def test_an_empty_bank_leaves_a_bare_web_from_there_on(bench: Bench) -> None:
    coating(bench)
    while bench.coater._coated_m < 0.2:
        bench.wait(bench.coater, 0.5)
    bench.coater.disturbances.bank_empty = True
    assert finished_weight(bench) == pytest.approx(13.5, abs=1.5)


def test_a_weight_that_drifts_does_so_by_the_metre(bench: Bench) -> None:
    bench.coater.disturbances.weight_drift_pct_m = 10.0
    coating(bench)
    assert finished_weight(bench) == pytest.approx(27.0 * 1.02, abs=0.1), "the mean of 0.4 m is that of its middle"


# ---- instruments ----


def test_an_instrument_that_drifts_and_one_that_is_silent(bench: Bench) -> None:
    gauge = bench.line.machines["thickness-gauge-1"]
    assert isinstance(gauge, Instrument)
    gauge.disturbances.zero_drift = -3.0
    assert gauge.answer(b"SI\r\n") == b"S S      -3.00 um\r\n"
    assert gauge.answer(b"Z\r\n") == b"Z A\r\n"
    assert gauge.answer(b"SI\r\n") == b"S S       0.00 um\r\n", "zeroing takes the drift away"
    gauge.disturbances.silent = True
    assert gauge.answer(b"SI\r\n") is None
