"""A line's copy at the plant, on a real PostgreSQL: everything once, in its order, whatever breaks meanwhile."""

from __future__ import annotations

import asyncio
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
import pytest

from controller.database import Database, DatabaseUnusable
from controller.historian import HistorianOptions, Mark, MarkKind, Tag, retention
from controller.historian.looking import look_at
from controller.historian.reading import TrendReader
from controller.journal import verify
from controller.plant import Copier, CopyMoved, HistoryDiffers
from tests.controller.historian.stores import DAY_US, SECOND_US, START_US
from tests.plant.plants import (
    ALWAYS,
    AT_ONCE,
    NAME,
    Line,
    at_plant,
    line_samples,
    noise,
    one_round,
    open_plant,
    plant_samples,
)
from tests.postgres import PostgresServer


@pytest.fixture(scope="module")
def made(postgres: PostgresServer) -> str:
    """A plant's database that tests share: each has a line of its own name there."""
    return postgres.new_database()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    found = Line(tmp_path / "line")
    yield found
    found.close()


@pytest.fixture
def name(request: pytest.FixtureRequest) -> str:
    return f"hall/{request.node.name}"[:60].replace("[", "-").replace("]", "")


def recorded(line: Line, tags: int, count: int, first_us: int = START_US) -> None:
    """So many samples of so many tags, in several writes: full blocks and what waits."""
    for start in range(0, count, 3000):
        size = min(3000, count - start)
        part = noise(size, first_us % 997 + start, first_us + start * 50_000)
        line.trends().store({f"press.s{number}": replace(part, values=part.values + number) for number in range(tags)})


async def test_records_and_samples_arrive_once_and_whole(line: Line, made: str, name: str) -> None:
    await line.tell(35)
    recorded(line, 3, 10_000)
    line.trends().store(
        {},
        tags={"press.s0": Tag("press.s0", "MPa", "the ram")},
        marks=[
            Mark(MarkKind.LINK, "press", START_US, START_US + SECOND_US, "pulled"),
        ],
    )
    copier = line.copier(made, name=name)
    for _ in range(2):
        await one_round(line, copier, made)
        assert await at_plant(made, name) == line.events()
        async with open_plant(made) as plant:
            for tag in ("press.s0", "press.s1", "press.s2"):
                assert plant_samples(plant, tag, name) == line_samples(line, tag)
                mine, theirs = (
                    store.run_now(lambda c, whose=whose, tag=tag: TrendReader(whose).trend(c, tag, *ALWAYS, 50))  # type: ignore[misc]  # a lambda's default has no type
                    for store, whose in ((line.trends().database, "line"), (plant, name))
                )
                assert mine == theirs
        assert copier.progress.records == len(line.events())
        assert (copier.progress.records_behind, copier.progress.blocks_behind) == (0, 0)
        await line.tell(25)
        recorded(line, 3, 5000, START_US + 600 * SECOND_US)
    assert verify(await at_plant(made, name)) == []


async def test_no_sample_is_seen_twice_while_blocks_are_behind(line: Line, made: str, name: str) -> None:
    await line.tell(1)
    recorded(line, 4, 3500)
    copier = line.copier(made, name=name, options=replace(AT_ONCE, blocks=1))
    await one_round(line, copier, made)
    recorded(line, 4, 9000, START_US + 200 * SECOND_US)
    wanted = {f"press.s{number}": line_samples(line, f"press.s{number}") for number in range(4)}
    parts = 0
    async with open_plant(made) as plant:
        with closing(look_at(line.url)) as trends, closing(look_at(made)) as beside:
            await copier.begin(plant)
            while await copier._part(plant, trends):
                parts += 1
                for tag, everything in wanted.items():
                    there = plant_samples(beside, tag, name)
                    assert len(set(there)) == len(there)
                    assert set(there) <= set(everything)
        assert {tag: plant_samples(plant, tag, name) for tag in wanted} == wanted
    assert parts > 8


async def begun(copier: Copier, plant: Database, trends: Database) -> None:
    await copier.begin(plant)
    await copier.round(plant, trends)


