"""What is varied, between which values, and the recipe's text with such values in it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import yaml

from controller.sweep.places import NoSuchQuantity, Place, Span, find_place
from recipes.units import Dimension, QuantityError, parse_quantity, parse_range

DIGITS = 6
"""Digits of a sampled value: more than any machine resolves, few enough to be read."""
_WINDOW_DIGITS = 9  # so that a window scaled with its value still holds it
_SHIFTED = (Dimension.TEMPERATURE,)
"""Windows around these keep their width; around all others they keep their ratio, as "+-2 %" does."""


class VaryError(Exception):
    """What is to be varied cannot be; the message is for the user."""


@dataclass(frozen=True, slots=True)
class Variable:
    """One varied quantity: as it was asked for, its place, and the values low..high in its canonical unit.

    column is its name in the results, such as "densify.pressure_mpa".
    """

    asked: str
    place: Place
    low: float
    high: float

    @property
    def dimension(self) -> Dimension:
        return self.place.value.dimension

    @property
    def column(self) -> str:
        unit = self.dimension.canonical.replace("%", "pct").replace("degC", "c").replace("/", "_").replace(".", "_")
        return f"{self.asked}_{unit.lower()}"

    @property
    def label(self) -> str:
        """For people: with its unit."""
        return f"{self.asked} in {self.dimension.canonical}"

    @property
    def written(self) -> str:
        """What was asked for in one canonical spelling."""
        return f"{self.place.path}={self.low:g}..{self.high:g} {self.dimension.canonical}"


def read_variables(text: str, recipe: Path, asked: Sequence[str]) -> tuple[Variable, ...]:
    """The variables that `--vary PATH=LOW..HIGH UNIT` options ask for, of a recipe whose text can be loaded.

    :raises VaryError: with every option that cannot be used.
    """
    top = yaml.compose(text, Loader=yaml.CSafeLoader)
    if not isinstance(top, yaml.MappingNode):
        raise VaryError(f"{recipe}: is no recipe")
    if not asked:
        raise VaryError("nothing is varied; expected for example --vary densify.pressure=700..1100MPa")
    faults, found = [], {}
    for option in asked:
        try:
            variable = _variable(top, option)
        except VaryError as error:
            faults.append(f"--vary {option}: {error}")
            continue
        except NoSuchQuantity as error:
            faults.append(f"--vary {option}: {recipe}: {error}")
            continue
        except QuantityError as error:
            faults.append(f"--vary {option}: {error.what}: expected {error.expected}")
            continue
        if variable.place.path in found:
            faults.append(f"--vary {option}: {variable.place.path} is varied twice")
        found[variable.place.path] = variable
    if faults:
        raise VaryError("\n".join(faults))
    return tuple(found.values())


def _variable(top: yaml.MappingNode, option: str) -> Variable:
    asked, equals, interval = option.partition("=")
    if not equals:
        raise VaryError("there is no '='; expected for example densify.pressure=700..1100MPa")
    place = find_place(top, asked.strip())
    window = parse_range(interval, place.value.dimension)
    if not window.lower < window.upper:
        written = re.sub(r"\s+", " ", interval.strip())
        raise VaryError(f"{written!r} is a single value; a range needs a lower and a higher one")
    return Variable(asked.strip(), place, window.lower, window.upper)


def rounded(value: float) -> float:
    """A sampled value as it is written into the recipe."""
    return float(f"{value:.{DIGITS}g}")


def varied_text(text: str, variables: Sequence[Variable], values: Mapping[str, float]) -> str:
    """The recipe with a value (canonical unit) for each variable's column; windows around them go along."""
    changes: dict[int, tuple[Span, str]] = {}
    for variable in variables:
        place, value = variable.place, values[variable.column]
        unit = variable.dimension.canonical
        for span in (place.value, *place.copies):
            changes[span.start] = (span, f"{value!r} {unit}")
        base = parse_quantity(place.value.text, variable.dimension)
        for span in place.windows:
            changes[span.start] = (span, _moved(span, variable.dimension, base, value))
    for start in sorted(changes, reverse=True):
        span, written = changes[start]
        text = text[: span.start] + written + text[span.end :]
    return text


def _moved(window: Span, dimension: Dimension, base: float, value: float) -> str:
    """A window that lies around the new value as it lay around the recipe's own."""
    around = parse_range(window.text, window.dimension)
    if dimension in _SHIFTED or base == 0.0:
        ends = [value + (end - base) for end in (around.lower, around.upper)]
    else:
        ends = [float(Fraction(end) * Fraction(value) / Fraction(base)) for end in (around.lower, around.upper)]
    low, high = (f"{end:.{_WINDOW_DIGITS}g}" for end in ends)
    return f"{low}..{high} {window.dimension.canonical}"
