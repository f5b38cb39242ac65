"""What a press makes of its setpoints: the course of pressure and temperature from the rise to the end of the release.

The figures are those of the machines in `simulators`, which these modules must not import; a test holds both together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Values = float | NDArray[np.float64]

RISE = tuple(1.0 - (1.0 - part / 14) ** 1.5 for part in range(15))
"""Shares of the pressure at the instants of the rise, closer together where what they did is not yet forgotten."""
FALL = tuple(1.0 - 0.6 * (part / 18) ** 1.5 for part in range(19))
"""Shares at the instants of the release; below the last no layer is driven any more that was driven above."""
WARMING = (0.25, 0.55, 0.95, 1.5, 2.4, 4.0, 7.0, 12.0)
"""Instants of a dwell in the time constants with which the laminate warms, or the press settles."""
SHORTEST_S = 1e-9
"""Two instants at once count as this far apart, so that nothing is divided by zero."""
SETTLED_K = 1e-3


@dataclass(frozen=True, slots=True)
class Instants:
    """Pressure and temperature at each instant, and the seconds between each two."""

    pressure_mpa: Sequence[Values]
    temperature_c: Sequence[Values]
    seconds: Sequence[Values]


@dataclass(frozen=True, slots=True)
class Course:
    """The habits of one kind of press.

    laminate_tau_s: how fast the laminate takes the temperature of what is around it, and head_s how long it has lain
    in it before the soak (or, without one, before the rise). slow_share of the pressure rises at slow_factor of the
    ramp. force_tau_s is the lag of the force loop: the dwell begins once the force is within `band` of its setpoint.

    A press that comes from another temperature begins as soon as it is within warm_band_k of the new one, and needs
    approach_s before it touches the laminate; it follows its setpoint after dead_s and with body_tau_s. A warm_band_k
    of 0 says that it has settled.
    """

    laminate_tau_s: float
    head_s: float = 0.0
    warm_band_k: float = 0.0
    approach_s: float = 0.0
    dead_s: float = 0.0
    body_tau_s: float = 1.0
    slow_share: float = 0.0
    slow_factor: float = 1.0
    force_tau_s: float = 0.0
    band: float = 0.02

    def instants(
        self,
        pressure_mpa: Values,
        temperature_c: Values,
        dwell_s: Values,
        ramp_mpa_s: Values,
        release_mpa_s: Values,
        soak_s: Values,
        start_c: Values,
        before_c: Values | None,
    ) -> Instants:
        """The course of one pressing; every argument is one number, or an array with one for each laminate.

        start_c is the temperature that the laminate comes with, before_c that of the press's last pressing, None for
        its first one: then it was warmed up.
        """
        off_k, late_s = self._off(temperature_c, before_c)
        cold = start_c - temperature_c - off_k
        head_s = self.head_s + soak_s
        warm = bool(np.all(np.abs(cold * np.exp(-head_s / self.laminate_tau_s)) < SETTLED_K))
        settled = warm and not np.any(off_k)
        shares, seconds = [RISE[0]], []
        for low, high in pairwise(RISE):
            seconds.append(self._rise_s(low, high) * pressure_mpa / ramp_mpa_s)
            shares.append(high)
        for part in self._dwell_parts(dwell_s + self._late_s(pressure_mpa, ramp_mpa_s), settled=settled):
            seconds.append(part)
            shares.append(1.0)
        for high, low in pairwise(FALL):
            seconds.append((high - low) * pressure_mpa / release_mpa_s)
            shares.append(low)
        temperatures: list[Values] = [temperature_c] * len(shares)
        if not settled:
            now_s: Values = head_s
            for number, passed_s in enumerate((0.0, *seconds)):
                now_s = now_s + passed_s
                around_c = temperature_c
                if np.any(off_k):  # the laminate sees what the press was its own time constant ago
                    since_s = np.maximum(0.0, now_s - late_s - self.laminate_tau_s)
                    around_c = temperature_c + off_k * np.exp(-since_s / self.body_tau_s)
                temperatures[number] = around_c + cold * np.exp(-now_s / self.laminate_tau_s)
        return Instants(
            [share * pressure_mpa for share in shares],
            temperatures,
            [np.maximum(passed_s, SHORTEST_S) for passed_s in seconds],
        )

    def _off(self, temperature_c: Values, before_c: Values | None) -> tuple[Values, Values]:
        """By how many kelvin the press is off its setpoint when it touches the laminate, and when that begins to fade.

        A press that had further to go than the band has been on its way for long; one that was in the band already
        begins at once, and its heaters answer only after their dead time.
        """
        if self.warm_band_k <= 0.0 or before_c is None:
            return 0.0, 0.0
        behind_k = before_c - temperature_c
        far = np.abs(behind_k) > self.warm_band_k
        faded = np.where(far, np.exp(-self.approach_s / self.body_tau_s), 1.0)
        off_k = np.clip(behind_k, -self.warm_band_k, self.warm_band_k) * faded
        return off_k, np.where(far, 0.0, max(0.0, self.dead_s - self.approach_s))

    def _rise_s(self, low: float, high: float) -> float:
        """Seconds between two shares of the pressure, in units of the whole rise at the ramp."""
        slow = max(0.0, min(high, self.slow_share) - low)
        return slow / self.slow_factor + (high - low - slow)

    def _late_s(self, pressure_mpa: Values, ramp_mpa_s: Values) -> Values:
        """How long after the end of the ramp the machine begins to count the dwell.

        The force lags behind its ramp by the loop's time constant, at the rise as at the release, so the time at
        pressure is longer than the dwell by what passes between the end of the ramp and the band.
        """
        if self.force_tau_s <= 0.0:
            return 0.0
        behind = ramp_mpa_s * self.force_tau_s / (self.band * pressure_mpa)
        return self.force_tau_s * np.log(np.maximum(1.0, behind))

    def _dwell_parts(self, dwell_s: Values, *, settled: bool) -> list[Values]:
        if settled:
            return [dwell_s]
        ends = [np.minimum(dwell_s, share * self.laminate_tau_s) for share in WARMING]
        return [end - begin for begin, end in zip((0.0, *ends), (*ends, dwell_s), strict=True)]


UNIAXIAL = Course(
    laminate_tau_s=5.0, head_s=0.5, warm_band_k=2.0, approach_s=6.0, dead_s=20.0, body_tau_s=30.0, force_tau_s=0.5
)
"""A hydraulic press with heated platens: the laminate is cold until the platens touch it."""
ISOSTATIC = Course(laminate_tau_s=30.0, head_s=22.5, slow_share=0.05, slow_factor=0.2)
"""A vessel: the laminate lies in the medium from half its filling on, and the first 5 % of the pressure come slowly."""
