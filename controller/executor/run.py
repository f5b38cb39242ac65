"""One run of one plan: its state, what it knows, and the requests that reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from controller.executor.commands import Expected, refuse_outdated
from controller.executor.dwell import Reached
from controller.executor.memory import Learned, Memory, RememberedFacts, RememberedMetrology
from controller.executor.prompts import Person
from controller.executor.states import RunState, Trigger, next_state
from controller.executor.waits import Waits
from controller.guard import Guard
from controller.journal import Journal, JournalError
from controller.line import Line
from drivers.machine import Machine
from drivers.reading import LinkChange, Snapshot
from recipes.declared import recipe_facts
from recipes.lots import contents
from recipes.model import Purpose
from recipes.plan import Plan
from recipes.rules.rulebook import terms


class RunEnded(Exception):
    """Raised inside a step when the run has ended or is left held; the run's state says which."""


class LotScrapped(RunEnded):
    """Raised where a gate ends the run because its lot is scrap; the machines are at rest and can be given away."""


@dataclass(frozen=True, slots=True)
class Request:
    """A command to a run. delivered says whether the machine was already told (risk is lowered first).

    is_asked: it came from outside and counts in Run.asked until it is carried out. version is the run's when it was
    asked for; what raises risk or waits is void once the run has moved on.
    """

    trigger: Trigger
    reason: str
    who: str
    delivered: bool = False
    is_asked: bool = False
    version: int | None = None


@dataclass(frozen=True, slots=True)
class Late:
    """Nothing came for longer than somebody wanted to wait (see patience.py); whoever did not wait ignores it."""


Inbox = asyncio.Queue[Snapshot | LinkChange | Request | Late]


