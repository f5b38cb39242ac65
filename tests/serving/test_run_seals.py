"""Trends of runs that have ended: sealed once each, found again after a crash, needed until then, told when not."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from controller.cli.main import app
from controller.database import database_opened
from controller.events import EventStream
from controller.historian import TABLES, Historian, HistorianOptions, Tag, recording, sealing
from controller.historian.new_file import sha256_of
from controller.journal import Journal, SqliteJournal
from controller.serving import run_seals
from controller.serving.run_seals import RunSeals, us_of

BEGIN = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
PRESS, OTHER = "press.pressure_mpa", "oven.temperature_c"
DAY_US = 86_400_000_000


@dataclass
class Stage:
    """A journal and a historian on a clock of their own."""

    folder: Path
    now: datetime = BEGIN
    told: list[Mapping[str, Any]] = field(default_factory=list)
    open_since: list[str] = field(default_factory=list)
    journal: Any = None
    historian: Any = None

    def utc(self) -> str:
        return self.now.isoformat(timespec="milliseconds")

    def us(self) -> int:
        return round(self.now.timestamp() * 1e6)

    @asynccontextmanager
    async def recording(self) -> AsyncIterator[Historian]:
        self.journal = SqliteJournal(EventStream(), self.utc, self.folder / "store.sqlite")
        options = HistorianOptions(keep_s=86_400.0)
        try:
            async with (
                database_opened(f"sqlite:///{self.folder / 'store-trends.sqlite'}", TABLES) as database,
                recording(database, "line", utc_us=self.us, tell=self.told.append, options=options) as self.historian,
            ):
                yield self.historian
        finally:
            await self.journal.close()

    @asynccontextmanager
    async def sealing(self) -> AsyncIterator[RunSeals]:
        seals = RunSeals(
            self.historian,
            self.journal,
            self.folder / "store-runs",
            self.told.append,
            lambda: {"press": "uniaxial-press-generic"},
            lambda: self.open_since,
        )
        self.historian.needed_us = seals.needed_us
        task = asyncio.create_task(seals.run())
        try:
            yield seals
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled(), task.exception()

    def begin(self, run: str, unit: str | None = "press") -> None:
        self.journal.note(run, "run.created", {"plan_hash": "abc", "steps": []})
        self.journal.note(run, "step.started", {"name": "press", "kind": "press", "unit": unit})

    def pass_time(self, seconds: int) -> None:
        """Both units show a value a second."""
        times = self.us() + np.arange(seconds, dtype=np.int64) * 1_000_000
        self.historian.write(PRESS, times, np.arange(seconds, dtype=np.float64))
        self.historian.write(OTHER, times, np.zeros(seconds))
        self.now += timedelta(seconds=seconds)

    def end(self, run: str, state: str = "complete") -> None:
        self.journal.note(run, "run.closed", {"state": state})

    def sealed(self) -> list[Mapping[str, Any]]:
        return [event.data for event in self.journal.everything().of_kinds((run_seals.SEALED,))]

    async def until(self, is_so: Callable[[], object]) -> None:
        async with asyncio.timeout(20):
            while not is_so():  # noqa: ASYNC110  as somebody would who looks
                await asyncio.sleep(0.005)


async def test_a_run_is_sealed_as_it_ends_with_its_own_units_and_time(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.recording() as historian, stage.sealing():
        historian.describe([Tag(PRESS, "MPa", "pressure", "uniaxial-press-generic")])
        stage.pass_time(5)
        stage.begin("one")
        stage.pass_time(10)
        stage.end("held", "held")
        stage.end("one")
        stage.pass_time(5)
        await stage.until(stage.sealed)
        (told,) = stage.sealed()
    file = tmp_path / "store-runs" / told["file"]
    assert (told["run"], told["rows"], told["tags"], told["sha256"]) == ("one", 10, 1, sha256_of(file))
    table = pq.read_table(file)
    assert table.column("value").to_pylist() == list(range(10))
    assert set(table.column("tag").to_pylist()) == {PRESS}
    about = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
    assert (about["pressline.run"], about["pressline.plan_hash"]) == ("one", "abc")
    assert json.loads(about["pressline.units"]) == {"press": "uniaxial-press-generic"}


async def test_verify_holds_each_sealed_file_against_its_record(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.recording(), stage.sealing():
        for run in ("one", "two"):
            stage.begin(run)
            stage.pass_time(3)
            stage.end(run)
        await stage.until(lambda: len(stage.sealed()) == 2)

    def said() -> str:
        return str(CliRunner().invoke(app, ["verify", str(tmp_path / "store.sqlite")]).output)

    assert "sealed trends of runs: holds" in said()
    (tmp_path / "store-runs" / "one.parquet").write_bytes(b"other")
    (tmp_path / "store-runs" / "two.parquet").unlink()
    told = said()
    assert "one.parquet is not the file that was sealed" in told
    assert "1 files are not in store-runs" in told


async def test_what_ended_while_nobody_could_seal_is_sealed_at_the_next_start_and_once(tmp_path: Path) -> None:
    """Also where a sealing died between its file and its record: that file is put aside, not trusted."""
    stage = Stage(tmp_path)
    async with stage.recording():
        for run in ("one", "../two"):
            stage.begin(run)
            stage.pass_time(3)
            stage.end(run)
        stage.begin("no unit", unit=None)
        stage.end("no unit", "stopped")
    left = tmp_path / "store-runs" / "one.parquet"
    left.parent.mkdir()
    left.write_bytes(b"half of it")
    for _ in range(2):
        async with stage.recording(), stage.sealing() as seals:
            await stage.until(lambda: len(stage.sealed()) == 2)
            await stage.until(partial(_nothing_is_left, seals))
        assert {told["run"] for told in stage.sealed()} == {"one", "../two"}
    names = {file.name for file in (tmp_path / "store-runs").iterdir()}
    assert names == {"one.parquet", "one.parquet.unrecorded", "..%2Ftwo.parquet"}
    assert sha256_of(left) == next(told["sha256"] for told in stage.sealed() if told["run"] == "one")


def _nothing_is_left(seals: RunSeals) -> bool:
    return seals.needed_us() is None


async def test_age_deletes_nothing_that_an_open_or_unsealed_run_needs(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    async with stage.recording() as historian:
        stage.pass_time(5)
        stage.now += timedelta(hours=12)
        stage.open_since = [stage.utc()]
        stage.begin("one")
        stage.pass_time(5)
        later_us = stage.us() + 3 * DAY_US
        async with stage.sealing() as seals:
            assert await historian.keep(later_us) == 0, "before it is known what is needed, everything is"
            await stage.until(lambda: seals.needed_us() == us_of(stage.open_since[0]))
            await historian.flush()
            historian.write(PRESS, [stage.us() + 2 * 3_600_000_000], [1.0])  # the older ones become blocks
            await historian.flush()
            await historian.keep(later_us)
            assert len(await historian.samples(PRESS, us_of(stage.open_since[0]), stage.us())) == 5


async def test_what_cannot_be_sealed_is_told_once_and_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_seals, "AGAIN_S", 0.01)
    stage = Stage(tmp_path)
    (tmp_path / "store-runs").touch()
    async with stage.recording(), stage.sealing():
        stage.begin("one")
        stage.pass_time(3)
        stage.end("one")
        await stage.until(lambda: stage.told)
        await asyncio.sleep(0.05)
        (tmp_path / "store-runs").unlink()
        await stage.until(stage.sealed)
        await stage.until(lambda: len(stage.told) == 2)
    begun, over = stage.told
    assert (begun["name"], begun["active"], over["active"]) == ("trends_not_sealed", True, False)
    assert "store-runs" in begun["message"]


async def test_a_sealing_that_is_cancelled_closes_its_file_behind_what_still_writes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reload ends it in the middle; a file that is closed under a thread's hands would end the process."""
    told: list[str] = []
    writes = threading.Event()
    made, write = sealing._writer, sealing._write

    def slow(*arguments: Any) -> None:
        writes.set()
        time.sleep(0.2)
        write(*arguments)
        told.append("written")

    class Watched:
        def __init__(self, writer: Any) -> None:
            self.write_table, self._writer = writer.write_table, writer

        def close(self) -> None:
            told.append("closed")
            self._writer.close()

    monkeypatch.setattr(sealing, "_write", slow)
    monkeypatch.setattr(sealing, "_writer", lambda *arguments: Watched(made(*arguments)))
    stage = Stage(tmp_path)
    async with stage.recording():
        stage.begin("one")
        stage.pass_time(3)
        stage.end("one")
        async with stage.sealing():
            await stage.until(writes.is_set)
        assert told == ["written", "closed"]
        assert list((tmp_path / "store-runs").iterdir()) == []
        assert stage.sealed() == []


async def test_a_journal_in_memory_is_followed_as_well() -> None:
    """What tells of ends is the stream, so that a run is sealed without a look at the store."""
    journal = Journal(EventStream(), BEGIN.isoformat)
    closings = run_seals._Closings()
    with journal.stream.flowing(closings):
        for state in ("held", "stopped"):
            journal.note("one", "run.closed", {"state": state})
    assert closings.qsize() == 1
