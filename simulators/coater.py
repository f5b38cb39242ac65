"""A comma coater with a two-zone dryer.

Hold, stop, abort and a lost link are one and the same here: slurry off, head open, heaters off, web stopped, while fans
and exhaust keep running. A coat that was held cannot go on: what stood in the oven is scrap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from drivers.profile import Profile
from recipes.materials.coating import GAP_FACTOR, coating_weight_mg_cm2, solvent_load_mg_cm2
from recipes.model import Foil, Layer, Slurry
from simulators.physics.heat import HeatedBody
from simulators.physics.hydraulics import ramped
from simulators.physics.laminate import coated_layer
from simulators.physics.web import G_M2_PER_MG_CM2, OVEN_LENGTH_M, lel_pct, residual_g_m2
from simulators.plc import Plc
from simulators.scenarios import Scenario
from simulators.world import Lot, World, WorldError

GAP_FACTOR_BOUND = 0.02
"""Wet film over gap varies by 2 % with the bank level (engineering judgement)."""
WEB_ACCELERATION_M_MIN_S = 0.1
HEATING_K_S = 20.0 / 60.0
"""Air ovens follow their setpoint faster than steel does."""
ZONE_TAU_S = 30.0
EXHAUST_M3_MIN = 6.0
EXHAUST_MIN_M3_MIN = 3.0
LEL_TRIP_PCT = 50.0
WEIGHT_ERROR = 0.008
"""Basis weight gauges are good to about 1 % of the reading."""
OVER_TEMPERATURE_K = 25.0


@dataclass(frozen=True, slots=True)
class Threaded:
    """What a person prepared: the layer that the slurry makes, and the foil that it goes on."""

    layer: Layer
    slurry: Slurry
    substrate: Foil | None
    area_mm2: float | None


class Coater(Plc):
    """The coater and its controller. fan_running, exhaust_m3_min, web_ok, lel_drift_pct are what its sensors see."""

    scan_s: ClassVar[float] = 0.25
    quiet_scans: ClassVar[int] = 8

    def __init__(self, profile: Profile, scenario: Scenario, unit: str, world: World) -> None:
        super().__init__(profile, scenario, unit)
        self.world = world
        self.threaded: Threaded | None = None
        self.guard_closed = self.fan_running = self.web_ok = True
        self.exhaust_m3_min = EXHAUST_M3_MIN
        self.lel_drift_pct = 0.0
        self._zones = [HeatedBody(scenario.room_c, HEATING_K_S, ZONE_TAU_S) for _ in range(2)]
        self._room_c = scenario.room_c
        self._web_m_min = self._coated_m = self._dried_m = self._residual_g_m2 = 0.0
        self._weight_mg_cm2 = self._travelled_m = 0.0
        self._head_closed = False
        self._finished: Threaded | None = None
        self._sheets = 0
        heat = profile.signals["zone1_c"].accuracy or 0.0
        self._zone_errors = [scenario.error(f"{unit}:zone{i}", 0.9 * heat) for i in range(2)]
        self._weight_gain = 1.0 + scenario.error(f"{unit}:weight", WEIGHT_ERROR)
        self._noise = scenario.noise(unit)

    # ---- what a person does ----

    def thread(self, threaded: Threaded) -> None:
        """A person threads a foil and fills slurry.

        :raises WorldError: if the coater works or is prepared already.
        """
        if self.state not in ("IDLE", "STOPPED", "ABORTED", "COMPLETE"):
            raise WorldError(f"{self.unit} is working")
        if self.threaded is not None:
            raise WorldError(f"{self.unit} is prepared for {self.threaded.layer.name} already")
        self.threaded = threaded

    def take_off(self, name: str) -> Lot:
        """A person takes the coated sheet off; it becomes a lot.

        :raises WorldError: if nothing has been coated to its end.
        """
        done, self._finished = self._finished, None
        if done is None:
            raise WorldError(f"there is no finished sheet on {self.unit}")
        layer = coated_layer(done.layer, self._weight_mg_cm2, self.scenario)
        foils = [] if done.substrate is None else [self.world.true_foil(done.substrate)]
        area = None if done.area_mm2 is None else self.world.true_area_mm2(done.area_mm2)
        self.threaded = None
        solvent = self._residual_g_m2 / G_M2_PER_MG_CM2
        return self.world.put(Lot(name, [layer], foils, area, temperature_c=self._room_c, solvent_mg_cm2=solvent))

    # ---- the job ----

    def _sp(self, name: str) -> float:
        if self.job is None:
            raise RuntimeError(f"{self.unit} runs without a job")
        return self.job[name]

    def _zone_setpoints(self) -> tuple[float, float]:
        return self._sp("zone1_sp_c"), self._sp("zone2_sp_c")

    def _reading_c(self, index: int) -> float:
        return self._zones[index].temperature_c + self._zone_errors[index]

    def _loaded_job(self, *, first: bool) -> None:
        if first and self.scenario.prepared:
            for zone, setpoint in zip(self._zones, self._zone_setpoints(), strict=True):
                zone.settle(setpoint)

    def _missing_permissive(self) -> str | None:
        if not self.guard_closed:
            return "guard_open"
        if not self.fan_running or self.exhaust_m3_min < EXHAUST_MIN_M3_MIN:
            return "no_exhaust"
        return "nothing_loaded" if self.threaded is None else None

    def _begin(self) -> None:
        self._coated_m = self._dried_m = self._weight_mg_cm2 = self._residual_g_m2 = self._travelled_m = 0.0
        self._finished = None
        for zone, setpoint in zip(self._zones, self._zone_setpoints(), strict=True):
            zone.set(setpoint)

    def _watch_machine(self) -> None:
        if not self.fan_running or self.exhaust_m3_min < EXHAUST_MIN_M3_MIN:
            self.trip("exhaust_low")
        if not self.web_ok:
            self.trip("web_break")
        if self._lel_pct() >= LEL_TRIP_PCT:
            self.trip("lel_high")
        over = [self._reading_c(i) - setpoint for i, setpoint in enumerate(self._zone_setpoints())]
        if self.phase in ("coat", "run_out") and max(over) > OVER_TEMPERATURE_K:
            self.trip("over_temperature")
        if not self.guard_closed:
            self.state = "ABORTING"

    def _run(self, dt_s: float) -> None:
        speed = self._sp("web_speed_sp_m_min")
        if self.phase == "prepare" and self._zones_in_band():
            self.phase = "approach"
        elif self.phase == "approach":
            self._web_m_min = ramped(self._web_m_min, speed, WEB_ACCELERATION_M_MIN_S, dt_s)
            if self._web_m_min == speed:
                self.phase, self._head_closed = "coat", True
                self._weigh()
        elif self.phase == "coat":
            self._coated_m = min(self._sp("length_sp_m"), self._coated_m + speed * dt_s / 60.0)
            self._dry(dt_s)
            if self._coated_m >= self._sp("length_sp_m"):
                self.phase, self._head_closed = "run_out", False
        elif self.phase == "run_out":
            self._dry(dt_s)
            if self._dried_m >= self._sp("length_sp_m"):
                self._finish()

    def _zones_in_band(self) -> bool:
        band = self._sp("temperature_band_k")
        return all(abs(self._reading_c(i) - setpoint) <= band for i, setpoint in enumerate(self._zone_setpoints()))

    def _weigh(self) -> None:
        """The coating weight that this gap leaves."""
        if self.threaded is None:
            return
        factor = GAP_FACTOR * (1.0 + self.scenario.error(f"{self.threaded.layer.name}:gap_factor", GAP_FACTOR_BOUND))
        density = self.threaded.layer.true_density_g_cm3
        self._weight_mg_cm2 = coating_weight_mg_cm2(self._sp("gap_sp_um"), self.threaded.slurry, density, factor)

    def _load_g_m2(self) -> float:
        if self.threaded is None:
            return 0.0
        return G_M2_PER_MG_CM2 * solvent_load_mg_cm2(self._weight_mg_cm2, self.threaded.slurry)

    def _dry(self, dt_s: float) -> None:
        """Moves the web; what leaves the oven was dried at the speed and the temperatures that it met there."""
        length = self._sp("length_sp_m")
        self._travelled_m += self._web_m_min * dt_s / 60.0
        dried = max(0.0, min(length, self._travelled_m - OVEN_LENGTH_M))
        if self.threaded is None or dried <= self._dried_m:
            return
        zones = [zone.temperature_c for zone in self._zones]
        left = residual_g_m2(self.threaded.slurry.solvent, self._load_g_m2(), zones, self._web_m_min)
        self._residual_g_m2 += (left - self._residual_g_m2) * (dried - self._dried_m) / dried
        self._dried_m = dried

    def _finish(self) -> None:
        """The last of the sheet is out of the oven; zones stay warm for the next job."""
        self.state, self.phase = "COMPLETE", "done"
        self._finished = self.threaded
        self._sheets += 1
        self._web_m_min = 0.0

    def _shut_down(self) -> None:
        """Slurry off, head open, heaters off, web stopped; what is on the web is scrap."""
        self._web_m_min, self._head_closed, self.threaded = 0.0, False, None
        for zone in self._zones:
            zone.set(self._room_c)

    def _keep(self, dt_s: float) -> None:
        del dt_s  # it is done at once
        self._shut_down()

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
        """Nothing to do without a job."""

    def _proven_zero(self) -> bool:
        return True

    def _physics(self, dt_s: float) -> None:
        for zone in self._zones:
            zone.step(dt_s)

    # ---- what is shown ----

    def _lel_pct(self) -> float:
        if self.threaded is None or self.phase not in ("coat", "run_out"):
            return self.lel_drift_pct
        wet = min(self._travelled_m, OVEN_LENGTH_M) - max(0.0, self._travelled_m - self._sp("length_sp_m"))
        share = max(0.0, wet) / OVEN_LENGTH_M
        evaporated = self._load_g_m2() - self._residual_g_m2
        name = self.threaded.slurry.solvent
        return self.lel_drift_pct + lel_pct(name, evaporated, self._web_m_min, self.exhaust_m3_min, share)

    def _status(self) -> dict[str, bool]:
        return {
            "guard_closed": self.guard_closed,
            "fan_running": self.fan_running,
            "exhaust_ok": self.exhaust_m3_min >= EXHAUST_MIN_M3_MIN,
            "web_ok": self.web_ok,
            "head_closed": self._head_closed,
        }

    def _values(self) -> dict[str, float | int]:
        noise = self._noise.at(self._scan)
        weight = self._weight_mg_cm2
        residual_pct = 100.0 * self._residual_g_m2 / (G_M2_PER_MG_CM2 * weight) if weight > 0.0 else 0.0
        running = self.job is not None and self.state == "EXECUTE"
        return {
            "web_speed_m_min": self._web_m_min,
            "zone1_c": self._reading_c(0) + 0.02 * noise,
            "zone2_c": self._reading_c(1) - 0.02 * noise,
            "gap_um": self._sp("gap_sp_um") if running else 0.0,
            "tension_n": self._sp("tension_sp_n") if running else 0.0,
            "lel_pct": min(100.0, self._lel_pct()),
            "coating_weight_mg_cm2": weight * self._weight_gain if self._dried_m > 0.0 else 0.0,
            "residual_solvent_pct": min(100.0, residual_pct),
            "coated_length_m": self._dried_m,
            "exhaust_m3_min": self.exhaust_m3_min,
            "cycle_count": self._sheets,
        }
