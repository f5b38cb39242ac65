"""What is wrong with the telemetry, told once when it begins and once when it ends."""

from __future__ import annotations

from controller.vitals.deaths import Tell

OFFLINE, TAKEN_OVER, REFUSED = "telemetry_offline", "telemetry_taken_over", "telemetry_refused"
UNKEPT, DROPPED = "telemetry_unkept", "telemetry_dropped"


class Conditions:
    """Tells changes only."""

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._active: dict[str, bool] = {}

    def say(self, name: str, message: str, *, active: bool) -> None:
        """Something is wrong now, or is no more."""
        if self._active.get(name, False) is not active:
            self._active[name] = active
            self._tell({"name": name, "unit": None, "active": active, "message": message})

    def is_active(self, name: str) -> bool:
        """Whether it is wrong now."""
        return self._active.get(name, False)
