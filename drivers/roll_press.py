"""What a roll press (calender) with two heated rolls is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.machine import Machine
from drivers.reading import Snapshot

ZERO_LOAD_N_MM = 40.0
"""Below this the load cells do not contradict an open nip: their accuracy is 20 N/mm."""

STANDSTILL_M_MIN = 0.06
"""Three times the accuracy of the web's speed (0.02 m/min)."""


@dataclass(frozen=True, slots=True)
class RollJob:
    """One length of web rolled at one line load.

    The rolls close onto the web until line_load_n_mm is reached, and never below gap_um; the nip does not close before
    both rolls are within temperature_band_k of temperature_c. When the link is lost the press stops the web and opens
    the nip at once, whatever the job says. Ranges: the profile's.
    """

    job_id: int
    line_load_n_mm: float
    gap_um: float
    temperature_c: float
    web_speed_m_min: float
    length_m: float
    tension_n: float
    temperature_band_k: float

    @property
    def signals(self) -> dict[str, float]:
        """The job as the profile's signals, each in its own unit: exactly what is downloaded."""
        return {
            "job_id": self.job_id,
            "line_load_sp_n_mm": self.line_load_n_mm,
            "gap_sp_um": self.gap_um,
            "roll_temperature_sp_c": self.temperature_c,
            "web_speed_sp_m_min": self.web_speed_m_min,
            "length_sp_m": self.length_m,
            "tension_sp_n": self.tension_n,
            "temperature_band_k": self.temperature_band_k,
        }


class RollPress:
    """Intents for one roll press; commands are the machine's own, and hold, stop and abort all open the nip."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def load(self, job: RollJob) -> None:
        """Downloads the job and proves its echo; raises what Machine.download raises."""
        await self.machine.download(job.signals)


def line_load_n_mm(snapshot: Snapshot) -> float:
    """The load in the nip; raises BadQuality."""
    return snapshot.value("line_load_n_mm")


def gap_range_um(snapshot: Snapshot) -> tuple[float, float]:
    """The smaller and the larger of the two gaps; raises BadQuality."""
    left, right = snapshot.value("gap_left_um"), snapshot.value("gap_right_um")
    return min(left, right), max(left, right)


def temperature_range_c(snapshot: Snapshot) -> tuple[float, float]:
    """The lower and the higher roll temperature: the lower counts for "at least", the higher for limits."""
    top, bottom = snapshot.value("roll_top_c"), snapshot.value("roll_bottom_c")
    return min(top, bottom), max(top, bottom)


def stopped(snapshot: Snapshot) -> bool:
    """The web stands still. Raises BadQuality."""
    return abs(snapshot.value("web_speed_m_min")) < STANDSTILL_M_MIN


def depressurised(snapshot: Snapshot) -> bool:
    """No load is proven: the load cells say so and both gaps are at their open end. Raises BadQuality."""
    return line_load_n_mm(snapshot) < ZERO_LOAD_N_MM and snapshot.bit("nip_open")


def pressurised(snapshot: Snapshot) -> bool:
    """Anything but proven zero. Raises BadQuality."""
    return not depressurised(snapshot)
