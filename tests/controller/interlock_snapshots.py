"""Snapshots of every kind of machine in which all is well, and in which exactly one condition is not."""

from __future__ import annotations

from typing import Any

from controller.interlocks import Row
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Snapshot

PROFILES = {
    kind: load_profile(f"{kind.replace('_', '-')}-generic")
    for kind in ("uniaxial_press", "isostatic_press", "coater", "roll_press")
}
OFF_WHILE_WELL = ("relief_open", "lel_warning")
WORKING_OFF = ("ram_top", "zero_pressure_switch", "vent_open", "nip_open")  # they are off while something works


def snapshot(profile: Profile, values: dict[str, float]) -> Snapshot:
    """A snapshot of one machine at time 0."""
    return Snapshot.of("press", profile, 0.0, values)


def well(profile: Profile, state: str = "IDLE", phase: str = "idle") -> dict[str, float]:
    """The values of a machine with which nothing is wrong, at rest or at work."""
    values: dict[str, float] = {name: 0.0 for name, signal in profile.signals.items() if signal.access == "r"}
    off = OFF_WHILE_WELL if state in ("IDLE", "COMPLETE") else (*OFF_WHILE_WELL, *WORKING_OFF)
    if profile.kind == "coater":
        off = (*off, "head_closed")
    names = profile.signals["status_bits"].bits
    bits = sum(1 << place for place, name in enumerate(names) if name not in off)
    numbers = {"machine_state": state, "mode": "REMOTE", "phase": phase}
    words = {name: float(profile.number(profile.signals[name].enum or "", word)) for name, word in numbers.items()}
    return values | words | {"status_bits": float(bits), "alarm_bits": 0.0}


SPOILED: dict[str, dict[str, Any]] = {
    "remote mode": {"mode": 0.0},
    "idle": {"machine_state": 6.0},
    "finished": {"machine_state": 6.0},
    "no machine alarm": {"alarm_bits": 1.0},
    "no other alarm": {"alarm_bits": 1.0},
    "unloaded": {"force_pv_kn": 6.0},
    "closure locked": {"closure_locked": False},
    "closure locked until zero": {"closure_locked": False, "zero_pressure_switch": False, "vent_open": False},
    "zero proven": {"zero_pressure_switch": False},
    "sensors at zero": {"pressure_a_mpa": 12.5},
    "sensors agree": {"pressure_a_mpa": 11.0, "pressure_b_mpa": -3.0},
    "no vapour": {"lel_pct": 25.0},
    "vapour below its trip": {"lel_pct": 50.0},
    "web at rest": {"web_speed_m_min": 0.1},
    "nip open": {"nip_open": False},
    "maintenance mode": {"mode": 1.0},
    "at rest": {"machine_state": 6.0},
    "nobody's": {"lease_owner": 7.0},
}
"""What breaks each row that is no single bit; a value of True or False is a bit."""


def spoiled(profile: Profile, row: Row, values: dict[str, float]) -> dict[str, float]:
    """The same values with this row's condition not holding."""
    if row.condition.bit is not None:
        return with_bit(profile, values, row.condition.bit, on=not row.condition.on)
    for name, value in SPOILED[row.name].items():
        values = with_bit(profile, values, name, on=value) if isinstance(value, bool) else {**values, name: value}
    return values


def unread(profile: Profile, row: Row, values: dict[str, float]) -> dict[str, float]:
    """The same values with what this row reads being of bad quality."""
    if row.condition.bit is not None:
        return {**values, profile.bit_places[row.condition.bit][0]: float("nan")}
    names = {name if name in profile.signals else profile.bit_places[name][0] for name in SPOILED[row.name]}
    return {**values, **dict.fromkeys(names, float("nan"))}


def with_bit(profile: Profile, values: dict[str, float], bit: str, *, on: bool) -> dict[str, float]:
    """The same values with one bit set or not."""
    signal, place = profile.bit_places[bit]
    number = int(values[signal])
    return {**values, signal: float(number | 1 << place if on else number & ~(1 << place))}
