"""What the simulated world is like: everything that is drawn, drawn from one seed and told apart by name.

"nominal" has no errors and the estimator's own compaction parameters; only the source's tables are checked with it.
"realistic" draws the compaction parameters uniformly within their intervals, apart from the estimator's values, and
every instrument's error uniformly within its stated accuracy, because a data sheet's accuracy is a bound. The others
are the realistic world in another state, or with faults that `simulators.faults.sequences` brings in their time.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any

from recipes.materials.compaction import CompactionParameters
from recipes.materials.library import LayerMaterial
from recipes.materials.rolling import RollingMaterial, RollingParameters
from recipes.materials.state import SHARED

ROOM_C = 25.0
"""Room temperature of the tables, which print only that it was the room's (engineering judgement)."""
_NOISE_LENGTH = 1021  # prime, so that strides through the table do not repeat early

SCENARIOS: Mapping[str, str] = MappingProxyType(
    {
        "nominal": "no errors, and the estimator's own compaction parameters: for checks against the sources' tables",
        "exact-table": "as nominal, with the laminate that the source's table prints instead of the fitted law",
        "realistic": "every instrument within its accuracy, the laminate's parameters drawn from their intervals",
        "cold": "realistic, and nothing is warmed up: each machine heats from the room's temperature",
        "tired-seal": "the vessel leaks a little always, and its seal gives way in the first dwell",
        "bad-cable": "the uniaxial press's cable: answers with wrong bytes, late ones, and a loose contact",
        "crowded-line": "slow answers of the isostatic press, and a gateway that loses connections",
        "careless-operator": "slow, presses twice, types 45 for 4.5 and takes the wrong lot, each for a while",
        "left-on-local": "somebody has left the uniaxial press's key on local for the first twenty minutes",
        "worn-press": "the uniaxial press leaks, overshoots and heats unevenly, each a little; its thickness drifts",
        "power-dip": "all machines' controllers start anew at one moment, twelve minutes after the beginning",
        "smelly-oven": "solvent vapour rises in the coater's oven while it coats, and a fan fails later",
        "wandering-clock": "the computer's UTC runs fast, steps an hour ahead and back again",
    }
)
"""Every scenario by its name, with what it is like."""


class UnknownScenarioError(ValueError):
    """There is no scenario of this name."""


class Noise:
    """Repeatable noise in -1..1, the same for the same instant however often it is read."""

    def __init__(self, key: str) -> None:
        source = random.Random(key)
        self._table = [source.uniform(-1.0, 1.0) for _ in range(_NOISE_LENGTH)]

    def at(self, tick: int) -> float:
        return self._table[tick % _NOISE_LENGTH]


@dataclass(frozen=True, slots=True)
class Scenario:
    """A named world.

    prepared: the line was warmed up for its recipe, so the first job that a machine loads finds its temperatures
    reached. adiabatic_k_per_mpa heats the vessel's medium while it is compressed (6 to 8 K per 100 MPa for oils),
    ripple_mpa is the intensifier's, overshoot and leak are fractions of the setpoint. materials names the file of the
    laminate's true compaction.
    """

    name: str
    seed: int
    prepared: bool = True
    adiabatic_k_per_mpa: float = 0.0
    ripple_mpa: float = 0.0
    overshoot: float = 0.0
    leak_mpa_s: float = 0.0
    materials: str = "honda"

    @property
    def exact(self) -> bool:
        """Whether nothing is drawn."""
        return self.name in ("nominal", "exact-table")

    def error(self, key: str, bound: float) -> float:
        """A constant error within +- bound, always the same for the same key and seed; 0 in the nominal world."""
        return 0.0 if self.exact else random.Random(f"{self.seed}:{key}").uniform(-bound, bound)

    def noise(self, key: str) -> Noise:
        return Noise(f"{self.seed}:noise:{key}")

    @property
    def room_c(self) -> float:
        return ROOM_C + self.error("room", 1.0)

    def compaction(self, material: LayerMaterial) -> CompactionParameters:
        """The true parameters of a layer; softening and time constant are one draw for the whole laminate."""
        if self.exact:
            return material.parameters
        drawn = {name: self._within(material, name, interval) for name, interval in material.intervals.items()}
        return replace(material.parameters, **drawn)

    def rolling(self, material: RollingMaterial) -> RollingParameters:
        """The true parameters of a layer in a roll press."""
        if self.exact:
            return material.parameters
        drawn = {
            name: random.Random(f"{self.seed}:{material.name}:rolling:{name}").uniform(*interval)
            for name, interval in material.intervals.items()
        }
        return replace(material.parameters, **drawn)

    def modulus_slope(self, material: LayerMaterial) -> float:
        """The true slope of a layer's modulus law in GPa/MPa, 0 for a layer without one."""
        law = material.modulus
        if law is None:
            return 0.0
        if self.exact:
            return law.slope_gpa_per_mpa
        return random.Random(f"{self.seed}:{material.name}:modulus").uniform(*law.slope_interval)

    def _within(self, material: LayerMaterial, name: str, interval: tuple[float, float]) -> float:
        owner = "laminate" if name in SHARED else material.name
        return random.Random(f"{self.seed}:{owner}:{name}").uniform(*interval)


_STARTS: Mapping[str, Mapping[str, Any]] = {
    "cold": {"prepared": False},
    "tired-seal": {"leak_mpa_s": 0.05},  # ten times the realistic one (engineering judgement)
    "worn-press": {"overshoot": 0.01},  # five times the realistic one (engineering judgement)
}
"""What is another than in the realistic world from the start."""


def named_scenario(name: str = "realistic", seed: int = 1) -> Scenario:
    """The named scenario.

    :raises UnknownScenarioError: if it is not one of SCENARIOS.
    """
    if name not in SCENARIOS:
        raise UnknownScenarioError(f"there is no scenario {name!r}, known are {', '.join(SCENARIOS)}")
    if name == "nominal":
        return Scenario(name, seed)
    if name == "exact-table":
        return Scenario(name, seed, materials="honda-exact-table")
    realistic = Scenario(name, seed, adiabatic_k_per_mpa=0.07, ripple_mpa=1.5, overshoot=0.002, leak_mpa_s=0.005)
    return replace(realistic, **_STARTS.get(name, {}))
