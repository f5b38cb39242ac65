"""An inspection step: weigh and measure a lot, ask the lab, and let the estimate of every layer learn from it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from math import hypot, sqrt
from typing import Any

from controller.executor.allocation import instrument_for, unit_for
from controller.executor.fitness import checked_zero, marked, tell_used, zero_doubt
from controller.executor.gates import Again, Seen, pass_gate, pressed_again, scrap_if_missed
from controller.executor.holding import hold_idle
from controller.executor.judgement import COVERAGE, lose_track, tell_after_step
from controller.executor.press import learn_broken_off, repeat
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run, RunEnded
from controller.executor.tasks import MAYBE_DONE, ask, entered_facts
from drivers.errors import DriverError
from drivers.instrument import Instrument
from drivers.reading import Reading
from recipes.coated import Found, coat_facts
from recipes.facts import Evidence, doubted
from recipes.model import Entry, Inspect, LabMeasure
from recipes.plan import PlannedStep

LAB_QUANTITIES = {"composite_modulus": "GPa", "porosity": "%"}
LAB_PLAUSIBLE = {"composite_modulus": (0.0, 500.0), "porosity": (0.0, 95.0)}  # a value outside is a typing error
GIVEN_UP = "restart goes on, with no porosity until the lab has measured one"
LAB_WITHIN_S = 86400.0  # a laboratory answers within a day (engineering judgement)
DEFAULT_LAB_UNCERTAINTY = {"composite_modulus": 0.05, "porosity": 0.02}  # relative, for a lab that states none


async def perform_inspection(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Measures one lot and returns what the record says of it. Raises RunEnded, DriverError, JournalError."""
    step, inspect = planned.step, planned.step.inspect
    if inspect is None:
        raise TypeError(f"step {step.name} is no inspection")
    lot = step.consumes[0]
    if run.memory.is_at_gate:
        await _come_back(run, planned, lot)
    result = await _inspected(run, planned, inspect, lot)

    async def again(repressing: Again) -> None:
        await _pressed_again(run, planned, lot, repressing)
        result.update(await _inspected(run, planned, inspect, lot))

    outcome = await pass_gate(run, planned, lambda: _seen(result), again)
    scrap_if_missed(run, lot, outcome)
    await tell_after_step(run, step.name)
    return {"measurements": result}


async def _inspected(run: Run, planned: PlannedStep, inspect: Inspect, lot: str) -> dict[str, Any]:
    """Everything that is measured of the lot, once."""
    result: dict[str, Any] = {}
    for measure in inspect.measures:
        match measure:
            case "weight":
                result["weight"], _ = await _agreed(run, planned, "balance", "weighs", _weighed)
            case "thickness":
                result["thickness"] = await _thickness(run, planned)
            case _:
                result[measure] = await _lab(run, planned, measure, inspect.layers or planned.layers)
    if inspect.lab:
        result["lab"] = await _asked_of_lab(run, inspect.lab, planned.step.name, lot)
    return result


def _seen(result: Mapping[str, Any]) -> Seen:
    """What an inspection has measured, in a gate's terms; a thickness is of the whole lot with its foils."""
    seen: dict[str, tuple[float, float]] = {}
    if (thickness := result.get("thickness")) is not None:
        seen["thickness"] = thickness["thickness_um"], thickness["uncertainty_um"] / COVERAGE
    if (weight := result.get("weight")) is not None:
        seen["coating_weight"] = weight["coating_weight_mg_cm2"], weight["uncertainty_mg_cm2"] / COVERAGE
    return seen


async def _pressed_again(run: Run, planned: PlannedStep, lot: str, again: Again) -> None:
    """A lot goes back into a press as its gate asks, and comes out under the same name."""
    pressing = pressed_again(run.plan, planned)
    if pressing is None:
        raise TypeError(f"nothing can press the lot of {planned.step.name}")
    async with unit_for(run, pressing) as given:
        if given.unit is None:
            raise TypeError(f"{pressing.step.name} has no unit")
        tell_used(run, given.unit, given)
        machine, area_mm2 = run.line.machine(given.unit), run.metrology.area_mm2
        await ask(run, Prompt("load", f"Load {lot} into {given.unit}", (lot,), unit=given.unit, area_mm2=area_mm2))
        await repeat(run, given, machine, again)
        await ask(run, Prompt("unload", f"Take {lot} out of {given.unit}", (lot,), lot, given.unit))


