"""The pressings of a recipe for the vectorised law: one recipe, many laminates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from recipes.lots import contents, ordered
from recipes.materials.course import ISOSTATIC, UNIAXIAL
from recipes.materials.library import LayerMaterial
from recipes.materials.state import SHARED
from recipes.materials.vectorised import Array, LayerBatch, PressingBatch, Values
from recipes.model import Press, PressMethod, Recipe

ROOM_C = 25.0
"""What comes from the stack has the room's temperature: that of the tables (engineering judgement)."""
_COURSES = {PressMethod.UNIAXIAL: UNIAXIAL, PressMethod.ISOSTATIC: ISOSTATIC}
_FIELDS = ("pressure_mpa", "temperature_c", "dwell_s", "ramp_mpa_s", "release_mpa_s", "soak_s")


@dataclass(frozen=True, slots=True)
class Varied:
    """What differs between the laminates: fields of a Press by step name, initial porosities (0..1) by layer,
    parameters of the law by layer."""

    presses: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)
    initial: Mapping[str, Values] = field(default_factory=dict)
    parameters: Mapping[str, Mapping[str, Values]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Procedure:
    """The pressing steps of a recipe by name, in the order of the lots, and what `compact` needs."""

    steps: tuple[str, ...]
    layers: Mapping[str, LayerBatch]
    pressings: tuple[PressingBatch, ...]


def procedure(recipe: Recipe, materials: Mapping[str, LayerMaterial], varied: Varied | None = None) -> Procedure:
    """The pressings of all layers that have a material; the others have no law and are left out."""
    varied = varied or Varied()
    layers = {
        name: LayerBatch.of(
            varied.initial.get(name, layer.porosity_pct / 100.0),
            materials[name].parameters,
            varied.parameters.get(name),
        )
        for name, layer in recipe.laminate.layers.items()
        if name in materials
    }
    steps = ordered(recipe.steps)
    lots = contents(recipe, steps)
    warm_c: dict[str, Values] = {}  # lots that come warm from a press
    before_c: dict[PressMethod, Values] = {}
    names, pressings = [], []
    for step in steps:
        if step.press is None:
            stacked = step.task is not None and step.task.action == "stack"
            if step.produces is not None:
                warm_c[step.produces] = ROOM_C if stacked or not step.consumes else warm_c.get(step.consumes[0], ROOM_C)
            continue
        values = _values(step.press, varied.presses.get(step.name, {}))
        start_c = warm_c.get(step.consumes[0], ROOM_C)
        warm_c[step.produces or ""] = values["temperature_c"]
        inside = frozenset(lots[step.produces or ""].layers).intersection(layers)
        names.append(step.name)
        method = step.press.method
        last_c = before_c.get(method)
        before_c[method] = values["temperature_c"]
        pressings.append(PressingBatch(_COURSES[method], inside, start_c=start_c, before_c=last_c, **values))
    return Procedure(tuple(names), layers, tuple(pressings))


def drawn_parameters(
    materials: Mapping[str, LayerMaterial], count: int, generator: np.random.Generator
) -> dict[str, dict[str, Array]]:
    """Parameters of many laminates, evenly from the materials' intervals; softening and time constant are shared by the
    layers of a laminate, as in the `realistic` scenario."""
    shares = {name: generator.random(count) for name in SHARED}
    found: dict[str, dict[str, Array]] = {}
    for layer, material in materials.items():
        found[layer] = {}
        for name, (low, high) in material.intervals.items():
            share = shares[name] if name in SHARED else generator.random(count)
            found[layer][name] = low + (high - low) * share
    return found


def _values(press: Press, changed: Mapping[str, Values]) -> dict[str, Values]:
    return {name: changed.get(name, getattr(press, name)) for name in _FIELDS}
