"""Whatever happens in whatever order: what holds of every alarm book."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from controller.alarms.alarm import AlarmKey, Told, Transition
from controller.alarms.book import AlarmBook
from controller.alarms.definition import FromEvent, FromValue
from controller.alarms.delays import beyond
from controller.alarms.record import alarms_told
from controller.alarms.states import HIDDEN, UNSEEN, AlarmRefused, AlarmState
from tests.controller.alarms.small import DEFINITIONS, ROWS, as_events

UNITS = ("press-1", "press-2")
KEYS = [AlarmKey(row.name, unit) for row in ROWS for unit in UNITS]
CONDITIONS = [key for key in KEYS if not isinstance(DEFINITIONS[key.name].source, FromEvent | FromValue)]
MOMENTS = [key for key in KEYS if isinstance(DEFINITIONS[key.name].source, FromEvent)]
VALUES = [key for key in KEYS if isinstance(DEFINITIONS[key.name].source, FromValue)]

LATER = st.sampled_from([0.0, 0.0, 0.5, 1.0, 2.0, 4.0, 7.0, 60.0])
WHO = st.sampled_from(["", "maria", "jan"])
DONE = st.one_of(
    st.tuples(st.just("condition"), st.sampled_from(CONDITIONS), st.booleans()),
    st.tuples(st.just("condition"), st.sampled_from(CONDITIONS), st.booleans()),
    st.tuples(st.just("happened"), st.sampled_from(MOMENTS)),
    st.tuples(st.just("value"), st.sampled_from(VALUES), st.sampled_from([0.0, 3.5, 4.5, -3.2, -5.0])),
    st.tuples(st.just("design"), st.sampled_from(UNITS), st.booleans()),
    st.tuples(st.just("acknowledge"), st.lists(st.sampled_from(KEYS), min_size=1, max_size=3), WHO),
    st.tuples(st.just("reset"), st.sampled_from(KEYS), WHO),
    st.tuples(st.just("shelve"), st.sampled_from(KEYS), st.sampled_from([5.0, 20.0, 100.0, 1000.0]), WHO),
    st.tuples(st.just("unshelve"), st.sampled_from(KEYS), WHO),
    st.tuples(st.just("remove"), st.sampled_from(KEYS), WHO),
    st.tuples(st.just("restore"), st.sampled_from(KEYS), WHO),
)
STORIES = st.lists(st.tuples(LATER, DONE), max_size=60)


@dataclass
class Played:
    """A book with everything that it told, and since when each raw condition is as it is."""

    book: AlarmBook = field(default_factory=lambda: AlarmBook(DEFINITIONS))
    now_s: float = 0.0
    told: list[Transition] = field(default_factory=list)
    since: dict[AlarmKey, tuple[bool, float]] = field(default_factory=dict)

    def play(self, later_s: float, done: tuple[Any, ...]) -> None:
        self.now_s += later_s
        try:
            self.told += self._do(done)
        except AlarmRefused:
            self.told += self.book.advance(self.now_s)

    def _do(self, done: tuple[Any, ...]) -> list[Transition]:
        book, now_s = self.book, self.now_s
        match done:
            case ("condition", key, active):
                self._raw(key, active=active)
                return book.condition(key, now_s, "words", active=active)
            case ("happened", key):
                return book.happened(key, now_s, "words")
            case ("value", key, value):
                definition = DEFINITIONS[key.name]
                assert isinstance(definition.source, FromValue)
                was = self.since.get(key, (False, 0.0))[0]
                self._raw(key, active=beyond(definition, definition.source, value, was=was))
                return book.value(key, value, now_s, "words")
            case ("design", unit, active):
                return book.design("idle", unit, now_s, active=active)
            case ("acknowledge", keys, who):
                return book.acknowledge(keys, who, now_s)
            case ("reset", key, who):
                return book.reset(key, who, now_s)
            case ("shelve", key, for_s, who):
                return book.shelve(key, for_s, who, "why", now_s)
            case ("unshelve", key, who):
                return book.unshelve(key, who, now_s)
            case ("remove", key, who):
                return book.remove(key, who, "why", now_s)
            case ("restore", key, who):
                return book.restore(key, who, now_s)
        raise AssertionError(done)

    def _raw(self, key: AlarmKey, *, active: bool) -> None:
        if self.since.get(key, (False, 0.0))[0] != active:
            self.since[key] = (active, self.now_s)


def played(story: list[tuple[float, tuple[Any, ...]]]) -> Played:
    found = Played()
    for later_s, done in story:
        found.play(later_s, done)
    return found


@given(STORIES)
@settings(deadline=None, max_examples=200)
def test_nothing_that_was_raised_vanishes_unseen(story: list[tuple[float, tuple[Any, ...]]]) -> None:
    """After it is raised an alarm is unseen until a person who is named acknowledged, shelved or removed it."""
    seen_by = {Told.ACKNOWLEDGED, Told.SHELVED, Told.REMOVED}
    waiting: set[AlarmKey] = set()
    for transition in played(story).told:
        alarm = transition.alarm
        if transition.told is Told.RAISED:
            waiting.add(alarm.key)
        elif transition.told in seen_by:
            assert alarm.who in ("maria", "jan")
            waiting.discard(alarm.key)
        if alarm.key in waiting:
            assert alarm.state in UNSEEN


@given(STORIES)
@settings(deadline=None, max_examples=200)
def test_unacknowledged_stays_until_acknowledged(story: list[tuple[float, tuple[Any, ...]]]) -> None:
    found = Played()
    for later_s, done in story:
        before = {key for key, alarm in found.book.alarms.items() if alarm.is_unseen}
        told = len(found.told)
        found.play(later_s, done)
        by_persons = {
            one.alarm.key for one in found.told[told:] if one.told in (Told.ACKNOWLEDGED, Told.SHELVED, Told.REMOVED)
        }
        for key in before - by_persons:
            assert found.book.alarm(key).is_unseen


@given(STORIES)
@settings(deadline=None, max_examples=300)
def test_delays_and_deadbands_never_lose_a_condition_that_lasts(story: list[tuple[float, tuple[Any, ...]]]) -> None:
    """At any time, a condition that has lasted for its delay counts, and is shown unless it is hidden."""
    found = Played()
    for later_s, done in story:
        found.play(later_s, done)
        for key, (active, since_s) in found.since.items():
            alarm = found.book.alarm(key)
            lasted_s = found.now_s - since_s
            if active and lasted_s >= alarm.definition.on_delay_s:
                assert alarm.condition
                assert alarm.is_standing or alarm.is_hidden
            if not active and lasted_s >= alarm.definition.off_delay_s:
                assert not alarm.condition


@given(STORIES)
@settings(deadline=None, max_examples=200)
def test_shelving_always_ends(story: list[tuple[float, tuple[Any, ...]]]) -> None:
    found = played(story)
    longest_s = max(row.shelve_max_s for row in ROWS)
    for alarm in found.book.alarms.values():
        if alarm.state is AlarmState.SHELVED:
            assert alarm.until_s is not None
            assert found.now_s < alarm.until_s <= found.now_s + alarm.definition.shelve_max_s
    found.book.advance(found.now_s + longest_s)
    assert all(alarm.state is not AlarmState.SHELVED for alarm in found.book.alarms.values())
    assert all(
        alarm.state in HIDDEN or alarm.is_standing or not alarm.condition for alarm in found.book.alarms.values()
    )


@given(STORIES, STORIES)
@settings(deadline=None, max_examples=200)
def test_the_record_gives_the_same_book(
    story: list[tuple[float, tuple[Any, ...]]], later: list[tuple[float, tuple[Any, ...]]]
) -> None:
    """The book of the record is the book, and what happens afterwards happens to both alike."""
    found = played(story)
    again = alarms_told(as_events(found.told), DEFINITIONS)
    assert again == found.book.alarms

    other = Played(now_s=found.now_s)
    other.book.remember(again.values())
    for unit in UNITS:  # what the machines show is seen again at once
        silent = ("idle", unit) in found.book._suppressing
        other.told += other.book.design("idle", unit, found.now_s, active=silent)
    for one in (found, other):
        for key, (active, _) in found.since.items():
            one.told += one.book.condition(key, found.now_s, "words", active=active)
        one.told += one.book.advance(found.now_s + 100.0)
    found.now_s = other.now_s = found.now_s + 100.0
    for later_s, done in later:
        found.play(later_s, done)
        other.play(later_s, done)
    assert {k: (a.state, a.condition) for k, a in found.book.alarms.items()} == {
        k: (a.state, a.condition) for k, a in other.book.alarms.items()
    }
