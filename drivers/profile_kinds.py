"""What each kind of unit needs in its profile, as data: the names that the handshake and the intents work with."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

MACHINE_TIMES = (
    "acknowledge_timeout_s",
    "heartbeat_period_s",
    "watchdog_s",
    "stale_after_s",
    "decompression_s",
    "poll_moving_s",
    "poll_dwelling_s",
    "poll_idle_s",
)
POLLED = (
    "heartbeat_machine",
    "machine_state",
    "mode",
    "acknowledged_sequence",
    "acknowledge_result",
    "acknowledge_reason",
    "status_bits",
    "alarm_bits",
    "phase",
)
MACHINE_SIGNALS = ("model_code", "firmware", "serial_number", *POLLED)
REGISTER_SIGNALS = ("command_code", "command_sequence", "heartbeat_controller")
"""Needed in registers only: a text line has them in its requests."""
HANDSHAKE = frozenset({*REGISTER_SIGNALS, "lease_request"})
"""Written by the driver itself, never as somebody's setpoint."""
COMMANDS = ("load_job", "start", "hold", "restart", "stop", "abort", "reset")
SAFE_COMMANDS = ("hold", "stop", "abort")
ENUMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "machine_state": ("packml_state", ("IDLE", "EXECUTE", "HELD", "COMPLETE", "STOPPED", "ABORTED")),
    "mode": ("mode", ("REMOTE",)),
    "acknowledge_result": ("result", ("ACCEPTED", "REJECTED", "DONE", "FAILED")),
    "acknowledge_reason": ("reason", ()),
    "phase": ("phase", ()),
}
"""The enumeration of each signal whose words the program reads, and the words that it cannot do without."""
MOST_ZONES = 4
"""A coater has one to four drying zones."""


@dataclass(frozen=True, slots=True)
class Needs:
    """The job, exactly; the values and bits that are supervised; and what protects where a machine has it.

    A machine may be without one of `protections`: no vapour from a slurry of water, a guard in the safety chain. Its
    profile says so, and why, under `without`; what is neither there nor said to be missing is a mistake.
    """

    job: frozenset[str]
    values: frozenset[str]
    bits: frozenset[str]
    protections: frozenset[str]


def _needs(job: str, values: str, bits: str, protections: str) -> Needs:
    return Needs(*(frozenset(names.split()) for names in (job, values, bits, protections)))


MACHINES: Mapping[str, Needs] = {
    "uniaxial_press": _needs(
        "job_id force_sp_kn force_ramp_kn_s dwell_sp_s release_rate_kn_s platen_temperature_sp_c dwell_band_pct"
        " temperature_band_k link_loss_hold_s",
        "force_pv_kn platen_top_c platen_bottom_c dwell_elapsed_s dwell_mean_force_kn",
        "estop_ok guard_closed ram_top",
        "link_ok two_hand_ok relief_open",
    ),
    "isostatic_press": _needs(
        "job_id pressure_sp_mpa pressure_ramp_mpa_s dwell_sp_s decompression_rate_mpa_s final_decompression_rate_mpa_s"
        " medium_temperature_sp_c temperature_band_k soak_s dwell_band_pct link_loss_hold_s",
        "pressure_a_mpa pressure_b_mpa medium_a_c medium_b_c dwell_elapsed_s dwell_mean_pressure_mpa",
        "estop_ok closure_locked yoke_in_place zero_pressure_switch vent_open",
        "link_ok relief_open bag_ok",
    ),
    "coater": _needs(
        "job_id gap_sp_um web_speed_sp_m_min zone1_sp_c length_sp_m tension_sp_n temperature_band_k",
        "web_speed_m_min zone1_c coating_weight_mg_cm2 residual_solvent_pct",
        "estop_ok fan_running exhaust_ok web_ok head_closed",
        "link_ok guard_closed lel_pct",
    ),
    "roll_press": _needs(
        "job_id line_load_sp_n_mm gap_sp_um roll_temperature_sp_c web_speed_sp_m_min length_sp_m tension_sp_n"
        " temperature_band_k",
        "line_load_n_mm gap_left_um gap_right_um roll_top_c roll_bottom_c web_speed_m_min",
        "estop_ok nip_open",
        "link_ok nip_guard_closed web_ok",
    ),
}
"""By kind; a coater's further zones are in needs_of()."""


def zone_count(names: Collection[str]) -> int:
    """How many drying zones a coater with these signals has, 1 to MOST_ZONES: the last that is set or measured."""
    zones = range(MOST_ZONES, 1, -1)
    return next((n for n in zones if f"zone{n}_sp_c" in names or f"zone{n}_c" in names), 1)


def needs_of(kind: str, names: Collection[str]) -> Needs:
    """What a machine of a kind with these signals needs: of a coater a setpoint and a value for each of its zones."""
    needs = MACHINES[kind]
    if kind != "coater":
        return needs
    zones = range(1, zone_count(names) + 1)
    return replace(
        needs,
        job=needs.job | {f"zone{n}_sp_c" for n in zones},
        values=needs.values | {f"zone{n}_c" for n in zones},
    )
