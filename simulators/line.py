"""The whole simulated line: five units, the people, and the truth that only a simulation knows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache

from drivers.profile import Profile
from drivers.profile_file import load_profile
from simulators.coater import Coater
from simulators.instruments import Instrument, balance, thickness_gauge
from simulators.isostatic_press import IsostaticPress
from simulators.lab import Laboratory
from simulators.operator import SimulatedOperator
from simulators.plc import Plc
from simulators.scenarios import named_scenario
from simulators.uniaxial_press import UniaxialPress
from simulators.wire.ascii_image import AsciiImage
from simulators.wire.image import RegisterImage
from simulators.world import Pressing, World

PROFILES: Mapping[str, str] = {
    "uniaxial-press-1": "uniaxial-press-generic",
    "isostatic-press-1": "isostatic-press-generic",
    "coater-1": "coater-generic",
    "thickness-gauge-1": "thickness-gauge-sics",
    "balance-1": "balance-sics",
}


@cache
def _shipped(name: str) -> Profile:
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


Machine = RegisterMachine | AsciiMachine | Instrument


class SimulatedLine:
    """Five units by name, an operator, a laboratory. clock gives the line's seconds; the same seed gives the same line.

    :raises UnknownScenarioError: if there is no such scenario.
    """

    def __init__(self, scenario: str = "realistic", seed: int = 1, clock: Callable[[], float] = lambda: 0.0) -> None:
        self.scenario = named_scenario(scenario, seed)
        self.world = World(self.scenario)
        profiles = {unit: _shipped(name) for unit, name in PROFILES.items()}
        uniaxial = UniaxialPress(profiles["uniaxial-press-1"], self.scenario, "uniaxial-press-1", self.world)
        isostatic = IsostaticPress(profiles["isostatic-press-1"], self.scenario, "isostatic-press-1", self.world)
        coater = Coater(profiles["coater-1"], self.scenario, "coater-1", self.world)
        gauge = thickness_gauge(profiles["thickness-gauge-1"], self.scenario, "thickness-gauge-1")
        scales = balance(profiles["balance-1"], self.scenario, "balance-1")
        self.machines: Mapping[str, Machine] = {
            uniaxial.unit: RegisterMachine(uniaxial, RegisterImage(uniaxial.profile, uniaxial, clock)),
            isostatic.unit: RegisterMachine(isostatic, RegisterImage(isostatic.profile, isostatic, clock)),
            coater.unit: AsciiMachine(coater, AsciiImage(coater.profile, coater, clock)),
            gauge.unit: gauge,
            scales.unit: scales,
        }
        self.lab = Laboratory(self.scenario)
        units = {unit.unit: unit for unit in (uniaxial, isostatic, coater, gauge, scales)}
        self.operator = SimulatedOperator(self.world, units, self.lab, clock)

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
