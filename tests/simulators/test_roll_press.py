"""The roll press: its law against the printed points, its nip, and its own controller."""

from __future__ import annotations

import asyncio
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.machine import Machine
from drivers.roll_press import RollJob, RollPress
from drivers.transport.memory import memory_transport
from recipes.materials.rolling import (
    RollingDataError,
    RollingParameters,
    line_load_n_mm,
    load_rolling,
    nip_thickness_um,
    rolled,
    rolled_porosity,
)
from simulators.clock import run_virtual
from simulators.line import RegisterMachine, SimulatedLine
from simulators.physics.laminate import coated_layer
from simulators.physics.nip import contact_length_mm, mean_pressure_mpa, nip_time_s
from simulators.scenarios import named_scenario
from simulators.world import Lot, WorldError
from tests.simulators.bench import ALUMINIUM, ELECTRODES, ROLL_JOB, Bench, word

LOADS = st.floats(0.0, 2000.0)
HEAT = st.floats(20.0, 150.0)
PARAMETERS = RollingParameters(700.0, 2e-3, 1e-4)


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ---- the law ----


@pytest.mark.parametrize(
    ("name", "tonnes", "density"), [("negative_electrode", 11.0, 1.60), ("positive_electrode", 14.0, 3.40)]
)
def test_the_printed_force_gives_the_printed_density(name: str, tonnes: float, density: float) -> None:
    layer, material = ELECTRODES[name], load_rolling()[name]
    done = rolled(0.0, line_load_n_mm(tonnes), 25.0, material.parameters)
    porosity = rolled_porosity(layer.porosity_pct / 100.0, done)
    assert layer.true_density_g_cm3 * (1.0 - porosity) == pytest.approx(density, abs=0.005)


def test_a_force_of_11_tonnes_on_250_mm_is_some_430_newtons_a_millimetre() -> None:
    assert line_load_n_mm(11.0) == pytest.approx(431.5, abs=0.1)
    assert line_load_n_mm(14.0) == pytest.approx(549.2, abs=0.1)


@given(LOADS, LOADS, HEAT, HEAT)
def test_density_grows_with_load_and_with_heat(one: float, other: float, cool_c: float, warm_c: float) -> None:
    (low, high), (cool, warm) = sorted((one, other)), sorted((cool_c, warm_c))
    assert rolled(0.0, low, cool, PARAMETERS) <= rolled(0.0, high, cool, PARAMETERS)
    assert rolled(0.0, low, cool, PARAMETERS) <= rolled(0.0, low, warm, PARAMETERS)


@given(LOADS, st.lists(LOADS, max_size=5), HEAT)
def test_rolling_is_never_undone_and_again_at_the_same_load_does_nothing(
    first: float, later: list[float], heat_c: float
) -> None:
    done = rolled(0.0, first, heat_c, PARAMETERS)
    assert rolled(done, first, heat_c, PARAMETERS) == done
    for load in later:
        after = rolled(done, load, heat_c, PARAMETERS)
        assert after >= done
        done = after
    assert done == rolled(0.0, max([first, *later]), heat_c, PARAMETERS), "only the hardest pass counts"


def test_every_parameter_has_an_interval_a_source_and_a_confidence() -> None:
    for material in load_rolling().values():
        assert set(material.intervals) == set(material.provenance) == {"gamma_n_mm", "c_per_k", "springback_per_n_mm"}
        assert all("US 12,394,827 B2" in told for told in material.provenance.values())
        assert {told.split(",")[0] for told in material.provenance.values()} == {"fitted", "assumed"}
    with pytest.raises(RollingDataError, match="no material file"):
        load_rolling("nothing")


def test_the_truth_is_drawn_within_the_intervals_and_nominal_is_not() -> None:
    material = load_rolling()["negative_electrode"]
    assert named_scenario("nominal").rolling(material) == material.parameters
    drawn = {named_scenario("realistic", seed).rolling(material).gamma_n_mm for seed in range(30)}
    low, high = material.intervals["gamma_n_mm"]
    assert len(drawn) == 30
    assert low <= min(drawn) < max(drawn) <= high


# ---- the nip ----


def test_a_roll_touches_along_a_chord() -> None:
    """A sagitta of 0.1 mm on each roll of 125 mm: half a chord of sqrt(2 r s)."""
    assert contact_length_mm(300.0, 100.0, 100.0) == pytest.approx(math.sqrt(2 * 125.0 * 0.1), rel=1e-3)
    exact = math.sqrt(125.0**2 - (125.0 - 0.1) ** 2)
    assert contact_length_mm(300.0, 100.0, 100.0) == pytest.approx(exact, rel=1e-3)
    assert contact_length_mm(100.0, 100.0, 100.0) == 0.0


