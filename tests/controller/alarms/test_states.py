"""Every state with every event: what the table says is done, everything else is refused."""

from __future__ import annotations

from itertools import product

import pytest

from controller.alarms.states import HIDDEN, STANDING, TABLE, UNSEEN, AlarmEvent, AlarmRefused, AlarmState, next_state

CASES = list(product(AlarmState, AlarmEvent))


@pytest.mark.parametrize(("state", "event"), CASES, ids=[f"{s}-{e}" for s, e in CASES])
def test_every_state_with_every_event(state: AlarmState, event: AlarmEvent) -> None:
    if (state, event) in TABLE:
        assert next_state(state, event) is TABLE[state, event]
    else:
        with pytest.raises(AlarmRefused, match=f"cannot {event} what is {state}"):
            next_state(state, event)


def test_the_states_are_those_of_the_standard_and_the_latched_ones() -> None:
    assert {s.value for s in AlarmState} == {
        "normal",
        "unacknowledged",
        "acknowledged",
        "returned unacknowledged",
        "shelved",
        "suppressed by design",
        "out of service",
        "latched unacknowledged",
        "latched acknowledged",
    }
    assert STANDING | HIDDEN | {AlarmState.NORMAL} == set(AlarmState)
    assert not STANDING & HIDDEN


def test_every_state_is_reached_and_left() -> None:
    assert set(TABLE.values()) == set(AlarmState)
    assert {state for state, _ in TABLE} == set(AlarmState)


def test_nothing_unseen_becomes_normal_or_silent_but_by_somebody() -> None:
    by_a_person = {AlarmEvent.ACKNOWLEDGE, AlarmEvent.SHELVE, AlarmEvent.REMOVE}
    for (state, event), after in TABLE.items():
        if state in UNSEEN and after not in UNSEEN:
            assert event in by_a_person, (state, event, after)


def test_a_latched_alarm_ends_by_a_reset_alone() -> None:
    latched = AlarmState.LATCHED_ACKNOWLEDGED
    ends = {event for (state, event), after in TABLE.items() if state is latched and after is AlarmState.NORMAL}
    assert ends == {AlarmEvent.RESET}
    assert (AlarmState.LATCHED_UNACKNOWLEDGED, AlarmEvent.RESET) not in TABLE


def test_what_is_raised_is_unacknowledged_wherever_it_comes_from() -> None:
    assert {after for (_, event), after in TABLE.items() if event is AlarmEvent.RAISE} == {AlarmState.UNACKNOWLEDGED}
