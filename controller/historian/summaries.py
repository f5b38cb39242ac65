"""What is kept of many samples: extremes with their times, first, last, mean, count, worst quality.

Every extreme carries its own time, so summaries of any level can be put into any bucket of a screen without an extreme
being lost or moved. Numbers that are not finite are counted and judged, and are never an extreme.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from controller.historian.samples import BAD, Samples

SUMMARY = np.dtype(
    [
        ("from_us", "<i8"),
        ("to_us", "<i8"),  # of its last sample
        ("min_us", "<i8"),
        ("max_us", "<i8"),
        ("min", "<f8"),
        ("max", "<f8"),
        ("first", "<f8"),
        ("last", "<f8"),
        ("sum", "<f8"),  # of the finite ones that are not bad
        ("count", "<i8"),
        ("summed", "<i8"),
        ("bad", "<i8"),
        ("worst", "<i8"),
    ]
)
Summaries = NDArray[np.void]

PART = 128
"""Samples of one stored part of a block (engineering judgement: under half a byte a sample)."""
_PACKED = np.dtype(
    [
        ("from_us", "<u4"),
        ("to_us", "<u4"),
        ("min_us", "<u4"),
        ("max_us", "<u4"),
        ("min", "<f8"),
        ("max", "<f8"),
        ("first", "<f8"),
        ("last", "<f8"),
        ("sum", "<f8"),
        ("count", "<u2"),
        ("summed", "<u2"),
        ("bad", "<u2"),
        ("worst", "u1"),
    ]
)  # times count from the block's first sample: a block is never longer than 2**32 microseconds


def summarised(samples: Samples, starts: NDArray[np.int64]) -> Summaries:
    """One summary for each run of samples, which begin at `starts` (the first is 0); samples are in order."""
    count = len(samples)
    found = np.zeros(len(starts), SUMMARY)
    if not count:
        return found
    ends = np.append(starts[1:], count) - 1
    low = high = values = samples.values
    finite, bad = np.isfinite(values), samples.qualities >= BAD
    if not (is_plain := bool(finite.all()) and not bool(bad.any())):  # nearly all are, and this is for every screen
        low, high = np.where(finite, values, np.inf), np.where(finite, values, -np.inf)
    found["from_us"], found["to_us"] = samples.times_us[starts], samples.times_us[ends]
    found["first"], found["last"] = values[starts], values[ends]
    found["min"], found["max"] = np.minimum.reduceat(low, starts), np.maximum.reduceat(high, starts)
    sizes = ends - starts + 1
    found["min_us"] = samples.times_us[_first_where(low == np.repeat(found["min"], sizes), starts)]
    found["max_us"] = samples.times_us[_first_where(high == np.repeat(found["max"], sizes), starts)]
    with np.errstate(over="ignore", invalid="ignore"):
        counts = finite & ~bad
        found["sum"] = np.add.reduceat(values if is_plain else np.where(counts, values, 0.0), starts)
    found["count"] = found["summed"] = sizes
    if not is_plain:
        found["summed"] = np.add.reduceat(counts.astype(np.int64), starts)
        found["bad"] = np.add.reduceat(bad.astype(np.int64), starts)
    found["worst"] = np.maximum.reduceat(samples.qualities, starts)
    return found


def every(samples: Samples, size: int = PART) -> Summaries:
    """One summary for each `size` samples."""
    return summarised(samples, np.arange(0, len(samples), size))


def merged(parts: Summaries, starts: NDArray[np.int64]) -> Summaries:
    """One summary for each run of summaries, which begin at `starts`; they are in order of from_us."""
    found = np.zeros(len(starts), SUMMARY)
    if not len(parts):
        return found
    sizes = np.diff(np.append(starts, len(parts)))
    found["from_us"] = parts["from_us"][starts]
    found["to_us"] = np.maximum.reduceat(parts["to_us"], starts)
    found["first"] = parts["first"][starts]
    is_last = parts["to_us"] == np.repeat(found["to_us"], sizes)
    places = np.where(is_last, np.arange(len(parts)), -1)
    found["last"] = parts["last"][np.maximum.reduceat(places, starts)]
    found["min"], found["max"] = np.minimum.reduceat(parts["min"], starts), np.maximum.reduceat(parts["max"], starts)
    found["min_us"] = parts["min_us"][_first_where(parts["min"] == np.repeat(found["min"], sizes), starts)]
    found["max_us"] = parts["max_us"][_first_where(parts["max"] == np.repeat(found["max"], sizes), starts)]
    with np.errstate(over="ignore", invalid="ignore"):
        for name in ("sum", "count", "summed", "bad"):
            found[name] = np.add.reduceat(parts[name], starts)
    found["worst"] = np.maximum.reduceat(parts["worst"], starts)
    return found


def _first_where(mask: NDArray[np.bool_], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each run the place of its first True, which there is."""
    places = np.flatnonzero(mask)
    return places[np.searchsorted(places, starts)]


def packed(parts: Summaries, from_us: int) -> bytes:
    """The parts of one block for its row."""
    small = np.zeros(len(parts), _PACKED)
    for name in SUMMARY.names or ():
        small[name] = parts[name] - from_us if name.endswith("_us") else parts[name]
    return small.tobytes()


def unpacked(data: bytes, from_us: int) -> Summaries:
    """What `packed` took."""
    small = np.frombuffer(data, _PACKED)
    parts = np.zeros(len(small), SUMMARY)
    for name in SUMMARY.names or ():
        parts[name] = small[name].astype(np.int64) + from_us if name.endswith("_us") else small[name]
    return parts