async def _come_back(run: Run, planned: PlannedStep, lot: str) -> None:
    """A lot that was sent back to its press before the controller died comes out of it again, if it is still there."""
    broken_off, pressing = run.memory.broken_off, pressed_again(run.plan, planned)
    if broken_off is None or pressing is None:
        raise TypeError(f"nothing can press the lot of {planned.step.name}")
    unit = next((data["unit"] for data in broken_off.asked if data["action"] == "load"), None)
    if unit is None:
        return
    async with unit_for(run, replace(pressing, unit=unit)) as given:
        learn_broken_off(run, given, planned)
        if not any(data["action"] == "unload" and not data["wrong"] for data in broken_off.answered):
            text = f"{MAYBE_DONE}: Take {lot} out of {unit}"
            await ask(run, Prompt("unload", text, (lot,), lot, unit, may_be_done=True))


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


Measured = tuple[dict[str, Any], str | None]
"""What was measured, for the record, and in words what contradicts it, if anything does."""


async def _agreed(
    run: Run,
    planned: PlannedStep,
    kind: str,
    verb: str,
    measure: Callable[[Run, PlannedStep, str], Awaitable[Measured]],
) -> Measured:
    """Measures a lot. What contradicts the estimate is measured again, and then costs the estimate.

    A contradicting value is not used to correct the estimate, so nothing may rest on that estimate any more: its layers
    are not known until the lab has measured their porosity.
    """
    lot = planned.step.consumes[0]
    result, found = await measure(run, planned, lot)
    if found is None:
        return result, None
    with _contradicted(run, planned, kind, found):
        await hold_idle(run, f"{found} restart {verb} again", "pressline")
        result, found = await measure(run, planned, lot)
        if found is not None:
            await hold_idle(run, f"{found} {GIVEN_UP}", "pressline")
            lose_track(run, planned.layers)
    return result, found


@contextmanager
def _contradicted(run: Run, planned: PlannedStep, kind: str, found: str) -> Iterator[None]:
    """Within the block a measurement is too far from what was expected; a run that ends in it leaves that open."""
    unit = kind if kind == "lab" else run.line.instrument(kind).unit
    data = {"name": "innovation_implausible", "unit": unit, "item": run.name, "active": True, "message": found}
    run.tell("condition", data)
    try:
        yield
    except RunEnded:
        lose_track(run, planned.layers)
        raise
    finally:
        words = f"{unit}: agrees with what is expected, or the estimate is given up"
        run.tell("condition", {**data, "active": False, "message": words})


async def _weighed(run: Run, planned: PlannedStep, lot: str) -> Measured:
    balance, layer = run.line.instrument("balance"), planned.layers[0]
    reading, accuracy, doubt = await _placed(run, planned, balance)
    mass_g, uncertainty_g = float(reading.value), accuracy / sqrt(3)
    weight, uncertainty, is_plausible = run.metrology.weigh(
        layer, mass_g, uncertainty_g, planned.foils, run.solvent_pct.get(lot, 0.0)
    )
    result: dict[str, Any] = {
        "mass_g": mass_g,
        "coating_weight_mg_cm2": weight,
        "uncertainty_mg_cm2": COVERAGE * uncertainty,
    }
    result = marked(result, doubt)
    if not is_plausible:
        expected = run.plan.recipe.laminate.layers[layer].coating_weight_mg_cm2
        return result, (
            f"{balance.unit}: coating weight of {lot} is {weight:.2f} mg/cm2, about {expected:g} mg/cm2 was expected:"
            " wrong lot, wrong sheet, balance not zeroed?"
        )
    _know_sheet(run, planned, "coating_weight", (weight, uncertainty, None, None))
    return result, None


