"""What a solver makes of the same jobs on the same line: OR-tools' CP-SAT, for comparing a schedule with the best."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ortools.sat.python import cp_model

from controller.schedule.live import Bar
from controller.schedule.model import Job, LineModel, Piece


@dataclass(frozen=True, slots=True)
class Solved:
    """The shortest makespan that the solver found, and below which none can be; both in s."""

    makespan_s: float
    bound_s: float
    status: str


@dataclass(frozen=True, slots=True)
class _Hint:
    unit: str | None
    starts_s: tuple[int, ...]


def _hints(jobs: Sequence[Job], known: Sequence[Bar]) -> dict[tuple[str, str, int], _Hint]:
    """When each part begins in a known schedule; jobs, being alike, are named in the order of their longest step."""
    longest = _longest(jobs[0])
    order = sorted((bar.begin_s, bar.job) for bar in known if bar.step == longest)
    names = {job: jobs[number].name for number, (_, job) in enumerate(order)}
    pieces = {step.name: step.pieces for step in jobs[0].steps}
    found: dict[tuple[str, str, int], _Hint] = {}
    for bar in sorted(known, key=lambda bar: bar.begin_s):
        number = sum((names[bar.job], bar.step, n) in found for n in range(len(pieces[bar.step])))
        starts, calls, at = [], list(bar.calls), bar.begin_s
        for part in pieces[bar.step][number].parts:
            at = calls.pop(0)[0] if part.by_person else at
            starts.append(round(at))
            at += part.seconds
        found[names[bar.job], bar.step, number] = _Hint(bar.unit, tuple(starts))
    return found


def _longest(job: Job) -> str:
    return max(job.steps, key=lambda step: step.seconds if step.pieces[0].units else 0.0).name


def solved(
    line: LineModel,
    jobs: Sequence[Job],
    known: Sequence[Bar] = (),
    *,
    limit_s: float = 1.0,
    chains: bool = True,
    before: Sequence[tuple[str, str]] = (),
) -> Solved:
    """The best schedule of equal jobs that is found within limit_s of the solver's deterministic time.

    A unit is held from the beginning of a piece's first part to the end of its last; somebody at the line is needed for
    each part that says so; maximum waits are kept. chains: a job's steps come one after the other as the executor has
    them; otherwise only `before` (earlier, later) orders them. known is a schedule to begin from. Durations are whole
    seconds, rounded down, so that the best is never overrated. A sheet that is cut off another job's web, which stands
    before it, waits for that web, and its maximum waits count from that job's steps; such jobs come without `known`.
    """
    problem = _Problem(line, jobs, _hints(jobs, known))
    for job in jobs:
        problem.add(job, chains=chains, before=before)
    return problem.solve(limit_s)


class _Problem:
    """The jobs as intervals on units and people."""

    def __init__(self, line: LineModel, jobs: Sequence[Job], hints: Mapping[tuple[str, str, int], _Hint]) -> None:
        self._line, self._hints = line, hints
        self._model = cp_model.CpModel()
        self._horizon = round(sum(step.seconds for job in jobs for step in job.steps))
        self._on_unit: dict[str, list[Any]] = {unit: [] for unit in line.units if unit not in line.out}
        self._people: list[Any] = []
        self._ends: list[Any] = []
        self._longest = _longest(jobs[0])
        self._turns: list[Any] = []
        self._ended: dict[str, dict[str, Any]] = {}

    def _time(self, name: str) -> Any:
        return self._model.new_int_var(0, self._horizon, name)

    def add(self, job: Job, *, chains: bool, before: Sequence[tuple[str, str]]) -> None:
        """One job with its order and its maximum waits."""
        begins: dict[str, Any] = {}
        ends: dict[str, Any] = {}
        previous: Any = None
        for step in job.steps:
            at = previous if chains else None
            web = self._ended.get(job.supply.get(step.name, ""), {})
            for number, piece in enumerate(step.pieces):
                begin, at = self._piece(job.name, step.name, number, piece, at)
                begins.setdefault(step.name, begin)
                for made in job.webs[step.name] if web else ():
                    self._model.add(begin >= web[made])
            ends[step.name] = web[step.name] if web else at
            previous = at
        self._ended[job.name] = ends
        for earlier, later in () if chains else before:
            self._model.add(begins[later] >= ends[earlier])
        for limit in job.limits:
            self._model.add(begins[limit.step] - ends[limit.after] <= int(limit.time_s))
        self._ends += ends.values()
        self._turns += [] if job.webs else [begins[self._longest]]

    def _piece(self, job: str, step: str, number: int, piece: Piece, after: Any) -> tuple[Any, Any]:
        """Beginning and end of a piece that begins after another one's end."""
        name, hint = f"{job}/{step}/{number}", self._hints.get((job, step, number))
        begin, end = None, after
        for k, part in enumerate(piece.parts):
            start, seconds = self._time(f"{name}/{k}"), int(part.seconds)
            if end is not None:
                waits = k == 0 or part.by_person  # a machine goes on at once, a person may come later
                self._model.add(start >= end if waits else start == end)
            begin, end = start if begin is None else begin, self._time(f"{name}/{k}/end")
            self._model.add(end == start + seconds)
            if part.by_person:
                self._people.append(self._model.new_interval_var(start, seconds, end, f"{name}/{k}/person"))
            if hint is not None:
                self._model.add_hint(start, hint.starts_s[k])
                self._model.add_hint(end, hint.starts_s[k] + seconds)
        self._choose(name, piece, begin, end, hint)
        return begin, end

    def _choose(self, name: str, piece: Piece, begin: Any, end: Any, hint: _Hint | None) -> None:
        """Exactly one of the piece's units is held."""
        chosen = []
        for unit in [unit for unit in piece.units if unit in self._on_unit]:
            there, size = self._model.new_bool_var(f"{name}@{unit}"), self._time(f"{name}@{unit}/size")
            held = self._model.new_optional_interval_var(begin, size, end, there, f"{name}@{unit}/held")
            self._on_unit[unit].append(held)
            chosen.append(there)
            if hint is not None:
                self._model.add_hint(there, unit == hint.unit)
                self._model.add_hint(size, hint.starts_s[-1] + int(piece.parts[-1].seconds) - hint.starts_s[0])
        if chosen:
            self._model.add_exactly_one(chosen)

    def solve(self, limit_s: float) -> Solved:
        """Raises ValueError where no schedule was found."""
        for intervals in self._on_unit.values():
            self._model.add_no_overlap(intervals)
        self._model.add_cumulative(self._people, [1] * len(self._people), self._line.people)
        for one, following in pairwise(self._turns):
            self._model.add(one <= following)  # the jobs are alike: they are named in the order of their longest step
        makespan = self._time("makespan")
        self._model.add_max_equality(makespan, self._ends)
        self._model.minimize(makespan)
        solver = cp_model.CpSolver()
        solver.parameters.num_workers = 1
        solver.parameters.max_deterministic_time = limit_s
        solver.parameters.random_seed = 1
        status = solver.solve(self._model)
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            raise ValueError(f"the solver found no schedule: {solver.status_name(status)}")
        return Solved(solver.objective_value, solver.best_objective_bound, solver.status_name(status))
