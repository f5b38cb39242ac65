"""What is around a run that a command carries out on wires: printing, Ctrl-C, and the watch over the controller."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from controller.cli.interrupts import Interrupts
from controller.cli.progress import Progress
from controller.journal import Journal, SqliteJournal
from controller.vitals.background import Health
from controller.vitals.deaths import conditions_in
from controller.vitals.service_manager import service_manager
from controller.vitals.watch import SelfWatch, self_watched


@dataclass(frozen=True, slots=True)
class Attended:
    """What works around a run."""

    progress: Progress
    interrupts: Interrupts
    watch: SelfWatch
    health: Health


@asynccontextmanager
async def attended(journal: Journal, speed: float, *, quiet: bool, asked_here: bool) -> AsyncIterator[Attended]:
    """All of it works within the block; `speed` is how fast the loop's clock runs beside the wall's.

    asked_here says that tasks are asked at this terminal.
    """
    health = Health()
    if isinstance(journal, SqliteJournal) and journal.rescued:
        words = f"{journal.rescued} records that its disk had not taken before are in it now, from its rescue file"
        print(f"{journal.path}: {words}", file=sys.stderr)
    async with (
        Progress(journal, quiet=quiet, asked_here=asked_here).shown() as progress,
        Interrupts(conditions_in(journal)) as interrupts,
        self_watched(journal, health, service_manager(), speed=speed) as watch,
    ):
        yield Attended(progress, interrupts, watch, health)
