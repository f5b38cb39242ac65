"""The person at the terminal: tasks are asked there, and what becomes of a held or paused run.

`pause` is taken at any time; Ctrl-C stops and then aborts.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import termios
from collections.abc import Callable, Coroutine, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, TextIO

from controller.events import Event
from controller.executor.commands import OutdatedCommand
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.session import Attendant, unattended
from controller.vitals.background import background
from controller.vitals.deaths import Act, Death, Tell
from recipes.model import Entry

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
WHO = "person at the terminal"
DECIDED = "decided at the terminal"
QUESTIONS = {RunState.HELD: ("restart", "stop", "abort"), RunState.PAUSED: ("resume", "hold", "stop", "abort")}
"""What a person may decide of a run that waits for them."""


class Terminal:
    """Standard input as one thing that is asked one question at a time, without blocking the loop."""

    def __init__(self) -> None:
        self._asking = asyncio.Lock()
        self._commands: Mapping[str, Callable[[], None]] = {}
        self._takes_line: Callable[[str], bool] | None = None

    def hear(self, takes_line: Callable[[str], bool]) -> None:
        """From now on every line that is typed is offered to this first; what it takes is no answer to a question."""
        self._takes_line = takes_line
        self._listen()

    @contextmanager
    def taking(self, commands: Mapping[str, Callable[[], None]]) -> Iterator[None]:
        """Within the block these words are commands: in every question, and between questions where a person types."""
        self._commands = commands
        self._listen()
        try:
            yield
        finally:
            self._commands = {}
            if not self._asking.locked():
                asyncio.get_running_loop().remove_reader(sys.stdin.fileno())

    def _listen(self) -> None:
        """Reads between questions; what was piped in is left for the questions to come."""
        if (self._commands or self._takes_line) and sys.stdin.isatty():
            asyncio.get_running_loop().add_reader(sys.stdin.fileno(), self._heard)

    def _heard(self) -> None:
        line = sys.stdin.readline()
        if not line:
            asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        elif not self._commanded(line) and line.strip():
            known = [*self._commands, *(["alarms"] if self._takes_line else [])]
            say(f"{line.strip()!r} is no command; there are {', '.join(known)}", sys.stderr)

    def _commanded(self, line: str) -> bool:
        """Carries a command out, if it is one."""
        if self._takes_line is not None and self._takes_line(line.strip()):
            return True
        if (command := self._commands.get(line.strip())) is None:
            return False
        command()
        return True

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
                if not answer.done() and not self._commanded(line := sys.stdin.readline()):
                    answer.set_result(line)

            say(question, sys.stdout, end=" ")
            loop.add_reader(sys.stdin.fileno(), readable)
            try:
                line = await answer
            finally:
                loop.remove_reader(sys.stdin.fileno())
                self._listen()
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
            if prompt.choices:
                return Answer(WHO, {}, {}, choice=await self._chosen(prompt))
            await self._confirmed(prompt)
            entered = {e.name: await self._number(e, is_optional=prompt.is_optional) for e in prompt.entries}
            values = {name: value for name, value in entered.items() if value is not None}
        except (EOFError, OSError) as error:
            raise TaskImpossible(str(error)) from error
        return Answer(WHO, values, {}, prompt.consumes)

    async def _chosen(self, prompt: Prompt) -> str:
        choices = f"{', '.join(prompt.choices[:-1])} or {prompt.choices[-1]}"
        while (typed := await self._terminal.ask(f"DECIDE {prompt.text} Type {choices}:")) not in prompt.choices:
            say(f"  {typed!r} is not {choices}", sys.stdout)
        return typed

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
    """The attendant at a terminal: takes `pause`, and what becomes of a held or paused run; what was typed before that
    question counts not.
    """

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        with terminal.taking({"pause": lambda: _told(lambda: run.pause(DECIDED, WHO))}):
            while True:
                event = await events.get()
                if event.kind == "run.state" and event.data["state"] in QUESTIONS:
                    await _decided(run, terminal, RunState(event.data["state"]))

    return attend


async def _decided(run: Run, terminal: Terminal, state: RunState) -> None:
    """Asks what becomes of a run that waits; what is decided is meant for the run as it was when it was asked."""
    asked, choices = run.seen, QUESTIONS[state]
    if asked.state is not state:
        return
    typed = ""
    while run.seen == asked and typed not in choices:
        question = f"{state.upper()}. Type {', '.join(choices[:-1])} or {choices[-1]}:"
        try:
            typed = await terminal.ask(question, fresh=True)
        except (EOFError, OSError):
            typed = "stop"
    try:
        match typed:
            case "restart":
                run.restart(DECIDED, WHO, asked)
            case "resume":
                run.resume(DECIDED, WHO, asked)
            case "hold":
                await run.hold(DECIDED, WHO, asked)
            case "abort":
                await run.abort(DECIDED, WHO)
            case "stop":
                await run.stop(DECIDED, WHO)
    except (TransitionRefused, OutdatedCommand) as error:
        say(str(error), sys.stderr)


def _told(command: Callable[[], None]) -> None:
    """Gives a command; why it is refused is told."""
    try:
        command()
    except (TransitionRefused, OutdatedCommand) as error:
        say(str(error), sys.stderr)


def attendant_for(terminal: Terminal | None) -> Attendant:
    """Who decides on a held run; None says that nobody is at a terminal."""
    return unattended if terminal is None else asking_on_hold(terminal)


class Interrupts:
    """Ctrl-C (SIGTERM, SIGHUP) within the block: first stop, then abort, then leave; before a run it just ends."""

    def __init__(self, tell: Tell) -> None:
        self._block = background(tell)
        self._run: Run | None = None
        self._count = self._under_way = 0
        self._at_rest = asyncio.Event()
        self._at_rest.set()
        self._body: asyncio.Task[Any] | None = None

    def watch(self, run: Run) -> None:
        """From now on an interrupt stops this run."""
        self._run = run

    async def __aenter__(self) -> Self:
        self._body = asyncio.current_task()
        self._tasks = await self._block.__aenter__()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._interrupted, number)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number in SIGNALS:
            asyncio.get_running_loop().remove_signal_handler(number)
        try:
            await self._at_rest.wait()
        finally:
            await self._block.__aexit__(kind, error, trace)

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
            finally:
                self._under_way -= 1
                if self._under_way == 0:
                    self._at_rest.set()

        self._under_way += 1
        self._at_rest.clear()
        self._tasks.run_to_its_end(
            "what Ctrl-C began", carried_out, Act(_failed, "Ctrl-C again goes further"), condition="interrupt"
        )


async def _failed(death: Death) -> None:
    say(f"{death.words}; Ctrl-C again goes further", sys.stderr)
