"""What a plan expects: porosities by the materials' law, and how long each step takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import sqrt

from recipes.declared import modulus_facts, porosity_facts
from recipes.facts import Evidence, Fact
from recipes.lots import Contents
from recipes.model import Coat, Press, PressMethod, Recipe, Step, Window

HANDLING_S = 40.0
"""A person stacks, peels, bags, loads or unloads in about this time (engineering judgement)."""
MEASURING_S = 30.0
"""Placing a lot, a stable reading, taking it off again (engineering judgement)."""
AT_THE_LINE = ("weight", "thickness")
"""What somebody at the line measures; everything else is the laboratory's."""
ROLLING_S = 60.0
"""A short web through a laboratory roll press at some metres a minute (engineering judgement)."""
PLATEN_APPROACH_S = 10.0
VESSEL_CLOSING_S = 60.0
"""Closing, locking, filling, and draining and unlocking afterwards (engineering judgement)."""
ZONE_LENGTH_M = 0.6
"""One drying zone of the generic coater, with its share of the way from the head."""
WARMING_S = 60.0
"""Dryer zones into their band, from a preheated dryer (engineering judgement)."""
SLOW_START, SLOW_START_FACTOR = 0.05, 5.0
"""An isostatic press makes the first 5 % of its pressure at a fifth of the ramp."""
SLOW_END_MPA, SLOW_END_MPA_S = 50.0, 1.0
"""Below 50 MPa it decompresses slowly: gas leaves the pores."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Porosities by step and layer as (before %, after %, standard uncertainty of after), and the estimated facts.

    modulus_gpa holds the composite modulus after each step with its standard uncertainty, of layers with such a law.
    """

    porosities: Mapping[str, Mapping[str, tuple[float, float, float]]]
    facts: tuple[Fact, ...]
    modulus_gpa: Mapping[str, Mapping[str, tuple[float, float]]] = field(default_factory=dict)


def predict(recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]) -> Prediction:
    """Predicts all pressings of ordered steps with the shipped materials; loads numpy where something is pressed.

    A layer without a material keeps the porosity that is declared, and its prediction is left out.
    """
    rolled = _rolled(recipe, steps, lots)
    if not any(step.press is not None for step in steps):
        return Prediction(rolled, ())
    from recipes.materials.estimate import LaminateEstimate
    from recipes.materials.library import load_materials

    materials = load_materials()
    layers_known = {name: layer for name, layer in recipe.laminate.layers.items() if name in materials}
    estimate = LaminateEstimate(layers_known, materials)
    source = "prediction by the compaction law"
    presses = [
        (step, press, tuple(name for name in lots[step.produces or ""].layers if name in layers_known))
        for step in steps
        if (press := step.press) is not None
    ]
    facts: list[Fact] = []
    moduli: dict[str, dict[str, tuple[float, float]]] = {}
    for number, (step, press, layers) in enumerate(presses, start=1):
        u_pressure = _uncertainty(press.pressure_window_mpa, press.pressure_mpa)
        ramp_s = press.pressure_mpa / press.ramp_mpa_s
        u_temperature = _uncertainty(press.temperature_window_c, press.temperature_c)
        estimate.press(
            layers, press.pressure_mpa, press.temperature_c, press.dwell_s, u_pressure, u_temperature, ramp_s
        )
        for layer in layers:
            if (modulus := estimate.composite_modulus_gpa(layer)) is None:
                continue
            moduli.setdefault(step.name, {})[layer] = modulus
            if step.role is not None:
                final = number == len(presses)
                facts += modulus_facts(
                    step.role or "", layer, modulus, evidence=Evidence.ESTIMATED, source=source, final=final
                )
    porosities: dict[str, dict[str, tuple[float, float, float]]] = dict(rolled)
    known: dict[str, tuple[float, float]] = {}
    for number, (step, _, layers) in enumerate(presses, start=1):
        porosities[step.name] = {}
        for layer in layers:
            before = known[layer] if layer in known else estimate.porosity_pct(layer, number - 1)
            after = known[layer] = estimate.porosity_pct(layer, number)
            porosities[step.name][layer] = (before[0], *after)
            if step.role is not None:
                facts += porosity_facts(
                    step.role,
                    layer,
                    before=before,
                    after=after,
                    decrease=estimate.decrease_pct(layer, number),
                    evidence=Evidence.ESTIMATED,
                    source=source,
                    final=number == len(presses),
                )
    return Prediction(porosities, tuple(facts), moduli)


