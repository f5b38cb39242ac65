"""The matrix: every row, satisfied, broken and unreadable, for every command and in every phase of a job."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.events import EventStream
from controller.guard import Guard, HandWrite, PermissiveMissing
from controller.interlocks import KINDS, MATRIX, Effect, Group, InterlockWatch, Row, Use, missing, row_named, tripped
from controller.interlocks.row import NEVER, WORKING
from controller.interlocks.watch import _quick
from controller.journal import Journal
from drivers.profile_kinds import MACHINES
from drivers.reading import Quality, Reading, Snapshot
from drivers.writing import Outcome, Written
from simulators.clock import run_virtual
from tests.controller.interlock_snapshots import PROFILES, SPOILED, snapshot, spoiled, unread, well, with_bit

ROOT = Path(__file__).parents[2]
COMMANDS = {Use.LOAD: "load_job", Use.START: "start", Use.RESTART: "restart", Use.RESET: "reset"}
ROWS = [pytest.param(row, kind, id=f"{kind}: {row.name}") for row in MATRIX for kind in KINDS if row.kind in (kind, "")]
PHASES = {kind: sorted(profile.enums["phase"]) for kind, profile in PROFILES.items()}


def at_rest(kind: str, use: Use) -> dict[str, float]:
    """A machine that is ready for this command."""
    if use is Use.RESTART:
        return well(PROFILES[kind], "HELD", "held")
    if use is Use.RESET:
        return well(PROFILES[kind], "COMPLETE", "done")
    values = well(PROFILES[kind])
    return {**values, "mode": 2.0} if use is Use.WRITE else values


def test_every_kind_that_a_profile_can_be_written_for_has_rows() -> None:
    assert set(KINDS) == set(MACHINES)
    for kind in KINDS:
        for use in COMMANDS:
            assert any(use in row.permits for row in MATRIX if row.kind == kind), (kind, use)
        assert any(row.phases for row in MATRIX if row.kind == kind)


def test_names_are_unique_and_every_cell_says_something() -> None:
    names = [(row.kind, row.name) for row in MATRIX]
    assert len(names) == len(set(names))
    for row in MATRIX:
        assert all((row.words, row.source, row.condition.name)), row.name
        assert row.permits or row.phases, f"{row.name} is neither a permissive nor an interlock"
        assert (row.effect is Effect.REFUSE) == (not row.phases), row.name
        assert row.phases <= WORKING


def test_every_signal_and_every_alarm_of_a_shipped_machine_that_a_row_reads_is_there() -> None:
    for kind, profile in PROFILES.items():
        rows = [row for row in MATRIX if row.kind == kind]
        assert all(row.condition.bit is None or row.condition.bit in profile.bit_places for row in rows)
        alarms = {row.condition.bit for row in rows if row.name.startswith("alarm ")}
        assert alarms == set(profile.signals["alarm_bits"].bits), kind


def test_what_protects_people_can_never_be_bypassed() -> None:
    never = {Group.SAFETY, Group.CLOSURE, Group.PRESSURE, Group.AIR, Group.LINK}
    assert never <= set(NEVER)
    for row in MATRIX:
        if row.group in never:
            assert not row.bypassed_by
            assert row.why_never
    words = (
        "guard",
        "closure",
        "pressure",
        "force",
        "zero",
        "relief",
        "exhaust",
        "vapour",
        "lel",
        "link",
        "hears",
        "safety",
        "two-hand",
        "sensors",
        "load n",
        "nobody",
    )
    for row in MATRIX:
        if any(word in f"{row.name} {row.condition.name}" for word in words) and row.name != "alarm line load lost":
            assert not row.bypassed_by, row.name
    assert {row.name for row in MATRIX if row.bypassed_by} == {
        "bag tight", "web", "alarm tilt", "alarm web break", "alarm tension low", "alarm gap uneven",
        "alarm line load lost",
    }  # fmt: skip


# ---------------------------------------------------------------------- every row x every command


class FakeMachine:
    """A machine that shows what it is given and remembers what it was sent."""

    def __init__(self, kind: str, values: dict[str, float]) -> None:
        self.unit, self.profile = "press", PROFILES[kind]
        self.values, self.sent = values, []  # type: tuple[dict[str, float], list[str]]

    async def snapshot(self) -> Snapshot:
        return snapshot(self.profile, self.values)

    async def download(self, job: Any) -> None:
        self.sent.append("load_job")

    async def start(self) -> None:
        self.sent.append("start")

    async def restart(self) -> None:
        self.sent.append("restart")

    async def reset(self) -> None:
        self.sent.append("reset")


async def commanded(machine: Any, use: Use, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Sends one command through the guard; the journal's events."""
    journal = Journal(EventStream(), lambda: "2026-01-01T00:00:00.000+00:00")
    guard = Guard(journal, "run")
    monkeypatch.setattr("controller.guard.wrong_setpoints", lambda *_: [])
    try:
        match use:
            case Use.LOAD:
                await guard.load(machine, SimpleNamespace(signals={"job_id": 1.0}), None)  # type: ignore[arg-type]
            case Use.START:
                await guard.start(machine)
            case Use.RESTART:
                await guard.restart(machine, "somebody")
            case Use.RESET:
                await guard.reset(machine)
            case Use.WRITE:
                await guard.write(hand(machine))
    except PermissiveMissing:
        pass
    return journal.events()


def hand(machine: FakeMachine) -> HandWrite:
    async def send() -> Written:
        machine.sent.append("write")
        signal = next(iter(machine.profile.job))
        return Written(signal, 1.0, Reading(1.0, "", 0.0, Quality.GOOD), Outcome.APPLIED)

    return HandWrite(
        "press", "memory:", "machine_state", 1.0, "A", machine.profile, machine.snapshot, send, lambda: False
    )


