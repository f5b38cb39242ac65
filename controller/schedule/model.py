"""What is scheduled: laminates as chains of steps with predicted durations, and the line that they share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from controller.allocation import candidates
from recipes.capability import UnitCapability, unit_findings
from recipes.model import StepKind
from recipes.plan import Plan, PlannedStep
from recipes.predict import HANDLING_S, Part, parts
from recipes.sheets import shared_coatings
from recipes.waits import WaitLimit, wait_limits

INSTRUMENTS = {"weight": "balance", "thickness": "gauge"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a step that one unit does, or a person without a unit; the unit is held for all of its parts.

    units are those that can do it, the preferred one first.
    """

    units: tuple[str, ...]
    parts: tuple[Part, ...]

    @property
    def seconds(self) -> float:
        return sum(part.seconds for part in self.parts)


@dataclass(frozen=True, slots=True)
class JobStep:
    """One step with its pieces, done one after the other."""

    name: str
    kind: str
    pieces: tuple[Piece, ...]

    @property
    def seconds(self) -> float:
        return sum(piece.seconds for piece in self.pieces)


@dataclass(frozen=True, slots=True)
class Job:
    """One laminate: its steps in their order, its maximum waits and its priority. alike names jobs of the same plan.

    webs has, by step that makes or inspects a web which is cut into several sheets, all steps of that web. supply has
    those of them that another job does for this one, with its name; web_ended_s when it has done them, s.
    """

    name: str
    steps: tuple[JobStep, ...]
    limits: tuple[WaitLimit, ...] = ()
    priority: int = 0
    alike: str = ""
    webs: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    supply: Mapping[str, str] = field(default_factory=dict)
    web_ended_s: Mapping[str, float] = field(default_factory=dict)

    def number(self, step: str) -> int:
        """The place of a step in the chain, from 0."""
        return next(n for n, one in enumerate(self.steps) if one.name == step)

    def is_entry(self, number: int) -> bool:
        """Whether the step of this number begins a maximum wait while no other one is counting.

        Once one counts the job is not kept back any more: to wait would break it.
        """
        place = {step.name: number for number, step in enumerate(self.steps)}
        counting = any(place[x.after] < number <= place[x.step] for x in self.limits)
        return not counting and any(place[x.after] == number for x in self.limits)

    def at_risk(self, begun: int) -> tuple[WaitLimit, ...]:
        """The maximum waits that nothing can put off any more once the step of this number has begun.

        Those that count, or will when it ends; and those that begin to count while another one of these still does,
        because to wait before them would break that one.
        """
        place = {step.name: number for number, step in enumerate(self.steps)}
        found = [x for x in self.limits if place[x.after] <= begun < place[x.step]]
        for known in found:  # grows while it is gone through
            found += [
                x for x in self.limits if x not in found and place[known.after] < place[x.after] <= place[known.step]
            ]
        return tuple(found)


@dataclass(frozen=True, slots=True)
class LineModel:
    """The line of a schedule: machines, instruments, how many people there are, and what is out of service."""

    machines: tuple[str, ...]
    instruments: tuple[str, ...] = ()
    people: int = 1
    out: tuple[str, ...] = ()

    @property
    def units(self) -> tuple[str, ...]:
        return (*self.machines, *self.instruments)


def line_of(units: Sequence[UnitCapability], people: int, out: Sequence[str] = ()) -> LineModel:
    """The line with these units."""
    instruments = tuple(unit.name for unit in units if unit.kind in INSTRUMENTS.values())
    return LineModel(tuple(u.name for u in units if u.name not in instruments), instruments, people, tuple(out))


def job_of(plan: Plan, units: Sequence[UnitCapability], name: str, priority: int = 0) -> Job:
    """The chain of a plan on a line with these units."""
    area_mm2 = plan.recipe.laminate.area_mm2
    steps = tuple(_job_step(planned, units, area_mm2) for planned in plan.steps)
    recipe_steps = [planned.step for planned in plan.steps]
    webs = {step: web for web in shared_coatings(recipe_steps).values() for step in web}
    return Job(name, steps, wait_limits(recipe_steps), priority, plan.hash, webs)


def with_sheets(job: Job, supply: Mapping[str, str], web_ended_s: Mapping[str, float] | None = None) -> Job:
    """The job where others do these steps for it, or have done: somebody cuts its sheet off their web, that is all."""
    if not supply:
        return job
    cut = (Piece((), (Part(HANDLING_S, by_person=True),)),)
    steps = tuple(
        replace(step, pieces=cut if step.kind == StepKind.COAT else ()) if step.name in supply else step
        for step in job.steps
    )
    return replace(job, steps=steps, supply=supply, web_ended_s=web_ended_s or {})


def _job_step(planned: PlannedStep, units: Sequence[UnitCapability], area_mm2: float) -> JobStep:
    step = planned.step
    if step.inspect is not None:
        measures = (*step.inspect.measures, *("" for _ in step.inspect.lab))
        stretches = zip(measures, parts(step), strict=True)
        pieces = tuple(Piece(_instrument(measure, units), (part,)) for measure, part in stretches)
    else:
        pieces = (Piece(_able(planned, units, area_mm2), parts(step)),)
    return JobStep(step.name, step.kind.value, pieces)


def _instrument(measure: str, units: Sequence[UnitCapability]) -> tuple[str, ...]:
    kind = INSTRUMENTS.get(measure)
    return next(((unit.name,) for unit in units if unit.kind == kind), ())


def _able(planned: PlannedStep, units: Sequence[UnitCapability], area_mm2: float) -> tuple[str, ...]:
    own = next((unit for unit in units if unit.name == planned.unit), None)
    if own is None:
        return ()
    able = [
        unit.name
        for unit in units
        if unit.kind == own.kind and not any(unit_findings(planned.step, unit, (unit,), area_mm2, planned.gap_um))
    ]
    return candidates(own.name, able)
