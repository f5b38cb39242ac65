"""Whole short runs on virtual time in one journal, on a line whose units have a state: the stage for lots."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from controller.calibration import Calibration, Fitness
from controller.dryrun import SimulatedPerson, memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.journal import Journal, verify
from controller.session import Attendant, Surroundings, carry_out, unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.recipes_for_tests import planned, quick

GAUGE, BALANCE, PRESS, VESSEL = "thickness-gauge-1", "balance-1", "uniaxial-press-1", "isostatic-press-1"


def calibrated(due: str, certificate: str = "DKD 4711") -> Fitness:
    """A unit whose calibration of 2025 holds until a day; virtual time begins on 2026-01-01."""
    return Fitness(Calibration(dt.date(2025, 1, 1), dt.date.fromisoformat(due), certificate, "Metrology Ltd"))


@dataclass
class Stage:
    """Runs one after the other with one journal. prepare sees the simulated line before each run.

    begins_s is how long after the epoch of virtual time the calendar begins.
    """

    recipe: Path
    runs: tuple[str, ...] = ("one",)
    fitness: Mapping[str, Fitness] = field(default_factory=dict)
    max_out_s: float | None = None
    foil_batches: Mapping[str, str] = field(default_factory=dict)
    attendant: Attendant = unattended
    prepare: Callable[[SimulatedLine], None] = lambda _: None
    afterwards: Callable[[Journal], Awaitable[None]] | None = None
    scenario: str = "nominal"
    begins_s: float = 0.0
    events: list[Event] = field(default_factory=list)
    simulated: Any = None

    def play(self) -> Stage:
        run_virtual(self._play())
        assert verify(self.events) == []
        return self

    async def _play(self) -> None:
        loop = asyncio.get_running_loop()
        journal = Journal(EventStream(), lambda: virtual_utc(self.begins_s + loop.time()))
        plan = planned(self.recipe, None)
        for name in self.runs:
            self.simulated = SimulatedLine(scenario=self.scenario, seed=1, clock=loop.time)
            self.prepare(self.simulated)
            line = memory_line(self.simulated, plan)
            line.fitness, line.max_out_s, line.foil_batches = self.fitness, self.max_out_s, self.foil_batches
            person = SimulatedPerson(self.simulated)
            await carry_out(plan, Surroundings(line, journal, person, self.attendant), name)
        if self.afterwards is not None:
            await self.afterwards(journal)
        self.events = journal.events()

    def record(self, run: str = "one") -> dict[str, Any]:
        return document([event for event in self.events if event.run == run], alive=False)

    def kinds(self, kind: str) -> list[Mapping[str, Any]]:
        return [event.data for event in self.events if event.kind == kind]


def staged(tmp_path: Path, **given: Any) -> Stage:
    """A stage with the quick variant of Example 1, played to its end."""
    return Stage(quick(tmp_path / "quick.yaml"), **given).play()
