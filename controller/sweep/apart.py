"""Samples on a Dask worker, each in a process beside it: a thread of Dask's that hangs could not be ended. Loads dask.

The processes are kept for the next sample, and end by themselves when none has come for IDLE_S.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any

from distributed import Reschedule, WorkerPlugin, get_worker

from controller.sweep.process import MOST_DEATHS, WORKER, Worker, cost_too_many, started, took_too_long
from controller.sweep.sample import Job, Row

NAME = "pressline-samples"
IDLE_S = 60.0
"""Longer than a scheduler takes to send the next sample; a sweep leaves nothing for longer (engineering judgement)."""
KEPT_WORKER = (*WORKER, f"{IDLE_S:g}")


def outcome_apart(job: Job, limit_s: float) -> Row:
    """The row of one sample, on a Dask worker that has the plugin; wall seconds from its beginning are counted."""
    row: Row = get_worker().plugins[NAME].outcome(job, limit_s)
    return row


class Apart(WorkerPlugin):  # type: ignore[misc]  # dask has no types
    """Keeps the idle processes of one Dask worker; its threads take them out and put them back."""

    idempotent = True
    name = NAME

    def __init__(self, program: Sequence[str] = ()) -> None:
        """program is another one than KEPT_WORKER, which is that of the computer where the Dask worker runs."""
        self._program = tuple(program)
        self._idle: deque[Worker] = deque()
        self._working: deque[Worker] = deque()
        self._ended = False

    def teardown(self, worker: Any) -> None:
        """The Dask worker ends."""
        del worker  # it is the one that has us
        self._ended = True
        for process in [*self._idle, *self._working]:
            process.process.kill()

    def outcome(self, job: Job, limit_s: float) -> Row:
        """The row of one sample: what hangs is ended, what loses its process is tried again, as on this computer.

        Raises Reschedule if the Dask worker is ended meanwhile.
        """
        last = ""
        for deaths in range(MOST_DEATHS):
            process = self._taken()
            self._working.append(process)
            process.give(job, deaths)
            try:
                if not process.pipe.poll(limit_s):
                    process.end()
                    return took_too_long(job, limit_s)
                row: Row = process.pipe.recv()
            except (EOFError, OSError):
                last = process.death()
                process.end()
                if self._ended:
                    raise Reschedule from None
            else:
                self._idle.append(process)
                return row
            finally:
                self._working.remove(process)
        return cost_too_many(job, MOST_DEATHS, last)

    def _taken(self) -> Worker:
        """A process that waits, or a new one."""
        while True:
            try:
                process = self._idle.pop()
            except IndexError:
                return started(self._program or KEPT_WORKER)
            if process.process.poll() is None:
                return process
            process.end()
