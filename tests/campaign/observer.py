"""What really happened on a simulated line, seen at every scan of its machines.

The observer knows the simulated physics and nothing of the controller but its finished journal. What it sees of a
machine is what a person with perfect instruments would see: pressure on the laminate, temperatures, speeds, switches,
which lot lies inside; and what arrived at the machine from outside: heartbeats and commands. `judges` holds this
against the plan, the machine's profile and the journal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from drivers.profile import Profile
from simulators.coater import Coater
from simulators.isostatic_press import IsostaticPress
from simulators.line import SimulatedLine
from simulators.plc import Plc
from simulators.uniaxial_press import UniaxialPress
from tests.campaign.truth import Dwell, watch

WARM_K = 5.0
"""A heater that is asked for this much more than the room's temperature is on."""


class Pressed(NamedTuple):
    """One scan of a press. load is what zero is judged by: kN of a uniaxial press, MPa of a vessel.

    is_shut: guard closed, or closure locked; is_permitted: the other switches that a person holds (two hands).
    lot "" is none.
    """

    time_s: float
    dt_s: float
    pressure_mpa: float
    load: float
    coldest_c: float
    hottest_c: float
    lot_c: float
    is_shut: bool
    is_permitted: bool
    lot: str


class Coated(NamedTuple):
    """One scan of a coater. is_wet: slurry-coated web stands or runs in the oven."""

    time_s: float
    dt_s: float
    web_m_min: float
    zones_c: tuple[float, ...]
    is_heating: bool
    has_air: bool
    exhaust_on: bool
    is_whole: bool
    is_shut: bool
    is_wet: bool
    lel_pct: float


class Obeyed(NamedTuple):
    """A command that a machine's controller took in, and what it answered ("DONE", "ACCEPTED", "REJECTED" ...)."""

    time_s: float
    command: str
    result: str


@dataclass(slots=True)
class Seen:
    """All that was seen of one machine. scans is of Pressed or Coated, by the machine's kind; times are the line's."""

    unit: str
    profile: Profile
    scans: list[Any] = field(default_factory=list)
    beats_s: list[float] = field(default_factory=list)
    commands: list[Obeyed] = field(default_factory=list)


class Observer:
    """Attaches to a line before anything runs on it; `seen` grows with the machines' own scans."""

    def __init__(self, line: SimulatedLine) -> None:
        self.line = line
        self.seen: dict[str, Seen] = {}
        self.dwells: dict[int, Dwell] = {}
        self.moduli: dict[int, dict[str, float]] = {}
        for unit, machine in line.machines.items():
            plc = getattr(machine, "plc", None)
            if isinstance(plc, UniaxialPress | IsostaticPress):
                watch(plc, self.dwells, self.moduli)
            look = _look_of(plc)
            if isinstance(plc, Plc) and look is not None:
                self.seen[unit] = Seen(unit, plc.profile)
                _attach(plc, look, self.seen[unit])

    def look(self, now_s: float) -> None:
        """Brings every machine up to now, whoever else reads it."""
        for unit in self.seen:
            self.line.machines[unit].advance(now_s)  # type: ignore[union-attr]  # only machines with a controller are seen


def _look_of(plc: Any) -> Callable[[Any, float, float], Any] | None:
    looks: Mapping[type, Callable[[Any, float, float], Any]] = {
        UniaxialPress: _uniaxial,
        IsostaticPress: _isostatic,
        Coater: _coater,
    }
    return next((look for kind, look in looks.items() if isinstance(plc, kind)), None)


def line_time_s(plc: Plc) -> float:
    """The line's time at a controller's last scan."""
    return (plc._origin_s or 0.0) + plc.time_s


def _attach(plc: Plc, look: Callable[[Any, float, float], Any], seen: Seen) -> None:
    physics, heard, obey = plc._physics, plc._heard, plc._obey

    def physics_seen(dt_s: float) -> None:
        physics(dt_s)
        seen.scans.append(look(plc, line_time_s(plc), dt_s))

    def heard_seen(beat: int) -> None:
        is_new = beat != plc.tags.get("heartbeat_controller")
        heard(beat)
        if is_new:
            seen.beats_s.append(line_time_s(plc))

    def obey_seen(name: str | None) -> tuple[str, str]:
        answer = obey(name)
        seen.commands.append(Obeyed(line_time_s(plc), name or "", answer[0]))
        return answer

    plc._physics = physics_seen  # type: ignore[method-assign]  # this one machine is watched
    plc._heard = heard_seen  # type: ignore[method-assign]  # as above
    plc._obey = obey_seen  # type: ignore[method-assign]  # as above


def disturbed(plc: Any, name: str) -> bool:
    """Whether a disturbance of the machine is on."""
    return bool(getattr(getattr(plc, "disturbances", None), name, False))


def _uniaxial(plc: UniaxialPress, time_s: float, dt_s: float) -> Pressed:
    platens = [plc.platens.temperature_c(index) for index in (0, 1)]
    lot = plc.lot
    return Pressed(
        time_s,
        dt_s,
        plc.pressure_mpa,
        plc.loop.force_kn,
        min(platens),
        max(platens),
        min(platens) if lot is None else lot.temperature_c,
        plc.guard_closed and not disturbed(plc, "guard_open"),
        plc.two_hand_ok and not disturbed(plc, "two_hand_released"),
        "" if lot is None else lot.name,
    )


def _isostatic(plc: IsostaticPress, time_s: float, dt_s: float) -> Pressed:
    medium_c, lot = plc.medium.temperature_c, plc.lot
    return Pressed(
        time_s,
        dt_s,
        plc.pressure_mpa,
        plc.pressure_mpa,
        medium_c,
        medium_c,
        medium_c if lot is None else lot.temperature_c,
        plc.closure_locked,
        not disturbed(plc, "closure_unproven"),
        "" if lot is None else lot.name,
    )


def _coater(plc: Coater, time_s: float, dt_s: float) -> Coated:
    zones = tuple(plc.dryer.all_air_c())
    length_m = 0.0 if plc.job is None else plc.job["length_sp_m"]
    return Coated(
        time_s,
        dt_s,
        plc._web_m_min,
        zones,
        any(zone._commanded_c > plc._room_c + WARM_K for zone in plc.dryer.zones),
        plc.fan_running and not disturbed(plc, "fan_failed"),
        plc.exhaust_m3_min > 0.0,
        plc.web_ok and not disturbed(plc, "web_break"),
        plc.guard_closed and not disturbed(plc, "guard_open"),
        plc.threaded is not None and plc._coated_m > 0.0 and plc._dried_m < length_m,
        plc._lel_pct(),
    )
