"""What can be asked of a snapshot, as small named conditions: each is the good case, and not holding is the bad one.

A condition that reads a value of any quality but good raises BadQuality: it holds for nobody. One that reads what a
profile does not have raises KeyError: its row does not apply to that machine.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from drivers import coater, isostatic_press, roll_press, uniaxial_press
from drivers.reading import Snapshot

UNLOADED_KN = uniaxial_press.ZERO_FORCE_KN
UNLOADED_MPA = 12.0  # three times the accuracy of a vessel's sensors, +-4 MPa: they cannot prove zero, but disprove it
LEL_ALARM_PCT = 25.0  # usual first alarm of a solvent oven (report 3.3); coater-generic.md warns there too
LEL_TRIP_PCT = 50.0  # where the coater itself trips (coater-generic.md, alarm bit 0)
OVER = frozenset({"STOPPED", "ABORTED", "COMPLETE"})  # PackML states in which a job is over and not acknowledged
AT_REST = OVER | {"IDLE"}  # PackML states in which a machine moves nothing
MAINTENANCE_MODE = "MAINTENANCE"


@dataclass(frozen=True, slots=True)
class Condition:
    """A named predicate on a snapshot. `bit` names the one bit that has to be `on`, where it is one."""

    name: str
    holds: Callable[[Snapshot], bool]
    bit: str | None = None
    on: bool = True


def bit_on(name: str) -> Condition:
    """The bit is set."""
    return Condition(f"{name} is on", lambda snapshot: snapshot.bit(name), name)


def bit_off(name: str) -> Condition:
    """The bit is not set."""
    return Condition(f"{name} is off", lambda snapshot: not snapshot.bit(name), name, on=False)


def _sensors_unloaded(snapshot: Snapshot) -> bool:
    return max(abs(snapshot.value(name)) for name in ("pressure_a_mpa", "pressure_b_mpa")) < UNLOADED_MPA


def _closed_or_zero(snapshot: Snapshot) -> bool:
    return isostatic_press.closed(snapshot) or isostatic_press.depressurised(snapshot)


REMOTE = Condition("mode is REMOTE", lambda snapshot: snapshot.text("mode") == "REMOTE")
MAINTENANCE = Condition("mode is MAINTENANCE", lambda snapshot: snapshot.text("mode") == MAINTENANCE_MODE)
IDLE = Condition("machine_state is IDLE", lambda snapshot: snapshot.text("machine_state") == "IDLE")
FINISHED = Condition(
    f"machine_state is {', '.join(sorted(OVER))}", lambda snapshot: snapshot.text("machine_state") in OVER
)
RESTING = Condition("machine_state is at rest", lambda snapshot: snapshot.text("machine_state") in AT_REST)
UNOWNED = Condition("lease_owner is 0", lambda snapshot: snapshot.value("lease_owner") == 0)
NO_ALARM = Condition("alarm_bits is 0", lambda snapshot: snapshot.value("alarm_bits") == 0)
ONLY_LINK_ALARM = Condition(
    "alarm_bits holds nothing but link_lost", lambda snapshot: set(snapshot.bits("alarm_bits")) <= {"link_lost"}
)
NO_FORCE = Condition(
    f"|force_pv_kn| < {UNLOADED_KN:g} kN", lambda snapshot: abs(snapshot.value("force_pv_kn")) < UNLOADED_KN
)
SENSORS_UNLOADED = Condition(f"both |pressure_*_mpa| < {UNLOADED_MPA:g} MPa", _sensors_unloaded)
SENSORS_AGREE = Condition(
    f"|pressure_a_mpa - pressure_b_mpa| <= {isostatic_press.DISAGREEMENT_MPA:g} MPa", isostatic_press.sensors_agree
)
ZERO_PROVEN = Condition("zero_pressure_switch and vent_open are on", isostatic_press.depressurised)
CLOSED = Condition("closure_locked and yoke_in_place are on", isostatic_press.closed)
CLOSED_OR_ZERO = Condition(
    "closure_locked and yoke_in_place are on, or zero_pressure_switch and vent_open", _closed_or_zero
)
WEB_AT_REST = Condition(f"|web_speed_m_min| < {coater.STANDSTILL_M_MIN:g} m/min, head_closed is off", coater.stopped)
NO_VAPOUR = Condition(f"lel_pct < {LEL_ALARM_PCT:g} %", lambda snapshot: snapshot.value("lel_pct") < LEL_ALARM_PCT)
BELOW_TRIP = Condition(f"lel_pct < {LEL_TRIP_PCT:g} %", lambda snapshot: snapshot.value("lel_pct") < LEL_TRIP_PCT)
NIP_OPEN = Condition(f"line_load_n_mm < {roll_press.ZERO_LOAD_N_MM:g} N/mm, nip_open is on", roll_press.depressurised)
ROLLS_AT_REST = Condition(f"|web_speed_m_min| < {roll_press.STANDSTILL_M_MIN:g} m/min", roll_press.stopped)
