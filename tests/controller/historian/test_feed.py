"""What machines show is recorded: every polled number of every snapshot, its quality, its time, and the link."""

from __future__ import annotations

import asyncio
import math
from pathlib import Path

import pytest

from controller.database import open_database
from controller.dryrun import memory_line
from controller.historian import Historian, HistorianOptions, MarkKind, Trend, blocks, recording
from controller.historian.feed import UnitFeed, fed, tags_of
from controller.historian.tables import TABLES
from drivers.profile_file import load_profile
from drivers.reading import LinkChange, Quality, Snapshot
from simulators.clock import run_scaled, run_virtual
from simulators.line import SimulatedLine
from tests.controller.historian.stores import DAY_US, SECOND_US, START_US, sqlite_url
from tests.controller.historian.test_recording import Clock, Told

UNIT = "uniaxial-press-1"
EVERYTHING = (START_US - DAY_US, START_US + DAY_US)


def virtual_us() -> int:
    return START_US + round(asyncio.get_running_loop().time() * 1e6)


def test_every_number_of_every_snapshot_is_recorded(tmp_path: Path) -> None:
    async def work() -> None:
        database = open_database(sqlite_url(tmp_path), TABLES)
        line = memory_line(SimulatedLine("nominal", clock=asyncio.get_running_loop().time))
        machine = line.machines[UNIT]
        options = HistorianOptions(flush_s=5)
        seen: asyncio.Queue[object] = asyncio.Queue()
        async with recording(database, "line", utc_us=virtual_us, tell=Told(), options=options) as historian:
            with fed(historian, {UNIT: machine}), machine.subscribe(seen):
                task = asyncio.create_task(machine.run())
                await asyncio.sleep(60)
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
            await historian.flush()
            shown = [item for item in iter_of(seen) if isinstance(item, Snapshot)]
            assert len(shown) > 20
            names = [name for name in shown[0].names if machine.profile.signals[name].type != "text"]
            stored = await historian.tags()
            assert sorted(tag.tag.name for tag in stored) == sorted(f"{UNIT}.{name}" for name in names)
            for name in names:
                found = await historian.samples(f"{UNIT}.{name}", *EVERYTHING)
                numbers = [next(n for n in one.numbers() if n[0] == name) for one in shown]
                assert found.times_us.tolist() == [START_US + round(n[2] * 1e6) for n in numbers]
                assert found.values.tolist() == [n[1] for n in numbers]
                assert {int(number) for number in found.qualities} == {0}
        database.close()

    run_virtual(work())


def iter_of(queue: asyncio.Queue[object]) -> list[object]:
    return [queue.get_nowait() for _ in range(queue.qsize())]


def test_tags_say_what_the_profile_says() -> None:
    tags = {tag.name: tag for tag in tags_of("p", load_profile("isostatic-press-generic"))}
    assert tags["p.pressure_a_mpa"].unit == "MPa"
    assert "EXECUTE" in tags["p.machine_state"].words.values()
    assert "closure_locked" in str([tag.bits for tag in tags.values()])


async def taken(historian: Historian, items: list[Snapshot | LinkChange], clock: Clock, step_us: list[int]) -> Trend:
    profile = load_profile("isostatic-press-generic")
    feed = UnitFeed("p", profile, historian)
    for item, step in zip(items, step_us, strict=True):
        clock.now_us += step
        feed.take(item)
    await historian.flush()
    return await historian.trend("p.pressure_a_mpa", START_US - 700 * SECOND_US, START_US + 60 * SECOND_US, 100_000)


def snapshot(pressure_mpa: float, ceiling: Quality = Quality.GOOD) -> Snapshot:
    profile = load_profile("isostatic-press-generic")
    made = Snapshot.of("p", profile, asyncio.get_running_loop().time(), {"pressure_a_mpa": pressure_mpa})
    made._ceiling = ceiling
    return made


