"""The steps of a recipe: coat, task, press, inspect, each with its lots."""

from __future__ import annotations

from dataclasses import dataclass

from recipes.model import Coat, Entry, Inspect, Laminate, Press, PressMethod, Slurry, Step, StepKind, Task
from recipes.reader.mapping import MappingReader
from recipes.units import Dimension

ROLES = ("join1", "join2", "densify", "join3")
"""What ties a pressing step to the rules, in the order that the source claims."""
ACTIONS = ("stack", "peel", "bag", "unbag_and_dry")
MEASURES = ("weight", "thickness", "composite_modulus", "porosity")
LAB_MEASURES = ("composite_modulus", "porosity")
ENTRIES = {"area": ("mm2", Dimension.AREA)}
"""What a person can be asked to enter with a task: name -> unit and dimension."""
_METHODS = {method.value: method for method in PressMethod}
UNIT_KINDS = ("uniaxial_press", "isostatic_press", "coater")


@dataclass(slots=True)
class StepReader:
    """Reads steps against the laminate whose layers and foils they may name.

    lots_known turns False when a step's lots could not be read; the flow of lots then says nothing.
    """

    laminate: Laminate
    lots_known: bool = True

    def read(self, reader: MappingReader) -> Step | None:
        """One step, or None if it does not say which of the four kinds it is."""
        name = reader.text("name")
        kinds = [kind for kind in StepKind if reader.has(kind.value)]
        if len(kinds) != 1:
            for kind in StepKind:
                reader.mapping(kind.value, needed=False)
            what = "the step does nothing" if not kinds else f"the step is {' and '.join(kinds)} at once"
            self.lots_known = False
            reader.document.error(reader.place, what, reader.path, "exactly one of coat, task, press, inspect")
            return None
        kind = kinds[0]
        body = reader.mapping(kind.value, f"what to {kind.value}")
        if body is None:
            self.lots_known = False
            return None
        step = self._step(name, kind, reader, body)
        body.finish()
        reader.finish()
        return step

    def _step(self, name: str, kind: StepKind, reader: MappingReader, body: MappingReader) -> Step:
        coat = self._coat(body) if kind is StepKind.COAT else None
        press = _press(body) if kind is StepKind.PRESS else None
        task = self._task(body) if kind is StepKind.TASK else None
        inspect = self._inspect(body) if kind is StepKind.INSPECT else None
        role = reader.choice("role", ROLES, "") if press is not None else ""
        unit = reader.choice("unit", UNIT_KINDS, "") if press is not None or coat is not None else ""
        if unit and unit != unit_kind(coat, press):
            reader.wrong("unit", f"this step cannot run on the {unit}", unit_kind(coat, press))
        errors = len(reader.document.errors)
        consumes, produces = _lots(kind, reader, body)
        self.lots_known = self.lots_known and len(reader.document.errors) == errors
        if press is not None and len(consumes) > 1:
            reader.wrong("consumes", f"{len(consumes)} lots", "the one lot that is pressed; stack others before")
        if task is not None and task.action == "stack" and len(consumes) < 2 and not task.adds:
            reader.wrong("consumes", "a stack of one", "at least two lots, or foils in task.adds")
        paths, prefix = reader.document.locations, f"{reader.path}."
        locations = {path.removeprefix(prefix): place for path, place in paths.items() if path.startswith(prefix)}
        return Step(
            name,
            kind,
            reader.place,
            consumes,
            produces,
            unit=unit or None,
            role=role or None,
            press=press,
            coat=coat,
            task=task,
            inspect=inspect,
            locations=locations,
        )

    def _coat(self, reader: MappingReader) -> Coat:
        layer = reader.choice("layer", self.laminate.layers)
        known = self.laminate.layers.get(layer)
        zones = reader.quantities("zones", Dimension.TEMPERATURE, 2)
        return Coat(
            layer=layer,
            substrate=reader.choice("substrate", self.laminate.foils),
            slurry=_slurry(reader.mapping("slurry", "solvent, solids and solvent_density")),
            coating_weight_window_mg_cm2=reader.window(
                "coating_weight_window",
                Dimension.COATING_WEIGHT,
                known.coating_weight_mg_cm2 if known is not None else None,
            ),
            web_speed_m_min=reader.quantity("web_speed", Dimension.SPEED, above=0.0),
            zone_temperatures_c=(zones[0], zones[1]),
            zone_window_k=reader.quantity("zone_window", Dimension.TEMPERATURE_DIFFERENCE, above=0.0),
            length_m=reader.quantity("length", Dimension.LENGTH, above=0.0),
            tension_n=reader.quantity("tension", Dimension.FORCE, above=0.0),
            residual_solvent_max_pct=reader.quantity("residual_solvent_max", Dimension.SHARE, above=0.0, below=100.0),
        )

    def _task(self, reader: MappingReader) -> Task:
        action = reader.choice("action", ACTIONS)
        adds = reader.texts("adds", self.laminate.foils, needed=False)
        removes = reader.texts("removes", self.laminate.foils, needed=action == "peel")
        if adds and action != "stack":
            reader.wrong("adds", f"a {action} adds no foils")
        if removes and action != "peel":
            reader.wrong("removes", f"a {action} removes no foils")
        entries = reader.mapping("entries", "entered values by name", needed=False)
        return Task(action, reader.text("text"), _entries(entries) if entries is not None else (), adds, removes)

    def _inspect(self, reader: MappingReader) -> Inspect:
        measures = reader.texts("measures", MEASURES)
        lab = any(measure in LAB_MEASURES for measure in measures)
        layers = reader.texts("layers", self.laminate.layers, needed=lab)
        if layers and not lab:
            reader.wrong(
                "layers", "weight and thickness are of the whole lot", f"layers only with {', '.join(LAB_MEASURES)}"
            )
        return Inspect(measures, layers)


