"""Commands that began come to their end, whoever goes away meanwhile: half a command is none that anybody asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from controller.api.errors import problem_of

T = TypeVar("T")
ENDS_WITHIN_S = 10.0
"""Loop seconds that what is under way may take when the service ends (engineering judgement): a stop that waits for a
machine has been sent long before, and is journalled whatever becomes of its answer."""


class Begun:
    """The commands that are being carried out, each in a task of its own.

    `unexpected` is told, with the request's name, of one that failed when nobody waited for its answer any more.
    """

    def __init__(self, unexpected: Callable[[str, BaseException], None]) -> None:
        self._unexpected = unexpected
        self._tasks: set[asyncio.Task[Any]] = set()

    async def to_its_end(self, work: Coroutine[Any, Any, T], instance: str) -> T:
        """What `work` returns. Whoever waits may be cancelled; the work is not."""
        task = asyncio.create_task(work, name=f"the command of {instance}")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(lambda done: self._ended_alone(done, instance))
            raise

    def _ended_alone(self, task: asyncio.Task[Any], instance: str) -> None:
        if not task.cancelled() and (error := task.exception()) is not None and problem_of(error) is None:
            self._unexpected(instance, error)

    async def settled(self) -> None:
        """Returns when nothing is under way any more; what takes too long is cancelled, as the service ends."""
        if not self._tasks:
            return
        _, late = await asyncio.wait(self._tasks, timeout=ENDS_WITHIN_S)
        for task in late:
            task.cancel()
        if late:
            await asyncio.wait(late)
