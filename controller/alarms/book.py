"""The alarm book: every alarm of a line, moved by conditions, by persons and by time. Pure, on given times.

Each call says when it happens; an earlier time than the last counts as the last. It first carries out what became due
by then, and returns everything that changed since the last call returned, in order. What a person wants and the book
cannot do raises AlarmRefused and changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from difflib import get_close_matches
from math import inf
from typing import Any

from controller.alarms.alarm import Alarm, AlarmKey, Told, Transition
from controller.alarms.definition import Definition, FromValue
from controller.alarms.delays import Delays, beyond
from controller.alarms.states import AlarmEvent, AlarmRefused, AlarmState, next_state

BY_ITSELF = "pressline"


class AlarmBook:
    """All alarms that were ever raised or touched, by their keys; `definitions` are the table's, by name."""

    def __init__(self, definitions: Mapping[str, Definition]) -> None:
        self.definitions = definitions
        self._alarms: dict[AlarmKey, Alarm] = {}
        self._delays = Delays()
        self._suppressing: set[tuple[str, str]] = set()
        self._now_s = -inf
        self._told: list[Transition] = []

    # ------------------------------------------------------------------ looking

    @property
    def alarms(self) -> Mapping[AlarmKey, Alarm]:
        """Every alarm that is not as it was in the beginning; those of runs only as long as they are not over."""
        return self._alarms

    @property
    def next_due_s(self) -> float:
        """When time alone changes something next; infinite if it does not."""
        ends = [alarm.until_s for alarm in self._alarms.values() if alarm.until_s is not None]
        return min([self._delays.next_due_s, *ends])

    def alarm(self, key: AlarmKey) -> Alarm:
        """One alarm; raises AlarmRefused if the table has none of this name."""
        if key.name not in self.definitions:
            raise AlarmRefused(f"there is no alarm {key}{self._meant(key)}")
        return self._alarms.get(key) or Alarm(key, self.definitions[key.name])

    # ------------------------------------------------------------------ what conditions do

    def condition(self, key: AlarmKey, at_s: float, text: str = "", *, active: bool) -> list[Transition]:
        """The cause of an alarm is there, or is there no more; it counts after the alarm's delays."""
        self._begin(at_s)
        alarm = self.alarm(key)
        if self._delays.seen(alarm.definition, key, self._now_s, active=active, counted=alarm.condition):
            self._count(key, text, active=active)
        elif active and alarm.condition and text and text != alarm.text:
            self._put(Told.CHANGED, replace(alarm, text=text))
        else:
            self._delays.say(key, text)
        return self._end()

    def happened(self, key: AlarmKey, at_s: float, text: str = "") -> list[Transition]:
        """Something that is over as it happens: raised and returned, and kept until it is acknowledged."""
        self._begin(at_s)
        if self.alarm(key).condition:
            self._count(key, text, active=False)
        self._count(key, text, active=True)
        self._count(key, text, active=False)
        return self._end()

    def value(self, key: AlarmKey, value: float, at_s: float, text: str = "") -> list[Transition]:
        """A number that has a limit: its alarm comes beyond it and goes when it is back by the deadband."""
        source = self.alarm(key).definition.source
        if not isinstance(source, FromValue):
            raise TypeError(f"alarm {key.name} has no limit")
        self._begin(at_s)
        alarm = self.alarm(key)
        was = self._delays.last(key, counted=alarm.condition)
        active = beyond(alarm.definition, source, value, was=was)
        words = "" if alarm.condition else text  # its words are those of its beginning; a number changes at every look
        return self.condition(key, at_s, words, active=active)

    def design(self, suppression: str, subject: str, at_s: float, *, active: bool) -> list[Transition]:
        """A state in which alarms are silent by design began or ended; what nobody has seen is not silenced."""
        self._begin(at_s)
        if active:
            self._suppressing.add((suppression, subject))
        else:
            self._suppressing.discard((suppression, subject))
        for name, definition in self.definitions.items():
            if definition.suppressed_by == suppression:
                self._settle(self.alarm(AlarmKey(name, subject)))
        return self._end()

    def advance(self, at_s: float) -> list[Transition]:
        """Carries out what time alone does: delays and the ends of shelvings."""
        self._begin(at_s)
        return self._end()

    # ------------------------------------------------------------------ what persons do

    def acknowledge(self, keys: Iterable[AlarmKey], who: str, at_s: float, why: str = "") -> list[Transition]:
        """Somebody has seen these alarms: all of them, or none if one cannot be acknowledged."""
        keys = list(dict.fromkeys(keys))
        self._begin(at_s)
        _named(who)
        for key in keys:
            self._after(self.alarm(key), AlarmEvent.ACKNOWLEDGE)
        for key in keys:
            self._act(key, AlarmEvent.ACKNOWLEDGE, Told.ACKNOWLEDGED, who=who, why=why)
        return self._end()

    def reset(self, key: AlarmKey, who: str, at_s: float, why: str = "") -> list[Transition]:
        """Lets a latched alarm go whose cause is gone and that was acknowledged."""
        self._begin(at_s)
        _named(who)
        self._act(key, AlarmEvent.RESET, Told.RESET, who=who, why=why)
        return self._end()

    def shelve(self, key: AlarmKey, for_s: float, who: str, why: str, at_s: float) -> list[Transition]:
        """Takes an alarm off the list for a while; it comes back by itself, at once if its cause is there then."""
        self._begin(at_s)
        _named(who, why)
        limit_s = self.alarm(key).definition.shelve_max_s
        if limit_s <= 0:
            raise AlarmRefused(f"{key} may not be shelved")
        if not 0 < for_s <= limit_s:
            raise AlarmRefused(f"{key} may be shelved for at most {limit_s / 60:g} minutes, not for {for_s / 60:g}")
        self._act(key, AlarmEvent.SHELVE, Told.SHELVED, who=who, why=why, until_s=self._now_s + for_s)
        return self._end()

    def unshelve(self, key: AlarmKey, who: str, at_s: float) -> list[Transition]:
        """Ends a shelving before its time."""
        self._begin(at_s)
        _named(who)
        self._act(key, AlarmEvent.UNSHELVE, Told.UNSHELVED, who=who, why="", until_s=None)
        return self._end()

    def remove(self, key: AlarmKey, who: str, why: str, at_s: float) -> list[Transition]:
        """Takes an alarm out of service, as for the repair of its sensor; it stays so until somebody restores it."""
        self._begin(at_s)
        _named(who, why)
        if not self.alarm(key).definition.removable:
            raise AlarmRefused(f"{key} may not be taken out of service")
        self._act(key, AlarmEvent.REMOVE, Told.REMOVED, who=who, why=why, until_s=None)
        return self._end()

    def restore(self, key: AlarmKey, who: str, at_s: float, why: str = "") -> list[Transition]:
        """Returns an alarm to service."""
        self._begin(at_s)
        _named(who)
        self._act(key, AlarmEvent.RESTORE, Told.RESTORED, who=who, why=why)
        return self._end()

    # ------------------------------------------------------------------ after a restart

    def remember(self, alarms: Iterable[Alarm]) -> None:
        """Takes alarms over as they were, from a journal."""
        for alarm in alarms:
            self._store(alarm)
            if alarm.state is AlarmState.SUPPRESSED and alarm.definition.suppressed_by is not None:
                self._suppressing.add((alarm.definition.suppressed_by, alarm.key.subject))

    # ------------------------------------------------------------------ inside

    def _begin(self, at_s: float) -> None:
        """Goes to a time, and carries out on the way what became due, in its order."""
        at_s = max(at_s, self._now_s)
        while (due_s := self.next_due_s) <= at_s:
            self._now_s = max(due_s, self._now_s)
            for pending in self._delays.due(self._now_s):
                self._count(pending.key, pending.text, active=pending.active)
            for alarm in [one for one in self._alarms.values() if one.until_s is not None]:
                if alarm.until_s is not None and alarm.until_s <= self._now_s:
                    self._act(alarm.key, AlarmEvent.UNSHELVE, Told.UNSHELVED, who=BY_ITSELF, why="", until_s=None)
        self._now_s = at_s

    def _end(self) -> list[Transition]:
        told, self._told = self._told, []
        return told

    def _count(self, key: AlarmKey, text: str, *, active: bool) -> None:
        """A condition counts from now on, or no more; an alarm that returns keeps the words of its cause."""
        alarm = self.alarm(key)
        alarm = replace(alarm, condition=active, text=(active and text) or alarm.text)
        if alarm.is_hidden:
            self._put(Told.HIDDEN, replace(alarm, occurred=alarm.occurred or active))
        elif active and self._is_silent(alarm) and alarm.state is AlarmState.NORMAL:
            self._store(alarm)
            self._settle(alarm)
        elif active:
            self._raise(alarm)
        elif alarm.is_standing:
            self._return(alarm)
        else:
            self._store(alarm)

    def _raise(self, alarm: Alarm) -> None:
        state = next_state(alarm.state, AlarmEvent.RAISE)
        count = 1 if alarm.state is AlarmState.NORMAL else alarm.count + 1
        first = self._is_first(alarm)
        self._put(
            Told.RAISED,
            replace(
                alarm, state=state, count=count, raised_s=self._now_s, first_out=first, occurred=False, who="", why=""
            ),
        )

    def _return(self, alarm: Alarm) -> None:
        event = AlarmEvent.LATCH if alarm.definition.latching else AlarmEvent.RETURN
        after = replace(alarm, state=next_state(alarm.state, event))
        self._put(Told.RETURNED, after)
        self._settle(after)

    def _is_first(self, alarm: Alarm) -> bool:
        """Whether this one began its subject's trip; what comes at the same instant shares it."""
        if not alarm.definition.first_out:
            return False
        trip = [
            one
            for one in self._alarms.values()
            if one.key.whom == alarm.key.whom and one.definition.first_out and one.is_standing
        ]
        others = [one for one in trip if one.key != alarm.key]
        if not others:
            return True
        return alarm.first_out or any(one.first_out and one.raised_s == self._now_s for one in others)

    def _is_silent(self, alarm: Alarm) -> bool:
        return (alarm.definition.suppressed_by or "", alarm.key.subject) in self._suppressing

    def _act(self, key: AlarmKey, event: AlarmEvent, told: Told, **changed: Any) -> None:
        """One step that a person or the end of a time makes; raises AlarmRefused."""
        before = self.alarm(key)
        alarm = replace(before, state=self._after(before, event), **changed)
        self._put(told, alarm)
        self._settle(alarm)

    def _after(self, alarm: Alarm, event: AlarmEvent) -> AlarmState:
        try:
            return next_state(alarm.state, event)
        except AlarmRefused as error:
            raise AlarmRefused(f"{alarm.key}: {error}{self._meant(alarm.key)}") from None

    def _meant(self, key: AlarmKey) -> str:
        """Which alarm of the book a key that it does not hold may stand for."""
        near = [] if key in self._alarms else get_close_matches(str(key), map(str, self._alarms), 1)
        return f"; is {near[0]} meant?" if near else ""

    def _settle(self, alarm: Alarm) -> None:
        """What follows at once: silence by design, its end, or a condition that is there and must be seen."""
        silent = self._is_silent(alarm)
        match alarm.state:
            case AlarmState.SUPPRESSED if not silent:
                alarm = replace(alarm, state=next_state(alarm.state, AlarmEvent.UNSUPPRESS))
                self._put(Told.UNSUPPRESSED, alarm)
                self._settle(alarm)
            case AlarmState.ACKNOWLEDGED if silent:
                self._put(Told.SUPPRESSED, replace(alarm, state=next_state(alarm.state, AlarmEvent.SUPPRESS)))
            case AlarmState.NORMAL if silent and alarm.condition:
                after = replace(alarm, state=next_state(alarm.state, AlarmEvent.SUPPRESS), occurred=True)
                self._put(Told.SUPPRESSED, after)
            case AlarmState.NORMAL if alarm.condition:
                self._raise(alarm)
            case AlarmState.NORMAL if alarm.occurred and (alarm.definition.latching or alarm.definition.is_momentary):
                self._raise(alarm)
                self._return(self.alarm(alarm.key))
            case _:
                pass

    def _put(self, told: Told, alarm: Alarm) -> None:
        if alarm.state is AlarmState.NORMAL:
            alarm = replace(alarm, first_out=False, occurred=False)
        self._store(alarm)
        self._told.append(Transition(told, alarm, self._now_s))

    def _store(self, alarm: Alarm) -> None:
        if alarm.definition.subject == "run" and alarm.is_over:  # runs come and go for months
            self._alarms.pop(alarm.key, None)
        else:
            self._alarms[alarm.key] = alarm


def _named(who: str, why: str | None = None) -> None:
    if not who.strip():
        raise AlarmRefused("say who does it")
    if why is not None and not why.strip():
        raise AlarmRefused("say why")