def unit_kind(coat: Coat | None, press: Press | None) -> str:
    """The kind of unit that a step needs, or "" for tasks and inspections."""
    if coat is not None:
        return "coater"
    return f"{press.method.value}_press" if press is not None else ""


def _lots(kind: StepKind, reader: MappingReader, body: MappingReader) -> tuple[tuple[str, ...], str | None]:
    """What a step consumes and produces; an inspection looks at one lot and a coating begins with slurry and foil."""
    if kind is StepKind.INSPECT:
        return (body.text("lot"),), None
    return reader.texts("consumes") if kind is not StepKind.COAT else (), reader.text("produces")


def _slurry(reader: MappingReader | None) -> Slurry:
    if reader is None:
        return Slurry("", 0.5, 1.0)
    slurry = Slurry(
        solvent=reader.text("solvent"),
        solids_fraction=reader.quantity("solids", Dimension.SHARE, above=0.0, below=100.0) / 100.0,
        solvent_density_g_cm3=reader.quantity("solvent_density", Dimension.DENSITY, above=0.0),
    )
    reader.finish()
    return slurry


def _entries(reader: MappingReader) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for name, (unit, dimension) in ENTRIES.items():
        item = reader.mapping(name, "expected and tolerance", needed=False)
        if item is None:
            continue
        expected = item.quantity("expected", dimension, above=0.0)
        found.append(Entry(name, unit, expected, item.quantity("tolerance", dimension, above=0.0)))
        item.finish()
    reader.finish()
    return tuple(found)


def _press(reader: MappingReader) -> Press:
    method = reader.choice("method", _METHODS)
    pressure = reader.quantity("pressure", Dimension.PRESSURE, above=0.0)
    temperature = reader.quantity("temperature", Dimension.TEMPERATURE)
    return Press(
        method=_METHODS.get(method, PressMethod.UNIAXIAL),
        pressure_mpa=pressure,
        pressure_window_mpa=reader.window("pressure_window", Dimension.PRESSURE, pressure),
        temperature_c=temperature,
        temperature_window_c=reader.window("temperature_window", Dimension.TEMPERATURE, temperature),
        dwell_s=reader.quantity("dwell", Dimension.TIME, above=0.0),
        ramp_mpa_s=reader.quantity("ramp", Dimension.PRESSURE_RATE, above=0.0),
        release_mpa_s=reader.quantity("release", Dimension.PRESSURE_RATE, above=0.0),
        soak_s=reader.quantity("soak", Dimension.TIME, 0.0),
        on_hold=reader.choice("on_hold", ("keep", "bleed")),
        hold_limit_s=reader.quantity("hold_limit", Dimension.TIME),
    )
