"""What a press does without us: a lost link, an open guard, an impossible value."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from simulators.pressing import PressPlc
from tests.simulators.bench import UNIAXIAL_JOB, Bench, word

WATCHDOG_S = 5.0


@pytest.fixture
def bench() -> Bench:
    return Bench()


def one_beat(plc: PressPlc) -> None:
    plc.write({"heartbeat_controller": 1})


def test_without_any_heartbeat_nobody_is_missed(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait_for(bench.uniaxial, machine_state="COMPLETE")
    assert bench.bits(bench.uniaxial) == set()


def test_a_silent_controller_ends_uniaxial_pressing(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    one_beat(bench.uniaxial)
    bench.wait(bench.uniaxial, WATCHDOG_S - 1.0)
    assert word(bench.uniaxial, "machine_state") == "EXECUTE"
    bench.wait(bench.uniaxial, 2.5)
    assert word(bench.uniaxial, "machine_state") == "HELD"
    assert bench.bits(bench.uniaxial) == {"link_lost"}
    assert "link_ok" not in bench.bits(bench.uniaxial, "status_bits")
    bench.wait(bench.uniaxial, UNIAXIAL_JOB["link_loss_hold_s"] - 4.0)
    assert bench.uniaxial.tags["force_pv_kn"] == pytest.approx(144.8, abs=0.5)
    bench.wait(bench.uniaxial, 5.0 + 144.0 / UNIAXIAL_JOB["release_rate_kn_s"] + 6.0)
    assert word(bench.uniaxial, "machine_state") == "ABORTED"
    assert bench.uniaxial.pressure_mpa == 0.0
    assert bench.bits(bench.uniaxial) == {"link_lost"}, "latched until reset"
    assert bench.command(bench.uniaxial, "reset") == ("DONE", "none")
    assert bench.bits(bench.uniaxial) == set()


def test_a_silent_controller_ends_isostatic_pressing_in_its_stated_time(bench: Bench) -> None:
    bench.dwelling_isostatic()
    one_beat(bench.isostatic)
    bench.wait(bench.isostatic, WATCHDOG_S + 1.5)
    status = bench.bits(bench.isostatic, "status_bits")
    assert "isolated" in status
    assert "pump_running" not in status
    bench.wait(bench.isostatic, bench.isostatic.profile.timing.decompression_s)
    assert "zero_pressure_switch" in bench.bits(bench.isostatic, "status_bits")
    assert word(bench.isostatic, "machine_state") == "ABORTED"


def test_a_heart_that_beats_with_the_same_number_is_dead(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    for _ in range(14):
        bench.uniaxial.write({"heartbeat_controller": 5})
        bench.wait(bench.uniaxial, 0.5)
    assert bench.bits(bench.uniaxial) == {"link_lost"}


def test_a_link_that_returns_may_be_restarted_by_a_person(bench: Bench) -> None:
    bench.dwelling_isostatic()
    one_beat(bench.isostatic)
    bench.wait(bench.isostatic, WATCHDOG_S + 2.0)
    assert bench.command(bench.isostatic, "restart") == ("REJECTED", "link_lost")
    bench.beats = True
    bench.wait(bench.isostatic, 1.0)
    assert word(bench.isostatic, "machine_state") == "HELD", "never by itself"
    assert bench.command(bench.isostatic, "restart") == ("ACCEPTED", "none")
    bench.wait_for(bench.isostatic, machine_state="COMPLETE")


def break_guard(bench: Bench) -> None:
    bench.uniaxial.guard_closed = False


def tilt(bench: Bench) -> None:
    bench.uniaxial.tilt_um = 25.0


def overheat(bench: Bench) -> None:
    bench.uniaxial.platens.bodies[0].settle(200.0)


def overforce(bench: Bench) -> None:
    bench.uniaxial.loop.force_kn = 200.0


@pytest.mark.parametrize(
    ("fault", "alarm"),
    [(break_guard, "guard_opened"), (tilt, "tilt"), (overheat, "over_temperature"), (overforce, "over_force")],
)
def test_uniaxial_faults_release_and_latch(bench: Bench, fault: Callable[[Bench], None], alarm: str) -> None:
    bench.dwelling_uniaxial()
    fault(bench)
    bench.wait(bench.uniaxial, 1.0)
    assert word(bench.uniaxial, "machine_state") == "ABORTING"
    assert alarm in bench.bits(bench.uniaxial)
    bench.wait_for(bench.uniaxial, machine_state="ABORTED")
    assert bench.uniaxial.pressure_mpa == 0.0
    assert alarm in bench.bits(bench.uniaxial)


def test_sensors_that_disagree_end_isostatic_pressing(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.isostatic.disturbances.sensor_drift_mpa = 12.0
    bench.wait(bench.isostatic, 1.5)
    assert "sensor_disagreement" in bench.bits(bench.isostatic)
    bench.wait_for(bench.isostatic, machine_state="ABORTED")


def test_a_leaking_seal_ends_isostatic_pressing(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.command(bench.isostatic, "hold")
    bench.isostatic.disturbances.seal_leak_mpa_s = 5.0
    bench.wait(bench.isostatic, 40.0)
    assert "pressure_leak" in bench.bits(bench.isostatic)


def test_the_emergency_stop_releases_at_the_jobs_rate(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.uniaxial.estop_ok = False
    before = bench.uniaxial.loop.force_kn
    bench.wait(bench.uniaxial, 2.0)
    assert before - bench.uniaxial.loop.force_kn <= UNIAXIAL_JOB["release_rate_kn_s"] * 2.0 + 1e-6
    bench.wait_for(bench.uniaxial, machine_state="ABORTED")
    assert bench.command(bench.uniaxial, "reset") == ("REJECTED", "safety_chain")


def test_a_latched_alarm_keeps_the_machine_from_starting(bench: Bench) -> None:
    bench.uniaxial.insert(bench.lot())
    bench.uniaxial.alarms.add("tilt")
    bench.uniaxial.write(UNIAXIAL_JOB)
    bench.command(bench.uniaxial, "load_job")
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "safety_chain")
