"""What one row of the alarm table says: why the alarm is there, where it comes from, and what may be done with it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from typing import Any


class Priority(StrEnum):
    """How soon a person has to act; the table says how it follows from consequence and time."""

    CRITICAL = "critical"
    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class PriorityRow:
    """respond_s is the longest time to respond; share_pct the share of all annunciated alarms to aim at."""

    priority: Priority
    respond_s: float
    share_pct: float
    meaning: str


@dataclass(frozen=True)
class Match:
    """An event of `kind` whose data say what `where` says: a text or a list of texts, or ~ and a pattern to search."""

    kind: str
    where: Mapping[str, str | tuple[str, ...]]

    @cached_property
    def _wanted(self) -> tuple[tuple[str, re.Pattern[str] | frozenset[str]], ...]:
        return tuple(
            (key, re.compile(value[1:]) if isinstance(value, str) and value.startswith("~") else _texts(value))
            for key, value in self.where.items()
        )

    def fits(self, data: Mapping[str, Any]) -> bool:
        """Whether an event of this kind with these data is meant."""
        for key, wanted in self._wanted:
            text = _text(data.get(key))
            if not (text in wanted if isinstance(wanted, frozenset) else wanted.search(text)):
                return False
        return True


def _texts(value: str | tuple[str, ...]) -> frozenset[str]:
    return frozenset({value} if isinstance(value, str) else value)


def _text(value: Any) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


@dataclass(frozen=True, slots=True)
class FromBit:
    """A bit of a machine's status or alarm word; `on` says which of its values is the condition."""

    kinds: tuple[str, ...]
    signal: str
    bit: str
    on: bool = True


@dataclass(frozen=True, slots=True)
class FromValue:
    """A number of a machine that is above or below a limit; `against` names the job's setpoint that it counts from."""

    kinds: tuple[str, ...]
    signal: str
    high: float | None
    low: float | None
    against: str | None = None


@dataclass(frozen=True, slots=True)
class FromEvent:
    """An event raises it and one of `until` returns it; without any it is over as it happens. words: the text's key."""

    raised: Match
    until: tuple[Match, ...]
    words: tuple[str, ...]
    example: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class FromCondition:
    """An event `condition` of this name, or ~ and a pattern; "*" stands for all that no other row names.

    is_momentary: it is told when it begins and never when it ends.
    """

    name: str
    is_momentary: bool = False


@dataclass(frozen=True, slots=True)
class FromWatch:
    """What the alarm server sees by itself: link, values, journal, flood, server. reason searches a link's reason."""

    what: str
    reason: str = ""


Source = FromBit | FromValue | FromEvent | FromCondition | FromWatch


@dataclass(frozen=True, slots=True)
class Definition:
    """One alarm, rationalised. Times in seconds, deadband in the signal's unit.

    subject says what it is about: a unit, a run or the line. shelve_max_s is how long it may be shelved at most, 0 for
    never. suppressed_by names a condition of the table during which it is meant to be silent. first_out says that it
    can be the first cause of a unit's trip. ends_with_process: it is over when the program that told it has ended.
    """

    name: str
    message: str
    source: Source
    subject: str
    priority: Priority
    alarm_class: str
    severity: str
    cause: str
    consequence: str
    automatic: str
    action: str
    respond_s: float
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latching: bool = False
    shelve_max_s: float = 0.0
    removable: bool = False
    suppressed_by: str | None = None
    first_out: bool = False
    ends_with_process: bool = False

    @property
    def is_momentary(self) -> bool:
        """Over as it happens: it is raised and returned at once, and waits for somebody who acknowledges it."""
        match self.source:
            case FromEvent():
                return not self.source.until
            case FromCondition():
                return self.source.is_momentary
        return False


@dataclass(frozen=True, slots=True)
class Suppression:
    """A state of a kind of machine in which some alarms are silent by design: `signal` says one of `words`."""

    name: str
    kind: str
    signal: str
    words: frozenset[str]
    meaning: str
