"""A simulated line on virtual time whose alarms are watched, with no run on it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from controller.alarms.alarm import Alarm, AlarmKey
from controller.alarms.server import AlarmServer, alarms_watched
from controller.dryrun import memory_line, virtual_utc
from controller.events import Event, EventStream
from controller.journal import Journal, SqliteJournal
from simulators.clock import run_virtual
from simulators.line import SimulatedLine

UNITS = ("uniaxial-press-1", "isostatic-press-1", "coater-1")


@dataclass
class Stage:
    server: AlarmServer
    journal: Journal
    simulated: Any
    machines: Any

    def alarm(self, name: str, subject: str) -> Alarm:
        return self.server.book.alarm(AlarmKey(name, subject))

    def told(self, kind: str = "alarm.raised") -> list[str]:
        return [event.data["name"] for event in self.journal.events() if event.kind == kind]

    def events(self) -> list[Event]:
        return [event for event in self.journal.events() if event.kind.startswith("alarm.")]

    def unplug(self, unit: str) -> None:
        self.machines[unit]._link.layer.transport.unplug()

    def plug(self, unit: str) -> None:
        self.machines[unit]._link.layer.transport.plug()


Act = Callable[[Stage], Awaitable[None]]


def as_it_is(simulated: SimulatedLine) -> None:
    """Nothing has happened before."""


def play(
    act: Act,
    store: Path | None = None,
    start: float = 0.0,
    epoch_s: float = 0.0,
    found: Callable[[SimulatedLine], None] = as_it_is,
) -> list[Event]:
    """Plays on a line that is connected; the events of this process. A store keeps them for the next one.

    start is the first reading of the loop's clock; epoch_s moves the time of day against it; found is what the
    machines have gone through before.
    """

    async def main() -> list[Event]:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine("nominal", seed=1, clock=loop.time)
        found(simulated)
        line = memory_line(simulated)
        machines = {unit: line.machines[unit] for unit in UNITS}

        def utc() -> str:
            return virtual_utc(loop.time() + epoch_s)

        journal = Journal(EventStream(), utc) if store is None else SqliteJournal(EventStream(), utc, store)
        tasks = [asyncio.create_task(machine.run()) for machine in machines.values()]
        try:
            async with alarms_watched(machines, journal) as server:
                for machine in machines.values():
                    await machine.wait_link()
                await act(Stage(server, journal, simulated, machines))
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)
            await journal.close()
        return journal.events()

    return run_virtual(main(), start)
