"""What a coater with a dryer of one to four zones is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.errors import OutOfRange
from drivers.machine import Machine
from drivers.profile_kinds import zone_count
from drivers.reading import Snapshot

STANDSTILL_M_MIN = 0.03
"""Three standard uncertainties of the web's speed (0.01 m/min)."""


@dataclass(frozen=True, slots=True)
class CoatJob:
    """One coated sheet: comma gap, web speed and tension, the air of each zone, and the length to coat.

    zones_c has a value for every zone of the machine, in the web's order. No coating before all zones are within
    temperature_band_k. Ranges: the profile's.
    """

    job_id: int
    gap_um: float
    web_speed_m_min: float
    zones_c: tuple[float, ...]
    length_m: float
    tension_n: float
    temperature_band_k: float

    @property
    def signals(self) -> dict[str, float]:
        """The job as the profile's signals, each in its own unit: exactly what is downloaded."""
        return {
            "job_id": self.job_id,
            "gap_sp_um": self.gap_um,
            "web_speed_sp_m_min": self.web_speed_m_min,
            **{f"zone{number}_sp_c": zone_c for number, zone_c in enumerate(self.zones_c, start=1)},
            "length_sp_m": self.length_m,
            "tension_sp_n": self.tension_n,
            "temperature_band_k": self.temperature_band_k,
        }


class Coater:
    """Intents for one coater; hold, stop and abort all end the coating, a held coat is never restarted."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def load(self, job: CoatJob) -> None:
        """Downloads the job and proves its echo.

        Raises OutOfRange for another number of zones than the machine's (nothing was sent), or what Machine.download
        raises.
        """
        count = zone_count(self.machine.profile.signals)
        if len(job.zones_c) != count:
            has = f"{self.machine.unit} has {count} drying {'zone' if count == 1 else 'zones'}"
            raise OutOfRange(f"{has}, and the job has {len(job.zones_c)} zone temperatures; nothing was sent")
        await self.machine.download(job.signals)


def stopped(snapshot: Snapshot) -> bool:
    """Web at a standstill with the head open. Raises BadQuality."""
    return abs(snapshot.value("web_speed_m_min")) < STANDSTILL_M_MIN and not snapshot.bit("head_closed")
