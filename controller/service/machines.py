"""The machines of a line that is hosted for months: each is connected as soon as it answers, again and again.

One that does not answer is given to nobody; runs that want it wait. A machine that is found working and that nobody has
is told to stop, because our heartbeat would keep its watchdog quiet.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from controller.connection import HANG_PATIENCES, HANG_S
from controller.executor.allocation import LINE
from controller.executor.recovering import WORKING
from controller.guard import Guard
from controller.journal import Journal
from controller.line import Line
from controller.vitals.background import Background
from controller.vitals.deaths import MustProgress, Restart
from drivers.errors import BadQuality, DriverError
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.reading import LinkChange

NOT_YET = "it has not answered yet"
LET_GO = "nobody needs it: it was let go, so that it heats for nobody, and is connected again at once"
BACK = "connected and identified"
LET_GO_S = 1.0
"""Loop seconds beyond a machine's watchdog time until it is connected again (engineering judgement)."""
LOOK_S = 2.0
"""Loop seconds between looks at machines that nobody has: shorter than any shipped watchdog (register documents)."""
ASK_S, ASK_AGAIN_S = 60.0, 10.0
"""Loop seconds between questions to an instrument that answers, and to one that does not (engineering judgement)."""
OURS = "pressline"


class _LinkChanges(asyncio.Queue[Any]):
    """Takes of what machines publish only that a link came or went."""

    def put_nowait(self, item: Any) -> None:
        if isinstance(item, LinkChange):
            super().put_nowait(item)

    def full(self) -> bool:
        return False


class Machines:
    """Keeps a line's units connected. is_anybodys says whether an owner is somebody who looks after his unit."""

    def __init__(self, line: Line, journal: Journal, is_anybodys: Callable[[str], bool]) -> None:
        self._line = line
        self._guard = Guard(journal, LINE)
        self._is_anybodys = is_anybodys
        self._changes = _LinkChanges()
        self._rests: dict[str, int] = dict.fromkeys(line.machines, 0)
        self.links: dict[str, str] = dict.fromkeys((*line.machines, *line.instruments), NOT_YET)
        """By unit, why it is connected or is not, in words."""
        self.arrived = asyncio.Event()
        """Set with each unit that comes; whoever waits for one clears it before."""

    @contextmanager
    def fed(self) -> Iterator[None]:
        """What the links do is heard until the block is left."""
        with ExitStack() as fed:
            for name, machine in self._line.machines.items():
                fed.enter_context(machine.subscribe(self._changes))
                self._line.allocation.lose(name, NOT_YET)
            for name in self._line.instruments:
                self._line.allocation.lose(name, NOT_YET)
            yield

    def start(self, tasks: Background) -> None:
        """The units' tasks begin. One that dies is started again, however often: the machine sees a lost link."""
        again = Restart(times=None)
        for name, machine in self._line.machines.items():
            self._keep(tasks, name, machine)
        for name, instrument in self._line.instruments.items():
            tasks.start(
                f"the questions to {name}",
                self._asking(name, instrument),
                again,
                condition="instrument_task",
                unit=name,
            )
        tasks.start("the watch over links", self._follow, again, condition="link_watch")
        tasks.start("the watch over machines that nobody has", self._look_after, again, condition="orphan_watch")

    def is_connected(self, unit: str) -> bool:
        """Whether a unit answers."""
        machine = self._line.machines.get(unit)
        return unit not in self._line.allocation.absent if machine is None else machine.link_up

    async def stop(self, unit: str, reason: str) -> None:
        """Tells a machine to stop, whoever has it; the record says if it could not be told."""
        await self._guard.lower(self._line.machine(unit), "stop", reason, OURS)

    async def come(self, unit: str) -> None:
        """Returns once a machine answers."""
        await self._line.machine(unit).wait_link()

    # ---------------------------------------------------------------------- each unit

    def _keep(self, tasks: Background, name: str, machine: Machine) -> None:
        async def kept() -> None:
            while True:
                self._line.released.discard(name)
                await machine.run()  # ends once it was released
                self._gone(name, LET_GO)
                self._rests[name] += 1
                await asyncio.sleep(machine.profile.timing.watchdog_s + LET_GO_S)

        tasks.start(
            f"the task of {name}",
            kept,
            Restart(times=None),
            condition="machine_task",
            unit=name,
            progress=MustProgress(
                lambda: (machine.turns, self._rests[name]), max(HANG_S, HANG_PATIENCES * machine.patience_s)
            ),
        )

    def _asking(self, name: str, instrument: Instrument) -> Callable[[], Any]:
        async def asking() -> None:
            while True:
                wait_s = ASK_S
                if name not in self._line.owners:
                    try:
                        await instrument.identify()
                    except DriverError as error:
                        wait_s = ASK_AGAIN_S
                        self._gone(name, str(error).removeprefix(f"{name}: "))
                    else:
                        self._came(name, "it has answered")
                await asyncio.sleep(wait_s)

        return asking

    # ---------------------------------------------------------------------- all of them

    async def _follow(self) -> None:
        while True:
            change: LinkChange = await self._changes.get()
            if change.up:
                await self._seen(self._line.machines[change.unit], change.reason)
            else:
                self._gone(change.unit, change.reason)

    async def _seen(self, machine: Machine, why: str) -> None:
        """A machine is there. One that works for nobody is stopped before anybody is given it."""
        await self._calmed(machine)
        if machine.link_up:  # it may have gone while it was asked
            self._came(machine.unit, why)

    def _came(self, unit: str, why: str) -> None:
        self.links[unit] = why
        self._line.allocation.find(unit)
        self.arrived.set()

    def _gone(self, unit: str, why: str) -> None:
        self.links[unit] = why
        self._line.allocation.lose(unit, f"not connected: {why}" if why is not LET_GO else why)

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            for name, machine in self._line.machines.items():
                if machine.link_up and name in self._line.allocation.absent:
                    await self._seen(machine, BACK)  # who was let go and comes back tells of no change
                elif machine.link_up:
                    await self._calmed(machine)

    async def _calmed(self, machine: Machine) -> None:
        """Stops what works for nobody. A machine that a person has switched to local is that person's."""
        owner = self._line.owners.get(machine.unit)
        if owner is not None and self._is_anybodys(owner):
            return
        try:
            snapshot = machine.latest
            if snapshot is None or snapshot.text("machine_state") not in WORKING or snapshot.text("mode") != "REMOTE":
                return
        except (BadQuality, KeyError):
            return
        await self._guard.lower(machine, "stop", "found working without a controller", OURS)
