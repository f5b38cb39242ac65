"""The two heated platens of a press, with heaters that may fail."""

from __future__ import annotations

from simulators.disturbances import Heater
from simulators.physics.heat import HeatedBody, relax
from simulators.physics.sensors import Lag

HEATING_K_S = 10.0 / 60.0
"""10 K/min, the upper end of usual platen heating."""
PLATEN_TAU_S = 30.0
PLATEN_DEAD_TIME_S = 20.0
PROBE_TAU_S = 3.0
"""A thermocouple in a platen follows it within seconds (engineering judgement)."""
RUNAWAY_C = 1000.0
"""A heater that is stuck on heats towards this, at the platens' rate."""


class Platens:
    """An upper and a lower platen; the lower one may be off by an imbalance that builds up as slowly as it heats."""

    def __init__(self, room_c: float) -> None:
        self._room_c = room_c
        self.bodies = [HeatedBody(room_c, HEATING_K_S, PLATEN_TAU_S, PLATEN_DEAD_TIME_S) for _ in range(2)]
        self.probes = [Lag(room_c, PROBE_TAU_S) for _ in range(2)]
        self._imbalance_k = 0.0

    def set(self, setpoint_c: float) -> None:
        """A new setpoint for both; it acts after the dead time."""
        for body in self.bodies:
            body.set(setpoint_c)

    def settle(self, setpoint_c: float) -> None:
        """Both have been at this setpoint for long."""
        for index, body in enumerate(self.bodies):
            body.settle(setpoint_c)
            self.probes[index].value = self.temperature_c(index)

    def step(self, dt_s: float, heater: Heater = "ok", offset_k: float = 0.0) -> None:
        forced_c = None if heater == "ok" else RUNAWAY_C if heater == "stuck_on" else self._room_c
        for body in self.bodies:
            body.step(dt_s, forced_c)
        if self._imbalance_k != offset_k:
            self._imbalance_k = relax(self._imbalance_k, offset_k, dt_s, PLATEN_TAU_S)
        for index, probe in enumerate(self.probes):
            probe.step(self.temperature_c(index), dt_s)

    def temperature_c(self, index: int) -> float:
        """0 is the upper, 1 the lower platen."""
        return self.bodies[index].temperature_c + (self._imbalance_k if index else 0.0)

    def probe_c(self, index: int) -> float:
        """What the probe in a platen feels."""
        return self.probes[index].value

    @property
    def mean_c(self) -> float:
        return (self.temperature_c(0) + self.temperature_c(1)) / 2.0
