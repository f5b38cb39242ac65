"""The matrix: every row, satisfied, broken and unreadable, for every command and in every phase of a job."""

from __future__ import annotations

import ast
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from controller.events import EventStream
from controller.guard import Guard, HandWrite, PermissiveMissing
from controller.interlocks import KINDS, MATRIX, Effect, Group, Row, Use, missing, row_named, tripped
from controller.interlocks.row import NEVER, WORKING
from controller.journal import Journal
from drivers.profile_kinds import MACHINES
from drivers.reading import Quality, Reading, Snapshot
from drivers.writing import Outcome, Written
from simulators.clock import run_virtual
from tests.controller.interlock_snapshots import PROFILES, SPOILED, snapshot, spoiled, unread, well

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


def test_row_names_are_found_by_kind() -> None:
    assert row_named("roll_press", "bag tight") is None
    found = row_named("isostatic_press", "bag tight")
    assert found is not None
    assert found.group is Group.MATERIAL
