"""The steps of a recipe: coat, task, press, roll_press, rest, inspect, each with its lots."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import nan

from recipes.model import (
    Coat,
    Entry,
    Inspect,
    LabMeasure,
    Laminate,
    LeftOut,
    Press,
    PressMethod,
    Rest,
    RollPress,
    Slurry,
    Step,
    StepKind,
    Task,
    Window,
    Within,
)
from recipes.reader.formulation import NO_SLURRY, read_slurry
from recipes.reader.gates import read_count, read_gate
from recipes.reader.mapping import QUANTITY_OF, MappingReader
from recipes.units import Dimension

ROLES = ("join1", "join2", "densify", "join3")
"""What ties a pressing step to the rules, in the order that the source claims."""
ACTIONS = ("mix", "stack", "peel", "bag", "leak_test", "unbag_and_dry")
LEAVABLE = ("leak_test", "unbag_and_dry", "inspect")
"""Parts of the isostatic sequence that a recipe may leave out if it says why."""
MEASURES = ("weight", "thickness", "composite_modulus", "porosity")
LAB_MEASURES = ("composite_modulus", "porosity")
ENTRIES = {"area": ("mm2", Dimension.AREA)}
"""What a person can be asked to enter of the laminate with a task: name -> unit and dimension."""
MOST_ZONES = 4
"""A coater has one to four drying zones."""
_METHODS = {method.value: method for method in PressMethod}
UNIT_KINDS = ("uniaxial_press", "isostatic_press", "coater")


@dataclass(slots=True)
class StepReader:
    """Reads steps against the laminate whose layers and foils they may name.

    lots_known turns False when a step's lots could not be read; the flow of lots then says nothing.
    """

    laminate: Laminate
    slurries: Mapping[str, Slurry] = field(default_factory=dict)
    lots_known: bool = True

    def read(self, reader: MappingReader) -> Step | None:
        """One step, or None if it does not say which kind it is."""
        name = reader.text("name")
        kinds = [kind for kind in StepKind if reader.has(kind.value)]
        if len(kinds) != 1:
            for kind in StepKind:
                reader.mapping(kind.value, needed=False)
            what = "the step does nothing" if not kinds else f"the step is {' and '.join(kinds)} at once"
            self.lots_known = False
            reader.document.error(reader.place, what, reader.path, f"exactly one of {', '.join(StepKind)}")
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
        roll_press = _roll_press(body) if kind is StepKind.ROLL_PRESS else None
        rest = _rest(body) if kind is StepKind.REST else None
        role = reader.choice("role", ROLES, "") if press is not None else ""
        unit = reader.choice("unit", UNIT_KINDS, "") if press is not None or coat is not None else ""
        if unit and unit != unit_kind(coat, press):
            reader.wrong("unit", f"this step cannot run on the {unit}", unit_kind(coat, press))
        within = _within(reader)
        gate = read_gate(reader, kind, inspect, self.laminate)
        errors = len(reader.document.errors)
        consumes, produces = _lots(kind, reader, body, is_mixing=task is not None and task.action == "mix")
        self.lots_known = self.lots_known and len(reader.document.errors) == errors
        if kind in (StepKind.PRESS, StepKind.ROLL_PRESS, StepKind.REST) and len(consumes) > 1:
            reader.wrong("consumes", f"{len(consumes)} lots", "the one lot that is pressed; stack others before")
        if coat is not None and len(consumes) > 1:
            reader.wrong("consumes", f"{len(consumes)} lots", "at most the one lot of slurry that is coated")
        if task is not None and task.action == "stack" and len(consumes) < 2 and not task.adds:
            reader.wrong("consumes", "a stack of one", "at least two lots, or foils in task.adds")
        paths, prefix = reader.document.locations, f"{reader.path}."
        own = islice(paths.items(), reader.first_location, None)
        locations = {path.removeprefix(prefix): place for path, place in own if path.startswith(prefix)}
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
            roll_press=roll_press,
            rest=rest,
            within=within,
            gate=gate,
            locations=locations,
        )

    def _coat(self, reader: MappingReader) -> Coat:
        layer = reader.choice("layer", self.laminate.layers)
        known = self.laminate.layers.get(layer)
        zones = reader.quantities("zones", Dimension.TEMPERATURE, MOST_ZONES)
        web_speed = reader.quantity("web_speed", Dimension.SPEED, above=0.0)
        residence, residence_windows = _residence(reader, len(zones))
        thickness, thickness_window = _with_window(reader, "thickness", Dimension.THICKNESS)
        sheets = read_count(reader, "sheets")
        return Coat(
            layer=layer,
            substrate=reader.choice("substrate", self.laminate.foils),
            slurry=self._slurry(reader),
            coating_weight_window_mg_cm2=reader.window(
                "coating_weight_window",
                Dimension.COATING_WEIGHT,
                known.coating_weight_mg_cm2 if known is not None else None,
            ),
            web_speed_m_min=web_speed,
            zone_temperatures_c=zones,
            zone_window_k=reader.quantity("zone_window", Dimension.TEMPERATURE_DIFFERENCE, above=0.0),
            length_m=reader.quantity("length", Dimension.LENGTH, above=0.0),
            tension_n=reader.quantity("tension", Dimension.FORCE, above=0.0),
            residual_solvent_max_pct=reader.quantity("residual_solvent_max", Dimension.SHARE, above=0.0, below=100.0),
            web_speed_window_m_min=_window(reader, "web_speed_window", Dimension.SPEED, web_speed),
            zone_residence_s=residence,
            zone_residence_window_s=residence_windows,
            zone_length_m=_optional(reader, "zone_length", Dimension.LENGTH),
            thickness_um=thickness,
            thickness_window_um=thickness_window,
            sheets=sheets if sheets > 1 else None,
        )

    def _slurry(self, reader: MappingReader) -> Slurry:
        """The slurry that is named, or the one that is written in place."""
        if reader.is_mapping("slurry") or not reader.has("slurry"):
            return read_slurry(reader.mapping("slurry", "a slurry's name, or solvent, solids and solvent_density"))
        if not self.slurries:
            reader.text("slurry")
            reader.wrong("slurry", "the recipe has no slurries", "a name under slurries, or the slurry in place")
            return NO_SLURRY
        return self.slurries.get(reader.choice("slurry", self.slurries), NO_SLURRY)

    def _task(self, reader: MappingReader) -> Task:
        action = reader.choice("action", ACTIONS)
        adds = reader.texts("adds", self.laminate.foils, needed=False)
        removes = reader.texts("removes", self.laminate.foils, needed=action == "peel")
        if adds and action != "stack":
            reader.wrong("adds", f"a {action} adds no foils")
        if removes and action != "peel":
            reader.wrong("removes", f"a {action} removes no foils")
        slurry = None
        if action == "mix":
            slurry = reader.choice("slurry", self.slurries)
        elif _asked(reader, "slurry"):
            reader.wrong("slurry", f"a {action} mixes no slurry")
        entries = reader.mapping("entries", "entered values by name", needed=False)
        entered = _entries(entries) if entries is not None else ()
        return Task(action, reader.text("text"), entered, adds, removes, slurry)

    def _inspect(self, reader: MappingReader) -> Inspect:
        asked = (
            tuple(_lab_measure(item) for item in reader.mappings("lab", "a list of values", QUANTITY_OF))
            if _asked(reader, "lab")
            else ()
        )
        measures = reader.texts("measures", MEASURES, needed=not asked)
        lab = any(measure in LAB_MEASURES for measure in measures)
        layers = reader.texts("layers", self.laminate.layers, needed=lab)
        if layers and not lab:
            reader.wrong(
                "layers", "weight and thickness are of the whole lot", f"layers only with {', '.join(LAB_MEASURES)}"
            )
        return Inspect(measures, layers, asked)


def _within(reader: MappingReader) -> tuple[Within, ...]:
    """Maximum waits before a step."""
    if not _asked(reader, "within"):
        return ()
    found = []
    for item in reader.mappings("within", "a list of maximum waits: {time: 30 min, of: coat cathode}", "of"):
        of = item.text("of") if _asked(item, "of") else None
        found.append(Within(item.quantity("time", Dimension.TIME, above=0.0), of))
        item.finish()
    return tuple(found)


def unit_kind(coat: Coat | None, press: Press | None) -> str:
    """The kind of unit that a step needs, or "" for tasks and inspections."""
    if coat is not None:
        return "coater"
    return f"{press.method.value}_press" if press is not None else ""


def _lots(
    kind: StepKind, reader: MappingReader, body: MappingReader, *, is_mixing: bool
) -> tuple[tuple[str, ...], str | None]:
    """What a step consumes and produces.

    An inspection looks at one lot; a coating begins with foil, and with a lot of slurry where one was mixed.
    """
    if kind is StepKind.INSPECT:
        return (body.text("lot"),), None
    if is_mixing:
        return (), reader.text("produces")
    return reader.texts("consumes", needed=kind is not StepKind.COAT), reader.text("produces")


def _asked(reader: MappingReader, key: str) -> bool:
    """Whether an optional key is there; it is then read, and known in any case."""
    reader.know(key)
    return reader.has(key)


def _optional(reader: MappingReader, key: str, dimension: Dimension) -> float | None:
    return reader.quantity(key, dimension, above=0.0) if _asked(reader, key) else None


def _window(reader: MappingReader, key: str, dimension: Dimension, around: float) -> Window | None:
    return reader.window(key, dimension, around) if _asked(reader, key) else None


def _with_window(reader: MappingReader, key: str, dimension: Dimension) -> tuple[float | None, Window | None]:
    """An optional value with its window; one is not there without the other."""
    value = _optional(reader, key, dimension)
    if value is not None:
        return value, reader.window(f"{key}_window", dimension, value)
    if _asked(reader, f"{key}_window"):
        reader.wrong(f"{key}_window", f"there is no {key} for it to surround", key)
    return None, None


def _residence(reader: MappingReader, zones: int) -> tuple[tuple[float, ...] | None, tuple[Window, ...] | None]:
    """How long the web stays in each of so many zones, with its windows; 0 if their number could not be read."""
    if _asked(reader, "zone_residence"):
        times = reader.quantities("zone_residence", Dimension.TIME, zones or MOST_ZONES, zones or 1)
        if not _asked(reader, "zone_residence_window"):
            return times, None
        return times, reader.windows("zone_residence_window", Dimension.TIME, times or (nan,) * zones)
    if _asked(reader, "zone_residence_window"):
        reader.wrong("zone_residence_window", "there is no residence for it to surround", "zone_residence")
    return None, None


def _entries(reader: MappingReader) -> tuple[Entry, ...]:
    found: list[Entry] = []
    for name, (unit, dimension) in ENTRIES.items():
        item = reader.mapping(name, "expected and tolerance", needed=False)
        if item is None:
            continue
        expected = item.quantity("expected", dimension, above=0.0)
        found.append(Entry(name, unit, expected, item.quantity("tolerance", dimension, above=0.0)))
        item.finish()
    for name in reader.names():
        if name not in ENTRIES and reader.is_mapping(name):
            item = reader.mapping(name, "of, expected and tolerance")
            if item is not None:
                found.append(_entry(name, item))
    reader.finish()
    return tuple(found)


def _entry(name: str, reader: MappingReader) -> Entry:
    """A value of something that a rule pack speaks of."""
    expected, unit = reader.measure("expected", "a number with the rule's unit")
    tolerance, its_unit = reader.measure("tolerance", f"a number in {unit}")
    if its_unit != unit or not tolerance > 0.0:
        reader.wrong("tolerance", f"{tolerance:g} {its_unit}".strip(), f"a number above 0 in {unit}")
    entry = Entry(name, unit, expected, tolerance, reader.text("of"))
    reader.finish()
    return entry


def _lab_measure(reader: MappingReader) -> LabMeasure:
    """What the laboratory is asked for, and between which values an answer is no typing error."""
    low, unit = reader.measure("low", "a number with the rule's unit")
    high, its_unit = reader.measure("high", f"a number in {unit}")
    if its_unit != unit or not high > low:
        reader.wrong("high", f"{high:g} {its_unit}".strip(), f"a number above low in {unit}")
    measure = LabMeasure(reader.text("of"), reader.text("quantity"), unit, low, high)
    reader.finish()
    return measure


def _roll_press(reader: MappingReader) -> RollPress:
    force = reader.quantity("line_force", Dimension.FORCE, above=0.0)
    density = reader.quantity("layer_density", Dimension.DENSITY, above=0.0)
    return RollPress(
        line_force_n=force,
        line_force_window_n=reader.window("line_force_window", Dimension.FORCE, force),
        layer_density_g_cm3=density,
        layer_density_window_g_cm3=reader.window("layer_density_window", Dimension.DENSITY, density),
        environment_window_c=reader.window("environment_window", Dimension.TEMPERATURE),
    )


def _rest(reader: MappingReader) -> Rest:
    time = reader.quantity("time", Dimension.TIME, above=0.0)
    temperature = reader.quantity("temperature", Dimension.TEMPERATURE)
    humidity, humidity_window = _with_window(reader, "humidity", Dimension.SHARE)
    return Rest(
        time_s=time,
        time_window_s=reader.window("time_window", Dimension.TIME, time),
        temperature_c=temperature,
        temperature_window_c=reader.window("temperature_window", Dimension.TEMPERATURE, temperature),
        humidity_pct=humidity,
        humidity_window_pct=humidity_window,
    )


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
        leaves_out=_left_out(reader) if _asked(reader, "leaves_out") else (),
    )


def _left_out(reader: MappingReader) -> tuple[LeftOut, ...]:
    """What an isostatic pressing does without, each with its reason."""
    found = []
    for item in reader.mappings("leaves_out", "a list of parts", "what"):
        found.append(LeftOut(item.choice("what", LEAVABLE), item.text("because")))
        item.finish()
    return tuple(found)
