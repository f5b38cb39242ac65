"""What happens while a run goes on, one line each, with the line's own time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from controller.cli.printing import Printer
from controller.events import Event
from controller.journal import Journal
from controller.place import Place
from controller.vitals.background import background
from controller.vitals.deaths import MustProgress, Restart, conditions_in
from recipes.plan import Plan

HANG_S = 60.0  # loop seconds without a line taken; a person who holds the terminal with Ctrl-S reads for less


def clock_text(seconds: float) -> str:
    """Minutes and seconds, as on a stopwatch."""
    return f"{int(seconds) // 60:3d}:{int(seconds) % 60:02d}"


def sentence(event: Event) -> str | None:
    """What an operator wants to read of an event; None for what only the record needs."""
    data = event.data
    match event.kind:
        case "step.started":
            return f"{data['name']}" + (f" on {data['unit']}" if data["unit"] else "")
        case "step.supplied":
            return f"    {data['name']} was done by {data['from']['run']}, record {data['from']['record']}"
        case "step.phase" if data["phase"] not in ("idle", "done"):
            return f"    {data['unit']}: {data['phase'].replace('_', ' ')}"
        case "prompt.asked":
            return f"    task: {data['text']}"
        case "measurement":
            return f"    {data['unit']}: {data['value']:g} {data['in']}"
        case "run.state" if data["reason"] or data["state"] in ("held", "complete", "stopped", "aborted"):
            told = f"run is {data['state']}" + (f": {data['reason']}" if data["reason"] else "")
            return "\n".join([told, *(f"        {name}: {words}" for name, words in data.get("choices", {}).items())])
        case "command.undelivered" | "command.failed":
            return "    " + (data.get("needless") or f"{data['unit']}: {data['command']} failed: {data['error']}")
        case "run.recovered":
            return f"{event.run} was left by a controller that ended; found: {'; '.join(data['found']) or 'no machine'}"
        case "prompt.recalled":
            entered = ", ".join(f"{name} {value:g}" for name, value in data["values"].items())
            return f"    entered before: {entered}"
        case "run.waiting":
            return f"    waits for {data['for']}: {data['because']}"
        case "run.waited":
            return f"    waits no more for {data['for']}, after {data['waited_s'] / 60:.1f} min"
        case "unit.out_of_service":
            return f"    {data['unit']} is out of service ({data['who']}: {data['reason']})"
        case "unit.in_service":
            return f"    {data['unit']} is in service again ({data['who']}: {data['reason']})"
        case "unit.released":
            return f"    {data['unit']} is released, no later step needs it"
        case "machine.unproven" | "machine.safe":
            return f"    {data['message']}"
        case "run.problem":
            return f"    {data['reason']}"
        case "alarm.raised":
            first = ", first out" if data["first_out"] else ""
            return f"    ALARM ({data['priority']}{first}) {data['text']}"
        case "alarm.acknowledged" | "alarm.shelved" | "alarm.removed" | "alarm.reset":
            by = f"{data['who']}, {data['why']}" if data["why"] else data["who"]
            return f"    alarm {event.kind.removeprefix('alarm.')} by {by}: {data['text'] or data['name']}"
        case "alarm.unshelved":
            return f"    alarm no longer shelved: {data['text'] or data['name']}"
        case _:
            return None


class Progress:
    """Prints the events of a journal while the block of `shown` lasts; never waited for by anything.

    Once a second run has begun each line names its run.

    asked_here says that tasks are asked at this very terminal; then they are not told beside their question.
    """

    def __init__(
        self,
        journal: Journal,
        *,
        quiet: bool,
        asked_here: bool = False,
        write: Callable[[str], None] | None = None,
    ) -> None:
        self._journal = journal
        self._is_asked_here = asked_here
        self._is_quiet = quiet
        self._runs: list[str] = []
        self._print = write
        self._printer: Printer | None = None
        self._start_s: float | None = None

    def _write(self, text: str) -> None:
        if self._printer is not None and not self._is_quiet:
            self._printer.print(text)

    def begin(self, run: str, plan: Plan, store: Place) -> None:
        self._runs.append(run)
        self._write(f"run {run}: {plan.recipe.title} (plan {plan.hash[:12]}, journal {store})")

    def tell(self, event: Event) -> None:
        """Prints one event, if it says anything to an operator."""
        if self._start_s is None:
            self._start_s = event.time_s
        if self._is_asked_here and event.kind == "prompt.asked":
            return
        if (text := sentence(event)) is not None:
            whose = f"{event.run}  " if len(self._runs) > 1 else ""
            self._write(f"{clock_text(event.time_s - self._start_s)}  {whose}{text}")

    @asynccontextmanager
    async def shown(self) -> AsyncIterator[Progress]:
        """Follows the events until the block is left; what is still queued is printed before."""
        printer = self._printer = Printer(self._print)
        loop = asyncio.get_running_loop()
        with self._journal.stream.subscribe() as events:
            try:
                async with background(conditions_in(self._journal)) as tasks:
                    tasks.start(
                        "the progress display",
                        lambda: self._follow(events),
                        Restart(times=None),
                        condition="progress",
                        progress=MustProgress(
                            lambda: (printer.printed, None if printer.waits else loop.time()), HANG_S
                        ),
                    )
                    yield self
            finally:
                while not events.empty():
                    self.tell(events.get_nowait())
                printer.close()

    async def _follow(self, events: asyncio.Queue[Event]) -> None:
        while True:
            self.tell(await events.get())
