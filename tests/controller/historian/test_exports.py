"""Trends as files that other tools open: every sample, its unit, its quality, and where it comes from."""

from __future__ import annotations

import csv
import hashlib
import json
import math
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings

from controller.cli.exit_codes import ExitCode
from controller.historian import ExportRefused, Mark, MarkKind, RangeRefused, Seal, Tag, TagUnknown
from controller.historian.csv_export import export_csv
from controller.historian.looking import StoredTrends, trends_file
from controller.historian.samples import QUALITIES, Samples
from controller.historian.sealing import COLUMNS, seal
from tests.controller.historian.stores import DAY_US, SECOND_US, START_US, Store, bits, new_line, opened, ramp, samples
from tests.controller.test_cli import pressline

EVERYTHING = (START_US - 9 * DAY_US, START_US + 9 * DAY_US)
PRESSURE = Tag("press.pressure_mpa", "MPa", "pressure", "isostatic-press-generic")
STATE = Tag("press.state", "", "what it does", "isostatic-press-generic", {0: "IDLE", 6: "EXECUTE"})
OTHER = Tag("coater.web_m_min", "m/min")
SOME = Samples(
    START_US + np.array([0, 1, 1, 3]) * SECOND_US,
    np.array([0.0, 12.25, 1e-7, np.nan]),
    np.array([0, 1, 0, 2], np.uint8),
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "line.sqlite"


@pytest.fixture
def sqlite(file: Path) -> Iterator[Store]:
    with opened(f"sqlite:///{trends_file(file)}") as store:
        fill(store)
        yield store


def fill(store: Store) -> None:
    link = Mark(MarkKind.LINK, "press", START_US, START_US + SECOND_US, "no answer")
    given = {PRESSURE.name: SOME, STATE.name: ramp(2, first=5), OTHER.name: ramp(5000)}
    store.store(given, tags={tag.name: tag for tag in (PRESSURE, STATE, OTHER)}, marks=[link])


async def test_a_sealed_run_says_what_it_is_and_holds_every_sample(store: Store, tmp_path: Path) -> None:
    fill(store)
    target = tmp_path / "run.parquet"
    wanted = Seal(*EVERYTHING, run="r-1", plan_hash="ab12", units={"press": "isostatic-press-generic"})
    sealed = await seal(StoredTrends(store.database, "line"), wanted, target)
    assert sealed.sha256 == hashlib.sha256(target.read_bytes()).hexdigest()
    assert (sealed.rows, sealed.tags, sealed.bytes) == (6, 2, target.stat().st_size)
    table = pq.read_table(target)
    assert table.column_names == list(COLUMNS)
    assert str(table.schema.field("time").type) == "timestamp[us, tz=UTC]"
    assert table["tag"].to_pylist() == [PRESSURE.name] * 4 + [STATE.name] * 2
    assert table["unit"].to_pylist() == ["MPa"] * 4 + [""] * 2
    assert table["quality"].to_pylist() == ["good", "uncertain", "good", "bad", "good", "good"]
    assert table["time"].cast("int64").to_pylist()[:4] == SOME.times_us.tolist()
    found = table["value"].to_numpy()[:4]
    assert found.view(np.int64).tolist() == SOME.values.view(np.int64).tolist()
    about = {name.decode(): text.decode() for name, text in table.schema.metadata.items()}
    assert (about["pressline.run"], about["pressline.plan_hash"], about["pressline.line"]) == ("r-1", "ab12", "line")
    assert json.loads(about["pressline.units"]) == {"press": "isostatic-press-generic"}
    assert json.loads(about["pressline.tags"])[STATE.name]["words"] == {"0": "IDLE", "6": "EXECUTE"}
    assert json.loads(about["pressline.columns"]) == COLUMNS
    assert "no answer" in [mark["words"] for mark in json.loads(about["pressline.marks"])]
    assert about["pressline.from_utc"] == "2026-09-12T14:13:20.000000Z"
    again = await seal(StoredTrends(store.database, "line"), wanted, target)
    assert again == sealed


async def test_a_file_that_holds_something_else_is_left_alone(sqlite: Store, tmp_path: Path) -> None:
    trends, other = StoredTrends(sqlite.database, "line"), tmp_path / "mine"
    other.write_text("mine", encoding="utf-8")
    for work in (seal(trends, Seal(*EVERYTHING), other), export_csv(trends, None, *EVERYTHING, other)):
        with pytest.raises(ExportRefused, match="is there already with another content"):
            await work
    with pytest.raises(ExportRefused, match="cannot be written"):
        await export_csv(trends, None, *EVERYTHING, tmp_path / "none" / "x.csv")
    with pytest.raises(ExportRefused, match="is a directory"):
        await export_csv(trends, None, *EVERYTHING, tmp_path)
    with pytest.raises(TagUnknown, match=r"press\.none"):
        await export_csv(trends, ["press.none"], *EVERYTHING, tmp_path / "x.csv")
    with pytest.raises(RangeRefused):
        await seal(trends, Seal(5, 5), tmp_path / "x.parquet")
    assert other.read_text(encoding="utf-8") == "mine"
    assert not [name for name in os.listdir(tmp_path) if "part" in name or name.startswith("x.")]  # noqa: PTH208


async def test_csv_has_a_row_for_each_time_and_units_in_its_header(sqlite: Store, tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    trends = StoredTrends(sqlite.database, "line")
    assert await export_csv(trends, [STATE.name, PRESSURE.name], *EVERYTHING, target) == 4
    assert target.read_bytes().decode().split("\r\n") == [
        "time_utc,press.pressure_mpa [MPa],press.pressure_mpa quality,press.state,press.state quality",
        "2026-09-21T14:13:20.000000Z,0.0,good,5,good",
        "2026-09-21T14:13:21.000000Z,12.25,uncertain,6,good",
        "2026-09-21T14:13:21.000000Z,1e-07,good,,",
        "2026-09-21T14:13:23.000000Z,NaN,bad,,",
        "",
    ]


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(first=samples(20), second=samples(20))
async def test_csv_gives_every_sample_back(tmp_path: Path, first: Samples, second: Samples) -> None:
    line, target = new_line(), tmp_path / f"{len(os.listdir(tmp_path))}.csv"  # noqa: PTH208
    with opened(f"sqlite:///{tmp_path / 'trends.sqlite'}", line) as store:
        store.store({"a": first, "b": second})
        await export_csv(StoredTrends(store.database, line), None, *EVERYTHING, target)
    with target.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file))[1:]
    for place, expected in ((1, first), (3, second)):
        ordered = expected.in_order()
        found = [(float(row[place]), row[place + 1]) for row in rows if row[place + 1]]
        assert [quality for _, quality in found] == [str(QUALITIES[number]) for number in ordered.qualities]
        for (value, _), wanted in zip(found, ordered.values.tolist(), strict=True):
            assert value == wanted or (math.isnan(value) and math.isnan(wanted))
        texts = [row[0] for row in rows if row[place + 1]]
        times = np.array([text.removesuffix("Z") for text in texts], "datetime64[us]").astype(np.int64)
        assert times.tolist() == ordered.times_us.tolist()


