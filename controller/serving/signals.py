"""What a service is told by signals: to end, to read its line file again; nothing else suspends or ends it."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from types import FrameType, TracebackType
from typing import Any, Self

ENDING = (signal.SIGTERM, signal.SIGINT)
IGNORED = (signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU)
"""What would suspend a program at a terminal: machines would be left to themselves."""
Handler = Callable[[int, FrameType | None], Any] | int | None


class Signals:
    """Within the block SIGTERM and Ctrl-C are the wish to end, and a second one the wish to leave at once.

    reload is called for SIGHUP. told_again is called before the block's task is cancelled by a second wish.
    """

    def __init__(self, reload: Callable[[], None], told_again: Callable[[], None]) -> None:
        self._reload, self._told_again = reload, told_again
        self._wanted = asyncio.Event()
        self._body: asyncio.Task[Any] | None = None
        self._before: dict[signal.Signals, Handler] = {}
        self.name = ""
        """The signal that came first; "" while none came."""

    def __enter__(self) -> Self:
        self._body = asyncio.current_task()
        loop = asyncio.get_running_loop()
        for number in ENDING:
            loop.add_signal_handler(number, self._ended, number)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        self._before = {number: signal.signal(number, signal.SIG_IGN) for number in IGNORED}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        loop = asyncio.get_running_loop()
        for number in (*ENDING, signal.SIGHUP):
            loop.remove_signal_handler(number)
        for number, before in self._before.items():
            signal.signal(number, before)

    async def wanted(self) -> None:
        """Returns when the service shall end."""
        await self._wanted.wait()

    def _ended(self, number: signal.Signals) -> None:
        if not self._wanted.is_set():
            self.name = number.name
            self._wanted.set()
            return
        self._told_again()
        if self._body is not None:
            self._body.cancel("told to end again")
