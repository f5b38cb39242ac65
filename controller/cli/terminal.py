"""The person at the terminal: tasks are asked there, and what becomes of a held or paused run.

`pause`, `hold`, `stop` and `abort` are taken at any time; Ctrl-C stops and then aborts.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from typing import Any

from controller.cli.keyboard import Terminal, say
from controller.cli.login import at_terminal
from controller.events import Event
from controller.executor.commands import OutdatedCommand
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.session import Attendant, unattended
from recipes.model import Entry

CarryOut = Callable[[Coroutine[Any, Any, None]], None]
HELP = """type at any time, then Enter:
  pause   ends the present step and waits          hold    holds the machine that works, as its step says
  stop    lets pressure off and ends the run       abort   the same, no faster; nothing can be asked for any more
  alarms  what stands; then ack N, shelve N ...    help    this
What follows the word is the reason, for the record. Ctrl-C stops, a second one aborts."""
DECIDED = "decided at the terminal"
QUESTIONS = {RunState.HELD: ("restart", "stop", "abort"), RunState.PAUSED: ("resume", "hold", "stop", "abort")}
"""What a person may decide of a run that waits for them."""


class TerminalPerson:
    """Asks each task at the terminal; lots are read back, values are asked until they are numbers."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises TaskImpossible when the terminal is closed."""
        try:
            if prompt.choices:
                choice, why = await self._chosen(prompt)
                return Answer(at_terminal(), {}, {}, choice=choice, why=why)
            await self._confirmed(prompt)
            entered = {e.name: await self._number(e, is_optional=prompt.is_optional) for e in prompt.entries}
            values = {name: value for name, value in entered.items() if value is not None}
        except (EOFError, OSError) as error:
            raise TaskImpossible(str(error)) from error
        return Answer(at_terminal(), values, {}, prompt.consumes)

    async def _chosen(self, prompt: Prompt) -> tuple[str, str]:
        """What was chosen, and why."""
        choices = f"{', '.join(prompt.choices[:-1])} or {prompt.choices[-1]}"
        while True:
            typed = await self._terminal.ask(f"DECIDE {prompt.text} Type {choices}, and why:", choices=prompt.choices)
            choice, _, why = typed.partition(" ")
            if choice in prompt.choices:
                return choice, why.strip()
            say(f"  {choice!r} is not {choices}", sys.stdout)

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


def asking_on_hold(terminal: Terminal, carry_out: CarryOut) -> Attendant:
    """The attendant at a terminal: takes commands at any time, and asks what becomes of a held or paused run.

    What was typed before that question counts not. carry_out is given what lowers risk, and does it at once.
    """

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        who = at_terminal()
        commands: dict[str, Callable[[str], None]] = {
            "pause": lambda why: _told(lambda: run.pause(why or DECIDED, who)),
            "hold": lambda why: carry_out(run.hold(why or DECIDED, who)),
            "stop": lambda why: carry_out(run.stop(why or DECIDED, who)),
            "abort": lambda why: carry_out(run.abort(why or DECIDED, who)),
            "help": lambda _: say(HELP, sys.stderr),
        }
        say(HELP, sys.stderr)
        reason = ""
        with terminal.taking(commands):
            while True:
                event = await events.get()
                if event.kind != "run.state":
                    continue
                reason = event.data["reason"] or reason
                if event.data["state"] in QUESTIONS:
                    await _decided(run, terminal, RunState(event.data["state"]), reason)

    return attend


async def _decided(run: Run, terminal: Terminal, state: RunState, reason: str) -> None:
    """Asks what becomes of a run that waits; what is decided is meant for the run as it was when it was asked."""
    asked, choices = run.seen, QUESTIONS[state]
    if asked.state is not state:
        return
    typed = why = ""
    while run.seen == asked and typed not in choices:
        question = f"{state.upper()}: {reason}. Type {', '.join(choices[:-1])} or {choices[-1]}, and why:"
        try:
            typed, _, why = (await terminal.ask(question, urgent=True, choices=choices)).partition(" ")
        except (EOFError, OSError):
            typed, why = "stop", "the terminal was closed"
    said, who = why.strip() or DECIDED, at_terminal()
    try:
        match typed:
            case "restart":
                run.restart(said, who, asked)
            case "resume":
                run.resume(said, who, asked)
            case "hold":
                await run.hold(said, who, asked)
            case "abort":
                await run.abort(said, who)
            case "stop":
                await run.stop(said, who)
    except (TransitionRefused, OutdatedCommand) as error:
        say(str(error), sys.stderr)


def _told(command: Callable[[], None]) -> None:
    """Gives a command; why it is refused is told."""
    try:
        command()
    except (TransitionRefused, OutdatedCommand) as error:
        say(str(error), sys.stderr)


def attendant_for(terminal: Terminal | None, carry_out: CarryOut) -> Attendant:
    """Who decides on a held run; None says that nobody is at a terminal."""
    return unattended if terminal is None else asking_on_hold(terminal, carry_out)
