"""A step waits for its unit: requests of people get through meanwhile, and why it waits is told.

The rules are those of controller/allocation.py. A unit is held for one step; no step holds a unit while it waits for
another, and a person's help is the last thing that is waited for, so no two runs can wait for each other.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from controller.allocation import Gate, Waiting, Want
from controller.executor.holding import agreed_point, carry_out_idle
from controller.executor.run import LotScrapped, Request, Run
from controller.journal import Journal
from controller.line import Line, UnitUnknown
from drivers.instrument import Instrument
from recipes.plan import PlannedStep

LINE = "line"
"""Whose record it is where something concerns the line and no run."""


@asynccontextmanager
async def unit_for(run: Run, planned: PlannedStep) -> AsyncIterator[PlannedStep]:
    """The step with the machine that it was given, which is its own until the block is left. Raises RunEnded.

    A block that does not come to its end leaves the machine with this run: something may be in it, or it may move.
    """
    units = run.line.able(planned, run.plan.recipe.laminate.area_mm2)
    if not units:
        yield planned
        return
    async with _owned(run, planned.step.name, units, between_steps=True) as unit:
        yield replace(planned, unit=unit)


@asynccontextmanager
async def instrument_for(run: Run, what: str, instrument: Instrument) -> AsyncIterator[None]:
    """The instrument is this run's until the block is left; what says what for. Raises RunEnded."""
    async with _owned(run, what, (instrument.unit,)):
        yield


@asynccontextmanager
async def _owned(run: Run, step: str, units: tuple[str, ...], *, between_steps: bool = False) -> AsyncIterator[str]:
    allocation = run.line.allocation
    unit = await _given(run, step, units, between_steps=between_steps)
    try:
        yield unit
    except LotScrapped:
        allocation.give_back(unit, run.name)
        raise
    except BaseException:
        if between_steps and not run.waits.has_begun:
            allocation.give_back(unit, run.name)  # nobody came to it yet: it is as it was
        else:
            allocation.keep(unit, run.name, f"{step} did not come to its end; look at it, then put it back in service")
        raise
    allocation.give_back(unit, run.name)


async def _given(run: Run, step: str, units: tuple[str, ...], *, between_steps: bool) -> str:
    allocation = run.line.allocation
    if (mine := next((unit for unit in units if run.line.owners.get(unit) == run.name), None)) is not None:
        return mine
    want = Want(run.name, step, units, allocation.place_of(run.name), run.priority, run.waits.due_s(step))
    what = f"{' or '.join(units)} for {step}"
    waiting = Waiting(what, lambda: allocation.because(want))
    begun_s, is_told = asyncio.get_running_loop().time(), False
    while True:
        answer = allocation.ask(want, lambda: tell_waiting(run, waiting))
        try:
            if not answer.done() and not is_told:
                tell_waiting(run, waiting)
                is_told = True
            request = await requested_before(run, answer)
            if request is None:
                unit, answer = answer.result(), _nothing()
                if is_told:
                    tell_waited(run, what, begun_s)
                return unit
        finally:
            allocation.withdraw(want)
            if answer.done() and not answer.cancelled():  # given in the moment in which the run was held or ended
                allocation.give_back(answer.result(), run.name)
        await carry_out_idle(run, request)  # a run that is held waits for a person, and keeps its place
        if between_steps:
            await agreed_point(run)  # and so does one that is paused


def _nothing() -> asyncio.Future[str]:
    return asyncio.get_running_loop().create_future()


async def allowed(run: Run, step: str) -> None:
    """Returns when the line's gate, if there is one, lets the step begin. Raises RunEnded."""
    gate = run.line.allocation.gate
    if gate is None:
        return
    try:
        await _admitted(run, step, gate)
    finally:
        gate.leave(run.name)


async def _admitted(run: Run, step: str, gate: Gate) -> None:
    what, begun_s, told = f"the right time for {step}", asyncio.get_running_loop().time(), ""
    while (objection := gate.objection(run.name, step)) is not None:
        because, again_s = objection
        if because != told:
            tell_waiting(run, Waiting(what, lambda because=because: because))  # type: ignore[misc]  # bound now
            told = because
        timer: asyncio.Future[str] = _nothing()
        handle = asyncio.get_running_loop().call_later(again_s, _ring, timer)
        try:
            request = await requested_before(run, timer)
        finally:
            handle.cancel()
        if request is not None:
            gate.leave(run.name)  # whoever is held or paused keeps nobody back
            await carry_out_idle(run, request)
            await agreed_point(run)
    if told:
        tell_waited(run, what, begun_s)


def _ring(timer: asyncio.Future[str]) -> None:
    if not timer.done():
        timer.set_result("")


async def requested_before(run: Run, answer: asyncio.Future[str]) -> Request | None:
    """Waits for an answer; a request that comes before it is returned, None once the answer is there."""
    while not answer.done():
        item = asyncio.create_task(run.inbox.get(), name="requests")
        either: set[asyncio.Future[Any]] = {answer, item}
        try:
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if item.done() and isinstance(found := item.result(), Request):
                return found
        finally:
            if not item.done():
                item.cancel()
                await asyncio.wait({item})
    return None


def tell_waiting(run: Run, waiting: Waiting) -> None:
    """Tells what a run waits for, and because of what."""
    run.line.allocation.waiting[run.name] = waiting
    run.tell("run.waiting", {"for": waiting.what, "because": waiting.because()})


def tell_waited(run: Run, what: str, begun_s: float) -> None:
    """Tells that a run waits no more."""
    run.line.allocation.waiting.pop(run.name, None)
    run.tell("run.waited", {"for": what, "waited_s": asyncio.get_running_loop().time() - begun_s})


# ---------------------------------------------------------------------- maintenance


async def take_out_of_service(line: Line, journal: Journal, unit: str, who: str, reason: str) -> None:
    """Nobody is given the unit any more; whoever has it finishes. Raises UnitUnknown, JournalError."""
    _known(line, unit)
    line.allocation.take_out(unit, who, reason)
    await journal.append(LINE, "unit.out_of_service", {"unit": unit, "who": who, "reason": reason})


async def put_back_in_service(line: Line, journal: Journal, unit: str, who: str, reason: str) -> None:
    """The unit may be given again; somebody has looked at it. Raises UnitUnknown, JournalError."""
    _known(line, unit)
    await journal.append(LINE, "unit.in_service", {"unit": unit, "who": who, "reason": reason})
    line.allocation.put_back(unit)


def _known(line: Line, unit: str) -> None:
    if unit not in line.machines and unit not in line.instruments:
        raise UnitUnknown(f"the line has no unit {unit}")
