"""What a command to a run carries beside its name: who wants it and why, and which run they had in front of them.

Two people at two screens see the same run a moment apart. Whoever names the state and the version that they looked at
(`Run.seen`) is refused if the run has moved on since, and is told where it is now; nothing is done by mistake twice.
"""

from __future__ import annotations

from dataclasses import dataclass

from controller.executor.states import RunState


@dataclass(frozen=True, slots=True)
class Expected:
    """A run as somebody saw it: its state, and its version, which counts every change of state from 0."""

    state: RunState
    version: int

    def __str__(self) -> str:
        return f"{self.state} (version {self.version})"


class OutdatedCommand(Exception):
    """A command or an answer that was meant for the run as it was. Retry after a look at where it is now (`now`)."""

    def __init__(self, command: str, expected: Expected, now: Expected) -> None:
        super().__init__(f"{command} was meant for a run that is {expected}; it is {now} now")
        self.command = command
        self.expected = expected
        self.now = now


def refuse_outdated(command: str, expected: Expected | None, now: Expected) -> None:
    """Raises OutdatedCommand where somebody looked at another state; who names none takes the run as it is.

    A stop button names none: what lowers risk must not fail because the state changed between eye and hand.
    """
    if expected is not None and expected != now:
        raise OutdatedCommand(command, expected, now)
