"""Prompts that several people see at once: the first good answer counts, everybody else is told what became of it.

A desk belongs to one run. It is a Person for the executor, and a list of open prompts for whoever shows them; an answer
names the prompt by its number, and the run as it was seen.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field

from controller.executor.commands import Expected, refuse_outdated
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.executor.run import Run
from controller.executor.tasks import wrong_lots


class PromptGone(Exception):
    """An answer to a prompt that is not open any more; the message says who answered it. Not retryable."""


class WrongLot(Exception):
    """Another lot was stated than the one that is asked for; the prompt stays open. Retry with the right lot."""


@dataclass(frozen=True, slots=True)
class Entered:
    """What one person says of a prompt: who and why, the lots that were stated or scanned, values, or a choice."""

    by: str
    why: str = ""
    lots: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    uncertainties: Mapping[str, float] = field(default_factory=dict)
    choice: str | None = None


class Desk:
    """The open prompts of one run. `open` is numbered from `first` in the order in which they were asked.

    asked_s says since when each is open, on the loop's clock.
    """

    def __init__(self, first: int = 1) -> None:
        self.open: dict[int, Prompt] = {}
        self.asked_s: dict[int, float] = {}
        self._numbers = itertools.count(first)
        self._answers: dict[int, asyncio.Future[Answer]] = {}
        self._ended: dict[int, str] = {}
        self._run: Run | None = None

    def belongs_to(self, run: Run) -> None:
        """From now on answers are compared with this run's state, and refused ones are told on its stream."""
        self._run = run

    async def perform(self, prompt: Prompt) -> Answer:
        """Waits until somebody answers. Raises TaskImpossible where somebody says that it cannot be done."""
        number = next(self._numbers)
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.open[number], self._answers[number] = prompt, answer
        self.asked_s[number] = asyncio.get_running_loop().time()
        try:
            return await answer
        finally:
            self._ended.setdefault(number, "it was withdrawn")
            del self.open[number], self._answers[number], self.asked_s[number]

    def answer(self, number: int, entered: Entered, expected: Expected | None = None) -> None:
        """Answers a prompt. Raises PromptGone, OutdatedCommand, or WrongLot; then the prompt stays as it is."""
        prompt, answer = self._asked(number, entered.by, expected)
        if wrong := wrong_lots(prompt, entered.lots):
            if self._run is not None:
                self._run.tell("prompt.refused", {"text": prompt.text, "by": entered.by, "wrong": wrong})
            raise WrongLot("; ".join(wrong))
        self._ended[number] = f"{entered.by} has answered it"
        lots = entered.lots or None
        answer.set_result(Answer(entered.by, entered.values, entered.uncertainties, lots, entered.choice, entered.why))

    def impossible(self, number: int, by: str, why: str, expected: Expected | None = None) -> None:
        """Says that a task cannot be done; the run is held with the reason. Raises PromptGone, OutdatedCommand."""
        _, answer = self._asked(number, by, expected)
        self._ended[number] = f"{by} has said that it cannot be done"
        answer.set_exception(TaskImpossible(f"{why} ({by})"))

    def _asked(self, number: int, by: str, expected: Expected | None) -> tuple[Prompt, asyncio.Future[Answer]]:
        if self._run is not None:
            refuse_outdated(f"the answer of {by}", expected, self._run.seen)
        if number not in self.open or number in self._ended or self._answers[number].done():
            unknown = "it was withdrawn" if number in self.open else "there is no such prompt"
            raise PromptGone(f"prompt {number} is not open: {self._ended.get(number, unknown)}")
        return self.open[number], self._answers[number]
