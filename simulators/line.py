"""The whole simulated line: its units, the people, and the truth that only a simulation knows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import cache

from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.profile_kinds import needs_of
from simulators.any_machine import AnyController, AnyMachine
from simulators.coater import Coater
from simulators.faults import FaultPanel, sequence_for
from simulators.instruments import Instrument, balance, thickness_gauge
from simulators.isostatic_press import IsostaticPress
from simulators.lab import Laboratory
from simulators.operator import SimulatedOperator
from simulators.plc import Plc
from simulators.roll_press import RollPress
from simulators.scenarios import Scenario, named_scenario
from simulators.uniaxial_press import UniaxialPress
from simulators.utc import ClockDisturbances
from simulators.wire.ascii_image import AsciiImage
from simulators.wire.image import RegisterImage
from simulators.world import Pressing, World

PROFILES: Mapping[str, str] = {
    "uniaxial-press-1": "uniaxial-press-generic",
    "isostatic-press-1": "isostatic-press-generic",
    "coater-1": "coater-generic",
    "roll-press-1": "roll-press-generic",
    "thickness-gauge-1": "thickness-gauge-sics",
    "balance-1": "balance-sics",
}
"""The units of the usual simulated line."""


@cache
def shipped(name: str) -> Profile:
    """A shipped profile, read once: it cannot change while the program runs."""
    return load_profile(name)


@dataclass(frozen=True, slots=True)
class RegisterMachine:
    """A simulated controller with the register view that a Modbus transport or server talks to."""

    plc: Plc
    registers: RegisterImage

    @property
    def profile(self) -> Profile:
        return self.plc.profile

    @property
    def tags(self) -> dict[str, float | int]:
        return self.plc.tags

    def advance(self, now_s: float) -> None:
        self.plc.advance(now_s)

    def write(self, values: Mapping[str, float]) -> None:
        self.plc.write(values)


@dataclass(frozen=True, slots=True)
class AsciiMachine:
    """A simulated controller that answers lines."""

    plc: Plc
    image: AsciiImage

    @property
    def profile(self) -> Profile:
        return self.plc.profile

    @property
    def tags(self) -> dict[str, float | int]:
        return self.plc.tags

    def advance(self, now_s: float) -> None:
        self.plc.advance(now_s)

    def write(self, values: Mapping[str, float]) -> None:
        self.plc.write(values)

    def answer(self, request: bytes) -> bytes | None:
        return self.image.answer(request)


Machine = RegisterMachine | AsciiMachine | Instrument | AnyMachine
Controlled = UniaxialPress | IsostaticPress | Coater | RollPress
Simulated = Controlled | Instrument
_PLCS: Mapping[str, tuple[str, Callable[[Profile, Scenario, str, World], Controlled]]] = {
    "uniaxial_press": ("uniaxial-press-generic", UniaxialPress),
    "isostatic_press": ("isostatic-press-generic", IsostaticPress),
    "coater": ("coater-generic", Coater),
    "roll_press": ("roll-press-generic", RollPress),
}
"""By kind: the shipped profile whose signals the simulation shows, and the simulation."""
_ZONE = re.compile(r"zone\d_")


class SimulatedLine:
    """Units by name, an operator, a laboratory, a fault panel. clock gives the line's seconds.

    `units` are the line's profiles by name, without them those of PROFILES; a profile that is no superset of the
    shipped one of its kind has a controller with nothing behind it. `numbers` says which number on its line of text a
    unit has, unless it is 1. `people` says how many there are at the line. The same seed gives the same line.

    :raises UnknownScenarioError: if there is no such scenario.
    """

    def __init__(
        self,
        scenario: str = "realistic",
        seed: int = 1,
        clock: Callable[[], float] = lambda: 0.0,
        units: Mapping[str, Profile] | None = None,
        numbers: Mapping[str, int] | None = None,
        people: int = 1,
    ) -> None:
        self.scenario = named_scenario(scenario, seed)
        self.world = World(self.scenario)
        self.utc = ClockDisturbances()
        profiles = {unit: shipped(name) for unit, name in PROFILES.items()} if units is None else units

        def look() -> float:
            now_s = clock()
            self.faults.advance(now_s)
            return now_s

        inside = {name: _simulated(name, profile, self.scenario, self.world) for name, profile in profiles.items()}
        self.machines: Mapping[str, Machine] = {
            name: _machine(unit, profiles[name], look, (numbers or {}).get(name, 1)) for name, unit in inside.items()
        }
        self.lab = Laboratory(self.scenario)
        attended = {name: unit for name, unit in inside.items() if unit is not None}
        self.operator = SimulatedOperator(self.world, attended, self.lab, look, people)
        panel = {name: inside[name] or _controller(machine) for name, machine in self.machines.items()}
        self.faults = FaultPanel(panel, self.operator.disturbances, self.utc, clock)
        for injection in sequence_for(scenario, {name: profile.kind for name, profile in profiles.items()}):
            self.faults.inject(replace(injection, seed=seed))

    @property
    def pressings(self) -> list[Pressing]:
        """What was pressed so far, in order."""
        return self.world.pressings

    def truth_layers(self, lot: str) -> dict[str, dict[str, float | None]]:
        """Porosity and composite modulus (None without a law) of each layer of a lot, as they really are.

        :raises LookupError: if there is no such lot.
        """
        if not self.world.has(lot):
            raise LookupError(f"there is no lot {lot!r}")
        return {
            layer.name: {"porosity_pct": layer.porosity_pct, "composite_modulus_gpa": layer.composite_modulus_gpa}
            for layer in self.world.lot(lot).layers
        }


def _simulated(name: str, profile: Profile, scenario: Scenario, world: World) -> Simulated | None:
    """What is behind a profile; None where nothing is."""
    if profile.kind == "gauge" and _has_all_of(profile, shipped("thickness-gauge-sics")):
        return thickness_gauge(profile, scenario, name)
    if profile.kind == "balance" and _has_all_of(profile, shipped("balance-sics")):
        return balance(profile, scenario, name)
    known = _PLCS.get(profile.kind)
    if known is None or not _has_all_of(profile, shipped(known[0])):
        return None
    return known[1](profile, scenario, name, world)


def _has_all_of(profile: Profile, known: Profile) -> bool:
    """Whether all is there that the simulation of this kind shows: signals, job, bits and words."""
    words = all(known.enums[name].keys() <= profile.enums.get(name, {}).keys() for name in known.enums)
    signals, job = set(known.signals), {signal.name for signal in known.job}
    if profile.kind == "coater":  # as many zones as its own profile has, whatever the number of the usual coater
        needs = needs_of(profile.kind, profile.signals)
        signals, job = {name for name in signals if not _ZONE.match(name)} | needs.values, set(needs.job)
    return (
        words
        and job == {signal.name for signal in profile.job}
        and signals <= profile.signals.keys()
        and known.bit_places.keys() <= profile.bit_places.keys()
    )


def _machine(unit: Simulated | None, profile: Profile, look: Callable[[], float], number: int) -> Machine:
    """The unit as its profile's wire sees it."""
    if unit is None:
        return AnyMachine(profile, look, number)
    if isinstance(unit, Instrument):
        return unit
    if profile.protocol == "modbus":
        return RegisterMachine(unit, RegisterImage(profile, unit, look))
    return AsciiMachine(unit, AsciiImage(profile, unit, look, number))


def _controller(machine: Machine) -> AnyController | Machine:
    return machine.controller if isinstance(machine, AnyMachine) else machine
