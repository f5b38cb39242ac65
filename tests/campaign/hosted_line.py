"""A whole hosted line on virtual time: the service, its trends, its telemetry, and a shift of people."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from controller.database import database_opened
from controller.dryrun import EPOCH, SimulatedPerson, memory_line, virtual_utc
from controller.events import EventStream
from controller.historian import TABLES, Historian, HistorianOptions, recording
from controller.historian.feed import fed
from controller.journal import SqliteJournal
from controller.service import Leave, LineService, ServiceSettings, line_service
from controller.telemetry.server import Sources, Telemetry, telemetry
from controller.telemetry.settings import MqttSettings
from controller.vitals.background import Health
from controller.vitals.deaths import conditions_in
from simulators.line import SimulatedLine
from tests.campaign.shift import Shift
from tests.controller.many import PROFILES

PATIENCE_S = 3600.0  # virtual time runs on while a thread writes
FLUSH_S = 5.0
"""Loop seconds between two writes of trends: ten times the usual, as the clock stands still for each write."""
EPOCH_US = round(EPOCH.timestamp() * 1e6)


@dataclass
class Hosted:
    """What stands. trends and outbox are there where they were asked for."""

    folder: Path
    service: LineService
    journal: SqliteJournal
    shift: Shift
    health: Health
    historian: Historian | None = None
    telemetry: Telemetry | None = None

    def size(self, what: str) -> int:
        """Bytes on the disk of "store", "trends" or "outbox"."""
        return sum(file.stat().st_size for file in self.folder.glob(f"{what}.sqlite*"))


def utc_us() -> int:
    """UTC of virtual time in microseconds."""
    return EPOCH_US + round(asyncio.get_running_loop().time() * 1e6)


@asynccontextmanager
async def hosted_line(
    folder: Path, seed: int, mqtt: MqttSettings | None = None, *, has_trends: bool = True
) -> AsyncIterator[Hosted]:
    """Put together as `controller/serving/served.py` does it, but for pages and people's accounts."""
    loop, numbers = asyncio.get_running_loop(), itertools.count(1)
    simulated = SimulatedLine(seed=seed, clock=loop.time, units=PROFILES, people=2)
    store = folder / "store.sqlite"
    journal = SqliteJournal(EventStream(), lambda: virtual_utc(loop.time()), store, patience_s=PATIENCE_S)
    settings = ServiceSettings(
        "campaign",
        lambda: f"run-{next(numbers)}",
        simulation={"scenario": "nominal", "seed": seed},
        operator=SimulatedPerson(simulated),
        people=2,
        leave=Leave.STOP,
        remembered=10,
    )
    health = Health()
    async with AsyncExitStack() as stack:
        stack.push_async_callback(journal.close)
        service = await stack.enter_async_context(line_service(memory_line(simulated), journal, settings, health))
        found = Hosted(folder, service, journal, Shift(service, simulated, seed), health)
        if has_trends:
            database = await stack.enter_async_context(database_opened(f"sqlite:///{folder / 'trends.sqlite'}", TABLES))
            options = HistorianOptions(flush_s=FLUSH_S)
            tell = conditions_in(journal)
            recorded = recording(database, "campaign", utc_us=utc_us, tell=tell, options=options, health=health)
            found.historian = await stack.enter_async_context(recorded)
            stack.enter_context(fed(found.historian, service.line.machines))
        if mqtt is not None:
            alarms = service.alarms
            sources = Sources(
                service.line.machines,
                journal,
                lambda: [*alarms.standing(), *alarms.hidden()],
                utc_us,
                health,
            )
            outbox = f"sqlite:///{folder / 'outbox.sqlite'}"
            found.telemetry = await stack.enter_async_context(telemetry(mqtt, outbox, sources))
        yield found
