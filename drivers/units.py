"""The units that a signal may have: a closed set, so that a slip of the pen is told and never shown to an operator."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches

UNITS: Mapping[str, str] = {
    "%": "per cent",
    "1/min": "revolutions a minute",
    "A": "ampere",
    "Hz": "hertz",
    "K": "kelvin, a difference of temperatures",
    "K/min": "kelvin a minute",
    "K/s": "kelvin a second",
    "L": "litre",
    "L/min": "litre a minute",
    "MPa": "megapascal",
    "MPa/s": "megapascal a second",
    "N": "newton",
    "N/mm": "newton a millimetre of width",
    "Nm": "newton metre",
    "Pa": "pascal",
    "V": "volt",
    "W": "watt",
    "bar": "bar",
    "cm": "centimetre",
    "deg": "degree of angle",
    "degC": "degree Celsius",
    "g": "gram",
    "g/cm3": "gram a cubic centimetre",
    "h": "hour",
    "hPa": "hectopascal",
    "kN": "kilonewton",
    "kN/mm": "kilonewton a millimetre of width",
    "kN/s": "kilonewton a second",
    "kPa": "kilopascal",
    "kW": "kilowatt",
    "kg": "kilogram",
    "m": "metre",
    "m/min": "metre a minute",
    "m3/h": "cubic metre an hour",
    "m3/min": "cubic metre a minute",
    "mA": "milliampere",
    "mL": "millilitre",
    "mPa.s": "millipascal second",
    "mV": "millivolt",
    "mbar": "millibar",
    "mg": "milligram",
    "mg/cm2": "milligram a square centimetre",
    "min": "minute",
    "mm": "millimetre",
    "mm/s": "millimetre a second",
    "ms": "millisecond",
    "ohm": "ohm",
    "ppm": "parts a million",
    "s": "second",
    "um": "micrometre",
}
"""How a unit is written, and what it is; a pure number has the unit ""."""
_UNCERTAIN = frozenset({"min", "h", "g", "l", "v", "w", "a", "bar", "deg", "mpa_s"})
"""Endings that a name may have for another reason (a least value, a letter that counts), or that two units share."""
_ENDINGS = {"c": "degC", "pct": "%", "mpa_s": "MPa/s"} | {
    ending: unit
    for unit in UNITS
    if (ending := unit.casefold().replace("/", "_")).replace("_", "").isalnum() and ending not in _UNCERTAIN
}


def unit_of_name(name: str) -> str | None:
    """The unit that the end of a signal's name tells, or None: kN/s for force_ramp_kn_s."""
    parts = name.split("_")
    for length in (2, 1):
        if len(parts) > length and (unit := _ENDINGS.get("_".join(parts[-length:]))) is not None:
            return unit
    return None


def unit_mistake(unit: str) -> str | None:
    """What is wrong with a unit, or None; names the unit that was probably meant."""
    if not unit or unit in UNITS:
        return None
    alike = [known for known in UNITS if known.casefold() == unit.casefold()] or get_close_matches(unit, UNITS, 1, 0.5)
    hint = f"; {alike[0]} is meant?" if alike else ""
    return f"{unit!r} is no unit that is known here{hint}"
