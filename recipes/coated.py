"""Facts of coating, roll pressing and resting in the rules' own terms, and how the rules call each layer there.

The plan makes them from setpoints (commanded), whoever runs a recipe from what was measured, with the same functions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from recipes.facts import Evidence, Fact
from recipes.model import Coat, Recipe, Rest, RollPress, Step, Window

Found = tuple[float, float | None, float | None, float | None]
"""A value with its standard uncertainty and its extremes, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Subjects:
    """How rules call a layer, its coating, its roll pressing, its rests and its slurry."""

    layer: str
    coating: str
    roll_press: str
    rests: tuple[str, ...]
    slurry: str


SUBJECTS: Mapping[str, Subjects] = {
    "heat_resistant": Subjects(
        "heat_resistant_layer", "heat_resistant_layer", "heat_resistant_roll_press", (), "hrl_slurry"
    ),
    "negative_electrode": Subjects(
        "negative_electrode_layer", "neg_coating", "neg_roll_press", ("neg_rest", "electrode_rest_1week"), "neg_slurry"
    ),
    "positive_electrode": Subjects(
        "positive_electrode_layer", "pos_coating", "pos_roll_press", ("pos_rest", "electrode_rest_1week"), "pos_slurry"
    ),
    "electrode": Subjects(
        "electrode_layer", "electrode_coating", "electrode_roll_press", ("electrode_rest",), "electrode_slurry"
    ),
}
"""By layer. Layers that are only pressed are called as in recipes.declared."""


def subjects(layer: str) -> Subjects:
    """How rules call a layer; layers that no document names are called by their own name."""
    return SUBJECTS.get(
        layer,
        Subjects(f"{layer}_layer", f"{layer}_coating", f"{layer}_roll_press", (f"{layer}_rest",), f"{layer}_slurry"),
    )


def coat_facts(
    coat: Coat,
    *,
    evidence: Evidence,
    source: str,
    coating_weight_mg_cm2: Found | None = None,
    zones_c: tuple[Found, ...] = (),
    web_speed_m_min: Found | None = None,
    residence_s: tuple[Found, ...] = (),
    thickness_um: Found | None = None,
) -> Iterator[Fact]:
    """What one coating is to reach or has reached: weight, zone temperatures and residence, web speed, thickness."""
    names = subjects(coat.layer)

    def fact(quantity: str, found: Found | None, unit: str, window: Window | None, subject: str = "") -> Iterator[Fact]:
        if found is not None:
            value, uncertainty, low, high = found
            own = (window.lower, window.upper) if window is not None else None
            subject = subject or names.coating
            yield Fact(subject, quantity, value, unit, evidence, source, uncertainty, low, high, own)

    yield from fact("coating_weight", coating_weight_mg_cm2, "mg/cm2", coat.coating_weight_window_mg_cm2)
    yield from fact("web_speed", web_speed_m_min, "m/min", coat.web_speed_window_m_min)
    yield from fact("thickness", thickness_um, "um", coat.thickness_window_um, names.layer)
    for number, zone in enumerate(zones_c, start=1):
        setpoint = coat.zone_temperatures_c[number - 1]
        band = Window(setpoint - coat.zone_window_k, setpoint + coat.zone_window_k)
        yield from fact(f"zone{number}_temperature", zone, "degC", band)
    for number, time in enumerate(residence_s, start=1):
        window = coat.zone_residence_window_s[number - 1] if coat.zone_residence_window_s is not None else None
        yield from fact(f"zone{number}_residence_time", time, "s", window)
    if len(set(coat.zone_temperatures_c)) == 1 and zones_c:
        band = Window(
            coat.zone_temperatures_c[0] - coat.zone_window_k, coat.zone_temperatures_c[0] + coat.zone_window_k
        )
        yield from fact("drying_temperature", _together(zones_c, mean=True), "degC", band)
    if residence_s:
        windows = coat.zone_residence_window_s
        total = Window(sum(w.lower for w in windows), sum(w.upper for w in windows)) if windows is not None else None
        yield from fact("drying_time", _together(residence_s, mean=False), "s", total)


