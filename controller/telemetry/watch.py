"""What of a machine's snapshots is worth a message: changes, at most so many times a second.

Nearly every snapshot says nothing new for the state, or comes before values are due. A few bare numbers are compared
in the publisher's own call; what is decoded is decoded later, in the telemetry's task.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from typing import Any

from controller.telemetry.messages import Value
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Decoder, LinkChange, Reading, Snapshot

STATES = ("machine_state", "phase", "mode")
COUNTERS = frozenset({"heartbeat_machine", "acknowledged_sequence"})
"""Signals that change all the time and say nothing but that a machine is there."""


class UnitWatch(asyncio.Queue[Any]):
    """What one machine publishes comes in here. `wanted` is called when it is worth to look."""

    def __init__(self, unit: str, profile: Profile, every_s: float, wanted: Callable[[UnitWatch], None]) -> None:
        super().__init__()
        self.unit, self.kind = unit, profile.kind
        self.latest: Snapshot | None = None
        self.link: LinkChange | None = None
        self._wanted, self._every_s = wanted, every_s
        self._words = tuple(name for name in STATES if name in profile.signals)
        self._excerpt = Decoder(profile).excerpt(self._words) if self._words else None
        self._last_words: Sequence[Any] | None = None
        self._next_s = -math.inf
        self._is_waiting = False
        self._told: dict[str, Value] = {}

    def full(self) -> bool:
        return False

    def put_nowait(self, item: Snapshot | LinkChange) -> None:
        """Called by the machine for each poll: it must cost next to nothing."""
        if isinstance(item, LinkChange):
            self.link = item
            self._want()
            return
        self.latest = item
        if self._is_waiting:
            return
        if item.time_s >= self._next_s or self._is_new_state(item):
            self._want()

    def looked(self) -> bool:
        """Somebody looks now; whether values are due. They are due again after a while."""
        self._is_waiting = False
        is_due = self.latest is not None and self.latest.time_s >= self._next_s
        if self.latest is not None and is_due:
            self._next_s = self.latest.time_s + self._every_s
        return is_due

    def states(self) -> tuple[str | None, str | None, str | None]:
        """PackML state, phase and mode; None for what cannot be trusted or is not known."""
        return self._word("machine_state"), self._word("phase"), self._word("mode")

    @property
    def is_connected(self) -> bool:
        """Whether the link is up, as the machine told last."""
        return self.link is not None and self.link.up

    def changed(self) -> dict[str, Value]:
        """The values that are not as they were told last."""
        now = self.values()
        changes = {name: value for name, value in now.items() if self._told.get(name) != value}
        self._told.update(changes)
        return changes

    def values(self) -> dict[str, Value]:
        """All values."""
        if self.latest is None:
            return {}
        readings = self.latest.readings()
        return {name: _value(reading) for name, reading in readings.items() if name not in COUNTERS}

    def _word(self, name: str) -> str | None:
        try:
            return None if self.latest is None else self.latest.text(name)
        except (BadQuality, KeyError):
            return None

    def _want(self) -> None:
        if not self._is_waiting:
            self._is_waiting = True
            self._wanted(self)

    def _is_new_state(self, snapshot: Snapshot) -> bool:
        try:
            words = self._excerpt(snapshot) if self._excerpt is not None else None
        except (KeyError, TypeError):  # a block was not read, or it holds values that are decoded already
            return True
        is_new = words != self._last_words
        self._last_words = words
        return is_new


def _value(reading: Reading) -> Value:
    number = reading.value
    value = None if isinstance(number, float) and not math.isfinite(number) else number
    return {"value": value, "unit": reading.unit, "quality": reading.quality.value}
