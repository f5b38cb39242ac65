"""One row of the matrix, and the words of its columns."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from controller.authority import Role
from controller.interlocks.conditions import Condition


class Use(StrEnum):
    """What a row is a permissive for; a row that is watched while the machine works names phases instead."""

    LOAD = "load"
    START = "start"
    RESTART = "restart"
    RESET = "reset"
    WRITE = "write by hand"


class Effect(StrEnum):
    """What follows where the condition does not hold: a command is refused, or a working machine is held or stopped."""

    REFUSE = "refuse"
    HOLD = "hold"
    STOP = "stop"


class Latch(StrEnum):
    """What outlasts the cause."""

    NONE = "no"
    RUN = "run"
    MACHINE = "machine"


class Group(StrEnum):
    """What a row protects. NEVER says which groups cannot be bypassed from here."""

    SAFETY = "safety chain and guards"
    CLOSURE = "closure"
    PRESSURE = "pressure"
    AIR = "exhaust and vapour"
    LINK = "watchdog and link"
    STATE = "state of the machine"
    HEAT = "heat"
    GEOMETRY = "geometry"
    MATERIAL = "material"


NEVER: dict[Group, str] = {
    Group.SAFETY: "the safety chain and the guards are hard-wired and protect people",
    Group.CLOSURE: "an open closure under pressure kills; it is proven by the machine, never assumed",
    Group.PRESSURE: "pressure is proven to be away, never assumed",
    Group.AIR: "vapour without exhaust explodes",
    Group.LINK: "a machine that does not hear us is not commanded, and another's machine is not ours",
    Group.STATE: "a machine that is not ready, or shows an alarm, is looked at and reset at the machine",
    Group.HEAT: "a heater that is out of control is mended, not ignored",
}
"""Groups whose rows cannot be bypassed from here, and why not."""

BYPASSED_BY = frozenset({Role.ENGINEER})
"""Who may bypass a row of every other group: a bag, a web, a tilt spoil material and harm nobody."""

WORKING = frozenset({"prepare", "approach", "ramp", "dwell", "release", "held", "coat", "run_out", "roll"})
"""Phases of a job in which a machine works; idle and done are none."""


PRESSING = frozenset({"ramp", "dwell"})
A_NEW_JOB = frozenset({Use.LOAD, Use.START})
EVERY_COMMAND = frozenset({Use.LOAD, Use.START, Use.RESTART})
OR_RESET = frozenset({Use.RESET})
ONLY_RESTART = frozenset({Use.RESTART})

DOCUMENTS = {
    "uniaxial_press": "uniaxial-press-generic.md",
    "isostatic_press": "isostatic-press-generic.md",
    "coater": "coater-generic.md",
    "roll_press": "roll-press-generic.md",
}
"""The kinds of machine, with the register document (docs/reference/machines/) that their rows are taken from."""


@dataclass(frozen=True, slots=True)
class Row:
    """A condition of one kind of unit: what it permits, where it is watched, and what follows when it does not hold.

    words are told after the unit's name when a command is refused, trip_words (by default the same) when a working
    machine is held or stopped; names in braces stand for values. phases is empty for a row that is only a permissive.
    kind is "" for rows of every machine, whatever it is. source says where the condition comes from.
    """

    kind: str
    name: str
    group: Group
    condition: Condition
    words: str
    source: str
    permits: frozenset[Use] = frozenset()
    phases: frozenset[str] = frozenset()
    effect: Effect = Effect.REFUSE
    latch: Latch = Latch.NONE
    trip_words: str = ""

    @property
    def bypassed_by(self) -> frozenset[Role]:
        """The roles that may bypass it; empty for never."""
        return frozenset() if self.group in NEVER else BYPASSED_BY

    @property
    def why_never(self) -> str:
        """Why it cannot be bypassed from here; empty where it can."""
        return NEVER.get(self.group, "")


def permissive(
    kind: str,
    name: str,
    group: Group,
    condition: Condition,
    words: str,
    source: str,
    *,
    permits: frozenset[Use] = A_NEW_JOB,
) -> Row:
    """A row that keeps commands from being sent."""
    return Row(kind, name, group, condition, words, source, permits)


def interlock(
    kind: str,
    name: str,
    group: Group,
    condition: Condition,
    words: str,
    source: str,
    effect: Effect,
    *,
    permits: frozenset[Use] = frozenset(),
    phases: frozenset[str] = WORKING,
    trip_words: str = "",
) -> Row:
    """A row that holds or stops a machine in these phases; what it permits it is a permissive for as well."""
    return Row(kind, name, group, condition, words, source, permits, phases, effect, Latch.RUN, trip_words)
