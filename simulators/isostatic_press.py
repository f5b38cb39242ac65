"""An isostatic press: a vessel with a heated wall, an oil as medium, an intensifier and a metered decompression valve.

It pressurises only with its closure locked and its medium soaked, decompresses in two stages, never faster than the
job says, and unlocks only when a low-range switch and an open vent prove zero. Reaction to a lost link: stop and
isolate the intensifier, keep the pressure for the job's time, then decompress in stages.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from simulators.disturbances import IsostaticDisturbances
from simulators.physics.heat import HeatedBody, Medium, relax
from simulators.physics.sensors import quantised
from simulators.physics.vessel import ZERO_MPA, Vessel
from simulators.pressing import PressPlc
from simulators.scenarios import Scenario
from simulators.world import World, WorldError

CLOSE_S, FILL_S, DRAIN_S, UNLOCK_S = 15.0, 45.0, 30.0, 10.0
HEATING_K_S, WALL_TAU_S = 10.0 / 60.0, 60.0
LAMINATE_TAU_S = 30.0
"""A bagged laminate in a liquid follows it within a minute (engineering judgement)."""
AIR_TAU_S = 300.0
OIL_G_CM3 = 0.87
"""Density of a mineral oil."""
SENSOR_MARGIN_MPA, OVER_PRESSURE, OVER_TEMPERATURE_K, LEAK_SHARE = 3.0, 1.05, 25.0, 0.9
PRESSURE_STEP_MPA, HEAT_STEP_K = 0.02, 0.01
LEAK_FALL_MPA = 20.0
"""An isolated vessel that has lost this much leaks (engineering judgement)."""
TOP_UP_MPA_S = 0.05
TOP_UP_MARGIN_MPA = 5.0
"""A pump that makes up more than this in a dwell works against a leak (engineering judgement)."""
RELIEF_SEEN = 0.1
"""The switch on the relief valve makes at a tenth of its lift (engineering judgement)."""
UNPROVEN_S = 5.0
"""Longer than the closure's switches take after it was locked (engineering judgement)."""
SLOW_DECOMPRESSION = 0.2
"""A metered valve that is clogged lets off at this share of its rate (engineering judgement)."""
OVERSHOOT_TAU_S = 8.0
SETTLED_K = 0.05
"""Below this a long step's error in the laminate's temperature moves no porosity by 0.001 points."""
_PRESSURISED = ("ramp", "dwell", "release")
_UNDISTURBED = IsostaticDisturbances()


