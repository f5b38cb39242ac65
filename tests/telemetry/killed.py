"""A line in a process of its own that tells events until somebody kills it: STORE OUTBOX PORT EVENTS."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

from controller.events import EventStream
from controller.journal import SqliteJournal
from controller.outbox import Priority
from controller.telemetry.server import Sources, telemetry
from controller.telemetry.settings import Broker, MqttSettings
from controller.telemetry.times import iso


async def main(store: str, outbox: str, port: str, events: str) -> None:
    journal = SqliteJournal(EventStream(), lambda: iso(time.time_ns() // 1000), Path(store))
    settings = MqttSettings(Broker("127.0.0.1", int(port), "line", retry_s=0.05), "s", "a", "l")
    sources = Sources({}, journal, lambda: (), lambda: time.time_ns() // 1000)
    async with telemetry(settings, f"sqlite:///{outbox}", sources) as running:
        while not running.is_connected:  # noqa: ASYNC110  it has no event for that
            await asyncio.sleep(0.01)
        for number in range(int(events)):
            await journal.append("r1", "step.phase", {"unit": "press-1", "phase": f"p{number}"})
        while running.outbox.waits("json", (Priority.EVENT,)):  # noqa: ASYNC110  as above
            await asyncio.sleep(0.01)
    await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