def _together(found: tuple[Found, ...], *, mean: bool) -> Found:
    """Zones as one: the mean with all extremes, or the sum."""
    values = [item[0] for item in found]
    known = [item[1] for item in found if item[1] is not None]
    uncertainty = (max(known) if mean else sum(known)) if len(known) == len(found) else None
    if not mean:
        return sum(values), uncertainty, None, None
    seen = [value for item in found for value in (item[0], item[2], item[3]) if value is not None]
    return sum(values) / len(values), uncertainty, min(seen), max(seen)


def roll_press_facts(
    roll: RollPress,
    layer: str,
    *,
    evidence: Evidence,
    source: str,
    line_force_n: Found | None,
    layer_density_g_cm3: Found | None,
    environment_c: Found | None = None,
) -> Iterator[Fact]:
    """What one roll pressing is to reach or has reached: force over the web's width, layer density, room."""
    subject = subjects(layer).roll_press
    for quantity, found, unit, window in (
        ("line_force", line_force_n, "N", roll.line_force_window_n),
        ("layer_density", layer_density_g_cm3, "g/cm3", roll.layer_density_window_g_cm3),
        ("environment_temperature", environment_c, "degC", roll.environment_window_c),
    ):
        if found is not None:
            yield Fact(subject, quantity, found[0], unit, evidence, source, *found[1:], (window.lower, window.upper))


def rest_facts(
    rest: Rest,
    layer: str,
    *,
    evidence: Evidence,
    source: str,
    time_s: Found,
    temperature_c: Found,
    humidity_pct: Found | None,
) -> Iterator[Fact]:
    """What one rest is to be or was: time, temperature and relative humidity of the room."""
    for subject in subjects(layer).rests:
        for quantity, found, unit, window in (
            ("time", time_s, "s", rest.time_window_s),
            ("temperature", temperature_c, "degC", rest.temperature_window_c),
            ("relative_humidity", humidity_pct, "%", rest.humidity_window_pct),
        ):
            if found is not None:
                own = (window.lower, window.upper) if window is not None else None
                yield Fact(subject, quantity, found[0], unit, evidence, source, *found[1:], own)


def exactly(value: float) -> Found:
    """A setpoint: it is what it is."""
    return value, None, None, None


def commanded_facts(recipe: Recipe, step: Step, layers: tuple[str, ...]) -> Iterator[Fact]:
    """What a coating, roll pressing or rest is set to; layers are in the lot that the step makes."""
    source = f"recipe {recipe.name}, {step.name}"
    layer = layers[0] if len(layers) == 1 else ""
    if (coat := step.coat) is not None:
        yield from coat_facts(
            coat,
            evidence=Evidence.COMMANDED,
            source=source,
            coating_weight_mg_cm2=exactly(recipe.laminate.layers[coat.layer].coating_weight_mg_cm2),
            zones_c=tuple(exactly(zone) for zone in coat.zone_temperatures_c),
            web_speed_m_min=exactly(coat.web_speed_m_min),
            residence_s=tuple(exactly(time) for time in coat.zone_residence_s or ()),
            thickness_um=exactly(coat.thickness_um) if coat.thickness_um is not None else None,
        )
    elif (roll := step.roll_press) is not None:
        yield from roll_press_facts(
            roll,
            layer,
            evidence=Evidence.COMMANDED,
            source=source,
            line_force_n=exactly(roll.line_force_n),
            layer_density_g_cm3=exactly(roll.layer_density_g_cm3),
        )
    elif (rest := step.rest) is not None:
        yield from rest_facts(
            rest,
            layer,
            evidence=Evidence.COMMANDED,
            source=source,
            time_s=exactly(rest.time_s),
            temperature_c=exactly(rest.temperature_c),
            humidity_pct=exactly(rest.humidity_pct) if rest.humidity_pct is not None else None,
        )
