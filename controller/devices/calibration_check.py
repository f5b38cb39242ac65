"""Whether the calibration that a line file states for a unit still holds."""

from __future__ import annotations

from collections.abc import Iterator

from controller.config import UnitConfig
from controller.devices.checks import Check, broken, ok


def calibration_check(unit: UnitConfig, utc: str) -> Iterator[Check]:
    """One check at this time, UTC in ISO 8601; none for a unit of which the line file says nothing."""
    known = unit.fitness.calibration
    if known is None:
        return
    if doubt := known.doubt(unit.name, utc):
        mend = "have it calibrated and enter date, due and certificate; until then nothing that rests on it is released"
        yield broken("calibration", doubt, mend)
    else:
        yield ok("calibration", f"{known.certificate} by {known.who}, holds until {known.due}")
