"""Runs that an earlier controller left: continued on their machines from their records, or closed by a person."""

from __future__ import annotations

import time

from controller.executor.fitness import tell_calibrations
from controller.executor.recall import NotRecallable, recall
from controller.executor.recovering import Found, can_rejoin, is_unpressed
from controller.executor.release import rules_data
from controller.executor.run import Run
from controller.executor.states import ENDED, RunState
from controller.executor.supplied import web_record
from controller.journal import Journal
from controller.recovery import (
    WHO,
    Left,
    NotContinuable,
    created_data,
    finished_ago,
    found_by,
    left,
    next_step,
    reason_of,
    recorded_plan,
    recovered_data,
    seconds_between,
    set_down,
)
from controller.session import Surroundings, close_record, line_connected, to_its_end
from recipes.plan import PlannedStep


async def continue_run(name: str, surroundings: Surroundings) -> None:
    """Connects what a left run still needs, tells what is found, waits for a decision, and carries it to its end.

    The run is one that `surroundings.journal.earlier` holds. Raises NotContinuable or UnitUnreachable before anything
    is done; afterwards the journal tells everything.
    """
    journal, line = surroundings.journal, surroundings.line
    record = journal.record(name)
    plan = recorded_plan(name, record)
    was = left(name, record)
    unit = None if was.broken_off is None else was.broken_off.unit
    if unit is not None and unit in line.machines:
        line.allocation.owners[unit] = name  # no other left run has it stopped
    async with line_connected(surroundings, plan, was.finished):
        await set_down(line, journal, but=name)
        await continue_on(name, surroundings)


async def continue_on(name: str, surroundings: Surroundings) -> None:
    """Continues a left run on machines that are connected, and closes its record. Raises NotContinuable."""
    begun = time.perf_counter()
    journal, line = surroundings.journal, surroundings.line
    line.bypasses.recall(journal)
    record = journal.record(name)
    was = left(name, record)
    if not was.can_continue:
        raise NotContinuable(f"run {name} is {was.state}, and its record is closed")
    run = recalled_run(name, surroundings)
    planned = next_step(run.plan, was)
    line.jobs = max(line.jobs, _last_job(journal))
    found = await _found_again(run, was, planned)
    with journal.stream.subscribe(name) as events:
        recovered = recovered_data(was, found, planned)
        now = await journal.append(name, "run.recovered", recovered)
        waited = [] if run.state in ENDED else finished_ago(name, record, now.utc, surroundings.speed)
        for step, ago_s in waited:
            run.waits.reached(step)
            run.waits.begun()
            run.waits.finished(step, ago_s)
        if (broken_off := run.memory.broken_off) is not None:
            broken_off.gap_s = surroundings.speed * seconds_between(was.last_utc, now.utc)
            supplier = broken_off.supplier
            web = web_record(journal.record(supplier), supplier, broken_off.step)
            if web is not None:
                ago_s = surroundings.speed * seconds_between(web.utc, now.utc)
                broken_off.web_ended_s = now.time_s - ago_s
        if all(event.kind != "run.rules" for event in record):
            await journal.append(name, "run.rules", rules_data(run))  # it died before it could
        await journal.append(name, "run.resumed", {"finished": list(was.finished), "plan_hash": run.plan.hash})
        tell_calibrations(run)
        if run.state not in ENDED:
            await run.found_held(reason_of(was, found), WHO, recovered["choices"])
        if surroundings.announce is not None:
            surroundings.announce(run)
        await to_its_end(run, surroundings, events, begun)


async def _found_again(run: Run, was: Left, planned: PlannedStep | None) -> list[Found]:
    """What the machines are found doing, and what that means for the broken-off step, which keeps its unit."""
    line, broken_off = run.line, run.memory.broken_off
    found = await found_by(was, created_data(run.name, run.journal.record(run.name)), line, run.guard, planned)
    unit = next((seen for seen in found if broken_off is not None and seen.unit == broken_off.unit), None)
    if broken_off is None or was.broken_off is None or planned is None or unit is None:
        return found
    line.allocation.owners[unit.unit] = run.name
    is_there = can_rejoin(planned, broken_off, unit)
    is_new = await is_unpressed(line.machine(unit.unit), unit, broken_off)
    for known in (broken_off, was.broken_off):
        known.rejoins = is_there
        if is_new:
            known.was_never_pressed()
    return found


def recalled_run(name: str, surroundings: Surroundings) -> Run:
    """A left run as it was when its controller died, from its record alone. Raises NotContinuable."""
    journal = surroundings.journal
    record = journal.record(name)
    plan = recorded_plan(name, record)
    run = Run(name, plan, surroundings.line, journal, surroundings.person, surroundings.priority)
    try:
        recall(run, record)
    except NotRecallable as error:
        raise NotContinuable(f"run {name}: {error}") from error
    return run


def _last_job(journal: Journal) -> int:
    """The highest number that a job of any run has had before; only a command to load one names it."""
    return journal.everything().highest(("command.requested",), "job", "job_id") or 0


async def close_run(name: str, surroundings: Surroundings, reason: str, who: str) -> None:
    """Closes the record of a left run that nobody continues, as stopped. Raises NotContinuable, JournalError.

    No machine is asked: whoever closes it has looked at them.
    """
    journal = surroundings.journal
    record = journal.record(name)
    was = left(name, record)
    if not was.can_continue:
        raise NotContinuable(f"run {name} is {was.state}, and its record is closed already")
    created_data(name, record)
    stopped = {"state": RunState.STOPPED.value, "reason": reason, "who": who}
    closed = {"truth": None, "wall_seconds": None, "who": who}
    try:
        run = recalled_run(name, surroundings)
    except NotContinuable as error:
        await journal.append(name, "run.problem", {"reason": str(error)})
        await journal.append(name, "run.state", stopped)
        await journal.append(name, "run.closed", {"state": RunState.STOPPED.value, **closed})
        return
    await journal.append(name, "run.recovered", recovered_data(was, [], next_step(run.plan, was)))
    if run.state not in ENDED:
        await journal.append(name, "run.state", stopped)
        run.state = RunState.STOPPED
    close_record(run, closed)
