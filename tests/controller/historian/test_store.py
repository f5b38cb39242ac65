"""What was written is read back exactly, by the writer and by others, in both kinds of store."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.historian import blocks, writing
from controller.historian.batch import Batch
from controller.historian.blocks import cut, must_be_cut
from controller.historian.errors import RangeRefused, TagUnknown, TrendsTaken
from controller.historian.model import Mark, MarkKind, Tag
from controller.historian.samples import Samples, joined
from controller.historian.tables import TABLES
from tests.controller.historian.stores import (
    DAY_US,
    SECOND_US,
    START_US,
    Store,
    bits,
    new_line,
    opened,
    ramp,
    samples,
    sqlite_url,
)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of eight samples, and what waits is tidied up every three rows."""
    monkeypatch.setattr(blocks, "BLOCK", 8)
    monkeypatch.setattr(writing, "WAITING_ROWS", 3)


@given(st.lists(samples(), min_size=1, max_size=6))
def test_cutting_loses_and_invents_nothing(parts: list[Samples]) -> None:
    everything = joined(parts)
    found = cut(everything)
    whole = joined([*found.full, found.left])
    assert sorted(bits(whole)) == sorted(bits(everything))
    for piece in (*found.full, found.left):
        assert len(piece) <= blocks.BLOCK
        assert bool((np.diff(piece.times_us) >= 0).all())
        assert not len(piece) or piece.times_us[-1] - piece.times_us[0] < blocks.SPAN_US
    assert not must_be_cut(found.left)


@pytest.mark.usefixtures("small_blocks")
@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(batches=st.lists(st.dictionaries(st.sampled_from("abc"), samples(20)), max_size=12), data=st.data())
def test_what_was_written_is_read_back_exactly(
    tmp_path: Path, batches: list[dict[str, Samples]], data: st.DataObject
) -> None:
    url, line = sqlite_url(tmp_path), new_line()
    written: dict[str, list[Samples]] = {}
    with opened(url, line) as store:
        for batch in batches:
            store.store(batch)
            for tag, some in batch.items():
                written.setdefault(tag, []).append(some)
        for tag, parts in written.items():
            expected = bits(joined(parts).in_order())
            assert [bits(found) for found in store.both(tag)] == [expected, expected]
    with opened(url, line) as again:  # another writer takes over what waits
        for tag, parts in written.items():
            new = data.draw(samples(20))
            again.store({tag: new})
            expected = bits(joined([*parts, new]).in_order())
            assert [bits(found) for found in again.both(tag)] == [expected, expected]


@pytest.mark.usefixtures("small_blocks")
def test_both_kinds_of_store_keep_the_same(store: Store) -> None:
    given = Samples(
        np.array([START_US + place * 400_000_000 for place in range(40)]),
        np.array([0.0, -0.0, np.nan, np.inf, -np.inf, 1e308, 5e-324, 0.1] * 5),
        np.array([0, 1, 2, 2, 2, 0, 0, 0] * 5, np.uint8),
    )
    for start in range(0, 40, 5):
        store.store({"press.x": given[start : start + 5], "press.y": given[start : start + 5]})
    for tag in ("press.x", "press.y"):
        assert [bits(found) for found in store.both(tag)] == [bits(given), bits(given)]
        part = store.both(tag, START_US + 400_000_000, START_US + 800_000_000)
        assert [bits(found) for found in part] == [bits(given[1:2])] * 2
    assert store.rows("trend_blocks") == 2 * store.rows("trend_times") > 4


def test_late_samples_and_a_clock_set_back_are_kept_and_ordered_on_read(store: Store) -> None:
    now, late = ramp(5000), ramp(5000, from_us=START_US - 600 * SECOND_US, first=10_000)
    store.store({"a": now})
    store.store({"a": late})
    expected = bits(joined([now, late]).in_order())
    assert [bits(found) for found in store.both("a")] == [expected, expected]


def test_a_tag_says_what_it_is_and_what_there_is_of_it(store: Store) -> None:
    tag = Tag("press.state", "", "what it does", "generic", {0: "IDLE", 1: "EXECUTE"})
    pressure = Tag("press.pressure_mpa", "MPa", "pressure", "generic")
    store.store({tag.name: ramp(10)}, tags={tag.name: tag, pressure.name: pressure})
    store.store({pressure.name: ramp(9000)}, left_out={pressure.name: 7})
    for reader in (store.mine, store.others):
        first, second = store.database.run_now(reader.tags)
        assert (first.tag, second.tag) == (pressure, tag)
        assert (first.count, first.first_us, first.last_us) == (9000, START_US, START_US + 8999 * SECOND_US)
        assert (first.left_out, second.count, second.stored_bytes) == (7, 10, 0)
        assert 0 < first.stored_bytes < 9000 * 10


