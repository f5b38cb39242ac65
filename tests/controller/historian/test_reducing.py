"""A trend has the true extremes with their own times, every sample is in it once, and gaps stay gaps."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from controller.historian import blocks, summaries
from controller.historian.model import HOUR_US, Trend
from controller.historian.samples import Samples, joined
from drivers.reading import Quality
from tests.controller.historian.stores import (
    DAY_US,
    SECOND_US,
    START_US,
    Store,
    new_line,
    opened,
    ramp,
    samples,
    sqlite_url,
)


def trends(store: Store, tag: str, from_us: int, to_us: int, points: int) -> list[Trend]:
    """Of the writer and of another program."""
    readers = (store.mine, store.others)
    return [store.database.run_now(lambda c, r=r: r.trend(c, tag, from_us, to_us, points)) for r in readers]  # type: ignore[misc]  # a lambda's default has no type


def holds(trend: Trend, everything: Samples) -> None:
    """A trend of these samples, which are in order."""
    inside = everything.within(trend.from_us, trend.to_us)
    assert trend.count == len(inside)
    times = inside.times_us.tolist()
    for bucket in trend.buckets:
        assert bucket.from_us in times
        assert bucket.to_us in times
    finite = [(value, time) for value, time in zip(inside.values.tolist(), times, strict=True) if math.isfinite(value)]
    lows = [(b.min, b.min_us) for b in trend.buckets if b.min is not None]
    highs = [(b.max, b.max_us) for b in trend.buckets if b.max is not None]
    assert min(lows, default=(None, None))[0] == min(finite, default=(None, None))[0]
    assert max(highs, default=(None, None))[0] == max(finite, default=(None, None))[0]
    known = set(finite)
    assert known.issuperset((*lows, *highs))
    assert sum(b.bad for b in trend.buckets) == int((inside.qualities == 2).sum())


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    parts=st.lists(samples(), min_size=1, max_size=8),
    from_s=st.integers(-4 * 86400, 4 * 86400),
    length_us=st.one_of(st.integers(1, 5 * SECOND_US), st.integers(1, 8 * DAY_US)),
    points=st.sampled_from([1, 2, 3, 10, 1000]),
)
def test_extremes_are_the_true_ones(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    parts: list[Samples],
    from_s: int,
    length_us: int,
    points: int,
) -> None:
    monkeypatch.setattr(blocks, "BLOCK", 8)
    monkeypatch.setattr(summaries, "PART", 4)
    with opened(sqlite_url(tmp_path), new_line()) as store:
        for part in parts:
            store.store({"a": part})
        from_us = START_US + from_s * SECOND_US
        for trend in trends(store, "a", from_us, from_us + length_us, points):
            assert len(trend.buckets) <= points
            holds(trend, joined(parts).in_order())


def wave(count: int, every_us: int, spike: int) -> Samples:
    numbers = np.arange(count)
    values = np.round(np.sin(numbers / 500) * 100, 2)
    values[spike] = 1000.0
    return Samples(START_US + numbers * every_us, values, np.zeros(count, np.uint8))


@pytest.mark.parametrize("length_us", [10 * SECOND_US, HOUR_US, DAY_US, 30 * DAY_US, 3000 * DAY_US])
def test_a_spike_of_one_sample_is_seen_at_every_width_at_its_time(store: Store, length_us: int) -> None:
    """From single samples over parts and blocks to hours: 12 hours at 4 Hz."""
    count, spike = 172_800, 100_003
    everything = wave(count, 250_000, spike)
    store.store({"a": everything})
    at_us = START_US + spike * 250_000
    from_us = at_us - length_us // 3
    for trend in trends(store, "a", from_us, from_us + length_us, 200):
        [found] = [bucket for bucket in trend.buckets if bucket.max == 1000.0]
        assert found.max_us == at_us
        assert len(trend.buckets) <= 200
        holds(trend, everything)


def test_a_bucket_says_all_of_its_samples(tmp_path: Path) -> None:
    with opened(sqlite_url(tmp_path)) as store:
        given = Samples(
            START_US + np.arange(6) * SECOND_US,
            np.array([5.0, 3.0, np.nan, 9.0, 4.0, 4.0]),
            np.array([0, 0, 2, 2, 1, 0], np.uint8),
        )
        store.store({"a": given})
        [bucket] = trends(store, "a", START_US, START_US + 6 * SECOND_US, 1)[0].buckets
        assert (bucket.count, bucket.first, bucket.last, bucket.bad) == (6, 5.0, 4.0, 2)
        assert (bucket.min, bucket.min_us) == (3.0, START_US + SECOND_US)
        assert (bucket.max, bucket.max_us) == (9.0, START_US + 3 * SECOND_US)
        assert (bucket.mean, bucket.quality) == (4.0, Quality.BAD)
        only_bad = trends(store, "a", START_US + 2 * SECOND_US, START_US + 3 * SECOND_US, 5)[0].buckets[0]
        assert (only_bad.min, only_bad.first, only_bad.mean, only_bad.quality) == (None, None, None, Quality.BAD)


def test_where_nothing_was_recorded_there_is_no_bucket(store: Store) -> None:
    store.store({"a": joined([ramp(10_000), ramp(10_000, from_us=START_US + 20_000 * SECOND_US)])})
    for trend in trends(store, "a", START_US, START_US + 40_000 * SECOND_US, 40):
        ends = [(b.from_us - START_US) // SECOND_US for b in trend.buckets]
        assert not [at_s for at_s in ends if 10_000 <= at_s < 20_000]
        assert {at_s // 10_000 for at_s in ends} == {0, 2}


def test_few_samples_are_given_one_by_one(store: Store) -> None:
    store.store({"a": ramp(9000)})
    for trend in trends(store, "a", START_US + 4000 * SECOND_US, START_US + 4500 * SECOND_US, 1000):
        assert [bucket.first for bucket in trend.buckets] == [float(n) for n in range(4000, 4500)]
        assert {bucket.count for bucket in trend.buckets} == {1}
