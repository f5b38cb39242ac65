"""Quantities as people write them ("90 MPa", "85..95 MPa") and their exact values in canonical units.

The table of spellings is closed: a recipe is read by people of several trades, so each unit has one or two spellings
and anything else is refused with what is expected. Numbers are carried as fractions up to the last step, so that the
canonical value is the double nearest to what was written ("0.07 mm" is 70 um, not 70.00000000000001).
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from fractions import Fraction

from recipes.model import Window

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,2})?"
_QUANTITY = re.compile(rf"(?P<number>{_NUMBER})\s*(?P<unit>[^\s\d.+-].*)?")
_RANGE = re.compile(rf"(?P<lower>{_NUMBER})\s*\.\.\s*(?P<upper>{_NUMBER})\s*(?P<unit>[^\s\d.+-].*)?")
_NOT_FINITE = re.compile(r"[+-]?\.?(?:nan|inf|infinity)\b.*", re.IGNORECASE)
LARGEST = 1e9
"""In canonical units; no setpoint comes near it, and the laws stay within what a computer can count."""
_LONGEST = 80  # characters; no quantity needs more, and it bounds the work of exact arithmetic


class QuantityError(ValueError):
    """A text is not the quantity that is wanted: `what` is wrong with it, and what is `expected` instead."""

    def __init__(self, what: str, expected: str) -> None:
        super().__init__(f"{what}, expected {expected}")
        self.what = what
        self.expected = expected


@dataclass(frozen=True, slots=True)
class UnitScale:
    """canonical value = factor * written value + offset."""

    factor: Fraction
    offset: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class DimensionInfo:
    """What a dimension is called, its canonical unit, an example, its lowest sensible value and its spellings."""

    words: str
    canonical: str
    example: str
    minimum: float | None
    units: Mapping[str, UnitScale]


def _scales(**factors: str) -> dict[str, UnitScale]:
    return {name: UnitScale(Fraction(factor)) for name, factor in factors.items()}


_LENGTHS = {"nm": "1e-9", "um": "1e-6", "µm": "1e-6", "mm": "1e-3", "cm": "1e-2", "m": "1"}
_KELVIN_AT_ZERO_CELSIUS = Fraction("273.15")


def _lengths_in(canonical: str) -> dict[str, UnitScale]:
    return {name: UnitScale(Fraction(factor) / Fraction(_LENGTHS[canonical])) for name, factor in _LENGTHS.items()}


class Dimension(Enum):
    """The dimensions that a recipe knows."""

    PRESSURE = DimensionInfo(
        "a pressure", "MPa", "90 MPa", 0.0, _scales(Pa="1e-6", kPa="1e-3", bar="0.1", MPa="1", GPa="1000")
    )
    PRESSURE_RATE = DimensionInfo(
        "a rate of pressure", "MPa/s", "10 MPa/s", 0.0, _scales(**{"MPa/s": "1", "MPa/min": "1/60", "bar/s": "0.1"})
    )
    MODULUS = DimensionInfo("a modulus", "GPa", "0.1 GPa", 0.0, _scales(MPa="1e-3", GPa="1"))
    TIME = DimensionInfo("a time", "s", "3 min", 0.0, _scales(ms="1e-3", s="1", min="60", h="3600", d="86400"))
    TEMPERATURE = DimensionInfo(
        "a temperature",
        "degC",
        "120 degC",
        -273.15,
        {
            "degC": UnitScale(Fraction(1)),
            "°C": UnitScale(Fraction(1)),
            "K": UnitScale(Fraction(1), -_KELVIN_AT_ZERO_CELSIUS),
        },
    )
    TEMPERATURE_DIFFERENCE = DimensionInfo("a difference of temperatures", "K", "5 K", 0.0, _scales(K="1"))
    THICKNESS = DimensionInfo("a thickness", "um", "80 um", 0.0, _lengths_in("um"))
    LENGTH = DimensionInfo("a length", "m", "0.4 m", 0.0, _lengths_in("m"))
    AREA = DimensionInfo("an area", "mm2", "16 cm2", 0.0, _scales(mm2="1", cm2="100", m2="1e6"))
    COATING_WEIGHT = DimensionInfo(
        "a coating weight", "mg/cm2", "27 mg/cm2", 0.0, _scales(**{"mg/cm2": "1", "g/m2": "0.1"})
    )
    DENSITY = DimensionInfo("a density", "g/cm3", "1.86 g/cm3", 0.0, _scales(**{"g/cm3": "1", "kg/m3": "1e-3"}))
    SHARE = DimensionInfo("a share", "%", "45 %", 0.0, _scales(**{"%": "1"}))
    SPEED = DimensionInfo(
        "a speed", "m/min", "0.8 m/min", 0.0, _scales(**{"m/min": "1", "m/s": "60", "mm/s": "0.06", "mm/min": "1e-3"})
    )
    FORCE = DimensionInfo("a force", "N", "60 N", 0.0, _scales(N="1", kN="1000", t="9806.65"))
    VISCOSITY = DimensionInfo("a viscosity", "mPa.s", "3000 mPa.s", 0.0, _scales(**{"mPa.s": "1", "Pa.s": "1000"}))

    @property
    def canonical(self) -> str:
        """Spelling of the unit in which values are kept."""
        return self.value.canonical

    @property
    def expected(self) -> str:
        """What to write, in words: "a pressure such as 90 MPa"."""
        return f"{self.value.words} such as {self.value.example}"

    @property
    def expected_range(self) -> str:
        """What to write for an interval."""
        unit = self.value.example.split(" ", 1)[1]
        return f"a range such as 20..30 {unit}"


def parse_quantity(text: str, dimension: Dimension) -> float:
    """The value of `text` in the dimension's canonical unit.

    Raises:
        QuantityError: no unit, a unit of another dimension or unknown, not a number, not finite, below the minimum.
    """
    written = text.strip()
    match = _QUANTITY.fullmatch(written) if len(written) <= _LONGEST else None
    if match is None:
        raise QuantityError(_why_no_number(written), dimension.expected)
    return _canonical(match["number"], match["unit"], dimension, dimension.expected)


def parse_range(text: str, dimension: Dimension) -> Window:
    """The closed interval that `text` ("85..95 MPa") means, in the dimension's canonical unit.

    Raises:
        QuantityError: as parse_quantity, and when the lower end is above the upper.
    """
    written = text.strip()
    match = _RANGE.fullmatch(written) if len(written) <= _LONGEST else None
    expected = dimension.expected_range
    if match is None:
        what = (
            _why_no_number(written) if not _QUANTITY.fullmatch(written) else f"{_shown(written)} is one value, no range"
        )
        raise QuantityError(what, expected)
    lower = _canonical(match["lower"], match["unit"], dimension, expected)
    upper = _canonical(match["upper"], match["unit"], dimension, expected)
    if lower > upper:
        raise QuantityError(f"{_shown(written)} ends below its beginning", expected)
    return Window(lower, upper)


def parse_measure(text: str, expected: str = "a number with its unit such as 3.9 x") -> tuple[float, str]:
    """Number and unit of `text` in whatever unit it is written; "" is the unit of a bare number.

    Raises:
        QuantityError: not a number, or not finite.
    """
    written = text.strip()
    match = _QUANTITY.fullmatch(written) if len(written) <= _LONGEST else None
    if match is None:
        raise QuantityError(_why_no_number(written), expected)
    value = float(match["number"])
    if not math.isfinite(value):
        raise QuantityError(f"{_shown(written)} is not finite", expected)
    return value, (match["unit"] or "").strip()


def converted(value: float, unit: str, wanted: str) -> float | None:
    """A value in another unit, or None where no dimension knows both spellings."""
    if unit == wanted:
        return value
    for dimension in Dimension:
        units = dimension.value.units
        if unit in units and wanted in units:
            canonical = Fraction(value) * units[unit].factor + units[unit].offset
            return float((canonical - units[wanted].offset) / units[wanted].factor)
    return None


def smallest(unit: str) -> float:
    """The least that a quantity in a unit can be; minus infinity where that is not known."""
    for dimension in Dimension:
        scale, minimum = dimension.value.units.get(unit), dimension.value.minimum
        if scale is not None and minimum is not None:
            return float((Fraction(minimum) - scale.offset) / scale.factor)
    return -math.inf


def _canonical(number: str, unit: str | None, dimension: Dimension, expected: str) -> float:
    if unit is None:
        raise QuantityError(f"{number} has no unit", expected)
    scale = dimension.value.units.get(unit)
    if scale is None:
        raise QuantityError(_why_not_this_unit(unit, dimension), expected)
    try:
        value = float(Fraction(number) * scale.factor + scale.offset)
    except OverflowError:
        value = math.inf
    if not math.isfinite(value):
        raise QuantityError(f"{number} {unit} is not finite", expected)
    if abs(value) > LARGEST:
        raise QuantityError(f"{number} {unit} is more than anything on this line", expected)
    minimum = dimension.value.minimum
    if minimum is not None and value < minimum:
        raise QuantityError(f"{number} {unit} is below {minimum:g} {dimension.canonical}", expected)
    return value


def _why_not_this_unit(unit: str, dimension: Dimension) -> str:
    others = [other.value.words for other in Dimension if unit in other.value.units]
    known = ", ".join(dimension.value.units)
    if others:
        return f"{_shown(unit)} is a unit of {others[0]}, not of {dimension.value.words} ({known})"
    return f"{_shown(unit)} is no unit of {dimension.value.words} ({known})"


def _why_no_number(written: str) -> str:
    if not written:
        return "nothing is written"
    if _NOT_FINITE.fullmatch(written):
        return f"{_shown(written)} is not a finite number"
    if _RANGE.fullmatch(written):
        return f"{_shown(written)} is a range, no single value"
    return f"{_shown(written)} is no number with a unit"


def _shown(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:37] + "...")
