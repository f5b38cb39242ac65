"""The presses' own controllers: commands, interlocks, pressing, controlled release."""

from __future__ import annotations

import pytest

from drivers.errors import DeviceRefused
from simulators.world import WorldError
from tests.simulators.bench import ISOSTATIC_JOB, UNIAXIAL_JOB, Bench, word


@pytest.fixture
def bench() -> Bench:
    return Bench()


# ---- commands ----


def test_an_unloaded_machine_presses_nothing(bench: Bench) -> None:
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "no_job")
    bench.uniaxial.write(UNIAXIAL_JOB)
    assert bench.command(bench.uniaxial, "load_job") == ("DONE", "none")
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "guard_open")
    bench.uniaxial.guard_closed = bench.uniaxial.two_hand_ok = True
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "nothing_loaded")
    assert word(bench.uniaxial, "machine_state") == "IDLE"


def test_only_a_complete_job_is_loaded(bench: Bench) -> None:
    assert bench.command(bench.isostatic, "load_job") == ("REJECTED", "job_out_of_range")
    assert bench.isostatic.tags["job_id_echo"] == 0


def test_a_loaded_job_is_echoed(bench: Bench) -> None:
    bench.isostatic.write(ISOSTATIC_JOB)
    assert bench.isostatic.tags["pressure_sp_mpa_echo"] == 0
    bench.command(bench.isostatic, "load_job")
    for name, value in ISOSTATIC_JOB.items():
        assert bench.isostatic.tags[f"{name}_echo"] == value


def test_a_value_out_of_range_is_refused_with_the_whole_request(bench: Bench) -> None:
    with pytest.raises(DeviceRefused) as refused:
        bench.isostatic.write(ISOSTATIC_JOB | {"pressure_sp_mpa": 1200.0})
    assert refused.value.code == 3
    assert bench.command(bench.isostatic, "load_job") == ("REJECTED", "job_out_of_range")
    with pytest.raises(DeviceRefused):
        bench.isostatic.write({"dwell_sp_s": float("nan")})


def test_what_only_the_machine_writes_is_refused(bench: Bench) -> None:
    with pytest.raises(DeviceRefused) as refused:
        bench.uniaxial.write({"force_pv_kn": 0.0})
    assert refused.value.code == 2


