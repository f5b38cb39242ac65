"""Watching a machine through a job: what trips, what came first, what follows, and when it is over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from controller.interlocks import KINDS, MATRIX, Effect, InterlockWatch, Row, Use, missing, tripped
from controller.interlocks.watch import _quick
from drivers.reading import Snapshot
from tests.controller.interlock_snapshots import PROFILES, snapshot, spoiled, unread, well, with_bit
from tests.controller.test_interlocks import PHASES, ROWS


class Told:
    """What a watch told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []

    def __call__(self, kind: str, data: Any) -> None:
        self.events.append((kind, dict(data)))

    def trips(self) -> list[list[str]]:
        return [data["rows"] for kind, data in self.events if kind == "interlock.tripped"]


def watched(kind: str, told: Told, **more: Any) -> InterlockWatch:
    return InterlockWatch("press", PROFILES[kind], told, **more)


def iso(phase: str = "dwell", **bits: bool) -> Snapshot:
    """An isostatic press at work, with some bits as given."""
    profile = PROFILES["isostatic_press"]
    values = well(profile, "EXECUTE", phase)
    for bit, on in bits.items():
        values = with_bit(profile, values, bit, on=on)
    return snapshot(profile, values)


def test_the_first_snapshot_that_breaks_a_row_decides_what_came_first() -> None:
    told = Told()
    watch = watched("isostatic_press", told)
    assert watch.look(iso()) is None
    first = watch.look(iso(bag_ok=False))
    then = watch.look(iso(bag_ok=False, estop_ok=False, pressure_leak=True))
    assert first is not None
    assert then is not None
    assert (first.effect, first.reason) == (Effect.HOLD, "press: the bag leaks, the medium gets at the laminate")
    assert then.effect is Effect.STOP
    assert then.reason.startswith("press: the safety chain is open; ")
    assert then.reason.endswith("; first out: bag tight")
    assert told.trips() == [["bag tight"], ["safety chain", "alarm pressure leak"]]
    events = [data for kind, data in told.events if kind == "interlock.tripped"]
    assert [(data["first"], data["effect"]) for data in events] == [(["bag tight"], "hold"), (["bag tight"], "stop")]
    assert events[0] == {
        "unit": "press",
        "phase": "dwell",
        "rows": ["bag tight"],
        "first": ["bag tight"],
        "effect": "hold",
        "message": "press: the bag leaks, the medium gets at the laminate",
    }


def test_an_alarm_that_is_latched_after_the_job_ended_is_told_as_following_and_never_as_first() -> None:
    told = Told()
    watch = watched("isostatic_press", told)
    assert watch.look(iso("idle", pressure_leak=True)) is None
    assert told.events == []
    bypassed = watched("isostatic_press", told, in_force=lambda: ("bag tight",))
    assert bypassed.look(iso("idle", pressure_leak=True)) is None
    assert told.events == []
    watch.look(iso(bag_ok=False))
    assert watch.look(iso("idle", bag_ok=False, pressure_leak=True)) is None
    assert told.trips() == [["bag tight"], ["alarm pressure leak"]]
    blind = {**well(PROFILES["isostatic_press"], "EXECUTE", "idle"), "alarm_bits": float("nan")}
    assert watch.look(snapshot(PROFILES["isostatic_press"], blind)) is None
    assert len(told.trips()) == 2, "what cannot be read follows from nothing"


def test_several_rows_in_one_snapshot_came_together() -> None:
    told = Told()
    trip = watched("isostatic_press", told).look(iso(closure_locked=False, closure_fault=True))
    assert trip is not None
    assert trip.reason == (
        "press: closure or yoke are not proven under pressure; reports closure_fault"
        "; first out: closure locked, alarm closure fault, together"
    )


def test_what_was_known_and_holds_again_may_trip_again_without_anything_else_having_tripped() -> None:
    watch = watched("isostatic_press", Told())
    assert watch.look(iso(bag_ok=False)) is not None
    watch.restarted()
    assert watch.look(iso(bag_ok=False)) is None
    assert watch.look(iso()) is None
    assert watch.look(iso(bag_ok=False)) is not None


