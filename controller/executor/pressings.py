"""What the pressings of one step come to: the law learns each of them, the rules see them as one.

A step presses more than once when a held job was given up and a person pressed again, or when a gate asked for it. The
law's drive counts the highest pressure and every time; the rules ask for the pressure, the temperature and the time of
the step, and get the highest pressing's, with all extremes, and the whole time under pressure.
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from controller.executor.dwell import Reached
from controller.executor.fitness import doubt_of
from controller.executor.run import Run
from controller.executor.windows import PressWatch
from recipes.declared import press_facts
from recipes.facts import Evidence, doubted
from recipes.model import Press
from recipes.plan import PlannedStep

DWELL_TOLERANCE_S = 0.1  # the machine's timer counts whole scans
UNWATCHED = ", not watched while no controller was there: the machine's own dwell record, no extremes"


def merged(first: Reached | None, second: Reached) -> Reached:
    """Two pressings of one step as one: the last one's dwell, the highest pressure, all extremes, the whole time."""
    if first is None:
        return second
    higher = first if first.pressure_mpa > second.pressure_mpa else second
    return replace(
        second,
        pressure_mpa=higher.pressure_mpa,
        pressure_low_mpa=higher.pressure_low_mpa,
        pressure_high_mpa=higher.pressure_high_mpa,
        pressure_uncertainty_mpa=higher.pressure_uncertainty_mpa,
        pressure_max_mpa=max(first.pressure_max_mpa, second.pressure_max_mpa),
        temperature_low_c=min(first.temperature_low_c, second.temperature_low_c),
        temperature_high_c=max(first.temperature_high_c, second.temperature_high_c),
        held_s=second.held_s + first.dwell_s + first.held_s,
        is_whole=first.is_whole and second.is_whole,
    )


def given_up(watch: PressWatch, accuracy_mpa: float, accuracy_k: float) -> Reached | None:
    """What a job came to that did not come to its end, as far as it was seen; None before its pressure was built."""
    temperature_c = watch.temperature.mean or watch.laminate.value_c
    if not watch.is_building or temperature_c is None:
        return None
    seen = watch.temperature.count > 0
    mean_mpa = watch.pressure.mean or watch.pressure_max_mpa
    return Reached(
        pressure_mpa=mean_mpa,
        pressure_low_mpa=watch.pressure.low if seen else mean_mpa,
        pressure_high_mpa=watch.pressure.high if seen else mean_mpa,
        pressure_max_mpa=watch.pressure_max_mpa,
        pressure_uncertainty_mpa=accuracy_mpa / sqrt(3),
        temperature_c=temperature_c,
        temperature_low_c=watch.temperature.low if seen else temperature_c,
        temperature_high_c=watch.temperature.high if seen else temperature_c,
        temperature_uncertainty_k=accuracy_k / sqrt(3) + watch.laminate.spread_k,
        dwell_s=(watch.dwell_seen_s or 0.0) + watch.held_s,
        held_s=0.0,
    )


def learn(run: Run, planned: PlannedStep, press: Press, reached: Reached) -> None:
    """The law learns one pressing, with what makes it doubtful now: a day may have ended since the step began."""
    if doubt := doubt_of(run, planned.unit):
        run.metrology.doubt(planned.layers, doubt)
    run.metrology.press(
        planned.step.name,
        planned.layers,
        (reached.pressure_mpa, reached.pressure_uncertainty_mpa),
        (reached.temperature_c, reached.temperature_uncertainty_k),
        reached.dwell_s,
        reached.pressure_mpa / press.ramp_mpa_s,
    )


def tell_facts(run: Run, planned: PlannedStep, press: Press, reached: Reached) -> None:
    """What a step has reached with all its pressings so far becomes facts for the rules."""
    step = planned.step
    run.pressings[step.name] = reached
    run.reached_mpa[step.name] = reached.pressure_max_mpa
    if step.role is None:
        return
    facts = press_facts(
        step.role,
        evidence=Evidence.MEASURED,
        source=f"{planned.unit}, {step.name}" + ("" if reached.is_whole else UNWATCHED),
        method=press.method.value,
        pressure_mpa=reached.pressure_mpa,
        pressure_uncertainty_mpa=reached.pressure_uncertainty_mpa,
        pressure_extremes_mpa=_extremes(reached, reached.pressure_low_mpa, reached.pressure_high_mpa),
        temperature_c=reached.temperature_c,
        temperature_uncertainty_k=reached.temperature_uncertainty_k,
        temperature_extremes_c=_extremes(reached, reached.temperature_low_c, reached.temperature_high_c),
        time_s=reached.dwell_s + reached.held_s,
        time_uncertainty_s=DWELL_TOLERANCE_S / sqrt(3),
    )
    run.facts.add(doubted(facts, doubt_of(run, planned.unit)))


def _extremes(reached: Reached, low: float, high: float) -> tuple[float, float] | None:
    """Nothing is claimed of extremes that may lie in a part that nobody watched."""
    return (low, high) if reached.is_whole else None
