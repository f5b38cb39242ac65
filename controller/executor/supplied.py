"""A step that another run has done for this one: the sheet is cut off that run's web, and its record counts here too.

What was measured there was measured of the web, wherever it is cut. What follows from it for this laminate (estimates,
verdicts, holds) this run works out itself, in its own record.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from controller.allocation import Waiting
from controller.events import Event
from controller.executor.allocation import requested_before, tell_waited, tell_waiting
from controller.executor.holding import agreed_point, carry_out_idle
from controller.executor.judgement import tell_after_step
from controller.executor.memory import Learned
from controller.executor.prompts import Prompt
from controller.executor.recall import take_finished
from controller.executor.run import Run
from controller.executor.tasks import ask
from recipes.facts import Evidence
from recipes.model import Step
from recipes.plan import PlannedStep

OF_A_WEB = frozenset({"facts", "forget", "weigh", "thickness", "lab", "lose_track", "doubt"})
"""The operations that a web teaches; everything else a step learns is of the laminate that it was done for."""


async def supplied(run: Run, planned: PlannedStep) -> bool:
    """Takes what another run has done of a step, if one does it for this run; false where the run does it itself.

    Raises RunEnded, JournalError.
    """
    step, broken_off = planned.step, run.memory.broken_off
    loop = asyncio.get_running_loop()
    if broken_off is not None and broken_off.step == step.name:
        record = web_record(run.journal.earlier.of_run(broken_off.supplier), broken_off.supplier, step.name)
        ended_s = broken_off.web_ended_s
    else:
        record = await _waited_for(run, step)
        ended_s = loop.time() if record is None else record.time_s
    if record is None:
        return False
    events = run.journal.record(record.run)
    await _cut(run, step, record)
    event = await run.journal.append(run.name, "step.supplied", _supplied(step, record, events))
    take_finished(run, event)
    run.waits.finished(step.name, loop.time() - ended_s)
    run.waits.tell_over()
    await tell_after_step(run, step.name)
    return True


def web_record(events: Iterable[Event], supplier: str, step: str) -> Event | None:
    """A run's record of a step that it has finished; None where there is none."""
    own = (event for event in events if event.run == supplier and event.kind == "step.finished")
    return next((event for event in own if event.data["name"] == step), None)


async def _waited_for(run: Run, step: Step) -> Event | None:
    """The record of whoever does the step for this run, once its web is finished; None where this run does it."""
    supply, begun_s = run.line.supply, asyncio.get_running_loop().time()
    what, told = "", ""
    record: Event | None = None
    while (supplier := supply.supplier(run.name, step.name)) is not None:
        if (record := supply.record(supplier, step.name)) is not None:
            break
        if supplier != told:
            what, told = f"its sheet of {supply.coating(run.name, step.name)}", supplier
            tell_waiting(run, Waiting(what, partial(_because, run, supplier, step.name)))
        news = supply.news()
        try:
            request = await requested_before(run, news)
        finally:
            news.cancel()
        if request is not None:
            await carry_out_idle(run, request)
            await agreed_point(run)
    if told:
        tell_waited(run, what, begun_s)
        if record is None:
            reason = f"{told} has ended without a web that can be cut: this run does {step.name} itself"
            run.tell("run.problem", {"reason": reason})
    return record


def _because(run: Run, supplier: str, step: str) -> str:
    missing = ", ".join(run.line.supply.missing(supplier, step))
    why = run.line.allocation.why(supplier)
    return f"{supplier} coats it with its own and has still to do {missing}" + (
        "" if why is None else f"; it waits for {why[0]}: {why[1]}"
    )


async def _cut(run: Run, step: Step, record: Event) -> None:
    """A person cuts the run's sheet off the web that another run has coated."""
    if step.coat is None:
        return
    if run.memory.broken_off is None:
        began: dict[str, Any] = {"name": step.name, "kind": step.kind.value, "unit": None, "lots": [], "commanded": {}}
        await run.journal.append(run.name, "step.started", {**began, "supplied_by": record.run})
    text = f"Cut {step.produces} off the web that {record.run} has coated"
    lots = (step.produces or "",)
    await ask(run, Prompt("cut", text, lots, step.produces, of_run=record.run))


def _supplied(step: Step, record: Event, events: Sequence[Event]) -> dict[str, Any]:
    """The record of a step that another run has done, by that run's own record of it, `events`."""
    lot = step.produces or step.consumes[0]
    solvent_pct = record.data["known"]["solvent_pct"]
    return {
        "name": step.name,
        "kind": step.kind.value,
        "produces": step.produces,
        "result": record.data["result"],
        "from": {"run": record.run, "lot": lot, "record": record.sequence, "ended_utc": record.utc},
        "met": _met(step, record, events),
        "learned": _learned(record.data["learned"], record.run),
        "known": {
            "jobs": {},
            "reached_mpa": {},
            "solvent_pct": {lot: solvent_pct[lot]} if lot in solvent_pct else {},
            "pressings": {},
            "held_by_rules": [],
        },
    }


def _met(step: Step, record: Event, events: Sequence[Event]) -> list[dict[str, Any]]:
    """The calibrations with which the step was done, and the bypasses that were in force for its machine."""
    before = [event for event in events if event.sequence < record.sequence]
    units = {e.data["unit"] for e in before if e.kind == "step.started" and e.data["name"] == step.name}
    return [
        {"kind": event.kind, **event.data}
        for event in before
        if (event.kind == "calibration.met" and event.data["step"] == step.name)
        or (event.kind == "bypass.met" and event.data["unit"] in units)
    ]


def _learned(learned: Sequence[Learned], supplier: str) -> list[Learned]:
    """What a step has learned of the web; whose record a fact is from, its source says."""
    found: list[Learned] = []
    for what in learned:
        if what["do"] == "facts":
            facts = [_named(fact, supplier) for fact in what["facts"] if fact["evidence"] != Evidence.ESTIMATED]
            found += [{"do": "facts", "facts": facts}] if facts else []
        elif what["do"] in OF_A_WEB:
            found.append(what)
    return found


def _named(fact: Mapping[str, Any], supplier: str) -> dict[str, Any]:
    return {**fact, "source": f"{fact['source']} of run {supplier}"}
