"""What hold, pause, stop and abort do, as data: one row for each kind of unit, phase of its job and command.

The supervision decides by this table what it sends, whether a held job can go on and how long a hold may last; the page
docs/reference/holding.md is made from it. Abort is never faster than stop: both let off at the rate of the job.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from controller.executor.states import Trigger

COATER_HOLD_S = 600.0
"""A held coater has stopped its web and cooled; nothing is gained by waiting longer (engineering judgement)."""


class Restart(StrEnum):
    """What a restart can do after a hold."""

    GOES_ON = "the job goes on where it was, if temperature, time and rules allow it"
    PRESSES_AGAIN = "the job is gone; a new one presses again, if the rules allow it"
    NOTHING_LEFT = "the job comes to its end by itself; the run goes on with it"
    NEVER = "refused: a coat that was held cannot go on, what stood in the oven is scrap"
    ONLY_THE_RUN = "the run goes on"


class Lasts(StrEnum):
    """How long it may last, where it is no number of seconds."""

    STEP = "hold_limit of the step, then it becomes a stop"
    STEP_END = "to the end of the step; then as long as nobody resumes"
    PROOF = "until zero is proven; after watchdog_s + decompression_s of the profile it is told, and watched on"
    REST = "until the web is proven to be at rest"
    DECISION = "as long as nobody decides"


@dataclass(frozen=True, slots=True)
class Reaction:
    """One row. sends is the machine's command, None where it is told nothing; on_hold is the recipe's key, "" where it
    makes no difference; lasts is a number of seconds, or where such a number comes from.
    """

    kind: str
    phase: str
    command: Trigger
    on_hold: str
    sends: str | None
    machine: str
    run: str
    lasts: float | Lasts
    restart: Restart | None = None


HELD = "HELD"
PAUSED = "PAUSING, at the step's end PAUSED"
STOPPED, ABORTED = "STOPPING, then STOPPED", "ABORTING, then ABORTED"
NO_PHASE = "between machines"
"""Tasks, inspections, roll pressing and resting by hand, and whatever lies between two jobs."""

_KEPT: Mapping[str, Mapping[str, str]] = {
    "uniaxial_press": {
        "prepare": "stays open, the platens keep their temperature",
        "approach": "the ram stands still, without force",
        "ramp": "the cylinder is shut in at the force that it has come to, the pump stops",
        "dwell": "the cylinder is shut in, the force is kept, the dwell timer stands still",
    },
    "isostatic_press": {
        "prepare": "the vessel stays as it is, without pressure; the soak stands still",
        "ramp": "the intensifier stops and is shut off at the pressure that it has come to",
        "dwell": "the intensifier is shut off, the pressure is kept, the dwell timer stands still",
    },
}
_LET_OFF: Mapping[str, str] = {
    "uniaxial_press": "lets the force off at the job's rate and opens",
    "isostatic_press": "decompresses in stages at the job's rates, drains, unlocks at proven zero",
}
_RELEASING: Mapping[str, str] = {
    "uniaxial_press": "the release goes on to its end, a hold has nothing to keep",
    "isostatic_press": "the decompression goes on to its end, a hold has nothing to keep",
}
_SHUT_DOWN = "slurry off, head open, heaters off, web stopped; fans and exhaust run on"
PRESSES = tuple(_KEPT)
COATER_PHASES = ("prepare", "approach", "coat", "run_out")


def _press_rows(kind: str) -> Iterator[Reaction]:
    goes_on = "nothing is told to it, the job goes on to its end"
    for phase, kept in _KEPT[kind].items():
        yield Reaction(kind, phase, Trigger.HOLD, "keep", "hold", kept, HELD, Lasts.STEP, Restart.GOES_ON)
        yield Reaction(
            kind, phase, Trigger.HOLD, "bleed", "stop", _LET_OFF[kind], HELD, Lasts.STEP, Restart.PRESSES_AGAIN
        )
    yield Reaction(kind, "release", Trigger.HOLD, "", "hold", _RELEASING[kind], HELD, Lasts.STEP, Restart.NOTHING_LEFT)
    for phase in (*_KEPT[kind], "release"):
        yield Reaction(kind, phase, Trigger.PAUSE, "", None, goes_on, PAUSED, Lasts.STEP_END)
        yield Reaction(kind, phase, Trigger.STOP, "", "stop", _LET_OFF[kind], STOPPED, Lasts.PROOF)
        words = f"{_LET_OFF[kind]}: no faster than a stop"
        yield Reaction(kind, phase, Trigger.ABORT, "", "abort", words, ABORTED, Lasts.PROOF)


def _coater_rows() -> Iterator[Reaction]:
    kind, goes_on = "coater", "nothing is told to it, the sheet is coated and dried to its end"
    for phase in COATER_PHASES:
        yield Reaction(kind, phase, Trigger.HOLD, "", "hold", _SHUT_DOWN, HELD, COATER_HOLD_S, Restart.NEVER)
        yield Reaction(kind, phase, Trigger.PAUSE, "", None, goes_on, PAUSED, Lasts.STEP_END)
        yield Reaction(kind, phase, Trigger.STOP, "", "stop", _SHUT_DOWN, STOPPED, Lasts.REST)
        yield Reaction(kind, phase, Trigger.ABORT, "", "abort", _SHUT_DOWN, ABORTED, Lasts.REST)


def _idle_rows() -> Iterator[Reaction]:
    rest = "no machine works; every one is as a step's end leaves it"
    asked = f"{rest}; a prompt stays open"
    yield Reaction("", NO_PHASE, Trigger.HOLD, "", None, asked, HELD, Lasts.DECISION, Restart.ONLY_THE_RUN)
    yield Reaction("", NO_PHASE, Trigger.PAUSE, "", None, asked, PAUSED, Lasts.STEP_END)
    gone = f"{rest}; a prompt is withdrawn"
    yield Reaction("", NO_PHASE, Trigger.STOP, "", None, gone, STOPPED, Lasts.DECISION)
    yield Reaction("", NO_PHASE, Trigger.ABORT, "", None, gone, ABORTED, Lasts.DECISION)


REACTIONS: tuple[Reaction, ...] = (
    *(row for kind in PRESSES for row in _press_rows(kind)),
    *_coater_rows(),
    *_idle_rows(),
)
_ROWS: Mapping[tuple[str, str, Trigger, str], Reaction] = {
    (row.kind, row.phase, row.command, on_hold): row
    for row in REACTIONS
    for on_hold in ((row.on_hold,) if row.on_hold else ("keep", "bleed", ""))
}


def reaction(kind: str, phase: str, command: Trigger, on_hold: str = "keep") -> Reaction:
    """The row of a command. A phase that is not known counts as the job's first: there is still everything to do."""
    if (row := _ROWS.get((kind, phase, command, on_hold))) is not None:
        return row
    return _ROWS.get((kind, "prepare", command, on_hold)) or _ROWS["", NO_PHASE, command, on_hold]


def hold_limit_s(row: Reaction, step_limit_s: float) -> float:
    """How long a hold may last before it becomes a stop, s; step_limit_s is the recipe's hold_limit."""
    return row.lasts if isinstance(row.lasts, float) else step_limit_s
