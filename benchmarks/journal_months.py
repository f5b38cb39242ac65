"""A store of a million records: what opening it takes, what stays in memory, what a service asks of it.

`python benchmarks/journal_months.py [RECORDS]`. Each figure is measured in a process of its own; the peers in the same
run are a small store, and reading and verifying all records as `pressline verify` does.
"""

from __future__ import annotations

import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.events import Event, EventStream
from controller.journal import GENESIS, SqliteJournal, canonical, chain_hash, read_events, verify
from controller.journal.anchor import anchor_path, write_anchor
from controller.journal.database import INSERT

RUN = 400  # records of a run, as Example 1 has them with its alarms
UTC = "2026-01-01T00:00:00.000+00:00"
KINDS = ("run.created", "condition", "command.requested", "command.done", "step.phase", "run.state", "alarm.raised")


def fill(path: Path, count: int) -> None:
    """A store with a sound chain, written in large transactions: the journal itself syncs each record."""
    asyncio.run(_made(path))
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("BEGIN")
    previous, event = GENESIS, None
    for number in range(1, count + 1):
        place, run = number % RUN, f"2026-{number // RUN:06d}"
        kind = "run.closed" if place == RUN - 1 else "run.created" if place == 0 else KINDS[1 + number % 6]
        data = {"name": f"n{number % 40}", "subject": f"u{number % 5}", "unit": "press", "state": "complete"}
        data |= {"text": "x" * (8000 if kind == "run.created" else 250), "job": {"job_id": number // 100}}
        text, utc = canonical(data), f"2026-01-01T{number // 3600000:02d}:{number // 60000 % 60:02d}:00.000+00:00"
        own = chain_hash(previous, number, run, kind, text, float(number), utc)
        event = Event(number, run, kind, data, float(number), utc, previous, own)
        database.execute(INSERT, (number, run, kind, text, float(number), utc, previous, own))
        previous = own
    database.execute("COMMIT")
    database.close()
    if event is not None:
        write_anchor(anchor_path(path), event)


async def _made(path: Path) -> None:
    await SqliteJournal(EventStream(), lambda: UTC, path).close()


async def start(path: Path) -> dict[str, float]:
    """Opens a store as a service does, and asks what it asks."""
    from controller.alarms.record import KINDS as ALARMS
    from controller.recovery import open_runs, undecided

    begun = time.perf_counter()
    journal = SqliteJournal(EventStream(), lambda: UTC, path)
    opened = time.perf_counter()
    found = {"open s": opened - begun}
    questions = {
        "open runs": lambda: (open_runs(journal.everything()), undecided(journal.everything())),
        "alarms": lambda: journal.earlier.latest_of(tuple(ALARMS), ("name", "subject")),
        "bypasses": lambda: journal.told(("bypass.begun", "bypass.ended")),
        "conditions": lambda: journal.earlier.latest_of(("condition",), ("name", "unit")),
        "last job": lambda: journal.earlier.highest(("command.requested",), "job", "job_id"),
        "one run": lambda: journal.record("2026-000001"),
    }
    for name, question in questions.items():
        begun = time.perf_counter()
        question()
        found[f"{name} s"] = time.perf_counter() - begun
    begun = time.perf_counter()
    for number in range(200):
        await journal.append("bench", "k", {"n": number, "text": "x" * 250})
    found["append ms"] = (time.perf_counter() - begun) * 5
    await journal.close()
    return found | _memory()


def whole(path: Path) -> dict[str, float]:
    """Reads and verifies all records, as every start did before."""
    begun = time.perf_counter()
    events = read_events(path)
    faults = verify(events)
    return {"open s": time.perf_counter() - begun, "faults": len(faults), **_memory()}


def _memory() -> dict[str, float]:
    return {"memory MB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def measured(what: str, path: Path) -> dict[str, float]:
    """One measurement in a process of its own."""
    command = [sys.executable, __file__, what, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - ourselves
    return dict(json.loads(done.stdout))


def main(count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        small, large = Path(folder, "small.sqlite"), Path(folder, "large.sqlite")
        fill(small, 4000)
        fill(large, count)
        print(f"{count} records, {large.stat().st_size / 1e6:.0f} MB; beside 4000, {small.stat().st_size / 1e6:.0f} MB")
        one, many, all_of_it = measured("start", small), measured("start", large), measured("whole", large)
        for name, value in many.items():
            print(
                f"{name:16} {value:10.3f}   small store {one[name]:10.3f}   ratio {value / max(one[name], 1e-9):8.1f}"
            )
        for name in ("open s", "memory MB"):
            print(f"read and verified whole, {name}: {all_of_it[name]:.1f}, {all_of_it[name] / many[name]:.0f} times")


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["start", path]:
            print(json.dumps(asyncio.run(start(Path(path)))))
        case ["whole", path]:
            print(json.dumps(whole(Path(path))))
        case rest:
            main(int(rest[0]) if rest else 1_000_000)
