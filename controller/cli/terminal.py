"""The person at the terminal: tasks are asked there, a held run is decided there, Ctrl-C stops and then aborts."""

from __future__ import annotations

import asyncio
import signal
import sys
import termios
from collections.abc import Coroutine
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TextIO

from controller.events import Event
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.session import Attendant, unattended
from recipes.model import Entry

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WHO = "person at the terminal"


class Terminal:
    """Standard input as one thing that is asked one question at a time, without blocking the loop."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()

    async def ask(self, question: str, *, fresh: bool = False) -> str:
        """One line; the reader is gone when this is cancelled. fresh drops what was typed before the question.

        Raises EOFError when the terminal is closed.
        """
        async with self._asking:
            if fresh and sys.stdin.isatty():
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)
            loop = asyncio.get_running_loop()
            answer: asyncio.Future[str] = loop.create_future()

            def readable() -> None:
                if not answer.done():
                    answer.set_result(sys.stdin.readline())

            say(question, sys.stdout, end=" ")
            loop.add_reader(sys.stdin.fileno(), readable)
            try:
                line = await answer
            finally:
                loop.remove_reader(sys.stdin.fileno())
        if not line:
            raise EOFError("the terminal was closed")
        return line.strip()


def say(text: str, stream: TextIO, end: str = "\n") -> None:
    """Prints if anybody can read it; a dead terminal is no reason to stop controlling machines."""
    with suppress(OSError, ValueError):
        print(text, file=stream, end=end, flush=True)


class TerminalPerson:
    """Asks each task at the terminal; lots are read back, values are asked until they are numbers."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises TaskImpossible when the terminal is closed."""
        try:
            await self._confirmed(prompt)
            entered = {e.name: await self._number(e, is_optional=prompt.is_optional) for e in prompt.entries}
            values = {name: value for name, value in entered.items() if value is not None}
        except (EOFError, OSError) as error:
            raise TaskImpossible(str(error)) from error
        return Answer(WHO, values, {})

    async def _number(self, entry: Entry, *, is_optional: bool) -> float | None:
        what = f"{entry.name} of {entry.subject}" if entry.subject else entry.name
        skip = ", Enter if it was not measured" if is_optional else ""
        while True:
            text = await self._terminal.ask(f"  {what} in {entry.unit}{skip}:")
            if is_optional and not text:
                return None
            try:
                return float(text)
            except ValueError:
                say(f"  {text!r} is no number; expected something like {entry.expected:g}", sys.stdout)

    async def _confirmed(self, prompt: Prompt) -> None:
        lots = ", ".join(prompt.consumes)
        how = f"type {lots} when it is done:" if lots else "press Enter when it is done:"
        while (typed := await self._terminal.ask(f"TASK {prompt.text} - {how}")) != lots:
            say(f"  {typed!r} is not {lots}" if lots else "  press Enter only", sys.stdout)


def asking_on_hold(terminal: Terminal) -> Attendant:
    """The attendant at a terminal: takes restart, stop or abort for a held run; what was typed before counts not."""

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        while True:
            event = await events.get()
            if event.kind == "run.state" and event.data["state"] == RunState.HELD:
                await _decided(run, terminal)

    return attend


async def _decided(run: Run, terminal: Terminal) -> None:
    typed, reason = "", "decided at the terminal"
    while run.state is RunState.HELD and typed not in ("restart", "stop", "abort"):
        try:
            typed = await terminal.ask("HELD. Type restart, stop or abort:", fresh=True)
        except (EOFError, OSError):
            typed = "stop"
    try:
        match typed:
            case "restart":
                run.restart(reason, WHO)
            case "abort":
                await run.abort(reason, WHO)
            case "stop":
                await run.stop(reason, WHO)
    except TransitionRefused as error:
        say(str(error), sys.stderr)


def attendant_for(terminal: Terminal | None) -> Attendant:
    """Who decides on a held run; None says that nobody is at a terminal."""
    return unattended if terminal is None else asking_on_hold(terminal)


class Interrupts:
    """Ctrl-C (SIGTERM, SIGHUP) within the block: first stop, then abort, then leave; before a run it just ends."""

    def __init__(self) -> None:
        self._run: Run | None = None
        self._count = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._body: asyncio.Task[Any] | None = None

    def watch(self, run: Run) -> None:
        """From now on an interrupt stops this run."""
        self._run = run

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted, number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _interrupted(self, number: signal.Signals) -> None:
        """The wire comes first: whoever interrupted may have taken the terminal away."""
        self._count += 1
        reason = f"interrupted by {number.name}"
        if self._run is None:
            self._leave("interrupted; nothing was started")
        elif self._count == 1:
            self._own(self._run.stop(reason, WHO))
            say("\nstopping; a second Ctrl-C aborts", sys.stderr)
        elif self._count == 2:
            self._own(self._run.abort(f"{reason} again", WHO))
            say("\naborting; a third Ctrl-C leaves the machines to themselves", sys.stderr)
        else:
            self._leave("left while a machine may be pressurised; its own controller brings it down; look at it")

    def _leave(self, message: str) -> None:
        if self._body is not None:
            self._body.cancel("interrupted")
        say("\n" + message, sys.stderr)

    def _own(self, command: Coroutine[Any, Any, None]) -> None:
        async def carried_out() -> None:
            try:
                await command
            except TransitionRefused as error:
                say(str(error), sys.stderr)

        task = asyncio.create_task(carried_out(), name="interrupt")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
