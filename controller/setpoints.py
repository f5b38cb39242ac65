"""What a job may say: every value of it, checked once more against the plan's step before it is journalled and sent.

The executor makes a job; this is derived from the plan a second time, by other code, so that a fault of the executor
cannot send a job that nobody approved. The driver's profile checks the ranges again, and the machine does as well.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from drivers.encoding import check_setpoint
from drivers.errors import OutOfRange
from drivers.profile import Profile
from drivers.reading import Snapshot
from recipes.model import Coat, Press, Window
from recipes.plan import Plan, PlannedStep

DWELL_BAND_PCT = 2.0  # a wider band would count a dwell at a pressure that nobody asked for (report 3.1)
TEMPERATURE_BAND_K = 3.0  # uniformity of platens, medium and zones with their sensors' accuracy (report 3.1 to 3.3)
LINK_LOSS_HOLD_S = {"uniaxial_press": 10.0, "isostatic_press": 60.0}  # report 3.5: hold, then decompress
FINAL_DECOMPRESSION_MPA_S = 2.0  # the highest that the press itself takes (isostatic-press-generic.md)
FORCE_ACCURACY_KN = 1.5  # of a load cell whose profile does not say it (uniaxial-press-generic.md)
_RELATIVE = 1e-6  # what arithmetic in floats may differ by
_ONE_VALUE = 1e-5  # a window that is relatively narrower is one value; every band begins at 0 or is wider by far


@dataclass(frozen=True, slots=True)
class Repeated:
    """The number-th re-pressing (from 1) that the gate of a step asks for."""

    gate: str
    number: int


@dataclass(frozen=True, slots=True)
class Work:
    """For what a job is loaded: a step of a plan, by its name, and the confirmed area of the laminate (mm2).

    again says which re-pressing of a gate it is, if it is one.
    """

    plan: Plan
    step: str
    area_mm2: float
    again: Repeated | None = None


def wrong_setpoints(work: Work, profile: Profile, snapshot: Snapshot, job: Mapping[str, float]) -> list[str]:
    """Every value of a job (by its signal) that the plan or the profile does not allow, in words; empty is good.

    snapshot is of the machine before the job; a uniaxial press's force is its laminate's pressure on top of what the
    load cell shows now. Raises BadQuality.
    """
    planned = next((planned for planned in work.plan.steps if planned.step.name == work.step), None)
    if planned is None:
        return [f"the plan has no step {work.step}"]
    if work.again is not None:
        if (repeated := _repeated(planned, work, work.again)) is None:
            return [f"the plan has no re-pressing {work.again.number} of {work.step} at the gate of {work.again.gate}"]
        planned = repeated
    allowed, wrong = _allowed(planned, work, profile, snapshot), _wrong_area(planned, work)
    signals = {signal.name: signal for signal in profile.job}
    wrong += [f"the job has no {name}" for name in signals if name not in job]
    for name, value in job.items():
        signal = signals.get(name)
        if signal is None or name not in allowed:
            wrong.append(f"the job has the unknown {name}")
            continue
        try:
            check_setpoint(signal, value)
        except OutOfRange as error:
            wrong.append(str(error))
            continue
        if not allowed[name].holds(value):
            found = f"{name} = {value:g} {signal.unit}".rstrip()
            wrong.append(f"{found}, and {_words(allowed[name], signal.unit)}")
    return wrong


def _repeated(planned: PlannedStep, work: Work, again: Repeated) -> PlannedStep | None:
    """The step with the setpoints of one of its re-pressings; None where the plan's gate allows none such."""
    gate = next((other.step.gate for other in work.plan.steps if other.step.name == again.gate), None)
    press = planned.step.press
    if gate is None or press is None or not 1 <= again.number <= gate.most:
        return None
    pressure_mpa = press.pressure_mpa + again.number * gate.more_pressure_mpa
    dwell_s = press.dwell_s + again.number * gate.more_dwell_s
    return replace(
        planned, step=replace(planned.step, press=replace(press, pressure_mpa=pressure_mpa, dwell_s=dwell_s))
    )


def _words(window: Window, unit: str) -> str:
    if math.isclose(window.lower, window.upper, rel_tol=_ONE_VALUE):
        return f"the plan sets {(window.lower + window.upper) / 2:g} {unit}".rstrip()
    return f"the plan allows {window.lower:g} to {window.upper:g} {unit}".rstrip()


