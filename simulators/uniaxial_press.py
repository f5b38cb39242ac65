"""A uniaxial hydraulic press with heated platens.

It closes a force loop on its load cell, which shows the upper die's weight and its own offset too (the tare); who wants
a pressure on the laminate adds the tare to the setpoint. Reaction to a lost link: keep the force for the job's time,
then release at the job's rate. An open guard, over-force, over-temperature, a leak or a tilted ram release at
that rate.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from simulators.commands import DONE, Answer, rejected
from simulators.disturbances import UniaxialDisturbances
from simulators.physics.heat import relax
from simulators.physics.hydraulics import OIL_MPA_PER_KN, ForceLoop, ramped, swing_kn
from simulators.physics.platens import Platens
from simulators.physics.sensors import quantised
from simulators.pressing import PressPlc
from simulators.scenarios import Scenario
from simulators.thickness_sensors import ThicknessSensors
from simulators.world import Lot, World

TARE_KN = 0.8
"""Weight of the upper die on the load cell."""
APPROACH_S, OPEN_S, OPEN_GAP_UM = 6.0, 4.0, 40_000.0
LAMINATE_TAU_S = 5.0
"""A laminate below 1 mm between platens follows them within seconds."""
OVERSHOOT_TAU_S = 2.0
TILT_TRIP_UM = 20.0
OVER_FORCE, OVER_TEMPERATURE_K = 1.05, 25.0
FORCE_STEP_KN, HEAT_STEP_K, THICKNESS_STEP_UM, OIL_STEP_MPA = 0.01, 0.01, 0.25, 0.01
"""Resolutions; LVDTs resolve 1 um, the mean of four a quarter of it (engineering judgement)."""
LEAK_SHARE = 0.1
"""A force that has fallen by this share of its setpoint leaks and does not drift (engineering judgement)."""
MAKE_UP_KN_S = 0.2
"""What the holding pump gives against a leak during the dwell (engineering judgement)."""
_CLOSED = ("ramp", "dwell", "release")
_UNDISTURBED = UniaxialDisturbances()


class UniaxialPress(PressPlc):
    """The press and its controller. tilt_um, guard_closed and two_hand_ok are what is there without a disturbance."""

    scan_s: ClassVar[float] = 0.05
    quiet_scans: ClassVar[int] = 20

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit, world)
        self.disturbances = UniaxialDisturbances()
        self.guard_closed = self.two_hand_ok = False
        self.tilt_um = 0.0
        self.loop = ForceLoop()
        self.platens = Platens(self._room_c)
        self.lvdts = ThicknessSensors(scenario, unit, profile.signals["thickness_um"].accuracy or 0.0)
        self._target_kn = self._tared_kn = 0.0
        self._held_kn: float | None = None
        self._timer_s = self._since_ramp_s = 0.0
        force = profile.signals["force_pv_kn"]
        heat = profile.signals["platen_top_c"].accuracy or 0.0
        self._accuracy_kn = force.accuracy or 0.0
        self._hottest_c = (profile.signals["platen_temperature_sp_c"].range or (0.0, 250.0))[1] + OVER_TEMPERATURE_K
        full_scale_kn = (profile.signals["force_sp_kn"].range or (0.0, 1.0))[1]
        self._gain = 1.0 + scenario.error(f"{unit}:force_gain", 0.5 * self._accuracy_kn / full_scale_kn)
        self._offset_kn = TARE_KN + scenario.error(f"{unit}:force_offset", 0.48 * self._accuracy_kn)
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
        return self.platens.probe_c(index) + self._platen_errors_k[index]

    def _hottest_reading_c(self) -> float:
        return max(self._reading_c(0), self._reading_c(1))

    def _in_force_band(self) -> bool:
        setpoint = self._sp("force_sp_kn")
        return abs(self._reading_kn() - setpoint) <= setpoint * self._sp("dwell_band_pct") / 100.0

    def _platens_in_band(self) -> bool:
        setpoint, band = self._sp("platen_temperature_sp_c"), self._sp("temperature_band_k")
        return all(abs(self._reading_c(index) - setpoint) <= band for index in range(2))

    def _guard_ok(self) -> bool:
        return self.guard_closed and not self.disturbances.guard_open

    def _hands_ok(self) -> bool:
        return self.two_hand_ok and not self.disturbances.two_hand_released

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
            self.platens.settle(self._sp("platen_temperature_sp_c"))

    def _missing_permissive(self) -> str | None:
        if not (self._guard_ok() and self._hands_ok()):
            return "guard_open"
        if self.lot is None:
            return "nothing_loaded"
        return None if self._proven_zero() else "pressure_present"

    def _begin(self) -> None:
        self._begin_dwell_record()
        self._timer_s = self._since_ramp_s = 0.0
        self._target_kn = 0.0
        self.platens.set(self._sp("platen_temperature_sp_c"))

    def _watch_machine(self) -> None:
        setpoint, reading = self._sp("force_sp_kn"), self._reading_kn()
        if not self._guard_ok():
            self.trip("guard_opened")
        if reading > OVER_FORCE * setpoint + 2.0 * self._accuracy_kn:
            self.trip("over_force")
        if self._leaks(reading, setpoint):
            self.trip("force_leak")
        hottest_c = self._sp("platen_temperature_sp_c") + OVER_TEMPERATURE_K
        if self._hottest_reading_c() > (hottest_c if self.phase in _CLOSED else self._hottest_c):
            self.trip("over_temperature")
        if self.lvdts.tilt_um > TILT_TRIP_UM:
            self.trip("tilt")
        if self.phase == "approach" and not self._hands_ok():
            self.trip("two_hand_released")  # the closing stroke ends with the two-hand control

    def _leaks(self, reading_kn: float, setpoint_kn: float) -> bool:
        wanted_kn = self._held_kn if self.state == "HELD" else setpoint_kn
        if wanted_kn is None or (self.state != "HELD" and self.phase != "dwell"):
            return False
        return wanted_kn - reading_kn > LEAK_SHARE * setpoint_kn + self._accuracy_kn

    def _run(self, dt_s: float) -> None:
        self._timer_s += dt_s
        self._held_kn = None
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
            self._target_kn = min(self._target_kn, self._reading_kn())  # from what is there, never up again
            self._enter("release")
        self._target_kn = ramped(self._target_kn, self._offset_kn - self._tared_kn, self._sp("release_rate_kn_s"), dt_s)
        if not self._proven_zero():
            self._timer_s = 0.0
            return False
        self._record_pressing()
        self._timer_s += dt_s
        return self._timer_s >= OPEN_S

    def _keep(self, dt_s: float) -> None:
        if self._held_kn is None:
            self._held_kn = self._reading_kn()
        self._since_ramp_s += dt_s

    def _resume(self) -> None:
        self._target_kn = min(self._target_kn, self._reading_kn())
        if self.phase == "dwell":
            self.phase = "ramp"

    def _make_safe(self, dt_s: float) -> bool:
        return self._release(dt_s)

    def _rest(self, dt_s: float) -> None:
        del dt_s  # it is watched at every scan
        if self._hottest_reading_c() > self._hottest_c:
            self.alarms.add("over_temperature")

    def _proven_zero(self) -> bool:
        return self.loop.force_kn < 0.05

    def _stride(self) -> int:
        """Long steps are exact only where nothing disturbs and no held force settles."""
        return super()._stride() if self.disturbances == _UNDISTURBED else 1

    def _on_tare(self) -> Answer:
        if self.state != "IDLE" or not self._proven_zero():
            return rejected("wrong_state")
        self._tared_kn = self._offset_kn
        return DONE

    # ---- nature ----

    def _physics(self, dt_s: float) -> None:
        wrong, lot = self.disturbances, self.lot
        heater = "off" if "over_temperature" in self.alarms else wrong.heater  # the trip opens a second contactor
        self.platens.step(dt_s, heater, wrong.platen_offset_k)
        self.lvdts.step(dt_s, wrong, self.tilt_um)
        if self.phase not in _CLOSED or lot is None:
            self.loop.force_kn = 0.0
            return
        self._push(dt_s)
        lot.temperature_c = relax(lot.temperature_c, self.platens.mean_c, dt_s, LAMINATE_TAU_S)
        lot.press(self.pressure_mpa, dt_s)

    def _push(self, dt_s: float) -> None:
        """The force of this step: pumped towards its target, or shut in while the job is held."""
        wrong = self.disturbances
        if self.state == "HELD":
            self.loop.isolate(dt_s, wrong.leak_kn_s)
            return
        limit = None
        if wrong.no_rise:
            limit = 0.0
        elif wrong.leak_kn_s > 0.0 and self.phase == "dwell":
            limit = MAKE_UP_KN_S
        wanted = (self._target_kn + self._unwanted_kn() - self._offset_kn + self._tared_kn) / self._gain
        self.loop.step(max(0.0, wanted), dt_s, wrong.leak_kn_s, limit)

    def _unwanted_kn(self) -> float:
        """What an ill-tuned loop adds to its target: an overshoot behind the ramp, or a swing."""
        if self.phase == "release":
            return 0.0
        wrong, unwanted = self.disturbances, 0.0
        overshoot = self.scenario.overshoot + wrong.overshoot_pct / 100.0
        if self.phase == "dwell" and overshoot and self._since_ramp_s < 10.0 * OVERSHOOT_TAU_S:
            unwanted = overshoot * self._sp("force_sp_kn") * relax(1.0, 0.0, self._since_ramp_s, OVERSHOOT_TAU_S)
        if wrong.oscillation_pct:
            unwanted += swing_kn(wrong.oscillation_pct / 100.0 * self._sp("force_sp_kn"), self.time_s)
        return unwanted

    # ---- what is shown ----

    def _thickness_um(self) -> float:
        """Mean of the four sensors, the frame's stretch taken off as it was calibrated."""
        if self.phase in _CLOSED and self.lot is not None:
            return self.lvdts.closed_um(self.lot.thickness_um, self.loop.force_kn, self.pressure_mpa)
        if self.phase == "approach":
            return OPEN_GAP_UM * max(0.0, 1.0 - self._timer_s / APPROACH_S)
        return OPEN_GAP_UM

    def _status(self) -> dict[str, bool]:
        return {
            "guard_closed": self._guard_ok(),
            "two_hand_ok": self._hands_ok(),
            "ram_top": self.phase not in (*_CLOSED, "approach"),
            "pump_running": self.state == "EXECUTE",
            "relief_open": self.loop.relief_open,
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        return {
            "force_pv_kn": quantised(self._reading_kn() + 0.02 * noise, FORCE_STEP_KN),
            "platen_top_c": quantised(self._reading_c(0) + 0.02 * noise, HEAT_STEP_K),
            "platen_bottom_c": quantised(self._reading_c(1) - 0.02 * noise, HEAT_STEP_K),
            "thickness_um": quantised(
                self.lvdts.shown_um(self._thickness_um() + 0.25 * noise, self.disturbances), THICKNESS_STEP_UM
            ),
            "oil_pressure_mpa": quantised(self.loop.force_kn * OIL_MPA_PER_KN, OIL_STEP_MPA),
            "dwell_elapsed_s": self.dwell_s,
            "dwell_mean_force_kn": self.dwell_mean,
            "cycle_count": self._cycles,
        }
