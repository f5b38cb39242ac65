"""In which state a unit is when something rests on it: its calibration, its zero, and the cycles that it may still do.

A value of an instrument or a machine whose calibration is overdue is used and marked; no rule passes on it. An
instrument that is off its zero measures nothing until somebody has seen to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from controller.calibration import Calibration, calibration_data
from controller.executor.holding import hold_idle
from controller.executor.run import Run
from controller.journal import Journal
from drivers.errors import DriverError, OutOfRange
from drivers.instrument import Instrument
from drivers.reading import Reading
from recipes.plan import PlannedStep

OVERDUE, ZERO_OFF = "calibration_not_valid", "zero_off"
DAY = len("2026-03-02")


def doubt_of(run: Run, unit: str | None) -> str:
    """Why nothing may rest on a unit's values now, in words; "" if it may."""
    known = None if unit is None else run.line.fitness_of(unit).calibration
    return "" if known is None or unit is None else str(_met(run, unit, known)["doubt"])


def _met(run: Run, unit: str, known: Calibration) -> dict[str, Any]:
    """A calibration as it is now; by the record's latest time where the computer's clock is behind it."""
    now, latest = run.journal.now(), run.journal.latest_utc
    data = calibration_data(unit, known, max(now, latest))
    if data["doubt"] and latest[:DAY] > now[:DAY]:
        data["doubt"] += f"; the clock of this computer says {now[:DAY]}, which is before its own record"
    return data


def tell_used(run: Run, unit: str | None, planned: PlannedStep) -> str:
    """Tells with which calibration a unit is used, where one is stated, and marks what will rest on it.

    Returns the doubt, "" if there is none.
    """
    if unit is None or (known := run.line.fitness_of(unit).calibration) is None:
        return ""
    data = _met(run, unit, known)
    run.tell("calibration.met", {**data, "step": planned.step.name, "lots": list(planned.step.consumes)})
    doubt = str(data["doubt"])
    if doubt:
        run.metrology.doubt(planned.layers, doubt)
    _condition(run, OVERDUE, unit, doubt, f"the calibration of {unit} is valid")
    return doubt


def tell_calibrations(run: Run) -> None:
    """Tells at the start which units of the line are out of calibration, before anything is made with them."""
    for unit in run.line.fitness:
        if run.line.fitness_of(unit).calibration is not None:
            _condition(run, OVERDUE, unit, doubt_of(run, unit), f"the calibration of {unit} is valid")


def marked(result: dict[str, Any], doubt: str) -> dict[str, Any]:
    """A measurement's result with its quality, where that is uncertain."""
    return {**result, "quality": "uncertain", "doubt": doubt} if doubt else result


def _condition(run: Run, name: str, unit: str, trouble: str, fine: str) -> None:
    """Tells that a condition began or ended; one that never was is not told to have ended."""
    known, is_active = run.line.conditions, bool(trouble)
    if (name, unit) not in known:
        known[name, unit] = _was_active(run.journal, name, unit)
    if known[name, unit] is not is_active:
        run.tell("condition", {"name": name, "unit": unit, "active": is_active, "message": trouble or fine})
        known[name, unit] = is_active


def _was_active(journal: Journal, name: str, unit: str) -> bool:
    """Whether an earlier process left a condition as active."""
    said = (e.data for e in journal.earlier.latest_of(("condition",), ("name", "unit")))
    return next((bool(data["active"]) for data in said if (data["name"], data["unit"]) == (name, unit)), False)


# ---------------------------------------------------------------------- zero


async def checked_zero(run: Run, instrument: Instrument) -> None:
    """Reads an instrument with nothing on it; one that is off its zero is waited for. Raises RunEnded.

    A look that is young enough for the line file is not repeated.
    """
    if _is_young(run, instrument.unit):
        return

    async def read() -> Reading:
        return await instrument.stable()

    await _at_zero(run, instrument.unit, instrument.signal.name, _tolerance(run, instrument), read)


async def zero_doubt(run: Run, instrument: Instrument) -> str:
    """Whether an instrument whose zero could not be looked at before the measurement is off it now; "" if not."""
    tolerance = _tolerance(run, instrument)
    try:
        reading = await instrument.stable()
    except DriverError as error:
        return f"the zero of {instrument.unit} is not known: {error}"
    return _judged(run, instrument.unit, instrument.signal.name, reading, tolerance)


async def checked_tare(run: Run, unit: str, signal: str, read: Callable[[], Awaitable[Reading]]) -> float:
    """What a load cell shows with the press open, in the reading's unit; what is off is waited for. Raises RunEnded.

    It is taken off what is shown under load; the line file may say how large it may be.
    """
    return await _at_zero(run, unit, signal, run.line.fitness_of(unit).zero.tolerance, read)


def _tolerance(run: Run, instrument: Instrument) -> float | None:
    given = run.line.fitness_of(instrument.unit).zero.tolerance
    return given if given is not None else instrument.signal.accuracy


def _is_young(run: Run, unit: str) -> bool:
    last_s = run.line.zeroed_s.get(unit)
    now_s = asyncio.get_running_loop().time()
    return last_s is not None and now_s - last_s < run.line.fitness_of(unit).zero.max_age_s


async def _at_zero(
    run: Run, unit: str, signal: str, tolerance: float | None, read: Callable[[], Awaitable[Reading]]
) -> float:
    while True:
        reading: Reading | None = None
        try:
            reading = await read()
        except OutOfRange as error:  # so far off that it is no value any more
            trouble = f"{unit} is off its zero: with nothing on it {str(error).removeprefix(unit + ': ')}"
            _tell_zero(run, unit, signal, None, tolerance, trouble)
        except DriverError as error:
            await hold_idle(run, f"{unit}: its zero cannot be read: {error}; restart reads again", "pressline")
            continue
        else:
            trouble = _judged(run, unit, signal, reading, tolerance)
        _condition(run, ZERO_OFF, unit, trouble, f"{unit} is at its zero again")
        if reading is not None and not trouble:
            run.line.zeroed_s[unit] = asyncio.get_running_loop().time()
            return float(reading.value)
        await hold_idle(run, f"{trouble}; empty it, zero it; restart reads the zero again", "pressline")


def _judged(run: Run, unit: str, signal: str, reading: Reading, tolerance: float | None) -> str:
    """Tells what an empty instrument shows; how far it is off, in words, "" if it is not."""
    trouble, value = "", float(reading.value)
    if tolerance is not None and not abs(value) <= tolerance:
        shown = f"{value:.4g} {reading.unit}"
        trouble = f"{unit} is off its zero: it shows {shown} with nothing on it, more than {tolerance:g} {reading.unit}"
    _tell_zero(run, unit, signal, reading, tolerance, trouble)
    return trouble


def _tell_zero(
    run: Run, unit: str, signal: str, reading: Reading | None, tolerance: float | None, trouble: str
) -> None:
    shown = {"value": None, "in": ""} if reading is None else {"value": float(reading.value), "in": reading.unit}
    told = {"unit": unit, "signal": signal, **shown, "tolerance": tolerance, "off": bool(trouble), "message": trouble}
    run.tell("zero.checked", told)
