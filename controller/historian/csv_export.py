"""Trends as CSV (RFC 4180): a row for each time at which a tag has a sample, two columns for each tag.

Times are UTC in ISO 8601, units stand in the header. A field is empty where a tag has no sample at that time; a value
that could not be decoded is NaN. A tag with two samples at one time has two rows.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from controller.historian.looking import Trends, page_bounds
from controller.historian.model import Tag
from controller.historian.new_file import new_file
from controller.historian.reading import check_range
from controller.historian.samples import QUALITIES, Samples
from controller.historian.sealing import chosen_tags

_KEY = np.dtype([("time_us", np.int64), ("turn", np.int64)])
_WORDS = [str(quality) for quality in QUALITIES]


async def export_csv(trends: Trends, tags: Sequence[str] | None, from_us: int, to_us: int, file: Path) -> int:
    """Writes the file in one move; how many rows. None takes every tag.

    Raises ExportRefused, TagUnknown, RangeRefused, DatabaseUnusable.
    """
    check_range(from_us, to_us)
    stored = await chosen_tags(trends, tags)
    chosen = [one.tag for one in stored]
    rows = 0
    with new_file(file) as draft, draft.open("w", encoding="utf-8", newline="") as output:
        writer = csv.writer(output, lineterminator="\r\n")
        writer.writerow(header(chosen))
        for start_us, end_us in page_bounds(stored, from_us, to_us):
            columns = [await trends.samples(tag.name, start_us, end_us) for tag in chosen]
            found = _rows(columns)
            writer.writerows(found)
            rows += len(found)
        output.flush()
    return rows


def header(tags: Sequence[Tag]) -> list[str]:
    """The first line."""
    named = [(f"{tag.name} [{tag.unit}]" if tag.unit else tag.name, f"{tag.name} quality") for tag in tags]
    return ["time_utc", *(name for pair in named for name in pair)]


def _rows(columns: Sequence[Samples]) -> list[tuple[Any, ...]]:
    """The rows of one page, in order of time."""
    keys = [_keys(samples) for samples in columns]
    if not any(len(key) for key in keys):
        return []
    every = np.unique(np.concatenate(keys))
    times = np.datetime_as_string(every["time_us"].astype("datetime64[us]"), unit="us")
    table: list[Sequence[Any]] = [[f"{text}Z" for text in times.tolist()]]
    for key, samples in zip(keys, columns, strict=True):
        values: list[Any] = [""] * len(every)
        qualities = [""] * len(every)
        places = np.searchsorted(every, key).tolist()
        for place, value, quality in zip(places, samples.values.tolist(), samples.qualities.tolist(), strict=True):
            values[place] = _text(value)
            qualities[place] = _WORDS[quality]
        table += [values, qualities]
    return list(zip(*table, strict=True))


def _keys(samples: Samples) -> Any:
    """Each sample's time, and which of that time it is."""
    keys = np.zeros(len(samples), _KEY)
    if len(samples):
        times = samples.times_us
        starts = np.flatnonzero(np.diff(times, prepend=times[0] - 1))
        sizes = np.diff(np.append(starts, len(times)))
        keys["time_us"], keys["turn"] = times, np.arange(len(times)) - np.repeat(starts, sizes)
    return keys


def _text(value: float) -> str:
    """The shortest text that gives the same number; a whole number needs no point."""
    if math.isnan(value):
        return "NaN"
    text = repr(value)
    return text.removesuffix(".0") if value else text