def test_the_same_number_again_is_a_replay(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    stop = {"command_code": bench.uniaxial.profile.enums["command"]["stop"]}
    number = bench.sequences[bench.uniaxial.unit]
    bench.uniaxial.write(stop | {"command_sequence": number})
    assert word(bench.uniaxial, "machine_state") == "EXECUTE"
    bench.uniaxial.write(stop | {"command_sequence": number + 1})
    assert word(bench.uniaxial, "machine_state") == "STOPPING"


def test_an_unknown_command_is_answered_with_a_reason(bench: Bench) -> None:
    bench.uniaxial.write({"command_code": 99, "command_sequence": 7})
    assert word(bench.uniaxial, "acknowledge_reason") == "unknown_command"


def test_local_mode_refuses_what_raises_risk_and_obeys_what_lowers_it(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.uniaxial.mode = "LOCAL"
    assert bench.command(bench.uniaxial, "restart") == ("REJECTED", "not_remote")
    assert bench.command(bench.uniaxial, "stop") == ("ACCEPTED", "none")


def test_a_running_machine_takes_no_other_job(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    assert bench.command(bench.uniaxial, "load_job") == ("REJECTED", "wrong_state")
    assert bench.command(bench.uniaxial, "start") == ("REJECTED", "wrong_state")
    assert bench.command(bench.uniaxial, "reset") == ("REJECTED", "wrong_state")


def test_heartbeat_counts_twice_a_second(bench: Bench) -> None:
    before = bench.uniaxial.tags["heartbeat_machine"]
    bench.wait(bench.uniaxial, 10.0)
    assert bench.uniaxial.tags["heartbeat_machine"] - before == 20


# ---- pressing ----


def test_the_load_cell_shows_the_tare(bench: Bench) -> None:
    assert bench.uniaxial.tags["force_pv_kn"] == pytest.approx(0.8, abs=0.03)
    assert bench.command(bench.uniaxial, "tare") == ("DONE", "none")
    assert bench.uniaxial.tags["force_pv_kn"] == pytest.approx(0.0, abs=0.03)


def test_the_laminate_bears_the_force_without_the_tare(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 10.0)
    assert bench.uniaxial.pressure_mpa == pytest.approx(90.0, rel=1e-3)  # (144.8 - 0.8) kN on 1600 mm2


def test_hold_keeps_the_force_and_restart_goes_on(bench: Bench) -> None:
    bench.dwelling_uniaxial()
    bench.wait(bench.uniaxial, 10.0)
    assert bench.command(bench.uniaxial, "hold") == ("DONE", "none")
    elapsed = bench.uniaxial.tags["dwell_elapsed_s"]
    bench.wait(bench.uniaxial, 60.0)
    assert word(bench.uniaxial, "phase") == "held"
    assert bench.uniaxial.tags["force_pv_kn"] == pytest.approx(144.8, abs=0.3)
    assert bench.uniaxial.tags["dwell_elapsed_s"] == elapsed
    assert bench.command(bench.uniaxial, "restart") == ("ACCEPTED", "none")
    bench.wait_for(bench.uniaxial, machine_state="COMPLETE")
    assert bench.uniaxial.tags["dwell_elapsed_s"] == pytest.approx(30.0, abs=0.1)


def test_hold_isolates_the_vessel(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.command(bench.isostatic, "hold")
    bench.wait(bench.isostatic, 60.0)
    assert {"isolated", "closure_locked"} <= bench.bits(bench.isostatic, "status_bits")
    assert "pump_running" not in bench.bits(bench.isostatic, "status_bits")
    assert bench.isostatic.pressure_mpa == pytest.approx(980.0)
    bench.command(bench.isostatic, "restart")
    bench.wait_for(bench.isostatic, machine_state="COMPLETE")


def test_hold_does_not_stop_a_release(bench: Bench) -> None:
    bench.dwelling_isostatic()
    bench.wait_for(bench.isostatic, phase="release")
    assert bench.command(bench.isostatic, "hold") == ("REJECTED", "wrong_state")


@pytest.mark.parametrize(("command", "end"), [("stop", "STOPPED"), ("abort", "ABORTED")])
def test_stop_and_abort_release_at_the_jobs_rate_and_never_faster(bench: Bench, command: str, end: str) -> None:
    bench.dwelling_isostatic()
    assert bench.command(bench.isostatic, command)[0] == "ACCEPTED"
    before = bench.isostatic.pressure_mpa
    while word(bench.isostatic, "machine_state") != end:
        bench.wait(bench.isostatic, 0.5)
        rate = ISOSTATIC_JOB["decompression_rate_mpa_s" if before > 50.0 else "final_decompression_rate_mpa_s"]
        assert before - bench.isostatic.pressure_mpa <= rate * 0.5 + 1e-6
        before = bench.isostatic.pressure_mpa
        if before > 0.1:
            assert "closure_locked" in bench.bits(bench.isostatic, "status_bits")
            assert "zero_pressure_switch" not in bench.bits(bench.isostatic, "status_bits")
    assert "closure_locked" not in bench.bits(bench.isostatic, "status_bits")
    assert bench.command(bench.isostatic, "reset") == ("DONE", "none")


def test_no_pressure_before_the_medium_is_soaked(bench: Bench) -> None:
    bench.isostatic.insert(bench.lot())
    bench.start(bench.isostatic, ISOSTATIC_JOB)
    bench.wait(bench.isostatic, 100.0)
    bench.isostatic.medium.settle(100.0)
    bench.isostatic.wall.settle(100.0)
    bench.wait(bench.isostatic, 600.0)
    assert word(bench.isostatic, "phase") == "prepare"
    assert bench.isostatic.tags["soak_elapsed_s"] == 0.0
    bench.isostatic.wall.set(120.0)
    bench.wait_for(bench.isostatic, phase="ramp")
    assert bench.isostatic.tags["soak_elapsed_s"] >= 300.0


def test_no_force_before_the_platens_are_warm(bench: Bench) -> None:
    bench.uniaxial.insert(bench.lot())
    bench.start(bench.uniaxial, UNIAXIAL_JOB)
    bench.command(bench.uniaxial, "stop")
    bench.wait_for(bench.uniaxial, machine_state="STOPPED")
    bench.command(bench.uniaxial, "reset")
    bench.start(bench.uniaxial, UNIAXIAL_JOB | {"platen_temperature_sp_c": 60.0})
    waited = bench.wait_for(bench.uniaxial, phase="approach")
    assert waited > 33.0 / (10.0 / 60.0)  # 33 K at 10 K/min


def test_a_closed_machine_cannot_be_opened(bench: Bench) -> None:
    bench.dwelling_isostatic()
    with pytest.raises(WorldError, match="not open"):
        bench.isostatic.take_out()
