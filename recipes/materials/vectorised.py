"""The compaction law of whole pressing procedures for many laminates at once, with what the machines do on the way.

A pressing is not its dwell alone: the pressure rises and falls at finite rates, the laminate takes the temperature of
the platens or of the medium after some seconds, and the dwell begins when the machine sees its pressure in the band.
With a dwell of minutes nothing of this is seen afterwards; with a dwell of a second the rise does most of the work. So
every pressing is followed along a course of instants: pressure and temperature at each are known, the drive L* is taken
as a straight line between two of them, and the law is solved exactly on it. `recipes.materials.compaction` is the law
for one layer, a moment at a time; `LaminateEstimate` adds what measurements say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from recipes.materials.compaction import SOFTENING_FLOOR, CompactionParameters, TabledParameters
from recipes.materials.course import Course, Instants
from recipes.materials.pchip import Knots, slopes

Array = NDArray[np.float64]
Values = float | Array
"""One number for all laminates, or one for each."""

BLOCK = 4096
"""Laminates worked on at a time: their arrays stay in a core's cache."""
_PARAMETERS = tuple(item.name for item in fields(CompactionParameters))


@dataclass(frozen=True, slots=True)
class LayerBatch:
    """One layer of N laminates: the porosity (0..1) before any pressing, and the parameters of the law.

    points are those of TabledParameters, the same for all laminates; without them K and B drive.
    """

    initial: Values
    k_per_mpa: Values
    b: Values
    c_per_k: Values
    residual_porosity: Values
    tau_s: Values
    p1_mpa: Values
    m: Values
    reference_temperature_c: Values = 25.0
    points: Knots = ()

    @classmethod
    def of(
        cls, initial: Values, parameters: CompactionParameters, drawn: Mapping[str, Values] | None = None
    ) -> LayerBatch:
        """The parameters of a material; `drawn` holds those that have a value of their own in each laminate."""
        known: dict[str, Any] = {name: getattr(parameters, name) for name in _PARAMETERS}
        if isinstance(parameters, TabledParameters):
            known["points"] = parameters.points
        return cls(initial, **(known | dict(drawn or {})))


@dataclass(frozen=True, slots=True)
class PressingBatch:
    """One pressing step of N laminates: MPa, degC, seconds, MPa/s, and the layers that lie in the press.

    start_c is the temperature with which the laminates come, before_c that of the last pressing on the same press (None
    for its first one). course is what this kind of press does with the setpoints.
    """

    course: Course
    layers: frozenset[str]
    pressure_mpa: Values
    temperature_c: Values
    dwell_s: Values
    ramp_mpa_s: Values
    release_mpa_s: Values
    soak_s: Values = 0.0
    start_c: Values = 25.0
    before_c: Values | None = None


Part = TypeVar("Part", LayerBatch, PressingBatch)


def compact(layers: Mapping[str, LayerBatch], pressings: Sequence[PressingBatch]) -> Mapping[str, Array]:
    """Porosity (0..1) of each layer as coated and after every pressing: arrays of N laminates by 1 + pressings.

    A layer that is not in the press keeps its porosity.

    :raises ValueError: if two of the given arrays have different lengths.
    """
    count = _count(layers, pressings)
    result = {name: np.empty((count, len(pressings) + 1)) for name in layers}
    for begin in range(0, count, BLOCK):
        rows = slice(begin, min(begin + BLOCK, count))
        _compact_rows({name: _cut(layer, rows) for name, layer in layers.items()}, pressings, rows, result)
    return result


def decrease_pct(porosity: Array) -> Array:
    """Rates of decrease by each pressing in percent of the porosity before it; 0 where there was none."""
    before, after = porosity[:, :-1], porosity[:, 1:]
    return 100.0 * (1.0 - np.divide(after, before, out=np.ones_like(before), where=before > 0.0))


