"""The pressure in an isostatic press: an intensifier that strokes, staged decompression."""

from __future__ import annotations

import math
from dataclasses import dataclass

from simulators.physics.hydraulics import ramped

SLOW_SHARE = 0.05
SLOW_FACTOR = 0.2
"""The first 5 % of the pressure rise at a fifth of the rate: the bag settles on the laminate (judgement)."""
FINAL_STAGE_MPA = 50.0
"""Below this, decompression is slow: gas that leaves pores quickly cracks the laminate (engineering judgement)."""
ZERO_MPA = 0.1
"""The low-range switch proves zero below this."""
STROKE_MPA = 25.0
"""Pressure that one full stroke of the intensifier adds."""
TOP_UP_MPA = 1.0
"""The pump tops up when the pressure has fallen by this much."""


@dataclass(slots=True)
class Vessel:
    """base_mpa is the mean pressure; ripple rides on it only while the intensifier moves."""

    ripple_mpa: float = 0.0
    leak_mpa_s: float = 0.0
    base_mpa: float = 0.0
    stroke: float = 0.0
    pumping: bool = False

    @property
    def pressure_mpa(self) -> float:
        if not self.pumping:
            return self.base_mpa
        swing = min(self.ripple_mpa, 0.1 * self.base_mpa)
        return self.base_mpa + swing * math.sin(2.0 * math.pi * self.stroke)

    def raise_to(self, setpoint_mpa: float, rate_mpa_s: float, dt_s: float) -> bool:
        """Pumps towards the setpoint; true once it is reached."""
        slow = self.base_mpa < SLOW_SHARE * setpoint_mpa
        before = self.base_mpa
        self.base_mpa = ramped(before, setpoint_mpa, rate_mpa_s * (SLOW_FACTOR if slow else 1.0), dt_s)
        self.pumping = self.base_mpa != setpoint_mpa
        self.stroke = (self.stroke + (self.base_mpa - before) / STROKE_MPA) % 1.0
        return not self.pumping

    def keep(self, setpoint_mpa: float, dt_s: float) -> None:
        """Keeps the pressure: it leaks, and the pump tops it up."""
        self.isolate(dt_s)
        if self.base_mpa < setpoint_mpa - TOP_UP_MPA:
            self.stroke = (self.stroke + (setpoint_mpa - self.base_mpa) / STROKE_MPA) % 1.0
            self.base_mpa = setpoint_mpa

    def isolate(self, dt_s: float) -> None:
        """Pump stopped, valves closed: only the seals leak."""
        self.pumping = False
        self.base_mpa = max(0.0, self.base_mpa - self.leak_mpa_s * dt_s)

    def decompress(self, rate_mpa_s: float, final_rate_mpa_s: float, dt_s: float) -> bool:
        """Lets pressure off through the metered valve; true once there is none."""
        self.pumping = False
        rate = rate_mpa_s if self.base_mpa > FINAL_STAGE_MPA else min(rate_mpa_s, final_rate_mpa_s)
        self.base_mpa = max(0.0, self.base_mpa - rate * dt_s)
        return self.base_mpa < ZERO_MPA
