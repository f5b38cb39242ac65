"""Exception reporting: where the plant says so only what changed is kept, and what was left out is counted.

The last value before a change is kept as well, so that a straight line between two samples does not invent a ramp.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from controller.historian.model import ExceptionReport
from controller.historian.samples import Samples

_Sample = tuple[int, float, int]


@dataclass(slots=True)
class _Seen:
    """The last sample that was kept, and the last one that was left out since."""

    kept: _Sample | None = None
    skipped: _Sample | None = None


class Exceptions:
    """For all tags of a line; remembers what it kept last, until the program ends."""

    def __init__(self, reports: Mapping[str, ExceptionReport]) -> None:
        self._reports = reports
        self._seen = {tag: _Seen() for tag in reports}

    def sieved(self, tag: str, samples: Samples) -> tuple[Samples, int]:
        """What is kept of these, and how many were left out."""
        report = self._reports.get(tag)
        if report is None or not len(samples):
            return samples, 0
        seen, kept = self._seen[tag], list[_Sample]()
        columns = (samples.times_us.tolist(), samples.values.tolist(), samples.qualities.tolist())
        skipped = 0 if seen.skipped is None else 1
        for one in zip(*columns, strict=True):
            if seen.kept is not None and _is_same(seen.kept, one, report):
                seen.skipped = one
                continue
            if seen.skipped is not None:
                kept.append(seen.skipped)
            kept.append(one)
            seen.kept, seen.skipped = one, None
        found = _columns(kept, samples)
        waits = 0 if seen.skipped is None else 1  # it may still be kept: it is counted when it is not
        return found, max(0, len(samples) + skipped - len(found) - waits)


def _is_same(kept: _Sample, new: _Sample, report: ExceptionReport) -> bool:
    (kept_us, kept_value, kept_quality), (us, value, quality) = kept, new
    if quality != kept_quality or not kept_us <= us < kept_us + report.at_most_s * 1e6:
        return False
    if math.isnan(value) or math.isnan(kept_value):
        return math.isnan(value) and math.isnan(kept_value)
    return value == kept_value or abs(value - kept_value) <= report.band


def _columns(kept: list[_Sample], like: Samples) -> Samples:
    times, values, qualities = zip(*kept, strict=True) if kept else ((), (), ())
    return Samples(
        np.array(times, like.times_us.dtype),
        np.array(values, like.values.dtype),
        np.array(qualities, like.qualities.dtype),
    )
