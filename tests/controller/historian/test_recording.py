"""Recording beside the loop: what waits is bounded, trouble is told and mended, ends and beginnings are marked."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from controller.database import DatabaseUnusable, open_database
from controller.historian import ExceptionReport, Historian, HistorianOptions, MarkKind, SamplesRefused, Tag, recording
from controller.historian.exceptions import Exceptions
from controller.historian.historian import CONDITION
from controller.historian.model import HOUR_US, Mark
from controller.historian.samples import Samples, joined
from controller.historian.tables import TABLES
from drivers.reading import Quality
from tests.controller.historian.stores import DAY_US, SECOND_US, START_US, bits, ramp, sqlite_url

NEVER = HistorianOptions(flush_s=1e6)


class Clock:
    """A clock of the day that a test sets."""

    def __init__(self) -> None:
        self.now_us = START_US

    def __call__(self) -> int:
        return self.now_us


class Told(list[tuple[str, bool, str]]):
    """The conditions that were told."""

    def __call__(self, data: Mapping[str, Any]) -> None:
        self.append((data["name"], data["active"], data["message"]))


@asynccontextmanager
async def recorded(
    url: str, told: Told | None = None, options: HistorianOptions = NEVER, clock: Clock | None = None
) -> AsyncIterator[Historian]:
    database = open_database(url, TABLES)
    try:
        async with recording(
            database, "line", utc_us=clock or Clock(), tell=told if told is not None else Told(), options=options
        ) as historian:
            yield historian
    finally:
        database.close()


async def until(true: Callable[[], bool]) -> None:
    """Returns when something has become true."""
    async with asyncio.timeout(20):
        while not true():  # noqa: ASYNC110 - what is waited for has no event
            await asyncio.sleep(0.01)


def write(historian: Historian, tag: str, samples: Samples) -> None:
    historian.write(tag, samples.times_us, samples.values, samples.qualities)


@contextmanager
def locked(url: str) -> Iterator[None]:
    """Nobody else can write to this file."""
    other = sqlite3.connect(url.removeprefix("sqlite:///"))
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.rollback()
        other.close()


async def test_what_is_written_is_there_after_a_flush_and_after_the_end(url: str) -> None:
    async with recorded(url) as historian:
        historian.describe([Tag("press.x", "MPa")])
        write(historian, "press.x", ramp(9000))
        assert historian.waiting == 9000
        await historian.flush()
        assert historian.waiting == 0
        historian.write("press.x", [START_US - SECOND_US], [0.5], Quality.UNCERTAIN)  # late, and not flushed
    async with recorded(url) as historian:
        found = await historian.samples("press.x", 0, START_US + DAY_US)
        assert bits(found[1:]) == bits(ramp(9000))
        assert (found.values[0], found.qualities[0]) == (0.5, 1)
        [stored] = await historian.tags()
        assert (stored.tag.unit, stored.count) == ("MPa", 9001)


async def test_what_comes_is_stored_at_its_rhythm(tmp_path: Path) -> None:
    async with recorded(sqlite_url(tmp_path), options=HistorianOptions(flush_s=0.01)) as historian:
        write(historian, "a", ramp(5))
        await until(lambda: not historian.waiting)
        assert (await historian.trend("a", START_US, START_US + DAY_US, 10)).count == 5


async def test_a_store_that_takes_nothing_is_told_and_loses_nothing_while_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.database.engines.BUSY_LIMIT_S", 0.05)
    told, url = Told(), sqlite_url(tmp_path)
    async with recorded(url, told, HistorianOptions(flush_s=0.01)) as historian:
        with locked(url):
            write(historian, "a", ramp(3000))
            await until(lambda: bool(told))
            write(historian, "a", ramp(3000, from_us=START_US + 3000 * SECOND_US, first=3000))
        await until(lambda: not historian.waiting)
        assert bits(await historian.samples("a", START_US, START_US + DAY_US)) == bits(ramp(6000))
    assert [(name, active) for name, active, _ in told] == [(CONDITION, True), (CONDITION, False)]
    assert "database is locked; 3000 samples wait in memory" in told[0][2]
    assert told[1][2] == "trends are stored again; nothing was lost"


async def test_what_finds_no_room_is_counted_marked_and_told(tmp_path: Path) -> None:
    told = Told()
    async with recorded(sqlite_url(tmp_path), told, HistorianOptions(flush_s=1e6, waiting_samples=100)) as historian:
        write(historian, "press.x", ramp(100))
        for start in (100, 110):
            write(historian, "press.x", ramp(10, from_us=START_US + start * SECOND_US))
        assert (historian.waiting, historian.lost) == (100, 20)
        await historian.flush()
        trend = await historian.trend("press.x", START_US, START_US + DAY_US, 10)
        [mark] = trend.marks
        assert (mark.kind, mark.lost, trend.count) == (MarkKind.DROPPED, 20, 100)
        assert (mark.from_us, mark.to_us) == (START_US + 100 * SECOND_US, START_US + 119 * SECOND_US)
        write(historian, "press.x", ramp(100))  # there is room again
        assert historian.lost == 20
    assert [message for _, _, message in told] == [
        "trends are not stored: the store takes none; 100 samples wait in memory",
        "trends are stored again; 20 samples were lost",
    ]


async def test_a_disk_that_stands_still_is_told_while_it_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controller.historian.historian.STANDS_S", 0.05)
    told, url = Told(), sqlite_url(tmp_path)
    async with recorded(url, told) as historian:
        with locked(url):
            write(historian, "a", ramp(5))
            flush = asyncio.create_task(historian.flush())
            await until(lambda: bool(told))
            assert not flush.done()
        await flush
        assert [message for _, _, message in told] == [
            "trends are not stored: the disk stands still; 5 samples wait in memory",
            "trends are stored again; nothing was lost",
        ]


async def test_a_write_that_is_cancelled_is_neither_lost_nor_stored_twice(url: str) -> None:
    async with recorded(url) as historian:
        for round_ in range(20):
            write(historian, "a", ramp(500, from_us=START_US + round_ * 500 * SECOND_US, first=round_ * 500))
            task = asyncio.create_task(historian.flush())
            await asyncio.sleep(0.0005 * round_)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await historian.flush()
        await historian.flush()
        assert historian.waiting == 0
        assert bits(await historian.samples("a", START_US, START_US + DAY_US)) == bits(ramp(10_000))


async def test_what_cannot_be_stored_at_the_end_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.database.engines.BUSY_LIMIT_S", 0.05)
    told, url = Told(), sqlite_url(tmp_path)
    with ExitStack() as stack:
        async with recorded(url, told) as historian:
            write(historian, "a", ramp(5))
            stack.enter_context(locked(url))
    [(name, active, message)] = told
    assert (name, active) == (CONDITION, True)
    assert message.endswith("recording ends without what waits; 5 samples wait in memory")


async def test_a_store_that_cannot_be_used_does_not_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controller.database.engines.BUSY_LIMIT_S", 0.05)
    url = sqlite_url(tmp_path)
    open_database(url, TABLES).close()
    database = open_database(url, ())
    with locked(url), pytest.raises(DatabaseUnusable, match="locked"):
        async with recording(database, "line", utc_us=Clock(), tell=Told()):
            raise AssertionError
    database.close()


async def test_marks_that_go_on_are_seen_and_kept_when_they_end(tmp_path: Path) -> None:
    clock, url = Clock(), sqlite_url(tmp_path)
    async with recorded(url, clock=clock) as historian:
        write(historian, "press.x", ramp(5))
        await historian.flush()
        historian.begin_mark(MarkKind.LINK, "press", "no answer", START_US + SECOND_US)
        historian.begin_mark(MarkKind.LINK, "press", "no answer either", START_US + 2 * SECOND_US)
        expected = Mark(MarkKind.LINK, "press", START_US + SECOND_US, None, "no answer")
        assert (await historian.trend("press.x", START_US, START_US + DAY_US, 5)).marks == (expected,)
        clock.now_us += 9 * SECOND_US
    async with recorded(url, clock=clock) as historian:
        first, stopped = await historian.marks(START_US, START_US + DAY_US)
        assert (first.kind, first.to_us) == (MarkKind.LINK, START_US + 9 * SECOND_US)
        assert stopped.words == "recording was ended"


async def test_samples_that_are_none_are_refused_whole(tmp_path: Path) -> None:
    async with recorded(sqlite_url(tmp_path)) as historian:
        for columns, words in (
            (([START_US], [1.0, 2.0], Quality.GOOD), "1 times, 2 values"),
            (([-1], [1.0], Quality.GOOD), "before 1970"),
            (([START_US], [1.0], [3]), "quality 3 is none"),
            (([START_US], ["much"], Quality.GOOD), "whole microseconds, numbers"),
        ):
            with pytest.raises(SamplesRefused, match=words):
                historian.write("a", *columns)
        historian.write("a", [], [], [])
        assert historian.waiting == 0


async def test_old_trends_go_by_age_in_whole_hours_and_that_is_marked(url: str) -> None:
    async with recorded(url, options=HistorianOptions(flush_s=1e6, keep_s=4 * 3600)) as historian:
        old, new = ramp(3000, every_us=20 * SECOND_US), ramp(9000, from_us=START_US + 100 * DAY_US)
        write(historian, "a", joined([old, new]))
        await historian.flush()
        assert await historian.keep(START_US) == 0
        assert await historian.keep(START_US + DAY_US // 2) > 4
        left = await historian.samples("a", 0, START_US + 200 * DAY_US)
        limit_us = START_US + DAY_US // 3
        first_us = int(left.times_us[0])
        assert limit_us - 4 * HOUR_US < first_us <= limit_us  # at least as long as was said, and little longer
        assert bits(left) == bits(joined([old.within(first_us, 2**60), new]))
        trend = await historian.trend("a", START_US, START_US + DAY_US, 10)
        assert [mark.kind for mark in trend.marks] == [MarkKind.EXPIRED]
        assert await historian.keep(START_US + 50 * DAY_US) > 4
        assert len(await historian.samples("a", 0, START_US + 99 * DAY_US)) == 0


async def test_the_oldest_trends_go_by_size(url: str) -> None:
    async with recorded(url, options=HistorianOptions(flush_s=1e6, keep_bytes=30_000)) as historian:
        rng = np.random.default_rng(1)
        for tag in "ab":
            everything = ramp(200_000)
            historian.write(tag, everything.times_us, rng.normal(size=200_000))
        await historian.flush()
        before = sum(stored.stored_bytes for stored in await historian.tags())
        assert await historian.keep(START_US) > 10
        after = sum(stored.stored_bytes for stored in await historian.tags())
        assert after < 150_000 < before  # the newest hour stays
        assert await historian.keep(START_US) == 0
        kept = await historian.samples("a", START_US, START_US + DAY_US * 9)
        assert bits(kept)[-1][0] == START_US + 199_999 * SECOND_US


def kept_of(
    report: ExceptionReport, values: list[float], qualities: list[int] | None = None
) -> tuple[list[float], int]:
    """What exception reporting keeps of values a second apart, given one by one and all at once; what it left out."""
    samples = Samples(ramp(len(values)).times_us, np.array(values), np.array(qualities or [0] * len(values), np.uint8))
    whole, left_out = Exceptions({"a": report}).sieved("a", samples)
    single, parts, count = Exceptions({"a": report}), [], 0
    for place in range(len(samples)):
        part, skipped = single.sieved("a", samples[place : place + 1])
        parts.append(part)
        count += skipped
    assert bits(joined(parts)) == bits(whole)
    assert count == left_out
    return whole.values.tolist(), left_out


def test_exception_reporting_keeps_changes_and_what_was_before_them() -> None:
    report = ExceptionReport(band=1.0, at_most_s=100)
    assert kept_of(report, [5, 5.5, 4.5, 5, 7, 7]) == ([5, 5, 7], 2)
    assert kept_of(report, [5, 9, 5]) == ([5, 9, 5], 0)
    assert kept_of(report, [5, 5, 5], [0, 2, 0]) == ([5, 5, 5], 0)
    assert kept_of(ExceptionReport(1.0, at_most_s=2), [5, 5, 5, 5, 5]) == ([5, 5, 5, 5, 5], 0)
    assert kept_of(ExceptionReport(1.0, at_most_s=3), [5, 5, 5, 5, 5])[1] == 1
    values, left_out = kept_of(report, [1, float("nan"), float("nan"), float("nan"), 1])
    assert (str(values), left_out) == ("[1.0, nan, nan, 1.0]", 1)


async def test_only_tags_that_are_named_are_thinned_and_that_is_said(tmp_path: Path) -> None:
    options = HistorianOptions(flush_s=1e6, exceptions={"a": ExceptionReport(1.0, 1e9)})
    same = Samples(ramp(100).times_us, np.full(100, 5.0), np.zeros(100, np.uint8))
    async with recorded(sqlite_url(tmp_path), options=options) as historian:
        for tag in "ab":
            write(historian, tag, same)
        await historian.flush()
        thinned, whole = [await historian.trend(tag, START_US, START_US + DAY_US, 10) for tag in "ab"]
        assert (thinned.count, thinned.left_out) == (1, 98)  # the last one may still be kept
        assert (whole.count, whole.left_out) == (100, 0)
