"""One run of one plan: its state, what it knows, and the requests that reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from controller.executor.prompts import Person
from controller.executor.states import RunState, Trigger, next_state
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
from recipes.rules.rulebook import terms


class RunEnded(Exception):
    """Raised inside a step when the run has ended or is left held; the run's state says which."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command to a run. delivered says whether the machine was already told (risk is lowered first).

    is_asked: it came from outside and counts in Run.asked until it is carried out.
    """

    trigger: Trigger
    reason: str
    who: str
    delivered: bool = False
    is_asked: bool = False


@dataclass(frozen=True, slots=True)
class Late:
    """Nothing came for longer than somebody wanted to wait (see patience.py); whoever did not wait ignores it."""


Inbox = asyncio.Queue[Snapshot | LinkChange | Request | Late]


class Run:
    """The state of one run and the door through which people and outlets command it."""

    def __init__(self, name: str, plan: Plan, line: Line, journal: Journal, person: Person) -> None:
        self.name = name
        self.plan = plan
        self.rules = plan.rules
        self.terms = terms(plan.recipe, plan.rules)
        self.line = line
        self.journal = journal
        self.person = person
        self.guard = Guard(journal, name, lambda: self.asked > 0)
        self.facts = FactBook()
        self.metrology = Metrology(plan.recipe.laminate)
        self.state = RunState.IDLE
        self.jobs: dict[int, str] = {}
        self.reached_mpa: dict[str, float] = {}
        self.solvent_pct: dict[str, float] = {}
        self.held_by_rules: set[str] = set()
        self.released: set[str] = set()
        steps = tuple(planned.step for planned in plan.steps)
        self.facts.add(recipe_facts(plan.recipe, steps, contents(plan.recipe, steps)))
        self.asked = 0
        self._active: tuple[Machine, str] | None = None
        self._inbox: Inbox = asyncio.Queue()

    @property
    def is_comparative(self) -> bool:
        return self.plan.recipe.purpose is Purpose.COMPARATIVE

    def machines(self) -> list[Machine]:
        """The line's machines but those that the run has released."""
        return [machine for name, machine in self.line.machines.items() if name not in self.released]

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
        self.asked += 1  # from now on nothing that raises risk passes the guard, until the request is carried out
        delivered = False
        try:
            if self._active is not None:
                machine, hold_command = self._active
                command = {Trigger.HOLD: hold_command, Trigger.STOP: "stop", Trigger.ABORT: "abort"}[trigger]
                delivered = await self.guard.lower(machine, command, reason, who)
        finally:
            self._inbox.put_nowait(Request(trigger, reason, who, delivered, is_asked=True))

    # ------------------------------------------------------------------ what steps use

    @contextmanager
    def listening(self, inbox: Inbox, machine: Machine, hold_command: str) -> Iterator[None]:
        """Requests reach `inbox`, and `machine` is the one that they are sent to, until the block is left.

        hold_command is what a hold means for this step: "hold" keeps the pressure, "stop" bleeds it.
        """
        outer, self._inbox = self._inbox, inbox
        outer_active, self._active = self._active, (machine, hold_command)
        while not outer.empty():
            inbox.put_nowait(outer.get_nowait())
        try:
            yield
        finally:
            self._inbox, self._active = outer, outer_active
            while not inbox.empty():
                if isinstance(item := inbox.get_nowait(), Request):
                    outer.put_nowait(item)

    def carried_out(self, request: Request) -> None:
        """A hold, stop or abort that was asked for has taken effect on the run's state."""
        if request.is_asked:
            self.asked -= 1

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
