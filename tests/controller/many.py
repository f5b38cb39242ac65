"""Several laminates on one simulated line on virtual time: the stage of the tests on many runs."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.batches import Batch, ForecastGate
from controller.cli.many import MANY_UNITS
from controller.dryrun import rehearsed_all
from controller.events import Event, EventStream
from controller.executor.run import Run
from controller.journal import verify
from controller.line import Line, capability
from controller.session import Attendant, Surroundings
from recipes.load import load_recipe
from recipes.plan import Plan, make_plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine, shipped

PROFILES = {unit: shipped(name) for unit, name in MANY_UNITS.items()}
CAPABILITIES = [capability(unit, profile) for unit, profile in PROFILES.items()]


def plan_of(file: Path) -> Plan:
    return make_plan(load_recipe(file), CAPABILITIES)


@dataclass
class Play:
    """Batches on the usual line with two uniaxial presses; `act` does something while they run, `first` before it."""

    batches: list[Batch]
    people: int = 2
    attendant: Attendant | None = None
    act: Callable[[Play], Awaitable[None]] | None = None
    first: Callable[[Play], Awaitable[None]] | None = None
    seed: int = 1
    events: list[Event] = field(default_factory=list)
    refused: Mapping[str, str] = field(default_factory=dict)
    surroundings: Surroundings | None = None
    simulated: Any = None

    def play(self) -> Play:
        run_virtual(self._play())
        assert verify(self.events) == []
        return self

    async def _play(self) -> None:
        clock = asyncio.get_running_loop().time
        self.simulated = SimulatedLine(seed=self.seed, clock=clock, units=PROFILES, people=self.people)
        acting: list[asyncio.Task[None]] = []

        async def prepare(surroundings: Surroundings) -> None:
            self.surroundings = surroundings
            if self.first is not None:
                await self.first(self)
            if self.act is not None:
                acting.append(asyncio.create_task(self._act(self.act, asyncio.current_task())))

        journal, self.refused = await rehearsed_all(
            self.batches, self.simulated, EventStream(), {}, self.people, self.attendant, prepare
        )
        for task in acting:
            task.cancel()
        for result in await asyncio.gather(*acting, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        self.events = journal.events()

    async def _act(self, act: Callable[[Play], Awaitable[None]], body: asyncio.Task[Any] | None) -> None:
        try:
            await act(self)
        except Exception:
            if body is not None:  # else the runs would wait for it for ever
                body.cancel()
            raise

    @property
    def line(self) -> Line:
        assert self.surroundings is not None
        return self.surroundings.line

    def run(self, name: str) -> Run:
        gate = self.line.allocation.gate
        assert isinstance(gate, ForecastGate)
        return gate.runs[name]

    async def seen(self, name: str, kind: str, /, **data: Any) -> Event:
        """The next event of a run of this kind with these data."""
        assert self.surroundings is not None
        with self.surroundings.journal.stream.subscribe(name) as events:
            while True:
                event = await events.get()
                if event.kind == kind and all(event.data.get(key) == value for key, value in data.items()):
                    return event

    def of(self, name: str, kind: str | None = None) -> list[Event]:
        return [event for event in self.events if event.run == name and kind in (None, event.kind)]

    def state(self, name: str) -> str:
        return str(self.of(name, "run.state")[-1].data["state"])
