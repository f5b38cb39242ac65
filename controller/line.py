"""The units of the line as the controller holds them: machines, instruments, what they can do and who owns them.

Who is given which unit is the allocation's business (controller/allocation.py).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.allocation import Allocation, candidates
from controller.calibration import Fitness
from controller.config import UnitConfig
from controller.interlocks import Bypasses
from controller.supply import Supply
from drivers.errors import ProfileError
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.profile_kinds import zone_count
from recipes.capability import unit_findings
from recipes.model import Window
from recipes.plan import PlannedStep, UnitCapability

NOTHING_SAID = Fitness()


class UnitTaken(Exception):
    """A unit belongs to another owner. A retry makes sense when that owner has released it."""


class UnitUnknown(Exception):
    """The line has no unit of this name or kind. Not retryable."""


@dataclass(slots=True)
class Line:
    """All units by name. A unit has one owner at a time.

    jobs is the highest number that a job has had; released are the machines that nobody needs any more. fitness is what
    the line file says of units' calibration, zero and cycles; max_out_s how long a lot may be outside the dry room;
    foil_batches which batch of each foil is there. supply says which laminates take their sheets of the same webs.
    zeroed_s is when an instrument was last seen at its zero, on the loop's clock; conditions are what was told last of
    a condition (its name, a unit).
    """

    machines: Mapping[str, Machine]
    instruments: Mapping[str, Instrument]
    allocation: Allocation = field(default_factory=Allocation)
    supply: Supply = field(default_factory=Supply)
    jobs: int = 0
    released: set[str] = field(default_factory=set)
    bypasses: Bypasses = field(default_factory=Bypasses)
    fitness: Mapping[str, Fitness] = field(default_factory=dict)
    max_out_s: float | None = None
    foil_batches: Mapping[str, str] = field(default_factory=dict)
    zeroed_s: dict[str, float] = field(default_factory=dict)
    conditions: dict[tuple[str, str], bool] = field(default_factory=dict)
    _capabilities: dict[str, UnitCapability] = field(default_factory=dict)

    @property
    def owners(self) -> Mapping[str, str]:
        """Who has which unit."""
        return self.allocation.owners

    def machine(self, name: str | None) -> Machine:
        """The machine of this name; raises UnitUnknown."""
        try:
            return self.machines[name or ""]
        except KeyError:
            raise UnitUnknown(f"the line has no machine {name}") from None

    def instrument(self, kind: str) -> Instrument:
        """The first instrument of this kind (gauge, balance); raises UnitUnknown."""
        for instrument in self.instruments.values():
            if instrument.profile.kind == kind:
                return instrument
        raise UnitUnknown(f"the line has no {kind}")

    def fitness_of(self, unit: str) -> Fitness:
        """What the line file says of a unit's state; nothing where it says nothing."""
        return self.fitness.get(unit, NOTHING_SAID)

    @contextmanager
    def lease(self, unit: str, owner: str) -> Iterator[None]:
        """Owns a unit for the length of the block; an owner to whom it was given may again. Raises UnitTaken."""
        if (other := self.owners.get(unit)) == owner:
            yield
            return
        if other is not None:
            raise UnitTaken(f"{unit} belongs to {other}")
        self.allocation.owners[unit] = owner
        try:
            yield
        finally:
            self.allocation.give_back(unit, owner)

    def able(self, planned: PlannedStep, area_mm2: float) -> tuple[str, ...]:
        """The machines that can do a step, the one of its plan first; none for a step without a machine."""
        own = self.machines.get(planned.unit or "")
        if own is None:
            return ()
        same = [name for name, machine in self.machines.items() if machine.profile.kind == own.profile.kind]
        return candidates(planned.unit, [name for name in same if self._can(name, planned, area_mm2)])

    def _can(self, unit: str, planned: PlannedStep, area_mm2: float) -> bool:
        if unit not in self._capabilities:
            self._capabilities[unit] = capability(unit, self.machines[unit].profile)
        known = self._capabilities[unit]
        return not any(unit_findings(planned.step, known, (known,), area_mm2, planned.gap_um))

    def alike(self, kind: str) -> tuple[str, ...]:
        """The instruments of a kind (gauge, balance)."""
        return tuple(name for name, instrument in self.instruments.items() if instrument.profile.kind == kind)


def unit_profile(unit: UnitConfig) -> Profile:
    """The profile of a unit; raises ProfileError, also where it describes another kind of unit."""
    profile = load_profile(unit.profile)
    if profile.kind != unit.kind:
        raise ProfileError(f"{unit.profile} describes a {profile.kind}, and the unit is a {unit.kind}")
    return profile


def _upper(profile: Profile, signal: str) -> float:
    limits = profile.signals[signal].limits
    if limits is None:
        raise UnitUnknown(f"profile {profile.name}: signal {signal} has no write_range, so its limit is unknown")
    return limits[1]


def _window(profile: Profile, signal: str) -> Window:
    limits = profile.signals[signal].limits
    return Window(limits[0], limits[1]) if limits else Window(float("-inf"), float("inf"))


def _limits(profile: Profile, **signals: str) -> dict[str, Window]:
    """The write ranges of a profile's setpoints, where it has them."""
    return {name: _window(profile, signal) for name, signal in signals.items() if signal in profile.signals}


def capability(unit: str, profile: Profile) -> UnitCapability:
    """What a unit can do, read from the write ranges of its profile."""
    match profile.kind:
        case "uniaxial_press":
            return UnitCapability(
                unit,
                profile.kind,
                max_force_kn=_upper(profile, "force_sp_kn"),
                temperature_c=_window(profile, "platen_temperature_sp_c"),
                max_ramp=_upper(profile, "force_ramp_kn_s"),
                limits=_limits(profile, dwell_s="dwell_sp_s", ramp="force_ramp_kn_s", release="release_rate_kn_s"),
            )
        case "isostatic_press":
            return UnitCapability(
                unit,
                profile.kind,
                max_pressure_mpa=_upper(profile, "pressure_sp_mpa"),
                temperature_c=_window(profile, "medium_temperature_sp_c"),
                max_ramp=_upper(profile, "pressure_ramp_mpa_s"),
                limits=_limits(
                    profile,
                    dwell_s="dwell_sp_s",
                    soak_s="soak_s",
                    ramp="pressure_ramp_mpa_s",
                    release="decompression_rate_mpa_s",
                ),
            )
        case "coater":
            zones = zone_count(profile.signals)
            further = {f"zone{n}_c": f"zone{n}_sp_c" for n in range(2, zones + 1)}
            return UnitCapability(
                unit,
                profile.kind,
                temperature_c=_window(profile, "zone1_sp_c"),
                max_gap_um=_upper(profile, "gap_sp_um"),
                web_speed_m_min=_window(profile, "web_speed_sp_m_min"),
                zones=zones,
                limits=_limits(profile, length_m="length_sp_m", tension_n="tension_sp_n", **further),
            )
        case "roll_press":
            return UnitCapability(
                unit,
                profile.kind,
                temperature_c=_window(profile, "roll_temperature_sp_c"),
                web_speed_m_min=_window(profile, "web_speed_sp_m_min"),
                limits=_limits(profile, length_m="length_sp_m", tension_n="tension_sp_n"),
            )
        case kind:
            return UnitCapability(unit, kind)
