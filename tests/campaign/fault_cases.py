"""What the campaign knows of each fault beside the catalogue: when, how strong, and what must tell of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from simulators.faults import FAULTS

Size = tuple[float, float] | tuple[str, ...]
"""A parameter is drawn between two numbers, or is one of some words."""

UNIAXIAL, ISOSTATIC, COATER, ROLLS = "uniaxial-press-1", "isostatic-press-1", "coater-1", "roll-press-1"
GAUGE, BALANCE = "thickness-gauge-1", "balance-1"


@dataclass(frozen=True, slots=True)
class Moment:
    """A seeded time: after_s (drawn between both) after a unit enters a phase."""

    unit: str
    phase: str
    after_s: tuple[float, float] = (0.0, 5.0)
    visits: tuple[int, ...] = (1,)


@dataclass(frozen=True, slots=True)
class Case:
    """How the campaign plays one fault on one unit.

    cause is a regular expression that the telling must match beside the unit's name, within_s how soon (of the line's
    time). duration_s is drawn between both; None lasts until somebody repairs it. spoils: what the fault itself does to
    the physics (see Injected). ends: the states in which the run may end with nobody there; with a person it may
    always be complete or stopped. only_if_told False: the catalogue's needs_person does not hold here, as `why` says.
    """

    unit: str
    moments: tuple[Moment, ...]
    cause: str = ""
    within_s: float = 10.0
    recipe: str = "press"
    sizes: Mapping[str, Size] = field(default_factory=dict)
    duration_s: tuple[float, float] | None = None
    spoils: frozenset[str] = frozenset()
    ends: frozenset[str] = frozenset({"stopped", "held"})
    reconnects: bool = False
    stranger: str = ""
    is_wired: bool = False
    told: bool | None = None
    why: str = ""


ANYTHING = frozenset({"complete", "stopped", "held", "aborted"})
COMPLETE = frozenset({"complete"})

_HEATING = (Moment(UNIAXIAL, "prepare", (0.0, 0.5), (1, 2, 3)),)
_RAMP = (Moment(UNIAXIAL, "ramp", (0.2, 7.0), (1, 2, 3)),)
_DWELL = (Moment(UNIAXIAL, "dwell", (0.5, 50.0), (1, 2, 3)),)
_DWELL_EARLY = (Moment(UNIAXIAL, "dwell", (0.5, 30.0)),)
_DWELL_LATE = (Moment(UNIAXIAL, "dwell", (40.0, 55.0), (1,)),)
_RELEASE = (Moment(UNIAXIAL, "release", (0.2, 5.0), (1, 2, 3)),)
_CLOSED = (*_RAMP, *_DWELL, *_RELEASE)
_ISO_PREPARE = (Moment(ISOSTATIC, "prepare", (0.5, 50.0)),)
_ISO_RAMP = (Moment(ISOSTATIC, "ramp", (5.0, 190.0)),)
_ISO_DWELL = (Moment(ISOSTATIC, "dwell", (0.5, 50.0)),)
_ISO_RELEASE = (Moment(ISOSTATIC, "release", (1.0, 100.0)),)
COATING = (Moment(COATER, "coat", (0.5, 40.0)), Moment(COATER, "run_out", (1.0, 100.0)))
_COAT_EARLY = (Moment(COATER, "coat", (0.5, 10.0)),)
WORKING = {
    UNIAXIAL: (*_RAMP, *_DWELL),
    ISOSTATIC: (*_ISO_PREPARE, *_ISO_RAMP, *_ISO_DWELL, *_ISO_RELEASE),
    COATER: COATING,
}
BEFORE = {
    UNIAXIAL: (Moment(COATER, "run_out", (0.0, 3.0), (3,)),),
    ISOSTATIC: (Moment(UNIAXIAL, "done", (0.0, 3.0), (2,)),),
}
"""Before a press is first loaded: the last coating's end, the second joining's end."""


def _each(cause: str, within_s: float, moments: Mapping[str, tuple[Moment, ...]], **more: object) -> tuple[Case, ...]:
    """The same on several machines, each with its own moments."""
    recipes = {UNIAXIAL: "press", ISOSTATIC: "press", COATER: "coat"}
    return tuple(
        Case(unit, when, cause, within_s, recipes[unit], **more)  # type: ignore[arg-type]  # Case's own keywords
        for unit, when in moments.items()
    )


def _uniaxial(cause: str, within_s: float, *moments: Moment, **more: object) -> tuple[Case, ...]:
    return (Case(UNIAXIAL, moments, cause, within_s, **more),)  # type: ignore[arg-type]  # Case's own keywords


def _isostatic(cause: str, within_s: float, *moments: Moment, **more: object) -> tuple[Case, ...]:
    return (Case(ISOSTATIC, moments, cause, within_s, **more),)  # type: ignore[arg-type]  # Case's own keywords


def _coater(cause: str, within_s: float, *moments: Moment, **more: object) -> tuple[Case, ...]:
    return (Case(COATER, moments, cause, within_s, "coat", **more),)  # type: ignore[arg-type]  # Case's own keywords


_NO_PROGRESS_S = 120.0
"""A phase that goes on and on is told within so much more than it may take."""
_NEXT_HEATING_S = 1100.0
"""Cooling too late to leave its window in this dwell it shows in the next heating, which takes 11 min at most."""
_NEXT_COMMAND_S = 700.0
"""Until the controller says something to the machine again: a shortened isostatic pressing takes ten minutes."""

_STRONG: Mapping[str, tuple[Case, ...]] = {
    # ---- machines' controllers
    "machine.reboot": _each(r"started anew", 10.0, WORKING),
    "machine.wrong_identity": _each(r"model", 30.0, WORKING, reconnects=True),
    "machine.old_firmware": _each(r"firmware", 30.0, WORKING, reconnects=True),
    "machine.frozen_value": (
        Case(ISOSTATIC, _ISO_RAMP, r"sensors", 60.0, sizes={"tag": ("pressure_a_mpa", "pressure_b_mpa")}),
        Case(UNIAXIAL, _RAMP, r"pressure|force", 30.0, sizes={"tag": ("force_pv_kn",)}),
    ),
    "machine.frozen_heartbeat": _each(r"heartbeat|machine_state is|phase is|uncertain", 10.0, WORKING),
    "machine.busy": _each(r"busy|refus|exception", _NEXT_COMMAND_S, WORKING),
    "machine.rejects": _each(r"wrong.state", _NEXT_COMMAND_S, WORKING, sizes={"reason": ("wrong_state",)}),
    "machine.never_done": _each(r"lost its job|not idle|not obeyed|was sent", _NEXT_COMMAND_S, BEFORE),
    "machine.local_mode": _each(r"LOCAL|remote", 10.0, WORKING),
    "machine.job_echo_differs": _each(r"was sent", 300.0, BEFORE, sizes={"share": (0.001, 0.5)}),
    # ---- uniaxial press
    "uniaxial.no_rise": _uniaxial(r"rise|ramp", _NO_PROGRESS_S, *_HEATING, *_RAMP, spoils=frozenset({"fall"})),
    "uniaxial.leak": _uniaxial(
        r"leak|below", 60.0, *_DWELL, sizes={"rate_kn_s": (0.5, 20.0)}, spoils=frozenset({"fall"})
    ),
    "uniaxial.overshoot": _uniaxial(
        r"over.?force|above", 45.0, *_RAMP, sizes={"size_pct": (5.0, 20.0)}, spoils=frozenset({"rise", "fall"})
    ),
    "uniaxial.oscillation": _uniaxial(
        r"over.?force|above|below|leak",
        30.0,
        *_DWELL,
        sizes={"size_pct": (5.0, 20.0)},
        spoils=frozenset({"rise", "fall"}),
    ),
    "uniaxial.platens_uneven": (
        *_uniaxial(
            r"temperature|prepare", _NO_PROGRESS_S, *_HEATING, *_DWELL_EARLY, sizes={"offset_k": (-30.0, -10.0)}
        ),
        *_uniaxial(r"temperature|prepare", _NEXT_HEATING_S, *_DWELL_LATE, sizes={"offset_k": (-30.0, -10.0)}),
    ),
    "uniaxial.over_temperature": _uniaxial(r"temperature", 300.0, *_DWELL, spoils=frozenset({"heat"}), ends=ANYTHING),
    "uniaxial.heater": _uniaxial(
        r"temperature", 300.0, *_DWELL, sizes={"is": ("stuck_on",)}, spoils=frozenset({"heat"}), ends=ANYTHING
    ),
    "uniaxial.thickness_drift": _uniaxial(r"thickness", 300.0, *_DWELL, sizes={"rate_um_s": (0.5, 5.0)}, ends=ANYTHING),
    "uniaxial.thickness_stuck": _uniaxial(r"thickness", 300.0, *_RAMP, ends=ANYTHING),
    "uniaxial.tilt": _uniaxial(r"tilt", 10.0, *_CLOSED, sizes={"size_um": (25.0, 200.0)}),
    "uniaxial.guard_open": _uniaxial(r"guard", 10.0, *_CLOSED),
    "uniaxial.two_hand_released": _uniaxial(
        r"two.hand|guard", 10.0, Moment(UNIAXIAL, "approach", (0.5, 5.0), (1, 2, 3))
    ),
    # ---- isostatic press
    "isostatic.sensors_disagree": _isostatic(
        r"sensor", 10.0, *_ISO_RAMP, *_ISO_DWELL, *_ISO_RELEASE, sizes={"drift_mpa": (30.0, 200.0)}
    ),
    "isostatic.medium_off": _isostatic(
        r"temperature|medium|prepare", 400.0, *_ISO_PREPARE, *_ISO_DWELL, sizes={"offset_k": (-40.0, -12.0)}
    ),
    "isostatic.ripple": _isostatic(
        r"pressure",
        30.0,
        *_ISO_DWELL,
        sizes={"size_mpa": (40.0, 100.0)},
        spoils=frozenset({"rise", "fall"}),
    ),
    "isostatic.seal_leak": _isostatic(
        r"leak|below|ramp",
        400.0,
        *_ISO_RAMP,
        *_ISO_DWELL,
        sizes={"rate_mpa_s": (6.0, 20.0)},
        spoils=frozenset({"fall"}),
    ),
    "isostatic.decompression": _isostatic(
        r"pressure|zero|release|decompress",
        900.0,
        *_ISO_DWELL,
        *_ISO_RELEASE,
        sizes={"is": ("stuck", "slow")},
        spoils=frozenset({"zero"}),
        ends=ANYTHING,
    ),
    "isostatic.closure_unproven": _isostatic(r"closure|prepare", 300.0, *_ISO_PREPARE, *_ISO_RAMP, *_ISO_DWELL),
    "isostatic.bag_leak": _isostatic(r"bag", 700.0, *_ISO_RAMP, *_ISO_DWELL, ends=ANYTHING),
    "isostatic.relief_lifts": _isostatic(
        r"relief|below|leak|ramp", 400.0, *_ISO_RAMP, *_ISO_DWELL, spoils=frozenset({"fall"})
    ),
    # ---- coater
    "coater.web_break": _coater(r"web", 10.0, *COATING),
    "coater.tension_lost": _coater(r"tension", 10.0, *COATING),
    "coater.gap_uneven": _coater(
        r"gap|weight|length", 600.0, *_COAT_EARLY, sizes={"size_um": (40.0, 200.0)}, ends=ANYTHING
    ),
    "coater.bank_empty": _coater(r"bank|weight|slurry|length", 600.0, *_COAT_EARLY, ends=ANYTHING),
    "coater.zone_off": _coater(r"zone|temperature", 120.0, *COATING, sizes={"offset_k": (-40.0, -15.0)}),
    "coater.fan_failed": _coater(r"exhaust|fan|air", 10.0, *COATING),
    "coater.vapour": (
        *_coater(r"lel|vapour", 15.0, *COATING, sizes={"rise_pct": (55.0, 90.0)}),
        *_coater(r"vapour is at", 15.0, *COATING, sizes={"rise_pct": (25.0, 45.0)}, ends=ANYTHING),
    ),
    "coater.weight_drift": _coater(
        r"weight|length", 600.0, *_COAT_EARLY, sizes={"rate_pct_m": (40.0, 90.0)}, ends=ANYTHING
    ),
    "coater.web_stopped": _coater(r"web", 15.0, *COATING),
    "coater.guard_open": _coater(r"guard|by itself", 10.0, *COATING),
    # ---- evidence
    "evidence.not_zeroed": (
        Case(GAUGE, _DWELL[:1], r"off its zero", 600.0, sizes={"offset": (30.0, 80.0)}, ends=ANYTHING),
    ),
    "evidence.silent_instrument": (Case(GAUGE, _DWELL[:1], r"answer", 600.0, ends=ANYTHING),),
    "evidence.no_tare": (
        Case(
            UNIAXIAL,
            BEFORE[UNIAXIAL],
            ends=COMPLETE,
            told=False,
            why="nobody relies on the machine's tare: the open press's reading is taken before each pressing",
        ),
    ),
    "evidence.wrong_area": (
        Case(
            "",
            (Moment(COATER, "run_out", (0.0, 1.0), (3,)),),
            r"area .* is not within",
            600.0,
            sizes={"factor": (1.1, 1.5)},
        ),
    ),
    "evidence.lab_other_lot": (
        Case(
            "",
            (Moment(COATER, "run_out", (80.0, 90.0), (3,)),),
            r"another lot",
            2400.0,
            duration_s=(3600.0, 3600.0),
            stranger="intermediate sheet",
            ends=ANYTHING,
        ),
    ),
    "evidence.wet_laminate": (
        Case("", (Moment(UNIAXIAL, "dwell", (0.0, 10.0), (1,)),), r"weight|thickness", 1500.0, ends=ANYTHING),
    ),
    # ---- people
    "people.double_press": (Case("", BEFORE[UNIAXIAL], ends=ANYTHING, duration_s=(100.0, 900.0)),),
    "people.wrong_lot": (
        Case("", BEFORE[UNIAXIAL], r"lot|thickness|no foil", 900.0, duration_s=(100.0, 200.0), ends=ANYTHING),
    ),
    "people.mistyped": (
        Case("", BEFORE[UNIAXIAL], r"is not within", 300.0, sizes={"factor": (5.0, 20.0)}, ends=ANYTHING),
    ),
    "people.unanswered": (Case("", BEFORE[UNIAXIAL], r"unanswered|escalat|not answered|waits", 3600.0, ends=ANYTHING),),
    "people.slow": (Case("", BEFORE[UNIAXIAL], sizes={"pace": (2.0, 8.0)}, ends=COMPLETE),),
    # ---- clock
    "clock.step": (Case("", _DWELL, sizes={"step_s": (-3600.0, 3600.0)}, ends=COMPLETE),),
    "clock.drift": (Case("", _DWELL, sizes={"rate_ppm": (-500.0, 500.0)}, ends=COMPLETE),),
}

WEAK: Mapping[str, tuple[Mapping[str, Size], frozenset[str]]] = {
    "uniaxial.leak": ({"rate_kn_s": (0.05, 0.5)}, frozenset({"fall"})),
    "uniaxial.overshoot": ({"size_pct": (0.5, 5.0)}, frozenset({"rise", "fall"})),
    "uniaxial.oscillation": ({"size_pct": (0.5, 5.0)}, frozenset({"rise", "fall"})),
    "uniaxial.platens_uneven": ({"offset_k": (-10.0, 10.0)}, frozenset({"heat"})),
    "isostatic.sensors_disagree": ({"drift_mpa": (-16.0, 16.0)}, frozenset()),
    "isostatic.medium_off": ({"offset_k": (2.0, 40.0)}, frozenset({"heat"})),
    "isostatic.ripple": ({"size_mpa": (2.0, 40.0)}, frozenset({"rise", "fall"})),
    "isostatic.seal_leak": ({"rate_mpa_s": (0.01, 6.0)}, frozenset({"fall"})),
    "coater.zone_off": ({"offset_k": (-15.0, 30.0)}, frozenset()),
    "coater.gap_uneven": ({"size_um": (1.0, 40.0)}, frozenset()),
    "coater.weight_drift": ({"rate_pct_m": (-40.0, 40.0)}, frozenset()),
}
"""Strengths that windows and trips may bear, or only just not, and what they do to the physics."""


def _also_weak(fault: str, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The cases of a fault, and the same with a strength at which nobody may have to be told."""
    if fault not in WEAK:
        return cases
    sizes, spoils = WEAK[fault]
    why = "what stays within the windows is told to nobody"
    weak = (replace(case, sizes=sizes, told=False, why=why, spoils=spoils, ends=ANYTHING) for case in cases)
    return (*cases, *weak)


CASES: Mapping[str, tuple[Case, ...]] = {fault: _also_weak(fault, cases) for fault, cases in _STRONG.items()}

OWN_CASES: Mapping[str, tuple[Case, ...]] = {
    "controller.silent": _each(r"unplugged|out of reach|not connected|could not be reached", 10.0, WORKING),
}
"""Beside the catalogue: a controller that is heard no more, as one that has died or whose network is gone."""

NOT_PLAYED: Mapping[str, str] = {
    name: "a person roll presses and enters the values; the executor has no machine to command"
    for name in FAULTS
    if name.startswith("roll_press.")
}
"""Faults of the catalogue that no run can meet yet, and why."""

GAPS: Mapping[str, str] = {
    "uniaxial.thickness_drift": "no decision rests on the press's own thickness sensor, so nothing tells of it",
    "uniaxial.thickness_stuck": "no decision rests on the press's own thickness sensor, so nothing tells of it",
}
"""Faults that need a person by the catalogue and are not told of. A gap that is closed must leave this list."""