def test_what_cannot_be_answered_is_said(store: Store) -> None:
    store.store({"a": ramp(3)})
    run, reader = store.database.run_now, store.others
    with pytest.raises(TagUnknown, match="no trends of 'b'; `pressline trends list`"):
        run(lambda c: reader.trend(c, "b", START_US, START_US + 1, 10))
    with pytest.raises(RangeRefused, match="has to begin before it ends"):
        run(lambda c: reader.trend(c, "a", START_US, START_US, 10))
    with pytest.raises(RangeRefused, match="0 points; expected 1 to"):
        run(lambda c: reader.trend(c, "a", START_US, START_US + 1, 0))


def test_two_lines_share_a_store_and_see_nothing_of_each_other(url: str) -> None:
    with opened(url, "north") as north, opened(url, "south") as south:
        north.store({"press.x": ramp(9000)})
        south.store({"press.x": ramp(5, first=100)})
        assert [bits(found) for found in north.both("press.x")] == [bits(ramp(9000))] * 2
        assert [bits(found) for found in south.both("press.x")] == [bits(ramp(5, first=100))] * 2


def test_a_second_writer_of_a_line_ends_the_first(store: Store) -> None:
    with opened(store.url) as second:
        with pytest.raises(TrendsTaken, match="another program records the trends of line now"):
            store.store({"a": ramp(3)})
        second.store({"a": ramp(4)})
        assert len(second.both("a")[1]) == 4


def test_a_batch_whose_transaction_ended_in_doubt_is_stored_once(store: Store) -> None:
    """The commit came through and its answer did not; then one that was rolled back."""
    batch = Batch(START_US, {"a": ramp(5000)})
    for _ in range(3):
        store.database.run_now(lambda connection: store.writer.store(connection, batch))

    def fails(connection: object) -> None:
        store.writer.store(connection, Batch(START_US, {"new": ramp(9000)}))  # type: ignore[arg-type]  # a connection
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        store.database.run_now(fails)
    store.store({"new": ramp(3)})
    assert [len(found) for found in store.both("a")] == [5000, 5000]
    assert [bits(found) for found in store.both("new")] == [bits(ramp(3))] * 2


def test_a_stretch_in_which_nobody_recorded_is_marked(store: Store) -> None:
    link = Mark(MarkKind.LINK, "press", START_US, START_US + SECOND_US, "no answer")
    store.store({"press.x": ramp(3), "coater.x": ramp(3)}, marks=[link])
    store.database.run_now(lambda c: store.writer.end(c, START_US + 10 * SECOND_US))
    looked: tuple[Mark, ...] = ()
    for at_s, words in ((60, "recording was ended"), (120, "the recorder died")):
        writer = writing.TrendWriter("line")
        store.database.run_now(lambda c, w=writer, s=at_s: w.open(c, START_US + s * SECOND_US))  # type: ignore[misc]  # a lambda's default has no type
        looked = store.database.run_now(
            lambda c: store.others.trend(c, "press.x", START_US, START_US + DAY_US, 9)
        ).marks
        assert looked[-1].words.startswith(words)
        assert (looked[0], looked[-1].kind) == (link, MarkKind.STOPPED)
    stops = [(mark.from_us - START_US, (mark.to_us or 0) - START_US) for mark in looked[1:]]
    assert stops == [(10 * SECOND_US, 60 * SECOND_US), (60 * SECOND_US, 120 * SECOND_US)]
    other = store.database.run_now(lambda c: store.others.trend(c, "coater.x", START_US, START_US + DAY_US, 10))
    assert link not in other.marks


def test_months_are_partitions_in_postgresql(store: Store) -> None:
    store.store({"a": ramp(9000), "b": ramp(9000, from_us=START_US + 60 * DAY_US)})
    if store.database.engine.dialect.name != "postgresql":
        return
    query = "SELECT inhrelid::regclass::text FROM pg_inherits WHERE inhparent = 'trend_blocks'::regclass ORDER BY 1"
    found = store.database.run_now(lambda c: list(c.exec_driver_sql(query).scalars()))
    assert found == ["trend_blocks_202609", "trend_blocks_202611"]


def test_every_table_of_the_room_is_opened(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as store:
        query = "SELECT name FROM sqlite_master WHERE type = 'table'"
        found = store.database.run_now(lambda c: set(c.exec_driver_sql(query).scalars()))
    assert found >= {table.name for table in TABLES}
