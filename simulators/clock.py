"""Event loops on other clocks: virtual time, which jumps, and scaled time, which runs faster.

Code under them uses nothing but `asyncio.sleep`, timeouts and the loop's `time()`; it cannot tell the difference.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections import deque
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from contextvars import Context
from heapq import heappop, heappush
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")

IDLE_WAIT_S = 0.05
"""Wall seconds between looks at a virtual clock while only a thread or a socket can wake the loop."""
_RESOLUTION_S = 1e-9
"""Timers that are this close to each other are due together."""
_SHORT_TURNS = 256
"""After so many turns a virtual loop asks the kernel too, which may hold a signal or a thread's wake-up."""


class _Timekeeper(Protocol):
    def jump(self, seconds: float) -> None: ...
    def must_wait(self) -> bool: ...
    def io_guard_s(self) -> float: ...


class _JumpSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it moves the clock to it."""

    keeper: _Timekeeper
    watches_files = False

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = super().register(fileobj, events, data)
        self._count()
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        key = super().unregister(fileobj)
        self._count()
        return key

    def _count(self) -> None:
        self.watches_files = len(self.get_map()) > 1  # one entry is the loop's own self-pipe

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self.keeper.must_wait():
            return super().select(IDLE_WAIT_S)
        guard = self.keeper.io_guard_s()
        if guard > 0 and self.watches_files:
            events = super().select(guard)
            if events:
                return events
        self.keeper.jump(timeout)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """When every task sleeps, the clock jumps to the next timer. While a thread of the loop works, the clock waits.

    start is the first reading of the clock in seconds. io_guard_s is the wall time given to the kernel before each jump
    if files are watched: loopback TCP needs none, a pseudo-terminal needs about 0.01 s because it delivers later.
    uvloop cannot be used with it.

    While no file is watched and no thread works, only timers can wake it, and it turns without asking the kernel each
    time: the same callbacks in the same order as asyncio's own turn gives.
    """

    # asyncio's own, the same since Python 3.7: what is ready, and the heap of timers
    _ready: deque[asyncio.Handle]
    _scheduled: list[asyncio.TimerHandle]
    _stopping: bool
    _timer_cancelled_count: int
    _selector: _JumpSelector
    _debug: bool
    _closed: bool

    def __init__(self, start: float = 0.0, io_guard_s: float = 0.0) -> None:
        self._now_s, self._working, self._io_guard_s = start, 0, io_guard_s
        selector = _JumpSelector()
        selector.keeper = self
        super().__init__(selector)
        self._clock_resolution = _RESOLUTION_S

    def time(self) -> float:
        return self._now_s

    def call_soon(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        if self._debug or self._closed:
            return super().call_soon(callback, *args, context=context)  # it looks at more, and says what is wrong
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_at(  # type: ignore[override]
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        if self._debug or self._closed:
            return super().call_at(when, callback, *args, context=context)
        timer: Any = asyncio.TimerHandle(when, callback, args, self, context)
        heappush(self._scheduled, timer)
        timer._scheduled = True  # noqa: SLF001  as _forget says
        return cast("asyncio.TimerHandle", timer)

    def _run_once(self) -> None:
        """Turns of the loop while there is nothing but timers to wait for, then one of asyncio's own."""
        for _ in range(_SHORT_TURNS):
            if not self._has_only_timers() or not self._turned():
                break
            if self._stopping:
                return
        super()._run_once()  # type: ignore[misc]  # asyncio's, which typeshed does not tell

    def _has_only_timers(self) -> bool:
        return not (self._working or self._selector.watches_files or self._debug)

    def _turned(self) -> bool:
        """One short turn; False if nothing is ready and no timer runs."""
        ready, timers = self._ready, self._scheduled
        if not ready:
            while timers and timers[0].cancelled():
                self._forget(heappop(timers))
                self._timer_cancelled_count -= 1
            if self._stopping or not timers:
                return False
            self._now_s = max(self._now_s, timers[0].when())
        due_s = self._now_s + _RESOLUTION_S
        while timers and (when_s := timers[0].when()) < due_s:
            self._now_s = max(self._now_s, when_s)  # who is called never finds that it is not yet time
            ready.append(self._forget(heappop(timers)))
        for _ in range(len(ready)):  # what these callbacks make ready belongs to the next turn
            handle: Any = ready.popleft()
            if not handle.cancelled():
                handle._run()  # noqa: SLF001  the only way to call it in its context, with its errors told to the loop
        return True

    @staticmethod
    def _forget(timer: Any) -> asyncio.TimerHandle:
        """A timer that is not in the heap any more; asyncio counts the cancelled ones that are."""
        timer._scheduled = False  # noqa: SLF001  asyncio's own flag for it
        return cast("asyncio.TimerHandle", timer)

    def jump(self, seconds: float) -> None:
        """Moves the clock on; to a timer's own instant where it is meant."""
        to_s = self._now_s + seconds
        if self._scheduled and abs(self._scheduled[0].when() - to_s) < _RESOLUTION_S:
            to_s = max(self._now_s, self._scheduled[0].when())
        self._now_s = to_s

    def must_wait(self) -> bool:
        """Whether a thread is working that the clock must wait for."""
        return self._working > 0

    def io_guard_s(self) -> float:
        return self._io_guard_s

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., T], *args: Any
    ) -> asyncio.Future[T]:
        self._working += 1
        future = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: asyncio.Future[Any]) -> None:
        self._working -= 1


class _FastSelector(selectors.DefaultSelector):
    speed = 1.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self.speed)


class ScaledLoop(asyncio.SelectorEventLoop):
    """A loop whose clock runs `speed` times as fast as the wall's (speed > 0), for real wires to simulated machines.

    Above 20 the wire's own delays distort what is seen.
    """

    def __init__(self, speed: float) -> None:
        self.speed = self.checked_speed(speed)
        self._origin_s = time.monotonic()
        selector = _FastSelector()
        selector.speed = speed
        super().__init__(selector)

    @staticmethod
    def checked_speed(speed: float) -> float:
        """The speed itself.

        :raises ValueError: if it is not greater than 0.
        """
        if not speed > 0:
            raise ValueError(f"speed must be greater than 0, not {speed}")
        return speed

    def time(self) -> float:
        return (time.monotonic() - self._origin_s) * self.speed


def run_virtual(main: Coroutine[Any, Any, T], start: float = 0.0, io_guard_s: float = 0.0) -> T:
    """Runs a coroutine to its end on virtual time, as asyncio.run does on the wall's."""
    factory = cast("Callable[[], asyncio.AbstractEventLoop]", lambda: VirtualLoop(start, io_guard_s))
    with asyncio.Runner(loop_factory=factory) as runner:
        return runner.run(main)


def run_scaled(main: Coroutine[Any, Any, T], speed: float) -> T:
    """Runs a coroutine to its end on a clock that is `speed` times as fast as the wall's.

    :raises ValueError: if speed is not greater than 0.
    """
    try:
        ScaledLoop.checked_speed(speed)
    except ValueError:
        main.close()
        raise
    with asyncio.Runner(loop_factory=lambda: ScaledLoop(speed)) as runner:
        return runner.run(main)
