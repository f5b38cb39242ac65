"""The gate of a step: targets of its lot, and what happens with a lot that misses one."""

from __future__ import annotations

from recipes.model import Gate, Inspect, Laminate, OnMiss, PorosityTarget, StepKind, Window
from recipes.reader.mapping import MappingReader
from recipes.units import Dimension

GATED = (StepKind.COAT, StepKind.PRESS, StepKind.INSPECT)
AGAIN = ("most", "more_pressure", "more_dwell")
"""Keys that say how a lot is pressed again."""


def read_gate(reader: MappingReader, kind: StepKind, inspect: Inspect | None, laminate: Laminate) -> Gate | None:
    """The gate of a step, None where it has none."""
    reader.know("gate")
    body = reader.mapping("gate", "targets and on_miss", needed=False)
    if body is None:
        return None
    if kind not in GATED:
        reader.wrong("gate", f"a {kind} has no gate", f"it at a {', '.join(GATED[:-1])} or {GATED[-1]}")
    on_miss = body.choice("on_miss", tuple(OnMiss))
    gate = Gate(
        OnMiss(on_miss) if on_miss in tuple(OnMiss) else OnMiss.ASK,
        _porosity(body, laminate),
        _range(body, "thickness", Dimension.THICKNESS),
        _range(body, "coating_weight", Dimension.COATING_WEIGHT),
        read_count(body, "most"),
        _more(body, "more_pressure", Dimension.PRESSURE),
        _more(body, "more_dwell", Dimension.TIME),
    )
    _targets(body, kind, inspect, gate)
    if gate.on_miss is OnMiss.RE_PRESS and kind is StepKind.COAT:
        body.wrong("on_miss", "a coated sheet was not pressed yet", "continue, scrap or ask")
    for key in AGAIN:
        if body.has(key) and gate.on_miss not in (OnMiss.RE_PRESS, OnMiss.ASK):
            body.wrong(key, f"nothing is pressed again with on_miss: {gate.on_miss}")
    body.finish()
    return gate


def _targets(body: MappingReader, kind: StepKind, inspect: Inspect | None, gate: Gate) -> None:
    """Each target where something tells it, and at least one."""
    measures = () if inspect is None else inspect.measures
    if kind is StepKind.COAT:
        for key in ("porosity", "thickness", "coating_weight"):
            if body.has(key):
                body.wrong(key, "a coating is judged by its own windows", "it at an inspection of the sheet")
        return
    for key, measure in (("thickness", "thickness"), ("coating_weight", "weight")):
        if body.has(key) and measure not in measures:
            body.wrong(key, f"nothing measures the {measure}", f"{measure} in inspect.measures")
    if not gate.porosity and gate.thickness_um is None and gate.coating_weight_mg_cm2 is None:
        what = "the gate has no target"
        body.document.error(body.place, what, body.path, "at least one of porosity, thickness, coating_weight")


def _porosity(body: MappingReader, laminate: Laminate) -> tuple[PorosityTarget, ...]:
    body.know("porosity")
    if not body.has("porosity"):
        return ()
    found: list[PorosityTarget] = []
    for item in body.mappings("porosity", "a list of targets: {layer: cathode, range: 0..5 %}", "layer"):
        target = PorosityTarget(item.choice("layer", laminate.layers), item.window("range", Dimension.SHARE))
        if target.layer in [other.layer for other in found]:
            item.wrong("layer", f"{target.layer!r} has a target already")
        found.append(target)
        item.finish()
    return tuple(found)


def _range(body: MappingReader, key: str, dimension: Dimension) -> Window | None:
    body.know(key)
    return body.window(key, dimension) if body.has(key) else None


def _more(body: MappingReader, key: str, dimension: Dimension) -> float:
    body.know(key)
    return body.quantity(key, dimension, above=0.0) if body.has(key) else 0.0


def read_count(body: MappingReader, key: str) -> int:
    """A whole number from 1; 1 where it is left out."""
    body.know(key)
    if not body.has(key):
        return 1
    value = body.number(key, above=0.0)
    if value != int(value if value == value else 0):
        body.wrong(key, f"{value:g} is no whole number", "a whole number from 1")
        return 1
    return int(value)
