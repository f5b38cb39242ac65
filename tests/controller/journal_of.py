"""Prints the canonical journal of a dry run, in a process of its own: `python -m tests.controller.journal_of FILE`."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from controller.dryrun import rehearsed
from controller.events import Event, EventStream
from controller.executor.run import Run
from controller.executor.states import RunState
from controller.journal import Journal, canonical
from controller.session import unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.recipes_for_tests import planned


async def held_once(run: Run, events: asyncio.Queue[Event]) -> None:
    """Somebody holds the densifying at pressure, looks at it for 20 s, and goes on."""
    while True:
        event = await events.get()
        if event.kind == "step.phase" and event.data == {"unit": "isostatic-press-1", "phase": "dwell"}:
            await run.hold("a noise", "a person")
        elif event.kind == "run.state" and event.data["state"] == RunState.HELD:
            await asyncio.sleep(20.0)
            run.restart("it was nothing", "a person")
            await asyncio.Event().wait()  # a run whose attendant leaves is stopped


def journal_lines(file: Path, scenario: str, seed: int, *, is_held: bool) -> list[str]:
    """Each record of the journal as the text that its hash is taken over, with its hash."""

    async def main() -> Journal:
        simulated = SimulatedLine(scenario=scenario, seed=seed, clock=asyncio.get_running_loop().time)
        said = {"scenario": scenario, "seed": seed}
        attendant = held_once if is_held else unattended
        return await rehearsed(planned(file, None), simulated, EventStream(), "same", said, attendant)

    return [
        canonical([e.sequence, e.run, e.kind, e.data, e.time_s, e.utc, e.previous_hash, e.hash])
        for e in run_virtual(main()).events()
    ]


if __name__ == "__main__":
    path, scenario, seed, held = sys.argv[1:]
    print("\n".join(journal_lines(Path(path), scenario, int(seed), is_held=held == "held")))