def _rolled(
    recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Roll pressings: the wanted density is what is left of the porosity, with the window as its bound."""
    found: dict[str, dict[str, tuple[float, float, float]]] = {}
    for step in steps:
        roll, layers = step.roll_press, lots[step.produces].layers if step.produces is not None else ()
        if roll is None or len(layers) != 1:
            continue
        layer = recipe.laminate.layers[layers[0]]
        after = max(0.0, 100.0 * (1.0 - roll.layer_density_g_cm3 / layer.true_density_g_cm3))
        width = roll.layer_density_window_g_cm3.upper - roll.layer_density_window_g_cm3.lower
        half_pct = 50.0 * width / layer.true_density_g_cm3
        found[step.name] = {layers[0]: (layer.porosity_pct, after, half_pct / sqrt(3.0))}
    return found


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a step, in s. by_person says that somebody at the line is busy with it all the time."""

    seconds: float
    by_person: bool


def parts(step: Step) -> tuple[Part, ...]:
    """The stretches of a step, one after the other, on preheated presses: handling, the machine's work, handling.

    Of an inspection one for each measurement; what rests or is in the laboratory keeps nobody at the line.
    """
    if step.rest is not None:
        return (Part(step.rest.time_s, by_person=False),)
    if step.roll_press is not None:
        return (Part(2.0 * HANDLING_S + ROLLING_S, by_person=True),)
    if step.inspect is not None:
        measured = [Part(MEASURING_S, by_person=measure in AT_THE_LINE) for measure in step.inspect.measures]
        return (*measured, *(Part(MEASURING_S, by_person=False) for _ in step.inspect.lab))
    if step.press is not None:
        work_s = sum(_press_phases_s(step.press))
    elif step.coat is not None:
        work_s = sum(_coat_phases_s(step.coat))
    else:
        return (Part(HANDLING_S, by_person=True),)
    handling = Part(HANDLING_S, by_person=True)
    return handling, Part(work_s, by_person=False), handling


def duration_s(step: Step) -> float:
    """How long a step is expected to take, with handling, on preheated presses."""
    return sum(part.seconds for part in parts(step))


def _press_phases_s(press: Press) -> Iterator[float]:
    ramp = press.pressure_mpa / press.ramp_mpa_s
    if press.method is PressMethod.UNIAXIAL:
        yield PLATEN_APPROACH_S
        yield ramp
        yield press.pressure_mpa / press.release_mpa_s
    else:
        yield VESSEL_CLOSING_S + press.soak_s
        yield ramp * (1.0 - SLOW_START + SLOW_START * SLOW_START_FACTOR)
        yield max(0.0, press.pressure_mpa - SLOW_END_MPA) / press.release_mpa_s
        yield min(press.pressure_mpa, SLOW_END_MPA) / min(SLOW_END_MPA_S, press.release_mpa_s)
    yield press.dwell_s


def _coat_phases_s(coat: Coat) -> Iterator[float]:
    yield WARMING_S
    yield 60.0 * (coat.length_m + ZONE_LENGTH_M * len(coat.zone_temperatures_c)) / coat.web_speed_m_min


def _uncertainty(window: Window, value: float) -> float:
    """Standard uncertainty of a dwell mean: the nearer edge of its window as the bound of an even distribution.

    The further edge leaves room for what passes before the dwell, such as the heat of compression.
    """
    return min(window.upper - value, value - window.lower) / sqrt(3.0)
