"""Runs that an earlier controller left: which there are, their plans rebuilt from their records, their machines found.

A run that was never closed, or was closed as held, can be continued: its record holds everything that it needs.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from controller.events import Event
from controller.executor.machine_states import AT_REST, ENDED_ITSELF
from controller.executor.memory import BrokenOff
from controller.executor.recall import broken_off_by, paused_by
from controller.executor.recovering import Found, can_rejoin, choices, look
from controller.executor.run import Request
from controller.executor.states import ENDED, RunState
from controller.guard import Guard
from controller.journal import Journal, Past, as_past
from controller.line import Line
from drivers.machine import Machine
from recipes.plan import Plan, PlannedStep
from recipes.rebuild import CannotRebuild, mapping_orders, rebuilt

WHO = "pressline"
RUN_ENDS = ("run.created", "run.resumed", "run.closed")
"""The kinds of records by which a run is open or closed."""
_RESTING = frozenset({*AT_REST, *ENDED_ITSELF})


class NotContinuable(Exception):
    """A run cannot be continued; the message says why. `pressline close` closes its record."""


@dataclass(frozen=True, slots=True)
class Left:
    """A run as its record leaves it.

    is_closed: its record has its end; it may be continued even so where it is held. is_attended: as far as the record
    says a controller works on it, or died working on it. held_because is why it was held then, "" if it was not.
    pause is one that was asked for and not ended.
    """

    name: str
    state: RunState
    is_closed: bool
    is_attended: bool
    finished: tuple[str, ...]
    broken_off: BrokenOff | None
    last_utc: str
    held_because: str = ""
    pause: Request | None = None

    @property
    def is_open(self) -> bool:
        return not self.is_closed

    @property
    def can_continue(self) -> bool:
        """Whether anything is left to decide or to do; of an ended run whose record is open, only its record's end."""
        return self.is_open or self.state not in ENDED


def left(name: str, events: Sequence[Event]) -> Left:
    """A run as its record leaves it. `events` may hold other runs' too."""
    state, is_closed, is_attended = RunState.IDLE, False, True
    finished: list[str] = []
    broken_off: BrokenOff | None = None
    last_utc = held_because = ""
    pause: Request | None = None
    for event in as_past(events).of_run(name):
        last_utc = event.utc
        match event.kind:
            case "run.state":
                pause = paused_by(pause, state, event.data)
                state = RunState(event.data["state"])
                broken_off = broken_off_by(broken_off, event)
                held_because = _because(held_because, event.data)
            case "step.finished" | "step.supplied":
                finished.append(event.data["name"])
                broken_off = None
            case "run.closed":
                is_closed, is_attended = True, False
            case "run.recovered":
                is_attended = False
            case "run.resumed":
                is_closed, is_attended = False, True
            case _:
                broken_off = broken_off_by(broken_off, event)
    return Left(name, state, is_closed, is_attended, tuple(finished), broken_off, last_utc, held_because, pause)


def _because(before: str, change: Mapping[str, Any]) -> str:
    """Why a run is held: every reason since it went on last; what was found after a crash is none."""
    if change["state"] in (RunState.RUNNING, RunState.RESTARTING):
        return ""
    if change.get("recovered") or not change["reason"] or change["reason"] in before:
        return before
    return f"{before}; {change['reason']}" if before else str(change["reason"])


def told(journal: Journal) -> Past:
    """Everything that a journal holds, of earlier processes and of this one."""
    return journal.everything()


def undecided(events: Sequence[Event]) -> list[str]:
    """Runs that nobody closed, or that were closed as held: each can go on. Oldest first."""
    past = as_past(events)
    latest = dict(past.runs_told(RUN_ENDS))
    ended = {event.run: event.data["state"] in ENDED for event in past.of_kinds(("run.closed",))}
    return [run for run, kind in latest.items() if kind != "run.closed" or not ended[run]]


def open_runs(events: Sequence[Event]) -> list[str]:
    """Runs that nobody closed, oldest first."""
    latest = dict(as_past(events).runs_told(RUN_ENDS))
    return [run for run, kind in latest.items() if kind != "run.closed"]


# ---------------------------------------------------------------------- what a record has to hold


def rebuilding_data(plan: Plan, line: Line) -> dict[str, Any]:
    """What a record needs beside the control recipe to give the same plan again; and which machines there were."""
    file = plan.recipe.location.file
    is_beside = any("/" in name or "." in name for name in plan.recipe.basis)
    serials = {name: machine.serial_number for name, machine in line.machines.items()}
    return {
        "orders": mapping_orders(plan),
        "file": str(file if is_beside else file.name),
        "serial_numbers": {name: serial for name, serial in serials.items() if serial is not None},
    }


def recorded_plan(name: str, events: Sequence[Event]) -> Plan:
    """The plan that a run was started with, from its record alone. Raises NotContinuable."""
    created = created_data(name, events)
    if "orders" not in created:
        raise NotContinuable(f"run {name} was recorded by an older program, which did not keep its plan's order")
    try:
        return rebuilt(created["plan"], created["plan_hash"], created["orders"], Path(created["file"]))
    except CannotRebuild as error:
        raise NotContinuable(f"the plan of run {name} cannot be had from its record: {error}") from error


