"""The faults that belong to a named scenario, each in its time; strengths and times are engineering judgement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from simulators.faults.fault import Injection, Trigger

_PRESS, _VESSEL, _COATER = "uniaxial-press-1", "isostatic-press-1", "coater-1"

SEQUENCES: Mapping[str, tuple[Injection, ...]] = {
    "tired-seal": (
        Injection("isostatic.seal_leak", _VESSEL, Trigger(phase="dwell", after_s=20.0), 120.0, {"rate_mpa_s": 2.0}),
    ),
    "bad-cable": (
        Injection("wire.corrupt", _PRESS, Trigger(after_s=5.0), None, {"share": 0.02}),
        Injection("wire.late", _PRESS, Trigger(after_s=5.0), None, {"share": 0.01}),
        Injection("wire.noise", _PRESS, Trigger(phase="ramp"), 2.0, {"share": 0.5}),
        Injection("wire.dead_unit", _PRESS, Trigger(phase="dwell", after_s=10.0), 4.0),
    ),
    "crowded-line": (
        Injection("wire.slow", _VESSEL, Trigger(phase="ramp", after_s=5.0), 20.0, {"delay_s": 0.4}),
        Injection("wire.half_open", _VESSEL, Trigger(phase="dwell", after_s=5.0), 1.0),
        Injection("wire.reset", _VESSEL, Trigger(phase="release", after_s=5.0), None, {"times": 1.0}),
    ),
    "careless-operator": (
        Injection("people.slow", None, Trigger(), None, {"pace": 3.0}),
        Injection("people.double_press", None, Trigger(), None),
        Injection("people.mistyped", None, Trigger(unit=_COATER, phase="done", after_s=400.0), 700.0, {"factor": 10.0}),
        Injection("people.wrong_lot", None, Trigger(unit=_PRESS, phase="done"), 150.0),
    ),
    "left-on-local": (Injection("machine.local_mode", _PRESS, Trigger(), 1200.0),),
    "worn-press": (
        Injection("uniaxial.leak", _PRESS, Trigger(phase="dwell"), None, {"rate_kn_s": 0.02}),
        Injection("uniaxial.platens_uneven", _PRESS, Trigger(), None, {"offset_k": -1.5}),
        Injection("uniaxial.thickness_drift", _PRESS, Trigger(), None, {"rate_um_s": 0.002}),
    ),
    "power-dip": tuple(
        Injection("machine.reboot", unit, Trigger(after_s=720.0)) for unit in (_PRESS, _VESSEL, _COATER)
    ),
    "smelly-oven": (
        Injection("coater.vapour", _COATER, Trigger(phase="coat", after_s=10.0), 60.0, {"rise_pct": 30.0}),
        Injection("coater.fan_failed", _COATER, Trigger(phase="run_out", after_s=10.0), 300.0),
    ),
    "wandering-clock": (
        Injection("clock.drift", None, Trigger(), None, {"rate_ppm": 200.0}),
        Injection("clock.step", None, Trigger(after_s=300.0), 600.0, {"step_s": 3600.0}),
    ),
}
"""By scenario; a scenario that is not here has no faults. Times are from the line's start."""
_KINDS = {_PRESS: "uniaxial_press", _VESSEL: "isostatic_press", _COATER: "coater"}


def sequence_for(scenario: str, kinds: Mapping[str, str]) -> tuple[Injection, ...]:
    """The injections of a scenario for a line whose units are of these kinds.

    A unit of the table stands for the line's first one of its kind; without one nothing happens.
    """
    first: dict[str, str] = {}
    for unit, kind in kinds.items():
        first.setdefault(kind, unit)
    names = {unit: unit if kinds.get(unit) == kind else first.get(kind) for unit, kind in _KINDS.items()}
    found = []
    for injection in SEQUENCES.get(scenario, ()):
        trigger = injection.trigger
        if all(wanted is None or names[wanted] is not None for wanted in (injection.unit, trigger.unit)):
            moved = replace(trigger, unit=names.get(trigger.unit or ""))
            found.append(replace(injection, unit=names.get(injection.unit or ""), trigger=moved))
    return tuple(found)
