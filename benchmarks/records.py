"""What the API reads of a journal of 1e5 and of 1e6 records: no answer may grow with the store.

Each question is asked of both stores in one run; printed are the median milliseconds of each, their ratio (goal: at
most 2), and the p99 of how late the loop was meanwhile (so long a poll that is due waits), beside an idle loop.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))
from controller.api import Records, Workers
from controller.api.documents import Form, certificate, record
from controller.dryrun import rehearsed
from controller.events import Event, EventStream
from controller.journal import GENESIS, SqliteJournal, canonical
from controller.journal.chain import chain_hash
from controller.session import unattended
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from tests.controller.many import PROFILES, plan_of

SMALL = Path(__file__).parents[1] / "tests" / "controller" / "small.yaml"
ROUNDS, TICK_S = 7, 0.001
UTC = "2100-01-01T00:00:00.000+00:00"


def rows(template: Sequence[Event], count: int) -> Iterator[tuple[Any, ...]]:
    """The records of one run again and again, under other names, as one chain."""
    previous = GENESIS
    texts = [canonical(event.data) for event in template]
    times = [datetime.fromisoformat(event.utc) for event in template]
    lasts = times[-1] - times[0] + timedelta(seconds=1)
    for number in range(count):
        turn, place = divmod(number, len(template))
        event, text, run = template[place], texts[place], f"run-{turn}"
        utc = (times[place] + lasts * turn).isoformat(timespec="milliseconds")
        own = chain_hash(previous, number + 1, run, event.kind, text, event.time_s, utc)
        yield (number + 1, run, event.kind, text, event.time_s, utc, previous, own)
        previous = own


async def one_run() -> list[Event]:
    """Everything that is recorded of one run of the small recipe."""
    simulated = SimulatedLine(seed=1, clock=asyncio.get_running_loop().time, units=PROFILES)
    said = {"scenario": "nominal", "seed": 1}
    journal = await rehearsed(plan_of(SMALL), simulated, EventStream(), "same", said, unattended)
    return [event for event in journal.events() if event.run == "same"]


def made(file: Path, template: Sequence[Event], count: int) -> Path:
    """A store with so many records."""

    async def begun() -> None:
        await SqliteJournal(EventStream(), lambda: UTC, file).close()

    asyncio.run(begun())
    with closing(sqlite3.connect(file, isolation_level=None)) as database:
        database.execute("BEGIN")
        database.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows(template, count))
        database.execute("COMMIT")
    return file


def questions(records: Records, workers: Workers, run: str) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What is asked, by what it is called."""

    async def certified() -> bytes:
        return await workers.compute(certificate, list(await records.of_run(run)), run, Form.JSON)

    async def told() -> dict[str, Any]:
        return await workers.compute(record, list(await records.of_run(run)), alive=False)

    return {
        "runs, newest 50": lambda: records.runs(None, "", 50),
        "lots of a run": lambda: records.lots_of_run(run, UTC),
        "genealogy back": lambda: records.lots_around(run, UTC),
        "genealogy forward": lambda: records.lots_around(run, UTC, forward=True),
        "events of a run": lambda: records.of_run(run),
        "batch record": told,
        "certificate": certified,
    }


async def lateness(until: asyncio.Event) -> list[float]:
    """How late a loop that wants to wake every millisecond was, in ms."""
    late = []
    while not until.is_set():
        due = time.perf_counter() + TICK_S
        await asyncio.sleep(TICK_S)
        late.append((time.perf_counter() - due) * 1e3)
    return late


async def asked(file: Path, count: int, size: int) -> dict[str, tuple[float, float]]:
    """By question: median ms, and the p99 of the loop's lateness meanwhile."""
    found = {}
    journal = SqliteJournal(EventStream(), lambda: UTC, file)
    workers = Workers(2, 16)
    try:
        records = Records(journal, workers)
        run = f"run-{count // size // 2}"
        begun_s = time.perf_counter()
        await records.lots_of_run(run, UTC)
        print(f"{count:>9,} records: the first question for lots {1e3 * (time.perf_counter() - begun_s):.0f} ms")
        await workers.compute(json.dumps, {})
        for name, question in questions(records, workers, run).items():
            over = asyncio.Event()
            watching = asyncio.create_task(lateness(over))
            took = []
            for _ in range(ROUNDS):
                begun_s = time.perf_counter()
                await question()
                took.append((time.perf_counter() - begun_s) * 1e3)
            over.set()
            late = await watching
            found[name] = statistics.median(took), sorted(late)[int(len(late) * 0.99)]
        over = asyncio.Event()
        watching = asyncio.create_task(lateness(over))
        await asyncio.sleep(0.5)
        over.set()
        late = await watching
        found["(nothing)"] = 0.0, sorted(late)[int(len(late) * 0.99)]
    finally:
        workers.close()
        await journal.close()
    return found


def main(sizes: Sequence[int]) -> None:
    """Prints the table."""
    template = run_virtual(one_run())
    with tempfile.TemporaryDirectory() as folder:
        found = []
        for count in sizes:
            file = made(Path(folder) / f"{count}.sqlite", template, count)
            found.append(asyncio.run(asked(file, count, len(template))))
        small, large = found
        print(f"{'question':<20} {'ms':>8} {'ms':>8} {'ratio':>6} {'late p99 ms':>12} {'late p99 ms':>12}")
        for name, (one_ms, one_late) in small.items():
            other_ms, other_late = large[name]
            ratio = f"{other_ms / one_ms:.2f}" if one_ms else "-"
            print(f"{name:<20} {one_ms:>8.1f} {other_ms:>8.1f} {ratio:>6} {one_late:>12.2f} {other_late:>12.2f}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, nargs=2, default=[100_000, 1_000_000])
    main(parser.parse_args().records)