def test_commands_list_show_and_export(sqlite: Store, file: Path, tmp_path: Path) -> None:
    store = ("--store", file)
    listed = pressline("trends", "list", *store).output.splitlines()
    assert listed[0].split() == ["tag", "unit", "samples", "first", "last"]
    assert listed[1].split()[:3] == ["coater.web_m_min", "m/min", "5000"]
    data = json.loads(pressline("trends", "list", *store, "--json").output)
    assert data["line"] == "line"
    assert [(tag["name"], tag["samples"]) for tag in data["tags"]][-1] == (STATE.name, 2)
    shown = pressline("trends", "show", STATE.name, *store).output
    assert "EXECUTE" in shown
    assert "no link from 2026-09-21T14:13:20.000Z to 2026-09-21T14:13:21.000Z: no answer" in shown
    part = ("--from", "2026-09-21T14:13:30", "--to", "2026-09-21T15:13:30+01:00", "--points", "5", "--json")
    assert pressline("trends", "show", OTHER.name, *store, *part).exit_code == 2
    part = ("--from", "2026-09-21T14:13:30", "--to", "2026-09-21T16:13:40+02:00", "--points", "5", "--json")
    trend = json.loads(pressline("trends", "show", OTHER.name, *store, *part).output)
    assert [(b["count"], b["min"], b["max"]) for b in trend["buckets"]] == [(2, n, n + 1) for n in (10, 12, 14, 16, 18)]
    assert trend["buckets"][0]["max_utc"] == "2026-09-21T14:13:31.000000Z"
    for name in ("x.csv", "x.parquet"):
        told = pressline("trends", "export", *store, "--output", tmp_path / name)
        assert told.exit_code == 0
        assert "rows of 3 tags" in told.output
    assert pq.read_table(tmp_path / "x.parquet").num_rows == 5006
    assert bits(sqlite.both(OTHER.name)[0]) == bits(ramp(5000))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("show", "press.none"), "there are no trends of 'press.none'"),
        (
            ("show", "press.state", "--from", "yesterday"),
            "'yesterday' is no time; expected for example 2026-11-22T06:00",
        ),
        (("show", "press.state", "--from", "2027-01-01"), "the range has to begin before it ends"),
        (("list", "--line", "south"), "holds no trends of a line 'south'; it has line"),
        (("export", "--output", "x.xls"), "x.xls: expected a name that ends in .csv or .parquet"),
    ],
)
def test_what_cannot_be_done_is_said(sqlite: Store, file: Path, arguments: tuple[str, ...], words: str) -> None:
    told = pressline("trends", *arguments, "--store", file)
    assert told.exit_code == ExitCode.UNUSABLE
    assert words in told.output
    assert "Trace" not in told.output


def test_a_store_without_trends_is_said(tmp_path: Path) -> None:
    store = tmp_path / "a.sqlite"
    told = pressline("trends", "list", "--store", store)
    assert told.exit_code == ExitCode.UNUSABLE
    assert f"{tmp_path / 'a-trends.sqlite'}: there is no such file" in told.output
    trends_file(store).write_text("not a database, whatever it says " * 100, encoding="utf-8")
    told = pressline("trends", "list", "--store", store)
    assert (told.exit_code, "file is not a database" in told.output) == (ExitCode.UNUSABLE, True)
