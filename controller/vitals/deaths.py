"""How background tasks die, what may be done about it, and how it is told."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

LINE = "line"
"""Whose the events are that belong to no run."""

Tell = Callable[[Mapping[str, Any]], None]
"""Tells the data of a `condition` event."""


class Notes(Protocol):
    """What a journal gives: something that happened is noted."""

    def note(self, run: str, kind: str, data: Mapping[str, Any]) -> object: ...


def conditions_in(journal: Notes) -> Tell:
    """Tells conditions of the controller itself, which are the line's and no run's, in a journal."""

    def tell(data: Mapping[str, Any]) -> None:
        journal.note(LINE, "condition", data)

    return tell


class How(StrEnum):
    """What a death was."""

    RAISED = "raised"
    RETURNED = "returned"
    CANCELLED = "cancelled"
    HUNG = "hung"


@dataclass(frozen=True, slots=True)
class Death:
    """One task's end that must not be; words say it in a sentence."""

    task: str
    how: How
    words: str
    error: BaseException | None = None


class TaskDied(RuntimeError):
    """A task without which the block cannot go on has died; the block was cancelled because of it. Not retryable."""

    def __init__(self, death: Death) -> None:
        super().__init__(death.words)
        self.death = death


@dataclass(frozen=True, slots=True)
class EndBlock:
    """The block is cancelled and raises TaskDied: nothing in it can go on without the task."""


@dataclass(frozen=True, slots=True)
class Restart:
    """The task is started again, at most `times` in any `within_s` loop seconds; one death more ends the block.

    A second after the first death, then after twice as long each time. times None: again and again, for what nothing
    depends on.
    """

    times: int | None = 3
    within_s: float = 3600.0


@dataclass(frozen=True, slots=True)
class Act:
    """Something else is done, `words` say what; the block goes on without the task. What fails in it ends the block."""

    act: Callable[[Death], Awaitable[None]]
    words: str


Reaction = EndBlock | Restart | Act


async def without(_: Death) -> None:
    """Nothing is done: the block does without the task."""


GO_ON = Act(without, "everything else goes on without it")


@dataclass(frozen=True, slots=True)
class MustProgress:
    """A task that hangs when `mark` stays the same for `within_s` loop seconds; it is told after twice that at most.

    mark is anything that changes with each step forward: a count, the time of the last poll.
    """

    mark: Callable[[], object]
    within_s: float
