"""What goes wrong inside a machine: one set of switches for each kind, all at rest by default.

A machine's physics, sensors and controller consult its `disturbances` at every scan, so that a change acts from the
next scan on and putting the field back ends the cause. What a cause has done (a latched alarm, a trip, heat, a wet
laminate) stays until the machine's own logic or a person ends it. Nothing here draws anything: sizes are the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Heater = Literal["ok", "off", "stuck_on"]
Decompression = Literal["ok", "slow", "stuck"]


@dataclass(slots=True)
class UniaxialDisturbances:
    """Of a uniaxial press.

    no_rise: the force does not rise, falling is not hindered. leak_kn_s: the cylinder loses force, the pump makes up
    only a little of it. overshoot_pct: of the setpoint, when the ramp ends. oscillation_pct: amplitude of a swing of
    the force loop, of the setpoint. platen_offset_k: the lower platen is off by this. heater: of both platens.
    thickness_drift_um_s and thickness_stuck: of the thickness that is shown. tilt_um: the ram's, seen by the LVDTs.
    guard_open and two_hand_released: of the safety chain.
    """

    no_rise: bool = False
    leak_kn_s: float = 0.0
    overshoot_pct: float = 0.0
    oscillation_pct: float = 0.0
    platen_offset_k: float = 0.0
    heater: Heater = "ok"
    thickness_drift_um_s: float = 0.0
    thickness_stuck: bool = False
    tilt_um: float = 0.0
    guard_open: bool = False
    two_hand_released: bool = False


@dataclass(slots=True)
class IsostaticDisturbances:
    """Of an isostatic press.

    sensor_drift_mpa: error of the second pressure sensor. medium_offset_k: the medium is off the wall by this.
    ripple_mpa: more ripple of the intensifier, also in the dwell. seal_leak_mpa_s: the vessel loses pressure.
    decompression: of the metered valve. closure_unproven: the closure's and the yoke's switches do not make.
    bag_leak: the medium gets at the laminate. relief_lifts: the relief valve opens far below its set pressure.
    """

    sensor_drift_mpa: float = 0.0
    medium_offset_k: float = 0.0
    ripple_mpa: float = 0.0
    seal_leak_mpa_s: float = 0.0
    decompression: Decompression = "ok"
    closure_unproven: bool = False
    bag_leak: bool = False
    relief_lifts: bool = False


@dataclass(slots=True)
class CoaterDisturbances:
    """Of a coater.

    gap_uneven_um: one side of the comma is this much wider. bank_empty: no slurry before the comma. zone_offset_k: the
    air of all zones is off by this. lel_drift_pct: more vapour is seen than there is. weight_drift_pct_m: the coating
    weight drifts by this share with each metre. web_stopped: the web's drive has stopped.
    """

    web_break: bool = False
    tension_lost: bool = False
    gap_uneven_um: float = 0.0
    bank_empty: bool = False
    zone_offset_k: float = 0.0
    fan_failed: bool = False
    lel_drift_pct: float = 0.0
    weight_drift_pct_m: float = 0.0
    web_stopped: bool = False
    guard_open: bool = False


@dataclass(slots=True)
class RollPressDisturbances:
    """Of a roll press. gap_uneven_um: the right gap is this much wider than the left one."""

    gap_uneven_um: float = 0.0
    line_load_lost: bool = False
    nip_guard_open: bool = False


@dataclass(slots=True)
class InstrumentDisturbances:
    """Of an instrument. zero_drift: added to each value, in the instrument's unit; silent: it answers nothing."""

    zero_drift: float = 0.0
    silent: bool = False


Disturbances = (
    UniaxialDisturbances | IsostaticDisturbances | CoaterDisturbances | RollPressDisturbances | InstrumentDisturbances
)
