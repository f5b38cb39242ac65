"""The force loop of a hydraulic press."""

from __future__ import annotations

import math
from dataclasses import dataclass

FORCE_TAU_S = 0.5
"""Closed force loops of laboratory presses settle within 0.3 to 1 s (engineering judgement)."""
OIL_MPA_PER_KN = 30.0 / 600.0
"""Full force needs 30 MPa of oil: a cylinder of 0.02 m2."""


@dataclass(slots=True)
class ForceLoop:
    """The force on the sample follows its target with a first-order lag, never faster than rate_limit_kn_s.

    force_kn is never negative: the ram can push and not pull.
    """

    force_kn: float = 0.0
    rate_limit_kn_s: float = 100.0
    tau_s: float = FORCE_TAU_S

    def step(self, target_kn: float, dt_s: float) -> None:
        change = (target_kn - self.force_kn) * -math.expm1(-dt_s / self.tau_s)
        limit = self.rate_limit_kn_s * dt_s
        self.force_kn = max(0.0, self.force_kn + max(-limit, min(limit, change)))


def ramped(value: float, target: float, rate: float, dt_s: float) -> float:
    """A setpoint on its way: moves towards target by at most rate * dt_s."""
    step = rate * dt_s
    return min(target, value + step) if target >= value else max(target, value - step)
