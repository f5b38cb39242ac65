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
DOCUMENTS, EXPORTS = "documents", "exports"


class Workers:
    """Threads for what waits (a file, a database), one other process for what computes, one for what copies for long.

    A thread that computes would take the interpreter from the loop for milliseconds at a time, and polls would be late.
    A process is started when it is first needed, and anew after its death.
    """

    def __init__(self, at_once: int, waiting: int) -> None:
        self._threads = ThreadPoolExecutor(at_once, thread_name_prefix="api")
        self._processes: dict[str, ProcessPoolExecutor] = {}
        self._most = at_once + waiting
        self._busy = 0

    async def wait_for(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, from a thread. Raises what it raises, and Problem when too much waits already."""
        return await self._run(self._threads, work, *args, **named)

    async def compute(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """What `work` returns, from the other process: a function of a module with plain arguments."""
        return await self._elsewhere(DOCUMENTS, work, *args, **named)

    async def export(self, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        """The same for what takes minutes (files of trends, backups), which documents do not wait for."""
        return await self._elsewhere(EXPORTS, work, *args, **named)

    async def _elsewhere(self, lane: str, work: Callable[P, T], *args: P.args, **named: P.kwargs) -> T:
        if (process := self._processes.get(lane)) is None:
            spawn = multiprocessing.get_context("spawn")
            process = self._processes[lane] = ProcessPoolExecutor(1, spawn, initializer=os.nice, initargs=(NICE,))
        try:
            return await self._run(process, work, *args, **named)
        except BrokenProcessPool as error:
            if self._processes.get(lane) is process:
                del self._processes[lane]
            raise Problem("unready", f"the worker for {lane} died; ask again", headers={"Retry-After": "2"}) from error

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
        """Waits for threads and documents; a file of trends or a backup that goes on is for nobody, and is ended."""
        self._threads.shutdown(cancel_futures=True)
        for lane, process in self._processes.items():
            children = list(process._processes.values()) if lane == EXPORTS else []  # noqa: SLF001  nothing else ends them
            for child in children:
                child.terminate()
            process.shutdown(cancel_futures=True)
