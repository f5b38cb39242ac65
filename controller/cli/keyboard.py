"""What is typed at standard input, line by line: an answer to the question that stands, or a command at any time.

A controller whose loop waits for a keyboard lets its machines go. So a terminal is read through a file description of
our own that never waits, and while another program has the terminal (this one was started with "&") it is left alone.
"""

from __future__ import annotations

import asyncio
import os
import sys
import termios
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TextIO

AGAIN_S = 1.0
"""Loop seconds after which a terminal is looked at again that another program had (engineering judgement)."""


def say(text: str, stream: TextIO) -> None:
    """Prints if anybody can read it; a dead terminal is no reason to stop controlling machines."""
    with suppress(OSError, ValueError):
        print(text, file=stream, flush=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Question:
    text: str
    choices: frozenset[str]
    answer: asyncio.Future[str]


class Terminal:
    """Standard input as one thing that is asked one question at a time, without blocking the loop."""

    def __init__(self) -> None:
        self._commands: Mapping[str, Callable[[str], None]] = {}
        self._takes_line: Callable[[str], bool] | None = None
        self._questions: list[_Question] = []
        self._lines: deque[str] = deque()
        self._begun = b""
        self._is_tty = sys.stdin.isatty()
        self._fd: int | None = None
        self._is_listening = False

    def hear(self, takes_line: Callable[[str], bool]) -> None:
        """From now on every line that is typed is offered to this first; what it takes is no answer to a question."""
        self._takes_line = takes_line
        self._listen()

    @contextmanager
    def taking(self, commands: Mapping[str, Callable[[str], None]]) -> Iterator[None]:
        """Within the block these words are commands: in every question, and between questions where a person types.

        A command is given the words behind it.
        """
        self._commands = commands
        self._listen()
        try:
            yield
        finally:
            self._commands = {}
            if not self._questions:
                self._rest()

    async def ask(self, question: str, *, urgent: bool = False, choices: Collection[str] = ()) -> str:
        """One line; one that begins with a word of `choices` is an answer also where that is a command.

        An urgent question comes before one that stands, which is asked again after it, and drops what was typed before.
        Raises EOFError when the terminal is closed.
        """
        asked = _Question(question, frozenset(choices), asyncio.get_running_loop().create_future())
        if urgent:
            self._drop()
        self._questions.insert(len(self._questions) if urgent else 0, asked)
        self._show(asked)
        self._listen()
        self._give()
        try:
            return (await asked.answer).strip()
        finally:
            self._questions.remove(asked)
            self._listen()
            if self._questions:  # in a moment: whatever ends a run takes all its questions away
                asyncio.get_running_loop().call_later(AGAIN_S, self._show, self._questions[-1])

    def _show(self, asked: _Question) -> None:
        if self._questions and self._questions[-1] is asked:
            say(asked.text, sys.stdout)

    def _asked(self) -> _Question | None:
        """The question that takes the next line."""
        return next((asked for asked in reversed(self._questions) if not asked.answer.done()), None)

    def _listen(self) -> None:
        """Reads while a line is wanted; what was piped in is left for the questions to come."""
        if not self._questions and not (self._is_tty and (self._commands or self._takes_line)):
            self._rest()
        elif not self._is_listening:
            if self._fd is None:
                self._fd = _never_waiting(sys.stdin.fileno()) if self._is_tty else sys.stdin.fileno()
            try:
                asyncio.get_running_loop().add_reader(self._fd, self._read)
                self._is_listening = True
            except PermissionError:  # a regular file or /dev/null: a selector takes neither, and neither waits
                self._read()

    def _rest(self) -> None:
        if self._is_listening and self._fd is not None:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._is_listening = False

    def _read(self) -> None:
        if self._fd is None:
            return
        try:
            data = os.read(self._fd, 4096)
        except BlockingIOError:  # another program was faster
            return
        except OSError:  # another program has the terminal
            self._rest()
            asyncio.get_running_loop().call_later(AGAIN_S, self._listen)
            return
        *whole, self._begun = (self._begun + data).split(b"\n")
        self._lines.extend(line.decode(errors="replace") for line in whole)
        if not data:
            self._end()
        self._give()

    def _end(self) -> None:
        """The terminal was closed (or Ctrl-D was pressed): a question that stands has no answer."""
        self._rest()
        if self._is_tty:
            asyncio.get_running_loop().call_later(AGAIN_S, self._listen)
        if self._begun:
            self._lines.append(self._begun.decode(errors="replace"))
            self._begun = b""
        elif not self._lines and (asked := self._asked()) is not None:
            asked.answer.set_exception(EOFError("the terminal was closed"))

    def _drop(self) -> None:
        if self._is_tty:
            self._lines.clear()
            self._begun = b""
            with suppress(OSError, termios.error):
                termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)

    def _give(self) -> None:
        """Hands whole lines on: all that were typed, of what was piped in one to each question."""
        while self._lines and (self._is_tty or self._asked() is not None):
            self._take(self._lines.popleft().strip())

    def _take(self, line: str) -> None:
        asked = self._asked()
        if (asked is None or line.partition(" ")[0] not in asked.choices) and self._commanded(line):
            if asked is not None:
                self._show(asked)
        elif asked is not None:
            asked.answer.set_result(line)
        elif line:
            known = [*self._commands, *(["alarms"] if self._takes_line else [])]
            say(f"{line!r} is no command; there are {', '.join(known)}", sys.stderr)

    def _commanded(self, line: str) -> bool:
        """Carries a command out, if it is one."""
        if self._takes_line is not None and self._takes_line(line):
            return True
        word, _, why = line.partition(" ")
        if (command := self._commands.get(word)) is None:
            return False
        command(why.strip())
        return True


def _never_waiting(fd: int) -> int:
    """The same terminal through a description of its own: no other program, not the shell, is made not to wait too."""
    with suppress(OSError):
        return os.open(os.ttyname(fd), os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    with suppress(OSError):  # the terminal belongs to another user, as after su
        return os.open("/dev/tty", os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
    return fd
