"""The fault panel of a simulated line: injections wait for their time or phase, act, and end.

It has no task and no clock of its own: it is brought up to now when the line's machines are, and each machine shows it
every step of its integration, so that a fault comes at its own instant whenever the machine is looked at. What was
injected at the same line time with the same seed acts the same.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Literal

from drivers.profile import Profile
from simulators.faults.catalogue import fault_named
from simulators.faults.checks import check_trigger, check_wire, check_words, unit_for
from simulators.faults.fault import Fault, From, Injection, NotApplicableError, UnknownInjectionError, Value
from simulators.habits import PeopleDisturbances
from simulators.plc import Plc
from simulators.utc import ClockDisturbances

_ON_MACHINES = frozenset({"machine", "control", "reboot"})


@dataclass(frozen=True, slots=True)
class Active:
    """An injection that waits or acts. from_s is None while its phase has not come; until_s is None for no end."""

    number: int
    injection: Injection
    unit: str | None
    state: Literal["waiting", "on"]
    from_s: float | None
    until_s: float | None


@dataclass(frozen=True, slots=True)
class Switched:
    """A fault began or ended, in the line's seconds."""

    time_s: float
    number: int
    fault: str
    unit: str | None
    is_on: bool


@dataclass(slots=True)
class Entry:
    """An injection on the panel; `rng` draws its chances and `done` counts how often a wire's fault has happened."""

    number: int
    fault: Fault
    injection: Injection
    unit: str | None
    parameters: Mapping[str, Value]
    rng: Random
    at_s: float | None
    is_on: bool = False
    until_s: float | None = None
    done: int = 0

    @property
    def next_s(self) -> float:
        """When something is to happen to it next."""
        when = self.until_s if self.is_on else self.at_s
        return math.inf if when is None else when

    def number_of(self, parameter: str) -> float:
        """A parameter that is a number."""
        return float(self.parameters[parameter])