@pytest.mark.parametrize("kind", KINDS)
def test_the_quick_look_is_enough_where_all_is_well(kind: str) -> None:
    for phase in PHASES[kind]:
        assert _quick(PROFILES[kind], phase).holds(snapshot(PROFILES[kind], well(PROFILES[kind], "EXECUTE", phase)))


def test_a_machine_with_nothing_right_is_seen_at_once() -> None:
    """A bit in every word that is looked at, and a row that is no bit."""
    trip = watched("isostatic_press", Told()).look(iso(estop_ok=False, closure_locked=False, pressure_leak=True))
    assert trip is not None
    assert trip.rows == ("safety chain", "closure locked", "alarm pressure leak")
    bits_only = watched("isostatic_press", Told()).look(iso(estop_ok=False, pressure_leak=True))
    assert bits_only is not None
    assert bits_only.rows == ("safety chain", "alarm pressure leak")


def test_a_cascade_ends_when_all_rows_hold_again() -> None:
    told = Told()
    watch = watched("isostatic_press", told)
    watch.look(iso(bag_ok=False))
    watch.look(iso())
    assert watch.first_out == ""
    assert [data["active"] for kind, data in told.events if kind == "condition"] == [True, False]
    watch.look(iso(estop_ok=False))
    assert watch.first_out == "; first out: safety chain"


def test_what_is_not_asked_for_while_held_is_not_forgotten() -> None:
    """A bag is watched under pressure only; a restart after a hold still knows that it leaked."""
    told = Told()
    watch = watched("isostatic_press", told)
    assert watch.look(iso(bag_ok=False)) is not None
    assert watch.look(iso("held", bag_ok=False)) is None
    assert watch.first_out == "; first out: bag tight"
    watch.restarted()
    assert watch.look(iso("held", bag_ok=False)) is None
    assert watch.look(iso("ramp", bag_ok=False)) is None
    assert watch.look(iso("held")) is None
    assert watch.look(iso("ramp", bag_ok=False)) is not None


def test_what_a_person_restarted_with_does_not_trip_again_until_it_was_mended() -> None:
    told = Told()
    watch = watched("isostatic_press", told)
    assert watch.look(iso(bag_ok=False)) is not None
    watch.restarted()
    before = list(told.events)
    assert watch.look(iso(bag_ok=False)) is None
    assert told.events == before, "nor is it told again"
    other = watch.look(iso(bag_ok=False, estop_ok=False))
    assert other is not None
    assert other.rows == ("safety chain",)
    assert other.reason == "press: the safety chain is open", "what was known did not come first"
    assert watch.look(iso()) is None
    assert watch.look(iso(bag_ok=False)) is not None


@pytest.mark.parametrize(
    ("over", "why"),
    [
        (InterlockWatch.restarted, "press: restarted although it is known"),
        (InterlockWatch.ended, "press: its job is over"),
        (lambda watch: watch.look(iso()), "press: all interlocks hold again"),
    ],
)
def test_the_condition_of_a_cascade_is_told_over_once(over: Callable[[InterlockWatch], object], why: str) -> None:
    """Else its alarm would stand for ever, and what trips next would not be told."""
    told = Told()
    watch = watched("isostatic_press", told)
    over(watch)
    assert told.events == []
    watch.look(iso(bag_ok=False))
    over(watch)
    watch.look(iso())
    over(watch)
    watch.look(iso(bag_ok=False))
    conditions = [data for kind, data in told.events if kind == "condition"]
    assert [data["active"] for data in conditions] == [True, False, True]
    assert conditions[1] == {"name": "interlock_tripped", "unit": "press", "active": False, "message": why}


def test_values_that_cannot_be_judged_hold_and_are_told_together() -> None:
    profile, told = PROFILES["isostatic_press"], Told()
    values = well(profile, "EXECUTE", "dwell") | {"status_bits": float("nan")}
    trip = watched("isostatic_press", told).look(snapshot(profile, values))
    assert trip is not None
    assert trip.effect is Effect.HOLD
    assert trip.reason.count("status_bits is bad") == 1
    assert "safety chain, machine hears us, closure locked" in trip.reason
    blind = watched("isostatic_press", told).look(snapshot(profile, values | {"phase": float("nan")}))
    assert blind is not None
    assert blind.effect is Effect.HOLD
    assert "press: phase is bad" in blind.reason


