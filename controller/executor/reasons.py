"""Why something is held, in a sentence for whoever stands at the machine."""

from __future__ import annotations

from drivers.errors import DriverError


def about(unit: str, reason: str) -> str:
    """A reason with the unit's name before it, once: many reasons begin with it."""
    return reason if reason.startswith((f"{unit}: ", f"{unit} ")) else f"{unit}: {reason}"


def why_of(unit: str, error: Exception) -> str:
    """What failed while a unit was watched; only a fault of the program is told with its name."""
    if isinstance(error, DriverError):
        return about(unit, str(error))
    return f"{unit}: a fault of the program: {type(error).__name__}: {error}"