def _compact_rows(
    layers: Mapping[str, LayerBatch], pressings: Sequence[PressingBatch], rows: slice, result: Mapping[str, Array]
) -> None:
    done: dict[str, Values] = dict.fromkeys(layers, 0.0)
    for name, layer in layers.items():
        result[name][rows, 0] = layer.initial
    for number, pressing in enumerate(pressings, start=1):
        cut = _cut(pressing, rows)
        instants = cut.course.instants(
            cut.pressure_mpa,
            cut.temperature_c,
            cut.dwell_s,
            cut.ramp_mpa_s,
            cut.release_mpa_s,
            cut.soak_s,
            cut.start_c,
            cut.before_c,
        )
        for name, layer in layers.items():
            if name in cut.layers:
                done[name] = _pressed(done[name], layer, instants)
            residual = np.minimum(layer.residual_porosity, layer.initial)
            result[name][rows, number] = residual + (layer.initial - residual) * np.exp(-np.asarray(done[name]))


def _pressed(done: Values, layer: LayerBatch, instants: Instants) -> Values:
    """Densification at the end of a course.

    Between two instants L* goes from a to b in h seconds; with E = exp(-h/tau) the law's solution is
    b + (L - a) E - (b - a) (1 - E) tau / h. Below L nothing drives: there a and b count as L.
    """
    before = np.maximum(_drive(layer, instants.pressure_mpa[0], instants.temperature_c[0]), done)
    for number, seconds in enumerate(instants.seconds, start=1):
        after = np.maximum(_drive(layer, instants.pressure_mpa[number], instants.temperature_c[number]), done)
        share = seconds / layer.tau_s
        left = np.exp(-share)
        done = after + (done - before) * left - (after - before) * ((1.0 - left) / share)
        before = np.maximum(after, done)
    return done


def _drive(layer: LayerBatch, pressure_mpa: Values, temperature_c: Values) -> Values:
    softening = np.maximum(SOFTENING_FLOOR, 1.0 - layer.c_per_k * (temperature_c - layer.reference_temperature_c))
    effective = pressure_mpa / softening
    if layer.points:
        return _tabled(np.asarray(effective), layer.points, layer.k_per_mpa)
    if not np.any(layer.b):
        return layer.k_per_mpa * effective
    sigmoid = 1.0 - np.exp(-_power(effective / layer.p1_mpa, layer.m))
    return layer.k_per_mpa * effective + layer.b * sigmoid


def _tabled(effective: Array, points: Knots, k_per_mpa: Values) -> Array:
    """`recipes.materials.pchip.curve` for many values, and a straight line above the last point."""
    xs, ys = np.array(points).T
    tangents = np.array(slopes(points))
    index = np.clip(np.searchsorted(xs, effective, side="right"), 1, len(xs) - 1)
    width = xs[index] - xs[index - 1]
    t = np.minimum((effective - xs[index - 1]) / width, 1.0)
    u = 1.0 - t
    inside: Array = (
        ys[index - 1] * (1.0 + 2.0 * t) * u * u
        + ys[index] * t * t * (3.0 - 2.0 * t)
        + width * t * u * (tangents[index - 1] * u - tangents[index] * t)
    )
    above: Array = k_per_mpa * np.maximum(0.0, effective - xs[-1])
    return inside + above


def _power(base: Values, exponent: Values) -> Values:
    """base ** exponent; the shipped 4 by two multiplications, which are ten times faster than a power."""
    if np.ndim(exponent) == 0 and float(exponent) == 4.0:
        square = base * base
        return square * square
    return np.asarray(base) ** exponent


def _count(layers: Mapping[str, LayerBatch], pressings: Sequence[PressingBatch]) -> int:
    parts: list[LayerBatch | PressingBatch] = [*layers.values(), *pressings]
    values = [getattr(part, item.name) for part in parts for item in fields(part)]
    sizes = {len(value) for value in values if isinstance(value, np.ndarray) and value.ndim}
    if len(sizes) > 1:
        raise ValueError(f"arrays of {' and '.join(map(str, sorted(sizes)))} laminates at once")
    return sizes.pop() if sizes else 1


def _cut(part: Part, rows: slice) -> Part:
    """The same of some laminates only."""
    values = {item.name: getattr(part, item.name) for item in fields(part)}
    own: dict[str, Any] = {name: v[rows] for name, v in values.items() if isinstance(v, np.ndarray) and v.ndim}
    return replace(part, **own)