@pytest.mark.parametrize("is_committed", [False, True])
@pytest.mark.parametrize("at", [2, 4, 6, 8])
async def test_a_commit_that_fails_or_whose_answer_is_lost(
    line: Line, made: str, name: str, at: int, is_committed: bool
) -> None:
    await line.tell(22)
    recorded(line, 3, 9000)
    copier = line.copier(made, name=name)
    async with open_plant(made) as plant:
        commit, count = plant.engine.dialect.do_commit, 0

        def breaks(connection: Any) -> None:
            nonlocal count
            count += 1
            if count != at:
                commit(connection)
                return
            if is_committed:
                commit(connection)
            raise psycopg.OperationalError("the connection is lost")

        plant.engine.dialect.do_commit = breaks  # type: ignore[method-assign, assignment]  # where a network breaks
        trends = look_at(line.url)
        with closing(trends), pytest.raises(DatabaseUnusable, match="connection is lost"):
            await begun(copier, plant, trends)
    await one_round(line, copier, made)
    assert await at_plant(made, name) == line.events()
    async with open_plant(made) as plant:
        for tag in ("press.s0", "press.s2"):
            assert plant_samples(plant, tag, name) == line_samples(line, tag)


async def test_two_copiers_of_one_line_do_not_both_write(line: Line, made: str, name: str) -> None:
    await line.tell(5)
    first, second = line.copier(made, name=name), line.copier(made, name=name)
    async with open_plant(made) as plant:
        await first.round(plant, None)
        await second.round(plant, None)
        await line.tell(3)
        await first.round(plant, None)
        with pytest.raises(CopyMoved, match="another program copies"):
            await second._records(plant)
        await second.round(plant, None)
    assert await at_plant(made, name) == line.events()


# ---------------------------------------------------------------------- another history


async def _restored(line: Line) -> None:
    """An older copy of the store is put back, and the line goes on."""
    older = line.file.with_name("older.sqlite")
    shutil.copy(line.file, older)
    await line.tell(9)


def _changed(file: Path, statement: str) -> None:
    with closing(sqlite3.connect(file)) as database:
        database.execute(statement)
        database.commit()


@pytest.mark.parametrize(
    ("statements", "more", "words"),
    [
        (["DELETE FROM events WHERE sequence > 6"], 0, "ends with record 6, and the plant has 12"),
        (["DELETE FROM events WHERE sequence > 6"], 6, "record 12 of the line is not the one"),
        (["DELETE FROM events WHERE sequence > 6"], 9, "record 12 of the line is not the one"),
    ],
)
async def test_a_line_that_was_restored_is_refused(
    line: Line, made: str, name: str, statements: list[str], more: int, words: str
) -> None:
    name += str(more)
    await line.tell(12)
    told: list[Mapping[str, Any]] = []
    copier = line.copier(made, told, name=name)
    await one_round(line, copier, made)
    before = await at_plant(made, name)
    for statement in statements:
        _changed(line.file, statement)
    for anchor in line.file.parent.glob("*.anchor"):
        anchor.unlink()
    for _ in range(more):
        await line.tell(1, data={"other": True})
    async with open_plant(made) as plant:
        with pytest.raises(HistoryDiffers, match=words):
            await copier.round(plant, None)
    assert await at_plant(made, name) == before


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("UPDATE events SET data = '{\"n\":99}' WHERE sequence = 15", "record 15 of the line's journal was changed"),
        ("DELETE FROM events WHERE sequence = 13", "record 13 is not in the line's journal any more"),
        ("DELETE FROM events WHERE sequence = 15", "record 15 is not in the line's journal any more"),
    ],
)
async def test_what_does_not_follow_is_not_taken(line: Line, made: str, name: str, statement: str, words: str) -> None:
    name = f"hall/{words[:16]}-{statement[:6]}"
    await line.tell(12)
    copier = line.copier(made, name=name)
    await one_round(line, copier, made)
    await line.tell(6)
    _changed(line.file, statement)
    with pytest.raises(HistoryDiffers, match=words):
        await one_round(line, copier, made)
    assert len(await at_plant(made, name)) == 12


async def test_trends_that_were_taken_away_are_refused_and_records_go_on(
    line: Line, made: str, name: str, tmp_path: Path
) -> None:
    await line.tell(3)
    recorded(line, 2, 9000)
    copier = line.copier(made, name=name)
    await one_round(line, copier, made)
    await line.tell(3)
    other = Line(tmp_path / "other")
    try:
        recorded(other, 2, 9000, START_US + DAY_US)
        recorded(other, 2, 9000, START_US + 2 * DAY_US)
        line.url = other.url
        with pytest.raises(HistoryDiffers, match="block 4 of the line's trends is not the one that the plant has"):
            await one_round(line, copier, made)
    finally:
        other.close()
    assert await at_plant(made, name) == line.events()
    assert copier.progress.records_behind == 0


# ---------------------------------------------------------------------- room at the line