class FaultPanel:
    """Injects faults into units, people and the clock of one line; `clock` gives the line's seconds.

    `units` are simulated controllers and instruments by name. `has_wires` says that there are bytes that can be
    damaged; a line that is asked by calls has none. `has_utc` says that whoever controls the line takes its UTC from
    here; on a served line it has its computer's.
    """

    def __init__(
        self, units: Mapping[str, Any], people: PeopleDisturbances, utc: ClockDisturbances, clock: Callable[[], float]
    ) -> None:
        self.people, self.utc = people, utc
        self.has_wires = self.has_utc = True
        self.switched: list[Switched] = []
        self._units, self._clock = units, clock
        self._entries: dict[int, Entry] = {}
        self._carriers: dict[str, str] = {}
        self._numbers = 0
        self._next_s = math.inf

    # ---- what a person does ----

    def inject(self, injection: Injection) -> int:
        """Puts a fault on the panel; its number.

        :raises UnknownFaultError: if there is no such fault.
        :raises NotApplicableError: if there is no such unit, or the fault cannot happen to it.
        :raises BadParameterError: for a parameter, trigger or duration that is none.
        """
        fault = fault_named(injection.fault)
        parameters = fault.checked(injection.parameters)
        unit = unit_for(fault, injection.unit, {name: self.profile(name) for name in self._units})
        if fault.target == "wire" and not self.has_wires:
            raise NotApplicableError(f"{fault.name}: this line is asked by calls; there are no bytes on its wires")
        if fault.target == "clock" and not self.has_utc:
            raise NotApplicableError(f"{fault.name}: the controller of a served line has its own computer's UTC")
        if unit is not None:
            check_words(fault, parameters, self.profile(unit))
            check_wire(fault, self.profile(unit), self._carriers.get(unit))
            self._check_behind(fault, unit)
        profiles = {name: self.profile(name) for name in self._units}
        check_trigger(fault, injection, unit, profiles)
        now_s = self._clock()
        self._numbers += 1
        rng = Random(f"{injection.seed}:{fault.name}:{unit}:{self._numbers}")
        self._entries[self._numbers] = Entry(
            self._numbers, fault, injection, unit, parameters, rng, _begins_at(injection, now_s)
        )
        self._changed()
        self._look_at_phases(now_s)
        self.advance(now_s)
        return self._numbers

    def clear(self, number: int | None = None) -> None:
        """Ends an injection, or all of them; what it has caused stays until the machine or a person ends it.

        :raises UnknownInjectionError: if nothing of this number waits or acts.
        """
        if number is not None and number not in self._entries:
            there = ", ".join(map(str, self._entries)) or "none"
            raise UnknownInjectionError(f"there is no injection {number}; there is {there}")
        now_s = self._clock()
        self.advance(now_s)
        for entry in [e for n, e in self._entries.items() if number in (None, n)]:
            self._end(entry, now_s)

    @property
    def active(self) -> tuple[Active, ...]:
        """What waits or acts, in the order of injection."""
        return tuple(
            Active(e.number, e.injection, e.unit, "on" if e.is_on else "waiting", e.at_s, e.until_s)
            for e in self._entries.values()
        )

    def wired(self, units: Iterable[str], carrier: str) -> None:
        """These units are on such a wire: "tcp", "rtu", "rtu+tcp", "ascii" or "ascii+tcp"."""
        self._carriers |= dict.fromkeys(units, carrier)

    @property
    def wants_wires(self) -> bool:
        """Whether something on the panel is about wires."""
        return any(e.fault.target == "wire" for e in self._entries.values())

    def on_wire(self, unit: str) -> list[Entry]:
        """The faults that act on a unit's wire now; for what carries its bytes."""
        return [e for e in self._entries.values() if e.is_on and e.fault.target == "wire" and e.unit == unit]

    def happened(self, entry: Entry) -> None:
        """A wire's fault has happened once more; it ends after its number of times."""
        entry.done += 1
        if 0 < entry.number_of("times") <= entry.done and entry.number in self._entries:
            self._end(entry, self._clock())

    def profile(self, unit: str) -> Profile:
        """The profile of a unit of the line."""
        profile: Profile = self._units[unit].profile
        return profile

    def _check_behind(self, fault: Fault, unit: str) -> None:
        wanted = {"machine": "disturbances", "control": "control_disturbances", "reboot": "reboot"}
        if not hasattr(self._units[unit], wanted.get(fault.target, "profile")):
            raise NotApplicableError(f"{fault.name}: {unit} is a controller with nothing behind it that could do this")

    # ---- time ----

    def advance(self, now_s: float) -> None:
        """Brings everything that is due up to now. Must be called whenever the line is looked at."""
        while now_s >= self._next_s:
            entry = min(self._entries.values(), key=lambda e: (e.next_s, e.number))
            machine = self._units.get(entry.unit or "")
            if machine is not None and entry.fault.target in _ON_MACHINES and hasattr(machine, "advance"):
                before = entry.next_s
                machine.advance(now_s)  # it shows us its steps, and the fault comes at its own
                if entry.number not in self._entries or entry.next_s != before:
                    continue
            self._switch(entry, entry.next_s)

    def _watch(self, plc: Plc, now_s: float) -> float:
        """One step of a machine's integration; the next instant at which it is to be shown."""
        unit = plc.unit
        self._see_phase(unit, plc, now_s)
        mine = [e for e in self._entries.values() if e.unit == unit and e.fault.target in _ON_MACHINES]
        for entry in mine:
            while entry.number in self._entries and entry.next_s <= now_s + 1e-9:
                self._switch(entry, entry.next_s)
        return min((e.next_s for e in mine if e.number in self._entries), default=math.inf)

    def _look_at_phases(self, now_s: float) -> None:
        for unit, machine in self._units.items():
            if isinstance(machine, Plc):
                self._see_phase(unit, machine, now_s)

    def _see_phase(self, unit: str, plc: Plc, now_s: float) -> None:
        phase = "held" if plc.state == "HELD" else plc.phase
        for entry in self._entries.values():
            trigger = entry.injection.trigger
            if entry.at_s is None and trigger.phase == phase and (trigger.unit or entry.unit) == unit:
                entry.at_s = now_s + trigger.after_s
                self._next_s = min(self._next_s, entry.at_s)

    def _changed(self) -> None:
        """Machines show their steps only while something is on the panel."""
        watch = self._watch if self._entries else None
        for machine in self._units.values():
            if isinstance(machine, Plc):
                machine.watch = watch
        self._next_s = min((e.next_s for e in self._entries.values()), default=math.inf)

    # ---- switching ----

    def _switch(self, entry: Entry, time_s: float) -> None:
        if entry.is_on:
            self._end(entry, time_s)
            return
        entry.is_on = True
        if entry.injection.duration_s is not None:
            entry.until_s = time_s + entry.injection.duration_s
        self.switched.append(Switched(time_s, entry.number, entry.fault.name, entry.unit, is_on=True))
        if entry.fault.target == "reboot":
            self._units[entry.unit or ""].reboot()
            self._end(entry, time_s)
            return
        if entry.fault.target == "clock":
            self.utc.since_s = time_s
        self._set(entry)
        self._changed()

    def _end(self, entry: Entry, time_s: float) -> None:
        was_on, entry.is_on = entry.is_on, False
        del self._entries[entry.number]
        if was_on:
            self.switched.append(Switched(time_s, entry.number, entry.fault.name, entry.unit, is_on=False))
            self._set(entry)
        self._changed()

    def _set(self, entry: Entry) -> None:
        """Puts each field that the fault has to do with to what the faults that are on make of it."""
        target = self._object(entry)
        if target is None:
            return
        for name in entry.fault.sets:
            value = getattr(type(target)(), name)
            for on in self._on(target, name):
                value = _resolved(name, on, value)
            setattr(target, name, value)

    def _on(self, target: object, name: str) -> Iterator[Entry]:
        for entry in self._entries.values():
            if entry.is_on and name in entry.fault.sets and self._object(entry) is target:
                yield entry

    def _object(self, entry: Entry) -> Any:
        match entry.fault.target:
            case "people":
                return self.people
            case "clock":
                return self.utc
            case "machine":
                return self._units[entry.unit or ""].disturbances
            case "control":
                _ = self._units[entry.unit or ""].tags  # what is shown now is what may be frozen
                return self._units[entry.unit or ""].control_disturbances
            case _:
                return None


def _begins_at(injection: Injection, now_s: float) -> float | None:
    trigger = injection.trigger
    if trigger.phase is not None:
        return None
    return now_s + trigger.after_s if trigger.at_s is None else max(now_s, trigger.at_s)


def _resolved(name: str, entry: Entry, before: object) -> object:
    """What a fault makes of a field; faults of frozen values add up, others replace."""
    value = entry.fault.sets[name]
    if isinstance(value, From):
        value = entry.parameters[value.parameter]
    if name == "frozen_tags" and isinstance(before, set):
        return before | {value}
    if name == "only" and isinstance(value, str):
        return frozenset({value}) if value else frozenset()
    return value
