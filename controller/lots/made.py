"""What a run's history is folded into: its steps that go on, the lots that it has made, its end."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.lots.model import Calibrated, LotId, Measured, Reason, Stay
from controller.lots.outside import Crossing, Moment


@dataclass(slots=True)
class Making:
    """A step that is going on: what it takes, who answered, on which calibrations it rests, what did its jobs."""

    stay: Stay
    takes: tuple[str, ...]
    people: list[str] = field(default_factory=list)
    calibrated: dict[str, Calibrated] = field(default_factory=dict)
    jobs: dict[int, str] = field(default_factory=dict)
    measured: list[tuple[str, Measured]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Cut:
    """Off which web of another run a sheet was cut, and by when."""

    web: LotId
    at: Moment
    sequence: int


@dataclass(slots=True)
class Made:
    """A lot under its own name, as its run tells it; cut tells of a sheet that another run has coated."""

    name: str
    made_by: Stay
    takes: tuple[str, ...]
    jobs: tuple[int, ...]
    calibrated: list[Calibrated]
    people: list[str]
    slurry: str
    foils: tuple[str, ...]
    measured: list[Measured] = field(default_factory=list)
    stays: list[Stay] = field(default_factory=list)
    doubts: list[Reason] = field(default_factory=list)
    also_on: list[str] = field(default_factory=list)
    used_in: str | None = None
    crossings: list[Crossing] = field(default_factory=list)
    quarantined: Reason | None = None
    scrapped: tuple[str, str] | None = None
    released: tuple[str, str, int] | None = None
    cut: Cut | None = None

    @property
    def out_since(self) -> str:
        """When it left the dry room, UTC; "" while it is inside."""
        return self.crossings[-1].since if self.crossings and self.crossings[-1].is_out else ""


@dataclass(slots=True)
class Ended:
    """How a run ended, and by which record."""

    state: str
    reason: str
    sequence: int
