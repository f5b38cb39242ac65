"""The coater's controller and what it makes."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from recipes.materials.coating import gap_um
from simulators.coater import Threaded
from simulators.world import WorldError
from tests.simulators.bench import ALUMINIUM, AREA_MM2, COAT_JOB, LAYERS, SLURRY, Bench, word


@pytest.fixture
def bench() -> Bench:
    return Bench()


def thread(bench: Bench) -> None:
    bench.coater.thread(Threaded(LAYERS["cathode"], SLURRY, ALUMINIUM, AREA_MM2))


def coating(bench: Bench) -> None:
    thread(bench)
    bench.start(bench.coater, COAT_JOB)
    bench.wait_for(bench.coater, phase="coat")


def test_a_sheet_of_the_wanted_coating_weight(bench: Bench) -> None:
    thread(bench)
    gap = gap_um(27.0, SLURRY, LAYERS["cathode"].true_density_g_cm3)
    bench.start(bench.coater, COAT_JOB | {"gap_sp_um": gap})
    took = bench.wait_for(bench.coater, machine_state="COMPLETE")
    assert took == pytest.approx(60.0 * (0.4 + 1.2) / 0.8, abs=15.0)  # sheet and oven at web speed, and the start
    assert bench.coater.tags["coated_length_m"] == pytest.approx(0.4)
    assert bench.coater.tags["coating_weight_mg_cm2"] == pytest.approx(27.0, abs=0.01)
    assert bench.coater.tags["residual_solvent_pct"] < 2.0
    lot = bench.coater.take_off("cathode sheet")
    assert lot.layers[0].coating_weight_mg_cm2 == pytest.approx(27.0)
    assert lot.layers[0].porosity_pct == pytest.approx(45.0)
    assert lot.thickness_um == pytest.approx(137.9 + 15.0, abs=0.1)


def test_nothing_leaves_the_oven_before_its_transport_time(bench: Bench) -> None:
    coating(bench)
    bench.wait(bench.coater, 60.0 * 1.2 / 0.8 - 3.0)
    assert bench.coater.tags["coated_length_m"] == 0.0
    bench.wait(bench.coater, 6.0)
    assert bench.coater.tags["coated_length_m"] > 0.0


def test_a_cold_oven_leaves_solvent(bench: Bench) -> None:
    thread(bench)
    bench.start(bench.coater, COAT_JOB | {"zone1_sp_c": 40.0, "zone2_sp_c": 40.0})
    bench.wait_for(bench.coater, machine_state="COMPLETE")
    residual_pct = bench.coater.tags["residual_solvent_pct"]
    assert residual_pct > 10.0
    lot = bench.coater.take_off("wet sheet")
    assert lot.area_mm2 is not None
    dry = lot.layers[0].coating_weight_mg_cm2
    foils = sum(0.1 * foil.thickness_um * foil.density_g_cm3 for foil in lot.foils)
    weighed = lot.mass_g / (lot.area_mm2 * 1e-5) - foils
    assert weighed == pytest.approx(dry * (1 + residual_pct / 100)), "what is not evaporated is weighed"


def test_no_coating_before_both_zones_are_in_their_band(bench: Bench) -> None:
    coating(bench)
    bench.wait_for(bench.coater, machine_state="COMPLETE")
    bench.coater.take_off("one")
    bench.command(bench.coater, "reset")
    thread(bench)
    bench.start(bench.coater, COAT_JOB | {"zone2_sp_c": 140.0})
    assert bench.wait_for(bench.coater, phase="approach") > 17.0 / (20.0 / 60.0)  # 17 K at 20 K/min


def no_fan(bench: Bench) -> None:
    bench.coater.fan_running = False


def little_exhaust(bench: Bench) -> None:
    bench.coater.exhaust_m3_min = 1.0


def torn_web(bench: Bench) -> None:
    bench.coater.web_ok = False


def much_vapour(bench: Bench) -> None:
    bench.coater.disturbances.lel_drift_pct = 55.0


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [(no_fan, "exhaust_low"), (little_exhaust, "exhaust_low"), (torn_web, "web_break"), (much_vapour, "lel_high")],
)
def test_faults_shut_down_and_latch(bench: Bench, fault: Callable[[Bench], None], alarm: str) -> None:
    coating(bench)
    fault(bench)
    bench.wait(bench.coater, 1.0)
    assert alarm in bench.bits(bench.coater)
    assert word(bench.coater, "machine_state") == "ABORTED"
    assert_shut_down(bench)


def assert_shut_down(bench: Bench) -> None:
    assert bench.coater.tags["web_speed_m_min"] == 0.0
    assert "head_closed" not in bench.bits(bench.coater, "status_bits")
    hot = bench.coater.tags["zone1_c"]
    bench.wait(bench.coater, 60.0)
    assert bench.coater.tags["zone1_c"] < hot - 15.0


@pytest.mark.parametrize(("command", "end"), [("hold", "HELD"), ("stop", "STOPPED"), ("abort", "ABORTED")])
def test_hold_stop_and_abort_are_the_same_here(bench: Bench, command: str, end: str) -> None:
    coating(bench)
    bench.command(bench.coater, command)
    bench.wait(bench.coater, 1.0)
    assert word(bench.coater, "machine_state") == end
    assert {"fan_running", "exhaust_ok"} <= bench.bits(bench.coater, "status_bits")
    assert_shut_down(bench)
    assert bench.command(bench.coater, "restart") == ("REJECTED", "wrong_state")
    with pytest.raises(WorldError, match="no finished sheet"):
        bench.coater.take_off("scrap")


def test_a_silent_controller_shuts_the_coater_down(bench: Bench) -> None:
    coating(bench)
    bench.coater.write({"heartbeat_controller": 1})
    bench.wait(bench.coater, 7.0)
    assert bench.bits(bench.coater) == {"link_lost"}
    assert word(bench.coater, "machine_state") == "ABORTED"
    assert_shut_down(bench)


@pytest.mark.parametrize(("fault", "reason"), [(no_fan, "no_exhaust"), (little_exhaust, "no_exhaust")])
def test_no_heat_without_air(bench: Bench, fault: Callable[[Bench], None], reason: str) -> None:
    thread(bench)
    fault(bench)
    bench.coater.write(COAT_JOB)
    bench.command(bench.coater, "load_job")
    assert bench.command(bench.coater, "start") == ("REJECTED", reason)


def test_an_empty_coater_does_not_start(bench: Bench) -> None:
    bench.coater.write(COAT_JOB)
    bench.command(bench.coater, "load_job")
    assert bench.command(bench.coater, "start") == ("REJECTED", "nothing_loaded")


def test_the_vapour_of_a_full_oven_stays_far_below_its_limit(bench: Bench) -> None:
    coating(bench)
    highest = 0.0
    while word(bench.coater, "machine_state") == "EXECUTE":
        bench.wait(bench.coater, 1.0)
        highest = max(highest, bench.coater.tags["lel_pct"])
    assert 0.5 < highest < 25.0
