"""What a sweep can be asked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

PLOTS = ("png", "svg", "none")
"""Forms of the pictures."""


@dataclass(frozen=True, slots=True)
class SweepOptions:
    """What the user asked for. scheduler is a Dask scheduler's address, None for processes of this computer."""

    recipe: Path
    vary: tuple[str, ...]
    samples: int
    seed: int
    scenario: str
    jobs: int
    scheduler: str | None = None
    estimate: bool = False
