"""The open prompts of all runs: each run has a desk, and people see all of them side by side.

Two runs may both have a "cathode sheet", so that lots are named RUN/LOT here, as on their labels.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Iterator
from dataclasses import replace

from controller.authority import Actor
from controller.executor.commands import Expected
from controller.executor.desk import Desk, Entered
from controller.executor.prompts import Answer, Person, Prompt
from controller.executor.run import Run
from controller.service.errors import Finding, Invalid, Unknown
from controller.service.orders import Given
from controller.service.story import Story
from controller.service.views import EntryView, PromptView


class RunDesk:
    """The people as one run sees them: what it asks waits on its desk until somebody answers."""

    def __init__(self, name: str, first: int) -> None:
        self.name = name
        self.desk = Desk(first)

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises TaskImpossible where somebody says that it cannot be done."""
        whose = prompt.of_run or self.name
        made = None if prompt.produces is None else f"{self.name}/{prompt.produces}"
        named = replace(prompt, consumes=tuple(f"{whose}/{lot}" for lot in prompt.consumes), produces=made)
        answer = await self.desk.perform(named)
        if answer.lots is None:
            return answer
        return replace(answer, lots=tuple(lot.removeprefix(f"{whose}/") for lot in answer.lots))


class Deciding:
    """A simulated operator does the tasks of a run; what has to be decided is asked of people."""

    def __init__(self, operator: Person, desk: RunDesk) -> None:
        self._operator, self._desk = operator, desk

    async def perform(self, prompt: Prompt) -> Answer:
        """Raises TaskImpossible."""
        return await (self._desk if prompt.choices else self._operator).perform(prompt)


class PromptDesk:
    """All desks of the line, by run."""

    def __init__(self) -> None:
        self._desks: dict[str, RunDesk] = {}

    def of(self, name: str, first: int) -> RunDesk:
        """The desk of a run, from now on; its next prompt has this number, so that no number is used twice."""
        return self._desks.setdefault(name, RunDesk(name, first))

    def belongs_to(self, run: Run) -> None:
        """Answers on the run's desk are compared with its state."""
        self._desks[run.name].desk.belongs_to(run)

    def forget(self, name: str) -> None:
        """A run is gone."""
        self._desks.pop(name, None)

    def open(self) -> Iterator[tuple[str, int, Prompt, float]]:
        """Run, number, prompt and since when it waits, on the loop's clock; the oldest first."""
        found = [
            (desk.desk.asked_s[number], name, number, prompt)
            for name, desk in self._desks.items()
            for number, prompt in desk.desk.open.items()
        ]
        for asked_s, name, number, prompt in sorted(found, key=lambda item: item[:3]):
            yield name, number, prompt, asked_s

    def run_of(self, prompt_id: str) -> str:
        """The run that asks. Raises Unknown."""
        name, _, number = prompt_id.rpartition(".")
        if name not in self._desks or not number.isdecimal():
            raise Unknown(f"there is no open prompt {prompt_id}")
        return name

    def answer(self, prompt_id: str, given: Given, by: Actor, expected: Expected | None) -> None:
        """Raises Unknown, Invalid, PromptGone, OutdatedCommand or WrongLot; then the prompt stays open."""
        name, number = self.run_of(prompt_id), int(prompt_id.rpartition(".")[2])
        desk = self._desks[name].desk
        if given.impossible:
            desk.impossible(number, by.name, given.impossible, expected)
            return
        if (prompt := desk.open.get(number)) is not None and (found := findings(prompt, given)):
            raise Invalid(found)
        entered = Entered(by.name, given.why, given.lots, given.values, given.uncertainties, given.choice)
        desk.answer(number, entered, expected)


def findings(prompt: Prompt, given: Given) -> list[Finding]:
    """What of an answer cannot be meant. Whether a number is plausible is judged by the run, which asks again."""
    known = {entry.name: entry for entry in prompt.entries}
    found = [
        Finding(f"{field}.{name}", f"is not asked for; {', '.join(known) or 'no value'} is")
        for field, values in (("values", given.values), ("uncertainties", given.uncertainties))
        for name in values
        if name not in known
    ]
    found += [
        Finding(f"values.{name}", f"is missing; it is wanted in {entry.unit}")
        for name, entry in known.items()
        if name not in given.values and not prompt.is_optional
    ]
    found += [Finding(f"values.{name}", "is no number") for name, v in given.values.items() if not math.isfinite(v)]
    found += [
        Finding(f"uncertainties.{name}", "is no number from 0 on")
        for name, v in given.uncertainties.items()
        if not (math.isfinite(v) and v >= 0)
    ]
    if prompt.choices and given.choice not in prompt.choices:
        found.append(Finding("choice", f"is {given.choice}; expected {' or '.join(prompt.choices)}"))
    if prompt.choices and not given.why.strip():
        found.append(Finding("why", "is empty; a decision needs its reason"))
    if not prompt.choices and given.choice is not None:
        found.append(Finding("choice", "nothing is to be chosen"))
    return found


def view_of(name: str, number: int, prompt: Prompt, asked_s: float, story: Story | None) -> PromptView:
    """A prompt as it is shown."""
    entries = tuple(EntryView(e.name, e.subject, e.unit, e.expected, e.tolerance) for e in prompt.entries)
    return PromptView(
        f"{name}.{number}",
        name,
        prompt.action,
        prompt.text,
        prompt.unit,
        prompt.consumes,
        prompt.produces,
        entries,
        prompt.choices,
        prompt.is_optional,
        prompt.is_again,
        prompt.may_be_done,
        "" if story is None else story.prompt_utc,
        asyncio.get_running_loop().time() - asked_s,
        prompt.within_s,
        "" if story is None else story.escalated_to,
    )
