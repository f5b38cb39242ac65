"""How samples become blocks: cut by number and by span of time, in order of time, encoded once for their row."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from controller.historian import codec
from controller.historian.model import HOUR_US
from controller.historian.samples import Samples
from controller.historian.summaries import SUMMARY, Summaries, every, merged, packed

BLOCK = 4096
"""Samples of a full block: some 200 s at 20 Hz. Larger ones pack hardly better and are slower to look into."""
SPAN_US = HOUR_US
"""No block is longer: so a reader knows how far back to look for those that reach into its range."""

_LARGEST_SUM = 1e290
"""PostgreSQL refuses to add what overflows; a mean of such values is of no use to anybody."""
_START = np.zeros(1, np.int64)


@dataclass(frozen=True, slots=True)
class Cut:
    """Blocks of one tag, each in order of time, and what goes on waiting for more."""

    full: tuple[Samples, ...]
    left: Samples


def must_be_cut(samples: Samples) -> bool:
    """Whether these, as they came, are more than may wait."""
    times = samples.times_us
    return len(samples) >= BLOCK or (len(samples) > 1 and int(times.max()) - int(times.min()) >= SPAN_US)


def cut(samples: Samples) -> Cut:
    """What came, as blocks. What the newest came into goes on waiting, however late its time is, unless it is full."""
    newest_us = int(samples.times_us[-1])
    ordered = samples.in_order()
    pieces = [ordered[start:end] for start, end in _pieces(ordered)]
    open_ones = [piece for piece in pieces if len(piece) < BLOCK]
    near = [piece for piece in open_ones if int(piece.times_us[0]) <= newest_us <= int(piece.times_us[-1])]
    left = (near or open_ones or [samples[:0]])[-1]
    return Cut(tuple(piece for piece in pieces if piece is not left), left)


def _pieces(ordered: Samples) -> Iterator[tuple[int, int]]:
    """Samples of the same time stay together where they can: so what is read is in the order in which it came."""
    times, start, count = ordered.times_us, 0, len(ordered)
    while start < count:
        end = min(start + BLOCK, int(np.searchsorted(times, times[start] + SPAN_US)))
        if end < count and times[end] == times[end - 1] and times[end] != times[start]:
            end = int(np.searchsorted(times, times[end]))
        yield start, end
        start = end


def block_row(tag: int, number: int, samples: Samples) -> dict[str, Any]:
    """The row of one block, without its times."""
    parts = every(samples)
    [whole] = merged(parts, _START)
    row = summary_row(whole)
    row |= {"tag": tag, "number": number, "times": number, "parts": packed(parts, row["from_us"])}
    row["vals"] = codec.encoded_values(samples.values)
    row["qualities"] = codec.encoded_qualities(samples.qualities)
    return row


def summary_row(summary: Any) -> dict[str, Any]:
    """A summary as columns that every database keeps: NaN is None, and so is a sum that adding could overflow."""
    values = (column.item() for column in summary)
    row = {
        name: None if isinstance(value, float) and math.isnan(value) else value
        for name, value in zip(SUMMARY.names or (), values, strict=True)
    }
    if row["sum"] is not None and abs(row["sum"]) > _LARGEST_SUM:
        row["sum"] = None
    return row


SUMMARY_COLUMNS: tuple[str, ...] = SUMMARY.names or ()


def summaries_of(rows: list[Any]) -> Summaries:
    """Summaries of rows that begin with SUMMARY_COLUMNS."""
    count = len(SUMMARY_COLUMNS)
    found = np.zeros(len(rows), SUMMARY)
    for place, row in enumerate(rows):
        found[place] = tuple(math.nan if value is None else value for value in row[:count])
    return found
