"""The permissive matrix as data: what must be true of a machine before a command that raises risk is sent to it.

The machine's own controller has its interlocks too, and the hard-wired ones below it; these are checked first so that
the reason is told in words. Not one of them can be bypassed from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers import isostatic_press, uniaxial_press
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Snapshot

UNLOADED_KN = 5.0  # the weight of the upper die and the load cell's offset stay below it
UNLOADED_MPA = 12.0  # three times the accuracy of a vessel's sensors, +-4 MPa: they cannot prove zero, but disprove it


@dataclass(frozen=True, slots=True)
class Permissive:
    """One row: for which kind of unit, which condition, and what is told when it does not hold.

    Every row counts for loading and starting a job; `restart` rows count for continuing a held one too.
    """

    kind: str
    name: str
    message: str
    holds: Callable[[Snapshot], bool]
    restart: bool = False


def _bit(name: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: snapshot.bit(name)


def _remote(snapshot: Snapshot) -> bool:
    return snapshot.text("mode") == "REMOTE"


def _idle(snapshot: Snapshot) -> bool:
    return snapshot.text("machine_state") == "IDLE"


def _no_alarm(snapshot: Snapshot) -> bool:
    return snapshot.value("alarm_bits") == 0


def _only_link_alarm(snapshot: Snapshot) -> bool:
    return set(snapshot.bits("alarm_bits")) <= {"link_lost"}


def _sensors_unloaded(snapshot: Snapshot) -> bool:
    return max(abs(snapshot.value(name)) for name in ("pressure_a_mpa", "pressure_b_mpa")) < UNLOADED_MPA


_COMMON = (
    ("remote mode", "is not in remote mode; switch it at the machine", _remote, True),
    ("idle", "is not idle; reset it when it is safe to", _idle, False),
    ("no machine alarm", "has a latched alarm; look at the machine and reset it there", _no_alarm, False),
    ("no other alarm", "has a latched alarm; look at the machine and reset it there", _only_link_alarm, True),
    ("safety chain", "has an open safety chain", _bit("estop_ok"), True),
)

PERMISSIVES: tuple[Permissive, ...] = (
    *(
        Permissive(kind, name, message, holds, restart)
        for kind in ("uniaxial_press", "isostatic_press", "coater")
        for name, message, holds, restart in _COMMON
    ),
    Permissive("uniaxial_press", "guard closed", "has an open guard", _bit("guard_closed"), restart=True),
    Permissive("uniaxial_press", "unloaded", "carries a force", lambda s: abs(s.value("force_pv_kn")) < UNLOADED_KN),
    Permissive("isostatic_press", "zero proven", "is not proven to be without pressure", _bit("zero_pressure_switch")),
    Permissive("isostatic_press", "sensors at zero", "shows a pressure on its sensors", _sensors_unloaded),
    Permissive("coater", "exhaust", "has no exhaust", _bit("exhaust_ok")),
    Permissive("coater", "fan", "has no running fan", _bit("fan_running")),
    Permissive("coater", "web", "has no intact web", _bit("web_ok")),
)


_MAINTENANCE_MODE = "MAINTENANCE"
_AT_REST = frozenset({"IDLE", "STOPPED", "ABORTED", "COMPLETE"})  # PackML states in which a machine moves nothing


@dataclass(frozen=True, slots=True)
class MaintenancePermissive:
    """One row for a write by hand: it counts for every unit with a handshake that has `signal`, whatever its kind."""

    signal: str
    message: str
    holds: Callable[[Snapshot], bool]


MAINTENANCE: tuple[MaintenancePermissive, ...] = (
    MaintenancePermissive(
        "mode",
        "is not in mode MAINTENANCE; switch it at the machine",
        lambda snapshot: snapshot.text("mode") == _MAINTENANCE_MODE,
    ),
    MaintenancePermissive(
        "machine_state",
        "is not at rest; wait for the end of what it does, or stop it",
        lambda snapshot: snapshot.text("machine_state") in _AT_REST,
    ),
    MaintenancePermissive(
        "lease_owner",
        "is owned by another controller; end the service that controls it",
        lambda snapshot: snapshot.value("lease_owner") == 0,
    ),
)


def has_handshake(profile: Profile) -> bool:
    """Whether commands, lease and mode of a unit mean what they mean in a machine.

    They do in every machine, and wherever a mode for maintenance shows that the profile was written for one, whatever
    it calls its kind. An instrument's `mode` is its own affair (a temperature controller's off, auto and manual).
    """
    mode = profile.signals.get("mode")
    words = profile.enums.get(mode.enum, {}) if mode is not None and mode.enum is not None else {}
    return profile.is_machine or _MAINTENANCE_MODE in words


def missing_for_maintenance(profile: Profile, snapshot: Snapshot) -> list[str]:
    """What keeps a unit of this profile from being written to by hand, in words.

    A value that cannot be read is a missing permissive. Of what has no handshake nothing is missing.
    """
    missing: list[str] = []
    for permissive in MAINTENANCE:
        if not has_handshake(profile) or permissive.signal not in profile.signals:
            continue
        try:
            held = permissive.holds(snapshot)
        except BadQuality as error:
            missing.append(f"{permissive.signal} cannot be judged: {error}")
        else:
            missing += [] if held else [permissive.message]
    return missing


def missing_permissives(kind: str, snapshot: Snapshot, *, restart: bool = False) -> list[str]:
    """What keeps a unit of this kind from starting (or from continuing), in words.

    A value that cannot be read is a missing permissive.
    """
    missing = []
    for permissive in PERMISSIVES:
        if permissive.kind != kind or (restart and not permissive.restart):
            continue
        try:
            held = permissive.holds(snapshot)
        except BadQuality as error:
            missing.append(f"{permissive.name} cannot be judged: {error}")
        else:
            if not held and permissive.message not in missing:
                missing.append(permissive.message)
    return missing


def is_pressurised(kind: str, snapshot: Snapshot) -> bool:
    """Whether the machine may still carry a dangerous pressure; raises BadQuality where nothing can be said.

    Zero is proven by what the machine's register document names for it and by sensors that do not say otherwise.
    """
    match kind:
        case "uniaxial_press":
            return not (uniaxial_press.depressurised(snapshot) and abs(snapshot.value("force_pv_kn")) < UNLOADED_KN)
        case "isostatic_press":
            return not (isostatic_press.depressurised(snapshot) and _sensors_unloaded(snapshot))
        case _:
            return False
