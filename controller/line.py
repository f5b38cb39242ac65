"""The units of the line as the controller holds them: machines, instruments, what they can do and who owns them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from controller.config import UnitConfig
from drivers.errors import ProfileError
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.profile_kinds import zone_count
from recipes.model import Window
from recipes.plan import UnitCapability


class UnitTaken(Exception):
    """A unit belongs to another owner. A retry makes sense when that owner has released it."""


class UnitUnknown(Exception):
    """The line has no unit of this name or kind. Not retryable."""


@dataclass(slots=True)
class Line:
    """All units by name. A unit has one owner at a time."""

    machines: Mapping[str, Machine]
    instruments: Mapping[str, Instrument]
    owners: dict[str, str] = field(default_factory=dict)

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

    @contextmanager
    def lease(self, unit: str, owner: str) -> Iterator[None]:
        """Owns a unit for the length of the block; raises UnitTaken."""
        if (other := self.owners.get(unit)) is not None:
            raise UnitTaken(f"{unit} belongs to {other}")
        self.owners[unit] = owner
        try:
            yield
        finally:
            del self.owners[unit]


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
