"""What a pressing step really reached: extremes over the step and means over the dwell."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import expm1

ROOM_C = 25.0


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
    """A finished pressing: laminate pressure (dwell mean, dwell extremes, step maximum), temperature, dwell.

    dwell_s is the time in the machine's dwell band; held_s is the time under pressure in holds beside it. is_whole: it
    was watched from its beginning to its end, so that the extremes are those of all of it.
    """

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
    held_s: float
    is_whole: bool = True


@dataclass(slots=True)
class LaminateTemperature:
    """The laminate's temperature behind what heats it: a first-order lag on the medium's readings.

    lag_s is the bag's and the stack's lag in oil, engineering judgement (20 to 45 s); 0 for platens, which touch the
    laminate. Before the first reading the laminate is taken to be at room temperature.
    """

    lag_s: float
    value_c: float | None = None
    _apart: Trace = field(default_factory=Trace)
    _time_s: float = 0.0

    def follow(self, medium_c: float, time_s: float) -> float:
        """The laminate's temperature at the time of this reading."""
        if self.lag_s <= 0:
            self.value_c = medium_c
        elif self.value_c is None:
            self.value_c = ROOM_C
        else:
            self.value_c += (medium_c - self.value_c) * -expm1(-max(0.0, time_s - self._time_s) / self.lag_s)
        self._time_s = time_s
        return self.value_c

    def dwelling(self, medium_c: float) -> None:
        """Notes how far laminate and medium are apart in the dwell."""
        if self.value_c is not None:
            self._apart.add(medium_c - self.value_c, medium_c - self.value_c)

    @property
    def spread_k(self) -> float:
        """How far their means over the dwell are apart: what is not measured is uncertain by that much."""
        return abs(self._apart.mean or 0.0)
