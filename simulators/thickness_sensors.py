"""The four displacement sensors of a uniaxial press: what they show, and how they go wrong."""

from __future__ import annotations

from simulators.disturbances import UniaxialDisturbances
from simulators.physics.frame import (
    FRAME_BOUND,
    FRAME_KN_UM,
    corners_um,
    loaded_thickness_um,
    stretch_um,
    tilt_um,
)
from simulators.scenarios import Scenario


class ThicknessSensors:
    """Four sensors with errors of their own; tilt_um is what they disagree by.

    A drift is gone once it is put right; while it lasts it grows. A stuck sensor shows its last value.
    """

    def __init__(self, scenario: Scenario, unit: str, accuracy_um: float) -> None:
        self._error_um = scenario.error(f"{unit}:thickness", 0.4 * accuracy_um)
        self._errors_um = [scenario.error(f"{unit}:lvdt{i}", 0.1 * accuracy_um) for i in range(4)]
        self._stiffness = FRAME_KN_UM * (1.0 + scenario.error(f"{unit}:frame", FRAME_BOUND))
        self._drift_um = 0.0
        self._stuck_um: float | None = None
        self.tilt_um = 0.0

    def step(self, dt_s: float, wrong: UniaxialDisturbances, tilt: float) -> None:
        self._drift_um = self._drift_um + wrong.thickness_drift_um_s * dt_s if wrong.thickness_drift_um_s else 0.0
        self.tilt_um = tilt + wrong.tilt_um
        if self.tilt_um:
            ends = corners_um(0.0, self.tilt_um)
            self.tilt_um = tilt_um([end + error for end, error in zip(ends, self._errors_um, strict=True)])

    def closed_um(self, thickness_um: float, force_kn: float, pressure_mpa: float) -> float:
        """What closed dies show: the laminate as it is squeezed, the frame's stretch taken off as calibrated."""
        travel_um = loaded_thickness_um(thickness_um, pressure_mpa) - stretch_um(force_kn, self._stiffness)
        return travel_um + stretch_um(force_kn) + self._error_um + sum(self._errors_um) / 4.0

    def shown_um(self, value_um: float, wrong: UniaxialDisturbances) -> float:
        """The value that is published."""
        if not wrong.thickness_stuck:
            self._stuck_um = None
            return value_um + self._drift_um
        if self._stuck_um is None:
            self._stuck_um = value_um + self._drift_um
        return self._stuck_um
