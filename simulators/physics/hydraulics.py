"""The force loop of a hydraulic press and its cylinder."""

from __future__ import annotations

import math
from dataclasses import dataclass

FORCE_TAU_S = 0.5
"""Closed force loops of laboratory presses settle within 0.3 to 1 s (engineering judgement)."""
OIL_MPA_PER_KN = 30.0 / 600.0
"""Full force needs 30 MPa of oil: a cylinder of 0.02 m2."""
RELIEF_KN = 1.07 * 600.0
"""The relief valve is set between 1.05 and 1.1 of the oil pressure at full force (engineering judgement)."""
SWING_PERIOD_S = 2.0
"""A force loop that hunts does so with some times its time constant (engineering judgement)."""


@dataclass(slots=True)
class ForceLoop:
    """The force on the sample follows its target with a first-order lag, never faster than rate_limit_kn_s.

    force_kn is never negative (the ram can push and not pull) and never above what the relief valve lets through.
    """

    force_kn: float = 0.0
    rate_limit_kn_s: float = 100.0
    tau_s: float = FORCE_TAU_S

    def step(self, target_kn: float, dt_s: float, leak_kn_s: float = 0.0, rise_limit_kn_s: float | None = None) -> None:
        """dt_s towards a target. rise_limit_kn_s is what the pump can give if that is less than the loop's rate."""
        change = (target_kn - self.force_kn) * -math.expm1(-dt_s / self.tau_s)
        limit = self.rate_limit_kn_s * dt_s
        highest = limit if rise_limit_kn_s is None else min(limit, rise_limit_kn_s * dt_s)
        self._set(self.force_kn + max(-limit, min(highest, change)) - leak_kn_s * dt_s)

    def isolate(self, dt_s: float, leak_kn_s: float = 0.0) -> None:
        """The cylinder is shut off: the force stays, less what leaks."""
        self._set(self.force_kn - leak_kn_s * dt_s)

    def _set(self, force_kn: float) -> None:
        self.force_kn = max(0.0, min(RELIEF_KN, force_kn))

    @property
    def relief_open(self) -> bool:
        return self.force_kn >= RELIEF_KN


def swing_kn(amplitude_kn: float, time_s: float, tau_s: float = FORCE_TAU_S) -> float:
    """What to add to a loop's target so that its force swings by this amplitude: the lag takes its share off."""
    omega = 2.0 * math.pi / SWING_PERIOD_S
    return amplitude_kn * math.hypot(1.0, omega * tau_s) * math.sin(omega * time_s)


def ramped(value: float, target: float, rate: float, dt_s: float) -> float:
    """A setpoint on its way: moves towards target by at most rate * dt_s."""
    step = rate * dt_s
    return min(target, value + step) if target >= value else max(target, value - step)
