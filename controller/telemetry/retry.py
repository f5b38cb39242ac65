"""How long to wait before the next connection, and what losing one again and again means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from controller.telemetry.settings import Broker

LASTED_S = 30.0
"""A connection that lasted so long was a good one (engineering judgement: two keep-alives)."""
THIEF = 3
"""So many short connections, one after the other, look like another client with the same id, which MQTT 3.1.1 does not
tell."""


@dataclass(slots=True)
class Retry:
    """`chance` gives numbers from 0 to 1."""

    broker: Broker
    chance: Callable[[], float]
    short: int = 0
    _failed: int = 0

    def next_s(self, lasted_s: float | None) -> float:
        """Seconds to wait after a connection that lasted for a while, None for one that was never made."""
        if lasted_s is not None and lasted_s >= LASTED_S:
            self._failed = self.short = 0
        elif lasted_s is not None:
            self.short += 1
        wait_s: float = min(self.broker.retry_most_s, self.broker.retry_s * 2.0 ** min(self._failed, 30))
        self._failed += 1
        return wait_s * (1 - 0.5 * self.chance())

    @property
    def looks_stolen(self) -> bool:
        """Whether connections end as if somebody else had our id."""
        return self.short >= THIEF
