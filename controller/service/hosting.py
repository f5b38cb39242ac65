"""The service's block: everything of a hosted line works within it, and is ended in its order when it is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import replace

from controller.alarms.server import alarms_watched
from controller.executor.prompts import Answer, Prompt, TaskImpossible
from controller.journal import Journal
from controller.line import Line
from controller.service.by_hand import BY_HAND
from controller.service.ending import Ending
from controller.service.machines import Machines
from controller.service.runs import Hosted, Runs
from controller.service.service import LineService
from controller.service.settings import ServiceSettings
from controller.service.views import RunView
from controller.session import Surroundings, unattended
from controller.vitals.background import Health, background
from controller.vitals.deaths import Restart, conditions_in

ENDS = "the service was told to end"
FORGET_S = 600.0
"""Loop seconds between looks for records that memory need not hold any more (engineering judgement)."""


class _Nobody:
    """Stands where a person is named and is never asked: each run has a person of its own."""

    async def perform(self, prompt: Prompt) -> Answer:
        raise TaskImpossible(f"nobody is asked here: {prompt.text}")


async def _forgetting(journal: Journal, open_runs: Collection[str]) -> None:
    """Everything that is told of no open run goes from memory: of the line, and later of runs that are over."""
    while True:
        await asyncio.sleep(FORGET_S)
        journal.forget_but(open_runs)


@asynccontextmanager
async def line_service(
    line: Line, journal: Journal, settings: ServiceSettings, health: Health | None = None
) -> AsyncIterator[LineService]:
    """A line is hosted within the block: its machines are connected as they answer, its runs carried out.

    When the block is left, the runs are stopped or left held, as `settings.leave` says unless `shut_down` was called
    before, and the machines are made safe; a cancellation while that goes on leaves them to their watchdogs. The
    journal stays open: whoever opened it closes it afterwards. Raises TaskDied where the service cannot go on.
    """
    health = health or Health()
    tell = conditions_in(journal)
    line.bypasses.recall(journal)
    over: deque[RunView] = deque(maxlen=settings.remembered)
    found: list[LineService] = []

    def ended(hosted: Hosted) -> None:
        if hosted.story.is_closed and found:
            over.append(replace(found[0].run(hosted.name), is_open=False, commands=()))

    async with alarms_watched(line.machines, journal, health=health) as alarms:
        try:
            async with background(tell, health) as machine_tasks:
                machines = Machines(line, journal, lambda owner: owner.startswith(BY_HAND) or runs.looks_after(owner))
                ending = Ending(line, journal, machines, settings.settle_s)
                async with background(tell, health) as run_tasks:
                    base = Surroundings(
                        line,
                        journal,
                        settings.operator or _Nobody(),
                        unattended,
                        truth=settings.truth,
                        simulation=settings.simulation,
                        speed=settings.speed,
                        health=health,
                    )
                    runs = Runs(base, settings.operator, settings.people, machines, run_tasks, ended)
                    service = LineService(line, journal, settings, alarms, machines, runs, ending, over, health)
                    found.append(service)
                    with machines.fed(), journal.stream.flowing(runs.stories):
                        machines.start(machine_tasks)
                        machine_tasks.start(
                            "the forgetting of the line's records",
                            lambda: _forgetting(journal, runs.hosted),
                            Restart(times=None),
                            condition="forgetting",
                        )
                        runs.take_up_all()
                        try:
                            yield service
                        finally:
                            if not ending.has_begun:
                                await service.shut_down(settings.leave, ENDS)
                await ending.made_safe()
        finally:
            for instrument in line.instruments.values():
                await instrument.close()
