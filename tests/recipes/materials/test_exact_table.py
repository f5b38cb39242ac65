"""The exact-table variant of the compaction: exact where the source prints, monotone and irreversible everywhere."""

from __future__ import annotations

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.materials.compaction import TabledParameters, advance, drive, effective_pressure_mpa
from recipes.materials.library import load_materials
from recipes.materials.pchip import curve, slopes
from tests.recipes.patent_tables import TABLE_2

MATERIALS = load_materials("honda-exact-table")
STEPS = {  # row of Table 2: MPa and degC of densifying, after 90 and 290 MPa at room temperature
    "honda-example-1": (980.0, 120.0),
    "honda-example-2": (980.0, 100.0),
    "honda-example-3": (980.0, 60.0),
    "honda-comparative-1": (980.0, 25.0),
    "honda-comparative-2": (784.0, 25.0),
    "honda-comparative-3": (700.0, 25.0),
}


def table_of(layer: str) -> TabledParameters:
    parameters = MATERIALS[layer].parameters
    assert isinstance(parameters, TabledParameters)
    return parameters


def rates(layer: str, row: str) -> list[float]:
    """Rates of decrease in percent of the three pressings that a layer of Table 2 sees."""
    parameters, done, found = table_of(layer), 0.0, []
    for pressure, temperature_c in ((90.0, 25.0), (290.0, 25.0), STEPS[row]):
        after = advance(done, pressure, temperature_c, 600.0, parameters)
        found.append(100.0 * -math.expm1(done - after))
        done = after
    return found


@pytest.mark.parametrize("row", STEPS)
@pytest.mark.parametrize("layer", ["cathode", "solid_electrolyte"])
def test_every_cell_is_met_to_its_rounding(layer: str, row: str) -> None:
    printed = TABLE_2[row][layer]
    for found, cell in zip(rates(layer, row), printed, strict=True):
        if cell is not None:
            assert found == pytest.approx(cell, abs=0.5), (layer, row)


REFERENCE = {  # by scipy.interpolate.PchipInterpolator, version 1.17.1, through the same points
    "cathode": {
        10: 0.018977241,
        45: 0.086052404,
        150: 0.294587355,
        400: 0.866609513,
        650: 1.516460054,
        900: 1.89755594,
    },
    "solid_electrolyte": {10: 0.013351311, 150: 0.257370347, 740: 2.228583876, 1300: 2.944793432, 1600: 3.127},
}


@pytest.mark.parametrize("layer", REFERENCE)
def test_the_curve_is_the_known_one(layer: str) -> None:
    for pressure, level in REFERENCE[layer].items():
        assert curve(float(pressure), table_of(layer).points) == pytest.approx(level, abs=1e-8)
    for point_mpa, level in table_of(layer).points:
        assert curve(point_mpa, table_of(layer).points) == pytest.approx(level, abs=1e-12)


@given(st.floats(0.0, 3000.0), st.floats(0.0, 3000.0))
def test_more_pressure_never_drives_less(one: float, other: float) -> None:
    low, high = sorted((one, other))
    for layer in ("cathode", "solid_electrolyte"):
        assert drive(low, table_of(layer)) <= drive(high, table_of(layer)) + 1e-12


@given(st.floats(25.0, 120.0), st.floats(10.0, 1100.0), st.floats(1.0, 900.0))
def test_pressing_again_at_the_same_or_a_lower_pressure_does_nothing(
    temperature_c: float, pressure: float, dt_s: float
) -> None:
    parameters = table_of("cathode")
    done = drive(effective_pressure_mpa(pressure, temperature_c, parameters), parameters)
    assert advance(done, pressure, temperature_c, dt_s, parameters) == pytest.approx(done, abs=1e-12)
    assert advance(done, 0.9 * pressure, temperature_c, dt_s, parameters) == pytest.approx(done, abs=1e-12)


def test_the_curve_goes_on_above_its_last_point() -> None:
    parameters = table_of("cathode")
    assert drive(980.0, parameters) == pytest.approx(2.0170)
    assert drive(1180.0, parameters) == pytest.approx(2.0170 + 200.0 * 1.456e-3)
    assert drive(0.0, parameters) == 0.0


def test_a_table_that_falls_is_refused() -> None:
    parameters = table_of("cathode")
    values = {name: getattr(parameters, name) for name in ("k_per_mpa", "b", "c_per_k", "residual_porosity", "tau_s")}
    for knots in (((90.0, 0.5), (290.0, 0.4)), (), ((290.0, 0.4), (90.0, 0.5))):
        with pytest.raises(ValueError, match=r"table|rising"):
            TabledParameters(**values, p1_mpa=450.0, m=4.0, knots=knots)
    with pytest.raises(ValueError, match="two points"):
        slopes(((0.0, 0.0),))


def test_slopes_keep_the_shape() -> None:
    assert slopes(((0.0, 0.0), (1.0, 2.0))) == (2.0, 2.0)
    flat = ((0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (3.0, 5.0))
    seen = [curve(x / 50.0, flat) for x in range(151)]
    assert all(b >= a - 1e-12 for a, b in pairwise(seen))


def test_source_and_confidence_are_told() -> None:
    for material in MATERIALS.values():
        assert all("US 2025/0260067 A1" in told for told in material.provenance.values())