def test_nip_time_is_contact_length_over_speed() -> None:
    assert nip_time_s(2.0, 1.0) == pytest.approx(0.12)
    assert nip_time_s(2.0, 0.0) == math.inf
    assert mean_pressure_mpa(430.0, 2.0) == pytest.approx(215.0)
    assert mean_pressure_mpa(430.0, 0.0) == 0.0


@given(LOADS, st.floats(10.0, 500.0))
def test_what_leaves_the_nip_is_never_thinner_than_in_it(load: float, thickness_um: float) -> None:
    assert 0.0 <= nip_thickness_um(thickness_um, load, PARAMETERS) <= thickness_um


# ---- the machine ----


@pytest.mark.parametrize(
    ("name", "tonnes", "density"), [("negative_electrode", 11.0, 1.60), ("positive_electrode", 14.0, 3.40)]
)
def test_the_press_makes_the_printed_density(bench: Bench, name: str, tonnes: float, density: float) -> None:
    lot = bench.electrode(name)
    bench.rolling(lot, line_load_sp_n_mm=line_load_n_mm(tonnes))
    bench.wait_for(bench.roll, machine_state="COMPLETE")
    assert lot.layers[0].density_g_cm3 == pytest.approx(density, abs=0.01)
    assert lot.layers[0].coating_weight_mg_cm2 == ELECTRODES[name].coating_weight_mg_cm2, "what is rolled loses nothing"
    assert bench.roll.tags["cycle_count"] == 1
    assert [p.unit for p in bench.line.pressings] == ["roll-press-1"]
    assert bench.roll.take_out() is lot


def test_the_gauges_before_and_behind_the_nip_tell_what_happens(bench: Bench) -> None:
    lot = bench.electrode()
    before_um = lot.thickness_um
    bench.rolling(lot)
    bench.wait(bench.roll, 3.0)
    tags = bench.roll.tags
    assert tags["thickness_in_um"] == pytest.approx(before_um, abs=0.1)
    gap_um, out_um = float(tags["gap_left_um"]), float(tags["thickness_out_um"])
    bench.wait_for(bench.roll, machine_state="COMPLETE")
    assert out_um == pytest.approx(lot.thickness_um, abs=0.5)
    sprung_um = (out_um - 15.0) * 1.0e-4 * 431.5  # the foil does not yield
    assert out_um - gap_um == pytest.approx(sprung_um, abs=0.5)
    contact_mm = math.sqrt(0.125 * (before_um - gap_um)) + math.sqrt(0.125 * (out_um - gap_um))
    assert bench.roll.calender.contact_mm == pytest.approx(contact_mm, abs=0.05)
    assert bench.roll.calender.nip_time_s == math.inf


def test_rolling_again_changes_nothing_and_harder_does(bench: Bench) -> None:
    lot, seen = bench.electrode(), []
    for load in (431.5, 431.5, 300.0, 600.0):
        bench.rolling(lot, line_load_sp_n_mm=load)
        bench.wait_for(bench.roll, machine_state="COMPLETE")
        assert bench.roll.take_out() is lot
        bench.command(bench.roll, "reset")
        seen.append(lot.layers[0].porosity_pct)
    assert seen[1] == pytest.approx(seen[0], abs=0.02)
    assert seen[2] == seen[1]
    assert seen[3] < seen[2] - 1.0


def test_rolls_on_their_stops_do_not_squeeze_further(bench: Bench) -> None:
    lot = bench.electrode()
    bench.rolling(lot, gap_sp_um=95.0)
    bench.wait(bench.roll, 2.0)
    assert bench.roll.tags["gap_left_um"] == pytest.approx(95.0, abs=0.3)
    bench.wait_for(bench.roll, machine_state="COMPLETE")
    assert lot.thickness_um > 95.0
    assert lot.layers[0].density_g_cm3 < 1.55


def test_the_web_is_no_faster_than_the_load(bench: Bench) -> None:
    bench.roll.insert(bench.electrode())
    bench.start(bench.roll, ROLL_JOB | {"web_speed_sp_m_min": 20.0, "length_sp_m": 20.0})
    bench.wait_for(bench.roll, phase="roll")
    for _ in range(60):
        bench.now_s += 0.05
        bench.roll.advance(bench.now_s)
        share = bench.roll.calender.load_n_mm / ROLL_JOB["line_load_sp_n_mm"]
        assert bench.roll.calender.speed_m_min <= 20.0 * share + 1e-6
        if share < 0.95:
            assert bench.roll.rolled_m == 0.0


