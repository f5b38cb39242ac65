"""Samples on worker processes of this computer.

The standard pools end altogether when one worker is killed, and say nothing of which sample it was. Here every worker
has a pipe of its own: who dies is replaced, and what it worked on goes to another one.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait

from controller.sweep.sample import Job, Row, failed

MOST_DEATHS = 3
"""A sample that took so many workers with it is not tried again."""
SAMPLE_LIMIT_S = 600.0
"""Wall seconds after which a sample hangs; the slowest library recipe takes a few (engineering judgement)."""
LOOK_S = 1.0
WORKER = (sys.executable, "-m", "controller.sweep.worker")
"""The program of a worker; the descriptor of its pipe is its last argument."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""One worker a core: numpy's own threads would take the cores from the other workers."""


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(slots=True)
class _Worker:
    """One process with the sample that it works on, since when, and how many workers that sample has cost."""

    process: subprocess.Popen[bytes]
    pipe: Connection
    job: Job | None = None
    deaths: int = 0
    since_s: float = 0.0

    def give(self, job: Job, deaths: int) -> None:
        self.job, self.deaths, self.since_s = job, deaths, time.monotonic()
        with suppress(OSError):  # a worker that is dead already is noticed by its pipe
            self.pipe.send(job)

    def end(self) -> None:
        self.pipe.close()
        self.process.kill()
        self.process.wait()


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
    workers: list[_Worker] = field(default_factory=list)

    @property
    def busy(self) -> list[_Worker]:
        return [worker for worker in self.workers if worker.job is not None]

    def begin(self, count: int) -> None:
        while len(self.workers) < count and (given := self._next()) is not None:
            self._start().give(*given)

    def end(self) -> None:
        for worker in self.workers:
            worker.end()

    def look(self, worker: _Worker, *, is_ready: bool) -> Row | None:
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
        self._replace(worker)  # what hangs would hang again, and is not repeated
        return None if job is None else failed(job, f"given up: it took longer than {self.limit_s:g} s")

    def _lost(self, worker: _Worker) -> Row | None:
        """A worker is dead: its sample goes to another one, unless it has cost too many."""
        job, deaths, why = worker.job, worker.deaths + 1, _death(worker.process)
        if job is not None and deaths < MOST_DEATHS:
            self.again.append((job, deaths))
        self._replace(worker)
        if job is None or deaths < MOST_DEATHS:
            return None
        return failed(job, f"given up: {deaths} worker processes ended on it, the last one {why}")

    def _replace(self, worker: _Worker) -> None:
        worker.end()
        self.workers.remove(worker)
        self._give_next(self._start())

    def _give_next(self, worker: _Worker) -> None:
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

    def _start(self) -> _Worker:
        worker = _started(self.program)
        self.workers.append(worker)
        return worker


def _started(program: Sequence[str]) -> _Worker:
    ours, theirs = Pipe()
    with theirs:
        process = subprocess.Popen(  # noqa: S603  # our own interpreter and module, nothing of a user's
            [*program, str(theirs.fileno())],
            pass_fds=(theirs.fileno(),),
            env={**os.environ, **ONE_THREAD},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=None if os.environ.get("PRESSLINE_DEBUG") else subprocess.DEVNULL,
        )
    return _Worker(process, ours)


def _death(process: subprocess.Popen[bytes]) -> str:
    try:
        code = process.wait(timeout=5.0)
    except subprocess.TimeoutExpired:
        return "it closed its pipe"
    if code < 0:
        with suppress(ValueError):
            return f"by {signal.Signals(-code).name}"
    return f"with exit code {code}"