def _wrong_area(planned: PlannedStep, work: Work) -> list[str]:
    """An area that no task of the recipe lets a person enter; it decides on a uniaxial press's force."""
    laminate = work.plan.recipe.laminate.area_mm2
    entries = [
        entry
        for other in work.plan.steps
        if other.step.task is not None
        for entry in other.step.task.entries
        if entry.name == "area" and not entry.subject
    ]
    near = (*((entry.expected - entry.tolerance, entry.expected + entry.tolerance) for entry in entries),)
    if planned.force_kn is None or _is(laminate).holds(work.area_mm2):
        return []
    if any(low <= work.area_mm2 <= high for low, high in near):
        return []
    return [f"the laminate's area is {work.area_mm2:g} mm2, and the plan's is {laminate:g} mm2"]


def _allowed(planned: PlannedStep, work: Work, profile: Profile, snapshot: Snapshot) -> Mapping[str, Window]:
    step, kind = planned.step, profile.kind
    method = None if step.press is None else f"{step.press.method.value}_press"
    if step.press is not None and method == kind == "uniaxial_press":
        return _uniaxial(step.press, work, profile, snapshot)
    if step.press is not None and method == kind == "isostatic_press":
        return _isostatic(step.press)
    if step.coat is not None and planned.gap_um is not None and kind == "coater":
        return _coating(step.coat, planned.gap_um)
    return {}


def _uniaxial(press: Press, work: Work, profile: Profile, snapshot: Snapshot) -> Mapping[str, Window]:
    kn_per_mpa = work.area_mm2 / 1000
    tare_kn, accuracy_kn = snapshot.value("force_pv_kn"), profile.signals["force_pv_kn"].accuracy or FORCE_ACCURACY_KN
    force_kn = press.pressure_mpa * kn_per_mpa + tare_kn
    return {
        "job_id": _ANY_JOB,
        "force_sp_kn": Window(force_kn - accuracy_kn, force_kn + accuracy_kn),
        "force_ramp_kn_s": _is(press.ramp_mpa_s * kn_per_mpa),
        "dwell_sp_s": _is(press.dwell_s),
        "release_rate_kn_s": _is(press.release_mpa_s * kn_per_mpa),
        "platen_temperature_sp_c": _is(press.temperature_c),
        "dwell_band_pct": Window(0.0, DWELL_BAND_PCT),
        "temperature_band_k": Window(0.0, TEMPERATURE_BAND_K),
        "link_loss_hold_s": Window(0.0, LINK_LOSS_HOLD_S["uniaxial_press"]),
    }


def _isostatic(press: Press) -> Mapping[str, Window]:
    return {
        "job_id": _ANY_JOB,
        "pressure_sp_mpa": _is(press.pressure_mpa),
        "pressure_ramp_mpa_s": _is(press.ramp_mpa_s),
        "dwell_sp_s": _is(press.dwell_s),
        "decompression_rate_mpa_s": _is(press.release_mpa_s),
        "final_decompression_rate_mpa_s": Window(0.0, FINAL_DECOMPRESSION_MPA_S),
        "medium_temperature_sp_c": _is(press.temperature_c),
        "temperature_band_k": Window(0.0, TEMPERATURE_BAND_K),
        "soak_s": _is(press.soak_s),
        "dwell_band_pct": Window(0.0, DWELL_BAND_PCT),
        "link_loss_hold_s": Window(0.0, LINK_LOSS_HOLD_S["isostatic_press"]),
    }


def _coating(coat: Coat, gap_um: float) -> Mapping[str, Window]:
    return {
        "job_id": _ANY_JOB,
        "gap_sp_um": _is(gap_um),
        "web_speed_sp_m_min": _is(coat.web_speed_m_min),
        **{f"zone{number}_sp_c": _is(zone_c) for number, zone_c in enumerate(coat.zone_temperatures_c, start=1)},
        "length_sp_m": _is(coat.length_m),
        "tension_sp_n": _is(coat.tension_n),
        "temperature_band_k": Window(0.0, min(TEMPERATURE_BAND_K, coat.zone_window_k)),
    }


_ANY_JOB = Window(1.0, 2.0**32 - 1)


def _is(value: float) -> Window:
    return Window(value - _RELATIVE * abs(value), value + _RELATIVE * abs(value))
