"""Three services, one PostgreSQL and one broker of the plant; one line is cut off in the middle of a run."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from tests.controller.test_processes import ended
from tests.plant.stage import (
    PlantLine,
    copied,
    fleet_of,
    plant_line,
    records_at_plant,
    simulated,
    trends_of,
    trends_url,
    waited,
)
from tests.postgres import PostgresServer
from tests.serving.test_up import LIMIT_S, PASSWORD, SMALL, Person
from tests.telemetry.mosquitto import mosquitto, subscriber

NAMES = ("lyon/hall-2/line-1", "lyon/hall-2/line-2", "lyon/hall-3/line-3")
SHARED = (["uniaxial-press-1"], ["isostatic-press-1"])
"""Two lines have one machine each: what is shown of them is that they do not notice."""


def ordered(line: PlantLine, stack: ExitStack) -> tuple[Person, str]:
    """Somebody who has ordered a run, and the run."""

    def somebody() -> Person:
        client = httpx.Client(base_url=f"{line.service.origin}/api/v1", timeout=LIMIT_S, trust_env=False)
        return Person(stack.enter_context(client))

    chief, olga = somebody(), somebody()
    way_in = line.service.waited(r"one-time way in of administrator, until \S+: (\S+)")
    chief.post("/session/way-in", way_in=way_in, password=PASSWORD)
    chief.post("/users", 201, name="Olga", role="operator")
    given = chief.post("/users/Olga/way-in", 201, reason="first day")["way_in"]
    olga.post("/session/way-in", way_in=given, password=PASSWORD)
    run = olga.post("/runs", 201, recipe="small")["name"]
    waited(lambda: olga.get(f"/runs/{run}")["state"] == "running" or None)
    return olga, run


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as found:
        yield found


@pytest.mark.timeout(300)  # five processes, one after the other, on a busy computer
async def test_a_line_that_is_cut_off_works_on_and_nothing_is_lost(
    tmp_path: Path, postgres: PostgresServer, stack: ExitStack
) -> None:
    database = postgres.new_database()
    broker = stack.enter_context(mosquitto(tmp_path))
    (folder := tmp_path / "machines").mkdir()
    (others := tmp_path / "others").mkdir()
    first, second = stack.enter_context(simulated(folder, 8)), stack.enter_context(simulated(others, 2))
    stocked(tmp_path, folder / "wires.toml")

    async with subscriber(broker.port, "lyon/+/+/event/#") as heard:
        ports = (postgres.port, broker.port)
        lines = await asyncio.to_thread(_started, stack, tmp_path, (first, second, second), ports, database)
        olga, run = await asyncio.to_thread(ordered, lines[0], stack)
        known = await asyncio.to_thread(waited, lambda: _all_heard(database))
        assert known[NAMES[0]].said["runs"][0]["name"] == run

        cut = lines[0]
        cut.cut()
        cut_at = len(cut.events())
        told_at = len(heard.on("line-1/event"))
        await asyncio.to_thread(waited, lambda: len(cut.events()) > cut_at + 12 or None)
        view = olga.get(f"/runs/{run}")
        assert view["state"] in {"running", "complete"}, (view["reason"], view["why"], view["problems"])
        assert copied(database, cut.name)[0] <= cut_at
        assert len(heard.on("line-1/event")) <= max(told_at, cut_at)
        assert await asyncio.to_thread(waited, lambda: _heard_lately(database, NAMES[1:]))

        cut.mend()
        wanted = len(cut.events())
        await asyncio.to_thread(waited, lambda: copied(database, cut.name)[0] >= wanted or None)
        await heard.until(lambda: _sequences(heard) >= set(range(promised(heard), wanted + 1)), 60)
        for line in lines:
            line.service.process.kill()
            line.service.process.wait()

    for line in lines:
        _is_whole(line, database)
    assert len(records_at_plant(database, cut.name)) >= wanted
    told = [(item["sequence"], item["hash"]) for item in heard.on("line-1/event")]
    assert {own for _, own in told} <= {event.hash for event in cut.events()}
    once = [number for number, _ in dict.fromkeys(told)]
    assert once == sorted(once)


def _is_whole(line: PlantLine, database: str) -> None:
    """What the plant has of a line is what the line has, up to where it was copied."""
    mine = [(event.sequence, event.hash) for event in line.events()]
    there = records_at_plant(database, line.name)
    assert there
    assert there == mine[: len(there)]
    checked = CliRunner().invoke(app, ["verify", database, "--copy-of", line.name])
    assert checked.exit_code == 0, checked.output
    assert "the hash chain: holds" in checked.output
    held, copy = trends_of(trends_url(line.store), line.name.rpartition("/")[2]), trends_of(database, line.name)
    assert set(copy) == set(held)
    for tag, samples in held.items():
        got = copy[tag]
        assert got, tag
        assert got == samples[: len(got)], tag


def stocked(folder: Path, wires: Path) -> None:
    """The recipe is in the first line's store, approved."""
    (folder / "line-1").mkdir(exist_ok=True)
    known = ("--store", folder / "line-1" / "store.sqlite", "--line", wires)
    assert ended("recipes", "add", SMALL, "--by", "Ada", *known).returncode == 0
    for who in ("Ben", "Cara"):  # two, because it is comparative
        assert ended("recipes", "approve", "small@1", "--by", who, *known).returncode == 0


def _started(stack: ExitStack, folder: Path, wires: Any, ports: tuple[int, int], database: str) -> list[PlantLine]:
    units: tuple[list[str], ...] = ([], *SHARED)
    name = database.rpartition("/")[2]
    found = [
        stack.enter_context(plant_line(folder / known.rpartition("/")[2], known, one, some, ports, name))
        for known, one, some in zip(NAMES, wires, units, strict=True)
    ]
    for line in found:
        assert line.service.origin
    return found


def _all_heard(database: str) -> Any:
    lines = fleet_of(database)
    ready = set(lines) == set(NAMES) and all(line.records and line.blocks_behind == 0 for line in lines.values())
    return lines if ready and lines[NAMES[0]].said["runs"] else None


def _heard_lately(database: str, names: tuple[str, ...]) -> Any:
    lines = fleet_of(database)
    return all(lines[name].heard_s_ago < 10 for name in names) or None


def _sequences(heard: Any) -> set[int]:
    return {item["sequence"] for item in heard.on("line-1/event")}


def promised(heard: Any) -> int:
    """The first record that the broker was told of; those from before telemetry's very first start are not promised."""
    return min(_sequences(heard), default=1 << 60)
