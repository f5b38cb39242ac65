"""Steps that a person carries out on equipment without a link, and enters: roll pressing and resting.

What is entered is judged like what a sensor says: outside the step's windows the run is held, and a person decides.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from controller.executor.holding import hold_idle
from controller.executor.judgement import refuse_before, tell_after_step
from controller.executor.prompts import ANSWER_WITHIN_S, Answer, Prompt
from controller.executor.run import Run
from controller.executor.tasks import ask
from drivers.wording import apart
from recipes.coated import Found, rest_facts, roll_press_facts
from recipes.facts import Evidence
from recipes.model import Entry, Window
from recipes.plan import PlannedStep
from recipes.units import converted

TYPING_FACTOR = 2.0  # an entered value that is off by more than this factor is a typing error and asked again
ROOM_C = (-20.0, 60.0)  # a room outside this is a typing error
TONNE_N = 9806.65  # exact: a kilogram-force is 9.80665 N


async def perform_roll_press(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Asks for one roll pressing and returns what the record says of it. Raises RunEnded, JournalError."""
    step, roll = planned.step, planned.step.roll_press
    if roll is None:
        raise TypeError(f"step {step.name} is no roll pressing")
    force_t = converted(roll.line_force_n, "N", "t") or 0.0
    density = roll.layer_density_g_cm3
    entries = (
        _about("line_force", force_t, "t"),
        _about("layer_density", density, "g/cm3"),
        Entry("environment_temperature", "degC", sum(ROOM_C) / 2, (ROOM_C[1] - ROOM_C[0]) / 2),
    )
    text = f"Roll press {step.consumes[0]} with {force_t:g} t to {density:g} g/cm3; measure the layer's density"
    await refuse_before(run, step.name)
    answer = await ask(run, Prompt("roll_press", text, step.consumes, step.produces, entries=entries))
    force_n = _found(answer, "line_force", TONNE_N)
    windows = {
        "line_force": (force_n[0], roll.line_force_window_n, "N"),
        "layer_density": (answer.values["layer_density"], roll.layer_density_window_g_cm3, "g/cm3"),
        "environment_temperature": (answer.values["environment_temperature"], roll.environment_window_c, "degC"),
    }
    run.facts.add(
        roll_press_facts(
            roll,
            planned.layers[0],
            evidence=Evidence.MEASURED,
            source=f"entered by {answer.by} with {step.name}",
            line_force_n=force_n,
            layer_density_g_cm3=_found(answer, "layer_density"),
            environment_c=_found(answer, "environment_temperature"),
        )
    )
    return await _finished(run, step.name, windows)


async def perform_rest(run: Run, planned: PlannedStep) -> dict[str, Any]:
    """Asks for one rest and returns what the record says of it. Raises RunEnded, JournalError."""
    step, rest = planned.step, planned.step.rest
    if rest is None:
        raise TypeError(f"step {step.name} is no rest")
    entries = [
        _about("time", rest.time_s, "s"),
        Entry("temperature", "degC", sum(ROOM_C) / 2, (ROOM_C[1] - ROOM_C[0]) / 2),
    ]
    if rest.humidity_pct is not None:
        entries.append(Entry("relative_humidity", "%", 50.0, 50.0))
    humid = f" and {rest.humidity_pct:g} % relative humidity" if rest.humidity_pct is not None else ""
    where = f"{rest.temperature_c:g} degC{humid}"
    text = f"Leave {step.consumes[0]} for {rest.time_s / 3600:g} h at {where}; enter what it was"
    await refuse_before(run, step.name)
    within_s = rest.time_window_s.upper + ANSWER_WITHIN_S
    prompt = Prompt("rest", text, step.consumes, step.produces, entries=tuple(entries), within_s=within_s)
    answer = await ask(run, prompt)
    windows = {
        "time": (answer.values["time"], rest.time_window_s, "s"),
        "temperature": (answer.values["temperature"], rest.temperature_window_c, "degC"),
    }
    if rest.humidity_window_pct is not None:
        windows["relative_humidity"] = (answer.values["relative_humidity"], rest.humidity_window_pct, "%")
    run.facts.add(
        rest_facts(
            rest,
            planned.layers[0] if planned.layers else "",
            evidence=Evidence.MEASURED,
            source=f"entered by {answer.by} with {step.name}",
            time_s=_found(answer, "time"),
            temperature_c=_found(answer, "temperature"),
            humidity_pct=_found(answer, "relative_humidity") if rest.humidity_pct is not None else None,
        )
    )
    return await _finished(run, step.name, windows)


def _about(name: str, expected: float, unit: str) -> Entry:
    return Entry(name, unit, expected, expected * (TYPING_FACTOR - 1.0))


def _found(answer: Answer, name: str, factor: float = 1.0) -> Found:
    uncertainty = answer.uncertainties.get(name)
    return answer.values[name] * factor, None if uncertainty is None else uncertainty * factor, None, None


async def _finished(run: Run, step: str, windows: Mapping[str, tuple[float, Window, str]]) -> dict[str, Any]:
    """Holds for what is outside its window, judges the rules, and gives the record's form."""
    outside = [
        f"{name.replace('_', ' ')} {apart(value, window.lower, window.upper)} {unit} is outside"
        f" {window.lower:g} to {window.upper:g} {unit}"
        for name, (value, window, unit) in windows.items()
        if not window.holds(value)
    ]
    if outside:
        await hold_idle(run, f"{step}: {'; '.join(outside)}; restart accepts it, stop scraps it", "pressline")
    await tell_after_step(run, step)
    return {
        "entered": {
            name: {"reached": value, "unit": unit, "window": [window.lower, window.upper]}
            for name, (value, window, unit) in windows.items()
        }
    }
