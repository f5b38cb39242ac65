"""Many samples as the few buckets that a screen has points.

A bucket is a stretch of even length. What is summed up already goes into the bucket in which it begins, and is never
longer than a bucket: so the curve may be coarser by one point at most, while every extreme keeps its time and value.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, cast

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
        edges = self.from_us + np.arange(self.points) * self.width_us
        places = np.searchsorted(times_us, edges)
        return np.unique(places[places < len(times_us)])


def buckets_of(summaries: Summaries, grid: Grid) -> tuple[Bucket, ...]:
    """Summaries in order of from_us, all within the grid."""
    if not len(summaries):
        return ()
    starts = grid.starts(summaries["from_us"])
    found = summaries if len(starts) == len(summaries) else merged(summaries, starts)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = np.where(found["summed"] > 0, found["sum"] / found["summed"], np.nan)
    has_extremes = found["min"] <= found["max"]
    columns = (
        found["from_us"].tolist(),
        found["to_us"].tolist(),
        found["count"].tolist(),
        _or_none(found["first"], np.isfinite(found["first"])),
        _or_none(found["last"], np.isfinite(found["last"])),
        _or_none(found["min"], has_extremes),
        _or_none(found["min_us"], has_extremes),
        _or_none(found["max"], has_extremes),
        _or_none(found["max_us"], has_extremes),
        _or_none(means, np.isfinite(means)),
        [QUALITIES[worst] for worst in found["worst"].tolist()],
        found["bad"].tolist(),
    )
    return tuple(map(Bucket._make, zip(*columns, strict=True)))


def _or_none(column: NDArray[Any], is_there: NDArray[np.bool_]) -> list[Any]:
    if bool(is_there.all()):
        return cast("list[Any]", column.tolist())
    return [value if there else None for value, there in zip(column.tolist(), is_there.tolist(), strict=True)]
