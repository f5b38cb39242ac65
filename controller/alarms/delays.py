"""When a condition counts: on delay, off delay and deadband. Pure, on given times; what lasts is never lost."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan

from controller.alarms.alarm import AlarmKey
from controller.alarms.definition import Definition, FromValue


def beyond(definition: Definition, source: FromValue, value: float, *, was: bool) -> bool:
    """Whether a value is beyond its limit; one that was stays so until it is back by the deadband.

    A value that is no number says nothing: it stays as it was.
    """
    back = definition.deadband if was else 0.0
    if isnan(value):
        return was
    above = source.high is not None and value > source.high - back
    below = source.low is not None and value < source.low + back
    return above or below


@dataclass(frozen=True, slots=True)
class Pending:
    """A change of a condition that does not count before due_s."""

    key: AlarmKey
    active: bool
    due_s: float
    text: str


class Delays:
    """Changes of conditions that wait for their delay to be over."""

    def __init__(self) -> None:
        self._pending: dict[AlarmKey, Pending] = {}

    @property
    def next_due_s(self) -> float:
        """When the next change counts; infinite if none waits."""
        return min((one.due_s for one in self._pending.values()), default=inf)

    def seen(self, definition: Definition, key: AlarmKey, at_s: float, *, active: bool, counted: bool) -> bool:
        """Whether a condition that is seen as `active` counts at once, given that it counts as `counted` so far."""
        if active == counted:
            self._pending.pop(key, None)  # it came or went for less than the delay
            return False
        delay_s = definition.on_delay_s if active else definition.off_delay_s
        if delay_s <= 0:
            self._pending.pop(key, None)
            return True
        if key not in self._pending:
            self._pending[key] = Pending(key, active, at_s + delay_s, "")
        return False

    def last(self, key: AlarmKey, *, counted: bool) -> bool:
        """What was seen last of a condition that counts as `counted`."""
        waiting = self._pending.get(key)
        return counted if waiting is None else waiting.active

    def say(self, key: AlarmKey, text: str) -> None:
        """The newest words of what waits."""
        if (one := self._pending.get(key)) is not None:
            self._pending[key] = Pending(key, one.active, one.due_s, text)

    def due(self, now_s: float) -> list[Pending]:
        """Takes out what counts by now, oldest first."""
        due = sorted(
            (one for one in self._pending.values() if one.due_s <= now_s), key=lambda one: (one.due_s, one.key)
        )
        for one in due:
            del self._pending[one.key]
        return due
