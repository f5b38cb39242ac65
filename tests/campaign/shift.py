"""People at a hosted line on virtual time, and what happens to it: for campaigns that run it for hours."""

from __future__ import annotations

import asyncio
import gc
import random
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

from controller.authority import Actor, NotAuthorised, Role
from controller.service import LineService, ManualCommand, RunOrder, RunView, ServiceError
from drivers.ascii_codec import Question
from simulators.line import SimulatedLine
from simulators.world import WorldError
from tests.controller.many import plan_of

LEADER = Actor("shift lead", Role.ENGINEER, "terminal")
SMALL = Path(__file__).parents[1] / "controller" / "small.yaml"
LOOK_S, FAULTS_S = 10.0, 400.0
RESTARTS = 60
"""So often a held run is restarted before it is given up: a plug that is out is in again by then."""


class Shift:
    """People at the line, and what happens to it."""

    def __init__(self, service: LineService, simulated: SimulatedLine, seed: int) -> None:
        self.service, self.simulated, self.random = service, simulated, random.Random(seed)
        self.plan = plan_of(SMALL)
        self.ended: Counter[str] = Counter()
        self.faults: Counter[str] = Counter()
        self.restarts: Counter[str] = Counter()
        self.broken: list[str] = []

    async def works(self) -> None:
        """Looks every ten seconds and does what is to be done."""
        seen: set[str] = set()
        while True:
            await asyncio.sleep(LOOK_S)
            for view in self.service.runs():
                if not view.is_open and view.name not in seen:
                    seen.add(view.name)
                    self.ended[view.state] += 1
                    if view.state != "complete":
                        print(view.name, view.reason[:300], file=sys.stderr)
                if "a fault of the program" in f"{view.reason} {view.why}":
                    self.broken.append(f"{view.name}: {view.reason} {view.why}")
            with suppress(ServiceError, NotAuthorised):
                await self._looks()

    async def _looks(self) -> None:
        service, runs = self.service, [view for view in self.service.runs() if view.is_open]
        for view in runs:
            if view.state == "held":
                await self._decides(view)
            elif view.state == "paused":
                await service.go_on(view.name, "go on", by=LEADER)
        for brief in service.overview().units:
            unit = service.unit(brief.name)
            if unit.kept and unit.state not in ("STOPPING", "ABORTING", "EXECUTE", "HELD"):
                if unit.state in ("STOPPED", "ABORTED", "COMPLETE"):
                    await service.operate(unit.name, ManualCommand.RESET, "nothing is in it", by=LEADER)
                self._empties(unit.name)
                await service.set_unit(unit.name, in_service=True, reason="looked at it", by=LEADER)
        unseen = [alarm.key for alarm in service.alarm_list() if alarm.is_unseen]
        if unseen:
            await service.acknowledge(unseen, "seen", by=LEADER)
        if len(runs) < 2:
            await service.start_run(RunOrder(plan=self.plan, rearm=True), by=LEADER)

    def _empties(self, unit: str) -> None:
        """Takes what a run that ended left in a machine out of it."""
        machine: Any = self.simulated.machines[unit]
        with suppress(WorldError, AttributeError):  # nothing is in it; an instrument is emptied when it is used
            machine.plc.clear() if unit.startswith("coater") else machine.plc.take_out()

    async def _decides(self, view: RunView) -> None:
        self.restarts[view.name] += 1
        if "restart" in view.commands and self.restarts[view.name] <= RESTARTS:
            await self.service.restart(view.name, "looked at it", by=LEADER)
        elif "stop" in view.commands:
            await self.service.stop(view.name, f"enough of: {view.reason}", by=LEADER)

    async def suffers(self) -> None:
        """Faults, one after the other."""
        units = [*self.service.line.machines, *self.service.line.instruments]
        while True:
            await asyncio.sleep(self.random.expovariate(1 / FAULTS_S))
            unit, lasts_s = self.random.choice(units), self.random.uniform(2.0, 120.0)
            runs = [view.name for view in self.service.runs() if view.is_open]
            what = self.random.choice(["plug", "plug", "hold", "pause", "out", "stop"])
            self.faults[what] += 1
            with suppress(ServiceError, NotAuthorised):
                await self._suffers(what, unit, runs, lasts_s)

    async def _suffers(self, what: str, unit: str, runs: list[str], lasts_s: float) -> None:
        service = self.service
        match what:
            case "plug":
                device: Any = service.line.machines.get(unit) or service.line.instruments[unit]
                device._link.layer.transport.unplug()
                await asyncio.sleep(lasts_s)
                device._link.layer.transport.plug()
            case "out":
                await service.set_unit(unit, in_service=False, reason="cleaning", by=LEADER)
                await asyncio.sleep(lasts_s)
                await service.set_unit(unit, in_service=True, reason="cleaned", by=LEADER)
            case _ if runs:
                await getattr(service, what)(self.random.choice(runs), "a look", by=LEADER)

    def ownerless(self) -> list[str]:
        """Units that belong to a run that is gone."""
        book, runs = self.service.line.allocation, {view.name for view in self.service.runs() if view.is_open}
        return [
            f"{unit} of {owner}"
            for unit, owner in book.owners.items()
            if owner not in runs and unit not in book.kept and not owner.startswith("by hand")
        ]


def held() -> int:
    """Objects of the controller and the drivers that are in memory; what the simulated world keeps is not ours.

    Questions in lines of text are left out: the simulated coater's cache fills with them, up to its limit.
    """
    gc.collect()
    kinds = (type(found) for found in gc.get_objects())
    return sum(str(kind.__module__).startswith(("controller", "drivers")) and kind is not Question for kind in kinds)
