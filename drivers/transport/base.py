"""What every transport is: an exchange of one request for one answer, one at a time, urgent ones first."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from typing import Any, Protocol, TypeVar

from drivers.errors import DriverError
from drivers.profile import Table

T = TypeVar("T")
Check = Callable[[bytes], None]


class Transport(Protocol):
    """Opening, closing and the state of a line.

    `session` grows with every successful open(), so that an owner can see that the connection is not the one it knew.
    After a fault a transport is either resynchronised (a serial line that was waited quiet) or closed (TCP); a closed
    one raises LinkDown until open() is called again.
    """

    response_timeout_s: float
    """Seconds of loop time that an answer may take."""

    @property
    def is_open(self) -> bool: ...

    @property
    def session(self) -> int: ...

    async def open(self) -> None:
        """Connects; does nothing if connected. Raises LinkDown."""
        ...

    async def close(self) -> None:
        """Disconnects and ends every task of this transport; may be called twice."""
        ...


class RegisterTransport(Transport, Protocol):
    """Reads and writes 16-bit registers of one machine."""

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        """`count` registers.

        Raises LinkDown, ResponseTimeout, CorruptAnswer, WrongAnswer (all retryable) or DeviceRefused.
        """
        ...

    async def write(self, address: int, values: Sequence[int], *, priority: bool = False) -> None:
        """Writes holding registers with one request that goes out once.

        Raises LinkDown if nothing was sent, DeviceRefused if the machine said no, OutcomeUnknown if it was sent and no
        proper answer came.
        """
        ...


class LineTransport(Transport, Protocol):
    """Exchanges one line for one line."""

    async def exchange(self, request: bytes, *, check: Check | None = None, priority: bool = False) -> bytes:
        """Sends `request` (with its line end) once and returns the answer with its line end.

        `check` is called with the answer while the line is still ours and raises CorruptAnswer or WrongAnswer if it is
        not ours. Raises LinkDown if nothing was sent, otherwise ResponseTimeout, CorruptAnswer or WrongAnswer.
        """
        ...


class PriorityLock:
    """A lock that is handed to waiting commands before waiting polls; within each kind first come, first served."""

    def __init__(self) -> None:
        self._held = False
        self._waiting: tuple[deque[asyncio.Future[None]], deque[asyncio.Future[None]]] = (deque(), deque())

    @asynccontextmanager
    async def hold(self, *, priority: bool) -> AsyncIterator[None]:
        await self._acquire(priority=priority)
        try:
            yield
        finally:
            self._release()

    async def _acquire(self, *, priority: bool) -> None:
        if not self._held:
            self._held = True
            return
        queue = self._waiting[0 if priority else 1]
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._release()  # the lock was handed to us in the moment in which we were cancelled
            else:
                queue.remove(turn)
            raise

    def _release(self) -> None:
        for queue in self._waiting:
            while queue:
                turn = queue.popleft()
                if not turn.done():
                    turn.set_result(None)  # stays held: it passes straight to the next
                    return
        self._held = False


class OwnedExchanges:
    """Runs exchanges in tasks of the transport's own: a caller who gives up leaves no half-read answer behind."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, exchange: Coroutine[Any, Any, T], ended: DriverError) -> T:
        """The exchange's result; cancelling the caller cancels only the waiting, the exchange itself is finished.

        Raises `ended` if end() cut the exchange off: whoever waits for it was not cancelled himself.
        """
        task = asyncio.get_running_loop().create_task(exchange, name="wire exchange")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            caller = asyncio.current_task()
            if task.cancelled() and (caller is None or not caller.cancelling()):
                raise ended from None
            raise

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody's error is not reported as never retrieved

    async def end(self) -> None:
        """Cancels what is still running and waits for it."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)


def wire_seconds(seconds: float, speed: float, floor_wall_s: float = 0.1) -> float:
    """A wire's time in loop seconds when the loop runs `speed` times faster than the wall.

    The wire and the operating system keep wall time: 0.1 s of wall is the least that lets a busy machine answer.
    """
    return max(seconds, floor_wall_s * speed) if speed > 1 else seconds
