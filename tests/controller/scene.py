"""A whole run on virtual time in which something happens: the stage on which losses and faults are played."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.executor.run import Run
from controller.journal import Journal, verify
from controller.session import Attendant, Surroundings, carry_out, unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.recipes_for_tests import EXAMPLE, planned

Act = Callable[["Scene", Run], Awaitable[None]]


@dataclass
class Scene:
    """A run on virtual time in which something happens once a unit reaches a phase."""

    unit: str = ""
    phase: str = ""
    act: Act | None = None
    attendant: Attendant = unattended
    recipe: Path = EXAMPLE
    after_s: float = 5.0
    events: list[Event] = field(default_factory=list)
    chain: list[Event] = field(default_factory=list)
    record: dict[str, Any] = field(default_factory=dict)
    line: Any = None
    simulated: Any = None
    person: Callable[[SimulatedPerson], Any] = lambda person: person
    work: Any = None
    restore: Callable[[], None] = lambda: None

    def unplug(self, unit: str) -> None:
        self.line.machines[unit]._link.layer.transport.unplug()

    def plug(self, unit: str) -> None:
        self.line.machines[unit]._link.layer.transport.plug()

    def play(self) -> Self:
        run_virtual(self._play())
        assert verify(self.chain) == []
        return self

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        self.work = asyncio.current_task()
        self.simulated = SimulatedLine(seed=1, clock=loop.time)
        self.line = memory_line(self.simulated)
        journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))
        tasks: list[asyncio.Task[None]] = []

        def announced(run: Run) -> None:
            tasks.extend(asyncio.create_task(beside) for beside in self._beside(run))

        person = self.person(SimulatedPerson(self.simulated))
        surroundings = Surroundings(self.line, journal, person, self.attendant, announce=announced)
        await carry_out(planned(self.recipe, None), surroundings, "run")
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        self.chain = journal.events()  # the alarms' records are between those of the run
        self.events = [event for event in self.chain if event.run == "run"]
        self.record = document(self.events, alive=False)

    def _beside(self, run: Run) -> list[Coroutine[Any, Any, None]]:
        return [self._trigger(run)]

    async def _trigger(self, run: Run) -> None:
        if self.act is None:
            return
        with run.journal.stream.subscribe() as events:
            while True:
                event = await events.get()
                if event.kind == "step.phase" and event.data == {"unit": self.unit, "phase": self.phase}:
                    break
            await asyncio.sleep(self.after_s)
            await self.act(self, run)

    def kinds(self, kind: str) -> list[Event]:
        return [event for event in self.events if event.kind == kind]

    def states(self) -> list[str]:
        return [event.data["state"] for event in self.kinds("run.state")]


@dataclass
class Observed(Scene):
    """A scene with somebody who looks at machines themselves, twice a second; `tags` has what they saw of each."""

    watched: Sequence[str] = ("uniaxial-press-1", "isostatic-press-1", "coater-1")
    tags: dict[str, list[tuple[float, Mapping[str, float]]]] = field(default_factory=dict)

    def _beside(self, run: Run) -> list[Coroutine[Any, Any, None]]:
        return [*super()._beside(run), self._observe()]

    async def _observe(self) -> None:
        """Sees the machines as they are, whatever the controller sees."""
        while True:
            now = asyncio.get_running_loop().time()
            for name in self.watched:
                machine = self.simulated.machines[name]
                machine.advance(now)
                self.tags.setdefault(name, []).append((now, dict(machine.tags)))
            await asyncio.sleep(0.5)


async def nobody(run: Run, events: asyncio.Queue[Event]) -> None:
    """An attendant who decides nothing."""
    await asyncio.Event().wait()


def restarting(after_s: float = 5.0, times: int = 100) -> Attendant:
    """An attendant who restarts every hold, so many times; then whoever is held is stopped."""

    async def attend(run: Run, events: asyncio.Queue[Event]) -> None:
        left = times
        while True:
            event = await events.get()
            if event.kind == "run.state" and event.data["state"] == "held":
                await asyncio.sleep(after_s)
                if left > 0:
                    left -= 1
                    run.restart("looked at it", "shift lead")
                else:
                    await run.stop("enough", "shift lead")

    return attend


def a_run(recipe: Path = EXAMPLE, person: Any = None) -> Run:
    """A run of a recipe on a fresh simulated line that nobody carries out; to be made on a running loop."""
    loop = asyncio.get_running_loop()
    simulated = SimulatedLine(seed=1, clock=loop.time)
    journal = Journal(EventStream(), lambda: virtual_utc(loop.time()))
    return Run("run", planned(recipe, None), memory_line(simulated), journal, person or SimulatedPerson(simulated))


async def once(run: Run, wanted: Callable[[Event], bool]) -> Event:
    """The next event of a run that is wanted."""
    with run.journal.stream.subscribe() as events:
        while True:
            event = await events.get()
            if wanted(event):
                return event


async def becomes(run: Run, state: str) -> None:
    """Returns once the run is in this state."""
    if run.state != state:
        await once(run, lambda event: event.kind == "run.state" and event.data["state"] == state)
