"""What the units of a line can do, and whether a step is within it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from recipes.findings import Finding
from recipes.model import Coat, Location, Press, Step, Window
from recipes.reader.steps import unit_kind


@dataclass(frozen=True, slots=True)
class UnitCapability:
    """What a unit of the line can do, from its profile and the line file.

    kind is "uniaxial_press", "isostatic_press", "coater", "gauge", "balance" or "lab"; a limit that is None does not
    apply or is not known and then limits nothing. max_ramp is in kN/s for a uniaxial press and in MPa/s for an
    isostatic one; max_pressure_mpa is the largest setpoint below the vessel's allowed working pressure; temperature_c
    is that of platens, medium or dryer zones, and zones is how many of these a coater has. limits holds every other
    range that the machine takes a setpoint in: dwell_s, soak_s, ramp and release (kN/s or MPa/s), length_m, tension_n,
    and zone2_c to zone4_c of a coater.
    """

    name: str
    kind: str
    max_force_kn: float | None = None
    max_pressure_mpa: float | None = None
    temperature_c: Window | None = None
    max_ramp: float | None = None
    max_gap_um: float | None = None
    web_speed_m_min: Window | None = None
    zones: int | None = None
    limits: Mapping[str, Window] = field(default_factory=dict)


def force_kn(pressure_mpa: float, area_mm2: float) -> float:
    """Force for a pressure on an area; 1 MPa is 1 N/mm2."""
    return pressure_mpa * area_mm2 / 1000.0


def resolve(step: Step, units: Sequence[UnitCapability]) -> UnitCapability | None:
    """The first unit of the kind that a step needs, a coater with its number of zones first; None without any."""
    kind = step.unit or unit_kind(step.coat, step.press)
    of_kind = [unit for unit in units if unit.kind == kind]
    if step.coat is not None:
        fitting = (None, len(step.coat.zone_temperatures_c))
        of_kind.sort(key=lambda unit: unit.zones not in fitting)
    return next(iter(of_kind), None)


def unit_findings(
    step: Step, unit: UnitCapability | None, units: Sequence[UnitCapability], area_mm2: float, gap_um: float | None
) -> Iterator[Finding]:
    """Everything about a step that the line cannot do, with both numbers and the place in the recipe."""
    if step.inspect is not None:
        for measure, kind in {"weight": "balance", "thickness": "gauge"}.items():
            if measure in step.inspect.measures and not any(unit.kind == kind for unit in units):
                yield _refused(step, "inspect.measures", f"the line has no {kind} to measure the {measure}")
        return
    if step.press is None and step.coat is None:
        return
    if unit is None:
        kind = unit_kind(step.coat, step.press)
        yield _refused(step, "press.method" if step.press else "coat", f"the line has no {kind.replace('_', ' ')}")
    elif step.press is not None:
        yield from _press_findings(step, step.press, unit, area_mm2)
    elif step.coat is not None:
        yield from _coat_findings(step, step.coat, unit, gap_um)


def _press_findings(step: Step, press: Press, unit: UnitCapability, area_mm2: float) -> Iterator[Finding]:
    uniaxial = unit.kind == "uniaxial_press"
    if uniaxial and _above(force := force_kn(press.pressure_mpa, area_mm2), unit.max_force_kn):
        what = f"{press.pressure_mpa:g} MPa on {area_mm2:g} mm2 is {force:g} kN"
        yield _refused(step, "press.pressure", f"{what}, {unit.name} reaches {unit.max_force_kn:g} kN")
    if not uniaxial and _above(press.pressure_mpa, unit.max_pressure_mpa):
        what = f"pressure {press.pressure_mpa:g} MPa, {unit.name} reaches {unit.max_pressure_mpa:g} MPa"
        yield _refused(step, "press.pressure", what)
    yield from _within(step, "press.temperature", "temperature", press.temperature_c, unit.temperature_c, unit, "degC")
    yield from _limited(step, "press.dwell", "dwell", press.dwell_s, unit, "dwell_s", "s")
    if not uniaxial:
        yield from _limited(step, "press.soak", "soak", press.soak_s, unit, "soak_s", "s")
    for key, name, rate in (
        ("press.ramp", "ramp", press.ramp_mpa_s),
        ("press.release", "release", press.release_mpa_s),
    ):
        needed, rate_unit = (force_kn(rate, area_mm2), "kN/s") if uniaxial else (rate, "MPa/s")
        if _above(needed, unit.max_ramp):
            what = f"{name} {rate:g} MPa/s is {needed:g} kN/s" if uniaxial else f"{name} {rate:g} MPa/s"
            yield _refused(step, key, f"{what}, {unit.name} reaches {unit.max_ramp:g} {rate_unit}")
        elif (slowest := unit.limits.get(name)) is not None and needed < slowest.lower:
            what = f"{name} {rate:g} MPa/s is {needed:g} {rate_unit}"
            yield _refused(step, key, f"{what}, the slowest of {unit.name} is {slowest.lower:g} {rate_unit}")


def _limited(
    step: Step, key: str, name: str, value: float, unit: UnitCapability, limit: str, symbol: str
) -> Iterator[Finding]:
    yield from _within(step, key, name, value, unit.limits.get(limit), unit, symbol)


def _coat_findings(step: Step, coat: Coat, unit: UnitCapability, gap_um: float | None) -> Iterator[Finding]:
    yield from _limited(step, "coat.length", "length", coat.length_m, unit, "length_m", "m")
    yield from _limited(step, "coat.tension", "tension", coat.tension_n, unit, "tension_n", "N")
    zones = coat.zone_temperatures_c
    if unit.zones is not None and len(zones) != unit.zones:
        what = "1 drying zone is set" if len(zones) == 1 else f"{len(zones)} drying zones are set"
        needed = "one temperature is needed for each of the coater's zones"
        yield _refused(step, "coat.zones", f"{what}, {unit.name} has {unit.zones}: {needed}")
    for number, zone in enumerate(zones, start=1):
        window = unit.limits.get(f"zone{number}_c", unit.temperature_c)
        yield from _within(step, f"coat.zones[{number}]", f"zone {number}", zone, window, unit, "degC")
    speed = coat.web_speed_m_min
    yield from _within(step, "coat.web_speed", "web speed", speed, unit.web_speed_m_min, unit, "m/min")
    if gap_um is not None and _above(gap_um, unit.max_gap_um):
        what = f"the coating weight needs a gap of {gap_um:.0f} um, {unit.name} reaches {unit.max_gap_um:g} um"
        yield _refused(step, "coat.layer", what)


def _within(
    step: Step, key: str, name: str, value: float, window: Window | None, unit: UnitCapability, symbol: str
) -> Iterator[Finding]:
    if window is not None and not window.holds(value):
        limits = f"{window.lower:g} to {window.upper:g} {symbol}"
        yield _refused(step, key, f"{name} {value:g} {symbol}, {unit.name} reaches {limits}")


def _above(value: float, limit: float | None) -> bool:
    return limit is not None and value > limit


def _refused(step: Step, key: str, message: str) -> Finding:
    return Finding("refused", f"{step.name}: {message}", place_of(step, key))


def place_of(step: Step, key: str) -> Location:
    """Where a step's key stands, the step itself if it is not written."""
    return step.locations.get(key, step.location)
