"""A run's story: what was planned, what the machines really did, what was injected, and what the journal says of it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any

from controller.events import Event
from controller.journal import canonical
from recipes.model import Coat, Press
from recipes.plan import Plan, PlannedStep
from tests.campaign.observer import Seen

TOLD_BEFORE_S = 30.0
"""What rises slowly is seen before it is beyond the sensor's accuracy: told so much earlier is told of the same."""


class Point(IntEnum):
    """The seven points that the observer judges, in the order of the faults' list."""

    LIMITS = 1
    ORDER = 2
    SILENCE = 3
    JOURNAL = 4
    ALARM = 5
    CERTIFICATE = 6
    END = 7


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that must not be, in words; time_s is the line's."""

    point: Point
    time_s: float
    words: str

    def __str__(self) -> str:
        return f"[{self.point.value} {self.point.name.lower()}] at {self.time_s:.1f} s: {self.words}"


@dataclass(frozen=True, slots=True)
class Injected:
    """What was done to the line, from when to when, and what has to be told of it.

    cause is a regular expression that the telling must match; within_s is how soon it must be told. spoils names what
    the fault itself does to the physics ("rise", "fall", "heat", "web", "zero"), which nobody above the machine can
    prevent.
    """

    fault: str
    unit: str
    from_s: float
    until_s: float
    needs_person: bool
    cause: str
    within_s: float
    spoils: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Period:
    """One step's work on a unit: from its record to the next step's, or to the end of the story."""

    planned: PlannedStep
    from_s: float
    until_s: float

    @property
    def press(self) -> Press | None:
        return self.planned.step.press

    @property
    def coat(self) -> Coat | None:
        return self.planned.step.coat


@dataclass(frozen=True, slots=True)
class Story:
    """Everything that the seven judges need. lots are the lots' names and open the units that hold one at the end.

    ended_s is when the run's record was closed, and seen goes on until watched_s. again are the events of the session
    by which a person closed the matter afterwards.
    """

    plan: Plan
    run: str
    events: Sequence[Event]
    seen: Mapping[str, Seen]
    injected: tuple[Injected, ...]
    ended_s: float
    watched_s: float
    record: Mapping[str, Any]
    truths: Mapping[tuple[str, str], float] = field(default_factory=dict)
    lots: frozenset[str] = frozenset()
    refusal: str = ""

    def of_run(self) -> list[Event]:
        return [event for event in self.events if event.run == self.run]

    def periods(self, unit: str) -> Iterator[Period]:
        """The steps that worked on a unit, in order."""
        steps = {planned.step.name: planned for planned in self.plan.steps}
        started = [event for event in self.of_run() if event.kind == "step.started"]
        ends = [event.time_s for event in started[1:]] + [self.watched_s]
        for event, end_s in zip(started, ends, strict=True):
            if (planned := steps[event.data["name"]]).unit == unit:
                yield Period(planned, event.time_s, end_s)

    def released_s(self, unit: str) -> float:
        """When the run let go of a unit; infinite if it never did."""
        of_unit = (e.time_s for e in self.of_run() if e.kind == "unit.released" and e.data["unit"] == unit)
        return next(of_unit, math.inf)

    def told_between(self, unit: str, from_s: float, until_s: float) -> bool:
        """Whether the run was anything but running within this time, or a problem of this unit was told."""
        state = "idle"
        for event in self.of_run():
            if event.time_s > until_s:
                break
            if event.kind == "run.problem" and event.time_s >= from_s - TOLD_BEFORE_S and unit in event.data["reason"]:
                return True
            if event.kind != "run.state":
                continue
            if event.time_s >= from_s and event.data["state"] != "running":
                return True
            state = event.data["state"]
        return state != "running"

    def spoilt(self, unit: str, what: str, time_s: float, after_s: float = 0.0) -> bool:
        """Whether an injected fault itself does this to a unit's physics now, or did so after_s ago."""
        return any(
            item.unit == unit and what in item.spoils and item.from_s <= time_s <= item.until_s + after_s
            for item in self.injected
        )


def text_of(event: Event) -> str:
    """What an event says, as a person could read it."""
    return f"{event.kind} {canonical(event.data)}"


def reaction_s(seen: Seen) -> float:
    """How soon the controller must have reacted to what a machine shows: values late by no more than stale, then told.

    A poll may be as old as the profile calls fresh, and a command may take its acknowledge time.
    """
    timing = seen.profile.timing
    return timing.stale_after_s + timing.acknowledge_timeout_s
