"""What happens while a run goes on, one line each, with the line's own time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from controller.events import Event, EventStream
from recipes.plan import Plan


def clock_text(seconds: float) -> str:
    """Minutes and seconds, as on a stopwatch."""
    return f"{int(seconds) // 60:3d}:{int(seconds) % 60:02d}"


def sentence(event: Event) -> str | None:
    """What an operator wants to read of an event; None for what only the record needs."""
    data = event.data
    match event.kind:
        case "step.started":
            return f"{data['name']}" + (f" on {data['unit']}" if data["unit"] else "")
        case "step.phase" if data["phase"] not in ("idle", "done"):
            return f"    {data['unit']}: {data['phase'].replace('_', ' ')}"
        case "prompt.asked":
            return f"    task: {data['text']}"
        case "measurement":
            return f"    {data['unit']}: {data['value']:g} {data['in']}"
        case "run.state" if data["reason"] or data["state"] in ("held", "complete", "stopped", "aborted"):
            return f"run is {data['state']}" + (f": {data['reason']}" if data["reason"] else "")
        case "command.undelivered" | "command.failed":
            return f"    {data['unit']}: {data['command']} failed: {data['error']}"
        case "unit.released":
            return f"    {data['unit']} is released, no later step needs it"
        case "machine.unproven" | "machine.safe":
            return f"    {data['message']}"
        case "run.problem":
            return f"    {data['reason']}"
        case _:
            return None


class Progress:
    """Prints the events of a stream while its block lasts."""

    def __init__(self, stream: EventStream, *, quiet: bool, write: Callable[[str], None] | None = None) -> None:
        self._stream = stream
        self._is_quiet = quiet
        self._print = write or (lambda text: print(text, flush=True))
        self._start_s: float | None = None

    def _write(self, text: str) -> None:
        """Prints until nobody can read it any more; the run goes on, and its journal has everything."""
        if self._is_quiet:
            return
        try:
            self._print(text)
        except (OSError, ValueError):
            self._is_quiet = True
            with suppress(OSError, ValueError):
                print("the output is lost, the run goes on; see `pressline show`", file=sys.stderr, flush=True)

    def begin(self, run: str, plan: Plan, store: Path) -> None:
        self._write(f"run {run}: {plan.recipe.title} (plan {plan.hash[:12]}, journal {store})")

    def tell(self, event: Event) -> None:
        """Prints one event, if it says anything to an operator."""
        if self._start_s is None:
            self._start_s = event.time_s
        if (text := sentence(event)) is not None:
            self._write(f"{clock_text(event.time_s - self._start_s)}  {text}")

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[Progress]:
        """Follows the stream until the block is left; what is still queued is printed before."""
        with self._stream.subscribe() as events:
            task = asyncio.create_task(self._follow(events), name="progress")
            try:
                yield self
            finally:
                task.cancel()
                await asyncio.wait({task})
                while not events.empty():
                    self.tell(events.get_nowait())

    async def _follow(self, events: asyncio.Queue[Event]) -> None:
        while True:
            self.tell(await events.get())
