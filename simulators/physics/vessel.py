"""The pressure in an isostatic press: an intensifier that strokes, a relief valve, staged decompression.

The medium is an oil by Murnaghan's law; what is pumped, leaked and vented is counted as shares of the content that the
vessel has at no pressure, so that the books can be checked: content = 1 + pumped - leaked - vented.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

SLOW_SHARE = 0.05
SLOW_FACTOR = 0.2
"""The first 5 % of the pressure rise at a fifth of the rate: the bag settles on the laminate (judgement)."""
FINAL_STAGE_MPA = 50.0
"""Below this, decompression is slow: gas that leaves pores quickly cracks the laminate (engineering judgement)."""
ZERO_MPA = 0.1
"""The low-range switch proves zero below this."""
BULK_MPA = 1600.0
BULK_SLOPE = 10.0
"""Bulk modulus of a mineral oil and its rise with pressure: 1.6 GPa and about 10 (engineering judgement)."""
STROKE_SHARE = 0.0055
"""Content that one full stroke of the intensifier adds: some 40 strokes to 980 MPa (engineering judgement)."""
TOP_UP_MPA = 1.0
"""The pump tops up when the pressure has fallen by this much."""
MAWP_MPA = 1100.0
"""Maximum allowable working pressure; the relief valve is set to it, and flows fully at a tenth more."""
ACCUMULATION = 1.1
RELIEF_MPA_S = 20.0
"""Twice what the intensifier can give, so that the accumulation stays below 1.1 (engineering judgement)."""
LIFTED_MPA_S = 3.0
"""What a relief valve lets through its orifice that lifts far below its set pressure (engineering judgement)."""
FAULT_SWINGS_HZ = 0.5
"""An intensifier with a leaking check valve strokes on when the pressure is reached (engineering judgement)."""


def content(pressure_mpa: float) -> float:
    """Mass of the medium in the vessel, as a share of that at no pressure."""
    return math.pow(1.0 + BULK_SLOPE * max(0.0, pressure_mpa) / BULK_MPA, 1.0 / BULK_SLOPE)


def compression_energy_mj_m3(pressure_mpa: float) -> float:
    """Work that compressing a cubic metre of medium, as it fills the vessel at no pressure, has taken: the energy that
    a vessel holds. The integral of p dv by Murnaghan's law."""
    n, bulk, ratio = BULK_SLOPE, BULK_MPA, 1.0 + BULK_SLOPE * max(0.0, pressure_mpa) / BULK_MPA
    return bulk / n * ((math.pow(ratio, 1.0 - 1.0 / n) - 1.0) / (n - 1.0) - 1.0 + math.pow(ratio, -1.0 / n))


@dataclass(slots=True)
class Vessel:
    """base_mpa is the mean pressure; ripple rides on it only while the intensifier moves.

    relief_lifted is a relief valve that fails open. pumped, leaked and vented are shares of the content at no pressure;
    topped_up_mpa is what the pump has made up since it was last set to 0.
    """

    ripple_mpa: float = 0.0
    leak_mpa_s: float = 0.0
    base_mpa: float = 0.0
    stroke: float = 0.0
    pumping: bool = False
    relief_lifted: bool = False
    hunting_mpa: float = 0.0
    pumped: float = 0.0
    leaked: float = 0.0
    vented: float = 0.0
    topped_up_mpa: float = 0.0
    _topping: bool = False

    @property
    def pressure_mpa(self) -> float:
        swing_mpa = self.hunting_mpa + (self.ripple_mpa if self.pumping else 0.0)
        if swing_mpa == 0.0:
            return self.base_mpa
        return self.base_mpa + min(swing_mpa, 0.1 * self.base_mpa) * math.sin(2.0 * math.pi * self.stroke)

    @property
    def relief_lift(self) -> float:
        """0 is shut, 1 is fully open."""
        if self.relief_lifted and self.base_mpa > 0.0:
            return 1.0
        return max(0.0, min(1.0, (self.base_mpa / MAWP_MPA - 1.0) / (ACCUMULATION - 1.0)))

    def raise_to(self, setpoint_mpa: float, rate_mpa_s: float, dt_s: float) -> bool:
        """Pumps towards the setpoint; true once it is reached."""
        slow = self.base_mpa < SLOW_SHARE * setpoint_mpa
        self._lose(dt_s)
        self._pump_to(setpoint_mpa, rate_mpa_s * (SLOW_FACTOR if slow else 1.0), dt_s)
        self.pumping = self.base_mpa < setpoint_mpa
        return not self.pumping

    def keep(self, setpoint_mpa: float, dt_s: float, rate_mpa_s: float = 10.0) -> None:
        """Keeps the pressure: it leaks, and the pump tops it up at up to rate_mpa_s."""
        self.isolate(dt_s)
        self._topping = self._topping or self.base_mpa < setpoint_mpa - TOP_UP_MPA
        if self._topping:
            before = self.base_mpa
            self._pump_to(setpoint_mpa, rate_mpa_s, dt_s)
            self.topped_up_mpa += self.base_mpa - before
            self._topping = self.pumping = self.base_mpa < setpoint_mpa

    def isolate(self, dt_s: float) -> None:
        """Pump stopped, valves closed: only seals and the relief valve let anything off."""
        self.pumping = False
        self._lose(dt_s)
        if self.hunting_mpa:
            self.stroke = (self.stroke + FAULT_SWINGS_HZ * dt_s) % 1.0

    def decompress(self, rate_mpa_s: float, final_rate_mpa_s: float, dt_s: float) -> bool:
        """Lets pressure off through the metered valve; true once there is none.

        The valve is metered by the pressure's fall: what leaks is not let off besides.
        """
        self.pumping = self._topping = False
        rate = rate_mpa_s if self.base_mpa > FINAL_STAGE_MPA else min(rate_mpa_s, final_rate_mpa_s)
        wanted = max(0.0, self.base_mpa - rate * dt_s)
        self._lose(dt_s)
        if wanted < self.base_mpa:
            self.vented += content(self.base_mpa) - content(wanted)
            self.base_mpa = wanted
        return self.base_mpa < ZERO_MPA

    def _pump_to(self, setpoint_mpa: float, rate_mpa_s: float, dt_s: float) -> None:
        """Raises the pressure by at most rate_mpa_s; a setpoint below it changes nothing: a pump cannot let off."""
        after = min(max(setpoint_mpa, self.base_mpa), self.base_mpa + rate_mpa_s * dt_s)
        added = content(after) - content(self.base_mpa)
        self.pumped += added
        self.stroke = (self.stroke + added / STROKE_SHARE) % 1.0
        self.base_mpa = after

    def _lose(self, dt_s: float) -> None:
        """What seals and relief valve let off; exact above the relief's set pressure."""
        before = self.base_mpa
        if self.leak_mpa_s:
            self.base_mpa = max(0.0, before - self.leak_mpa_s * dt_s)
            self.leaked += content(before) - content(self.base_mpa)
        if self.relief_lifted:
            self._relieve(max(0.0, self.base_mpa - LIFTED_MPA_S * dt_s))
        elif self.base_mpa > MAWP_MPA:
            tau_s = MAWP_MPA * (ACCUMULATION - 1.0) / RELIEF_MPA_S
            self._relieve(MAWP_MPA + (self.base_mpa - MAWP_MPA) * math.exp(-dt_s / tau_s))

    def _relieve(self, after_mpa: float) -> None:
        self.vented += content(self.base_mpa) - content(after_mpa)
        self.base_mpa = after_mpa
