"""Samples as columns: times in UTC microseconds, values as 64-bit floats, qualities as small numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from controller.historian.errors import SamplesRefused
from drivers.reading import Quality

Times = NDArray[np.int64]
Values = NDArray[np.float64]
Qualities = NDArray[np.uint8]

QUALITIES: tuple[Quality, ...] = (Quality.GOOD, Quality.UNCERTAIN, Quality.BAD)
"""A quality's number is its place: the worst of several is the highest."""
QUALITY_NUMBERS = {quality: number for number, quality in enumerate(QUALITIES)}
GOOD, BAD = QUALITY_NUMBERS[Quality.GOOD], QUALITY_NUMBERS[Quality.BAD]
EARLIEST_US, LATEST_US = 0, 253_370_764_800_000_000
"""UTC microseconds from 1970 up to the year 9999, which every calendar knows."""


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Columns of the same length; nobody changes them any more."""

    times_us: Times
    values: Values
    qualities: Qualities

    def __len__(self) -> int:
        return len(self.times_us)

    def __getitem__(self, part: slice | NDArray[Any]) -> Samples:
        return Samples(self.times_us[part], self.values[part], self.qualities[part])

    def in_order(self) -> Samples:
        """By time; what has the same time stays as it came."""
        if len(self) < 2 or bool((self.times_us[1:] >= self.times_us[:-1]).all()):
            return self
        return self[np.argsort(self.times_us, kind="stable")]

    def within(self, from_us: int, to_us: int) -> Samples:
        """Those of from_us <= time < to_us, of samples in order."""
        first, after = np.searchsorted(self.times_us, (from_us, to_us))
        return self[int(first) : int(after)]


NOTHING = Samples(np.empty(0, np.int64), np.empty(0, np.float64), np.empty(0, np.uint8))


def joined(parts: Iterable[Samples]) -> Samples:
    """One after the other."""
    known = [part for part in parts if len(part)]
    if len(known) < 2:
        return known[0] if known else NOTHING
    return Samples(
        np.concatenate([part.times_us for part in known]),
        np.concatenate([part.values for part in known]),
        np.concatenate([part.qualities for part in known]),
    )


def samples_of(times_us: ArrayLike, values: ArrayLike, qualities: ArrayLike | Sequence[Quality] | Quality) -> Samples:
    """The caller's columns, copied; one quality may stand for all. Raises SamplesRefused."""
    try:
        times = np.array(times_us, dtype=np.int64, ndmin=1)
        numbers = np.array(values, dtype=np.float64, ndmin=1)
        kinds = _qualities(qualities, len(times))
    except (TypeError, ValueError, OverflowError, KeyError) as error:
        raise SamplesRefused(f"samples are whole microseconds, numbers and qualities: {error}") from error
    if not times.shape == numbers.shape == kinds.shape or times.ndim != 1:
        raise SamplesRefused(f"{times.size} times, {numbers.size} values, {kinds.size} qualities are no samples")
    if len(times) and not EARLIEST_US <= int(times.min()) <= int(times.max()) < LATEST_US:
        raise SamplesRefused("a time lies before 1970 or after the year 9998; expected UTC in microseconds")
    if len(kinds) and int(kinds.max()) > BAD:
        raise SamplesRefused(f"quality {int(kinds.max())} is none; there are 0 good, 1 uncertain, 2 bad")
    return Samples(times, numbers, kinds)


def _qualities(given: Any, count: int) -> Qualities:
    if isinstance(given, str):
        return np.full(count, QUALITY_NUMBERS[Quality(given)], np.uint8)
    if isinstance(given, Sequence) and given and isinstance(given[0], str):
        given = [QUALITY_NUMBERS[Quality(one)] for one in given]
    found = np.array(given, dtype=np.int64, ndmin=1)
    if len(found) and not 0 <= int(found.min()) <= int(found.max()) <= 255:
        raise ValueError("a quality is 0 good, 1 uncertain or 2 bad")
    return found.astype(np.uint8)