async def test_what_is_not_copied_stays_by_age_and_goes_by_size_and_is_counted(
    line: Line, made: str, name: str
) -> None:
    await line.tell(1)
    for day in (0, 1):
        recorded(line, 2, 5000, START_US + day * DAY_US)
    told: list[Mapping[str, Any]] = []
    copier = line.copier(made, told, name=name)
    await one_round(line, copier, made)
    copied = copier.copied_block
    for day in (2, 3):
        recorded(line, 2, 5000, START_US + day * DAY_US)
    database, now_us = line.trends().database, START_US + 40 * DAY_US

    def kept(options: HistorianOptions) -> tuple[int, int]:
        """Blocks that the plant has, and that it does not have, after a look at what has to go."""
        before = database.run_now(lambda c: retention.limit(c, "line", options, now_us))
        while before is not None and database.run_now(lambda c: retention.delete_oldest(c, "line", before)):
            pass
        query = f"SELECT count(*) FILTER (WHERE number <= {copied}), count(*) FILTER (WHERE number > {copied})"
        row = database.run_now(lambda c: c.exec_driver_sql(f"{query} FROM trend_blocks").one())
        return row[0], row[1]

    there, new = kept(HistorianOptions())
    assert kept(HistorianOptions(keep_s=86_400, copied=lambda: 0)) == (there, new), "nothing is known to be copied"
    by_age = kept(HistorianOptions(keep_s=86_400, copied=lambda: copied))
    assert by_age[0] < there
    assert by_age[1] == new
    left = kept(HistorianOptions(keep_bytes=60_000, copied=lambda: copied))[1]
    assert 0 < left < new
    lost = new - left
    await one_round(line, copier, made)
    assert copier.progress.lost_blocks == lost
    assert [told[-1]["name"], told[-1]["active"]] == ["plant_lost", True]
    async with open_plant(made) as plant:
        reader = TrendReader(name)
        marks = plant.run_now(lambda connection: reader.marks(connection, *ALWAYS))
        samples = plant_samples(plant, "press.s0", name)
    assert f"{lost} blocks of trends were deleted at the line" in "".join(mark.words for mark in marks)
    assert set(line_samples(line, "press.s0")) <= set(samples)
    assert len(set(samples)) == len(samples)


# ---------------------------------------------------------------------- the plant as it may be


async def until(copier: Any, wanted: Any) -> None:
    """Copies until something is so."""
    task = asyncio.create_task(copier.run())
    try:
        async with asyncio.timeout(30):
            while not wanted():
                await asyncio.sleep(0.01)
                assert not task.done()
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_a_plant_of_a_newer_program_is_told_and_not_touched(line: Line, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    await line.tell(2)
    async with open_plant(url) as plant:
        await plant.run(lambda c: c.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    told: list[Mapping[str, Any]] = []
    copier = line.copier(url, told)
    await until(copier, lambda: told)
    assert told[0]["name"] == "plant_away"
    assert "has schema 9999" in told[0]["message"]
    assert "use a newer program" in told[0]["message"]
    assert not copier.progress.is_reached
    assert copier.progress.records_behind == 2
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM plant_records").fetchone() == (0,)
        connection.execute("UPDATE alembic_version SET version_num = '0004'")
    await until(copier, lambda: copier.progress.records == 2)
    assert [item["active"] for item in told] == [True, False]


async def test_a_plant_that_is_away_is_told_and_caught_up_with(line: Line, made: str, name: str) -> None:
    await line.tell(2)
    told: list[Mapping[str, Any]] = []
    copier = line.copier("postgresql://nobody@127.0.0.1:1/nothing", told, name=name)
    await until(copier, lambda: told)
    assert (told[0]["name"], told[0]["active"]) == ("plant_away", True)
    copier._url = made
    recorded(line, 1, 5000)
    await until(copier, lambda: copier.progress.records == 2 and copier.progress.blocks == 1)
    assert (told[-1]["name"], told[-1]["active"]) == ("plant_away", False)


async def test_a_refused_line_is_still_heard_of(line: Line, made: str, name: str) -> None:
    await line.tell(4)
    copier = line.copier(made, name=name)
    await one_round(line, copier, made)
    _changed(line.file, "DELETE FROM events WHERE sequence = 4")
    told: list[Mapping[str, Any]] = []
    copier = line.copier(made, told, name=name)
    await until(copier, lambda: copier.progress.refused)
    assert "restored from a backup" in told[0]["message"]
    assert told[0]["name"] == "plant_refused"
    assert NAME not in told[0]["message"]
