"""Temperatures: platens, the vessel's wall and medium, and what lies in between them."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

SETTLED_K = 1e-9
"""Closer than this is there."""


def relax(value: float, target: float, dt_s: float, tau_s: float) -> float:
    """First-order approach to a constant target; exact for any dt_s."""
    return target + (value - target) * math.exp(-dt_s / tau_s)


@dataclass(slots=True)
class HeatedBody:
    """A controlled body (platen, vessel wall, oven zone): follows its setpoint at a limited rate after a dead time.

    rate_k_s is the fastest change; near the setpoint the body relaxes with tau_s, so it never overshoots. The dead
    time delays changes of the setpoint.
    """

    temperature_c: float
    rate_k_s: float
    tau_s: float
    dead_time_s: float = 0.0
    _setpoint_c: float = field(init=False)
    _pending: deque[tuple[float, float]] = field(init=False, default_factory=deque)
    _commanded_c: float = field(init=False)

    def __post_init__(self) -> None:
        self._setpoint_c = self._commanded_c = self.temperature_c

    def set(self, setpoint_c: float) -> None:
        """A new setpoint; it acts after the dead time."""
        if setpoint_c != self._commanded_c:
            self._commanded_c = setpoint_c
            self._pending.append((self.dead_time_s, setpoint_c))

    def settle(self, setpoint_c: float) -> None:
        """The body has been at this setpoint for long."""
        self._pending.clear()
        self.temperature_c = self._setpoint_c = self._commanded_c = setpoint_c

    def step(self, dt_s: float, forced_c: float | None = None) -> None:
        """dt_s on the way to the setpoint, or to forced_c when the controller has lost the heater."""
        while self._pending:
            wait, setpoint = self._pending.popleft()
            if wait > dt_s:
                self._pending.appendleft((wait - dt_s, setpoint))
                break
            self._setpoint_c = setpoint
        target_c = self._setpoint_c if forced_c is None else forced_c
        if self.temperature_c == target_c:
            return
        wanted = relax(self.temperature_c, target_c, dt_s, self.tau_s) - self.temperature_c
        limit = self.rate_k_s * dt_s
        self.temperature_c += max(-limit, min(limit, wanted))
        if abs(self.temperature_c - target_c) < SETTLED_K:
            self.temperature_c = target_c


@dataclass(slots=True)
class Medium:
    """The pressure medium: heated by compression, cooled by expansion, drawn to the wall's temperature.

    Its sheathed probes follow it within seconds (engineering judgement); probe_c is what they feel.
    """

    temperature_c: float
    adiabatic_k_per_mpa: float
    wall_tau_s: float = 20.0
    probe_tau_s: float = 2.0
    probe_c: float = field(init=False)

    def __post_init__(self) -> None:
        self.probe_c = self.temperature_c

    def settle(self, temperature_c: float) -> None:
        """The medium has been at this temperature for long, and so have its probes."""
        self.temperature_c = self.probe_c = temperature_c

    def step(self, wall_c: float, pressure_change_mpa: float, dt_s: float) -> None:
        """dt_s of a steady change of pressure beside a wall; exact for any dt_s greater than 0."""
        heated_k = self.adiabatic_k_per_mpa * pressure_change_mpa * self.wall_tau_s / dt_s
        self.temperature_c = relax(self.temperature_c, wall_c + heated_k, dt_s, self.wall_tau_s)
        if self.probe_c != self.temperature_c:
            self.probe_c = relax(self.probe_c, self.temperature_c, dt_s, self.probe_tau_s)
