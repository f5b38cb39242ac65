"""What a field of the model is called in a recipe file, and how its values are shown with their unit.

Names and units come from the fields themselves (pressure_window_mpa is "pressure window" in MPa), so that a new field
is shown without being listed here; only what a recipe file calls differently is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from fractions import Fraction
from typing import Any, Final

from recipes.comparing.matching import name_fields, name_of
from recipes.model import Window
from recipes.units import Dimension, converted

_KEYS: Final[Mapping[tuple[str, str], str]] = {
    ("Recipe", "name"): "recipe",
    ("Recipe", "comparative_reason"): "reason",
    ("Recipe", "own_bounds"): "rules",
    ("Recipe", "accepted_estimates"): "accept_estimates",
    ("AcceptedEstimates", "rule_ids"): "rules",
    ("Monomer", "name"): "monomer",
    ("Slurry", "solids_fraction"): "solids",
    ("DeclaredFact", "subject"): "of",
    ("Entry", "subject"): "of",
    ("LabMeasure", "subject"): "of",
    ("Coat", "zone_temperatures_c"): "zones",
}
_PERCENT: Final = frozenset({("Slurry", "solids_fraction"), ("DecisionRule", "confidence")})
"""Shares that the model keeps as fractions and a recipe file writes in %."""
_LEFT_OUT: Final = frozenset({"location", "locations"})
_LADDERS: Final[Mapping[Dimension, tuple[str, ...]]] = {
    Dimension.TIME: ("d", "h", "min"),
    Dimension.AREA: ("m2", "cm2"),
    Dimension.FORCE: ("kN",),
}
"""Larger units that people prefer where the value is a short number in them."""
_SHORT = 4  # digits; 0.98 GPa is as short as 980 MPa, 1.79756 min is not
NOTHING = "none"


def _suffix(dimension: Dimension) -> str:
    unit = dimension.canonical.replace("%", "pct").replace("degC", "c")
    return "_" + unit.replace("/", "_").replace(".", "_").lower()


_SUFFIXES: Final = {_suffix(dimension): dimension for dimension in reversed(Dimension)}  # MPa/s comes before mPa.s


def made_fields(value: Any) -> tuple[str, ...]:
    """The fields of a dataclass that are part of what is made: all but places in files."""
    return tuple(item.name for item in fields(value) if item.name not in _LEFT_OUT)


def dimension_of(name: str) -> Dimension | None:
    """The dimension that a field's name ends with; None for a text, a count or a number without a unit."""
    found = [suffix for suffix in _SUFFIXES if name.endswith(suffix)]
    return _SUFFIXES[max(found, key=len)] if found else None


def key_of(owner: type, name: str) -> str:
    """What a recipe file calls a field of a dataclass."""
    dimension = dimension_of(name)
    return _KEYS.get((owner.__name__, name)) or (name if dimension is None else name.removesuffix(_suffix(dimension)))


def words_of(owner: type, name: str) -> str:
    """What a person calls a field."""
    return key_of(owner, name).replace("_", " ")


def unit_of(owner: Any, name: str) -> str:
    """The unit of a field's value, "" if it has none; what a rule pack speaks of has it in the field beside."""
    if (type(owner).__name__, name) in _PERCENT:
        return "%"
    if (dimension := dimension_of(name)) is not None:
        return dimension.canonical
    beside = getattr(owner, "unit", None)
    return beside if isinstance(beside, str) and has_unit_beside(owner) and is_number(getattr(owner, name)) else ""


def has_unit_beside(owner: Any) -> bool:
    """Whether the field `unit` of a dataclass is the unit of its numbers; a step's is a kind of machine."""
    return "unit" in made_fields(owner) and type(owner).__name__ != "Step"


def plain_of(owner: Any, name: str) -> Any:
    """A field's value in the unit of unit_of."""
    value = getattr(owner, name)
    return 100.0 * value if (type(owner).__name__, name) in _PERCENT and value is not None else value


def shown(value: Any, unit: str) -> str:
    """A value in words, with its unit."""
    return shown_together((value,), unit)[0]


