"""The six rows of US 2025/0260067 A1 pressed by the simulated machines themselves, compared with its Tables 2 and 3."""

from __future__ import annotations

import math

import pytest

from tests.recipes.materials.honda import ROWS, Row
from tests.simulators.bench import AREA_MM2, ISOSTATIC_JOB, UNIAXIAL_JOB, Bench


def press_uniaxially(bench: Bench, lot: str, pressure_mpa: float, dwell_s: float, job_id: int) -> None:
    press = bench.uniaxial
    press.insert(bench.line.world.lot(lot))
    bench.wait(press, 1.0)
    tare_kn = press.tags["force_pv_kn"]
    area_m = AREA_MM2 / 1000.0
    job = UNIAXIAL_JOB | {
        "job_id": job_id,
        "force_sp_kn": pressure_mpa * area_m + tare_kn,
        "force_ramp_kn_s": 10.0 * area_m,
        "release_rate_kn_s": 10.0 * area_m,
        "dwell_sp_s": dwell_s,
    }
    bench.start(press, job)
    bench.wait_for(press, machine_state="COMPLETE")
    reached_mpa = (press.tags["dwell_mean_force_kn"] - tare_kn) / area_m
    assert reached_mpa == pytest.approx(pressure_mpa, rel=0.002)
    assert press.tags["dwell_elapsed_s"] == pytest.approx(dwell_s, abs=0.1)
    press.take_out()
    assert bench.command(press, "reset") == ("DONE", "none")


def densify(bench: Bench, lot: str, pressure_mpa: float, temperature_c: float) -> None:
    press = bench.isostatic
    press.insert(bench.line.world.lot(lot))
    bench.wait(press, 1.0)
    bench.start(press, ISOSTATIC_JOB | {"pressure_sp_mpa": pressure_mpa, "medium_temperature_sp_c": temperature_c})
    bench.wait_for(press, phase="dwell")
    assert press.lot is not None
    assert press.lot.temperature_c == pytest.approx(temperature_c, abs=0.05)
    bench.wait_for(press, machine_state="COMPLETE")
    assert press.tags["dwell_mean_pressure_mpa"] == pytest.approx(pressure_mpa, rel=0.002)
    press.take_out()


def made(row: Row) -> Bench:
    bench = Bench(beats=True)
    bench.lot("pair", "cathode", "solid_electrolyte")
    press_uniaxially(bench, "pair", 90.0, 180.0, 11)
    bench.lot("sheet", "intermediate")
    bench.line.world.stack(["pair", "sheet"], "assembly", None)
    press_uniaxially(bench, "assembly", 290.0, 300.0, 12)
    densify(bench, "assembly", row.densify_mpa, row.densify_c)
    press_uniaxially(bench, "assembly", 180.0, 120.0, 13)
    return bench


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_cell_of_the_tables_is_met_by_the_truth(row: Row) -> None:
    bench = made(row)
    rates = [
        {layer: 100.0 * (1.0 - pressing.after[layer] / before) for layer, before in pressing.before.items()}
        for pressing in bench.line.pressings
    ]
    for (step, layer), rate in row.rates.items():
        assert rates[step - 1][layer] == pytest.approx(rate, abs=row.rate_tolerance(layer)), (step, layer)
    truth = bench.line.truth_layers("assembly")
    for layer, final in row.final.items():
        assert truth[layer]["porosity_pct"] == pytest.approx(final, abs=row.final_tolerance(layer)), layer
    modulus = truth["intermediate"]["composite_modulus_gpa"]
    assert modulus is not None
    assert math.floor(modulus * 10.0 + 0.5) / 10.0 == row.modulus_gpa  # to the printed digit
    dense = all(_at_most_5(truth[layer]["porosity_pct"]) for layer in ("cathode", "solid_electrolyte"))
    assert dense is row.claim_1
    assert (rates[2]["cathode"] >= 77.0 and rates[2]["solid_electrolyte"] >= 85.0) is row.claim_5
    assert rates[3]["cathode"] == pytest.approx(0.0, abs=1e-9)  # the third joining changes nothing


def _at_most_5(value: float | None) -> bool:
    return value is not None and value <= 5.0
