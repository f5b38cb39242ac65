"""Alarms at the terminal of a run that goes on: what a person types there about them."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Sequence

from controller.alarms.alarm import Alarm, AlarmKey
from controller.alarms.server import AlarmServer
from controller.alarms.states import AlarmRefused
from controller.cli.alarm_words import NONE, line_of
from controller.cli.keyboard import Terminal, say
from controller.cli.login import at_terminal

HELP = "type alarms; ack N ..., reset N, shelve N MINUTES REASON, unshelve N; each may end with: by NAME"


class AlarmCommands:
    """Lines that are about alarms. A number means the same alarm as long as the program lives, once it was shown."""

    def __init__(self, server: AlarmServer) -> None:
        self._server = server
        self._numbers: dict[AlarmKey, int] = {}

    def heard(self, line: str) -> bool:
        """Carries a typed line out, if it is about alarms."""
        command, *words = line.split() or [""]
        if command not in ("alarms", "ack", "reset", "shelve", "unshelve"):
            return False
        who = at_terminal()
        if len(words) > 2 and words[-2] == "by":
            who, words = words[-1], words[:-2]
        try:
            self._do(command, words, who)
        except (AlarmRefused, ValueError) as error:
            say(f"  {error}; {HELP}", sys.stderr)
        return True

    def _do(self, command: str, words: Sequence[str], who: str) -> None:
        match command, words:
            case ("alarms", []) | ("ack", []):
                pass
            case "ack", [*numbers]:
                self._server.acknowledge([self._key(number) for number in numbers], who)
            case "reset", [number]:
                self._server.reset(self._key(number), who)
            case "shelve", [number, minutes, *reason]:
                self._server.shelve(self._key(number), 60.0 * _number(minutes), who, " ".join(reason))
            case "unshelve", [number]:
                self._server.unshelve(self._key(number), who)
            case _:
                raise ValueError(f"{command} is not written so")
        self.show()

    def show(self) -> None:
        """Prints what stands and what is hidden, each with its number."""
        now_s = asyncio.get_running_loop().time()
        alarms = [*self._server.standing(), *self._server.hidden()]
        for alarm in alarms:
            say(f"  {self._number(alarm):3}  {line_of(alarm, now_s)}", sys.stdout)
        if not alarms:
            say(f"  {NONE}", sys.stdout)

    def _number(self, alarm: Alarm) -> int:
        return self._numbers.setdefault(alarm.key, len(self._numbers) + 1)

    def _key(self, text: str) -> AlarmKey:
        """The alarm of a number that was shown, or of a key."""
        if "@" in text:
            return AlarmKey.of(text)
        for key, number in self._numbers.items():
            if text.rstrip(",") == str(number):
                return key
        raise ValueError(f"no alarm was shown as {text}")


def alarms_at(terminal: Terminal | None) -> Callable[[AlarmServer], None] | None:
    """Who is given a line's alarm server, so that alarms are acknowledged at this terminal."""
    if terminal is None:
        return None
    return lambda server: terminal.hear(AlarmCommands(server).heard)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"{text!r} is no number of minutes") from None
