"""How subjects and values of rules are said to a person."""

from __future__ import annotations

from collections.abc import Mapping

_LAYERS = {
    "cathode_layer": "cathode layer",
    "se_layer": "solid electrolyte layer",
    "intermediate_layer": "intermediate layer",
    "metal_layer": "metal layer",
}


def number_words(value: float, apart_from: float | None = None) -> str:
    """A number with four significant digits and no needless zeros, whole numbers in full.

    More digits where four would make it look like `apart_from`, the bound that it is compared with.
    """
    if value == int(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    for digits in range(4, 17):
        words = f"{value:.{digits}g}"
        if apart_from is None or value == apart_from or float(words) != apart_from:
            return words
    return repr(value)


def value_words(value: float, unit: str, apart_from: float | None = None) -> str:
    """A value with its unit, such as "90 MPa"."""
    return f"{number_words(value, apart_from)} {unit}".rstrip()


def subject_words(subject: str, names: Mapping[str, str]) -> str:
    """A rule's subject as people say it: "join2" by the step's name, "cathode_layer@after_join3" in words."""
    thing, _, place = subject.partition("@")
    words = names.get(thing) or _LAYERS.get(thing) or thing.replace("_", " ")
    if not place:
        return words
    for prefix in ("before", "after"):
        if place.startswith(f"{prefix}_"):
            role = place.removeprefix(f"{prefix}_")
            return f"{words} {prefix} {names.get(role, role)}"
    return f"{words} in the laminate" if place == "laminate" else f"{words} by {names.get(place, place)}"
