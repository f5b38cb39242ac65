"""A controller that dies as by kill -9, on virtual time: nothing of it reaches a machine or its journal any more.

The simulated machines and people go on; another controller is started later on the same journal and the same line.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.cli.recipes import planned
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.prompts import Answer, Person, Prompt
from controller.executor.record import document
from controller.executor.run import Run
from controller.journal import Journal, verify
from controller.line import Line
from controller.people import run_truth
from controller.resuming import continue_run
from controller.session import Attendant, Surroundings, carry_out, unattended
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from simulators.operator_link import truth
from tests.controller.recipes_for_tests import EXAMPLE
from tests.controller.scene import restarting

RUN = "run"


class MortalJournal(Journal):
    """A journal whose process may be dead: then nothing is written, and whoever waits for it waits for ever.

    It dies with the record that dies_with names, as soon as that is written, or when somebody calls `die`.
    """

    def __init__(self, utc: Callable[[], str], earlier: Sequence[Event], on_finished: Callable[[Event], None]) -> None:
        super().__init__(EventStream(), utc, earlier)
        self.is_dead = False
        self.died = asyncio.Event()
        self.dies_with: Callable[[Event], bool] = lambda event: False
        self.buries: Callable[[], None] = lambda: None
        self._on_finished = on_finished

    def die(self) -> None:
        """From now on nothing of this controller reaches anybody."""
        self.is_dead = True
        self.died.set()
        self.buries()

    async def append(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        if self.is_dead:
            await asyncio.Event().wait()
        event = await super().append(run, kind, data)
        if kind == "step.finished":
            self._on_finished(event)
        if self.dies_with(event):
            self.die()
            await asyncio.Event().wait()
        return event

    def note(self, run: str, kind: str, data: Mapping[str, Any]) -> Event:
        if self.is_dead:
            return Event(0, run, kind, data, 0.0, "", "", "")
        event = super().note(run, kind, data)
        if self.dies_with(event):
            self.die()
        return event


Kill = Callable[[MortalJournal], Coroutine[Any, Any, None]]
"""Returns at the moment of the death."""


class Outliving:
    """A person who ends what was begun, although the controller that asked for it is dead."""

    def __init__(self, person: Person) -> None:
        self._person = person

    async def perform(self, prompt: Prompt) -> Answer:
        return await asyncio.shield(asyncio.create_task(self._person.perform(prompt), name="somebody at the line"))


@dataclass
class Killed:
    """A run that is killed, once or again and again, and continued each time after gap_s. Ends when nobody kills it.

    kills are awaited in turn, each in a controller of its own. attendant decides for the controllers that continue.
    on_finished is called with the run, its journal and the record of each finished step.
    """

    kills: Sequence[Kill]
    gap_s: float = 60.0
    attendant: Attendant = field(default_factory=lambda: restarting(after_s=2.0, times=1000))
    first_attendant: Attendant = unattended
    recipe: Path = EXAMPLE
    seed: int = 1
    people_go_on: bool = False
    between: Callable[[Killed], None] = lambda killed: None
    on_finished: Callable[[Run, Journal, Event], None] = lambda run, journal, event: None
    events: list[Event] = field(default_factory=list)
    deaths: list[int] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    truth: dict[str, Any] = field(default_factory=dict)
    simulated: Any = None
    runs: list[Run] = field(default_factory=list)

    def play(self) -> Killed:
        run_virtual(self._play())
        assert verify(self.events) == []
        self.record = document([event for event in self.events if event.run == RUN], alive=False)
        return self

    async def until_dead(self) -> None:
        """The run up to the gap after its last death."""
        self.simulated = SimulatedLine(seed=self.seed, clock=asyncio.get_running_loop().time)
        plan = planned(self.recipe, None)
        for number, kill in enumerate(self.kills):
            await self._one(plan, kill, is_first=number == 0)
            self.deaths.append(len(self.events))
            await asyncio.sleep(self.gap_s)
            self.between(self)

    async def _play(self) -> None:
        await self.until_dead()
        plan = planned(self.recipe, None)
        await self._one(plan, None, is_first=not self.kills)
        last = plan.steps[-1].step
        jobs = self.runs[-1].jobs
        self.truth = run_truth(truth(self.simulated, last.produces or last.consumes[0]), jobs)

    async def _one(self, plan: Plan, kill: Kill | None, *, is_first: bool) -> None:
        """One controller, until it has done its work or dies."""
        loop = asyncio.get_running_loop()
        journal = MortalJournal(
            lambda: virtual_utc(loop.time()),
            list(self.events),
            lambda event: self.on_finished(self.runs[-1], journal, event),
        )
        line = memory_line(self.simulated)
        journal.buries = lambda: _unplug(line)
        simulated_person = SimulatedPerson(self.simulated)
        person: Person = Outliving(simulated_person) if self.people_go_on else simulated_person

        async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
            return run_truth(truth(self.simulated, lot), jobs)

        attendant = self.first_attendant if is_first else self.attendant
        around = Surroundings(line, journal, person, attendant, told_truth, announce=self.runs.append)
        work = asyncio.create_task(carry_out(plan, around, RUN) if is_first else continue_run(RUN, around))
        death = asyncio.create_task(_never(journal) if kill is None else kill(journal))
        await asyncio.wait({work, death}, return_when=asyncio.FIRST_COMPLETED)
        if kill is not None:
            assert not work.done(), "it has ended before it was killed"
            journal.die()
        self.events = [*journal.earlier, *journal.events()]
        for task in (work, death):
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind and event.run == RUN]

    def states(self) -> list[str]:
        return [event.data["state"] for event in self.kinds("run.state")]


async def _never(journal: MortalJournal) -> None:
    del journal
    await asyncio.Event().wait()


def _unplug(line: Line) -> None:
    """Nothing that the tasks of a dead controller still do on their way out reaches a machine."""
    units: list[Any] = [*line.machines.values(), *line.instruments.values()]
    for unit in units:
        unit._link.layer.transport.unplug()


def at_event(kind: str, after_s: float = 0.0, nth: int = 1, **data: Any) -> Kill:
    """Dies with the nth record of this kind with this data, as soon as it is written, or after_s later."""

    async def kill(journal: MortalJournal) -> None:
        left, seen = nth, asyncio.Event()

        def is_it(event: Event) -> bool:
            nonlocal left
            if event.kind == kind and all(event.data.get(key) == value for key, value in data.items()):
                left -= 1
                if left == 0:
                    seen.set()
            return left == 0 and after_s == 0.0

        journal.dies_with = is_it
        await seen.wait()
        await asyncio.sleep(after_s)

    return kill


def at_time(time_s: float) -> Kill:
    """Dies when the line's clock shows this."""

    async def kill(journal: MortalJournal) -> None:
        del journal
        await asyncio.sleep(max(0.0, time_s - asyncio.get_running_loop().time()))

    return kill
