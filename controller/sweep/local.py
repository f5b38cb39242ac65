"""Samples on worker processes of this computer.

The standard pools end altogether when one worker is killed, and say nothing of which sample it was. Here every worker
has a pipe of its own: who dies is replaced, and what it worked on goes to another one.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import wait

from controller.sweep.process import MOST_DEATHS, SAMPLE_LIMIT_S, WORKER, Worker, cost_too_many, started, took_too_long
from controller.sweep.sample import Job, Row

LOOK_S = 1.0


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def run_locally(
    jobs: Iterable[Job], count: int, limit_s: float = SAMPLE_LIMIT_S, program: Sequence[str] = WORKER
) -> Generator[Row]:
    """Rows in the order in which they come in; closing the generator ends the workers.

    count is the number of processes, limit_s the wall seconds that one sample may take.
    """
    pool = _Pool(iter(jobs), limit_s, program)
    try:
        pool.begin(count)
        while busy := pool.busy:
            ready = wait([worker.pipe for worker in busy], timeout=LOOK_S)
            for worker in busy:
                if (row := pool.look(worker, is_ready=worker.pipe in ready)) is not None:
                    yield row
    finally:
        pool.end()


@dataclass(slots=True)
class _Pool:
    """The workers, and what has to be done: samples that lost their worker come before new ones."""

    jobs: Iterator[Job]
    limit_s: float
    program: Sequence[str]
    again: deque[tuple[Job, int]] = field(default_factory=deque)
    workers: list[Worker] = field(default_factory=list)

    @property
    def busy(self) -> list[Worker]:
        return [worker for worker in self.workers if worker.job is not None]

    def begin(self, count: int) -> None:
        while len(self.workers) < count and (given := self._next()) is not None:
            self._start().give(*given)

    def end(self) -> None:
        for worker in self.workers:
            worker.end()

    def look(self, worker: Worker, *, is_ready: bool) -> Row | None:
        """The row that a worker has, or the one that its end or its silence deserves."""
        if is_ready:
            try:
                row: Row = worker.pipe.recv()
            except (EOFError, OSError):
                return self._lost(worker)
            self._give_next(worker)
            return row
        if time.monotonic() - worker.since_s <= self.limit_s:
            return None
        job = worker.job
        self._replace(worker)
        return None if job is None else took_too_long(job, self.limit_s)

    def _lost(self, worker: Worker) -> Row | None:
        """A worker is dead: its sample goes to another one, unless it has cost too many."""
        job, deaths, why = worker.job, worker.deaths + 1, worker.death()
        if job is not None and deaths < MOST_DEATHS:
            self.again.append((job, deaths))
        self._replace(worker)
        if job is None or deaths < MOST_DEATHS:
            return None
        return cost_too_many(job, deaths, why)

    def _replace(self, worker: Worker) -> None:
        worker.end()
        self.workers.remove(worker)
        self._give_next(self._start())

    def _give_next(self, worker: Worker) -> None:
        given = self._next()
        if given is None:
            worker.job = None
        else:
            worker.give(*given)

    def _next(self) -> tuple[Job, int] | None:
        if self.again:
            return self.again.popleft()
        job = next(self.jobs, None)
        return None if job is None else (job, 0)

    def _start(self) -> Worker:
        worker = started(self.program)
        self.workers.append(worker)
        return worker
