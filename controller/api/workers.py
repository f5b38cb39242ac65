"""Work that takes a processor or a disk for long: off the loop, a few at once, and not without end in a queue."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import ParamSpec, TypeVar

from controller.api.problems import Problem

P = ParamSpec("P")
T = TypeVar("T")
NICE = 10  # documents give way to machines
AGAIN_S = "5"


class Workers:
    """Threads for what waits (a file, a database), one other process for what computes.

    A thread that computes would take the interpreter from the loop for milliseconds at a time, and polls would be late.
    The process is started when it is first needed, and anew after its death.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="api")
        self._process: ProcessPoolExecutor | None = None
        self._most = at_once + waiting
        self._busy = 0

    async def wait_for(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, from a thread. Raises what it raises, and Problem when too much waits already."""
        return await self._run(self._threads, work, *args, **named)

    async def compute(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, from the other process: a function of a module with plain arguments."""
        if self._process is None:
            spawn = multiprocessing.get_context("spawn")
            self._process = ProcessPoolExecutor(1, spawn, initializer=os.nice, initargs=(NICE,))
        process = self._process
        try:
            return await self._run(process, work, *args, **named)
        except BrokenProcessPool as error:
            if self._process is process:
                self._process = None
            raise Problem(
                "unready", "the worker for documents died; ask again", headers={"Retry-After": "2"}
            ) from error

    async def _run(self, executor: Executor, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        if self._busy >= self._most:
            raise Problem("unready", f"{self._busy} such requests wait already", headers={"Retry-After": AGAIN_S})
        self._busy += 1
        future = asyncio.get_running_loop().run_in_executor(executor, partial(work, *args, **named))
        future.add_done_callback(self._freed)
        return await asyncio.shield(future)  # who goes away meanwhile frees no place: the work goes on

    def _freed(self, future: asyncio.Future[T]) -> None:
        self._busy -= 1
        if not future.cancelled():
            future.exception()  # nobody may be there any more to be told

    def close(self) -> None:
        """Waits for threads; what the process still computes is for nobody."""
        self._threads.shutdown(cancel_futures=True)
        if self._process is not None:
            self._process.shutdown(cancel_futures=True)
