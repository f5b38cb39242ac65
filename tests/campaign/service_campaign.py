"""Hours of production on virtual time with faults: does the service stay what it is? `make campaign-service HOURS=24`.

Two runs are always wanted. Plugs are pulled, runs are held and paused, units are taken out of service, as the seed
says; a shift that looks every ten seconds does what people would do. Trends are recorded, and messages are kept for a
broker that never comes. Each hour is told as one line of JSON: what the controller holds in memory, its tasks, what is
on the disk beside what docs/explanation/service.md predicts. Ends with 1 if memory or tasks grow, a store is not as
large as predicted, a unit belongs to nobody's run, a record is missing or the program failed at a run.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from controller.journal import read_events, verify
from controller.outbox import Limits, Priority
from controller.telemetry.settings import Broker, MqttSettings, SparkplugSettings
from simulators.clock import run_virtual
from tests.campaign.hosted_line import Hosted, hosted_line
from tests.campaign.shift import held
from tests.ports import free_port

WARM_H = 4
"""Hours until everything that is kept (the last runs, caches, the outbox's bound) is there."""
SPARE = {"objects": 300, "tasks": 10, "events_in_memory": 300, "memory_mb": 12}
"""How much more the second half may have at most at any full hour than the first: what one run or one prompt needs, and
what the allocator of memory leaves lying about."""
KEPT = 50_000
"""Messages that may wait for the broker: the bound is reached within the first hours."""
VALUES_HZ = 0.1
RECORD_BYTES, SAMPLE_BYTES, OUTBOX_FACTOR, BASE_BYTES = 1_300, 2.0, 2.0, 8_000_000
"""The prediction of docs/explanation/service.md, "How large the store becomes"."""
LEAST = 0.25
"""What is on the disk may be as large as predicted, and is not less than this part of it: a store that is far too small
has lost something."""


def mqtt() -> MqttSettings:
    """A broker that is never there."""
    broker = Broker("127.0.0.1", free_port(), "campaign", connect_s=60.0)
    plug = SparkplugSettings("plant", "campaign")
    return MqttSettings(broker, "s", "a", "l", sparkplug=plug, values_hz=VALUES_HZ, limits=Limits(messages=KEPT))


def memory_mb() -> float:
    """What the process holds of the computer's memory, the simulated machines included."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


class Samples:
    """Counts what is given to the historian."""

    def __init__(self, line: Hosted) -> None:
        self.count = 0
        historian: Any = line.historian
        take = historian.take

        def counted(source: Any, item: Any, scope: str, count: int, at_us: int) -> None:
            self.count += count
            take(source, item, scope, count, at_us)

        historian.take = counted


async def stores(line: Hosted, samples: Samples) -> dict[str, dict[str, int]]:
    """Bytes on the disk and what was predicted of them."""
    assert line.telemetry is not None
    records = len(line.journal.everything())
    outbox = await line.telemetry.outbox.status()
    predicted = {
        "store": records * RECORD_BYTES + BASE_BYTES,
        "trends": round(samples.count * SAMPLE_BYTES) + BASE_BYTES,
        "outbox": round(outbox.size * OUTBOX_FACTOR) + BASE_BYTES,
    }
    return {name: {"bytes": line.size(name), "predicted": most} for name, most in predicted.items()} | {
        "counts": {"records": records, "samples": samples.count, "waiting": outbox.waiting}
    }


def grown(told: list[dict[str, Any]]) -> list[str]:
    """What the second half has more of than the first."""
    half = (WARM_H - 1 + len(told)) // 2
    wrong = []
    for name, spare in SPARE.items():
        before, after = (max(one[name] for one in part) for part in (told[WARM_H - 1 : half], told[half:]))
        if after > before + spare:
            wrong.append(f"{name} grew from {before} to {after}")
    return wrong


def sized(told: dict[str, Any]) -> list[str]:
    """Stores that are not as large as predicted."""
    found = {name: (told[name]["bytes"], told[name]["predicted"]) for name in ("store", "trends", "outbox")}
    return [
        f"{name} has {size} bytes, predicted were {most}"
        for name, (size, most) in found.items()
        if not LEAST * most <= size <= most
    ]


async def hours(count: int, seed: int, folder: Path) -> list[str]:
    """Plays them; what was wrong in the end."""
    wrong: list[str] = []
    told: list[dict[str, Any]] = []
    async with hosted_line(folder, seed, mqtt()) as line:
        shift, samples = line.shift, Samples(line)
        tasks = [asyncio.create_task(work) for work in (shift.works(), shift.suffers())]
        for hour in range(1, count + 1):
            await asyncio.sleep(3600)
            wrong += [*shift.ownerless(), *line.health.faults]
            hour_told = {
                "hour": hour,
                "memory_mb": round(memory_mb(), 1),
                "objects": held(),
                "tasks": len(asyncio.all_tasks()),
                "events_in_memory": len(line.journal.events()),
                **await stores(line, samples),
                "ended": dict(shift.ended),
                "faults": dict(shift.faults),
            }
            told.append(hour_told)
            print(json.dumps(hour_told), flush=True)
            wrong += [str(task.exception()) for task in tasks if task.done()]
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
        wrong += await missing(line, samples)
    wrong += [*shift.broken, *([line.journal.broken] if line.journal.broken else [])]
    left = asyncio.all_tasks() - {asyncio.current_task()}
    wrong += [f"task {task.get_name()} is left" for task in left]
    wrong += verify(read_events(folder / "store.sqlite"))
    return [*wrong, *(grown(told) if count > WARM_H else []), *(sized(told[-1]) if count >= WARM_H else [])]


async def missing(line: Hosted, samples: Samples) -> list[str]:
    """Samples that were given and are not stored; drops of messages that matter more than values."""
    assert line.historian is not None
    assert line.telemetry is not None
    await line.historian.flush()
    stored = sum(tag.count for tag in await line.historian.tags())
    wrong = [] if line.historian.lost == 0 else [f"{line.historian.lost} samples found no room"]
    if not 0.9 * samples.count <= stored <= 1.001 * samples.count:  # the first ones came before they were counted
        wrong.append(f"{stored} samples are stored of about {samples.count}")
    status = await line.telemetry.outbox.status()
    wrong += [
        f"{drop.messages} {drop.priority.name} of {drop.outlet} were dropped while values were kept"
        for drop in status.drops
        if drop.priority is not Priority.VALUE and status.messages[Priority.VALUE]
    ]
    return wrong if status.waiting <= KEPT else [*wrong, f"{status.waiting} messages wait"]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        wrong = run_virtual(hours(given.hours, given.seed, Path(folder)), io_guard_s=0.0)
    print("\n".join(dict.fromkeys(wrong)) or "nothing was wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
