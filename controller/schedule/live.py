"""A job on its way through the line, and what is kept of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, auto
from math import inf

from controller.allocation import Want, earliest_due
from controller.schedule.model import Job, JobStep, Piece


@dataclass(frozen=True, slots=True)
class Bar:
    """One piece of a step: from when its unit was given (or its person came) to its end, in s from the start.

    asked_s is when it could have begun. calls are the times at which somebody at the line was busy with it.
    """

    job: str
    step: str
    unit: str | None
    asked_s: float
    begin_s: float
    end_s: float
    calls: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a job is when a simulation begins: the numbers of its present step, piece and part.

    unit is what it has. left_s is how long the present part still takes; None where it has not begun, because a unit
    or a person is waited for; inf where nobody knows. has_begun says whether anything of the step was done. finished_s
    has the ends of steps before, on the simulation's clock. is_kept: it may not begin its present step (see the gate),
    and takes nothing. place is the job's in the order of arrival, 0 for its place among those that are given.
    """

    job: Job
    step: int = 0
    piece: int = 0
    part: int = 0
    unit: str | None = None
    left_s: float | None = None
    has_begun: bool = False
    finished_s: Mapping[str, float] = field(default_factory=dict)
    is_kept: bool = False
    place: int = 0


class Phase(Enum):
    """What a job does."""

    ARRIVING = auto()
    WAITING_FOR_SHEET = auto()
    GATED = auto()
    WAITING_FOR_UNIT = auto()
    WAITING_FOR_PERSON = auto()
    WORKING = auto()
    DONE = auto()


@dataclass(slots=True)
class Live:
    """A job under way."""

    job: Job
    step: int
    finished_s: dict[str, float]
    phase: Phase = Phase.ARRIVING
    piece: int = 0
    part: int = 0
    unit: str | None = None
    place: int = 0
    asked_s: float = 0.0
    begin_s: float = 0.0
    until_s: float = 0.0
    has_begun: bool = False
    is_admitted: bool = False
    ask_again_s: float = 0.0
    calls: list[tuple[float, float]] = field(default_factory=list)

    @property
    def now(self) -> JobStep:
        return self.job.steps[self.step]

    @property
    def at(self) -> Piece:
        return self.now.pieces[self.piece]

    def due_s(self) -> float:
        """When the first maximum wait before the present step ends; inf once it has begun."""
        if self.has_begun:
            return inf
        return earliest_due(self.finished_s, [(x.after, x.time_s) for x in self.job.limits if x.step == self.now.name])

    def standing(self, now_s: float) -> Standing:
        """Where it is now."""
        return Standing(
            self.job,
            self.step,
            self.piece,
            self.part,
            self.unit,
            self.until_s - now_s if self.phase is Phase.WORKING else None,
            self.has_begun,
            dict(self.finished_s),
            self.phase is Phase.GATED,
            self.place,
        )

    def want(self) -> Want:
        """Its wish for a unit of its present piece."""
        return Want(self.job.name, self.now.name, self.at.units, self.place, self.job.priority, self.due_s())
