"""When a unit was calibrated, until when that holds, and what may rest on it; how often a unit may be used.

Days are days of UTC: what is judged is the record's time, never the loop's.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

CYCLES = "cycle_count"
"""The signal on which a machine counts its cycles."""
SOON = 0.9  # share of the allowed cycles from which on it is told: time to order an inspection (engineering judgement)


class CalibrationState(StrEnum):
    """What a calibration says at a moment. Only VALID and UNSTATED leave the quality of a value as it is."""

    VALID = "valid"
    OVERDUE = "overdue"
    AHEAD = "ahead"
    UNSTATED = "unstated"


@dataclass(frozen=True, slots=True)
class Calibration:
    """One calibration of a unit: the day it was made, the last day it holds, its certificate, who made it."""

    date: dt.date
    due: dt.date
    certificate: str
    who: str

    def state(self, utc: str) -> CalibrationState:
        """What it says at a time of the record, UTC in ISO 8601; on its due day it still holds."""
        day = dt.datetime.fromisoformat(utc).date()
        if day > self.due:
            return CalibrationState.OVERDUE
        return CalibrationState.AHEAD if day < self.date else CalibrationState.VALID

    def doubt(self, unit: str, utc: str) -> str:
        """Why nothing may rest on the unit's values at this time, in words; "" if it may."""
        match self.state(utc):
            case CalibrationState.OVERDUE:
                return f"the calibration of {unit} ({self.certificate}) was due on {self.due}"
            case CalibrationState.AHEAD:
                return f"the calibration of {unit} ({self.certificate}) is dated {self.date}, which lies ahead"
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class ZeroTerms:
    """How far an empty instrument may be off zero, in its own unit, and how old a look at that may be, s.

    tolerance None stands for the instrument's stated accuracy; max_age_s 0 looks before each use.
    """

    tolerance: float | None = None
    max_age_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Fitness:
    """What a line file says of a unit's state: calibration, zero, and how many cycles it may do in its life.

    Nothing is assumed where it says nothing: no source gives a calibration interval or a number of cycles.
    """

    calibration: Calibration | None = None
    zero: ZeroTerms = field(default_factory=ZeroTerms)
    max_cycles: int | None = None


def calibration_data(unit: str, calibration: Calibration | None, utc: str) -> dict[str, Any]:
    """A unit's calibration as the record keeps it at the moment of use; quality is "good" or "uncertain"."""
    if calibration is None:
        return {"unit": unit, "state": CalibrationState.UNSTATED.value, "quality": "good", "doubt": ""}
    doubt = calibration.doubt(unit, utc)
    return {
        "unit": unit,
        "state": calibration.state(utc).value,
        "quality": "uncertain" if doubt else "good",
        "doubt": doubt,
        "date": calibration.date.isoformat(),
        "due": calibration.due.isoformat(),
        "certificate": calibration.certificate,
        "who": calibration.who,
    }