@pytest.mark.parametrize("use", list(Use))
@pytest.mark.parametrize("kind", KINDS)
def test_a_machine_that_is_ready_is_sent_the_command(kind: str, use: Use, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = FakeMachine(kind, at_rest(kind, use))
    events = run_virtual(commanded(machine, use, monkeypatch))
    assert machine.sent == [COMMANDS.get(use, "write")]
    assert not [event for event in events if event.kind.endswith("refused")]


@pytest.mark.parametrize("how", ["broken", "unread"])
@pytest.mark.parametrize("use", list(Use))
@pytest.mark.parametrize(("row", "kind"), ROWS)
def test_each_row_keeps_exactly_its_commands_from_being_sent(
    row: Row, kind: str, use: Use, how: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A broken row refuses what it is a permissive for, and so does one that cannot be judged; in words, journalled."""
    values = at_rest(kind, use)
    changed = (spoiled if how == "broken" else unread)(PROFILES[kind], row, values)
    machine = FakeMachine(kind, changed)
    events = run_virtual(commanded(machine, use, monkeypatch))
    refused = [event for event in events if event.kind.endswith("refused")]
    if use not in row.permits:
        others = missing(kind, snapshot(PROFILES[kind], changed), use)
        assert bool(refused) == bool(others), "another row may read the same value"
        return
    assert machine.sent == []
    assert len(refused) == 1
    told = refused[0].data["missing"]
    assert row.words in told if how == "broken" else any(f"{row.name} cannot be judged" in text for text in told)


@pytest.mark.parametrize("use", list(COMMANDS))
@pytest.mark.parametrize("kind", KINDS)
def test_a_stale_snapshot_satisfies_nothing(kind: str, use: Use) -> None:
    profile = PROFILES[kind]

    class Stale(Snapshot):
        """Everything in it is uncertain."""

    fresh = snapshot(profile, at_rest(kind, use))
    stale = Snapshot("press", 0.0, fresh._decoder, fresh._data, Quality.UNCERTAIN)
    rows = {row.words for row in MATRIX if row.kind == kind and use in row.permits}
    assert missing(kind, fresh, use) == []
    assert len(missing(kind, stale, use)) >= len(rows), "each row is told once"


# ---------------------------------------------------------------------- every row x every phase


@pytest.mark.parametrize(("row", "kind"), ROWS)
def test_each_row_trips_exactly_in_its_phases(row: Row, kind: str) -> None:
    profile = PROFILES[kind]
    for phase in PHASES[kind]:
        values = well(profile, "EXECUTE", phase)
        assert tripped(kind, snapshot(profile, values), phase) == []
        names = [item.row.name for item in tripped(kind, snapshot(profile, spoiled(profile, row, values)), phase)]
        assert (row.name in names) == (phase in row.phases), phase
        unclear = tripped(kind, snapshot(profile, unread(profile, row, values)), phase)
        assert (row.name in [item.row.name for item in unclear]) == (phase in row.phases), phase
        assert all(item.effect is Effect.HOLD for item in unclear), "a doubt holds, only what was seen stops"


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
    from dataclasses import replace

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


def test_every_row_has_a_way_to_be_broken_here() -> None:
    for row in MATRIX:
        assert row.condition.bit is not None or row.name in SPOILED, row.name


# ---------------------------------------------------------------------- one door

RAISING = {"start", "restart", "download", "reset", "tare", "command", "load"}
MACHINES_NAMES = {"machine", "press", "coater", "unit", "rolls"}


def test_nothing_that_raises_risk_is_sent_but_by_the_guard() -> None:
    """No code of the controller calls a machine's commands, or a driver's intents, outside controller/guard.py."""
    found = []
    for path in sorted((ROOT / "controller").rglob("*.py")):
        if path.name == "guard.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("drivers."):
                intents = {"UniaxialPress", "IsostaticPress", "Coater", "RollPress"} & {a.name for a in node.names}
                found += [f"{path.name}:{node.lineno}: imports {name}" for name in intents]
            if isinstance(node, ast.Attribute) and node.attr in RAISING and _last(node.value) in MACHINES_NAMES:
                found.append(f"{path.name}:{node.lineno}: {_last(node.value)}.{node.attr}")
            if isinstance(node, ast.Attribute) and node.attr in ("write_job", "write_command"):
                found.append(f"{path.name}:{node.lineno}: {node.attr}")
    assert found == []


def _last(node: ast.expr) -> str:
    """The last name of an expression: machine for run.line.machine(...) and self.machine."""
    match node:
        case ast.Name():
            return node.id
        case ast.Attribute():
            return node.attr
        case ast.Call():
            return _last(node.func)
        case ast.Subscript():
            return _last(node.value).removesuffix("s")
        case ast.Await():
            return _last(node.value)
        case _:
            return ""


def test_the_scan_sees_what_it_looks_for() -> None:
    guard = ast.parse((ROOT / "controller" / "guard.py").read_text(encoding="utf-8"))
    seen = {
        node.attr
        for node in ast.walk(guard)
        if isinstance(node, ast.Attribute) and node.attr in RAISING and _last(node.value) in MACHINES_NAMES
    }
    assert {"start", "restart", "download", "reset"} <= seen


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


def test_row_names_are_found_by_kind() -> None:
    assert row_named("roll_press", "bag tight") is None
    found = row_named("isostatic_press", "bag tight")
    assert found is not None
    assert found.group is Group.MATERIAL
