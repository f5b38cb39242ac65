"""An isostatic press: a vessel with a heated wall, an oil as medium, an intensifier and a metered decompression valve.

It pressurises only with its closure locked and its medium soaked, decompresses in two stages, never faster than the
job says, and unlocks only when a low-range switch and an open vent prove zero. Reaction to a lost link: stop and
isolate the intensifier, keep the pressure for the job's time, then decompress in stages.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from simulators.physics.heat import HeatedBody, Medium, relax
from simulators.physics.vessel import ZERO_MPA, Vessel
from simulators.pressing import PressPlc
from simulators.scenarios import Scenario
from simulators.world import World, WorldError

CLOSE_S = 15.0
FILL_S = 45.0
DRAIN_S = 30.0
UNLOCK_S = 10.0
HEATING_K_S = 10.0 / 60.0
WALL_TAU_S = 60.0
LAMINATE_TAU_S = 30.0
"""A bagged laminate in a liquid follows it within a minute (engineering judgement)."""
AIR_TAU_S = 300.0
SENSOR_MARGIN_MPA = 3.0
OVER_PRESSURE = 1.05
LEAK_SHARE = 0.9
OVER_TEMPERATURE_K = 25.0
OVERSHOOT_TAU_S = 8.0
SETTLED_K = 0.05
"""Below this a long step's error in the laminate's temperature moves no porosity by 0.001 points."""
_PRESSURISED = ("ramp", "dwell", "release")


class IsostaticPress(PressPlc):
    """The press and its controller. sensor_drift_mpa moves the second pressure sensor away from the truth."""

    scan_s: ClassVar[float] = 0.1
    quiet_scans: ClassVar[int] = 10

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit, world)
        room = self._room_c
        self.vessel = Vessel(scenario.ripple_mpa, scenario.leak_mpa_s)
        self.wall = HeatedBody(room, HEATING_K_S, WALL_TAU_S)
        self.medium = Medium(room, scenario.adiabatic_k_per_mpa)
        self.sensor_drift_mpa = 0.0
        self.closure_locked = False
        self.fill_pct = 0.0
        self.soak_s = 0.0
        self._timer_s = 0.0
        self._overshoot_mpa = 0.0
        self._last_mpa = 0.0
        bound = profile.signals["pressure_a_mpa"].accuracy or 0.0
        heat = profile.signals["medium_a_c"].accuracy or 0.0
        full_scale = (profile.signals["pressure_a_mpa"].range or (0.0, 1.0))[1]
        self._offsets = [scenario.error(f"{unit}:pressure{i}:offset", 0.5 * bound) for i in range(2)]
        self._gains = [1.0 + scenario.error(f"{unit}:pressure{i}:gain", 0.45 * bound / full_scale) for i in range(2)]
        self._heat_errors = [scenario.error(f"{unit}:medium{i}", 0.9 * heat) for i in range(2)]
        self._wall_error = scenario.error(f"{unit}:wall", 0.9 * (profile.signals["wall_c"].accuracy or 0.0))
        self._noise = scenario.noise(unit)

    # ---- readings ----

    @property
    def pressure_mpa(self) -> float:
        """The true pressure in the vessel."""
        return max(0.0, self.vessel.pressure_mpa + self._overshoot_mpa)

    def _sensor_mpa(self, index: int) -> float:
        drift = self.sensor_drift_mpa if index else 0.0
        return self._gains[index] * self.pressure_mpa + self._offsets[index] + drift

    def _reading_mpa(self) -> float:
        return (self._sensor_mpa(0) + self._sensor_mpa(1)) / 2.0

    def _medium_c(self, index: int) -> float:
        return self.medium.temperature_c + self._heat_errors[index]

    def _medium_in_band(self) -> bool:
        setpoint, band = self._sp("medium_temperature_sp_c"), self._sp("temperature_band_k")
        return all(abs(self._medium_c(index) - setpoint) <= band for index in range(2))

    def _true_setpoint_mpa(self) -> float:
        """The true pressure at which the mean of both sensors shows the setpoint."""
        gain, offset = sum(self._gains) / 2.0, (sum(self._offsets) + self.sensor_drift_mpa) / 2.0
        return max(0.0, (self._sp("pressure_sp_mpa") - offset) / gain)

    # ---- the job ----

    def _must_be_open(self) -> None:
        super()._must_be_open()
        if self.closure_locked:
            raise WorldError(f"the closure of {self.unit} is locked")

    def _loaded_job(self, *, first: bool) -> None:
        if first and self.scenario.prepared:
            setpoint = self._sp("medium_temperature_sp_c")
            self.wall.settle(setpoint)
            self.medium.temperature_c = setpoint

    def _missing_permissive(self) -> str | None:
        if self.lot is None:
            return "nothing_loaded"
        return None if self._proven_zero() else "pressure_present"

    def _begin(self) -> None:
        self._begin_dwell_record()
        self._timer_s = self.soak_s = self._overshoot_mpa = 0.0
        self.wall.set(self._sp("medium_temperature_sp_c"))

    def _watch_machine(self) -> None:
        setpoint = self._sp("pressure_sp_mpa")
        readings = (self._sensor_mpa(0), self._sensor_mpa(1))
        accuracy = self.profile.signals["pressure_a_mpa"].accuracy or 0.0
        if max(readings) > OVER_PRESSURE * setpoint + 2.0 * accuracy:
            self.trip("over_pressure")
        if abs(readings[0] - readings[1]) > 2.0 * accuracy + SENSOR_MARGIN_MPA:
            self.trip("sensor_disagreement")
        if self.phase == "dwell" and min(readings) < LEAK_SHARE * setpoint - accuracy:
            self.trip("pressure_leak")
        hottest = max(self._medium_c(0), self._medium_c(1))
        if self.phase in _PRESSURISED and hottest > self._sp("medium_temperature_sp_c") + OVER_TEMPERATURE_K:
            self.trip("over_temperature")
        if self.phase in _PRESSURISED and not self.closure_locked:
            self.trip("closure_fault")

    def _run(self, dt_s: float) -> None:
        if self.phase == "prepare":
            self._prepare(dt_s)
        elif self.phase == "ramp":
            reached = self.vessel.raise_to(self._true_setpoint_mpa(), self._sp("pressure_ramp_mpa_s"), dt_s)
            if reached and self._in_pressure_band():
                self._overshoot_mpa = self.scenario.overshoot * self.vessel.base_mpa
                self.phase = "dwell"
        elif self.phase == "dwell":
            self.vessel.keep(self._true_setpoint_mpa(), dt_s)
            if self._in_pressure_band() and self._count_dwell(self._reading_mpa(), dt_s):
                self._enter_release()
        elif self.phase == "release" and self._release(dt_s):
            self.state, self.phase = "COMPLETE", "done"

    def _prepare(self, dt_s: float) -> None:
        """Close and lock, fill, soak."""
        self._timer_s += dt_s
        self.closure_locked = self._timer_s >= CLOSE_S
        self.fill_pct = max(0.0, min(100.0, 100.0 * (self._timer_s - CLOSE_S) / FILL_S))
        if self.fill_pct < 100.0:
            return
        if self._medium_in_band():
            self.soak_s += dt_s
            if self.soak_s >= self._sp("soak_s"):
                self.phase = "ramp"
        else:
            self.soak_s = 0.0

    def _in_pressure_band(self) -> bool:
        setpoint = self._sp("pressure_sp_mpa")
        return abs(self._reading_mpa() - setpoint) <= setpoint * self._sp("dwell_band_pct") / 100.0

    def _enter_release(self) -> None:
        self.phase, self._timer_s = "release", 0.0

    def _release(self, dt_s: float) -> bool:
        """Lets the pressure off in stages, proves zero, drains and unlocks; true once open."""
        if self.phase != "release":
            self._enter_release()
        rates = self._sp("decompression_rate_mpa_s"), self._sp("final_decompression_rate_mpa_s")
        if not self.vessel.decompress(*rates, dt_s) or not self._proven_zero():
            return False
        self._record_pressing()
        self._timer_s += dt_s
        self.fill_pct = max(0.0, min(self.fill_pct, 100.0 * (1.0 - self._timer_s / DRAIN_S)))
        if self.fill_pct <= 0.0 and self._timer_s >= UNLOCK_S:
            self.closure_locked = False
        return not self.closure_locked

    def _keep(self, dt_s: float) -> None:
        self.vessel.isolate(dt_s)

    def _resume(self) -> None:
        if self.phase == "dwell":
            self.phase = "ramp"

    def _make_safe(self, dt_s: float) -> bool:
        return self._release(dt_s)

    def _rest(self, dt_s: float) -> None:
        """Nothing to do without a job."""

    def _proven_zero(self) -> bool:
        """The low-range switch sees the vessel through the open vent."""
        return self.pressure_mpa < ZERO_MPA

    def _stride(self) -> int:
        """Heat moves for a while after compression; until it has settled no step may be long."""
        medium_c = self.medium.temperature_c
        lot_c = medium_c if self.lot is None or self.fill_pct <= 50.0 else self.lot.temperature_c
        settled = abs(medium_c - self.wall.temperature_c) < SETTLED_K and abs(lot_c - medium_c) < SETTLED_K
        return super()._stride() if settled else 1

    # ---- nature ----

    def _physics(self, dt_s: float) -> None:
        self._overshoot_mpa = relax(self._overshoot_mpa, 0.0, dt_s, OVERSHOOT_TAU_S) if self.phase == "dwell" else 0.0
        self.wall.step(dt_s)
        pressure = self.pressure_mpa
        self.medium.step(self.wall.temperature_c, pressure - self._last_mpa, dt_s)
        self._last_mpa = pressure
        if self.lot is None:
            return
        filled = self.fill_pct > 50.0
        surrounding = self.medium.temperature_c if filled else self._room_c
        tau_s = LAMINATE_TAU_S if filled else AIR_TAU_S
        self.lot.temperature_c = relax(self.lot.temperature_c, surrounding, dt_s, tau_s)
        self.lot.press(pressure, dt_s)

    # ---- what is shown ----

    def _status(self) -> dict[str, bool]:
        zero = self._proven_zero()
        building = self.state == "EXECUTE" and self.phase in ("ramp", "dwell")
        return {
            "closure_locked": self.closure_locked,
            "yoke_in_place": self.closure_locked,
            "zero_pressure_switch": zero,
            "vent_open": zero and not building,
            "pump_running": building,
            "relief_open": False,
            "isolated": self.state == "HELD",
            "bag_ok": self.lot is not None and self.lot.bagged,
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        return {
            "pressure_a_mpa": self._sensor_mpa(0) + 0.05 * noise,
            "pressure_b_mpa": self._sensor_mpa(1) - 0.05 * noise,
            "medium_a_c": self._medium_c(0) + 0.02 * noise,
            "medium_b_c": self._medium_c(1) - 0.02 * noise,
            "wall_c": self.wall.temperature_c + self._wall_error,
            "dwell_elapsed_s": self.dwell_s,
            "dwell_mean_pressure_mpa": self.dwell_mean,
            "intensifier_stroke_pct": 100.0 * self.vessel.stroke,
            "fill_level_pct": self.fill_pct,
            "cycle_count": self._cycles,
            "soak_elapsed_s": self.soak_s,
        }