def shown_together(values: tuple[Any, ...], unit: str) -> list[str]:
    """Values in one unit, the handiest for all of them, and with as many digits as tell them apart."""
    numbers = [number for value in values for number in _numbers(value)]
    handy = _handy_unit(numbers, unit)
    factor = Fraction(1) if handy == unit else Fraction(converted(1.0, unit, handy) or 1.0)
    brief = [_text(value, handy, factor, digits=6) for value in values]
    exact = [_text(value, handy, factor, digits=17) for value in values]
    return brief if len(set(brief)) == len(set(exact)) else exact


def change(before: Any, after: Any, unit: str) -> str:
    """How much a number has changed: in K, in points of %, or relative; "" for anything but two numbers."""
    if not is_number(before) or not is_number(after) or not math.isfinite(after - before):
        return ""
    if unit == "degC":
        return f"{_signed(after - before)} K"
    if unit == "%":
        return f"{_signed(after - before)} points"
    if before == 0 or isinstance(before, int):
        return ""
    share = 100.0 * (after - before) / before
    return f"{share:+.1f} %" if abs(share) >= 0.05 else f"{share:+.1g} %"


def _signed(difference: float) -> str:
    return f"{difference:+.6g}"


def is_number(value: Any) -> bool:
    """Whether a value is a number; yes and no are none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def _numbers(value: Any) -> list[float]:
    if isinstance(value, Window):
        return [value.lower, value.upper]
    if isinstance(value, tuple):
        return [number for item in value for number in _numbers(item)]
    return [float(value)] if is_number(value) else []


def _handy_unit(numbers: list[float], unit: str) -> str:
    dimension = next((one for one in _LADDERS if one.canonical == unit), None)
    for larger in _LADDERS[dimension] if dimension is not None else ():
        scaled = [converted(number, unit, larger) or 0.0 for number in numbers]
        if all(_is_short(value) for value in scaled) and any(abs(value) >= 1.0 for value in scaled):
            return larger
    return unit


def _is_short(value: float) -> bool:
    return value == 0.0 or (abs(value) >= 0.1 and float(f"{value:.{_SHORT}g}") == value)


def _text(value: Any, unit: str, factor: Fraction, digits: int) -> str:
    behind = f" {unit}" if unit else ""
    match value:
        case None | () | "":
            return NOTHING
        case bool():
            return "yes" if value else "no"
        case Enum():
            return str(value.value)
        case Window(lower, upper):
            return f"{_digits(lower, factor, digits)}..{_digits(upper, factor, digits)}{behind}"
        case int() | float():
            return f"{_digits(value, factor, digits)}{behind}"
        case str():
            return value if len(value.split()) == 1 else quoted(value)
        case tuple():
            numbers = bool(_numbers(value))
            return ", ".join(_text(item, "", factor, digits) for item in value) + (behind if numbers else "")
        case _ if is_dataclass(value):
            return ", ".join(described(value))
        case _:
            return str(value)


def _digits(value: float, factor: Fraction, digits: int) -> str:
    scaled = value if factor == 1 else float(Fraction(value) * factor)
    return repr(scaled) if digits > 6 else f"{scaled:.6g}"


def quoted(text: str) -> str:
    """A text in quotes that it does not hold itself, if there are such."""
    return f'"{text}"' if "'" in text else f"'{text}'"


def described(value: Any, without: tuple[str, ...] = ()) -> list[str]:
    """Everything that a dataclass says, one piece for each field; what is empty is left out."""
    found: list[str] = []
    for name in made_fields(value):
        item = plain_of(value, name)
        if name in without or item in (None, (), "", {}) or (name == "unit" and has_unit_beside(value)):
            continue
        words = words_of(type(value), name)
        if isinstance(item, Mapping):
            found += [f"{words} {', '.join(item)}"]
        elif isinstance(item, tuple) and item and is_dataclass(item[0]) and not isinstance(item[0], Window):
            found += [f"{words} {'; '.join(_part(one) for one in item)}"]
        elif is_dataclass(item) and not isinstance(item, Window):
            found += described(item)
        else:
            found.append(f"{words} {shown(item, unit_of(value, name))}")
    return found


def _part(part: Any) -> str:
    """One of several parts: "SBR (role binder, mass parts 1)"."""
    what = ", ".join(described(part, name_fields(part)))
    return f"{name_of(part)} ({what})".strip() if what else name_of(part)
