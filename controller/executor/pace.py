"""How long the phases of a pressing may last: a phase that goes on and on is a fault that no window sees.

A force that does not rise, a medium that never comes into its band and a valve that is stuck all look alike: values
within their windows, and no progress.
"""

from __future__ import annotations

from collections.abc import Mapping

from recipes.model import Press

SHARE = 1.5  # of the time that the job's own rates need; machines stay well within it (engineering judgement)
MARGIN_S = 30.0  # contact, valves and the last approach to a setpoint (engineering judgement)
SLOW_START = 1.2  # a vessel's first 5 % run at a fifth of the rate (isostatic-press-generic.md)
FINAL_BELOW_MPA = 50.0  # and below this it lets off at its final rate
CLOSING_S = 120.0  # approach and contact; draining and opening (engineering judgement)
PREPARING_S = 300.0  # closing and filling a vessel, beside heating and soaking (engineering judgement)
SLOWEST_K_S = 2.0 / 60.0  # platens and vessels heat and cool at 2 to 10 K/min; the slow end (engineering judgement)


def limits_s(press: Press, kind: str, away_k: float, final_mpa_s: float) -> Mapping[str, float]:
    """Seconds that each phase may last; away_k is how far the temperature was from its setpoint when heating began.

    Holds do not count: a phase that is held and goes on begins anew.
    """
    vessel = kind == "isostatic_press"
    rise_s = press.pressure_mpa / press.ramp_mpa_s * (SLOW_START if vessel else 1.0)
    fall_s = press.pressure_mpa / press.release_mpa_s
    if vessel:
        fall_s += min(press.pressure_mpa, FINAL_BELOW_MPA) / final_mpa_s
    return {
        "prepare": press.soak_s + PREPARING_S + abs(away_k) / SLOWEST_K_S,
        "approach": CLOSING_S,
        "ramp": SHARE * rise_s + MARGIN_S,
        "dwell": 2.0 * press.dwell_s + MARGIN_S,  # the machine's timer stands still outside its band
        "release": SHARE * fall_s + CLOSING_S,
    }


class Pace:
    """Follows the phases of one job; `limits_s` may be given anew with each look."""

    def __init__(self) -> None:
        self.phase = ""
        self.since_s = 0.0

    def late_s(self, phase: str, time_s: float, limits: Mapping[str, float]) -> float | None:
        """How long the present phase has lasted if that is longer than it may, else None."""
        if phase != self.phase:
            self.phase, self.since_s = phase, time_s
        lasted_s = time_s - self.since_s
        return lasted_s if lasted_s > limits.get(phase, float("inf")) else None
