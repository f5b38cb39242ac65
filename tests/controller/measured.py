"""What steps really took in a journal of several runs: durations without any waiting, for a solver to begin from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from statistics import fmean

from controller.crew import ELSEWHERE
from controller.events import Event
from controller.schedule.model import Job, JobStep, Piece
from recipes.predict import Part

SHORTEST_S = 0.5  # what lasts less is the time that passes between two records


def measured_jobs(events: Sequence[Event], jobs: Sequence[Job]) -> list[Job]:
    """The jobs with the mean of what each part of each step took, the same for all of them."""
    stretches = [_of_run([event for event in events if event.run == job.name]) for job in jobs]
    steps = []
    for step in jobs[0].steps:
        runs = [one[step.name] for one in stretches]
        pieces = []
        for number in range(len(runs[0])):
            unit, first = runs[0][number]
            parts = tuple(
                Part(fmean(run[number][1][k].seconds for run in runs), part.by_person) for k, part in enumerate(first)
            )
            pieces.append(Piece(_able(step, unit), parts))
        steps.append(JobStep(step.name, step.kind, tuple(pieces)))
    return [replace(job, steps=tuple(steps)) for job in jobs]


def _able(step: JobStep, unit: str | None) -> tuple[str, ...]:
    """All units that the step's piece may be done by, from one of them."""
    return next((piece.units for piece in step.pieces if unit in piece.units), ())


Stretch = tuple[str | None, list[Part]]


def _of_run(events: Sequence[Event]) -> dict[str, list[Stretch]]:
    """By step, its pieces: the unit of each and its parts, people's time and the machine's."""
    found: dict[str, list[Stretch]] = {}
    here: list[Stretch] = []
    machine: str | None = None
    at_s = began_s = 0.0
    for event in events:
        match event.kind:
            case "step.started":
                here, machine, at_s = found.setdefault(event.data["name"], []), event.data["unit"], event.time_s
            case "prompt.asked":
                if here and (between_s := event.time_s - at_s) > SHORTEST_S:
                    here[-1][1].append(Part(between_s, by_person=False))
            case "prompt.begun":
                began_s = event.time_s
            case "prompt.answered":
                unit = machine or event.data["unit"]
                part = Part(event.time_s - began_s, event.data["action"] not in ELSEWHERE)
                if here and here[-1][0] == unit and unit is not None and event.data["action"] != "place":
                    here[-1][1].append(part)
                else:
                    here.append((unit, [part]))
                at_s = event.time_s
            case _:
                pass
    return found


def busy_s(jobs: Sequence[Job], unit: str) -> float:
    """How long a unit that has no alternative is occupied by all jobs, at the least."""
    return sum(piece.seconds for job in jobs for step in job.steps for piece in step.pieces if piece.units == (unit,))
