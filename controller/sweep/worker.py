"""A worker process: `python -m controller.sweep.worker [IDLE_S] FD` reads jobs from a pipe and answers with rows.

It has no memory and nothing to close: whoever kills it loses the sample that it works on, which another one repeats.
"""

from __future__ import annotations

import signal
import sys
from multiprocessing.connection import Connection

from controller.sweep.sample import Job, outcome


def serve(descriptor: int, idle_s: float | None = None) -> None:
    """Works until the pipe's other end is closed, or no job has come for `idle_s`."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which then lets go of us
    with Connection(descriptor) as pipe:
        while pipe.poll(idle_s):
            try:
                job = pipe.recv()
            except EOFError:
                return
            if not isinstance(job, Job):
                return
            try:
                pipe.send(outcome(job))
            except BrokenPipeError:
                return


if __name__ == "__main__":
    serve(int(sys.argv[-1]), *map(float, sys.argv[1:-1]))
