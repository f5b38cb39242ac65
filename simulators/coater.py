"""A comma coater with a dryer of up to four zones, as many as its profile has setpoints for.

Hold, stop, abort and a lost link are one and the same here: slurry off, head open, heaters off, web stopped, while fans
and exhaust keep running. A coat that was held cannot go on: what stood in the oven is scrap.
"""

from __future__ import annotations

from typing import ClassVar

from drivers.profile import Profile
from drivers.profile_kinds import zone_count
from simulators.coating_head import Threaded
from simulators.disturbances import CoaterDisturbances
from simulators.physics.dryer import Dryer
from simulators.physics.heat import relax
from simulators.physics.hydraulics import ramped
from simulators.physics.laminate import coated_layer
from simulators.physics.sensors import quantised
from simulators.physics.web import G_M2_PER_MG_CM2, ZONE_LENGTH_M
from simulators.plc import Plc
from simulators.scenarios import Scenario
from simulators.world import Lot, World, WorldError

WEB_ACCELERATION_M_MIN_S = 0.1
WEB_TAU_S = 0.5
"""Web and tension follow a drive that has failed within half a second."""
EXHAUST_M3_MIN, EXHAUST_MIN_M3_MIN = 6.0, 3.0
LEL_WARNING_PCT, LEL_TRIP_PCT = 25.0, 50.0
WEIGHT_ERROR = 0.008
"""Basis weight gauges are good to about 1 % of the reading."""
OVER_TEMPERATURE_K = 25.0
STANDING_S = 2.0
"""A web that has stood for this long in a hot oven is stopped for good."""
HEAT_STEP_K, GAP_STEP_UM, TENSION_STEP_N, LEL_STEP_PCT, WEIGHT_STEP_MG_CM2 = 0.01, 0.1, 0.1, 0.1, 0.001
__all__ = ["Coater", "Threaded"]
_WET = ("coat", "run_out")


