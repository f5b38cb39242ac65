"""What people and programs ask the service for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from recipes.plan import Plan


@dataclass(frozen=True, slots=True)
class RunOrder:
    """One laminate to make.

    recipe is the name of a stored recipe; version is its approved version, None for the newest approved one. plan is
    given instead of them where the line is simulated: any plan, approved by nobody. priority: a higher one is given
    units and people before others, -9 to 9. rearm resets machines that are not idle, which somebody has looked at.
    """

    recipe: str = ""
    version: int | None = None
    plan: Plan | None = None
    priority: int = 0
    rearm: bool = False
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Given:
    """What somebody says of a prompt.

    lots are those in hand, as the prompt names them (RUN/LOT), stated or scanned. values are in the units of the
    prompt's entries, uncertainties their standard uncertainties. choice is one of the prompt's choices. impossible says
    why the task cannot be done; its run is then held.
    """

    lots: tuple[str, ...] = ()
    values: Mapping[str, float] = field(default_factory=dict)
    uncertainties: Mapping[str, float] = field(default_factory=dict)
    choice: str | None = None
    why: str = ""
    impossible: str = ""


class ManualCommand(StrEnum):
    """What may be commanded to a machine that no run has. hold, stop and abort lower risk; reset lets it be opened."""

    HOLD = "hold"
    STOP = "stop"
    ABORT = "abort"
    RESET = "reset"


@dataclass(frozen=True, slots=True)
class Write:
    """One value to be written by hand, in the signal's unit."""

    signal: str
    value: float


class LotAct(StrEnum):
    """What a person may say of a lot."""

    QUARANTINE = "quarantine"
    SCRAP = "scrap"
    RELEASE = "release"
    OUT = "out of the dry room"
    BACK = "back in the dry room"


class Leave(StrEnum):
    """What becomes of the runs when the service ends.

    STOP: they are stopped, and waited for. HOLD: they stay open, and wait for a decision when it starts again; their
    machines are made safe all the same, as nobody watches them then.
    """

    STOP = "stop"
    HOLD = "hold"
