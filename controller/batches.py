"""Several laminates on one line: each a run of its own, all on the same machines, people and journal.

ISA-88 calls one execution of a control recipe a batch; a series of batches is what is carried out here. A run that
fails, is held or stopped keeps the unit that it is in, and nothing else from the others.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Any

from controller.connection import unanswered
from controller.crew import Crew, Member
from controller.executor.allocation import take_out_of_service
from controller.executor.run import Run
from controller.executor.states import ENDED, RunState
from controller.line import Line, capability
from controller.recovery import set_down
from controller.schedule.forecast import objection
from controller.schedule.live import Standing
from controller.schedule.model import Job, JobStep, LineModel, job_of, line_of, with_sheets
from controller.session import MachineNotReady, Surroundings, Truth, line_connected, run_on
from controller.supply import Supply
from recipes.plan import Plan, UnitCapability

BEHIND_S = 20.0  # whoever stands behind another at the gate looks again after this (engineering judgement)
URGENT = 1  # any priority above the usual one, 0
LEAST_SHARE = 0.05  # of a last part's predicted time is still to come, however long it lasts (engineering judgement)


@dataclass(frozen=True, slots=True)
class Batch:
    """One laminate to make: the name of its run, its plan and its priority; a higher one is served first."""

    name: str
    plan: Plan
    priority: int = 0


def numbered(plan: Plan, count: int, stem: str, urgent: Plan | None = None) -> list[Batch]:
    """So many laminates of one plan: stem-01, stem-02 ...; and stem-urgent of another, which is served before them."""
    digits = max(2, len(str(count)))
    found = [Batch(f"{stem}-{number:0{digits}}", plan) for number in range(1, count + 1)]
    return found if urgent is None else [*found, Batch(f"{stem}-urgent", urgent, URGENT)]


def share_webs(supply: Supply, batches: Sequence[Batch]) -> None:
    """Writes down which of these laminates take their sheets of the same webs: those of one plan and one priority."""
    alike: dict[tuple[str, int], list[Batch]] = {}
    for batch in batches:
        alike.setdefault((batch.plan.hash, batch.priority), []).append(batch)
    for same in alike.values():
        supply.share([batch.name for batch in same], [planned.step for planned in same[0].plan.steps])


class ForecastGate:
    """The gate of a line on which runs come and go: see controller/schedule/forecast.py."""

    def __init__(self, line: Line, model: LineModel) -> None:
        self.runs: dict[str, Run] = {}
        self._line, self._model = line, model
        self._jobs: dict[str, Job] = {}
        self._asking: dict[str, tuple[str, int]] = {}

    @property
    def people(self) -> int:
        """How many people the forecast counts on."""
        return self._model.people

    @people.setter
    def people(self, count: int) -> None:
        self._model = replace(self._model, people=count)

    def expect(self, job: Job) -> None:
        """A run of this name is to come; `runs` has it once it is there."""
        self._jobs[job.name] = job

    def forget(self, name: str) -> None:
        """A run is gone for good."""
        self.leave(name)
        self.runs.pop(name, None)
        self._jobs.pop(name, None)

    def job(self, name: str) -> Job | None:
        """The steps of a run with their predicted durations; None for a run that is not expected here."""
        return self._jobs.get(name)

    def objection(self, owner: str, step: str) -> tuple[str, float] | None:
        """Why a step had better not begin now and after how many seconds to ask again; None where it may begin."""
        if owner not in self.runs:  # a run that is none of these batches
            return None
        job, run = self._job(owner), self.runs[owner]
        kind = job.alike, job.number(step)
        if not job.is_entry(kind[1]):
            return None
        self._asking[owner] = kind
        before = [other for other, its in self._asking.items() if its == kind and self._rank(other) < self._rank(owner)]
        if before:
            return f"after {min(before, key=self._rank)}", BEHIND_S
        others = [self._standing(name) for name in self.runs if name != owner]
        now_s = asyncio.get_running_loop().time()
        candidate = Standing(job, kind[1], finished_s=run.waits.finished_s, place=self._place(owner))
        allocation = self._line.allocation
        model = replace(self._model, out=tuple(sorted({*allocation.shut, *allocation.absent})))
        return objection(model, [standing for standing in others if standing is not None], candidate, now_s)

    def leave(self, owner: str) -> None:
        """The owner asks no more."""
        self._asking.pop(owner, None)

    def _rank(self, owner: str) -> tuple[int, int]:
        return -self.runs[owner].priority, self._place(owner)

    def _place(self, owner: str) -> int:
        return self._line.allocation.place_of(owner)

    def _job(self, name: str) -> Job:
        """A run's job with the sheets that others coat for it, as things stand."""
        supply = self._line.supply
        return with_sheets(self._jobs[name], supply.suppliers(name), supply.ended_s(name))

    def _standing(self, name: str) -> Standing | None:
        """Where a run is now; None for one that takes nothing: ended, not begun, or held without a unit."""
        run, job = self.runs[name], self._job(name)
        waits, now_s = run.waits, asyncio.get_running_loop().time()
        unit = next((unit for unit, owner in self._line.owners.items() if owner == name), None)
        number = len(waits.finished_s)
        if number >= len(job.steps):
            return None
        place = self._place(name)
        if run.state in ENDED or run.state is RunState.HELD:  # nobody knows when it gives its unit back
            return None if unit is None else Standing(job, number, 0, 0, unit, inf, True, waits.finished_s, place=place)
        if name in self._asking or run.state is RunState.IDLE:
            return None
        if waits.current is None or not (waits.has_begun or unit is not None):
            return Standing(job, number, finished_s=waits.finished_s, place=place)
        if not waits.has_begun:
            return Standing(job, number, 0, 0, unit, None, False, waits.finished_s, place=place)
        piece, part, left_s = _somewhere(job.steps[number], now_s - waits.reached_s)
        return Standing(job, number, piece, part, unit, left_s, True, waits.finished_s, place=place)


