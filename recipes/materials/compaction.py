"""How a porous layer densifies: a max-drive Heckel law with a sigmoid term, one form for all layers.

    s(T)  = 1 - c (T - T0)                      softening, at least 0.2
    x     = P / s(T)                            effective pressure, MPa
    L*(x) = K x + B (1 - exp(-(x / P1)^m))      densification that this pressure drives at
    dL/dt = max(0, L*(x) - L) / tau             never back
    e     = e_f + (e_0 - e_f) exp(-L)           porosity

L depends on the history only through its own running value, so densification grows with pressure, temperature and
dwell of every step, is irreversible, does not depend on how a dwell is cut into pieces, and pressing again at the same
or a lower pressure does nothing. The form was chosen by fitting the rates of decrease in US 2025/0260067 A1 Table 2;
the plain Heckel law a step at a time was rejected because it densifies in the third joining, which Table 3 rules out.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from recipes.materials.pchip import Knots, curve, slopes

SOFTENING_FLOOR = 0.2
"""Lowest softening factor. The data support 25 to 120 degC only; the floor keeps extrapolations finite (judgement)."""


@dataclass(frozen=True, slots=True)
class CompactionParameters:
    """Parameters of one layer.

    k_per_mpa > 0 and b >= 0 drive, c_per_k >= 0 softens, residual_porosity is the fraction 0..1 that pressing leaves,
    tau_s > 0 is the time constant, p1_mpa and m shape the sigmoid.
    """

    k_per_mpa: float
    b: float
    c_per_k: float
    residual_porosity: float
    tau_s: float
    p1_mpa: float
    m: float
    reference_temperature_c: float = 25.0

    def __post_init__(self) -> None:
        positive = {"k_per_mpa": self.k_per_mpa, "tau_s": self.tau_s, "p1_mpa": self.p1_mpa, "m": self.m}
        for name, value in positive.items():
            if not value > 0.0:
                raise ValueError(f"{name} must be greater than 0, not {value}")
        if self.b < 0.0 or self.c_per_k < 0.0:
            raise ValueError(f"b and c_per_k must not be negative, they are {self.b} and {self.c_per_k}")
        if not 0.0 <= self.residual_porosity < 1.0:
            raise ValueError(f"residual_porosity must be in 0..1, not {self.residual_porosity}")


@dataclass(frozen=True, slots=True)
class TabledParameters(CompactionParameters):
    """Of a layer whose drive L* is a curve through points instead of K and B: (MPa at the reference temperature, L).

    The curve begins at (0, 0) and rises by k_per_mpa above its last point; b, p1_mpa and m do not count.
    """

    knots: Knots = ()

    def __post_init__(self) -> None:
        CompactionParameters.__post_init__(self)
        levels = [level for _, level in self.knots]
        if levels != sorted(levels) or not levels or levels[0] < 0.0 or self.knots[0][0] <= 0.0:
            raise ValueError(f"a table of densification must rise from 0, this is {self.knots}")
        slopes(self.points)

    @property
    def points(self) -> Knots:
        return ((0.0, 0.0), *self.knots)


def effective_pressure_mpa(pressure_mpa: float, temperature_c: float, parameters: CompactionParameters) -> float:
    """Pressure at the reference temperature that would drive as far, MPa. Pressures below 0 count as 0."""
    softening = 1.0 - parameters.c_per_k * (temperature_c - parameters.reference_temperature_c)
    return max(0.0, pressure_mpa) / max(SOFTENING_FLOOR, softening)


def drive(effective_mpa: float, parameters: CompactionParameters) -> float:
    """Densification L* that an effective pressure leads to when it is kept for long (no unit)."""
    if isinstance(parameters, TabledParameters):
        last_mpa, last = parameters.knots[-1]
        if effective_mpa >= last_mpa:
            return last + parameters.k_per_mpa * (effective_mpa - last_mpa)
        return curve(effective_mpa, parameters.points)
    sigmoid = -math.expm1(-((effective_mpa / parameters.p1_mpa) ** parameters.m))
    return parameters.k_per_mpa * effective_mpa + parameters.b * sigmoid


def advance(
    densification: float, pressure_mpa: float, temperature_c: float, dt_s: float, parameters: CompactionParameters
) -> float:
    """Densification after dt_s >= 0 seconds at constant pressure and temperature; exact, so any dt_s will do."""
    if pressure_mpa <= 0.0:
        return densification
    gap = drive(effective_pressure_mpa(pressure_mpa, temperature_c, parameters), parameters) - densification
    if gap <= 0.0:
        return densification
    return densification - gap * math.expm1(-dt_s / parameters.tau_s)


def porosity_fraction(initial: float, densification: float, parameters: CompactionParameters) -> float:
    """Porosity (0..1) of a layer that had the porosity `initial` (0..1) before any pressing."""
    residual = parameters.residual_porosity
    if initial <= residual:  # a layer coated denser than pressing could make it stays as it is
        return initial
    return residual + (initial - residual) * math.exp(-densification)
