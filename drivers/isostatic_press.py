"""What an isostatic press is asked to do."""

from __future__ import annotations

from dataclasses import dataclass

from drivers.machine import Machine
from drivers.reading import Snapshot

DISAGREEMENT_MPA = 13.0
"""The sum of both sensors' accuracies, 2 x 4 MPa, and a margin of 5 MPa: beyond it one of them is wrong."""


@dataclass(frozen=True, slots=True)
class IsostaticJob:
    """One pressing, complete with what the press does on its own when the link is lost.

    The vessel is pressurised once the medium was within temperature_band_k for soak_s; the first 5 % of the rise run at
    a fifth of ramp_mpa_s. Below 50 MPa decompression runs at final_decompression_mpa_s. Ranges: the profile's.
    """

    job_id: int
    pressure_mpa: float
    ramp_mpa_s: float
    dwell_s: float
    decompression_mpa_s: float
    final_decompression_mpa_s: float
    temperature_c: float
    temperature_band_k: float
    soak_s: float
    dwell_band_pct: float
    link_loss_hold_s: float

    @property
    def signals(self) -> dict[str, float]:
        """The job as the profile's signals, each in its own unit: exactly what is downloaded."""
        return {
            "job_id": self.job_id,
            "pressure_sp_mpa": self.pressure_mpa,
            "pressure_ramp_mpa_s": self.ramp_mpa_s,
            "dwell_sp_s": self.dwell_s,
            "decompression_rate_mpa_s": self.decompression_mpa_s,
            "final_decompression_rate_mpa_s": self.final_decompression_mpa_s,
            "medium_temperature_sp_c": self.temperature_c,
            "temperature_band_k": self.temperature_band_k,
            "soak_s": self.soak_s,
            "dwell_band_pct": self.dwell_band_pct,
            "link_loss_hold_s": self.link_loss_hold_s,
        }


class IsostaticPress:
    """Intents for one press; commands (start, hold, stop ...) are the machine's own."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine

    async def load(self, job: IsostaticJob) -> None:
        """Downloads the job and proves its echo; raises what Machine.download raises."""
        await self.machine.download(job.signals)


def pressure_range_mpa(snapshot: Snapshot) -> tuple[float, float]:
    """The lower and the higher sensor: the lower counts for "at least", the higher for limits. Raises BadQuality."""
    a, b = snapshot.value("pressure_a_mpa"), snapshot.value("pressure_b_mpa")
    return min(a, b), max(a, b)


def temperature_range_c(snapshot: Snapshot) -> tuple[float, float]:
    """The lower and the higher sensor of the medium's temperature. Raises BadQuality."""
    a, b = snapshot.value("medium_a_c"), snapshot.value("medium_b_c")
    return min(a, b), max(a, b)


def sensors_agree(snapshot: Snapshot) -> bool:
    """Whether both pressure sensors can be right. Raises BadQuality."""
    low, high = pressure_range_mpa(snapshot)
    return high - low <= DISAGREEMENT_MPA


def depressurised(snapshot: Snapshot) -> bool:
    """Zero is proven: the low-range switch and an open vent, never the +-4 MPa sensors alone. Raises BadQuality."""
    return snapshot.bit("zero_pressure_switch") and snapshot.bit("vent_open")


def pressurised(snapshot: Snapshot) -> bool:
    """Anything but proven zero. Raises BadQuality."""
    return not depressurised(snapshot)


def closed(snapshot: Snapshot) -> bool:
    """Closure locked and yoke in place, as the hard-wired chain sees them. Raises BadQuality."""
    return snapshot.bit("closure_locked") and snapshot.bit("yoke_in_place")
