from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recipes.model import Window
from recipes.units import Dimension, QuantityError, parse_quantity, parse_range

SPELLINGS = [(dimension, unit) for dimension in Dimension for unit in dimension.value.units]
NUMBERS = st.floats(min_value=0.001, max_value=1e6)


@pytest.fixture(scope="module")
def registry() -> Any:
    pint = pytest.importorskip("pint")
    return pint.UnitRegistry()


def _for_pint(unit: str) -> str:
    """Our spelling as pint reads it: 2 and 3 are powers there."""
    theirs = {"%": "percent", "°C": "degC", "t": "force_metric_ton", "mPa.s": "mPa*s", "Pa.s": "Pa*s"}
    return theirs.get(unit, unit.replace("2", "**2").replace("3", "**3"))


@pytest.mark.parametrize(("dimension", "unit"), SPELLINGS, ids=lambda value: str(getattr(value, "name", value)))
def test_every_factor_agrees_with_pint(dimension: Dimension, unit: str, registry: Any) -> None:
    written = 300.0
    if dimension is Dimension.TEMPERATURE_DIFFERENCE:
        theirs = registry.Quantity(written, "delta_degC").to("kelvin").magnitude
    else:
        theirs = registry.Quantity(written, _for_pint(unit)).to(_for_pint(dimension.canonical)).magnitude
    assert parse_quantity(f"{written} {unit}", dimension) == pytest.approx(theirs, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "dimension", "value"),
    [
        ("90 MPa", Dimension.PRESSURE, 90.0),
        ("0.98 GPa", Dimension.PRESSURE, 980.0),
        ("3 min", Dimension.TIME, 180.0),
        ("0.1 s", Dimension.TIME, 0.1),
        ("120 degC", Dimension.TEMPERATURE, 120.0),
        ("393.15 K", Dimension.TEMPERATURE, 120.0),
        ("-10 degC", Dimension.TEMPERATURE, -10.0),
        ("16 cm2", Dimension.AREA, 1600.0),
        ("0.07 mm", Dimension.THICKNESS, 70.0),
        ("45 %", Dimension.SHARE, 45.0),
        ("45%", Dimension.SHARE, 45.0),
        ("1e3 kPa", Dimension.PRESSURE, 1.0),
        ("270 g/m2", Dimension.COATING_WEIGHT, 27.0),
    ],
)
def test_quantities_are_exact(text: str, dimension: Dimension, value: float) -> None:
    assert parse_quantity(text, dimension) == value


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("90", "90 has no unit"),
        ("", "nothing is written"),
        ("nan MPa", "not a finite number"),
        ("inf MPa", "not a finite number"),
        (".inf", "not a finite number"),
        ("90 min", "'min' is a unit of a time, not of a pressure"),
        ("90 psi", "'psi' is no unit of a pressure"),
        ("90 mpa", "'mpa' is no unit of a pressure"),
        ("-1 MPa", "below 0 MPa"),
        ("80..90 MPa", "is a range, no single value"),
        ("ninety MPa", "is no number with a unit"),
        ("9" * 100 + " MPa", "is no number with a unit"),
    ],
)
def test_what_is_no_pressure_is_refused_with_what_is_expected(text: str, what: str) -> None:
    with pytest.raises(QuantityError) as error:
        parse_quantity(text, Dimension.PRESSURE)
    assert what in error.value.what
    assert error.value.expected == "a pressure such as 90 MPa"


def test_nothing_is_colder_than_absolute_zero() -> None:
    with pytest.raises(QuantityError, match=r"below -273\.15 degC"):
        parse_quantity("-274 degC", Dimension.TEMPERATURE)


def test_ranges() -> None:
    assert parse_range("85..95 MPa", Dimension.PRESSURE) == Window(85.0, 95.0)
    assert parse_range("-5 .. 5 degC", Dimension.TEMPERATURE) == Window(-5.0, 5.0)
    assert parse_range("0.5..1 min", Dimension.TIME) == Window(30.0, 60.0)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("95..85 MPa", "ends below its beginning"),
        ("90 MPa", "is one value, no range"),
        ("85..95", "has no unit"),
        ("85..nan MPa", "no number with a unit"),
    ],
)
def test_what_is_no_range_is_refused(text: str, what: str) -> None:
    with pytest.raises(QuantityError) as error:
        parse_range(text, Dimension.PRESSURE)
    assert what in error.value.what
    assert error.value.expected == "a range such as 20..30 MPa"


@given(NUMBERS, st.sampled_from(SPELLINGS))
def test_a_value_in_its_canonical_unit_stays_what_it_is(value: float, spelling: tuple[Dimension, str]) -> None:
    dimension, _ = spelling
    assert parse_quantity(f"{value!r} {dimension.canonical}", dimension) == value


@given(st.text(max_size=30), st.sampled_from(list(Dimension)))
def test_any_text_is_a_finite_value_or_a_quantity_error(text: str, dimension: Dimension) -> None:
    for parse in (parse_quantity, parse_range):
        try:
            value = parse(text, dimension)
        except QuantityError:
            continue
        ends = (value.lower, value.upper) if isinstance(value, Window) else (value,)
        assert all(math.isfinite(end) for end in ends)