def created_data(name: str, events: Sequence[Event]) -> Mapping[str, Any]:
    """What the record of a run begins with. Raises NotContinuable where there is no such run."""
    for event in as_past(events).of_run(name):
        if event.kind == "run.created":
            return event.data
    raise NotContinuable(f"there is no run {name}")


# ---------------------------------------------------------------------- journal and machines, side by side


async def found_by(
    left_run: Left, created: Mapping[str, Any], line: Line, guard: Guard, keeps: PlannedStep | None = None
) -> list[Found]:
    """What the machines of the line are found doing, seen from one run that was left.

    What works for nobody is told to stop: our heartbeat would keep its watchdog quiet. `keeps` is the broken-off step
    of a run that is continued now; its press is held, where that is what its step says and nothing speaks against it.
    All are asked at once: one that does not answer delays no other's hold.
    """
    serials = created.get("serial_numbers", {})

    async def calmed(machine: Machine) -> Found:
        seen = await look(machine, left_run.broken_off, serials.get(machine.unit))
        if seen.state and seen.state not in _RESTING:
            await _calmed(machine, seen, left_run.broken_off, guard, keeps)
        return seen

    mine = (None, left_run.name)
    free = [m for name, m in line.machines.items() if name not in line.released and line.owners.get(name) in mine]
    found = await asyncio.gather(*map(calmed, free), return_exceptions=True)
    for seen in found:
        if isinstance(seen, BaseException):
            raise seen
    return [seen for seen in found if isinstance(seen, Found)]


async def _calmed(
    machine: Machine, seen: Found, broken_off: BrokenOff | None, guard: Guard, keeps: PlannedStep | None
) -> None:
    """Holds a press whose job goes on, stops any other."""
    is_its = broken_off is not None and broken_off.unit == machine.unit
    if is_its and broken_off is not None and keeps is not None and can_rejoin(keeps, broken_off, seen):
        if seen.state != "HELD":
            await guard.lower(machine, "hold", "found working for a run whose controller had died", WHO)
        return
    await guard.lower(machine, "stop", "found working without a controller", WHO)


def recovered_data(left_run: Left, found: Sequence[Found], planned: PlannedStep | None) -> dict[str, Any]:
    """What was found at the start of a controller of a run that another one left, for its record."""
    return {
        "step": None if left_run.broken_off is None else left_run.broken_off.step,
        "since_utc": left_run.last_utc,
        "found": [seen.words for seen in found],
        "choices": choices(left_run.broken_off, planned, left_run.pause),
    }


def reason_of(left_run: Left, found: Sequence[Found]) -> str:
    """Why a run that was left is held now."""
    where = "" if left_run.broken_off is None else f" in step {left_run.broken_off.step}"
    its = None if left_run.broken_off is None else left_run.broken_off.unit
    told = [seen.words for seen in found if seen.unit == its or seen.state != "IDLE" or not seen.is_zero]
    words = "; ".join(told) or "all machines are IDLE and proven to be at rest, the presses without pressure"
    how = "the run was left held" if left_run.is_closed else "the controller ended without closing the run"
    before = f"; it was held already: {left_run.held_because}" if left_run.held_because else ""
    return f"{how}{where} (last record {left_run.last_utc}){before}; found now: {words}"


async def set_down(line: Line, journal: Journal, *, but: str | None = None) -> None:
    """Runs that an earlier controller left open are set down as held, with what the machines measure now.

    They stay open: `pressline resume` continues them, `pressline close` closes them.
    """
    for name in open_runs(journal.earlier):
        if name == but:
            continue
        record = journal.earlier.of_run(name)
        was = left(name, record)
        found = await found_by(was, created_data(name, record), line, Guard(journal, name))
        await journal.append(name, "run.recovered", recovered_data(was, found, _next_step(name, was, record)))
        if was.state not in ENDED:
            change = {"state": RunState.HELD.value, "reason": reason_of(was, found), "who": WHO, "recovered": True}
            await journal.append(name, "run.state", change)


def finished_ago(name: str, events: Sequence[Event], now_utc: str, speed: float) -> list[tuple[str, float]]:
    """Every finished step in its order, and how many seconds of the line ago it ended, by UTC: loops' clocks differ."""
    record = as_past(events).of_run(name)
    ends = [event for event in record if event.kind in ("step.finished", "step.supplied")]
    return [(event.data["name"], speed * seconds_between(_ended_utc(event), now_utc)) for event in ends]


def _ended_utc(event: Event) -> str:
    """When the work of a finished step really ended, which may have been another run's."""
    return str(event.data["from"]["ended_utc"]) if event.kind == "step.supplied" else event.utc


def seconds_between(earlier_utc: str, later_utc: str) -> float:
    """Seconds by the clock on the wall; none where it was set back, or where a time cannot be read."""
    try:
        return max(0.0, (datetime.fromisoformat(later_utc) - datetime.fromisoformat(earlier_utc)).total_seconds())
    except (ValueError, TypeError):
        return 0.0


def _next_step(name: str, was: Left, events: Sequence[Event]) -> PlannedStep | None:
    try:
        plan = recorded_plan(name, events)
    except NotContinuable:
        return None
    return next_step(plan, was)


def next_step(plan: Plan, was: Left) -> PlannedStep | None:
    """The first step that is not finished; None where all are."""
    return next((planned for planned in plan.steps if planned.step.name not in was.finished), None)
