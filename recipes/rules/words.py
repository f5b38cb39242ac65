"""How subjects and values of rules are said to a person."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_LAYERS = {
    "cathode_layer": "cathode layer",
    "se_layer": "solid electrolyte layer",
    "intermediate_layer": "intermediate layer",
    "metal_layer": "metal layer",
}
_NONE: Mapping[str, str] = MappingProxyType({})
PURE = "-"
"""The unit of a pure number, such as a mole fraction."""


def number_words(value: float, apart_from: float | None = None) -> str:
    """A number with four significant digits and no needless zeros, whole numbers in full.

    More digits where four would make it look like `apart_from`, the bound that it is compared with.
    """
    if abs(value) < 1e6 and value == int(value):
        return f"{value:.0f}"
    for digits in range(4, 17):
        words = f"{value:.{digits}g}"
        if apart_from is None or value == apart_from or float(words) != apart_from:
            return words
    return repr(value)


def exact_words(value: float) -> str:
    """A number as somebody wrote it, such as a bound: all its digits."""
    return f"{value:.15g}"


def with_unit(words: str, unit: str) -> str:
    """A number in words with its unit behind it; a pure number and a count have none."""
    return words if unit in ("", PURE) else f"{words} {unit}"


def value_words(value: float, unit: str, apart_from: float | None = None) -> str:
    """A value with its unit, such as "90 MPa"."""
    return with_unit(number_words(value, apart_from), unit)


def quantity_words(quantity: str) -> str:
    """A rule's quantity as people say it: "mole fraction of cyano" for "mole_fraction.cyano"."""
    return quantity if "/" in quantity else quantity.replace("_", " ").replace(".", " of ", 1)


def fact_words(subject: str, quantity: str, subjects: Mapping[str, str] = _NONE) -> str:
    """A fact as people say it: "mole fraction of cyano in the particulate polymer"."""
    return f"{quantity_words(quantity)} {'in' if '.' in quantity else 'of'} {subject_words(subject, {}, subjects)}"


def subject_words(subject: str, names: Mapping[str, str], subjects: Mapping[str, str] = _NONE) -> str:
    """A rule's subject as people say it: "join2" by the step's name, "cathode_layer@after_join3" in words.

    names gives the steps of a recipe their names, by role; subjects is what a pack's description calls its subjects.
    """

    def words_of(thing: str) -> str | None:
        return names.get(thing) or subjects.get(thing)

    if given := words_of(subject):
        return given
    thing, _, place = subject.partition("@")
    words = words_of(thing) or _LAYERS.get(thing) or thing.replace("_", " ")
    if not place:
        return words
    for side in ("before", "after"):
        if place.startswith(f"{side}_"):
            role = place.removeprefix(f"{side}_")
            return f"{words} {side} {words_of(role) or role}"
    return f"{words} in the laminate" if place == "laminate" else f"{words} by {words_of(place) or place}"
