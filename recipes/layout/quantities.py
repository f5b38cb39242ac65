"""How a quantity is written: number, one blank, unit; the first spelling in the table of a unit that has several."""

from __future__ import annotations

import re

from recipes.units import Dimension

_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_QUANTITY = re.compile(rf"({_NUMBER})\s*([^\s\d.+-].*)")
_RANGE = re.compile(rf"({_NUMBER})\s*\.\.\s*({_NUMBER})\s*([^\s\d.+-].*)")


def quantity_text(written: str, dimension: Dimension) -> str:
    """A quantity in the canonical layout; its number stays as it was written. Anything else stays as it is."""
    match = _QUANTITY.fullmatch(written.strip())
    return written if match is None else f"{match[1]} {_spelling(match[2], dimension)}"


def range_text(written: str, dimension: Dimension) -> str:
    """A range in the canonical layout."""
    match = _RANGE.fullmatch(written.strip())
    return written if match is None else f"{match[1]}..{match[2]} {_spelling(match[3], dimension)}"


def measure_text(written: str) -> str:
    """A number with a unit of any kind; the unit is a rule pack's and keeps its spelling."""
    match = _QUANTITY.fullmatch(written.strip())
    return written if match is None else f"{match[1]} {match[2]}"


def _spelling(unit: str, dimension: Dimension) -> str:
    units = dimension.value.units
    return next((name for name, scale in units.items() if unit in units and scale == units[unit]), unit)
