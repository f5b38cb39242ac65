"""Laminates with maximum waits on the usual line, on virtual time, compared with the best of a solver."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.batches import numbered
from controller.executor.waits import BROKEN
from controller.schedule.forecast import foreseen
from controller.schedule.model import job_of, line_of
from controller.schedule.simulation import simulated
from recipes.plan import Plan
from recipes.waits import before, wait_limits
from tests.controller.many import CAPABILITIES, Play, plan_of
from tests.controller.measured import measured_jobs
from tests.controller.recipes_for_tests import variant
from tests.controller.solver import Solved, solved

COUNT = 20
LIMITS = (
    ("    consumes: first stack\n", "{time: 40 min, of: coat cathode}, {time: 40 min, of: coat solid electrolyte}"),
    (
        "    consumes: [first assembly, intermediate sheet]\n",
        "{time: 10 min, of: peel support of solid electrolyte}, {time: 90 min, of: coat intermediate}",
    ),
    ("    consumes: tight bag\n", "{time: 60 min, of: peel support of intermediate}"),
)
"""Maximum waits for Example 1, which states none: from coat to press, from peel to stack and to the isostatic press."""


def recipe(folder: Path) -> Path:
    """Example 1 with maximum waits."""
    changes = [(step, f"    within: [{limits}]\n{step}") for step, limits in LIMITS]
    return variant(folder / "waits.yaml", *changes)


@dataclass(frozen=True, slots=True)
class Compared:
    """Makespans in s: as carried out, as foreseen by the same rules, and the solver's for the same durations.

    solver has the steps of a laminate one after the other, as a run carries them out; free lets them overlap as far as
    their lots allow.
    """

    carried_out_s: float
    foreseen_s: float
    solver: Solved
    free: Solved
    complete: int
    broken: tuple[str, ...]


def compared(plan: Plan, people: int, limit_s: float, count: int) -> Compared:
    """Carries all out and lets the solver work on the durations that they took; limit_s is its deterministic time."""
    play = Play(numbered(plan, count, "L"), people=people).play()
    names = [batch.name for batch in play.batches]
    jobs = measured_jobs(play.events, [job_of(plan, CAPABILITIES, name) for name in names])
    line = line_of(CAPABILITIES, people)
    simulation = simulated(line, jobs, foreseen)
    steps = [planned.step for planned in plan.steps]
    order = [(earlier, step) for step, all_before in before(steps).items() for earlier in sorted(all_before)]
    more: dict[str, Any] = {"limit_s": limit_s}
    return Compared(
        max(event.time_s for event in play.events if event.kind == "step.finished"),
        simulation.makespan_s,
        solved(line, jobs, simulation.bars, **more),
        solved(line, jobs, simulation.bars, chains=False, before=order, **more),
        sum(play.state(name) == "complete" for name in names),
        broken_waits(play, plan, names),
    )


def broken_waits(play: Play, plan: Plan, names: list[str]) -> tuple[str, ...]:
    """Maximum waits that were broken, from the records of steps and people alone, and by what the runs told."""
    found = [
        event.data["message"] for event in play.events if event.kind == "condition" and event.data["name"] == BROKEN
    ]
    for name in names:
        ended: dict[str, float] = {}
        begun: dict[str, float] = {}
        step = ""
        for event in play.of(name):
            if event.kind == "step.started":
                step = event.data["name"]
            elif event.kind == "prompt.begun":
                begun.setdefault(step, event.time_s)
            elif event.kind == "step.finished":
                ended[event.data["name"]] = event.time_s
        found += [
            f"{name}: {limit.step} {begun[limit.step] - ended[limit.after]:.0f} s after {limit.after}"
            for limit in wait_limits([planned.step for planned in plan.steps])
            if begun[limit.step] - ended[limit.after] > limit.time_s
        ]
    return tuple(found)


def repeated(folder: Path, people: int, limit_s: float, count: int = COUNT) -> Compared:
    """Example 1 with maximum waits, so many times."""
    return compared(plan_of(recipe(folder)), people, limit_s, count)
