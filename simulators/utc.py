"""How far the computer's UTC is from the line's true time, when a fault has put it wrong."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class ClockDisturbances:
    """step_s: UTC stands off by this. drift_ppm: and runs fast by this, since `since_s` of the line's time."""

    step_s: float = 0.0
    drift_ppm: float = 0.0
    since_s: float = 0.0

    def error_s(self, now_s: float) -> float:
        """Seconds that the computer's UTC is ahead at this line time."""
        return self.step_s + 1e-6 * self.drift_ppm * max(0.0, now_s - self.since_s)
