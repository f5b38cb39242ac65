"""An inspection step: weigh and measure a lot, ask the lab, and let the estimate of every layer learn from it."""

from __future__ import annotations

from math import hypot, sqrt
from typing import Any

from controller.executor.holding import hold_idle
from controller.executor.judgement import COVERAGE, lose_track, tell_after_step
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from controller.executor.tasks import ask, entered_facts
from drivers.errors import DriverError
from drivers.instrument import Instrument
from drivers.reading import Reading
from recipes.coated import Found, coat_facts
from recipes.facts import Evidence
from recipes.model import Entry, LabMeasure
from recipes.plan import PlannedStep

LAB_QUANTITIES = {"composite_modulus": "GPa", "porosity": "%"}
LAB_PLAUSIBLE = {"composite_modulus": (0.0, 500.0), "porosity": (0.0, 95.0)}  # a value outside is a typing error
LAB_WITHIN_S = 86400.0  # a laboratory answers within a day (engineering judgement)
DEFAULT_LAB_UNCERTAINTY = {"composite_modulus": 0.05, "porosity": 0.02}  # relative, for a lab that states none


async def perform_inspection(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Measures one lot and returns what the record says of it. Raises RunEnded, DriverError, JournalError."""
    step, inspect = planned.step, planned.step.inspect
    if inspect is None:
        raise TypeError(f"step {step.name} is no inspection")
    lot = step.consumes[0]
    result: dict[str, Any] = {}
    for measure in inspect.measures:
        match measure:
            case "weight":
                result["weight"] = await _weigh(run, planned, lot)
            case "thickness":
                result["thickness"] = await _thickness(run, planned, lot)
            case _:
                result[measure] = await _lab(run, measure, inspect.layers or planned.layers, lot)
    if inspect.lab:
        result["lab"] = await _asked_of_lab(run, inspect.lab, step.name, lot)
    await tell_after_step(run, step.name)
    return {"measurements": result}


def _expanded(uncertainty: float | None) -> float | None:
    return None if uncertainty is None else COVERAGE * uncertainty


async def _asked_of_lab(run: Run, lab: tuple[LabMeasure, ...], step: str, lot: str) -> dict[str, Any]:
    """Values in the rule packs' own terms; what the laboratory does not measure stays unknown."""
    entries = tuple(Entry(m.quantity, m.unit, (m.low + m.high) / 2, (m.high - m.low) / 2, m.subject) for m in lab)
    wanted = ", ".join(f"{m.quantity.replace('_', ' ')} of {m.subject.replace('_', ' ')}" for m in lab)
    text = f"Lab: measure the {wanted} of {lot}"
    prompt = Prompt("lab", text, (lot,), entries=entries, is_optional=True, within_s=LAB_WITHIN_S)
    answer = await ask(run, prompt)
    run.facts.add(entered_facts(entries, answer, step))
    return {
        m.quantity: {"of": m.subject, "value": answer.values.get(m.quantity), "unit": m.unit}
        | {"uncertainty": _expanded(answer.uncertainties.get(m.quantity))}
        for m in lab
    }


async def _weigh(run: Run, planned: PlannedStep, lot: str) -> dict[str, float]:
    """Weighs a coated sheet. What contradicts the estimate is weighed again, and then costs the estimate."""
    result, found = await _weighed(run, planned, lot)
    if found is not None:
        await hold_idle(run, f"{found} restart weighs again", "pressline")
        result, found = await _weighed(run, planned, lot)
    if found is not None:
        await hold_idle(run, f"{found} restart goes on, with no porosity until the lab has measured one", "pressline")
        lose_track(run, planned.layers)
    return result


async def _weighed(run: Run, planned: PlannedStep, lot: str) -> tuple[dict[str, float], str | None]:
    """One weighing, and in words what contradicts it, if anything does."""
    balance, layer = run.line.instrument("balance"), planned.layers[0]
    reading, accuracy = await _placed(run, balance, lot)
    mass_g, uncertainty_g = float(reading.value), accuracy / sqrt(3)
    weight, uncertainty, is_plausible = run.metrology.weigh(
        layer, mass_g, uncertainty_g, planned.foils, run.solvent_pct.get(lot, 0.0)
    )
    result = {"mass_g": mass_g, "coating_weight_mg_cm2": weight, "uncertainty_mg_cm2": COVERAGE * uncertainty}
    if not is_plausible:
        expected = run.plan.recipe.laminate.layers[layer].coating_weight_mg_cm2
        return result, (
            f"{balance.unit}: coating weight of {lot} is {weight:.2f} mg/cm2, about {expected:g} mg/cm2 was expected:"
            " wrong lot, wrong sheet, balance not zeroed?"
        )
    _know_sheet(run, planned, "coating_weight", (weight, uncertainty, None, None))
    return result, None


async def _thickness(run: Run, planned: PlannedStep, lot: str) -> dict[str, Any]:
    """Measures a lot's thickness. What contradicts the estimate is measured again, and then costs the estimate.

    A contradicting value is not used to correct the estimate, so nothing may rest on that estimate any more: its layers
    are not known until the lab has measured their porosity.
    """
    result, found = await _measured(run, planned, lot)
    if found is not None:
        await hold_idle(run, f"{found} restart measures again", "pressline")
        result, found = await _measured(run, planned, lot)
    if found is None and len(planned.layers) == 1:
        dense, dense_uncertainty = run.metrology.dense_um(planned.foils)
        uncertainty = hypot(result["uncertainty_um"] / COVERAGE, dense_uncertainty)
        _know_sheet(run, planned, "thickness", (result["thickness_um"] - dense, uncertainty, None, None))
    if found is not None:
        await hold_idle(run, f"{found} restart goes on, with no porosity until the lab has measured one", "pressline")
        lose_track(run, planned.layers)
    return result


def _know_sheet(run: Run, planned: PlannedStep, quantity: str, found: Found) -> None:
    """What an inspection tells of a coated sheet's one layer, for the rules on coatings."""
    recipe = run.plan.recipe
    coat = next((s.coat for s in recipe.steps if s.coat is not None and s.coat.layer == planned.layers[0]), None)
    if coat is None:
        return
    run.facts.add(
        coat_facts(
            coat,
            evidence=Evidence.MEASURED,
            source=planned.step.name,
            coating_weight_mg_cm2=found if quantity == "coating_weight" else None,
            thickness_um=found if quantity == "thickness" else None,
        )
    )


async def _measured(run: Run, planned: PlannedStep, lot: str) -> tuple[dict[str, Any], str | None]:
    """One thickness, and in words what contradicts it, if anything does."""
    gauge = run.line.instrument("gauge")
    reading, accuracy = await _placed(run, gauge, lot)
    value = float(reading.value)
    innovation = run.metrology.thickness(value, accuracy / sqrt(3), planned.layers, planned.foils)
    result = {
        "thickness_um": value,
        "uncertainty_um": COVERAGE * accuracy / sqrt(3),
        "innovation_um": innovation.value,
        "innovation_sigma_um": innovation.sigma,
        "plausible": innovation.plausible,
    }
    found = (
        f"{gauge.unit}: thickness of {lot} is {value:.1f} um, {innovation.value:+.1f} um from what was expected"
        f" (standard deviation {innovation.sigma:.1f} um): wrong lot, wrong sheet, drifted gauge, other material?"
    )
    return result, None if innovation.plausible else found


async def _placed(run: Run, instrument: Instrument, lot: str) -> tuple[Reading, float]:
    """One stable reading of a lot, and the instrument's accuracy (a bound) in the reading's unit."""
    with run.line.lease(instrument.unit, run.name):
        await ask(run, Prompt("place", f"Place {lot} on {instrument.unit}", (lot,), unit=instrument.unit))
        reading = await _stable(run, instrument)
        await ask(run, Prompt("remove", f"Take {lot} off {instrument.unit}", (lot,), unit=instrument.unit))
    run.tell("measurement", {"unit": instrument.unit, "lot": lot, "value": reading.value, "in": reading.unit})
    return reading, instrument.signal.accuracy or 0.0


async def _stable(run: Run, instrument: Instrument) -> Reading:
    while True:
        try:
            return await instrument.stable()
        except DriverError as error:
            await hold_idle(run, f"{instrument.unit}: {error}; restart reads again", "pressline")


async def _lab(run: Run, quantity: str, layers: tuple[str, ...], lot: str) -> dict[str, dict[str, float]]:
    low, high = LAB_PLAUSIBLE[quantity]
    unit = LAB_QUANTITIES[quantity]
    names = {layer: f"{quantity}_{'gpa' if unit == 'GPa' else 'pct'}:{layer}" for layer in layers}
    entries = tuple(Entry(name, unit, (low + high) / 2, (high - low) / 2) for name in names.values())
    text = f"Lab: measure the {quantity.replace('_', ' ')} of {', '.join(layers)} of {lot}"
    prompt = Prompt("lab", text, (lot,), entries=entries, within_s=LAB_WITHIN_S)
    answer = await ask(run, prompt)
    found = [_contradiction(run, quantity, layer, name, answer, lot) for layer, name in names.items()]
    if reasons := [reason for reason in found if reason is not None]:
        await hold_idle(run, f"{'; '.join(reasons)}; restart asks the lab again and takes what it says", "pressline")
        answer = await ask(run, prompt)
    return {layer: _lab_value(run, quantity, layer, name, answer) for layer, name in names.items()}


def _stated(quantity: str, name: str, answer: Answer) -> tuple[float, float]:
    """A laboratory's value and its standard uncertainty."""
    value = answer.values[name]
    return value, answer.uncertainties.get(name, DEFAULT_LAB_UNCERTAINTY[quantity] * value)


def _contradiction(run: Run, quantity: str, layer: str, name: str, answer: Answer, lot: str) -> str | None:
    """What contradicts the estimate of a layer that something is known of: it may be another lot's value."""
    value, uncertainty = _stated(quantity, name, answer)
    expected = run.metrology.expected(layer, quantity)
    if expected is None or run.metrology.agrees((value, uncertainty), expected):
        return None
    unit = LAB_QUANTITIES[quantity]
    return (
        f"lab: {quantity.replace('_', ' ')} of {layer} of {lot} is {value:.4g} {unit}, {expected[0]:.4g} {unit} was"
        f" expected (standard deviation {hypot(uncertainty, expected[1]):.2g} {unit}): another lot, another layer?"
    )


def _lab_value(run: Run, quantity: str, layer: str, name: str, answer: Answer) -> dict[str, float]:
    value, uncertainty = _stated(quantity, name, answer)
    run.metrology.lab(layer, quantity, value, uncertainty)
    return {"value": value, "uncertainty": COVERAGE * uncertainty}
