"""Many samples as the few buckets that a screen has points.

A bucket is a stretch of even length. What is summed up already goes into the bucket in which it begins, and is never
longer than a bucket: so the curve may be coarser by one point at most, while every extreme keeps its time and value.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.historian.model import Bucket
from controller.historian.samples import QUALITIES
from controller.historian.summaries import Summaries, merged


@dataclass(frozen=True, slots=True)
class Grid:
    """from_us up to to_us in at most `points` stretches of width_us."""

    from_us: int
    to_us: int
    points: int

    @property
    def width_us(self) -> int:
        """Rounded up, so that `points` are enough."""
        return -((self.from_us - self.to_us) // self.points)

    def starts(self, times_us: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in these ordered times a new stretch begins."""
        stretches = (times_us - self.from_us) // self.width_us
        return np.flatnonzero(np.diff(stretches, prepend=-1))


def buckets_of(summaries: Summaries, grid: Grid) -> tuple[Bucket, ...]:
    """Summaries in order of from_us, all within the grid."""
    if not len(summaries):
        return ()
    found = merged(summaries, grid.starts(summaries["from_us"]))
    return tuple(_bucket(*row) for row in found.tolist())


def _bucket(
    from_us: int,
    to_us: int,
    min_us: int,
    max_us: int,
    low: float,
    high: float,
    first: float,
    last: float,
    total: float,
    count: int,
    summed: int,
    bad: int,
    worst: int,
) -> Bucket:
    has_extremes = low <= high
    mean = _finite(total / summed) if summed else None
    return Bucket(
        from_us,
        to_us,
        count,
        _finite(first),
        _finite(last),
        low if has_extremes else None,
        min_us if has_extremes else None,
        high if has_extremes else None,
        max_us if has_extremes else None,
        mean,
        QUALITIES[worst],
        bad,
    )


def _finite(number: Any) -> float | None:
    return number if math.isfinite(number) else None
