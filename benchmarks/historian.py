"""What trends cost: `python benchmarks/historian.py`.

Writing: 250 tags as machines give them (decimal registers, 32-bit floats, states, setpoints), handed over and flushed
as 500,000 samples a second would come. Beside it, in rounds that alternate: raw rows by sqlite3's executemany into the
same kind of file, and numpy that only saves the columns. Reading: one hour of one tag out of 10,000,000 samples as
1,000 points, beside the same reduction in SQL over raw rows, and numpy on columns that are in memory already. The loop:
what a snapshot of four machines at 20 Hz takes of it, and how late its timers are with the historian and without.

Goals: 500,000 samples a second, 10 bytes a sample, 10 ms for the hour. Times are CPU times of the process, all threads;
wall times, with their disk and whatever else the computer does, stand beside them; the goal of 10 ms is for the best of
the rounds, because the rest is what else the computer did. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.database import Database, open_database
from controller.dryrun import memory_line
from controller.historian import TABLES, Historian, HistorianOptions
from controller.historian.feed import UnitFeed
from controller.historian.samples import Samples
from drivers.profile import Profile
from drivers.reading import Snapshot
from simulators.line import SimulatedLine

TAGS, RATE_HZ, FLUSHES = 250, 2000, 4
RATE_GOAL, BYTES_GOAL, READ_GOAL_MS = 500_000.0, 10.0, 10.0
START_US, HOUR_US = 1_790_000_000_000_000, 3_600_000_000
LONG, POINTS = 10_000_000, 1000
POLL_S = 0.05


class Cost:
    """CPU and wall seconds of a block."""

    cpu_s = wall_s = 0.0


@contextmanager
def cost() -> Iterator[Cost]:
    found = Cost()
    cpu, wall = time.process_time(), time.perf_counter()
    yield found
    found.cpu_s, found.wall_s = time.process_time() - cpu, time.perf_counter() - wall


def signal(kind: int, count: int, draw: np.random.Generator) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A fifth are pressures in decimal registers, the next are temperatures as floats, states, counters, setpoints."""
    wandering = 500 + np.cumsum(draw.normal(0, 0.05, count))
    match kind % 5:
        case 0:
            return np.rint(wandering * 100) * 0.01
        case 1:
            return (wandering + draw.normal(0, 0.02, count)).astype(np.float32).astype(np.float64)
        case 2:
            return np.repeat(draw.integers(0, 7, count // 100 + 1), 100)[:count].astype(np.float64)
        case 3:
            return np.arange(count) % 65536 * 1.0
        case _:
            return np.full(count, 500.0)


def minute(draw: np.random.Generator) -> dict[str, Samples]:
    """What all tags give in the time of the benchmark; those of one unit come at the same times."""
    count = RATE_HZ * FLUSHES // 2
    found = {}
    times = np.empty(0, np.int64)
    for tag in range(TAGS):
        if tag % 50 == 0:
            times = START_US + np.arange(count) * (1_000_000 // RATE_HZ) + draw.integers(0, 100, count)
        found[f"unit_{tag // 50}.signal_{tag}"] = Samples(times, signal(tag, count, draw), np.zeros(count, np.uint8))
    return found


def historian_on(database: Database) -> Historian:
    options = HistorianOptions(flush_s=1e6, waiting_samples=100_000_000)
    return Historian(database, "line", options, lambda: time.time_ns() // 1000, lambda _: None)


async def write_ours(folder: Path, given: dict[str, Samples]) -> tuple[Cost, int]:
    """Handed over in pieces of half a second, and flushed after each."""
    file = folder / "ours.sqlite"
    database = open_database(f"sqlite:///{file}", TABLES)
    historian = historian_on(database)
    await historian.open()
    with cost() as found:
        for place in range(FLUSHES):
            part = slice(place * RATE_HZ // 2, (place + 1) * RATE_HZ // 2)
            for tag, samples in given.items():
                historian.write(tag, samples.times_us[part], samples.values[part], samples.qualities[part])
            await historian.flush()
    await historian.close()
    database.close()
    return found, file.stat().st_size


def write_rows(folder: Path, given: dict[str, Samples]) -> tuple[Cost, int]:
    """Raw rows with an index, as one would begin."""
    file = folder / "rows.sqlite"
    connection = sqlite3.connect(file, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE raw (tag INTEGER, us INTEGER, value REAL, quality INTEGER)")
    connection.execute("CREATE INDEX raw_place ON raw (tag, us)")
    with cost() as found:
        for place in range(FLUSHES):
            part = slice(place * RATE_HZ // 2, (place + 1) * RATE_HZ // 2)
            connection.execute("BEGIN")
            for number, samples in enumerate(given.values()):
                here = samples[part]
                columns = (here.times_us.tolist(), here.values.tolist(), here.qualities.tolist())
                rows = zip([number] * len(here), *columns, strict=True)
                connection.executemany("INSERT INTO raw VALUES (?, ?, ?, ?)", rows)
            connection.execute("COMMIT")
    connection.close()
    return found, file.stat().st_size


def write_numpy(folder: Path, given: dict[str, Samples]) -> tuple[Cost, int]:
    """The floor: nothing is packed, nothing can be found."""
    size = 0
    with cost() as found:
        for place in range(FLUSHES):
            part = slice(place * RATE_HZ // 2, (place + 1) * RATE_HZ // 2)
            with (folder / f"{place}.npz").open("wb") as file:
                columns = [(s.times_us[part], s.values[part], s.qualities[part]) for s in given.values()]
                np.savez(file, *(np.concatenate(column) for column in zip(*columns, strict=True)))
                file.flush()
                os.fsync(file.fileno())
                size += file.tell()
    return found, size


def writing(rounds: int) -> bool:
    draw = np.random.default_rng(1)
    given = minute(draw)
    count = sum(len(samples) for samples in given.values())
    found: dict[str, list[tuple[Cost, int]]] = {"historian": [], "raw rows": [], "numpy": []}
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            found["historian"].append(asyncio.run(write_ours(Path(folder), given)))
            found["raw rows"].append(write_rows(Path(folder), given))
            found["numpy"].append(write_numpy(Path(folder), given))
    print(f"writing {count} samples of {TAGS} tags, {FLUSHES} flushes; median of {rounds} rounds")
    for name, results in found.items():
        rates = [statistics.median(count / seconds for seconds in kind) for kind in _seconds(results)]
        ratio = statistics.median(
            mine.cpu_s / other.cpu_s for (other, _), (mine, _) in zip(results, found["historian"], strict=True)
        )
        size = results[-1][1] / count
        print(
            f"  {name:10}  {rates[0]:12,.0f} samples per CPU second  {rates[1]:12,.0f} per second of wall time"
            f"  {size:6.2f} bytes a sample  historian takes {ratio:.2f} times its CPU time"
        )
    rate = statistics.median(count / mine.cpu_s for mine, _ in found["historian"])
    return rate >= RATE_GOAL and found["historian"][-1][1] / count <= BYTES_GOAL


def _seconds(results: list[tuple[Cost, int]]) -> tuple[list[float], list[float]]:
    return [one.cpu_s for one, _ in results], [one.wall_s for one, _ in results]


async def reading(rounds: int) -> bool:
    draw = np.random.default_rng(2)
    with tempfile.TemporaryDirectory() as name:
        database = open_database(f"sqlite:///{name}/ours.sqlite", TABLES)
        historian = historian_on(database)
        times = START_US + np.arange(LONG) * 50_000 + draw.integers(0, 600, LONG)
        values = signal(0, LONG, draw)
        for start in range(0, LONG, 100_000):
            historian.write("a", times[start : start + 100_000], values[start : start + 100_000])
            await historian.flush()
        raw = sqlite3.connect(f"{name}/rows.sqlite", isolation_level=None)
        raw.execute("CREATE TABLE raw (tag INTEGER, us INTEGER, value REAL, quality INTEGER)")
        raw.execute("BEGIN")
        some = slice(0, LONG // 10)
        raw.executemany(
            "INSERT INTO raw VALUES (1, ?, ?, 0)", zip(times[some].tolist(), values[some].tolist(), strict=True)
        )
        raw.execute("COMMIT")
        raw.execute("CREATE INDEX raw_place ON raw (tag, us)")
        from_us = START_US + 2 * HOUR_US
        results: dict[str, list[Cost]] = {"historian": [], "SQL": [], "numpy": []}
        for _ in range(rounds):
            with cost() as ours:
                trend = await historian.trend("a", from_us, from_us + HOUR_US, POINTS)
            with cost() as sql:
                rows = raw.execute(
                    "SELECT min(value), max(value), avg(value), count(*), max(quality) FROM raw"
                    " WHERE tag = 1 AND us >= ? AND us < ? GROUP BY (us - ?) / ?",
                    (from_us, from_us + HOUR_US, from_us, HOUR_US // POINTS),
                ).fetchall()
            with cost() as floor:
                first, after = np.searchsorted(times, (from_us, from_us + HOUR_US))
                here = values[first:after]
                starts = np.flatnonzero(np.diff((times[first:after] - from_us) // (HOUR_US // POINTS), prepend=-1))
                lows, highs = np.minimum.reduceat(here, starts), np.maximum.reduceat(here, starts)
            extremes = [(bucket.min, bucket.max) for bucket in trend.buckets]
            if not extremes == [row[:2] for row in rows] == list(zip(lows.tolist(), highs.tolist(), strict=True)):
                raise SystemExit("the three reductions do not agree")
            for kind, one in zip(results, (ours, sql, floor), strict=True):
                results[kind].append(one)
        print(f"reading one hour ({after - first} samples) out of {LONG} as {POINTS} points; median of {rounds} rounds")
        best_ms = {}
        for kind, costs in results.items():
            cpu, wall = (sorted(getattr(one, clock) * 1e3 for one in costs) for clock in ("cpu_s", "wall_s"))
            best_ms[kind] = cpu[0]
            middle, wall_ms = statistics.median(cpu), statistics.median(wall)
            print(f"  {kind:10}  {cpu[0]:8.2f} ms of CPU time at best, median {middle:.2f}, {wall_ms:.2f} of wall time")
        ratio = statistics.median(a.cpu_s / b.cpu_s for a, b in zip(results["historian"], results["SQL"], strict=True))
        print(f"  historian takes {ratio:.2f} times the CPU time of SQL")
        for days in (1, 5):
            costs_ms = []
            for _ in range(rounds):
                with cost() as one:
                    await historian.trend("a", START_US, START_US + days * 24 * HOUR_US, POINTS)
                costs_ms.append(one.cpu_s * 1e3)
            print(
                f"  {days} days: {min(costs_ms):.2f} ms of CPU time at best, median {statistics.median(costs_ms):.2f}"
            )
        raw.close()
        database.close()
        return best_ms["historian"] <= READ_GOAL_MS


async def snapshots() -> dict[str, tuple[Snapshot, Profile]]:
    """One of each of the four machines."""
    line = memory_line(SimulatedLine("nominal", clock=asyncio.get_running_loop().time))
    found = {}
    for kind in ("uniaxial_press", "isostatic_press", "coater", "roll_press"):
        unit, machine = next((n, m) for n, m in line.machines.items() if m.profile.kind == kind)
        task = asyncio.create_task(machine.run())
        while machine.latest is None:  # noqa: ASYNC110 - a benchmark
            await asyncio.sleep(0.01)
        found[unit] = machine.latest, machine.profile
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    return found


def again(shown: Snapshot) -> Snapshot:
    """The same raw blocks, not decoded yet."""
    now_s = asyncio.get_running_loop().time()
    blocks, decoder = shown._data, shown._decoder  # noqa: SLF001 - what a poll would bring
    return Snapshot(shown.unit, now_s, decoder, blocks, times=dict.fromkeys(blocks, now_s))


async def loop_part(seconds: float, rounds: int) -> None:
    known = await snapshots()
    with tempfile.TemporaryDirectory() as name:
        database = open_database(f"sqlite:///{name}/ours.sqlite", TABLES)
        historian = historian_on(database)
        feeds = {unit: UnitFeed(unit, profile, historian) for unit, (_, profile) in known.items()}
        shown = {unit: one for unit, (one, _) in known.items()}
        takes, count = [], 0
        for _ in range(500):
            for unit, one in shown.items():
                fresh = again(one)
                begun = time.perf_counter()
                feeds[unit].take(fresh)
                takes.append(time.perf_counter() - begun)
        count = historian.waiting
        await historian.flush()
        with cost() as thread:
            for _ in range(500):
                for unit, one in shown.items():
                    feeds[unit].take(again(one))
            await historian.flush()
        take_us = statistics.median(takes) * 1e6
        stored = thread.cpu_s / 2000 * 1e6
        print(f"the loop's part: {take_us:.2f} us a snapshot, {take_us * 80 / 1e6:.4%} of a core at 4 machines x 20 Hz")
        print(f"  decoding and storing: {stored:.0f} us a snapshot of {count / 2000:.0f} signals, in the other thread")
        late: dict[str, list[float]] = {"without": [], "with": []}
        for _ in range(rounds):
            late["without"] += await lateness(seconds, lambda: None)
            task = asyncio.create_task(flushing(historian))
            late["with"] += await lateness(
                seconds, lambda: [feeds[unit].take(again(one)) for unit, one in shown.items()]
            )
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        for kind, found in late.items():
            p50, p99 = (float(np.percentile(found, part)) * 1e3 for part in (50, 99))
            print(
                f"  timers {kind:7} historian: p50 {p50:.3f} ms, p99 {p99:.3f} ms, max {max(found) * 1e3:.2f} ms late"
            )
        database.close()


async def flushing(historian: Historian) -> None:
    while True:
        await asyncio.sleep(HistorianOptions().flush_s)
        await historian.flush()


async def lateness(seconds: float, at_each_poll: Callable[[], object]) -> list[float]:
    """How late a timer every 5 ms is; at every tenth four machines are polled."""
    loop, found = asyncio.get_running_loop(), []
    begun = due = loop.time()
    ticks = 0
    while due < begun + seconds:
        due, ticks = max(due + 0.005, loop.time()), ticks + 1
        await asyncio.sleep(due - loop.time())
        found.append(loop.time() - due)
        if ticks % round(POLL_S / 0.005) == 0:
            at_each_poll()
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    fast = writing(options.rounds)
    quick = asyncio.run(reading(max(options.rounds, 5) * 3))
    asyncio.run(loop_part(5.0, 3))
    return 0 if fast and quick else 1


if __name__ == "__main__":
    sys.exit(main())
