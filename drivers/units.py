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
_ALIKE = 0.75  # one character of four; short units differ by one character and are other units
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


_OTHER_NAMES: Mapping[str, str] = {
    **dict.fromkeys(("c", "degc", "deg c", "\u00b0c", "\u2103", "celsius"), "degC"),
    **dict.fromkeys(("\u00b0", "degree", "degrees"), "deg"),
    **dict.fromkeys(("kelvin", "degk", "\u00b0k"), "K"),
    **dict.fromkeys(("pct", "percent", "per cent"), "%"),
    **dict.fromkeys(("rpm", "u/min", "min-1", "r/min"), "1/min"),
    **dict.fromkeys(("sec", "secs", "second", "seconds"), "s"),
    **dict.fromkeys(("hr", "hour", "hours"), "h"),
    **dict.fromkeys(("mins", "minute", "minutes"), "min"),
    **dict.fromkeys(("micron", "microns"), "um"),
    **dict.fromkeys(("litre", "liter"), "L"),
    **dict.fromkeys(("n/mm2", "n/mm^2"), "MPa"),
    **dict.fromkeys(("ohms", "\u03c9"), "ohm"),
    **dict.fromkeys(("gram", "grams"), "g"),
}
"""What people write for a unit that is known here, in small letters."""
_CONVERTED: Mapping[str, str] = {
    **dict.fromkeys(("psi", "psig", "psia", "kgf/cm2", "kg/cm2", "atm", "torr", "mmhg"), "kPa, MPa or bar"),
    **dict.fromkeys(("f", "degf", "\u00b0f", "fahrenheit"), "degC"),
    **dict.fromkeys(("t", "ton", "tons", "tonne", "tf", "lbf", "kgf"), "kN or N"),
    **dict.fromkeys(("in", "inch", "inches", "mil", "mils"), "mm or um"),
    **dict.fromkeys(("lb", "lbs", "oz"), "kg or g"),
}
"""Units that have another size than those known here."""
_SIGNS = str.maketrans({"\u00b5": "u", "\u03bc": "u", "\u00b2": "2", "\u00b3": "3", "\u00b7": "."})


def unit_mistake(unit: str) -> str | None:
    """What is wrong with a unit, or None; says what was probably meant, or what it is to be converted to."""
    if not unit or unit in UNITS:
        return None
    told = f"{unit!r} is no unit that is known here"
    plain = unit.strip().translate(_SIGNS).casefold()
    known = _OTHER_NAMES.get(plain) or next((name for name in UNITS if name.casefold() == plain), None)
    if known is None and plain in _CONVERTED:
        return f"{told}; bring it to {_CONVERTED[plain]} with scale and offset"
    if known is None:
        known = next(iter(get_close_matches(unit, UNITS, 1, _ALIKE)), None)
    return told if known is None else f"{told}; {known} is meant?"
