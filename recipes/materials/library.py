"""Material data by layer name, read from a YAML file beside this module, with interval and confidence."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from recipes.materials.compaction import CompactionParameters, TabledParameters

_PARAMETERS = ("k_per_mpa", "b", "c_per_k", "residual_porosity", "tau_s", "p1_mpa", "m", "reference_temperature_c")


class MaterialDataError(ValueError):
    """A material file is missing, incomplete, or has a value outside its own interval."""


@dataclass(frozen=True, slots=True)
class ModulusLaw:
    """Composite modulus of elasticity in GPa from the highest pressure that the layer has seen."""

    intercept_gpa: float
    slope_gpa_per_mpa: float
    slope_interval: tuple[float, float]

    def modulus_gpa(self, highest_pressure_mpa: float) -> float:
        return self.intercept_gpa + self.slope_gpa_per_mpa * max(0.0, highest_pressure_mpa)


@dataclass(frozen=True, slots=True)
class LayerMaterial:
    """What is known of one layer's compaction.

    intervals holds (low, high) of each parameter that is uncertain; a parameter without an entry is taken as exact.
    provenance says for each parameter how far it can be trusted (fitted, chosen, assumed) and from which source.
    """

    name: str
    parameters: CompactionParameters
    intervals: Mapping[str, tuple[float, float]]
    modulus: ModulusLaw | None
    provenance: Mapping[str, str]


@cache
def load_materials(name: str = "honda") -> Mapping[str, LayerMaterial]:
    """Materials by layer name.

    :raises MaterialDataError: if there is no such file or it is not complete.
    """
    resource = files("recipes.materials").joinpath(f"{name}.yaml")
    if not resource.is_file():
        raise MaterialDataError(f"there is no material file {name}.yaml")
    data = yaml.load(resource.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    try:
        source, shared, layers = data["source"], data["shared"], data["layers"]
        return MappingProxyType({layer: _material(layer, shared | own, source) for layer, own in layers.items()})
    except (KeyError, TypeError) as error:
        raise MaterialDataError(f"{name}.yaml is not complete: {error}") from error


def _material(layer: str, entries: Mapping[str, Any], source: str) -> LayerMaterial:
    values = {key: float(entries[key]["value"]) for key in _PARAMETERS}
    intervals = {key: _interval(f"{layer}.{key}", entries[key]) for key in _PARAMETERS if "low" in entries[key]}
    provenance = {key: f"{entries[key]['confidence']}, {source}" for key in _PARAMETERS}
    modulus = None
    if "modulus" in entries:
        slope = entries["modulus"]["slope_gpa_per_mpa"]
        interval = _interval(f"{layer}.slope_gpa_per_mpa", slope)
        modulus = ModulusLaw(float(entries["modulus"]["intercept_gpa"]["value"]), float(slope["value"]), interval)
    return LayerMaterial(layer, _parameters(entries, values), MappingProxyType(intervals), modulus, provenance)


def _parameters(entries: Mapping[str, Any], values: Mapping[str, float]) -> CompactionParameters:
    """The law's parameters, or those of a table where the file has one."""
    if "table" not in entries:
        return CompactionParameters(**values)
    knots = tuple((float(pressure), float(level)) for pressure, level in entries["table"]["value"])
    return TabledParameters(**values, knots=knots)


def _interval(name: str, entry: Mapping[str, Any]) -> tuple[float, float]:
    low, high = float(entry["low"]), float(entry["high"])
    if not low <= float(entry["value"]) <= high:
        raise MaterialDataError(f"{name} = {entry['value']} lies outside its own interval {low} to {high}")
    return low, high
