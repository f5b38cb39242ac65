"""How an electrode densifies in a roll press: porosity falls exponentially with the highest line load it has seen.

    s(T)  = 1 - c (T - T0)              softening, at least 0.2
    L     = max over all passes of q / (gamma s(T))
    e     = e_0 exp(-L)                 porosity after the rolls, sprung back
    h_nip = h_out (1 - k q)             thickness between the rolls

A pass's length of time does not count: data for it are not at hand, and rolling again at the same load changes nothing
in practice. So the density grows with line load and temperature, never falls, and is that of the hardest pass.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

import yaml

from recipes.materials.compaction import SOFTENING_FLOOR

GRAVITY_N_KG = 9.80665
WIDTH_MM = 250.0
"""Width of web that US 12,394,827 B2 does not print; a usual laboratory width (engineering judgement)."""
REFERENCE_C = 25.0
_PARAMETERS = ("gamma_n_mm", "c_per_k", "springback_per_n_mm")


class RollingDataError(ValueError):
    """The file of rolling data is missing, incomplete, or has a value outside its own interval."""


@dataclass(frozen=True, slots=True)
class RollingParameters:
    """Of one layer. gamma_n_mm > 0 is the line load in N/mm that lowers the porosity to 1/e of what it was, at 25 degC;
    c_per_k >= 0 softens; springback_per_n_mm >= 0 is the share of thickness that springs back, for each N/mm."""

    gamma_n_mm: float
    c_per_k: float
    springback_per_n_mm: float


@dataclass(frozen=True, slots=True)
class RollingMaterial:
    """What is known of one layer's rolling; intervals and provenance as in `recipes.materials.library`."""

    name: str
    parameters: RollingParameters
    intervals: Mapping[str, tuple[float, float]]
    provenance: Mapping[str, str]


@cache
def load_rolling(name: str = "rolling") -> Mapping[str, RollingMaterial]:
    """Rolling data by layer name.

    :raises RollingDataError: if there is no such file or it is not complete.
    """
    resource = files("recipes.materials").joinpath(f"{name}.yaml")
    if not resource.is_file():
        raise RollingDataError(f"there is no material file {name}.yaml")
    data = yaml.load(resource.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)
    try:
        source = data["source"]
        return MappingProxyType({layer: _material(layer, own, source) for layer, own in data["layers"].items()})
    except (KeyError, TypeError) as error:
        raise RollingDataError(f"{name}.yaml is not complete: {error}") from error


def _material(layer: str, entries: Mapping[str, Any], source: str) -> RollingMaterial:
    values = {key: float(entries[key]["value"]) for key in _PARAMETERS}
    intervals = {key: (float(entries[key]["low"]), float(entries[key]["high"])) for key in _PARAMETERS}
    for key, (low, high) in intervals.items():
        if not low <= values[key] <= high:
            raise RollingDataError(f"{layer}.{key} = {values[key]} lies outside its own interval {low} to {high}")
    provenance = {key: f"{entries[key]['confidence']}, {source}" for key in _PARAMETERS}
    return RollingMaterial(
        layer, RollingParameters(**values), MappingProxyType(intervals), MappingProxyType(provenance)
    )


def line_load_n_mm(force_t: float, width_mm: float = WIDTH_MM) -> float:
    """Line load of a force in tonnes on a web of this width (mm, greater than 0)."""
    return 1000.0 * force_t * GRAVITY_N_KG / width_mm


def rolled(densification: float, load_n_mm: float, temperature_c: float, parameters: RollingParameters) -> float:
    """Densification L after a pass under load_n_mm (N/mm; below 0 counts as 0) at temperature_c; it never falls."""
    softening = max(SOFTENING_FLOOR, 1.0 - parameters.c_per_k * (temperature_c - REFERENCE_C))
    return max(densification, max(0.0, load_n_mm) / (parameters.gamma_n_mm * softening))


def rolled_porosity(initial: float, densification: float) -> float:
    """Porosity (0..1) of a layer that had the porosity `initial` (0..1) before any rolling."""
    return initial * math.exp(-densification)


def nip_thickness_um(thickness_um: float, load_n_mm: float, parameters: RollingParameters) -> float:
    """Thickness between the rolls of what is thickness_um behind them."""
    return thickness_um * max(0.0, 1.0 - parameters.springback_per_n_mm * max(0.0, load_n_mm))
