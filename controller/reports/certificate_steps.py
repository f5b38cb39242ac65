"""The steps and layers of a run's record as a certificate tells them: one row a quantity, with its unit in words."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

_UNITS = {
    "mg_cm2": "mg/cm2",
    "g_cm3": "g/cm3",
    "m_min": "m/min",
    "mpa": "MPa",
    "gpa": "GPa",
    "pct": "%",
    "um": "um",
    "mm": "mm",
    "kn": "kN",
    "n": "N",
    "c": "degC",
    "k": "K",
    "s": "s",
    "h": "h",
    "d": "d",
    "m": "m",
    "g": "g",
}
"""What a name in the record ends with, and the unit that it means."""
_OF_LAYERS = ("porosity_pct", "decrease_pct", "decrease_uncertainty_pct", "evidence")
_FIRST = ("pressure_mpa", "temperature_c", "dwell_s", "coating_weight_mg_cm2", "porosity_pct")
_OF_STEP = ("name", "kind", "unit", "done", "measurements", "entered")
_LAB_UNITS = {"composite_modulus": "GPa", "porosity": "%"}  # of the measures whose values are recorded without one
_SERIES = frozenset({"set", "reached", "min", "max", "uncertainty", "window"})


def step_rows(steps: Iterable[Mapping[str, Any]], order: Sequence[str]) -> list[dict[str, Any]]:
    """Every step of a record, its layers in the order of the laminate."""
    return [
        {
            "name": step["name"],
            "kind": step["kind"],
            "unit": step["unit"],
            "done": bool(step.get("done", False)),
            "values": [
                *_set_and_reached(step),
                *_entered(step.get("entered") or {}),
                *_measured(step.get("measurements") or {}),
            ],
            "layers": _layers(step, order),
        }
        for step in steps
    ]


def layer_values(layers: Mapping[str, Mapping[str, Any]], order: Sequence[str]) -> list[dict[str, Any]]:
    """Every quantity that the record has of every layer; only the porosity has its uncertainty and evidence there."""
    rows = []
    for layer in _sorted(layers, order):
        known = layers[layer]
        for key in _sorted(known, _FIRST):
            value = known[key]
            if key in ("uncertainty_pct", "evidence") or not (value is None or _is_number(value)):
                continue
            quantity, unit = named(key)
            is_porosity = key == "porosity_pct"
            rows.append(
                {
                    "layer": layer,
                    "quantity": quantity,
                    "value": value,
                    "unit": unit,
                    "uncertainty": known.get("uncertainty_pct") if is_porosity else None,
                    "evidence": known.get("evidence") if is_porosity and value is not None else None,
                }
            )
    return rows


def named(key: str) -> tuple[str, str]:
    """Quantity and unit of a name in the record: "coating_weight_mg_cm2" is coating weight in mg/cm2."""
    for ending, unit in _UNITS.items():
        if key.endswith(f"_{ending}"):
            return key.removesuffix(f"_{ending}").replace("_", " "), unit
    return key.replace("_", " "), ""


def _sorted(names: Iterable[str], first: Sequence[str]) -> list[str]:
    """Names in one order, whatever order they were recorded in: those of `first`, then the others by the alphabet."""
    return sorted(names, key=lambda name: (first.index(name) if name in first else len(first), name))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _row(quantity: str, unit: str, **known: Any) -> dict[str, Any]:
    empty = dict.fromkeys(("set", "reached", "lowest", "highest", "uncertainty", "window"))
    return {"quantity": quantity, "unit": unit, **empty, **known}


def _set_and_reached(step: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    for key in _sorted(step, _FIRST):
        value = step[key]
        if key in _OF_LAYERS or key in _OF_STEP or not isinstance(value, Mapping) or not _SERIES & value.keys():
            continue
        is_limit = "max" in value and "set" not in value  # "at most", and not the highest that was seen
        window = [None, value["max"]] if is_limit else value.get("window")
        yield _row(
            *named(key),
            set=value.get("set"),
            reached=value.get("reached"),
            lowest=value.get("min"),
            highest=None if is_limit else value.get("max"),
            uncertainty=value.get("uncertainty"),
            window=window,
        )


def _entered(entered: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What a person entered of a step that no machine of the line carries out."""
    for name in sorted(entered):
        found = entered[name]
        window = found.get("window")
        yield _row(name.replace("_", " "), found.get("unit") or "", reached=found.get("reached"), window=window)


def _measured(measurements: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """What an inspection read, and what the laboratory said of layers; how far off the estimate was is left out."""
    for measure in sorted(measurements):
        found = measurements[measure]
        for key in sorted(found) if isinstance(found, Mapping) else ():
            value = found[key]
            if isinstance(value, Mapping) and _is_number(value.get("value")):
                thing, subject = (key, value["of"]) if "of" in value else (measure, key)
                quantity = f"{thing} of {subject}".replace("_", " ")
                yield _row(quantity, str(value.get("unit") or _LAB_UNITS.get(measure, "")), reached=value["value"])
            elif _is_number(value) and not key.startswith(("innovation", "uncertainty")):
                yield _row(*named(key), reached=value)


def _layers(step: Mapping[str, Any], order: Sequence[str]) -> list[dict[str, Any]]:
    porosities = step.get("porosity_pct") or {}
    return [
        {
            "layer": layer,
            "porosity_before_pct": porosity.get("before"),
            "porosity_after_pct": porosity.get("after"),
            "decrease_pct": (step.get("decrease_pct") or {}).get(layer),
            "decrease_uncertainty_pct": (step.get("decrease_uncertainty_pct") or {}).get(layer),
            "evidence": (step.get("evidence") or {}).get(layer),
        }
        for layer, porosity in ((layer, porosities[layer]) for layer in _sorted(porosities, order))
    ]
