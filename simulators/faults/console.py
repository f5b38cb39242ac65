"""The fault console: what a person or a program is told of a running line, and what it may inject and clear.

Everything goes as JSON documents: the catalogue, the line's state, an injection. Every error is a FaultError whose
message is for the person who asked.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from typing import Any

from simulators.faults.catalogue import FAULTS
from simulators.faults.fault import BadParameterError, Fault, Injection, Parameter, Trigger
from simulators.faults.panel import Active
from simulators.line import SimulatedLine
from simulators.plc import Plc
from simulators.scenarios import SCENARIOS

Json = dict[str, Any]
_KEYS = frozenset({"fault", "unit", "at_s", "after_s", "phase", "of", "duration_s", "parameters", "seed"})
_REMEMBERED = 50  # of what was switched; a person looks at the last few


def catalogue() -> Json:
    """Every fault with its parameters; a bound that is none is null."""
    return {"faults": [_fault(fault) for fault in FAULTS.values()]}


def scenarios() -> Json:
    """Every scenario with what it is like."""
    return {"scenarios": [{"name": name, "meaning": meaning} for name, meaning in SCENARIOS.items()]}


class Console:
    """One line's console; `clock` gives the line's seconds. What it tells and takes are seconds since it was made."""

    def __init__(self, line: SimulatedLine, clock: Callable[[], float]) -> None:
        self._line, self._clock = line, clock
        self._zero_s = clock()
        line.faults.has_utc = False

    def status(self) -> Json:
        """The machines with their states, what waits or acts on the panel, and what began or ended lately."""
        now_s = self._clock()
        panel = self._line.faults
        panel.advance(now_s)
        return {
            "time_s": self._since(now_s),
            "scenario": self._line.scenario.name,
            "seed": self._line.scenario.seed,
            "units": [self._unit(name, machine, now_s) for name, machine in self._line.machines.items()],
            "active": [self._active(active) for active in panel.active],
            "switched": [
                {**asdict(switched), "time_s": self._since(switched.time_s)}
                for switched in panel.switched[-_REMEMBERED:]
            ],
        }

    def inject(self, asked: object) -> Json:
        """An injection from its document; its number.

        :raises FaultError: for what cannot be injected.
        """
        injection = injection_of(asked)
        at_s = injection.trigger.at_s
        if at_s is not None:
            injection = replace(injection, trigger=replace(injection.trigger, at_s=at_s + self._zero_s))
        return {"number": self._line.faults.inject(injection)}

    def clear(self, asked: object) -> Json:
        """Ends the injection of this number, or all of them where there is none; how many ended.

        :raises FaultError: for a number that is none.
        """
        if not isinstance(asked, dict) or asked.keys() - {"number"}:
            raise BadParameterError("expected an object with the number of an injection, or with null for all")
        number = asked.get("number")
        if number is not None and (not isinstance(number, int) or isinstance(number, bool)):
            raise BadParameterError(f"number is {number!r}; expected the number of an injection")
        before = len(self._line.faults.active)
        self._line.faults.clear(number)
        return {"cleared": before - len(self._line.faults.active)}

    def _since(self, time_s: float) -> float:
        return round(time_s - self._zero_s, 3)

    def _active(self, active: Active) -> Json:
        trigger = active.injection.trigger
        return {
            "number": active.number,
            "fault": active.injection.fault,
            "unit": active.unit,
            "state": active.state,
            "from_s": None if active.from_s is None else self._since(active.from_s),
            "until_s": None if active.until_s is None else self._since(active.until_s),
            "phase": trigger.phase,
            "of": trigger.unit,
            "parameters": dict(active.injection.parameters),
        }

    def _unit(self, name: str, machine: Any, now_s: float) -> Json:
        profile = machine.profile
        told = {"name": name, "kind": profile.kind, "profile": profile.name, "state": "", "phase": "", "phases": []}
        if not profile.is_machine:
            lot = getattr(machine, "lot", None)
            return {**told, "state": "empty" if lot is None else f"holds {lot.name}"}
        machine.advance(now_s)
        tags = machine.tags
        return {
            **told,
            "state": profile.word("packml_state", int(tags["machine_state"])) or "",
            "phase": profile.word("phase", int(tags["phase"])) or "",
            "mode": profile.word("mode", int(tags["mode"])) or "",
            "alarms": sorted(machine.plc.alarms) if isinstance(getattr(machine, "plc", None), Plc) else [],
            "phases": list(profile.enums.get("phase", ())),
        }


def injection_of(asked: object) -> Injection:
    """The injection that a document asks for.

    :raises BadParameterError: for what is no such document.
    """
    if not isinstance(asked, dict) or not isinstance(asked.get("fault"), str):
        raise BadParameterError('expected an object with at least the fault\'s name, {"fault": "uniaxial.leak"}')
    if unknown := asked.keys() - _KEYS:
        raise BadParameterError(
            f"unknown: {', '.join(map(str, sorted(unknown)))}; known are {', '.join(sorted(_KEYS))}"
        )
    parameters = asked.get("parameters") or {}
    if not isinstance(parameters, dict):
        raise BadParameterError(f"parameters is {parameters!r}; expected an object of names and values")
    duration_s = asked.get("duration_s")
    seed = asked.get("seed", 1)
    if not isinstance(seed, int) or isinstance(seed, bool):
        raise BadParameterError(f"seed is {seed!r}; expected a whole number")
    return Injection(
        asked["fault"],
        _word(asked, "unit"),
        Trigger(
            None if asked.get("at_s") is None else _number("at_s", asked["at_s"]),
            _word(asked, "of"),
            _word(asked, "phase"),
            _number("after_s", asked.get("after_s") or 0.0),
        ),
        None if duration_s is None else _number("duration_s", duration_s),
        parameters,
        seed,
    )


def _word(asked: Mapping[str, Any], name: str) -> str | None:
    value = asked.get(name)
    if value is not None and not isinstance(value, str):
        raise BadParameterError(f"{name} is {value!r}; expected a word")
    return value or None


def _number(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadParameterError(f"{name} is {value!r}; expected a number of seconds")
    return float(value)


def _fault(fault: Fault) -> Json:
    return {
        "name": fault.name,
        "group": fault.group,
        "kinds": list(fault.kinds),
        "meaning": fault.meaning,
        "expected": fault.expected,
        "needs_person": fault.needs_person,
        "needs_unit": fault.needs_unit,
        "parameters": [_parameter(parameter) for parameter in fault.parameters],
    }


def _parameter(parameter: Parameter) -> Json:
    return {
        "name": parameter.name,
        "default": parameter.default,
        "meaning": parameter.meaning,
        "unit": parameter.unit,
        "low": parameter.low if math.isfinite(parameter.low) else None,
        "high": parameter.high if math.isfinite(parameter.high) else None,
        "choices": list(parameter.choices),
    }