class IsostaticPress(PressPlc):
    """The press and its controller. closure_locked and fill_pct are what really is."""

    scan_s: ClassVar[float] = 0.1
    quiet_scans: ClassVar[int] = 10

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit, world)
        room = self._room_c
        self.vessel = Vessel(scenario.ripple_mpa, scenario.leak_mpa_s)
        self.wall = HeatedBody(room, HEATING_K_S, WALL_TAU_S)
        self.medium = Medium(room, scenario.adiabatic_k_per_mpa)
        self.disturbances = IsostaticDisturbances()
        self.closure_locked = False
        self.fill_pct = 0.0
        self.soak_s = 0.0
        self._timer_s = 0.0
        self._overshoot_mpa = 0.0
        self._last_mpa = self._dwelling_s = 0.0
        self._held_mpa: float | None = None
        bound = self._accuracy_mpa = profile.signals["pressure_a_mpa"].accuracy or 0.0
        heat = profile.signals["medium_a_c"].accuracy or 0.0
        full_scale = (profile.signals["pressure_a_mpa"].range or (0.0, 1.0))[1]
        self._offsets = [scenario.error(f"{unit}:pressure{i}:offset", 0.5 * bound) for i in range(2)]
        self._gains = [1.0 + scenario.error(f"{unit}:pressure{i}:gain", 0.45 * bound / full_scale) for i in range(2)]
        self._heat_errors = [scenario.error(f"{unit}:medium{i}", 0.9 * heat) for i in range(2)]
        self._highest_heat_error = max(self._heat_errors)
        self._wall_error = scenario.error(f"{unit}:wall", 0.9 * (profile.signals["wall_c"].accuracy or 0.0))
        self._noise = scenario.noise(unit)

    # ---- readings ----

    @property
    def pressure_mpa(self) -> float:
        """The true pressure in the vessel."""
        return self.vessel.pressure_mpa + self._overshoot_mpa

    def _sensor_mpa(self, index: int) -> float:
        drift = self.disturbances.sensor_drift_mpa if index else 0.0
        return self._gains[index] * self.pressure_mpa + self._offsets[index] + drift

    def _reading_mpa(self) -> float:
        return (self._sensor_mpa(0) + self._sensor_mpa(1)) / 2.0

    def _medium_c(self, index: int) -> float:
        return self.medium.probe_c + self._heat_errors[index]

    def _medium_in_band(self) -> bool:
        setpoint, band = self._sp("medium_temperature_sp_c"), self._sp("temperature_band_k")
        return all(abs(self._medium_c(index) - setpoint) <= band for index in range(2))

    def _closure_proven(self) -> bool:
        return self.closure_locked and not self.disturbances.closure_unproven

    def _true_setpoint_mpa(self) -> float:
        """The true pressure at which the mean of both sensors shows the setpoint."""
        gain, offset = sum(self._gains) / 2.0, (sum(self._offsets) + self.disturbances.sensor_drift_mpa) / 2.0
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
            self.medium.settle(setpoint)

    def _missing_permissive(self) -> str | None:
        if self.lot is None:
            return "nothing_loaded"
        return None if self._proven_zero() else "pressure_present"

    def _begin(self) -> None:
        self._begin_dwell_record()
        self._timer_s = self.soak_s = self._overshoot_mpa = 0.0
        self.wall.set(self._sp("medium_temperature_sp_c"))

    def _watch_machine(self) -> None:
        setpoint, pressurised = self._sp("pressure_sp_mpa"), self.phase in _PRESSURISED
        first, second = self._sensor_mpa(0), self._sensor_mpa(1)
        low, high = (first, second) if first < second else (second, first)
        if high > OVER_PRESSURE * setpoint + 2.0 * self._accuracy_mpa:
            self.trip("over_pressure")
        if high - low > 2.0 * self._accuracy_mpa + SENSOR_MARGIN_MPA:
            self.trip("sensor_disagreement")
        if self._leaks(low, LEAK_SHARE * setpoint - self._accuracy_mpa):
            self.trip("pressure_leak")
        hottest_c = self.medium.probe_c + self._highest_heat_error
        if pressurised and hottest_c > self._sp("medium_temperature_sp_c") + OVER_TEMPERATURE_K:
            self.trip("over_temperature")
        must_be_locked = pressurised or self._timer_s >= CLOSE_S + UNPROVEN_S
        opens = self.phase == "release" and self._proven_zero()  # a release that has let everything off may open
        if must_be_locked and not opens and not self._closure_proven():
            self.trip("closure_fault")

    def _leaks(self, reading_mpa: float, least_mpa: float) -> bool:
        """Whether the pressure falls: held, while it should stand, or against the pump."""
        if self._relief_open():
            return True
        if self.state == "HELD":
            return self._held_mpa is not None and self._held_mpa - reading_mpa > LEAK_FALL_MPA
        made_up = self.vessel.topped_up_mpa > TOP_UP_MARGIN_MPA + TOP_UP_MPA_S * self._dwelling_s
        return self.phase == "dwell" and (made_up or reading_mpa < least_mpa)

    def _relief_open(self) -> bool:
        return self.vessel.relief_lift > RELIEF_SEEN

    def _run(self, dt_s: float) -> None:
        self._held_mpa = None
        if self.phase == "prepare":
            self._prepare(dt_s)
        elif self.phase == "ramp":
            reached = self.vessel.raise_to(self._true_setpoint_mpa(), self._sp("pressure_ramp_mpa_s"), dt_s)
            if reached and self._in_pressure_band():
                self._overshoot_mpa = self.scenario.overshoot * self.vessel.base_mpa
                self.phase = "dwell"
                self.vessel.topped_up_mpa = self._dwelling_s = 0.0
        elif self.phase == "dwell":
            self._dwelling_s += dt_s
            self.vessel.keep(self._true_setpoint_mpa(), dt_s, self._sp("pressure_ramp_mpa_s"))
            if self._in_pressure_band() and self._count_dwell(self._reading_mpa(), dt_s):
                self._enter_release()
        elif self.phase == "release" and self._release(dt_s):
            self.state, self.phase = "COMPLETE", "done"

    def _prepare(self, dt_s: float) -> None:
        """Close and lock, fill, soak."""
        self._timer_s += dt_s
        self.closure_locked = self._timer_s >= CLOSE_S
        if self.closure_locked and not self._closure_proven():
            return
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
        band = setpoint * self._sp("dwell_band_pct") / 100.0
        return abs(self._sensor_mpa(0) - setpoint) <= band and abs(self._sensor_mpa(1) - setpoint) <= band

    def _enter_release(self) -> None:
        self.phase, self._timer_s = "release", 0.0

    def _release(self, dt_s: float) -> bool:
        """Lets the pressure off in stages, proves zero, drains and unlocks; true once open."""
        if self.phase != "release":
            self._enter_release()
        share = {"ok": 1.0, "slow": SLOW_DECOMPRESSION, "stuck": 0.0}[self.disturbances.decompression]
        rates = share * self._sp("decompression_rate_mpa_s"), share * self._sp("final_decompression_rate_mpa_s")
        if not self.vessel.decompress(*rates, dt_s) or not self._proven_zero():
            return False
        self._record_pressing()
        self._timer_s += dt_s
        self.fill_pct = max(0.0, min(self.fill_pct, 100.0 * (1.0 - self._timer_s / DRAIN_S)))
        if self.fill_pct <= 0.0 and self._timer_s >= UNLOCK_S:
            self.closure_locked = False
        return not self.closure_locked

    def _keep(self, dt_s: float) -> None:
        if self._held_mpa is None:
            self._held_mpa = self._reading_mpa()
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
        if self.disturbances != _UNDISTURBED:
            return 1
        settled = abs(medium_c - self.wall.temperature_c) < SETTLED_K and abs(lot_c - medium_c) < SETTLED_K
        return super()._stride() if settled else 1

    # ---- nature ----

    def _physics(self, dt_s: float) -> None:
        wrong, lot = self.disturbances, self.lot
        self.vessel.leak_mpa_s = self.scenario.leak_mpa_s + wrong.seal_leak_mpa_s
        self.vessel.relief_lifted = wrong.relief_lifts and self.phase in _PRESSURISED
        self.vessel.hunting_mpa = wrong.ripple_mpa if self.phase in ("ramp", "dwell") else 0.0
        if self._overshoot_mpa:
            self._overshoot_mpa = (
                relax(self._overshoot_mpa, 0.0, dt_s, OVERSHOOT_TAU_S) if self.phase == "dwell" else 0.0
            )
        self.wall.step(dt_s)
        pressure = self.pressure_mpa
        self.medium.step(self.wall.temperature_c + wrong.medium_offset_k, pressure - self._last_mpa, dt_s)
        self._last_mpa = pressure
        if lot is None:
            return
        filled = self.fill_pct > 50.0
        surrounding = self.medium.temperature_c if filled else self._room_c
        lot.temperature_c = relax(lot.temperature_c, surrounding, dt_s, LAMINATE_TAU_S if filled else AIR_TAU_S)
        if wrong.bag_leak and filled:
            lot.soak(OIL_G_CM3)
        elif lot.medium_mg_cm2 == 0.0:  # a medium inside the pores presses from within as much as from without
            lot.press(pressure, dt_s)

    # ---- what is shown ----

    def _status(self) -> dict[str, bool]:
        zero = self._proven_zero()
        building = self.state == "EXECUTE" and self.phase in ("ramp", "dwell")
        return {
            "closure_locked": self._closure_proven(),
            "yoke_in_place": self._closure_proven(),
            "zero_pressure_switch": zero,
            "vent_open": zero and not building,
            "pump_running": building,
            "relief_open": self._relief_open(),
            "isolated": self.state == "HELD",
            "bag_ok": self.lot is not None and self.lot.bagged and not self.disturbances.bag_leak,
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        return {
            "pressure_a_mpa": quantised(self._sensor_mpa(0) + 0.05 * noise, PRESSURE_STEP_MPA),
            "pressure_b_mpa": quantised(self._sensor_mpa(1) - 0.05 * noise, PRESSURE_STEP_MPA),
            "medium_a_c": quantised(self._medium_c(0) + 0.02 * noise, HEAT_STEP_K),
            "medium_b_c": quantised(self._medium_c(1) - 0.02 * noise, HEAT_STEP_K),
            "wall_c": self.wall.temperature_c + self._wall_error,
            "dwell_elapsed_s": self.dwell_s,
            "dwell_mean_pressure_mpa": self.dwell_mean,
            "intensifier_stroke_pct": 100.0 * self.vessel.stroke,
            "fill_level_pct": self.fill_pct,
            "cycle_count": self._cycles,
            "soak_elapsed_s": self.soak_s,
        }
