"""The permissive matrix as data: what must be true of a machine before a command that raises risk is sent to it.

The machine's own controller has its interlocks too, and the hard-wired ones below it; these are checked first so that
the reason is told in words. Not one of them can be bypassed from here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers.errors import BadQuality
from drivers.reading import Snapshot

ATMOSPHERIC_MPA = 0.1  # the low-range switch of a vessel opens above it
UNLOADED_KN = 5.0  # the weight of a closed upper die and the load cell's offset stay below it


@dataclass(frozen=True, slots=True)
class Permissive:
    """One row: for which kind of unit, which condition, and what is told when it does not hold."""

    kind: str
    name: str
    message: str
    holds: Callable[[Snapshot], bool]


def _bit(name: str) -> Callable[[Snapshot], bool]:
    return lambda snapshot: snapshot.bit(name)


def _remote(snapshot: Snapshot) -> bool:
    return snapshot.text("mode") == "REMOTE"


def _idle(snapshot: Snapshot) -> bool:
    return snapshot.text("machine_state") == "IDLE"


def _no_alarm(snapshot: Snapshot) -> bool:
    return snapshot.value("alarm_bits") == 0


_COMMON = (
    ("remote mode", "is not in remote mode; switch it at the machine", _remote),
    ("idle", "is not idle; reset it when it is safe to", _idle),
    ("no machine alarm", "has a latched alarm; look at the machine and reset it there", _no_alarm),
    ("safety chain", "has an open safety chain", _bit("estop_ok")),
)

PERMISSIVES: tuple[Permissive, ...] = (
    *(
        Permissive(kind, name, message, holds)
        for kind in ("uniaxial_press", "isostatic_press", "coater")
        for name, message, holds in _COMMON
    ),
    Permissive("uniaxial_press", "guard closed", "has an open guard", _bit("guard_closed")),
    Permissive("uniaxial_press", "unloaded", "carries a force", lambda s: abs(s.value("force_pv_kn")) < UNLOADED_KN),
    Permissive("isostatic_press", "zero proven", "is not proven to be without pressure", _bit("zero_pressure_switch")),
    Permissive("coater", "exhaust", "has no exhaust", _bit("exhaust_ok")),
    Permissive("coater", "fan", "has no running fan", _bit("fan_running")),
    Permissive("coater", "web", "has no intact web", _bit("web_ok")),
)


def missing_permissives(kind: str, snapshot: Snapshot) -> list[str]:
    """What keeps a unit of this kind from starting, in words; an unreadable value is a missing permissive."""
    missing = []
    for permissive in PERMISSIVES:
        if permissive.kind != kind:
            continue
        try:
            held = permissive.holds(snapshot)
        except BadQuality as error:
            held = False
            missing.append(f"{permissive.name} cannot be judged: {error}")
        else:
            if not held:
                missing.append(permissive.message)
    return missing


def is_pressurised(kind: str, snapshot: Snapshot) -> bool:
    """Whether the machine still carries a dangerous pressure; raises BadQuality where the values cannot be trusted."""
    match kind:
        case "uniaxial_press":
            return abs(snapshot.value("force_pv_kn")) >= UNLOADED_KN
        case "isostatic_press":
            return not snapshot.bit("zero_pressure_switch")
        case _:
            return False
