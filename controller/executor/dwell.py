"""What a pressing step really reached: extremes over the step and means over the dwell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Trace:
    """Mean, extremes and number of the samples of one quantity."""

    count: int = 0
    total: float = 0.0
    low: float = float("inf")
    high: float = float("-inf")

    def add(self, lower: float, upper: float) -> None:
        """One sample seen by two sensors (or the same value twice): the mean counts, the extremes are kept apart."""
        self.count += 1
        self.total += (lower + upper) / 2
        self.low = min(self.low, lower)
        self.high = max(self.high, upper)

    @property
    def mean(self) -> float | None:
        return self.total / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Reached:
    """A finished pressing: laminate pressure (dwell mean, dwell extremes, step maximum), temperature, dwell."""

    pressure_mpa: float
    pressure_low_mpa: float
    pressure_high_mpa: float
    pressure_max_mpa: float
    pressure_uncertainty_mpa: float
    temperature_c: float
    temperature_low_c: float
    temperature_high_c: float
    temperature_uncertainty_k: float
    dwell_s: float
