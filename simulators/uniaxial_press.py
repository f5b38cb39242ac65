"""A uniaxial hydraulic press with heated platens.

It closes a force loop on its load cell, which shows the upper die's weight and its own offset too (the tare); who wants
a pressure on the laminate adds the tare to the setpoint. Reaction to a lost link: keep the force for the job's time,
then release at the job's rate. An open guard, over-force, over-temperature or a tilted ram release at that rate.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from simulators.commands import DONE, Answer, rejected
from simulators.physics.heat import HeatedBody, relax
from simulators.physics.hydraulics import OIL_MPA_PER_KN, ForceLoop, ramped
from simulators.pressing import PressPlc
from simulators.scenarios import Scenario
from simulators.world import Lot, World

TARE_KN = 0.8
"""Weight of the upper die on the load cell."""
APPROACH_S = 6.0
OPEN_S = 4.0
OPEN_GAP_UM = 40_000.0
HEATING_K_S = 10.0 / 60.0
"""10 K/min, the upper end of usual platen heating."""
PLATEN_TAU_S = 30.0
PLATEN_DEAD_TIME_S = 20.0
LAMINATE_TAU_S = 5.0
"""A laminate below 1 mm between platens follows them within seconds."""
OVERSHOOT_TAU_S = 2.0
TILT_TRIP_UM = 20.0
OVER_FORCE = 1.05
OVER_TEMPERATURE_K = 25.0
_CLOSED = ("ramp", "dwell", "release")


class UniaxialPress(PressPlc):
    """The press and its controller. tilt_um, guard_closed and two_hand_ok are what its sensors see."""

    scan_s: ClassVar[float] = 0.05
    quiet_scans: ClassVar[int] = 20

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit, world)
        self.guard_closed = self.two_hand_ok = False
        self.tilt_um = 0.0
        self.loop = ForceLoop()
        room = self._room_c
        self._platens = [HeatedBody(room, HEATING_K_S, PLATEN_TAU_S, PLATEN_DEAD_TIME_S) for _ in range(2)]
        self._target_kn = 0.0
        self._timer_s = 0.0
        self._since_ramp_s = 0.0
        self._tared_kn = 0.0
        force, thickness = profile.signals["force_pv_kn"], profile.signals["thickness_um"]
        heat = profile.signals["platen_top_c"].accuracy or 0.0
        bound_kn, bound_um = force.accuracy or 0.0, thickness.accuracy or 0.0
        full_scale_kn = profile.signals["force_sp_kn"].range[1] if profile.signals["force_sp_kn"].range else 1.0
        self._gain = 1.0 + scenario.error(f"{unit}:force_gain", 0.5 * bound_kn / full_scale_kn)
        self._offset_kn = TARE_KN + scenario.error(f"{unit}:force_offset", 0.48 * bound_kn)
        self._thickness_error_um = scenario.error(f"{unit}:thickness", 0.7 * bound_um)
        self._platen_errors_k = [scenario.error(f"{unit}:platen{i}", 0.9 * heat) for i in range(2)]
        self._noise = scenario.noise(unit)

    # ---- readings ----

    @property
    def pressure_mpa(self) -> float:
        """The true pressure on the laminate, from the true force and the true area."""
        area = None if self.lot is None else self.lot.area_mm2
        return 0.0 if area is None else 1000.0 * self.loop.force_kn / area

    def _reading_kn(self) -> float:
        return self._gain * self.loop.force_kn + self._offset_kn - self._tared_kn

    def _reading_c(self, index: int) -> float:
        return self._platens[index].temperature_c + self._platen_errors_k[index]

    def _in_force_band(self) -> bool:
        setpoint = self._sp("force_sp_kn")
        return abs(self._reading_kn() - setpoint) <= setpoint * self._sp("dwell_band_pct") / 100.0

    def _platens_in_band(self) -> bool:
        setpoint, band = self._sp("platen_temperature_sp_c"), self._sp("temperature_band_k")
        return all(abs(self._reading_c(index) - setpoint) <= band for index in range(2))

    # ---- the job ----

    def insert(self, lot: Lot) -> None:
        super().insert(lot)
        self.guard_closed = self.two_hand_ok = True
        self._publish()

    def take_out(self) -> Lot:
        lot = super().take_out()
        self.guard_closed = self.two_hand_ok = False
        self._publish()
        return lot

    def _loaded_job(self, *, first: bool) -> None:
        if first and self.scenario.prepared:
            for platen in self._platens:
                platen.settle(self._sp("platen_temperature_sp_c"))

    def _missing_permissive(self) -> str | None:
        if not (self.guard_closed and self.two_hand_ok):
            return "guard_open"
        if self.lot is None:
            return "nothing_loaded"
        return None if self._proven_zero() else "pressure_present"

    def _begin(self) -> None:
        self._begin_dwell_record()
        self._timer_s = self._since_ramp_s = 0.0
        self._target_kn = 0.0
        for platen in self._platens:
            platen.set(self._sp("platen_temperature_sp_c"))

    def _watch_machine(self) -> None:
        setpoint = self._sp("force_sp_kn")
        accuracy_kn = self.profile.signals["force_pv_kn"].accuracy or 0.0
        if not self.guard_closed:
            self.trip("guard_opened")
        if self._reading_kn() > OVER_FORCE * setpoint + 2.0 * accuracy_kn:
            self.trip("over_force")
        hottest = max(self._reading_c(index) for index in range(2))
        if self.phase in _CLOSED and hottest > self._sp("platen_temperature_sp_c") + OVER_TEMPERATURE_K:
            self.trip("over_temperature")
        if self.tilt_um > TILT_TRIP_UM:
            self.trip("tilt")

    def _run(self, dt_s: float) -> None:
        self._timer_s += dt_s
        if self.phase == "prepare" and self._platens_in_band():
            self._enter("approach")
        elif self.phase == "approach" and self._timer_s >= APPROACH_S:
            self._target_kn = self._reading_kn()
            self._enter("ramp")
        elif self.phase == "ramp":
            self._ramp(dt_s)
        elif self.phase == "dwell":
            self._dwell(dt_s)
        elif self.phase == "release" and self._release(dt_s):
            self.state, self.phase = "COMPLETE", "done"

    def _enter(self, phase: str) -> None:
        self.phase, self._timer_s = phase, 0.0

    def _ramp(self, dt_s: float) -> None:
        self._target_kn = ramped(self._target_kn, self._sp("force_sp_kn"), self._sp("force_ramp_kn_s"), dt_s)
        if self._target_kn == self._sp("force_sp_kn") and self._in_force_band():
            self._since_ramp_s = 0.0
            self._enter("dwell")

    def _dwell(self, dt_s: float) -> None:
        self._since_ramp_s += dt_s
        if self._in_force_band() and self._count_dwell(self._reading_kn(), dt_s):
            self._enter("release")

    def _release(self, dt_s: float) -> bool:
        """Lowers the force at the job's rate, then opens; true once open."""
        if self.phase in ("prepare", "idle"):
            return True
        if self.phase != "release":
            self._enter("release")
        self._target_kn = ramped(self._target_kn, self._offset_kn - self._tared_kn, self._sp("release_rate_kn_s"), dt_s)
        if not self._proven_zero():
            self._timer_s = 0.0
            return False
        self._record_pressing()
        self._timer_s += dt_s
        return self._timer_s >= OPEN_S

    def _keep(self, dt_s: float) -> None:
        self._since_ramp_s += dt_s

    def _resume(self) -> None:
        if self.phase == "dwell":
            self.phase = "ramp"

    def _make_safe(self, dt_s: float) -> bool:
        return self._release(dt_s)

    def _rest(self, dt_s: float) -> None:
        """Nothing to do without a job."""

    def _proven_zero(self) -> bool:
        return self.loop.force_kn < 0.05

    def _on_tare(self) -> Answer:
        if self.state != "IDLE" or not self._proven_zero():
            return rejected("wrong_state")
        self._tared_kn = self._offset_kn
        return DONE

    # ---- nature ----

    def _physics(self, dt_s: float) -> None:
        for platen in self._platens:
            platen.step(dt_s)
        lot = self.lot
        if self.phase not in _CLOSED or lot is None:
            self.loop.force_kn = 0.0
            return
        overshoot = 0.0
        if self.phase == "dwell" and self.scenario.overshoot and self._since_ramp_s < 10.0 * OVERSHOOT_TAU_S:
            overshoot = (
                self.scenario.overshoot * self._sp("force_sp_kn") * relax(1.0, 0.0, self._since_ramp_s, OVERSHOOT_TAU_S)
            )
        wanted = (self._target_kn + overshoot - self._offset_kn + self._tared_kn) / self._gain
        self.loop.step(max(0.0, wanted), dt_s)
        platen_c = sum(platen.temperature_c for platen in self._platens) / 2.0
        lot.temperature_c = relax(lot.temperature_c, platen_c, dt_s, LAMINATE_TAU_S)
        lot.press(self.pressure_mpa, dt_s)

    # ---- what is shown ----

    def _thickness_um(self) -> float:
        if self.phase in _CLOSED:
            return (0.0 if self.lot is None else self.lot.thickness_um) + self._thickness_error_um
        if self.phase == "approach":
            return OPEN_GAP_UM * max(0.0, 1.0 - self._timer_s / APPROACH_S)
        return OPEN_GAP_UM

    def _status(self) -> dict[str, bool]:
        return {
            "guard_closed": self.guard_closed,
            "two_hand_ok": self.two_hand_ok,
            "ram_top": self.phase not in (*_CLOSED, "approach"),
            "pump_running": self.state == "EXECUTE",
            "relief_open": self.state == "ABORTING",
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        return {
            "force_pv_kn": self._reading_kn() + 0.02 * noise,
            "platen_top_c": self._reading_c(0) + 0.02 * noise,
            "platen_bottom_c": self._reading_c(1) - 0.02 * noise,
            "thickness_um": self._thickness_um() + 0.3 * noise,
            "oil_pressure_mpa": self.loop.force_kn * OIL_MPA_PER_KN,
            "dwell_elapsed_s": self.dwell_s,
            "dwell_mean_force_kn": self.dwell_mean,
            "cycle_count": self._cycles,
        }
