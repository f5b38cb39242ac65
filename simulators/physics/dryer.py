"""The dryer of a coater: heated zones, the web in them, and the vapour in their air."""

from __future__ import annotations

from collections.abc import Sequence

from simulators.physics.heat import HeatedBody, relax
from simulators.physics.sensors import Lag
from simulators.physics.web import OVEN_M3_PER_M, OvenAir, Web

HEATING_K_S = 20.0 / 60.0
"""Air ovens follow their setpoint faster than steel does (engineering judgement)."""
ZONE_TAU_S = 30.0
PROBE_TAU_S = 5.0
"""A thermocouple in moving air follows it within seconds (engineering judgement)."""


class Dryer:
    """Zones in a row, of the given lengths; what is coated is fed into `web` and followed until it has left."""

    def __init__(self, zones_m: Sequence[float], room_c: float) -> None:
        self.zones = [HeatedBody(room_c, HEATING_K_S, ZONE_TAU_S) for _ in zones_m]
        self.probes = [Lag(room_c, PROBE_TAU_S) for _ in zones_m]
        self.air = OvenAir(OVEN_M3_PER_M * sum(zones_m))
        self.web: Web | None = None
        self._room_c = room_c
        self._offset_k = 0.0

    def thread(self, zones_m: Sequence[float], solvent: str) -> Web:
        """A new web through zones of these lengths."""
        self.web = Web(zones_m, solvent)
        self.air.volume_m3 = OVEN_M3_PER_M * sum(zones_m)
        return self.web

    def set(self, setpoints_c: Sequence[float]) -> None:
        """New setpoints, one for each zone."""
        for zone, setpoint in zip(self.zones, setpoints_c, strict=True):
            zone.set(setpoint)

    def settle(self, setpoints_c: Sequence[float]) -> None:
        """The zones have been at these setpoints for long."""
        for zone, probe, setpoint in zip(self.zones, self.probes, setpoints_c, strict=True):
            zone.settle(setpoint)
            probe.value = setpoint + self._offset_k

    def heaters_off(self) -> None:
        """The zones cool towards the room."""
        self.set([self._room_c] * len(self.zones))

    def air_c(self, index: int) -> float:
        """The true air of a zone."""
        return self.zones[index].temperature_c + self._offset_k

    def probe_c(self, index: int) -> float:
        """What the probe in a zone feels."""
        return self.probes[index].value

    def all_air_c(self) -> list[float]:
        return [self.air_c(index) for index in range(len(self.zones))]

    def step(self, dt_s: float, travelled_m: float, exhaust_m3_min: float, offset_k: float, *, running: bool) -> None:
        """dt_s until the web has travelled so far. What stands wet evaporates on; once it is dry it is thrown away."""
        for zone in self.zones:
            zone.step(dt_s)
        if self._offset_k != offset_k:
            self._offset_k = relax(self._offset_k, offset_k, dt_s, ZONE_TAU_S)
        for index, probe in enumerate(self.probes):
            probe.step(self.air_c(index), dt_s)
        web = self.web
        if web is None or not web.inside:
            self.air.step(0.0, exhaust_m3_min, dt_s)
            return
        web.move(travelled_m, dt_s, self.all_air_c())
        self.air.step(web.evaporation_g_s, exhaust_m3_min, dt_s)
        if not running and web.is_dry():
            web.scrap()

    @property
    def lel_pct(self) -> float:
        """Vapour as a share of the lower explosive limit of what is or was dried last."""
        return 0.0 if self.web is None else self.air.lel_pct(self.web.solvent_name)
