"""All lines of a plant at once: `pressline fleet`, and the check of a copied journal."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any

import psycopg
import pytest
from typer.testing import CliRunner, Result

from controller.cli.main import app
from controller.historian.looking import look_at
from controller.historian.reading import TrendReader
from controller.historian.retention import drop_before
from controller.journal import anchor_path
from controller.plant import fleet
from tests.controller.historian.stores import DAY_US, START_US
from tests.plant.plants import ALWAYS, Line, noise, one_round, open_plant, plant_samples
from tests.postgres import PostgresServer

RUN = {"name": "o-1", "state": "held", "step": "joining", "why": "a door is open"}
UNITS = [
    {"name": "press", "state": "held", "is_connected": True, "why_not": ""},
    {"name": "oven", "state": "", "is_connected": False, "why_not": "no answer"},
]
ALARM = {"priority": "high", "name": "guard_open", "subject": "press", "text": "the door is open"}


def pressline(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> str:
    """Two lines: one works and was heard just now, one was heard long ago and had not told everything."""
    url = postgres.new_database()
    for name, run in (("hall/one", RUN), ("hall/two", None)):
        asyncio.run(_told(Line(tmp_path_factory.mktemp("line")), name, run, url))
    with psycopg.connect(url, autocommit=True) as connection:
        copy = '{"copy": {"newest": 17, "refused": ""}, "runs": [], "accepts_runs": true}'
        connection.execute(
            "UPDATE plant_lines SET heard_us = heard_us - 7200000000, status = %s WHERE line = 'hall/two'", (copy,)
        )
        connection.execute("UPDATE plant_records SET utc = to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD') || 'T23:59'")
    return url


async def _told(line: Line, name: str, run: Any, url: str) -> None:
    await line.tell(3)
    await line.tell(1, "step.finished", {"name": "joining", "produces": "sheet"}, "o-1")
    await line.tell(2, "lot.status", {"lot": "sheet", "status": "scrap"}, "o-1")
    line.status |= {"runs": [run] if run else [], "units": UNITS, "alarms": {"high": 1}, "standing": [ALARM]}
    line.status |= {"prompts": 2, "faults": ["the disk is slow"], "why_not": []}
    await one_round(line, line.copier(url, name=name), url)


def test_every_line_is_shown_with_how_far_behind_it_was(plant: str) -> None:
    done = pressline("fleet", "--store", plant)
    assert done.exit_code == 0, done.output
    head, one, two = done.output.splitlines()
    assert head.split() == ["line", "state", "heard", "behind", "runs", "alarms", "lots", "today"]
    assert one.split("  ")[0] == "hall/one"
    assert "held" in one
    assert "o-1 held (joining)" in one
    assert "1 high" in one
    assert "1 made, 1 scrapped" in one
    assert [part.strip() for part in two.split("  ") if part.strip()][:4] == ["hall/two", "silent", "2 h", "11 records"]


def test_one_line_is_shown_with_why_it_waits(plant: str) -> None:
    done = pressline("fleet", "show", "hall/one", "--store", plant)
    assert done.exit_code == 0, done.output
    for words in (
        "run o-1: held, step joining: a door is open",
        "unit oven: not connected (no answer)",
        "alarm high guard_open press: the door is open",
        "the disk is slow",
        "tasks that wait for people: 2",
    ):
        assert words in done.output
    assert re.match(r"hall/one: held, heard \d+ s ago, behind: nothing\n", done.output)
    found = json.loads(pressline("fleet", "show", "hall/one", "--store", plant, "--json").output)
    assert (found["records"], found["records_behind"], found["said"]["units"]) == (6, 0, UNITS)
    unknown = pressline("fleet", "show", "hall/three", "--store", plant)
    assert unknown.exit_code == 2
    assert "there is no line 'hall/three' here; there are: hall/one, hall/two" in unknown.output


def test_what_is_no_plants_database_is_told(postgres: PostgresServer, tmp_path: Path) -> None:
    empty = postgres.new_database()
    assert pressline("fleet", "--store", empty).output.strip() == "no line was ever copied to this database"
    for store, words in (
        (str(tmp_path / "x.sqlite"), "expected postgresql://"),
        ("postgresql://u:secret@127.0.0.1:1/n", "onnection"),
    ):
        done = pressline("fleet", "--store", store)
        assert done.exit_code == 2
        assert words in done.output
        assert "secret" not in done.output
    assert pressline("fleet").exit_code == 2
    done = pressline("verify", empty, "--copy-of", "hall/one")
    assert done.exit_code == 2
    assert "no line was ever copied" in done.output


def test_a_line_that_the_plant_does_not_know_is_not_verified(plant: str) -> None:
    other = pressline("verify", plant, "--copy-of", "hall/nine")
    assert other.exit_code == 2
    assert "there are no records of a line 'hall/nine'; there are: hall/one, hall/two" in other.output


async def test_the_copy_of_a_whole_line_holds_by_its_anchor(tmp_path: Path, postgres: PostgresServer) -> None:
    url, line = postgres.new_database(), Line(tmp_path / "l")
    await line.tell(70)
    await one_round(line, line.copier(url), url)
    arguments = ("verify", url, "--copy-of", "lyon/hall-2/line-1", "--anchor", str(anchor_path(line.file)))
    done = pressline(*arguments)
    assert done.exit_code == 0, done.output
    assert "3 hold, 0 do not hold" in done.output
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE plant_records SET data = '{\"n\":8}' WHERE sequence = 8")
    done = pressline(*arguments)
    assert done.exit_code == 1
    assert "record 8 (k) was changed" in done.output


async def test_old_months_of_all_lines_are_dropped_as_partitions(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.new_database()
    line = Line(tmp_path / "months")
    await line.tell(1)
    for day in (0, 40, 80):  # September, October, December
        line.trends().store({"press.s0": noise(5000, day, START_US + day * DAY_US)})
    await one_round(line, line.copier(url), url)
    line.close()

    def partitions(connection: Any) -> list[str]:
        query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trend_blocks'::regclass ORDER BY 1"
        return [name for (name,) in connection.exec_driver_sql(query)]

    assert pressline("fleet", "drop-trends", "--store", url, "--older-than", "36500").output == (
        "no month lies wholly before that\n"
    )
    async with open_plant(url) as plant:
        before = plant_samples(plant, "press.s0")
        assert await plant.run(lambda c: drop_before(c, START_US + 60 * DAY_US)) == ["202609", "202610"]
        assert await plant.run(partitions) == ["trend_blocks_202612"]
        after = plant_samples(plant, "press.s0")
        marks = await plant.run(lambda c: TrendReader("lyon/hall-2/line-1").marks(c, *ALWAYS))
    assert after == before[-len(after) :]
    assert len(after) < 6000
    assert [mark.words for mark in marks] == ["older trends were deleted by the rule of retention"]


def test_the_fleet_is_read_only(plant: str) -> None:
    database = look_at(plant)
    try:

        def writes(connection: Any) -> None:
            fleet(connection)
            connection.exec_driver_sql("DELETE FROM plant_lines")

        with pytest.raises(Exception, match="read-only transaction"):
            database.run_now(writes)
    finally:
        database.close()
