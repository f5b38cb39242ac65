"""Faults of evidence, of people and of the clock."""

from __future__ import annotations

from simulators.faults.fault import Fault, From, Group, Parameter, Target

_INSTRUMENTS = ("gauge", "balance")
_UNCERTAIN = "quality uncertain, no release; the innovation test notices"


def _fault(
    group: Group,
    name: str,
    meaning: str,
    expected: str,
    sets: dict[str, object],
    *parameters: Parameter,
    kinds: tuple[str, ...] = (),
    needs_person: bool = True,
    target: Target = "people",
) -> Fault:
    return Fault(f"{group}.{name}", group, kinds, meaning, expected, needs_person, parameters, target, sets)


EVIDENCE_FAULTS = (
    _fault(
        "evidence",
        "not_zeroed",
        "a gauge or a balance stands off its zero",
        _UNCERTAIN,
        {"zero_drift": From("offset")},
        Parameter("offset", 5.0, "in the instrument's unit: um of a gauge, g of a balance", "", -1000.0, 1000.0),
        kinds=_INSTRUMENTS,
        target="machine",
    ),
    _fault(
        "evidence",
        "silent_instrument",
        "an instrument answers nothing",
        "the step waits and says for what; no value is made up",
        {"silent": True},
        kinds=_INSTRUMENTS,
        target="machine",
    ),
    _fault(
        "evidence",
        "no_tare",
        "the load cell acknowledges its tare and keeps the weight of the die",
        _UNCERTAIN,
        {"never_done": True, "only": frozenset({"tare"})},
        kinds=("uniaxial_press",),
        target="control",
    ),
    _fault(
        "evidence",
        "wrong_area",
        "a wrong area is entered",
        _UNCERTAIN,
        {"area_factor": From("factor")},
        Parameter("factor", 1.2, "entered over true", "", 0.01, 100.0),
    ),
    _fault("evidence", "lab_other_lot", "a laboratory value is another lot's", _UNCERTAIN, {"lab_other_lot": True}),
    _fault(
        "evidence",
        "wet_laminate",
        "a laminate is weighed wet, after its bag has leaked",
        _UNCERTAIN,
        {"wet_mg_cm2": From("oil_mg_cm2")},
        Parameter("oil_mg_cm2", 2.0, "oil that it carries", "mg/cm2", 0.0, 100.0),
    ),
)
PEOPLE_FAULTS = (
    _fault(
        "people",
        "double_press",
        "everything is tried a second time at once",
        "done once; the second is refused",
        {"double_press": True},
        needs_person=False,
    ),
    _fault("people", "wrong_lot", "another lot is taken than the one asked for", "checked, told", {"wrong_lot": True}),
    _fault(
        "people",
        "mistyped",
        "a measurement is mistyped: 45 for 4.5",
        "an implausible value is asked again",
        {"entry_factor": From("factor")},
        Parameter("factor", 10.0, "entered over read", "", 0.001, 1000.0),
    ),
    _fault("people", "unanswered", "a prompt is left unanswered", "the prompt escalates", {"unanswered": True}),
    _fault(
        "people",
        "slow",
        "the operator takes his time",
        "nothing but time is lost",
        {"pace": From("pace")},
        Parameter("pace", 5.0, "time taken, over a practised person's", "", 0.01, 1000.0),
        needs_person=False,
    ),
)
CLOCK_FAULTS = (
    _fault(
        "clock",
        "step",
        "the computer's UTC steps",
        "durations unaffected; the jump is recorded",
        {"step_s": From("step_s")},
        Parameter("step_s", 3600.0, "forward, or backward if negative", "s", -1e6, 1e6),
        needs_person=False,
        target="clock",
    ),
    _fault(
        "clock",
        "drift",
        "the computer's UTC runs fast or slow",
        "durations unaffected",
        {"drift_ppm": From("rate_ppm")},
        Parameter("rate_ppm", 200.0, "fast, or slow if negative", "ppm", -1e5, 1e5),
        needs_person=False,
        target="clock",
    ),
)