async def test_qualities_are_those_of_the_readings(tmp_path: Path) -> None:
    clock, database = Clock(), open_database(sqlite_url(tmp_path), TABLES)
    async with recording(database, "line", utc_us=clock, tell=Told()) as historian:
        items: list[Snapshot | LinkChange] = [
            snapshot(500.0),
            snapshot(501.0, Quality.UNCERTAIN),
            snapshot(1e9),
            snapshot(math.nan),
        ]
        found = (await taken(historian, items, clock, [SECOND_US] * 4)).buckets
        assert [bucket.quality for bucket in found] == [Quality.GOOD, Quality.UNCERTAIN, Quality.BAD, Quality.BAD]
        assert [bucket.first for bucket in found] == [500.0, 501.0, 1e9, None]
    database.close()


async def test_a_lost_link_and_a_clock_that_was_set_are_marked(tmp_path: Path) -> None:
    clock, database = Clock(), open_database(sqlite_url(tmp_path), TABLES)
    async with recording(database, "line", utc_us=clock, tell=Told()) as historian:
        now_s = asyncio.get_running_loop().time()
        items: list[Snapshot | LinkChange] = [
            snapshot(1.0),
            LinkChange("p", up=False, reason="no good answer since 3.0 s", time_s=now_s),
            LinkChange("p", up=True, reason="connected", time_s=now_s),
            snapshot(2.0),
        ]
        trend = await taken(historian, items, clock, [0, 0, 100_000, -600 * SECOND_US])
        link, clock_set = sorted(trend.marks, key=lambda mark: mark.kind != MarkKind.LINK)
        assert (link.kind, link.words) == (MarkKind.LINK, "no good answer since 3.0 s")
        assert 0 < (link.to_us or 0) - link.from_us <= 200_000
        assert (clock_set.kind, clock_set.words[:36]) == (MarkKind.CLOCK, "the clock of the day was set by -599")
        assert [bucket.first for bucket in trend.buckets] == [2.0, 1.0]  # in order of the day's time
    database.close()


def test_time_that_runs_faster_is_no_clock_that_was_set(tmp_path: Path) -> None:
    import time

    async def work() -> None:
        database = open_database(sqlite_url(tmp_path), TABLES)
        utc_us = time.time_ns
        async with recording(database, "line", utc_us=lambda: utc_us() // 1000, tell=Told()) as historian:
            feed = UnitFeed("p", load_profile("isostatic-press-generic"), historian)
            for _ in range(3):
                feed.take(snapshot(1.0))
                await asyncio.sleep(2)
            await historian.flush()
            now_us = utc_us() // 1000
            assert await historian.marks(now_us - DAY_US, now_us + DAY_US) == []
        database.close()

    run_scaled(work(), 20)


def test_signals_read_together_share_their_times(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All signals of a unit cost one column of times."""
    monkeypatch.setattr(blocks, "BLOCK", 64)

    async def work() -> tuple[int, int]:
        database = open_database(sqlite_url(tmp_path), TABLES)
        profile = load_profile("isostatic-press-generic")
        clock = Clock()
        async with recording(database, "line", utc_us=clock, tell=Told()) as historian:
            feed = UnitFeed("p", profile, historian)
            zeros = {name: 0.0 for block in profile.polled for name in block.signals}
            for _ in range(70):
                clock.now_us += 50_000
                feed.take(Snapshot.of("p", profile, asyncio.get_running_loop().time(), zeros))
            await historian.flush()
        counts = [
            database.run_now(lambda c, t=table: c.exec_driver_sql(f"SELECT count(*) FROM {t}").scalar())  # type: ignore[misc]  # noqa: S608 - a lambda's default has no type
            for table in ("trend_blocks", "trend_times")
        ]
        database.close()
        return int(counts[0] or 0), int(counts[1] or 0)

    packed, times = asyncio.run(work())
    assert packed == len(tags_of("p", load_profile("isostatic-press-generic")))
    assert times == 1