async def _thickness(run: Run, planned: PlannedStep) -> dict[str, Any]:
    result, found = await _agreed(run, planned, "gauge", "measures", _measured)
    if found is None and len(planned.layers) == 1:
        dense, dense_uncertainty = run.metrology.dense_um(planned.foils)
        uncertainty = hypot(result["uncertainty_um"] / COVERAGE, dense_uncertainty)
        _know_sheet(run, planned, "thickness", (result["thickness_um"] - dense, uncertainty, None, None))
    return result


def _know_sheet(run: Run, planned: PlannedStep, quantity: str, found: Found) -> None:
    """What an inspection tells of a coated sheet's one layer, for the rules on coatings."""
    recipe = run.plan.recipe
    coat = next((s.coat for s in recipe.steps if s.coat is not None and s.coat.layer == planned.layers[0]), None)
    if coat is None:
        return
    facts = coat_facts(
        coat,
        evidence=Evidence.MEASURED,
        source=planned.step.name,
        coating_weight_mg_cm2=found if quantity == "coating_weight" else None,
        thickness_um=found if quantity == "thickness" else None,
    )
    run.facts.add(doubted(facts, run.metrology.doubt_of(planned.layers[0])))


async def _measured(run: Run, planned: PlannedStep, lot: str) -> Measured:
    gauge = run.line.instrument("gauge")
    reading, accuracy, doubt = await _placed(run, planned, gauge)
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
    return marked(result, doubt), None if innovation.plausible else found


async def _placed(run: Run, planned: PlannedStep, instrument: Instrument) -> tuple[Reading, float, str]:
    """One stable reading of a step's lot, the instrument's accuracy (a bound) in its unit, and what makes it doubtful.

    The empty instrument's zero is looked at before; where the lot may lie on it already, because a controller died
    meanwhile, it is looked at afterwards.
    """
    lot, unit = planned.step.consumes[0], instrument.unit
    place = Prompt("place", f"Place {lot} on {unit}", (lot,), unit=unit)
    async with instrument_for(run, f"a measurement of {lot}", instrument):
        broken_off = run.memory.broken_off
        is_loaded = broken_off is not None and broken_off.was_asked(place)
        if not is_loaded:
            await checked_zero(run, instrument)
        await ask(run, place)
        reading = await _stable(run, instrument)
        await ask(run, Prompt("remove", f"Take {lot} off {unit}", (lot,), unit=unit))
        if broken_off is not None:
            broken_off.forget(place)
        off = await zero_doubt(run, instrument) if is_loaded else ""
    doubt = tell_used(run, unit, planned)
    if off:
        run.metrology.doubt(planned.layers, off)
    doubt = "; ".join(why for why in (doubt, off) if why)
    told = {"unit": unit, "lot": lot, "value": reading.value, "in": reading.unit}
    run.tell("measurement", {**told, "quality": "uncertain", "doubt": doubt} if doubt else told)
    return reading, instrument.signal.accuracy or 0.0, doubt


async def _stable(run: Run, instrument: Instrument) -> Reading:
    while True:
        try:
            return await instrument.stable()
        except DriverError as error:
            await hold_idle(run, f"{instrument.unit}: {error}; restart reads again", "pressline")


async def _lab(run: Run, planned: PlannedStep, quantity: str, layers: tuple[str, ...]) -> dict[str, dict[str, float]]:
    lot = planned.step.consumes[0]
    low, high = LAB_PLAUSIBLE[quantity]
    unit = LAB_QUANTITIES[quantity]
    names = {layer: f"{quantity}_{'gpa' if unit == 'GPa' else 'pct'}:{layer}" for layer in layers}
    entries = tuple(Entry(name, unit, (low + high) / 2, (high - low) / 2) for name in names.values())
    text = f"Lab: measure the {quantity.replace('_', ' ')} of {', '.join(layers)} of {lot}"
    prompt = Prompt("lab", text, (lot,), entries=entries, within_s=LAB_WITHIN_S)
    answer = await ask(run, prompt)
    found = [_contradiction(run, quantity, layer, name, answer, lot) for layer, name in names.items()]
    if reasons := [reason for reason in found if reason is not None]:
        with _contradicted(run, planned, "lab", "; ".join(reasons)):
            what = f"{'; '.join(reasons)}; restart asks the lab again and takes what it says"
            await hold_idle(run, what, "pressline")
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
