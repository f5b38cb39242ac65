"""What stands between a quantity and the value that is shown: a sensor's lag and its resolution.

Constant errors within an accuracy are the scenario's, noise and drift the machines'.
"""

from __future__ import annotations

import math

_SETTLED = 1e-9


def quantised(value: float, step: float) -> float:
    """The nearest multiple of a resolution."""
    return step * math.floor(value / step + 0.5)


class Lag:
    """A first-order sensor: value follows the truth with tau_s, exactly for a truth that stood still for dt_s."""

    __slots__ = ("_tau_s", "value")

    def __init__(self, value: float, tau_s: float) -> None:
        self.value = value
        self._tau_s = tau_s

    def step(self, truth: float, dt_s: float) -> None:
        difference = self.value - truth
        if -_SETTLED < difference < _SETTLED:
            self.value = truth
        else:
            self.value = truth + difference * math.exp(-dt_s / self._tau_s)
