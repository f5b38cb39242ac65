"""What is wrong with the service itself, told in the log besides: a journal that takes nothing cannot say so later."""

from __future__ import annotations

from typing import Any

from controller.events import Event, EventStream

JOURNAL, DEATHS = "journal_", ("_died", "_hung")


async def logged(stream: EventStream, about: Any) -> None:
    """Logs each change of a condition of the journal, and each task that died, until it is cancelled."""
    with stream.subscribe() as queue:
        while True:
            event = await queue.get()
            if event.kind == "condition" and is_own(event):
                tell = about.error if event.data.get("active") else about.info
                tell(str(event.data.get("message", "")), condition=event.data["name"])


def is_own(event: Event) -> bool:
    """Whether a condition is the program's own, and worth to be known where the journal cannot be read."""
    name = str(event.data.get("name", ""))
    return name.startswith(JOURNAL) or name.endswith(DEATHS)
