"""One worker process and its pipe: who started it can tell that it died or that it hangs, and end it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import Pipe
from multiprocessing.connection import Connection

from controller.sweep.sample import Job, Row, failed

MOST_DEATHS = 3
"""A sample that took so many workers with it is not tried again."""
SAMPLE_LIMIT_S = 600.0
"""Wall seconds after which a sample hangs; the slowest library recipe takes a few (engineering judgement)."""
WORKER = (sys.executable, "-m", "controller.sweep.worker")
"""The program of a worker; the descriptor of its pipe is its last argument."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""One worker a core: numpy's own threads would take the cores from the other workers."""


@dataclass(slots=True)
class Worker:
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

    def death(self) -> str:
        """How a process ended whose pipe was closed."""
        try:
            code = self.process.wait(timeout=5.0)
        except subprocess.TimeoutExpired:
            return "it closed its pipe"
        if code < 0:
            with suppress(ValueError):
                return f"by {signal.Signals(-code).name}"
        return f"with exit code {code}"


def started(program: Sequence[str]) -> Worker:
    """A new process that waits for its first sample."""
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
    return Worker(process, ours)


def took_too_long(job: Job, limit_s: float) -> Row:
    """The row of a sample that hung; it would hang again, and is not repeated."""
    return failed(job, f"given up: it took longer than {limit_s:g} s")


def cost_too_many(job: Job, deaths: int, last: str) -> Row:
    """The row of a sample that ended every worker."""
    return failed(job, f"given up: {deaths} worker processes ended on it, the last one {last}")