class Run:
    """The state of one run and the door through which people and outlets command it."""

    def __init__(self, name: str, plan: Plan, line: Line, journal: Journal, person: Person, priority: int = 0) -> None:
        self.name = name
        self.priority = priority
        self.plan = plan
        self.rules = plan.rules
        self.terms = terms(plan.recipe, plan.rules)
        self.line = line
        self.journal = journal
        self.person = person
        self.guard = Guard(journal, name, lambda: self.asked > 0, line.bypasses, line.fitness_of)
        self.memory = Memory()
        self.facts = RememberedFacts(self.memory.learn)
        self.metrology = RememberedMetrology(plan.recipe.laminate, self._learn)
        self.state = RunState.IDLE
        self.version = 0
        self.pause_asked: Request | None = None
        self._waiting: dict[Trigger, int] = {}
        self.jobs: dict[int, str] = {}
        self.reached_mpa: dict[str, float] = {}
        self.pressings: dict[str, Reached] = {}
        self.solvent_pct: dict[str, float] = {}
        self.held_by_rules: set[str] = set()
        self.released = line.released
        self.waits = Waits([planned.step for planned in plan.steps], self.tell)
        steps = tuple(planned.step for planned in plan.steps)
        self.facts.add(recipe_facts(plan.recipe, steps, contents(plan.recipe, steps)))
        self.memory.of_step()  # what the recipe says follows from the plan again
        self.asked = 0
        self._active: tuple[Machine, Callable[[], str]] | None = None
        self._inbox: Inbox = asyncio.Queue()

    @property
    def is_comparative(self) -> bool:
        return self.plan.recipe.purpose is Purpose.COMPARATIVE

    def machines(self) -> list[Machine]:
        """The line's machines but those that are released or another run's."""
        owners, mine = self.line.owners, (None, self.name)
        return [m for name, m in self.line.machines.items() if name not in self.released and owners.get(name) in mine]

    def new_job(self, step: str) -> int:
        """The number of the next job; machines refuse none, the record ties it to its step."""
        number = self.line.jobs = max(self.line.jobs, *self.jobs, 0) + 1
        self.jobs[number] = step
        return number

    def known(self) -> dict[str, Any]:
        """What a run knows beside its facts and estimates, for its record."""
        return {
            "jobs": {str(number): step for number, step in self.jobs.items()},
            "reached_mpa": dict(self.reached_mpa),
            "solvent_pct": dict(self.solvent_pct),
            "pressings": {step: asdict(reached) for step, reached in self.pressings.items()},
            "held_by_rules": sorted(self.held_by_rules),
        }

    # ------------------------------------------------------------------ what people may do

    @property
    def seen(self) -> Expected:
        """The run as it is now, for whoever wants to command what they see."""
        return Expected(self.state, self.version)

    async def hold(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Keeps the line where it is, as each step says; a held run is kept from a restart that is not out yet.

        Raises TransitionRefused, OutdatedCommand.
        """
        await self._lower(Trigger.HOLD, reason, who, expected)

    async def stop(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Ends the run in a controlled way. Raises TransitionRefused, OutdatedCommand."""
        await self._lower(Trigger.STOP, reason, who, expected)

    async def abort(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Ends the run now, with no faster release than by stop. Raises TransitionRefused, OutdatedCommand."""
        await self._lower(Trigger.ABORT, reason, who, expected)

    def restart(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Continues a held run; pressed twice it is one restart. Whether the machine agrees is told on the stream.

        Raises TransitionRefused, OutdatedCommand.
        """
        self._ask(Trigger.RESTART, reason, who, expected)

    def pause(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Lets the present step end and waits there. Raises TransitionRefused, OutdatedCommand."""
        self._ask(Trigger.PAUSE, reason, who, expected)

    def resume(self, reason: str, who: str, expected: Expected | None = None) -> None:
        """Goes on after a pause. Raises TransitionRefused, OutdatedCommand."""
        self._ask(Trigger.RESUME, reason, who, expected)

    def _ask(self, trigger: Trigger, reason: str, who: str, expected: Expected | None) -> None:
        """A command that waits for its turn; the same one again while it waits is told and not done twice."""
        refuse_outdated(trigger.value, expected, self.seen)
        next_state(self.state, trigger)
        if self._waiting.get(trigger) == self.version:
            self.tell("command.repeated", {"command": trigger.value, "reason": reason, "who": who})
            return
        self._waiting[trigger] = self.version
        self._inbox.put_nowait(Request(trigger, reason, who, version=self.version))

    def takes(self, request: Request) -> bool:
        """Whether a command that waited is still meant for the run as it is; one that is not is told and dropped."""
        if request.version is None or request.version == self.version:
            return True  # it waits until the state has changed by it
        data = {"command": request.trigger.value, "reason": request.reason, "who": request.who}
        self.tell("command.outdated", data | {"state": self.state.value, "version": self.version})
        return False

    async def _lower(self, trigger: Trigger, reason: str, who: str, expected: Expected | None = None) -> None:
        refuse_outdated(trigger.value, expected, self.seen)
        if trigger is not Trigger.HOLD or self._waiting.get(Trigger.RESTART) != self.version:
            next_state(self.state, trigger)
        self.asked += 1  # from now on nothing that raises risk passes the guard, until the request is carried out
        delivered = False
        try:
            if self._active is not None:
                machine, hold_command = self._active
                command = {Trigger.HOLD: hold_command(), Trigger.STOP: "stop", Trigger.ABORT: "abort"}[trigger]
                delivered = await self.guard.lower(machine, command, reason, who)
        finally:
            self._inbox.put_nowait(Request(trigger, reason, who, delivered, is_asked=True))

    # ------------------------------------------------------------------ what steps use

    @contextmanager
    def listening(self, inbox: Inbox, machine: Machine, hold_command: Callable[[], str]) -> Iterator[None]:
        """Requests reach `inbox`, and `machine` is the one that they are sent to, until the block is left.

        hold_command says what a hold means now in this step: "hold" keeps the pressure, "stop" bleeds it.
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
        """A change that raises risk (start, restart) or ends well: journalled before it counts. Raises JournalError."""
        state = next_state(self.state, trigger)
        try:
            await self.journal.append(self.name, "run.state", self._change(state, reason, who))
        except JournalError:
            self._waiting.pop(trigger, None)  # it may be asked for again
            raise
        self.state, self.version = state, self.version + 1

    def lower_state(self, trigger: Trigger, reason: str = "", who: str = "pressline") -> None:
        """A change that lowers risk: it counts at once and is noted."""
        state = next_state(self.state, trigger)
        change = self._change(state, reason, who)
        self.state, self.version = state, self.version + 1
        self.journal.note(self.name, "run.state", change)

    async def found_held(self, reason: str, who: str, choices: Mapping[str, str]) -> None:
        """The run was left by a controller that died; it waits for a person, who is told what each decision means."""
        change = {**self._change(RunState.HELD, reason, who), "recovered": True, "choices": dict(choices)}
        await self.journal.append(self.name, "run.state", change)
        self.state, self.version = RunState.HELD, self.version + 1

    def _change(self, state: RunState, reason: str, who: str) -> dict[str, str | int]:
        return {"state": state.value, "reason": reason, "who": who, "version": self.version + 1}

    def _learn(self, what: Learned) -> None:
        """Remembers; that nothing is known of a layer any more is told at once, whatever becomes of the step."""
        self.memory.learn(what)
        if what["do"] == "lose_track":
            self.tell("track.lost", {"layers": what["layers"]})

    def tell(self, kind: str, data: Mapping[str, Any]) -> None:
        """Notes something that happened."""
        self.journal.note(self.name, kind, data)
