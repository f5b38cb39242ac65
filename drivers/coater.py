"""What a coater with a two-zone dryer is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.machine import Machine
from drivers.reading import Snapshot

STANDSTILL_M_MIN = 0.03
"""Three standard uncertainties of the web's speed (0.01 m/min)."""


@dataclass(frozen=True, slots=True)
class CoatJob:
    """One coated sheet: comma gap, web speed and tension, both zones' air, and the length to coat.

    No coating before both zones are within temperature_band_k. Ranges: the profile's.
    """

    job_id: int
    gap_um: float
    web_speed_m_min: float
    zone1_c: float
    zone2_c: float
    length_m: float
    tension_n: float
    temperature_band_k: float


class Coater:
    """Intents for one coater; hold, stop and abort all end the coating, a held coat is never restarted."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def load(self, job: CoatJob) -> None:
        """Downloads the job and proves its echo; raises what Machine.download raises."""
        await self.machine.download(
            {
                "job_id": job.job_id,
                "gap_sp_um": job.gap_um,
                "web_speed_sp_m_min": job.web_speed_m_min,
                "zone1_sp_c": job.zone1_c,
                "zone2_sp_c": job.zone2_c,
                "length_sp_m": job.length_m,
                "tension_sp_n": job.tension_n,
                "temperature_band_k": job.temperature_band_k,
            }
        )


def stopped(snapshot: Snapshot) -> bool:
    """Web at a standstill with the head open. Raises BadQuality."""
    return abs(snapshot.value("web_speed_m_min")) < STANDSTILL_M_MIN and not snapshot.bit("head_closed")
