"""Ctrl-C and its like while a run goes on: what lowers risk goes on the wire, and nothing suspends a controller."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Callable, Coroutine
from types import FrameType, TracebackType
from typing import Any, Self

from controller.cli.keyboard import say
from controller.cli.login import at_terminal
from controller.executor.run import Run
from controller.executor.states import ENDED, TransitionRefused
from controller.vitals.background import background
from controller.vitals.deaths import Act, Death, Tell

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SUSPENDING = (signal.SIGTTIN, signal.SIGTTOU)
"""What the kernel sends to a program in the background that touches its terminal; it would be suspended."""
Handler = Callable[[int, FrameType | None], Any] | int | None


class Interrupts:
    """Ctrl-C (SIGTERM, SIGHUP) within the block: first stop, then abort, then leave; before a run it just ends.

    Ctrl-Z, and a terminal that another program has, suspend nothing: a suspended controller lets its machines go.
    """

    def __init__(self, tell: Tell) -> None:
        self._block = background(tell)
        self._runs: list[Run] = []
        self._count = self._under_way = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._body: asyncio.Task[Any] | None = None
        self._before: dict[signal.Signals, Handler] = {}

    def watch(self, run: Run) -> None:
        """From now on an interrupt stops this run too; one that came before has stopped it already."""
        self._runs.append(run)
        if self._count:
            self.carry_out(run.stop("interrupted before it had begun", at_terminal()))

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        self._tasks = await self._block.__aenter__()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted, number)
        asyncio.get_running_loop().add_signal_handler(signal.SIGTSTP, _not_suspended)
        self._before = {number: signal.signal(number, signal.SIG_IGN) for number in SUSPENDING}
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (*SIGNALS, signal.SIGTSTP):
            asyncio.get_running_loop().remove_signal_handler(number)
        for number, before in self._before.items():
            signal.signal(number, before)
        try:
            await self._at_rest.wait()
        finally:
            await self._block.__aexit__(kind, error, trace)

    def _interrupted(self, number: signal.Signals) -> None:
        """The wire comes first: whoever interrupted may have taken the terminal away."""
        self._count += 1
        reason = f"interrupted by {number.name}"
        under_way = [run for run in self._runs if run.state not in ENDED] or self._runs[-1:]
        if not under_way:
            self._leave("interrupted; nothing was started")
        elif self._count == 1:
            for run in under_way:
                self.carry_out(run.stop(reason, at_terminal()))
            say("\nstopping; a second Ctrl-C aborts", sys.stderr)
        elif self._count == 2:
            for run in under_way:
                self.carry_out(run.abort(f"{reason} again", at_terminal()))
            say("\naborting; a third Ctrl-C leaves the machines to themselves", sys.stderr)
        else:
            self._leave("left while a machine may be pressurised; its own controller brings it down; look at it")

    def _leave(self, message: str) -> None:
        if self._body is not None:
            self._body.cancel("interrupted")
        say("\n" + message, sys.stderr)

    def carry_out(self, command: Coroutine[Any, Any, None]) -> None:
        """Carries out what lowers risk to its end, whatever becomes of who asked; why it is refused is told."""

        async def carried_out() -> None:
            try:
                await command
            except TransitionRefused as error:
                say(str(error), sys.stderr)
            finally:
                self._under_way -= 1
                if self._under_way == 0:
                    self._at_rest.set()

        self._under_way += 1
        self._at_rest.clear()
        self._tasks.run_to_its_end(
            "what Ctrl-C began", carried_out, Act(_failed, "Ctrl-C again goes further"), condition="interrupt"
        )


def _not_suspended() -> None:
    say("\nnot suspended: the machines would be left to themselves; Ctrl-C stops the run", sys.stderr)


async def _failed(death: Death) -> None:
    say(f"{death.words}; Ctrl-C again goes further", sys.stderr)
