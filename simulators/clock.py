"""Event loops on other clocks: virtual time, which jumps, and scaled time, which runs faster.

Code under them uses nothing but `asyncio.sleep`, timeouts and the loop's `time()`; it cannot tell the difference.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import Executor
from typing import Any, Protocol, TypeVar, cast

T = TypeVar("T")

IDLE_WAIT_S = 0.05
"""Wall seconds between looks at a virtual clock while only a thread or a socket can wake the loop."""


class _Timekeeper(Protocol):
    def jump(self, seconds: float) -> None: ...
    def must_wait(self) -> bool: ...
    def io_guard_s(self) -> float: ...


class _JumpSelector(selectors.DefaultSelector):
    """Instead of waiting for a timer it moves the clock to it."""

    keeper: _Timekeeper

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None or self.keeper.must_wait():
            return super().select(IDLE_WAIT_S)
        guard = self.keeper.io_guard_s()
        if guard > 0 and len(self.get_map()) > 1:  # one entry is the loop's own self-pipe
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
    """

    def __init__(self, start: float = 0.0, io_guard_s: float = 0.0) -> None:
        self._now_s, self._working, self._io_guard_s = start, 0, io_guard_s
        selector = _JumpSelector()
        selector.keeper = self
        super().__init__(selector)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._now_s

    def jump(self, seconds: float) -> None:
        """Moves the clock on."""
        self._now_s += seconds

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
