"""Whether what a line file states of a unit's state holds: its calibration, and that its cycles can be counted."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from controller.calibration import CYCLES
from controller.config import UnitConfig
from controller.devices.checks import Check, broken, ok
from controller.line import unit_profile
from drivers.errors import ProfileError


def calibration_check(unit: UnitConfig, utc: str) -> Iterator[Check]:
    """What is stated, at this time, UTC in ISO 8601; nothing for a unit of which the line file says nothing."""
    yield from _cycles(unit)
    known = unit.fitness.calibration
    if known is None:
        return
    if doubt := known.doubt(unit.name, utc):
        mend = "have it calibrated and enter date, due and certificate; until then nothing that rests on it is released"
        yield broken("calibration", doubt, mend)
    else:
        yield ok("calibration", f"{known.certificate} by {known.who}, holds until {known.due}")


def _cycles(unit: UnitConfig) -> Iterator[Check]:
    if unit.fitness.max_cycles is None:
        return
    with suppress(ProfileError):  # told with the profile itself
        profile = unit_profile(unit)
        if CYCLES in profile.signals:
            yield ok("cycles", f"at most {unit.fitness.max_cycles}, counted by {CYCLES}")
        else:
            told = f"max_cycles is {unit.fitness.max_cycles}, but {profile.name} has no signal {CYCLES}"
            yield broken(
                "cycles", told, f"give the profile the signal {CYCLES}, or take max_cycles out of the line file"
            )
