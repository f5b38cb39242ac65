"""The line, its units, runs, prompts and alarms as plain values, made from what is in memory: nothing is asked for."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from controller.alarms.alarm import Alarm
from controller.executor.states import TABLE, RunState, Trigger
from controller.interlocks import Bypass, Use, missing, missing_for_maintenance, rows_of
from controller.interlocks.judging import broken, told
from controller.line import Line
from controller.recovery import seconds_between
from controller.schedule.model import Job
from controller.service.machines import Machines
from controller.service.runs import Hosted
from controller.service.story import StepTold, Story
from controller.service.views import (
    AlarmView,
    BypassView,
    InterlockView,
    RunBrief,
    RunView,
    StepView,
    UnitBrief,
    UnitView,
    ValueView,
)
from drivers.errors import BadQuality
from drivers.machine import Machine
from drivers.reading import Quality, Reading, Snapshot

LEFT_HOW = "what the plan predicts of the steps that are not done; waiting for units, people and decisions is not in it"
LEAST_SHARE = 0.05  # of a step's predicted time is still to come, however long it lasts (engineering judgement)
_COMMANDS = {
    Trigger.HOLD: "hold",
    Trigger.STOP: "stop",
    Trigger.ABORT: "abort",
    Trigger.RESTART: "restart",
    Trigger.PAUSE: "pause",
    Trigger.RESUME: "go_on",
}
_USES = {"load": Use.LOAD, "start": Use.START, "restart": Use.RESTART, "reset": Use.RESET}


def _now() -> float:
    return asyncio.get_running_loop().time()


# ---------------------------------------------------------------------- units


def unit_view(line: Line, machines: Machines, name: str, bypasses: Iterable[Bypass]) -> UnitView:
    """One unit; `bypasses` are those in force for it."""
    allocation, machine = line.allocation, line.machines.get(name)
    kind = line.instruments[name].profile.kind if machine is None else machine.profile.kind
    snapshot = None if machine is None else machine.latest
    why_not = _why_not(line, name)
    live = tuple(bypasses)
    rows = {item.row for item in live}
    connected = machines.is_connected(name)
    return UnitView(
        name=name,
        kind=kind,
        is_machine=machine is not None,
        is_connected=connected,
        link=machines.links[name],
        state=_word(snapshot, "machine_state") if connected else "",
        phase=_word(snapshot, "phase") if connected else "",
        owner=allocation.owners.get(name, ""),
        kept=allocation.kept.get(name, ""),
        out_of_service=allocation.state(name) if name in allocation.out else "",
        is_available=not why_not,
        why_not=why_not,
        queue=allocation.queue(name),
        serial_number=None if machine is None else machine.serial_number,
        age_s=None if snapshot is None else _now() - snapshot.time_s,
        values=() if machine is None or snapshot is None else _values(machine, snapshot, is_connected=connected),
        missing={} if machine is None else _missing(machine, snapshot, rows, is_connected=connected),
        interlocks=() if machine is None or snapshot is None else _interlocks(machine, snapshot, rows),
        bypasses=tuple(bypass_view(item) for item in live),
    )


def unit_brief(line: Line, machines: Machines, name: str) -> UnitBrief:
    """One unit in one line."""
    machine = line.machines.get(name)
    kind = line.instruments[name].profile.kind if machine is None else machine.profile.kind
    connected = machines.is_connected(name)
    snapshot = machine.latest if machine is not None and connected else None
    why_not = _why_not(line, name)
    state, phase = _word(snapshot, "machine_state"), _word(snapshot, "phase")
    return UnitBrief(name, kind, connected, state, phase, line.owners.get(name, ""), not why_not, why_not)


def _why_not(line: Line, name: str) -> str:
    """Why a run that wants the unit now would wait for it, "" if it would not."""
    allocation = line.allocation
    free = name not in allocation.out and name not in allocation.absent and name not in allocation.owners
    return "" if free else f"{name} {allocation.state(name)}"


def _word(snapshot: Snapshot | None, name: str) -> str:
    try:
        return "" if snapshot is None else snapshot.text(name)
    except (BadQuality, KeyError):
        return ""


def _values(machine: Machine, snapshot: Snapshot, *, is_connected: bool) -> tuple[ValueView, ...]:
    now_s = _now()
    return tuple(
        ValueView(
            name, _plain(reading), reading.unit, _quality(machine, reading, now_s, is_connected=is_connected), age_s
        )
        for name, reading in snapshot.readings().items()
        for age_s in (now_s - reading.time_s,)
    )


def _plain(reading: Reading) -> float | int | str | None:
    value = reading.value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _quality(machine: Machine, reading: Reading, now_s: float, *, is_connected: bool) -> str:
    """What is old is not good: of a machine that is gone nothing is known any more."""
    if not is_connected:
        return Quality.BAD.value
    is_stale = now_s - reading.time_s > machine.patience_s
    return Quality.UNCERTAIN.value if is_stale and reading.quality is Quality.GOOD else reading.quality.value


def _missing(
    machine: Machine, snapshot: Snapshot | None, bypassed: set[str], *, is_connected: bool
) -> Mapping[str, tuple[str, ...]]:
    if snapshot is None or not is_connected:
        return dict.fromkeys((*_USES, "write by hand"), ("is not connected",))
    kind = machine.profile.kind
    found = {name: tuple(missing(kind, snapshot, use, bypassed)) for name, use in _USES.items()}
    by_hand = missing_for_maintenance(machine.profile, snapshot, machine.lease)
    return {**found, "write by hand": tuple(by_hand)}


def _interlocks(machine: Machine, snapshot: Snapshot, bypassed: set[str]) -> tuple[InterlockView, ...]:
    """Every interlock that does not hold, whatever the machine does now."""
    rows = [row for row in rows_of(machine.profile.kind) if row.phases]
    return tuple(
        InterlockView(item.row.name, item.effect.value, told([item], snapshot), item.row.name in bypassed)
        for item in broken(rows, snapshot)
    )


def bypass_view(item: Bypass) -> BypassView:
    """A bypass in force."""
    return BypassView(item.unit, item.row, item.role.value, item.who, item.reason, item.begun, item.until)


# ---------------------------------------------------------------------- runs


def run_view(hosted: Hosted, job: Job | None, prompts: tuple[str, ...], now_utc: str, speed: float) -> RunView:
    """One run that is open, as it is now."""
    story, run = hosted.story, hosted.run
    created = story.created
    state = _state(hosted)
    order = created.get("order", {})
    progress_pct, left_s = progress(story, job, is_ended=story.is_closed and state != RunState.HELD)
    until = story.last_utc if story.is_closed else now_utc
    return RunView(
        name=hosted.name,
        recipe=created.get("recipe", ""),
        title=created.get("title", ""),
        plan_hash=created.get("plan_hash", ""),
        purpose=created.get("purpose", ""),
        state=state,
        version=story.version if run is None else run.version,
        priority=int(order.get("priority", 0)),
        is_open=True,
        is_left=hosted.is_left,
        step=story.current,
        unit=_unit(story),
        phase=story.phase,
        reason=story.doing.reason,
        why=hosted.waits or story.doing.words,
        choices=story.choices,
        commands=_commands(hosted),
        prompts=prompts,
        steps=tuple(_step(told, job) for told in story.steps.values()),
        progress_pct=progress_pct,
        elapsed_s=speed * seconds_between(story.created_utc, until),
        left_s=left_s,
        left_how="" if left_s is None else LEFT_HOW,
        created_utc=story.created_utc,
        by=str(order.get("by", "")),
        is_simulated=created.get("simulation") is not None,
        approval=created.get("approval"),
        problems=tuple(story.problems),
    )


def run_brief(view: RunView) -> RunBrief:
    """A run in one line."""
    return RunBrief(
        view.name,
        view.recipe,
        view.state,
        view.version,
        view.step,
        view.unit,
        view.why,
        view.progress_pct,
        view.left_s,
    )


def _state(hosted: Hosted) -> str:
    if hosted.story.is_closed:
        return hosted.story.doing.state
    if hosted.run is not None:
        return hosted.run.state.value
    return RunState.HELD.value if hosted.is_left else hosted.story.doing.state


def _unit(story: Story) -> str:
    step = story.steps.get(story.current)
    return "" if step is None else step.unit or ""


def _commands(hosted: Hosted) -> tuple[str, ...]:
    """What the state admits; a run that was left may be closed as well."""
    close = ("close",) if hosted.is_left and _state(hosted) == RunState.HELD else ()
    if hosted.run is None:
        return close
    state = hosted.run.state
    return (*(word for trigger, word in _COMMANDS.items() if (state, trigger) in TABLE), *close)


def progress(story: Story, job: Job | None, *, is_ended: bool = False) -> tuple[float, float | None]:
    """The share of the predicted work that is done, in %, and how many seconds of it are left, None if unknown."""
    if job is None:
        done = sum(step.state == "done" for step in story.steps.values())
        return 100.0 * done / max(1, len(story.steps)), 0.0 if is_ended else None
    left_s = total_s = 0.0
    for step in job.steps:
        total_s += step.seconds
        left_s += _left_s(story.steps.get(step.name), step.seconds)
    return 100.0 * (1 - left_s / total_s) if total_s else 100.0, 0.0 if is_ended else left_s


def _left_s(told: StepTold | None, predicted_s: float) -> float:
    if told is None or told.state in ("open", "broken off"):
        return predicted_s
    if told.state == "done":
        return 0.0
    since_s = 0.0 if told.begun_s is None else _now() - told.begun_s
    return max(predicted_s - since_s, LEAST_SHARE * predicted_s)


def _step(told: StepTold, job: Job | None) -> StepView:
    steps = () if job is None else job.steps
    predicted_s = next((step.seconds for step in steps if step.name == told.name), 0.0)
    return StepView(told.name, told.kind, told.unit, told.state, predicted_s, told.begun_utc, told.ended_utc)


# ---------------------------------------------------------------------- alarms


def alarm_view(alarm: Alarm) -> AlarmView:
    """One alarm."""
    row, now_s = alarm.definition, _now()
    return AlarmView(
        key=str(alarm.key),
        name=alarm.key.name,
        subject=alarm.key.subject,
        state=alarm.state.value,
        priority=row.priority.value,
        text=alarm.text or row.message,
        is_unseen=alarm.is_unseen,
        is_hidden=alarm.is_hidden,
        is_active=alarm.condition,
        count=alarm.count,
        is_first_out=alarm.first_out,
        raised_s_ago=now_s - alarm.raised_s,
        hidden_for_s=None if alarm.until_s is None else max(0.0, alarm.until_s - now_s),
        who=alarm.who,
        why=alarm.why,
        cause=row.cause,
        consequence=row.consequence,
        action=row.action,
        respond_s=row.respond_s,
        shelve_max_s=row.shelve_max_s,
        is_removable=row.removable,
    )


def utc_in(now_utc: str, seconds: float) -> str:
    """A time of day so many seconds after another. Raises OverflowError where there is none."""
    return (datetime.fromisoformat(now_utc) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds")
