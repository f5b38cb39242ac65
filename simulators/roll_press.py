"""A roll press (calender) with two heated rolls.

The rolls close onto a standing web; it runs no faster than the load follows. Hold, stop, abort and a lost link stop the
web and open the nip, because a web that stands in a closed nip is crushed and overheated.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from simulators.commands import DONE, Answer, rejected
from simulators.disturbances import RollPressDisturbances
from simulators.physics.calender import LOAD_TAU_S, Calender
from simulators.physics.heat import relax
from simulators.physics.sensors import Lag, quantised
from simulators.pressing import PressPlc
from simulators.scenarios import Scenario
from simulators.world import Lot, World

OVER_LOAD = 1.05
OVER_TEMPERATURE_K = 25.0
UNEVEN_UM = 10.0
LOST_SHARE = 0.5
PROBE_TAU_S = 5.0
"""An infrared or contact probe on a roll's surface (engineering judgement)."""
LOAD_STEP_N_MM, THICKNESS_STEP_UM, HEAT_STEP_K = 0.1, 0.1, 0.1
IN_BAND = 0.05
"""Length counts while the load is within 5 % of its setpoint."""


class RollPress(PressPlc):
    """The press and its controller. nip_guard_closed and web_ok are what is there without a disturbance."""

    scan_s: ClassVar[float] = 0.05
    quiet_scans: ClassVar[int] = 20

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit, world)
        self.disturbances = RollPressDisturbances()
        self.nip_guard_closed = self.web_ok = True
        self.calender = Calender.at(self._room_c)
        self._probes = [Lag(self._room_c, PROBE_TAU_S) for _ in self.calender.rolls]
        self.rolled_m = 0.0
        self._loaded = self._heaters_on = False
        self._load_sum = self._tared_n_mm = 0.0
        accuracy = {name: signal.accuracy or 0.0 for name, signal in profile.signals.items()}
        self._accuracy_n_mm = accuracy["line_load_n_mm"]
        error = scenario.error
        self._offset_n_mm = error(f"{unit}:load_offset", 0.45 * self._accuracy_n_mm)
        full_scale = (profile.signals["line_load_sp_n_mm"].range or (0.0, 2000.0))[1]
        self._gain = 1.0 + error(f"{unit}:load_gain", 0.45 * self._accuracy_n_mm / full_scale)
        self._gap_errors_um = [error(f"{unit}:gap{i}", 0.7 * accuracy["gap_left_um"]) for i in range(2)]
        self._roll_errors_k = [error(f"{unit}:roll{i}", 0.9 * accuracy["roll_top_c"]) for i in range(2)]
        self._gauge_errors_um = [error(f"{unit}:gauge{i}", 0.8 * accuracy["thickness_in_um"]) for i in range(2)]
        self._noise = scenario.noise(unit)

    # ---- readings ----

    def _reading_n_mm(self) -> float:
        return self._gain * self.calender.load_n_mm + self._offset_n_mm - self._tared_n_mm

    def _gaps_um(self) -> tuple[float, float]:
        gap_um, uneven_um = self.calender.gap_um, self.disturbances.gap_uneven_um
        return gap_um + self._gap_errors_um[0], gap_um + uneven_um + self._gap_errors_um[1]

    def _roll_c(self, index: int) -> float:
        return self._probes[index].value + self._roll_errors_k[index]

    def _rolls_in_band(self) -> bool:
        setpoint, band = self._sp("roll_temperature_sp_c"), self._sp("temperature_band_k")
        return all(abs(self._roll_c(index) - setpoint) <= band for index in range(2))

    def _guard_ok(self) -> bool:
        return self.nip_guard_closed and not self.disturbances.nip_guard_open

    def _proven_zero(self) -> bool:
        return self.calender.is_open and self.calender.load_n_mm == 0.0 and self.calender.speed_m_min == 0.0

    # ---- the job ----

    def insert(self, lot: Lot) -> None:
        super().insert(lot)
        self.web_ok = True
        self.calender.exit_um = 0.0
        self._publish()

    def _loaded_job(self, *, first: bool) -> None:
        if first and self.scenario.prepared:
            for roll, probe in zip(self.calender.rolls, self._probes, strict=True):
                roll.settle(self._sp("roll_temperature_sp_c"))
                probe.value = roll.temperature_c

    def _missing_permissive(self) -> str | None:
        if not self._guard_ok():
            return "guard_open"
        if self.lot is None or not self.web_ok:
            return "nothing_loaded"
        return None if self._proven_zero() else "pressure_present"

    def _begin(self) -> None:
        self._begin_dwell_record()
        self.rolled_m = self._load_sum = 0.0
        self._set_heaters(on=True)

    def _set_heaters(self, *, on: bool) -> None:
        self._heaters_on = on
        for roll in self.calender.rolls:
            roll.set(self._sp("roll_temperature_sp_c") if on and self.job is not None else self._room_c)

    def _watch_machine(self) -> None:
        reading, setpoint = self._reading_n_mm(), self._sp("line_load_sp_n_mm")
        left, right = self._gaps_um()
        if not self._guard_ok():
            self.trip("nip_guard_opened")
        if not self.web_ok:
            self.trip("web_break")
        if reading > OVER_LOAD * setpoint + 2.0 * self._accuracy_n_mm:
            self.trip("over_load")
        if abs(left - right) > UNEVEN_UM:
            self.trip("gap_uneven")
        rolling = self.state == "EXECUTE" and self.phase == "roll" and self._loaded
        if rolling and reading < LOST_SHARE * setpoint:
            self.trip("line_load_lost")
        hottest = max(self._roll_c(0), self._roll_c(1))
        if self.phase == "roll" and hottest > self._sp("roll_temperature_sp_c") + OVER_TEMPERATURE_K:
            self.trip("over_temperature")

    def _link_lost(self) -> None:
        self.state = "ABORTING"

    def _run(self, dt_s: float) -> None:
        if self.phase == "prepare" and self._rolls_in_band():
            self.phase = "approach"
        elif self.phase == "approach" and self.lot is not None:
            if self.calender.close_on(self.lot, dt_s):
                self.phase, self._loaded = "roll", False
        elif self.phase == "roll" and self.lot is not None:
            self._roll(self.lot, dt_s)
        elif self.phase == "release" and self._release(dt_s):
            self.state, self.phase = "COMPLETE", "done"

    def _roll(self, lot: Lot, dt_s: float) -> None:
        """The web runs as fast as the load has come."""
        wanted = self._sp("line_load_sp_n_mm")
        if self.disturbances.line_load_lost:
            self.calender.load_n_mm = relax(self.calender.load_n_mm, 0.0, dt_s, LOAD_TAU_S)
        else:
            self.calender.set_load((wanted - self._offset_n_mm + self._tared_n_mm) / self._gain, dt_s)
        share = max(0.0, min(1.0, self._reading_n_mm() / wanted))
        self.calender.drive(self._sp("web_speed_sp_m_min") * share, dt_s)
        borne = self.calender.squeeze(lot, self._sp("gap_sp_um"))
        way_m = self.calender.speed_m_min * dt_s / 60.0
        if abs(self._reading_n_mm() - wanted) <= IN_BAND * wanted:
            self._loaded = True
            way_m = min(way_m, self._sp("length_sp_m") - self.rolled_m)
            self.rolled_m += way_m
            self._load_sum += borne * way_m
            lot.rolled_m = self.rolled_m
        if self.rolled_m >= self._sp("length_sp_m"):
            self._rolled()
            self.phase = "release"

    def _rolled(self) -> None:
        """The whole web went through: now it is the same all along."""
        lot = self.lot
        if lot is None or self.rolled_m <= 0.0:
            return
        for layer in lot.layers:
            layer.pass_nip(self._load_sum / self.rolled_m, self.calender.roll_c)
        lot.rolled_m = 0.0
        self._record_pressing()

    def _release(self, dt_s: float) -> bool:
        """Stops the web and opens the nip; true once it is open."""
        if self.phase != "idle":
            self.phase = "release"
        return self.calender.open(dt_s)

    def _keep(self, dt_s: float) -> None:
        self.calender.open(dt_s)

    def _may_hold(self) -> bool:
        return True

    def _resume(self) -> None:
        """The rest of the length, from a nip that closes again, or what was left of the opening."""
        if self.phase == "roll":
            self.phase = "approach"

    def _make_safe(self, dt_s: float) -> bool:
        if self.state == "ABORTING" and self._heaters_on:
            self._set_heaters(on=False)
        return self._release(dt_s)

    def _rest(self, dt_s: float) -> None:
        """Nothing to do without a job."""

    def _stride(self) -> int:
        """While held the nip still opens: no long steps before it is open."""
        return super()._stride() if self._proven_zero() else 1

    def _on_tare(self) -> Answer:
        if self.state != "IDLE":
            return rejected("wrong_state")
        if not self._proven_zero():
            return rejected("pressure_present")
        self._tared_n_mm = self._offset_n_mm
        return DONE

    def _physics(self, dt_s: float) -> None:
        for roll, probe in zip(self.calender.rolls, self._probes, strict=True):
            roll.step(dt_s)
            probe.step(roll.temperature_c, dt_s)
        wanted_n = self._sp("tension_sp_n") if self.state == "EXECUTE" and self.web_ok else 0.0
        self.calender.tension_n = relax(self.calender.tension_n, wanted_n, dt_s, LOAD_TAU_S)

    # ---- what is shown ----

    def _status(self) -> dict[str, bool]:
        return {
            "nip_guard_closed": self._guard_ok(),
            "web_ok": self.web_ok and self.lot is not None,
            "nip_open": self.calender.is_open,
            "web_running": self.calender.speed_m_min > 0.0,
            "heaters_on": self._heaters_on,
        }

    def _values(self) -> dict[str, float | int]:
        noise, (left, right) = self._noise.at(self._scan), self._gaps_um()
        rolling = self.calender.speed_m_min > 0.0 and not self.calender.is_open
        entry_um = 0.0 if self.lot is None else self.lot.thickness_um + self._gauge_errors_um[0]
        return {
            "line_load_n_mm": quantised(self._reading_n_mm() + noise, LOAD_STEP_N_MM),
            "gap_left_um": quantised(left + 0.2 * noise, THICKNESS_STEP_UM),
            "gap_right_um": quantised(right - 0.2 * noise, THICKNESS_STEP_UM),
            "roll_top_c": quantised(self._roll_c(0) + 0.05 * noise, HEAT_STEP_K),
            "roll_bottom_c": quantised(self._roll_c(1) - 0.05 * noise, HEAT_STEP_K),
            "web_speed_m_min": self.calender.speed_m_min,
            "tension_n": self.calender.tension_n,
            "thickness_in_um": entry_um,
            "thickness_out_um": self.calender.exit_um + self._gauge_errors_um[1] if rolling else 0.0,
            "rolled_length_m": self.rolled_m,
            "cycle_count": self._cycles,
        }
