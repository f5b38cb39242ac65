"""The whole line: determinism, realism, and how much it computes."""

from __future__ import annotations

import pytest

from simulators.plc import Plc
from tests.simulators.bench import AREA_MM2, COAT_JOB, ISOSTATIC_JOB, UNIAXIAL_JOB, Bench
from tests.simulators.test_coater import thread


def densified(scenario: str, seed: int) -> Bench:
    bench = Bench(scenario, seed, beats=True)
    bench.isostatic.insert(bench.lot())
    bench.start(bench.isostatic, ISOSTATIC_JOB)
    bench.wait_for(bench.isostatic, machine_state="COMPLETE")
    return bench


def test_the_line_has_its_units() -> None:
    kinds = {name: machine.profile.kind for name, machine in Bench().line.machines.items()}
    assert kinds == {
        "uniaxial-press-1": "uniaxial_press",
        "isostatic-press-1": "isostatic_press",
        "coater-1": "coater",
        "roll-press-1": "roll_press",
        "thickness-gauge-1": "gauge",
        "balance-1": "balance",
    }


def test_the_same_seed_gives_the_same_line() -> None:
    one, again, other = densified("realistic", 3), densified("realistic", 3), densified("realistic", 4)
    assert one.isostatic.tags == again.isostatic.tags
    assert one.line.truth_layers("assembly") == again.line.truth_layers("assembly")
    assert one.line.truth_layers("assembly") != other.line.truth_layers("assembly")


def test_looking_more_often_changes_nothing_that_matters() -> None:
    seldom, often = Bench("realistic"), Bench("realistic")
    for bench, look_s in ((seldom, 7.0), (often, 0.13)):
        bench.isostatic.insert(bench.lot())
        bench.start(bench.isostatic, ISOSTATIC_JOB)
        while bench.now_s < 1500.0:
            bench.now_s += look_s
            bench.isostatic.advance(bench.now_s)
    for layer, truth in seldom.line.truth_layers("assembly").items():
        porosity = often.line.truth_layers("assembly")[layer]["porosity_pct"]
        assert truth["porosity_pct"] == pytest.approx(porosity, abs=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_realistic_pressing_stays_within_the_sensors_accuracy(seed: int) -> None:
    bench = Bench("realistic", seed, beats=True)
    press = bench.isostatic
    press.insert(bench.lot())
    bench.start(press, ISOSTATIC_JOB)
    hottest = highest = 0.0
    while bench.now_s < 2000.0 and press.state == "EXECUTE":
        bench.wait(press, 0.5)
        highest, hottest = max(highest, press.pressure_mpa), max(hottest, press.medium.temperature_c)
        for sensor in ("pressure_a_mpa", "pressure_b_mpa"):
            assert abs(press.tags[sensor] - press.pressure_mpa) <= 4.0
    assert press.state == "COMPLETE"
    assert bench.bits(press) == set()
    assert 980.0 - 4.0 <= highest <= 980.0 * 1.01
    assert 120.0 + 4.0 < hottest < 120.0 + 10.0, "compression heats the medium"
    assert press.tags["dwell_mean_pressure_mpa"] == pytest.approx(980.0, abs=1.0)


def test_realistic_truth_is_not_the_estimators() -> None:
    porosities = {
        densified("realistic", seed).line.truth_layers("assembly")["cathode"]["porosity_pct"] for seed in range(5)
    }
    assert len(porosities) == 5


def test_an_aborted_pressing_is_recorded_as_it_was() -> None:
    bench = Bench()
    bench.uniaxial.insert(bench.lot())
    bench.start(bench.uniaxial, UNIAXIAL_JOB)
    bench.wait_for(bench.uniaxial, phase="dwell")
    bench.command(bench.uniaxial, "abort")
    bench.wait_for(bench.uniaxial, machine_state="ABORTED")
    (pressing,) = bench.line.pressings
    assert (pressing.job_id, pressing.unit, pressing.lot) == (1, "uniaxial-press-1", "assembly")
    assert pressing.after["cathode"] < pressing.before["cathode"] == pytest.approx(45.0)
    assert bench.uniaxial.lot is not None
    assert bench.uniaxial.lot.area_mm2 == AREA_MM2


def test_fifty_minutes_of_three_machines_take_few_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench("realistic", beats=True)
    thread(bench)
    bench.start(bench.coater, COAT_JOB)
    bench.isostatic.insert(bench.lot())
    bench.start(bench.isostatic, ISOSTATIC_JOB)
    bench.uniaxial.insert(bench.lot("other"))
    bench.start(bench.uniaxial, UNIAXIAL_JOB | {"dwell_sp_s": 1200.0})
    steps = 0
    step = Plc._step

    def counted(plc: Plc, dt_s: float) -> None:
        nonlocal steps
        steps += 1
        step(plc, dt_s)

    monkeypatch.setattr(Plc, "_step", counted)
    second = bench.now_s
    while second < 3000.0:
        second += 1.0
        for plc in (bench.uniaxial, bench.isostatic, bench.coater):
            plc.advance(second)
            plc.write({"heartbeat_controller": int(second) & 0xFFFF})
    assert {plc.state for plc in (bench.uniaxial, bench.isostatic, bench.coater)} == {"COMPLETE"}
    assert steps < 30_000  # of 102,000 scans; a step costs about 15 us
