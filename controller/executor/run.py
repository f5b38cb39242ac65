"""One run of one plan: its state, what it knows, and the requests that reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controller.executor.prompts import Person
from controller.executor.states import ENDED, RunState, Trigger, next_state
from controller.guard import Guard
from controller.journal import Journal
from controller.line import Line
from controller.metrology import Metrology
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot
from recipes.declared import recipe_facts
from recipes.facts import FactBook
from recipes.lots import contents
from recipes.model import Purpose
from recipes.plan import Plan
from recipes.rules.pack import Pack


class RunEnded(Exception):
    """Raised inside a step when the run has ended or is left held; the run's state says which."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command from outside. delivered says whether the machine was already told (risk is lowered first)."""

    trigger: Trigger
    reason: str
    who: str
    delivered: bool = False


Inbox = asyncio.Queue[Snapshot | LinkChange | Request]

_MACHINE_COMMAND = {Trigger.HOLD: "hold", Trigger.STOP: "stop", Trigger.ABORT: "abort"}


class Run:
    """The state of one run and the door through which people and outlets command it."""

    def __init__(self, name: str, plan: Plan, pack: Pack, line: Line, journal: Journal, person: Person) -> None:
        self.name = name
        self.plan = plan
        self.pack = pack
        self.line = line
        self.journal = journal
        self.person = person
        self.guard = Guard(journal, name)
        self.facts = FactBook()
        self.metrology = Metrology(plan.recipe.laminate)
        self.state = RunState.IDLE
        self.jobs: dict[int, str] = {}
        self.held_by_rules: set[str] = set()
        self.step_names = {p.step.role: p.step.name for p in plan.steps if p.step.role is not None}
        steps = tuple(planned.step for planned in plan.steps)
        self.facts.add(recipe_facts(plan.recipe, steps, contents(plan.recipe, steps)))
        self.active: Machine | None = None
        self.commanding = 0
        self._inbox: Inbox = asyncio.Queue()

    @property
    def is_comparative(self) -> bool:
        return self.plan.recipe.purpose is Purpose.COMPARATIVE

    @property
    def is_over(self) -> bool:
        return self.state in ENDED

    def new_job(self, step: str) -> int:
        """The number of the next job; machines refuse none, the record ties it to its step."""
        self.jobs[len(self.jobs) + 1] = step
        return len(self.jobs)

    # ------------------------------------------------------------------ what people may do

    async def hold(self, reason: str, who: str) -> None:
        """Keeps the line where it is, as each step says. Raises TransitionRefused."""
        await self._lower(Trigger.HOLD, reason, who)

    async def stop(self, reason: str, who: str) -> None:
        """Ends the run in a controlled way. Raises TransitionRefused."""
        await self._lower(Trigger.STOP, reason, who)

    async def abort(self, reason: str, who: str) -> None:
        """Ends the run now; pressure is released no faster than by stop. Raises TransitionRefused."""
        await self._lower(Trigger.ABORT, reason, who)

    def restart(self, reason: str, who: str) -> None:
        """Continues a held run. Raises TransitionRefused; whether the machine agrees is told on the stream."""
        next_state(self.state, Trigger.RESTART)
        self._inbox.put_nowait(Request(Trigger.RESTART, reason, who))

    async def _lower(self, trigger: Trigger, reason: str, who: str) -> None:
        next_state(self.state, trigger)
        delivered = False
        if (machine := self.active) is not None:
            self.commanding += 1  # what the machine does now, it does because it was told to
            try:
                delivered = await self.guard.lower(machine, _MACHINE_COMMAND[trigger], reason, who)
            finally:
                self.commanding -= 1
        self._inbox.put_nowait(Request(trigger, reason, who, delivered))

    # ------------------------------------------------------------------ what steps use

    @contextmanager
    def listening(self, inbox: Inbox, machine: Machine | None) -> Iterator[None]:
        """Requests reach `inbox`, and `machine` is the one that they are sent to, until the block is left."""
        outer, self._inbox = self._inbox, inbox
        outer_machine, self.active = self.active, machine
        while not outer.empty():
            inbox.put_nowait(outer.get_nowait())
        try:
            yield
        finally:
            self._inbox, self.active = outer, outer_machine
            while not inbox.empty():
                if isinstance(item := inbox.get_nowait(), Request):
                    outer.put_nowait(item)

    @property
    def inbox(self) -> Inbox:
        return self._inbox

    async def raise_state(self, trigger: Trigger, reason: str = "", who: str = "pressline") -> None:
        """A change that raises risk (start, restart) or ends well: journalled before it counts."""
        state = next_state(self.state, trigger)
        await self.journal.append(self.name, "run.state", self._change(state, reason, who))
        self.state = state

    def lower_state(self, trigger: Trigger, reason: str = "", who: str = "pressline") -> None:
        """A change that lowers risk: it counts at once and is noted."""
        self.state = next_state(self.state, trigger)
        self.journal.note(self.name, "run.state", self._change(self.state, reason, who))

    @staticmethod
    def _change(state: RunState, reason: str, who: str) -> dict[str, str]:
        return {"state": state.value, "reason": reason, "who": who}

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Notes something that happened."""
        self.journal.note(self.name, kind, data)