class Coater(Plc):
    """The coater and its controller. fan_running, exhaust_m3_min and the like are what is without a disturbance.

    zones_m are the lengths of the oven's zones as it is built, one for each zone of the profile.
    """

    scan_s: ClassVar[float] = 0.25
    quiet_scans: ClassVar[int] = 8

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit)
        self.world = world
        self.threaded: Threaded | None = None
        self.disturbances = CoaterDisturbances()
        self.guard_closed = self.fan_running = self.web_ok = True
        self.exhaust_m3_min = EXHAUST_M3_MIN
        self.zone_count = zone_count(profile.signals)
        self.zones_m: tuple[float, ...] = (ZONE_LENGTH_M,) * self.zone_count
        self.dryer = Dryer(self.zones_m, scenario.room_c)
        self._room_c = scenario.room_c
        self._web_m_min = self._coated_m = self._travelled_m = self._tension_n = self._standing_s = 0.0
        self._head_closed = False
        self._finished: Threaded | None = None
        self._sheets = 0
        heat = profile.signals["zone1_c"].accuracy or 0.0
        self._zone_errors = [scenario.error(f"{unit}:zone{i}", 0.9 * heat) for i in range(self.zone_count)]
        self._weight_gain = 1.0 + scenario.error(f"{unit}:weight", WEIGHT_ERROR)
        self._noise = scenario.noise(unit)

    # ---- what a person does ----

    def thread(self, threaded: Threaded) -> None:
        """A person threads a foil and fills slurry.

        :raises WorldError: if the coater works or is prepared already, has not that many zones, or the slurry has a
            solvent without drying data.
        """
        if self.state not in ("IDLE", "STOPPED", "ABORTED", "COMPLETE"):
            raise WorldError(f"{self.unit} is working")
        if self.threaded is not None:
            raise WorldError(f"{self.unit} is prepared for {self.threaded.layer.name} already")
        threaded.check(self.zone_count)
        self.threaded = threaded

    def take_off(self, name: str, sheets: int = 1) -> Lot:
        """A person takes the coated sheet off; it becomes a lot. Of more sheets the others are left on the web.

        :raises WorldError: if nothing has been coated to its end.
        """
        done, web = self._finished, self.dryer.web
        self._finished = None
        if done is None or web is None:
            raise WorldError(f"there is no finished sheet on {self.unit}")
        layer = coated_layer(done.layer, web.mean_weight_mg_cm2, self.scenario)
        foils = [] if done.substrate is None else [self.world.true_foil(done.substrate)]
        area = None if done.area_mm2 is None else self.world.true_area_mm2(done.area_mm2)
        self.threaded = None
        solvent = web.mean_residue_g_m2 / G_M2_PER_MG_CM2
        lot = self.world.put(Lot(name, [layer], foils, area, temperature_c=self._room_c, solvent_mg_cm2=solvent))
        if sheets > 1:
            self.world.keep_web(lot, sheets - 1)
        return lot

    def clear(self) -> None:
        """A person takes foil, slurry and whatever was coated off as scrap.

        :raises WorldError: if the coater works.
        """
        if self.state not in ("IDLE", "STOPPED", "ABORTED", "COMPLETE"):
            raise WorldError(f"{self.unit} is working")
        self.threaded = self._finished = None

    # ---- what its sensors see ----

    def _sp(self, name: str) -> float:
        if self.job is None:
            raise RuntimeError(f"{self.unit} runs without a job")
        return self.job[name]

    def _zone_setpoints(self) -> list[float]:
        return [self._sp(f"zone{number}_sp_c") for number in range(1, self.zone_count + 1)]

    def _reading_c(self, index: int) -> float:
        return self.dryer.probe_c(index) + self._zone_errors[index]

    def _guard_ok(self) -> bool:
        return self.guard_closed and not self.disturbances.guard_open

    def _fan_ok(self) -> bool:
        return self.fan_running and not self.disturbances.fan_failed

    def _web_whole(self) -> bool:
        return self.web_ok and not self.disturbances.web_break

    def _lel_pct(self) -> float:
        return max(0.0, self.dryer.lel_pct + self.disturbances.lel_drift_pct)

    # ---- the job ----

    def _loaded_job(self, *, first: bool) -> None:
        if first and self.scenario.prepared:
            self.dryer.settle(self._zone_setpoints())

    def _missing_permissive(self) -> str | None:
        if not self._guard_ok():
            return "guard_open"
        if not self._fan_ok() or self.exhaust_m3_min < EXHAUST_MIN_M3_MIN:
            return "no_exhaust"
        return "nothing_loaded" if self.threaded is None else None

    def _begin(self) -> None:
        self._coated_m = self._travelled_m = self._standing_s = 0.0
        self._finished = None
        if self.threaded is not None:
            self.dryer.thread(self.threaded.zones_m or self.zones_m, self.threaded.slurry.solvent)
            self._tell_limits(self.threaded)
        self.dryer.set(self._zone_setpoints())

    def _tell_limits(self, threaded: Threaded) -> None:
        """Where this coating leaves what the simulation of a coater was checked for."""
        speed = self._sp("web_speed_sp_m_min")
        stays_s = [60.0 * length / speed for length in threaded.zones_m or self.zones_m]
        for said in threaded.limits(self._zone_setpoints(), stays_s, self._sp("gap_sp_um")):
            self.world.tell(f"{self.unit}, {threaded.layer.name}: {said}")

    def _watch_machine(self) -> None:
        if not self._fan_ok() or self.exhaust_m3_min < EXHAUST_MIN_M3_MIN:
            self.trip("exhaust_low")
        if not self._web_whole():
            self.trip("web_break")
        if self.disturbances.tension_lost:
            self.trip("tension_low")
        if self._lel_pct() >= LEL_TRIP_PCT:
            self.trip("lel_high")
        if self._standing_s > STANDING_S:
            self.trip("web_stopped")
        over = [self._reading_c(i) - setpoint for i, setpoint in enumerate(self._zone_setpoints())]
        if self.phase in _WET and max(over) > OVER_TEMPERATURE_K:
            self.trip("over_temperature")
        if not self._guard_ok():
            self.trip("guard_opened")

    def _run(self, dt_s: float) -> None:
        if self.phase == "prepare" and self._zones_in_band():
            self.phase = "approach"
        elif self.phase == "approach":
            self._drive(dt_s)
            if self._web_m_min == self._sp("web_speed_sp_m_min"):
                self.phase, self._head_closed = "coat", True
        elif self.phase == "coat":
            self._drive(dt_s)
            self._coat(dt_s)
            if self._coated_m >= self._sp("length_sp_m"):
                self.phase, self._head_closed = "run_out", False
        elif self.phase == "run_out":
            self._drive(dt_s)
            self._travelled_m += self._web_m_min * dt_s / 60.0
            if self._dried_m >= self._sp("length_sp_m"):
                self._finish()

    def _zones_in_band(self) -> bool:
        band = self._sp("temperature_band_k")
        return all(abs(self._reading_c(i) - setpoint) <= band for i, setpoint in enumerate(self._zone_setpoints()))

    def _drive(self, dt_s: float) -> None:
        """The web's drive, unless it has failed; and for how long the web has stood."""
        wanted = self._sp("web_speed_sp_m_min")
        if self.disturbances.web_stopped:
            self._web_m_min = relax(self._web_m_min, 0.0, dt_s, WEB_TAU_S)
        else:
            self._web_m_min = ramped(self._web_m_min, wanted, WEB_ACCELERATION_M_MIN_S, dt_s)
        slow = self.disturbances.web_stopped and self._web_m_min < 0.5 * wanted
        self._standing_s = self._standing_s + dt_s if slow else 0.0

    def _gap_um(self) -> float:
        """The mean gap: one side that is wider opens it by half."""
        return self._sp("gap_sp_um") + 0.5 * self.disturbances.gap_uneven_um

    def _coat(self, dt_s: float) -> None:
        way_m = self._web_m_min * dt_s / 60.0
        self._travelled_m += way_m
        self._coated_m = min(self._sp("length_sp_m"), self._coated_m + way_m)
        if self.dryer.web is None or self.threaded is None:
            return
        weight = self.threaded.weight_mg_cm2(self._gap_um(), self._coated_m, self.scenario, self.disturbances)
        load = self.threaded.load_g_m2(weight)
        self.dryer.web.feed(self._coated_m, self._sp("length_sp_m"), weight, load)

    @property
    def _dried_m(self) -> float:
        """Length of the sheet that has left the oven."""
        if self.job is None or self.dryer.web is None:
            return 0.0
        return max(0.0, min(self._sp("length_sp_m"), self._travelled_m - self.dryer.web.oven_m))

    def _finish(self) -> None:
        """The last of the sheet is out of the oven; zones stay warm for the next job."""
        if self.dryer.web is not None:
            self.dryer.web.settle(self._travelled_m, self.dryer.all_air_c())
        self.state, self.phase = "COMPLETE", "done"
        self._finished = self.threaded
        self._sheets += 1
        self._web_m_min = 0.0

    def _shut_down(self) -> None:
        """Slurry off, head open, heaters off, web stopped; what is on the web is scrap."""
        self._web_m_min, self._head_closed, self.threaded = 0.0, False, None
        self.dryer.heaters_off()

    def _keep(self, dt_s: float) -> None:
        self._make_safe(dt_s)

    def _may_hold(self) -> bool:
        return True

    def _may_restart(self) -> bool:
        return False

    def _resume(self) -> None:
        raise RuntimeError("a held coat cannot go on")

    def _make_safe(self, dt_s: float) -> bool:
        del dt_s  # it is done at once
        self._shut_down()
        return True

    def _rest(self, dt_s: float) -> None:
        """The oven stays warm for the next job only while a controller is there to see to it."""
        del dt_s  # it is done at once
        if self._beat_at_s is not None and not self.link_ok:
            self.dryer.heaters_off()

    def _proven_zero(self) -> bool:
        return True

    # ---- nature ----

    def _physics(self, dt_s: float) -> None:
        running, wrong = self.state == "EXECUTE", self.disturbances
        self.dryer.step(dt_s, self._travelled_m, self.exhaust_m3_min, wrong.zone_offset_k, running=running)
        wanted_n = self._sp("tension_sp_n") if running and not wrong.tension_lost else 0.0
        if self._tension_n != wanted_n:
            self._tension_n = relax(self._tension_n, wanted_n, dt_s, WEB_TAU_S)

    # ---- what is shown ----

    def _status(self) -> dict[str, bool]:
        return {
            "guard_closed": self._guard_ok(),
            "fan_running": self._fan_ok(),
            "exhaust_ok": self.exhaust_m3_min >= EXHAUST_MIN_M3_MIN,
            "web_ok": self._web_whole() and not self.disturbances.tension_lost,
            "head_closed": self._head_closed,
            "lel_warning": self._lel_pct() >= LEL_WARNING_PCT,
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        web, dried_m = self.dryer.web, self._dried_m
        weight = 0.0 if web is None or dried_m <= 0.0 else web.mean_weight_mg_cm2
        residue = 0.0 if web is None else web.mean_residue_g_m2 / G_M2_PER_MG_CM2
        running = self.job is not None and self.state == "EXECUTE"
        values: dict[str, float | int] = {
            f"zone{i + 1}_c": quantised(self._reading_c(i) + (0.02 if i % 2 == 0 else -0.02) * noise, HEAT_STEP_K)
            for i in range(self.zone_count)
        }
        return values | {
            "web_speed_m_min": self._web_m_min,
            "gap_um": quantised(self._gap_um(), GAP_STEP_UM) if running else 0.0,
            "tension_n": quantised(self._tension_n, TENSION_STEP_N),
            "lel_pct": quantised(min(100.0, self._lel_pct()), LEL_STEP_PCT),
            "coating_weight_mg_cm2": quantised(weight * self._weight_gain, WEIGHT_STEP_MG_CM2),
            "residual_solvent_pct": min(100.0, 100.0 * residue / weight) if weight > 0.0 else 0.0,
            "coated_length_m": dried_m,
            "exhaust_m3_min": self.exhaust_m3_min,
            "cycle_count": self._sheets,
        }
