"""One alarm as it is at one time, and one step of it to the next."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from controller.alarms.definition import Definition
from controller.alarms.states import HIDDEN, STANDING, UNSEEN, AlarmState

LINE = "line"
"""The subject of an alarm that is about no single unit or run."""


class AlarmKey(NamedTuple):
    """Which alarm of the table, about which unit or run; `UNIT/PART` where there are several of a kind at one."""

    name: str
    subject: str

    @classmethod
    def about(cls, name: str, whom: str, *parts: str) -> AlarmKey:
        """The alarm of one part of a unit or run, as of one of its values; a key has no blanks, as it is typed."""
        return cls(name, "/".join((whom, *(part.replace(" ", "-") for part in parts if part))))

    @property
    def whom(self) -> str:
        """The unit or run, without the part of it."""
        return self.subject.partition("/")[0]

    def __str__(self) -> str:
        return f"{self.name}@{self.subject}"

    @classmethod
    def of(cls, text: str) -> AlarmKey:
        """The key that str() wrote; a subject may hold anything but a name holds no @."""
        name, _, subject = text.partition("@")
        return cls(name, subject or LINE)


@dataclass(frozen=True, slots=True)
class Alarm:
    """condition says whether its cause is there, whatever the state shows. Times are the given clock's.

    count says how often it was raised since it was last normal; occurred that its condition came while it was hidden;
    until_s is the end of a shelving; who and why are the last person's that did something with it.
    """

    key: AlarmKey
    definition: Definition
    state: AlarmState = AlarmState.NORMAL
    condition: bool = False
    text: str = ""
    raised_s: float = 0.0
    count: int = 0
    first_out: bool = False
    occurred: bool = False
    until_s: float | None = None
    who: str = ""
    why: str = ""

    @property
    def is_standing(self) -> bool:
        return self.state in STANDING

    @property
    def is_unseen(self) -> bool:
        return self.state in UNSEEN

    @property
    def is_over(self) -> bool:
        """Normal, without a cause, and nothing waits to be told of it."""
        return self.state is AlarmState.NORMAL and not self.condition and not self.occurred

    @property
    def is_hidden(self) -> bool:
        return self.state in HIDDEN


class Told(StrEnum):
    """What is told of an alarm; the kinds of its journal events are "alarm." and these."""

    RAISED = "raised"
    RETURNED = "returned"
    ACKNOWLEDGED = "acknowledged"
    RESET = "reset"
    CHANGED = "changed"
    SHELVED = "shelved"
    UNSHELVED = "unshelved"
    SUPPRESSED = "suppressed"
    UNSUPPRESSED = "unsuppressed"
    REMOVED = "removed"
    RESTORED = "restored"
    HIDDEN = "hidden"


@dataclass(frozen=True, slots=True)
class Transition:
    """What happened to an alarm at a time of the given clock; `alarm` is how it is afterwards."""

    told: Told
    alarm: Alarm
    at_s: float
