"""Every sample of a pressing is judged: windows, claims, two sensors, and a dwell record that is not taken on trust."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from controller.executor.judgement import claimed_windows
from controller.executor.reached import doubt
from controller.executor.windows import PressView, PressWatch, Remark
from controller.interlocks import Use, is_pressurised, missing
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Snapshot
from recipes.model import Press, PressMethod, Window
from recipes.rules.pack import load_pack

UNIAXIAL, ISOSTATIC = load_profile("uniaxial-press-generic"), load_profile("isostatic-press-generic")
PRESS = Press(
    PressMethod.ISOSTATIC,
    980,
    Window(960.4, 999.6),
    120,
    Window(117, 132),
    300,
    5,
    5,
    0,
    on_hold="keep",
    hold_limit_s=60,
)


def snapshot(profile: Profile, time_s: float = 0.0, **values: Any) -> Snapshot:
    """A snapshot with every polled value at 0 but those that are given; words stand for their numbers."""
    numbers: dict[str, float] = {name: 0.0 for name, signal in profile.signals.items() if signal.access == "r"}
    numbers |= {"machine_state": 6, "mode": 1}
    for name, value in values.items():
        enum = profile.signals[name].enum
        numbers[name] = profile.number(enum, value) if enum is not None and isinstance(value, str) else float(value)
    return Snapshot.of("press", profile, time_s, numbers)


def dwelling(a: float = 980, b: float = 980, t1: float = 120, t2: float = 120, phase: str = "dwell") -> Snapshot:
    return snapshot(ISOSTATIC, phase=phase, pressure_a_mpa=a, pressure_b_mpa=b, medium_a_c=t1, medium_b_c=t2)


def watch(**changes: Any) -> PressWatch:
    return PressWatch(PRESS, PressView("isostatic_press", 0.0, 1600.0), "press", **changes)


@pytest.mark.parametrize(
    ("sample", "expected"),
    [
        (dwelling(), None),
        (dwelling(a=960.3, b=970), "pressure 960.3 MPa is below"),
        (dwelling(a=990, b=999.7), "pressure 999.7 MPa is above"),
        (dwelling(t1=116.9, t2=121), "temperature 116.9 degC is below"),
        (dwelling(t1=120, t2=132.1), "temperature 132.1 degC is above"),
        (dwelling(a=500, b=500, t1=100, t2=100, phase="ramp"), None),
        (dwelling(a=999.7, b=990, phase="ramp"), "pressure 999.7 MPa is above"),
        (dwelling(a=960.37, b=970), "press: pressure 960.37 MPa is below its window, 960.4 MPa"),
        (dwelling(a=990, b=999.6001), "press: pressure 999.6001 MPa is above its window, 999.6 MPa"),
        (dwelling(t1=117 - 1e-7, t2=121), "temperature just below 117 degC is below its window, 117 degC"),
        (dwelling(a=970, b=983.1), "pressure sensors show 970.0 and 983.1 MPa"),
        (dwelling(t1=140, phase="release"), "temperature 140.0 degC is above"),
    ],
)
def test_the_lower_sensor_counts_for_at_least_and_the_higher_for_limits(sample: Snapshot, expected: str | None) -> None:
    reason = watch()(sample)
    assert reason is None if expected is None else expected in str(reason)


def test_what_leaves_its_window_while_the_pressure_is_let_off_is_told_once_and_holds_nothing() -> None:
    seen = watch()
    reasons = [seen(dwelling(t1=140, phase="release")) for _ in range(3)]
    assert isinstance(reasons[0], Remark)
    assert reasons[1:] == [None, None]


@pytest.mark.parametrize(
    ("phase", "limit_s", "kind"),
    [("prepare", 300.0, str), ("ramp", 382.8, str), ("dwell", 630.0, str), ("release", 489.0, Remark)],
)
def test_a_phase_that_does_not_come_to_its_end_is_told(phase: str, limit_s: float, kind: type) -> None:
    """1.5 times what 980 MPa at 5 MPa/s needs, and margins; a hold in between begins the phase anew."""
    seen = watch()
    values = {"phase": phase, "pressure_a_mpa": 980, "pressure_b_mpa": 980, "medium_a_c": 120, "medium_b_c": 120}
    held = {**values, "phase": "held"}
    assert seen(snapshot(ISOSTATIC, 0.0, **values)) is None
    assert seen(snapshot(ISOSTATIC, limit_s - 1.0, **values)) is None
    assert seen(snapshot(ISOSTATIC, limit_s - 0.5, **held)) is None
    assert seen(snapshot(ISOSTATIC, limit_s, **values)) is None
    assert seen(snapshot(ISOSTATIC, 2 * limit_s - 1.0, **values)) is None
    reason = seen(snapshot(ISOSTATIC, 2 * limit_s + 1.0, **values))
    assert type(reason) is kind
    assert f"press: phase {phase} has lasted {limit_s + 1.0:.0f} s and does not come to its end" in str(reason)


def test_heating_may_take_as_long_as_it_is_away_from_its_setpoint() -> None:
    seen = watch()
    cold = {"phase": "prepare", "medium_a_c": 20, "medium_b_c": 20}
    assert seen(snapshot(ISOSTATIC, 0.0, **cold)) is None
    assert seen(snapshot(ISOSTATIC, 300.0 + 100 * 30 - 1, **cold)) is None  # 100 K at 2 K/min
    assert "phase prepare has lasted" in str(seen(snapshot(ISOSTATIC, 300.0 + 100 * 30 + 1, **cold)))


def test_a_bag_that_leaks_is_told_once_and_one_that_was_never_there_is_not() -> None:
    whole, leaking = 1 << 9, 0
    seen = watch()
    values = {"phase": "ramp", "pressure_a_mpa": 90, "pressure_b_mpa": 90}
    told = [
        seen(snapshot(ISOSTATIC, n, status_bits=bits, **values)) for n, bits in enumerate([whole, leaking, leaking])
    ]
    assert told == [None, "press: the bag leaks, the medium gets at the laminate", None]
    assert seen.has_leaked
    bare = watch()
    assert [bare(snapshot(ISOSTATIC, n, **values)) for n in range(2)] == [None, None]
    assert not bare.has_leaked


def test_a_bad_value_satisfies_no_window() -> None:
    with pytest.raises(BadQuality):
        watch()(dwelling(a=float("nan")))
    with pytest.raises(BadQuality):
        watch()(dwelling(t2=900))


def test_a_claimed_window_holds_even_where_the_operating_window_is_wider() -> None:
    wide = Press(
        PressMethod.ISOSTATIC, 980, Window(900, 1050), 60, Window(40, 80), 300, 5, 5, 0, on_hold="keep", hold_limit_s=60
    )
    view = PressView("isostatic_press", 0.0, 1600.0)
    claims = claimed_windows(load_pack(), "densify")
    assert [rule.id for rule in claims] == ["H013"]
    guarded = PressWatch(wide, view, "press", claims)
    guarded.laminate.value_c = 60.0
    assert "outside the claim (H013, US 2025/0260067 A1 claim 6)" in str(guarded(dwelling(t1=59.4, t2=61)))
    assert guarded(dwelling(t1=59.6, t2=60.4)) is None, "59.6 degC is 60 degC at the source's precision"
    assert PressWatch(wide, view, "press")(dwelling(t1=59.4, t2=61)) is None


def test_a_laminate_that_is_not_soaked_is_colder_than_its_medium() -> None:
    soaked, cold = (
        watch(claims=claimed_windows(load_pack(), "densify")),
        watch(claims=claimed_windows(load_pack(), "densify")),
    )
    for time_s in range(0, 200, 10):
        preparing = snapshot(ISOSTATIC, float(time_s), phase="prepare", medium_a_c=120, medium_b_c=120)
        assert soaked(preparing) is None
    assert soaked.laminate.value_c == pytest.approx(120, abs=0.3)
    values = {"phase": "dwell", "pressure_a_mpa": 980, "pressure_b_mpa": 980, "medium_a_c": 120, "medium_b_c": 120}
    assert soaked(snapshot(ISOSTATIC, 200.0, **values)) is None
    assert "temperature 25.0 degC is outside the claim" in str(cold(snapshot(ISOSTATIC, 200.0, **values)))


def test_time_under_pressure_in_a_hold_is_counted_beside_the_dwell() -> None:
    judged = watch()
    for time_s, phase in (
        (0, "ramp"),
        (1, "held"),
        (5, "ramp"),
        (6, "dwell"),
        (10, "held"),
        (40, "held"),
        (41, "dwell"),
    ):
        sample = {"phase": phase, "pressure_a_mpa": 980, "pressure_b_mpa": 980, "medium_a_c": 120, "medium_b_c": 120}
        judged(snapshot(ISOSTATIC, float(time_s), **sample))
    assert judged.held_s == pytest.approx(34)


def test_latched_alarms_are_named() -> None:
    alarm = snapshot(ISOSTATIC, phase="dwell", alarm_bits=0b101)
    assert watch()(alarm) == "press reports over_pressure, sensor_disagreement"


def test_laminate_pressure_is_force_less_tare_over_the_confirmed_area() -> None:
    view = PressView("uniaxial_press", tare_kn=0.8, area_mm2=1600)
    sample = snapshot(UNIAXIAL, phase="dwell", force_pv_kn=464.8)
    assert view.pressures_mpa(sample) == pytest.approx((290, 290))


@pytest.mark.parametrize(
    ("machine_s", "seen_s", "expected"),
    [
        (300.0, 300.0, None),
        (299.95, 299.0, None),
        (60.0, 300.0, "lasted 60.0 s instead of 300 s"),
        (300.0, 200.0, "claims a dwell of 300.0 s, but only 201.0 s can have passed"),
        (300.0, None, "no dwell was seen"),
    ],
)
def test_the_machines_dwell_record_is_cross_checked(
    machine_s: float, seen_s: float | None, expected: str | None
) -> None:
    judged = watch()
    if seen_s is not None:
        judged(dwelling())
    last = snapshot(
        ISOSTATIC, time_s=seen_s or 300.0, phase="done", dwell_elapsed_s=machine_s, dwell_mean_pressure_mpa=980
    )
    machine: Any = SimpleNamespace(profile=ISOSTATIC)
    found = doubt(machine, PRESS, judged, last)
    assert found is None if expected is None else expected in str(found)


def ready(profile: Profile, **changes: float | str) -> Snapshot:
    names = profile.signals["status_bits"].bits
    good = sum(1 << place for place, name in enumerate(names) if name != "relief_open")
    values: dict[str, Any] = {"machine_state": "IDLE", "status_bits": good} | changes
    return snapshot(profile, **values)


def test_an_unreadable_value_is_a_missing_permissive_and_never_a_safe_machine() -> None:
    unreadable = ready(UNIAXIAL, force_pv_kn=float("nan"))
    assert any("cannot be judged" in text for text in missing("uniaxial_press", unreadable, Use.START))
    with pytest.raises(BadQuality):
        is_pressurised("uniaxial_press", unreadable)


def test_what_counts_as_pressurised() -> None:
    assert is_pressurised("uniaxial_press", ready(UNIAXIAL, force_pv_kn=6))
    assert not is_pressurised("uniaxial_press", ready(UNIAXIAL, force_pv_kn=1))
    assert is_pressurised("isostatic_press", ready(ISOSTATIC, status_bits=0))
    assert not is_pressurised("isostatic_press", ready(ISOSTATIC))
