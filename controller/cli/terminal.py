"""The person at the terminal: tasks are asked there, a held run is decided there, Ctrl-C stops and then aborts."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self

from controller.events import Event
from controller.executor.prompts import Answer, Prompt
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.session import Attendant, unattended


async def read_line(question: str) -> str:
    """One line from the terminal without blocking the loop; the reader is gone when this is cancelled.

    Raises EOFError when the terminal is closed.
    """
    loop = asyncio.get_running_loop()
    answer: asyncio.Future[str] = loop.create_future()

    def readable() -> None:
        if not answer.done():
            answer.set_result(sys.stdin.readline())

    print(question, end=" ", flush=True)
    loop.add_reader(sys.stdin.fileno(), readable)
    try:
        line = await answer
    finally:
        loop.remove_reader(sys.stdin.fileno())
    if not line:
        raise EOFError("the terminal was closed")
    return line.strip()


class TerminalPerson:
    """Asks each task at the terminal; lots are read back, values are asked until they are numbers."""

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises EOFError when the terminal is closed."""
        await self._confirmed(prompt)
        values = {}
        for entry in prompt.entries:
            while True:
                text = await read_line(f"  {entry.name} in {entry.unit}:")
                try:
                    values[entry.name] = float(text)
                    break
                except ValueError:
                    print(f"  {text!r} is no number; expected something like {entry.expected:g}")
        return Answer("person at the terminal", values, {})

    async def _confirmed(self, prompt: Prompt) -> None:
        lots = ", ".join(prompt.consumes)
        question = f"TASK {prompt.text}" + (
            f" - type {lots} when it is done:" if lots else " - press Enter when it is done:"
        )
        while (typed := await read_line(question)) != lots:
            print(f"  {typed!r} is not {lots}" if lots else "  press Enter only")


async def ask_on_hold(run: Run, events: asyncio.Queue[Event]) -> None:
    """The attendant at a terminal: says why the run is held and takes restart, stop or abort."""
    while True:
        event = await events.get()
        if event.kind != "run.state" or event.data["state"] != RunState.HELD:
            continue
        typed = ""
        while run.state is RunState.HELD and typed not in ("restart", "stop", "abort"):
            try:
                typed = await read_line("HELD. Type restart, stop or abort:")
            except EOFError:
                typed = "stop"
        try:
            match typed:
                case "restart":
                    run.restart("decided at the terminal", "person at the terminal")
                case "abort":
                    await run.abort("decided at the terminal", "person at the terminal")
                case _:
                    await run.stop("decided at the terminal", "person at the terminal")
        except TransitionRefused as error:
            print(error)


def attendant_for(*, interactive: bool) -> Attendant:
    """Who decides on a held run."""
    return ask_on_hold if interactive else unattended


class Interrupts:
    """Ctrl-C (or SIGTERM) within the block: first stop, then abort, then leave; before a run it just ends."""

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
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().remove_signal_handler(number)
        if self._tasks:
            await asyncio.wait(self._tasks)

    def _interrupted(self) -> None:
        self._count += 1
        if self._run is None:
            self._leave("interrupted; nothing was started")
        elif self._count == 1:
            print("\nstopping; a second Ctrl-C aborts", file=sys.stderr, flush=True)
            self._own(self._run.stop("interrupted at the terminal", "person at the terminal"))
        elif self._count == 2:
            print("\naborting; a third Ctrl-C leaves the machines to themselves", file=sys.stderr, flush=True)
            self._own(self._run.abort("interrupted twice at the terminal", "person at the terminal"))
        else:
            self._leave(
                "left while a machine may be pressurised; its own controller brings it down; look at the machines"
            )

    def _leave(self, message: str) -> None:
        print("\n" + message, file=sys.stderr, flush=True)
        if self._body is not None:
            self._body.cancel("interrupted")

    def _own(self, command: Coroutine[Any, Any, None]) -> None:
        async def carried_out() -> None:
            try:
                await command
            except TransitionRefused as error:
                print(error, file=sys.stderr, flush=True)

        task = asyncio.create_task(carried_out(), name="interrupt")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