def _somewhere(step: JobStep, elapsed_s: float) -> tuple[int, int, float]:
    """Piece, part and what is left of it after so much of a step; the last part is never quite over."""
    for number, piece in enumerate(step.pieces):
        for k, part in enumerate(piece.parts):
            if elapsed_s < part.seconds:
                return number, k, part.seconds - elapsed_s
            elapsed_s -= part.seconds
    last = step.pieces[-1].parts
    return len(step.pieces) - 1, len(last) - 1, LEAST_SHARE * last[-1].seconds


async def carry_out_all(batches: Sequence[Batch], surroundings: Surroundings, people: int) -> dict[str, str]:
    """Connects what the plans need, runs all batches at once, and closes the record of each.

    `surroundings.person` is what each of the people can do. Returns why runs could not begin, by their names. Raises
    UnitUnreachable before anything is started; afterwards the journal tells everything.
    """
    everything = replace(batches[0].plan, steps=tuple(step for batch in batches for step in batch.plan.steps))
    async with line_connected(surroundings, everything):
        await set_down(surroundings.line, surroundings.journal)
        await _pass_by_unanswered(batches, surroundings)
        return await run_all_on(batches, surroundings, people)


def _planned_units(batch: Batch, line: Line) -> set[str]:
    return {unit for step in batch.plan.steps for unit in line.able(step, batch.plan.recipe.laminate.area_mm2)}


async def _pass_by_unanswered(batches: Sequence[Batch], surroundings: Surroundings) -> None:
    """A machine that no plan names need not be there; one that does not answer is given to nobody."""
    line = surroundings.line
    units = {unit for batch in batches for unit in _planned_units(batch, line)} - line.allocation.out.keys()
    for unit, why in (await unanswered(line, units, surroundings.speed)).items():
        await take_out_of_service(line, surroundings.journal, unit, "pressline", f"it does not answer: {why}")


async def run_all_on(batches: Sequence[Batch], surroundings: Surroundings, people: int) -> dict[str, str]:
    """Runs all batches at once on machines that are connected. Returns why runs could not begin, by their names."""
    share_webs(surroundings.line.supply, batches)
    together = Together(surroundings, people)
    for batch in batches:
        together.expect(batch)
    tasks = [asyncio.create_task(_run(batch, surroundings, together), name=f"batch {batch.name}") for batch in batches]
    refused: dict[str, str] = {}
    failed: list[BaseException] = []
    for batch, end in zip(batches, await asyncio.gather(*tasks, return_exceptions=True), strict=True):
        if isinstance(end, BaseException):
            failed.append(end)
        elif end is not None:
            refused[batch.name] = end
    for error in failed[:1]:  # only now: what one run fails of must not break the others off
        raise error
    return refused


class Together:
    """Runs that are on one line at the same time, as they come and go: their forecast, their people, their turns.

    `surroundings.person` is what each of the people can do.
    """

    def __init__(self, surroundings: Surroundings, people: int) -> None:
        self.line = line = surroundings.line
        units = [capability(name, machine.profile) for name, machine in line.machines.items()]
        self._units = [*units, *(UnitCapability(name, unit.profile.kind) for name, unit in line.instruments.items())]
        self.gate = ForecastGate(line, line_of(self._units, people))
        self.crew = Crew(surroundings.person, people)
        line.allocation.gate = self.gate

    @property
    def people(self) -> int:
        """How many people are at the line; may be changed at any time."""
        return self.crew.count

    @people.setter
    def people(self, count: int) -> None:
        self.crew.count = self.gate.people = count

    def expect(self, batch: Batch) -> None:
        """A run is to come: its place in the order of arrival counts from now on, and its machines are kept for it."""
        self.gate.expect(job_of(batch.plan, self._units, batch.name, batch.priority))
        self.line.allocation.place_of(batch.name)
        self.line.allocation.register(batch.name, _planned_units(batch, self.line))

    def member(self, name: str) -> Member:
        """The people as one run sees them; `join` has to be told of the run before it asks for anything."""
        return Member(self.crew, name, self.line.machines.keys())

    def join(self, run: Run, member: Member | None) -> None:
        """An expected run begins. With a member its steps begin when somebody comes to them."""
        self.gate.runs[run.name] = run
        if member is not None:
            member.run = run
            run.waits.by_person = True

    def forget(self, name: str) -> None:
        """A run is gone for good, or does not come."""
        self.gate.forget(name)
        self.line.allocation.forget(name)
        self.line.supply.leave(name)


async def _run(batch: Batch, surroundings: Surroundings, together: Together) -> str | None:
    """One batch; why it could not begin, if so."""
    member = together.member(batch.name)

    def announce(run: Run) -> None:
        together.join(run, member)
        if surroundings.announce is not None:
            surroundings.announce(run)

    own = replace(
        surroundings,
        person=member,
        announce=announce,
        priority=batch.priority,
        truth=None if surroundings.truth is None else truth_of(surroundings.truth, member),
    )
    try:
        await run_on(batch.plan, own, batch.name)
    except MachineNotReady as error:
        surroundings.line.allocation.unregister(batch.name)
        return str(error)
    finally:
        surroundings.line.supply.leave(batch.name)
    return None


def truth_of(truth: Truth, member: Member) -> Truth:
    """The simulated truth of a run's lots, under the run's own names for them."""

    async def told(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
        return await truth(member.lot(lot), jobs)

    return told
