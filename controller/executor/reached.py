"""What a finished pressing has reached: the machine's dwell record and what was seen of it, and the record's form."""

from __future__ import annotations

from math import hypot, sqrt
from typing import Any

from controller.executor.dwell import Reached
from controller.executor.judgement import COVERAGE
from controller.executor.pressings import DWELL_TOLERANCE_S
from controller.executor.rejoining import RejoinedWatch
from controller.executor.windows import PressView, PressWatch
from drivers.machine import Machine
from drivers.reading import Snapshot
from recipes.model import Press


def doubt(machine: Machine, press: Press, watch: PressWatch, last: Snapshot) -> str | None:
    """Why the machine's dwell record cannot be believed, if so: it is cross-checked with what we saw."""
    dwell_s = last.value("dwell_elapsed_s")
    if watch.dwell_began_s is None or watch.temperature.mean is None:
        return "the job is complete, but no dwell was seen"
    if dwell_s < press.dwell_s - DWELL_TOLERANCE_S:
        return f"the dwell lasted {dwell_s:.1f} s instead of {press.dwell_s:g} s"
    seen_s = last.time_s - watch.dwell_began_s + 2 * machine.profile.timing.poll_dwelling_s
    if dwell_s - watch.dwell_before_s > seen_s:
        return f"the machine claims a dwell of {dwell_s:.1f} s, but only {seen_s:.1f} s can have passed"
    if watch.dwell_before_s:
        return None  # the mean is of more than what was seen
    mean, accuracy = dwell_mean_mpa(watch.view, last), accuracy_mpa(machine, watch.view)
    if not watch.pressure.low - accuracy <= mean <= watch.pressure.high + accuracy:
        seen = f"{watch.pressure.low:.1f} to {watch.pressure.high:.1f} MPa"
        return f"the machine claims a mean pressure of {mean:.1f} MPa, but {seen} was seen"
    return None


def dwell_mean_mpa(view: PressView, last: Snapshot) -> float:
    if view.kind == "isostatic_press":
        return last.value("dwell_mean_pressure_mpa")
    return view.laminate_mpa(last.value("dwell_mean_force_kn"))


def accuracy_mpa(machine: Machine, view: PressView) -> float:
    """Bound of the pressure sensor's error, as pressure on the laminate."""
    signals = machine.profile.signals
    if view.kind == "isostatic_press":
        return signals["pressure_a_mpa"].accuracy or 0.0
    return 1000 * (signals["force_pv_kn"].accuracy or 0.0) / view.area_mm2


def reached_of(machine: Machine, press: Press, watch: PressWatch, last: Snapshot) -> Reached:
    """The machine's dwell record is the record; our samples give the extremes and the temperature.

    Where a part of the dwell was not watched the temperature may have been anywhere in its window.
    """
    view, window, is_whole = watch.view, press.temperature_window_c, not isinstance(watch, RejoinedWatch)
    unseen_k = 0.0 if is_whole else (window.upper - window.lower) / 2 / sqrt(3)
    sensor = "medium_a_c" if view.kind == "isostatic_press" else "platen_top_c"
    medium_k = (machine.profile.signals[sensor].accuracy or 0.0) / sqrt(3)
    return Reached(
        pressure_mpa=dwell_mean_mpa(view, last),
        pressure_low_mpa=watch.pressure.low,
        pressure_high_mpa=watch.pressure.high,
        pressure_max_mpa=watch.pressure_max_mpa,
        pressure_uncertainty_mpa=accuracy_mpa(machine, view) / sqrt(3),
        temperature_c=watch.temperature.mean or 0.0,
        temperature_low_c=watch.temperature.low,
        temperature_high_c=watch.temperature.high,
        temperature_uncertainty_k=hypot(medium_k, watch.laminate.spread_k / sqrt(3), unseen_k),
        dwell_s=last.value("dwell_elapsed_s") - watch.outside_s,
        held_s=watch.held_s + watch.outside_s,
        is_whole=is_whole,
    )


def commanded(press: Press) -> dict[str, Any]:
    """A pressing in the record's form before anything was reached."""
    pressure, temperature = press.pressure_window_mpa, press.temperature_window_c
    return {
        "pressure_mpa": {
            "set": press.pressure_mpa,
            "reached": None,
            "max": None,
            "window": [pressure.lower, pressure.upper],
        },
        "temperature_c": {
            "set": press.temperature_c,
            "reached": None,
            "min": None,
            "max": None,
            "window": [temperature.lower, temperature.upper],
        },
        "dwell_s": {"set": press.dwell_s, "reached": None},
    }


def result_of(press: Press, reached: Reached) -> dict[str, Any]:
    result = commanded(press)
    result["pressure_mpa"] |= {
        "reached": reached.pressure_mpa,
        "max": reached.pressure_max_mpa,
        "uncertainty": COVERAGE * reached.pressure_uncertainty_mpa,
    }
    result["temperature_c"] |= {
        "reached": reached.temperature_c,
        "min": reached.temperature_low_c if reached.is_whole else None,
        "max": reached.temperature_high_c if reached.is_whole else None,
        "uncertainty": COVERAGE * reached.temperature_uncertainty_k,
    }
    result["dwell_s"]["reached"] = reached.dwell_s
    return result
