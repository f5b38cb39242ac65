"""Faults of machines: their controllers, and what each kind of process can do."""

from __future__ import annotations

from simulators.faults.fault import Fault, From, Group, Parameter, Target

_MACHINES = ("uniaxial_press", "isostatic_press", "coater", "roll_press")
_KINDS: dict[Group, tuple[str, ...]] = {
    "machine": _MACHINES,
    "uniaxial": ("uniaxial_press",),
    "isostatic": ("isostatic_press",),
    "coater": ("coater",),
    "roll_press": ("roll_press",),
}
_COMMAND = Parameter("command", "", "the command that it is about; empty for all but hold, stop and abort")


def _fault(
    group: Group,
    name: str,
    meaning: str,
    expected: str,
    sets: dict[str, object],
    *parameters: Parameter,
    needs_person: bool = True,
    target: Target = "machine",
) -> Fault:
    return Fault(f"{group}.{name}", group, _KINDS[group], meaning, expected, needs_person, parameters, target, sets)


def _control(name: str, meaning: str, expected: str, sets: dict[str, object], *parameters: Parameter) -> Fault:
    return _fault("machine", name, meaning, expected, sets, *parameters, target="control")


_HELD = "hold or abort, as the step says; the first cause is told"
_CONTROLLER_FAULTS = (
    _fault(
        "machine",
        "reboot",
        "the controller starts anew: default setpoints, no job, sequence and heartbeat from 0",
        "noticed by heartbeat and sequence; identified again; armed only by a person",
        {},
        target="reboot",
    ),
    _control("wrong_identity", "another model answers", "refused on connecting, told", {"wrong_identity": True}),
    _control("old_firmware", "a firmware that was never tried answers", "refused, told", {"old_firmware": True}),
    _control(
        "frozen_value",
        "one value stands still at what it was",
        "the windows of other signals, or the value's own change, tell",
        {"frozen_tags": From("tag")},
        Parameter("tag", "", "the signal's name in the profile"),
    ),
    _control(
        "frozen_heartbeat",
        "the machine's heartbeat stands still",
        "all its values are bad; link lost is told; hold",
        {"heartbeat_frozen": True},
    ),
    _control("busy", "commands and jobs are refused with the exception busy", "told; hold", {"busy": True}),
    _control(
        "rejects",
        "commands are rejected with a reason",
        "told with the reason; not sent again",
        {"reject": From("reason"), "only": From("command")},
        Parameter("reason", "wrong_state", "a word of the profile's enumeration reason"),
        _COMMAND,
    ),
    _control(
        "never_done",
        "commands are acknowledged and nothing happens",
        "noticed by the state that does not come; hold",
        {"never_done": True, "only": From("command")},
        _COMMAND,
    ),
    _control("local_mode", "a person turns the key to local", "hold; armed only by a person", {"local_mode": True}),
    _control(
        "job_echo_differs",
        "the job that the machine repeats is not the one that it was sent",
        "never started",
        {"echo_error": From("share")},
        Parameter("share", 0.01, "by this share of each value", low=-1.0, high=10.0),
    ),
)
_UNIAXIAL_FAULTS = (
    _fault("uniaxial", "no_rise", "the force does not rise", _HELD, {"no_rise": True}),
    _fault(
        "uniaxial",
        "leak",
        "the cylinder loses force during the dwell",
        _HELD,
        {"leak_kn_s": From("rate_kn_s")},
        Parameter("rate_kn_s", 0.5, "loss of force", "kN/s", 0.0, 100.0),
    ),
    _fault(
        "uniaxial",
        "overshoot",
        "the force overshoots when the ramp ends",
        "judged by the step's window; no claim of a pressure that was not kept",
        {"overshoot_pct": From("size_pct")},
        Parameter("size_pct", 6.0, "of the setpoint", "%", 0.0, 50.0),
    ),
    _fault(
        "uniaxial",
        "oscillation",
        "the force swings about its setpoint",
        _HELD,
        {"oscillation_pct": From("size_pct")},
        Parameter("size_pct", 4.0, "amplitude, of the setpoint", "%", 0.0, 50.0),
    ),
    _fault(
        "uniaxial",
        "platens_uneven",
        "the lower platen is colder or warmer than the upper",
        _HELD,
        {"platen_offset_k": From("offset_k")},
        Parameter("offset_k", -8.0, "of the lower platen", "K", -50.0, 50.0),
    ),
    _fault(
        "uniaxial",
        "over_temperature",
        "the heater is stuck on for good",
        "trip by the machine, told; heat off",
        {"heater": "stuck_on"},
    ),
    _fault(
        "uniaxial",
        "heater",
        "the heater does not heat, or does not stop",
        _HELD,
        {"heater": From("is")},
        Parameter("is", "off", "what it does", choices=("off", "stuck_on")),
    ),
    _fault(
        "uniaxial",
        "thickness_drift",
        "the thickness sensor drifts",
        "nothing: no decision rests on the thickness that a press shows",
        {"thickness_drift_um_s": From("rate_um_s")},
        Parameter("rate_um_s", 0.5, "drift", "um/s", -100.0, 100.0),
    ),
    _fault(
        "uniaxial",
        "thickness_stuck",
        "the thickness sensor sticks",
        "nothing: no decision rests on the thickness that a press shows",
        {"thickness_stuck": True},
    ),
    _fault(
        "uniaxial",
        "tilt",
        "the ram tilts",
        "trip by the machine, told",
        {"tilt_um": From("size_um")},
        Parameter("size_um", 40.0, "between the displacement sensors", "um", 0.0, 1000.0),
    ),
    _fault("uniaxial", "guard_open", "a guard is opened", "trip by the machine, told", {"guard_open": True}),
    _fault(
        "uniaxial",
        "two_hand_released",
        "the two-hand control is let go while the ram closes",
        "trip by the machine, told",
        {"two_hand_released": True},
    ),
)
_ISOSTATIC_FAULTS = (
    _fault(
        "isostatic",
        "sensors_disagree",
        "the second pressure sensor drifts off",
        "trip by the machine; the lower reading counts for at least, the higher for limits",
        {"sensor_drift_mpa": From("drift_mpa")},
        Parameter("drift_mpa", 20.0, "error of the second sensor", "MPa", -500.0, 500.0),
    ),
    _fault(
        "isostatic",
        "medium_off",
        "the medium is colder or hotter than the wall",
        "no pressure before the soaked temperature; hold",
        {"medium_offset_k": From("offset_k")},
        Parameter("offset_k", -10.0, "of the medium", "K", -60.0, 60.0),
    ),
    _fault(
        "isostatic",
        "ripple",
        "the intensifier ripples",
        "judged by the step's window",
        {"ripple_mpa": From("size_mpa")},
        Parameter("size_mpa", 12.0, "amplitude", "MPa", 0.0, 200.0),
    ),
    _fault(
        "isostatic",
        "seal_leak",
        "a seal leaks",
        "hold on a leak is no safe state: controlled decompression",
        {"seal_leak_mpa_s": From("rate_mpa_s")},
        Parameter("rate_mpa_s", 5.0, "loss of pressure", "MPa/s", 0.0, 200.0),
    ),
    _fault(
        "isostatic",
        "decompression",
        "the metered valve is slow or stuck",
        "told when zero does not come in time; the closure stays locked",
        {"decompression": From("is")},
        Parameter("is", "slow", "what the valve does", choices=("slow", "stuck")),
    ),
    _fault(
        "isostatic",
        "closure_unproven",
        "the closure's and the yoke's switches do not make",
        "no pressure without a proven closure",
        {"closure_unproven": True},
    ),
    _fault(
        "isostatic",
        "bag_leak",
        "the bag leaks and the medium gets at the laminate",
        "quality uncertain, no release",
        {"bag_leak": True},
    ),
    _fault(
        "isostatic",
        "relief_lifts",
        "the relief valve opens far below its set pressure",
        "hold or abort, told",
        {"relief_lifts": True},
    ),
)
_OFF = "heaters off, web stopped, exhaust keeps running; the length outside its window is marked on the lot"
_COATER_FAULTS = (
    _fault("coater", "web_break", "the web breaks", _OFF, {"web_break": True}),
    _fault("coater", "tension_lost", "the web loses its tension", _OFF, {"tension_lost": True}),
    _fault(
        "coater",
        "gap_uneven",
        "one side of the comma gap is wider",
        "the length outside its window is marked on the lot",
        {"gap_uneven_um": From("size_um")},
        Parameter("size_um", 20.0, "wider by", "um", 0.0, 500.0),
    ),
    _fault("coater", "bank_empty", "no slurry stands before the comma", _OFF, {"bank_empty": True}),
    _fault(
        "coater",
        "zone_off",
        "the air of the zones is colder or hotter than wanted",
        _HELD,
        {"zone_offset_k": From("offset_k")},
        Parameter("offset_k", -20.0, "of the air", "K", -100.0, 100.0),
    ),
    _fault("coater", "fan_failed", "a fan of the oven fails", "heaters off without air", {"fan_failed": True}),
    _fault(
        "coater",
        "vapour",
        "solvent vapour rises",
        "alarm at 25 % of the lower explosive limit, trip by the machine at 50 %",
        {"lel_drift_pct": From("rise_pct")},
        Parameter("rise_pct", 60.0, "of the lower explosive limit", "%", 0.0, 100.0),
    ),
    _fault(
        "coater",
        "weight_drift",
        "the coating weight drifts",
        "the length outside its window is marked on the lot",
        {"weight_drift_pct_m": From("rate_pct_m")},
        Parameter("rate_pct_m", 5.0, "with each metre", "%/m", -100.0, 100.0),
    ),
    _fault("coater", "web_stopped", "the web stops in a hot oven", "heaters off, told", {"web_stopped": True}),
    _fault("coater", "guard_open", "a guard is opened", _OFF, {"guard_open": True}),
)
_ROLLS = "stop; the length is marked on the lot"
_ROLL_PRESS_FAULTS = (
    _fault(
        "roll_press",
        "gap_uneven",
        "the right gap is wider than the left",
        _ROLLS,
        {"gap_uneven_um": From("size_um")},
        Parameter("size_um", 20.0, "wider by", "um", 0.0, 500.0),
    ),
    _fault("roll_press", "line_load_lost", "the rolls lose their line load", _ROLLS, {"line_load_lost": True}),
    _fault("roll_press", "nip_guard_open", "the guard of the nip is opened", _ROLLS, {"nip_guard_open": True}),
)
MACHINE_FAULTS = (
    *_CONTROLLER_FAULTS,
    *_UNIAXIAL_FAULTS,
    *_ISOSTATIC_FAULTS,
    *_COATER_FAULTS,
    *_ROLL_PRESS_FAULTS,
)
