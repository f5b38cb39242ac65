"""What a plan expects: porosities by the materials' law, and how long each step takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

from recipes.declared import modulus_facts, porosity_facts
from recipes.facts import Evidence, Fact
from recipes.lots import Contents
from recipes.model import Coat, Press, PressMethod, Recipe, Step, Window

HANDLING_S = 40.0
"""A person stacks, peels, bags, loads or unloads in about this time (engineering judgement)."""
MEASURING_S = 30.0
"""Placing a lot, a stable reading, taking it off again (engineering judgement)."""
PLATEN_APPROACH_S = 10.0
VESSEL_CLOSING_S = 60.0
"""Closing, locking, filling, and draining and unlocking afterwards (engineering judgement)."""
DRYER_LENGTH_M = 1.2
"""Head and two zones of the generic coater."""
WARMING_S = 60.0
"""Dryer zones into their band, from a preheated dryer (engineering judgement)."""
SLOW_START, SLOW_START_FACTOR = 0.05, 5.0
"""An isostatic press makes the first 5 % of its pressure at a fifth of the ramp."""
SLOW_END_MPA, SLOW_END_MPA_S = 50.0, 1.0
"""Below 50 MPa it decompresses slowly: gas leaves the pores."""


@dataclass(frozen=True, slots=True)
class Prediction:
    """Porosities by step and layer as (before %, after %, standard uncertainty of after), and the estimated facts."""

    porosities: Mapping[str, Mapping[str, tuple[float, float, float]]]
    facts: tuple[Fact, ...]


def predict(recipe: Recipe, steps: Sequence[Step], lots: Mapping[str, Contents]) -> Prediction:
    """Predicts all pressings of ordered steps with the shipped materials; loads numpy.

    Raises KeyError when a layer has no material.
    """
    from recipes.materials.estimate import LaminateEstimate
    from recipes.materials.library import load_materials

    estimate = LaminateEstimate(recipe.laminate.layers, load_materials())
    source = "prediction by the compaction law"
    presses = [(step, press, lots[step.produces or ""].layers) for step in steps if (press := step.press) is not None]
    facts: list[Fact] = []
    for number, (step, press, layers) in enumerate(presses, start=1):
        u_pressure = _uncertainty(press.pressure_window_mpa, press.pressure_mpa)
        ramp_s = press.pressure_mpa / press.ramp_mpa_s
        u_temperature = _uncertainty(press.temperature_window_c, press.temperature_c)
        estimate.press(
            layers, press.pressure_mpa, press.temperature_c, press.dwell_s, u_pressure, u_temperature, ramp_s
        )
        for layer in layers if step.role is not None else ():
            if (modulus := estimate.composite_modulus_gpa(layer)) is not None:
                final = number == len(presses)
                facts += modulus_facts(
                    step.role or "", layer, modulus, evidence=Evidence.ESTIMATED, source=source, final=final
                )
    porosities: dict[str, dict[str, tuple[float, float, float]]] = {}
    for number, (step, _, layers) in enumerate(presses, start=1):
        porosities[step.name] = {}
        for layer in layers:
            before, after = estimate.porosity_pct(layer, number - 1), estimate.porosity_pct(layer, number)
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
    return Prediction(porosities, tuple(facts))


def duration_s(step: Step) -> float:
    """How long a step is expected to take, with handling, on preheated presses."""
    if step.press is not None:
        return 2.0 * HANDLING_S + sum(_press_phases_s(step.press))
    if step.coat is not None:
        return 2.0 * HANDLING_S + sum(_coat_phases_s(step.coat))
    if step.inspect is not None:
        return MEASURING_S * len(step.inspect.measures)
    return HANDLING_S


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
    yield 60.0 * (coat.length_m + DRYER_LENGTH_M) / coat.web_speed_m_min


def _uncertainty(window: Window, value: float) -> float:
    """Standard uncertainty of a dwell mean: the nearer edge of its window as the bound of an even distribution.

    The further edge leaves room for what passes before the dwell, such as the heat of compression.
    """
    return min(window.upper - value, value - window.lower) / sqrt(3.0)