def test_cold_rolls_do_not_close(bench: Bench) -> None:
    lot = bench.electrode()
    bench.rolling(lot)
    bench.wait_for(bench.roll, machine_state="COMPLETE")
    bench.command(bench.roll, "reset")
    bench.start(bench.roll, ROLL_JOB | {"roll_temperature_sp_c": 80.0})
    bench.wait(bench.roll, 300.0)
    assert word(bench.roll, "phase") == "prepare"
    assert "nip_open" in bench.bits(bench.roll, "status_bits")
    assert bench.wait_for(bench.roll, phase="approach") > 52.0 / (5.0 / 60.0) - 301.0


def assert_open(bench: Bench) -> None:
    assert "nip_open" in bench.bits(bench.roll, "status_bits")
    assert bench.roll.tags["web_speed_m_min"] == 0.0
    assert bench.roll.tags["line_load_n_mm"] == pytest.approx(0.0, abs=1.5)


def uneven_gap(bench: Bench) -> None:
    bench.roll.disturbances.gap_uneven_um = 12.0


def lost_load(bench: Bench) -> None:
    bench.roll.disturbances.line_load_lost = True


def opened_guard(bench: Bench) -> None:
    bench.roll.disturbances.nip_guard_open = True


def torn_web(bench: Bench) -> None:
    bench.roll.web_ok = False


def hot_roll(bench: Bench) -> None:
    bench.roll.calender.rolls[1].settle(150.0)


def too_much_load(bench: Bench) -> None:
    bench.roll.calender.load_n_mm = 700.0


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [
        (uneven_gap, "gap_uneven"),
        (lost_load, "line_load_lost"),
        (opened_guard, "nip_guard_opened"),
        (torn_web, "web_break"),
        (hot_roll, "over_temperature"),
        (too_much_load, "over_load"),
    ],
)
def test_faults_stop_the_web_open_the_nip_and_latch(bench: Bench, fault, alarm: str) -> None:  # type: ignore[no-untyped-def]  # one of the above
    lot = bench.electrode()
    bench.rolling(lot, length_sp_m=2.0)
    bench.wait(bench.roll, 5.0)
    fault(bench)
    bench.wait(bench.roll, 1.5)
    assert bench.bits(bench.roll) == {alarm}
    assert bench.wait_for(bench.roll, machine_state="ABORTED") < 20.0
    assert_open(bench)
    assert bench.bits(bench.roll) == {alarm}
    assert 0.0 < lot.rolled_m < 2.0, "the length that went through stays on the lot"
    assert lot.layers[0].porosity_pct == pytest.approx(50.0)


def test_a_gap_that_is_uneven_a_little_is_shown(bench: Bench) -> None:
    bench.rolling(bench.electrode())
    bench.roll.disturbances.gap_uneven_um = 6.0
    bench.wait(bench.roll, 1.0)
    assert float(bench.roll.tags["gap_right_um"]) - float(bench.roll.tags["gap_left_um"]) == pytest.approx(6.0, abs=0.5)
    assert bench.bits(bench.roll) == set()


def test_hold_opens_the_nip_and_restart_rolls_the_rest(bench: Bench) -> None:
    lot = bench.electrode()
    bench.rolling(lot, length_sp_m=1.0)
    bench.wait(bench.roll, 10.0)
    bench.command(bench.roll, "hold")
    bench.wait(bench.roll, 15.0)
    assert word(bench.roll, "machine_state") == "HELD"
    assert_open(bench)
    assert "heaters_on" in bench.bits(bench.roll, "status_bits")
    rolled_m = float(bench.roll.tags["rolled_length_m"])
    assert 0.0 < rolled_m < 1.0
    assert bench.command(bench.roll, "restart") == ("ACCEPTED", "none")
    assert word(bench.roll, "phase") == "approach"
    bench.wait_for(bench.roll, machine_state="COMPLETE")
    assert bench.roll.tags["rolled_length_m"] == pytest.approx(1.0)
    assert lot.rolled_m == 0.0
    assert lot.layers[0].density_g_cm3 == pytest.approx(1.60, abs=0.01)


