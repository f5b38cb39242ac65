"""A hosted line on virtual time, with the simulated line in memory: the stage of the tests of the service."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from controller.authority import Actor, Role
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event
from controller.journal import verify
from controller.line import Line
from controller.service import Conflict, Given, Leave, LineService, RunOrder, RunView, ServiceSettings, line_service
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.killing import MortalJournal
from tests.controller.many import PROFILES, plan_of

OPERATOR = Actor("Ada", Role.OPERATOR, "password")
ENGINEER = Actor("Emil", Role.ENGINEER, "password")
SECOND = Actor("Eva", Role.ENGINEER, "password")

SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"

Play = Callable[["Stage"], Awaitable[None]]


@dataclass
class Stage:
    """One line; `hosted` hosts it, again where it is entered again: then with what its journal tells."""

    plan: Plan
    simulated: Any = None
    line: Line = field(default_factory=lambda: Line({}, {}))
    journal: Any = None
    service: Any = None
    has_operator: bool = True
    settings: Mapping[str, Any] = field(default_factory=dict)
    before: Sequence[Event] = ()
    is_chained: bool = True
    numbers: Any = field(default_factory=lambda: itertools.count(1))

    def begin(self) -> None:
        """A fresh line; its simulated machines outlive what hosts it."""
        self.simulated = SimulatedLine(seed=1, clock=asyncio.get_running_loop().time, units=PROFILES, people=4)

    @asynccontextmanager
    async def hosted(self, *, waits: bool = True) -> AsyncIterator[LineService]:
        """The service within the block. waits: until every unit answers."""
        loop = asyncio.get_running_loop()
        if self.simulated is None:
            self.begin()
        self.line = memory_line(self.simulated)
        self.journal = MortalJournal(lambda: virtual_utc(loop.time()), list(self.before), lambda _: None)
        settings = ServiceSettings(
            "pilot line",
            lambda: f"run-{next(self.numbers)}",
            simulation={"scenario": "nominal", "seed": 1},
            operator=SimulatedPerson(self.simulated) if self.has_operator else None,
            people=2,
        )
        try:
            async with line_service(self.line, self.journal, replace(settings, **self.settings)) as self.service:
                if waits:
                    await self.until(lambda: not self.line.allocation.absent)
                yield self.service
        finally:
            self.before = [*self.journal.earlier, *self.journal.events()]
            assert verify(self.before) == [] or not self.is_chained

    # ------------------------------------------------------------------ what tests ask for

    async def until(self, is_so: Callable[[], bool], within_s: float = 7200.0, every_s: float = 1.0) -> None:
        """Returns once it is so; looks as often as a person would."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + within_s
        while not is_so():
            assert loop.time() < until_s, "it did not become so"
            await asyncio.sleep(every_s)

    async def start(self, **more: Any) -> str:
        return str(await self.service.start_run(RunOrder(plan=self.plan, **more), by=OPERATOR))

    def run(self, name: str) -> RunView:
        view: RunView = self.service.run(name)
        return view

    async def becomes(self, name: str, *states: str) -> None:
        await self.until(lambda: self.run(name).state in states)

    async def works(self, name: str, unit: str, phase: str = "") -> None:
        """Returns once the run works in a unit, in a phase."""
        await self.until(lambda: self.run(name).unit == unit and phase in ("", self.run(name).phase))

    async def clerk(self, by: Actor = OPERATOR) -> None:
        """Somebody who does what is asked, in the simulated world, and says so to the service. Runs until cancelled."""
        person = SimulatedPerson(self.simulated)
        while True:
            await asyncio.sleep(1.0)
            for name, number, prompt, _ in list(self.service._runs.desk.open()):
                if not prompt.choices:
                    done = await person.perform(prompt)
                    given = Given(prompt.consumes, done.values, done.uncertainties)
                    with suppress(Conflict):  # its run was stopped meanwhile
                        await self.service.answer(f"{name}.{number}", given, by=by)

    @asynccontextmanager
    async def clerk_there(self) -> AsyncIterator[None]:
        """Somebody does what is asked within the block."""
        task = asyncio.create_task(self.clerk())
        try:
            yield
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    def events(self, run: str, kind: str = "") -> list[Event]:
        everything = [*self.journal.earlier, *self.journal.events()]
        return [event for event in everything if event.run == run and kind in ("", event.kind)]

    def kill(self) -> None:
        """The process is gone as by kill -9: nothing of it reaches the journal or a machine any more."""
        self.journal.die()
        for unit in (*self.line.machines, *self.line.instruments):
            self.unplug(unit)

    def unplug(self, unit: str) -> None:
        self._wire(unit).unplug()

    def plug(self, unit: str) -> None:
        self._wire(unit).plug()

    def _wire(self, unit: str) -> Any:
        device: Any = self.line.machines.get(unit) or self.line.instruments[unit]
        return device._link.layer.transport


def play(acts: Play, *, plan: Plan | None = None, **more: Any) -> Stage:
    """Plays a scene on virtual time; afterwards no task and no timer may be left behind."""
    stage = Stage(plan or plan_of(SMALL), **more)

    async def played() -> None:
        await acts(stage)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, left

    run_virtual(played())
    return stage


STOP = {"leave": Leave.STOP}