def test_words_name_values_where_a_row_has_some() -> None:
    profile, told = PROFILES["isostatic_press"], Told()
    values = well(profile, "EXECUTE", "dwell") | {"pressure_a_mpa": 970.0, "pressure_b_mpa": 983.1}
    trip = watched("isostatic_press", told).look(snapshot(profile, values))
    assert trip is not None
    assert trip.reason == "press: pressure sensors show 970.0 and 983.1 MPa"
    local = watched("isostatic_press", told).look(snapshot(profile, well(profile, "EXECUTE", "ramp") | {"mode": 0.0}))
    assert local is not None
    assert local.reason == "press: was switched to LOCAL"


def test_a_row_that_this_machine_does_not_show_does_not_apply() -> None:
    """An own profile may have no relief switch; what a kind must show, its profile cannot be without."""
    profile = PROFILES["uniaxial_press"]
    status = profile.signals["status_bits"]
    names = tuple(name for name in status.bits if name not in ("relief_open", "two_hand_ok"))
    own = replace(profile, signals={**profile.signals, "status_bits": replace(status, bits=names)})
    values = well(own)
    assert missing("uniaxial_press", snapshot(own, values), Use.START) == []
    told = Told()
    working = well(own, "EXECUTE", "approach")
    assert InterlockWatch("press", own, told).look(snapshot(own, working)) is None
    trip = InterlockWatch("press", own, told).look(snapshot(own, with_bit(own, working, "tilt", on=True)))
    assert trip is not None
    assert trip.rows == ("alarm tilt",), "the rows after it are judged"


@pytest.mark.parametrize(("off", "on"), [("zero_pressure_switch", "vent_open"), ("vent_open", "zero_pressure_switch")])
def test_an_open_closure_needs_zero_proven_by_switch_and_vent(off: str, on: str) -> None:
    """One of them alone proves nothing (Watchdog of the register document)."""
    only_one = iso("release", closure_locked=False, **{off: False, on: True})
    assert [item.row.name for item in tripped("isostatic_press", only_one, "release")] == ["closure locked until zero"]
    assert (
        tripped(
            "isostatic_press",
            iso("release", closure_locked=False, zero_pressure_switch=True, vent_open=True),
            "release",
        )
        == []
    )


@pytest.mark.parametrize("row", [row for row in MATRIX if row.bypassed_by and row.phases], ids=lambda row: row.name)
def test_a_bypassed_interlock_does_not_trip_and_is_counted(row: Row) -> None:
    profile, told, counted = PROFILES[row.kind], [], []  # type: Any, list[Any], list[str]
    phase = min(row.phases & set(profile.enums["phase"]))
    values = spoiled(profile, row, well(profile, "EXECUTE", phase))
    watch = InterlockWatch("press", profile, lambda *event: told.append(event), lambda: (row.name,), counted.extend)
    assert watch.look(snapshot(profile, values)) is None
    assert counted == [row.name]
    assert told == []
    other = with_bit(profile, values, "estop_ok", on=False)
    trip = watch.look(snapshot(profile, other))
    assert trip is not None
    assert trip.rows == ("safety chain",)


@pytest.mark.parametrize(("row", "kind"), ROWS)
def test_the_quick_look_and_the_table_say_the_same(row: Row, kind: str) -> None:
    profile, told = PROFILES[kind], Told()
    for phase in PHASES[kind]:
        values = well(profile, "EXECUTE", phase)
        for changed in (values, spoiled(profile, row, values), unread(profile, row, values)):
            seen = snapshot(profile, changed)
            names = {item.row.name for item in tripped(kind, seen, phase)}
            trip = watched(kind, told).look(seen)
            assert set(() if trip is None else trip.rows) == names, phase