@pytest.mark.parametrize(("command", "end", "warm"), [("stop", "STOPPED", True), ("abort", "ABORTED", False)])
def test_stop_and_abort_open_the_nip_and_abort_cools(bench: Bench, command: str, end: str, warm: bool) -> None:
    bench.rolling(bench.electrode(), line_load_sp_n_mm=2000.0, web_speed_sp_m_min=20.0, length_sp_m=100.0)
    bench.wait(bench.roll, 10.0)
    bench.command(bench.roll, command)
    assert bench.wait_for(bench.roll, machine_state=end) < bench.roll.profile.timing.decompression_s
    assert_open(bench)
    assert ("heaters_on" in bench.bits(bench.roll, "status_bits")) == warm
    assert bench.command(bench.roll, "reset") == ("DONE", "none")


def test_a_silent_controller_opens_the_nip_in_its_stated_time(bench: Bench) -> None:
    bench.rolling(bench.electrode(), line_load_sp_n_mm=2000.0, web_speed_sp_m_min=20.0, length_sp_m=300.0)
    bench.roll.write({"heartbeat_controller": 1})
    bench.wait(bench.roll, 4.0)
    assert word(bench.roll, "machine_state") == "EXECUTE"
    bench.wait(bench.roll, 1.5 + bench.roll.profile.timing.decompression_s)
    assert word(bench.roll, "machine_state") == "ABORTED"
    assert bench.bits(bench.roll) == {"link_lost"}
    assert_open(bench)


def test_nothing_starts_without_guard_and_web(bench: Bench) -> None:
    bench.roll.write(ROLL_JOB)
    assert bench.command(bench.roll, "load_job") == ("DONE", "none")
    assert bench.command(bench.roll, "start") == ("REJECTED", "nothing_loaded")
    bench.roll.insert(bench.electrode())
    bench.roll.disturbances.nip_guard_open = True
    assert bench.command(bench.roll, "start") == ("REJECTED", "guard_open")


def test_the_load_cells_are_tared_with_an_open_nip_only() -> None:
    bench = Bench("realistic", 3)
    assert bench.command(bench.roll, "tare") == ("DONE", "none")
    assert bench.roll.tags["line_load_n_mm"] == pytest.approx(0.0, abs=1.1)
    bench.rolling(bench.electrode())
    assert bench.command(bench.roll, "tare") == ("REJECTED", "wrong_state")
    with pytest.raises(WorldError, match="not open"):
        bench.roll.take_out()


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_reading_of_the_press_is_within_its_accuracy(seed: int) -> None:
    bench = Bench("realistic", seed)
    lot = bench.electrode()
    before_um = lot.thickness_um
    bench.rolling(lot)
    bench.wait(bench.roll, 3.0)
    truth = bench.roll.calender
    accuracy = {name: signal.accuracy for name, signal in bench.roll.profile.signals.items()}
    for name, value in {
        "line_load_n_mm": truth.load_n_mm,
        "gap_left_um": truth.gap_um,
        "gap_right_um": truth.gap_um,
        "roll_top_c": truth.rolls[0].temperature_c,
        "thickness_in_um": before_um,
        "thickness_out_um": truth.exit_um,
        "web_speed_m_min": truth.speed_m_min,
    }.items():
        assert abs(float(bench.roll.tags[name]) - value) <= (accuracy[name] or 0.0), name


def test_a_driver_rolls_on_it_through_its_profile() -> None:
    async def main() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        line = SimulatedLine("nominal", 1, loop.time)
        simulated = line.machines["roll-press-1"]
        assert isinstance(simulated, RegisterMachine)
        layer = ELECTRODES["negative_electrode"]
        lot = Lot("web", [coated_layer(layer, layer.coating_weight_mg_cm2, line.scenario)], [ALUMINIUM], 1600.0)
        simulated.plc.insert(line.world.put(lot))  # type: ignore[attr-defined]  # it is a press
        machine = Machine("roll-press-1", simulated.profile, memory_transport(simulated), lease=1)
        supervised = asyncio.create_task(machine.run())
        await asyncio.sleep(2.0)
        press = RollPress(machine)
        await press.load(RollJob(7, 431.5, 0.0, 25.0, 1.0, 0.4, 60.0, 3.0))
        await machine.start()
        await asyncio.sleep(120.0)
        state = (await machine.snapshot()).text("machine_state")
        supervised.cancel()
        await asyncio.wait([supervised])
        return state, lot.layers[0].density_g_cm3

    state, density = run_virtual(main())
    assert state == "COMPLETE"
    assert density == pytest.approx(1.60, abs=0.01)
