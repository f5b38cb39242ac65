"""What a uniaxial hydraulic press is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.machine import Machine
from drivers.reading import Snapshot

ZERO_FORCE_KN = 5.0
"""Below this the load cell does not contradict an open press: its accuracy is 1.5 kN, the upper die weighs 0.8 kN."""


@dataclass(frozen=True, slots=True)
class UniaxialJob:
    """One pressing, complete with what the press does on its own when the link is lost.

    force_kn is the load cell's reading, tare included. The dwell timer runs while the force is within dwell_band_pct
    of force_kn; no ramp before both platens are within temperature_band_k of temperature_c. Ranges: the profile's.
    """

    job_id: int
    force_kn: float
    ramp_kn_s: float
    dwell_s: float
    release_kn_s: float
    temperature_c: float
    dwell_band_pct: float
    temperature_band_k: float
    link_loss_hold_s: float

    @property
    def signals(self) -> dict[str, float]:
        """The job as the profile's signals, each in its own unit: exactly what is downloaded."""
        return {
            "job_id": self.job_id,
            "force_sp_kn": self.force_kn,
            "force_ramp_kn_s": self.ramp_kn_s,
            "dwell_sp_s": self.dwell_s,
            "release_rate_kn_s": self.release_kn_s,
            "platen_temperature_sp_c": self.temperature_c,
            "dwell_band_pct": self.dwell_band_pct,
            "temperature_band_k": self.temperature_band_k,
            "link_loss_hold_s": self.link_loss_hold_s,
        }


class UniaxialPress:
    """Intents for one press; commands (start, hold, stop ...) are the machine's own."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def load(self, job: UniaxialJob) -> None:
        """Downloads the job and proves its echo; raises what Machine.download raises."""
        await self.machine.download(job.signals)


def force_kn(snapshot: Snapshot) -> float:
    """The load cell's force; raises BadQuality."""
    return snapshot.value("force_pv_kn")


def temperature_range_c(snapshot: Snapshot) -> tuple[float, float]:
    """The lower and the higher platen temperature: the lower counts for "at least", the higher for limits."""
    top, bottom = snapshot.value("platen_top_c"), snapshot.value("platen_bottom_c")
    return min(top, bottom), max(top, bottom)


def depressurised(snapshot: Snapshot) -> bool:
    """Zero force is proven: the load cell says so and the ram is at its top. Raises BadQuality."""
    return force_kn(snapshot) < ZERO_FORCE_KN and snapshot.bit("ram_top")


def pressurised(snapshot: Snapshot) -> bool:
    """Anything but proven zero. Raises BadQuality."""
    return not depressurised(snapshot)
