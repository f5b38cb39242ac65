"""What the alarm book does with conditions, persons and time."""

from __future__ import annotations

import pytest

from controller.alarms.alarm import AlarmKey, Told, Transition
from controller.alarms.book import AlarmBook
from controller.alarms.states import AlarmRefused, AlarmState
from tests.controller.alarms.small import book, key


def told(transitions: list[Transition]) -> list[str]:
    return [one.told.value for one in transitions]


def state(of: AlarmBook, name: str) -> AlarmState:
    return of.alarm(key(name)).state


def test_it_is_raised_acknowledged_and_returned() -> None:
    b = book()
    assert told(b.condition(key("plain"), 1.0, "too much", active=True)) == ["raised"]
    assert b.alarm(key("plain")).text == "too much"
    assert b.alarm(key("plain")).raised_s == 1.0
    assert told(b.acknowledge([key("plain")], "maria", 2.0)) == ["acknowledged"]
    assert b.alarm(key("plain")).who == "maria"
    assert told(b.condition(key("plain"), 3.0, active=False)) == ["returned"]
    assert state(b, "plain") is AlarmState.NORMAL


def test_what_returned_waits_for_somebody_with_the_words_of_its_cause() -> None:
    b = book()
    b.condition(key("plain"), 1.0, "the guard is open", active=True)
    b.condition(key("plain"), 2.0, "all is well", active=False)
    assert state(b, "plain") is AlarmState.RETURNED
    assert b.alarm(key("plain")).text == "the guard is open"
    b.condition(key("plain"), 3.0, active=True)
    assert state(b, "plain") is AlarmState.UNACKNOWLEDGED
    assert b.alarm(key("plain")).count == 2


def test_the_same_condition_again_tells_nothing_and_new_words_are_told() -> None:
    b = book()
    b.condition(key("plain"), 1.0, "one", active=True)
    assert b.condition(key("plain"), 2.0, "one", active=True) == []
    assert told(b.condition(key("plain"), 3.0, "two", active=True)) == ["changed"]
    assert b.alarm(key("plain")).text == "two"


def test_acknowledging_needs_who() -> None:
    b = book()
    b.condition(key("plain"), 1.0, active=True)
    with pytest.raises(AlarmRefused, match="say who"):
        b.acknowledge([key("plain")], "  ", 2.0)
    assert state(b, "plain") is AlarmState.UNACKNOWLEDGED


def test_several_are_acknowledged_together_or_none() -> None:
    b = book()
    b.condition(key("plain"), 1.0, active=True)
    b.condition(key("other"), 1.0, active=True)
    with pytest.raises(AlarmRefused, match="cannot acknowledge what is normal"):
        b.acknowledge([key("plain"), key("slow")], "maria", 2.0)
    assert state(b, "plain") is AlarmState.UNACKNOWLEDGED
    assert told(b.acknowledge([key("plain"), key("other"), key("plain")], "maria", 3.0)) == ["acknowledged"] * 2


def test_a_condition_counts_after_its_delay_and_a_short_one_never() -> None:
    b = book()
    assert b.condition(key("slow"), 0.0, "long", active=True) == []
    assert b.next_due_s == 5.0
    assert b.condition(key("slow"), 4.9, active=False) == []
    assert b.advance(20.0) == []
    b.condition(key("slow"), 20.0, "long", active=True)
    found = b.advance(30.0)
    assert told(found) == ["raised"]
    assert found[0].at_s == 25.0, "it is raised when its delay is over, not when somebody looks"
    assert found[0].alarm.text == "long"


def test_it_returns_after_its_delay_and_not_for_a_short_gap() -> None:
    b = book()
    b.condition(key("slow"), 0.0, active=True)
    b.condition(key("slow"), 10.0, active=False)
    b.condition(key("slow"), 12.0, active=True)
    assert b.advance(20.0) == []
    b.condition(key("slow"), 20.0, active=False)
    found = b.advance(23.0)
    assert told(found) == ["returned"]
    assert found[0].at_s == 23.0


def test_a_value_goes_back_by_its_deadband() -> None:
    b = book()
    at_s = 0.0
    seen = []
    for value in (3.9, 4.1, 3.5, 4.2, 3.1, 2.9, 2.9, 2.9):
        at_s += 10.0
        b.value(key("value"), value, at_s)
        b.advance(at_s + 5.0)
        seen.append(b.alarm(key("value")).condition)
    assert seen == [False, True, True, True, True, False, False, False]


def test_a_value_that_goes_on_changing_tells_nothing_more() -> None:
    b = book()
    b.value(key("value"), 5.0, 0.0, "5 K off")
    assert told(b.value(key("value"), 6.0, 2.0, "6 K off")) == ["raised"]
    assert b.value(key("value"), 7.0, 4.0, "7 K off") == []
    assert b.alarm(key("value")).text == "5 K off"


def test_a_value_within_the_deadband_does_not_restart_a_delay() -> None:
    b = book()
    b.value(key("value"), 4.5, 0.0)
    b.value(key("value"), 3.5, 1.0)
    assert told(b.advance(2.0)) == ["raised"]


def test_a_value_that_is_no_number_changes_nothing() -> None:
    b = book()
    b.value(key("value"), 5.0, 0.0)
    b.advance(5.0)
    assert b.value(key("value"), float("nan"), 6.0) == []
    assert b.alarm(key("value")).condition


def test_a_latched_alarm_stays_until_it_is_acknowledged_and_reset() -> None:
    b = book()
    b.condition(key("latched"), 1.0, active=True)
    with pytest.raises(AlarmRefused):
        b.reset(key("latched"), "maria", 1.5)
    b.condition(key("latched"), 2.0, active=False)
    assert state(b, "latched") is AlarmState.LATCHED_UNACKNOWLEDGED
    with pytest.raises(AlarmRefused):
        b.reset(key("latched"), "maria", 3.0)
    b.acknowledge([key("latched")], "maria", 4.0)
    assert state(b, "latched") is AlarmState.LATCHED_ACKNOWLEDGED
    assert told(b.reset(key("latched"), "maria", 5.0)) == ["reset"]
    assert state(b, "latched") is AlarmState.NORMAL


def test_what_is_over_as_it_happens_waits_for_somebody() -> None:
    b = book()
    assert told(b.happened(key("momentary"), 1.0, "start failed")) == ["raised", "returned"]
    assert state(b, "momentary") is AlarmState.RETURNED
    assert told(b.happened(key("momentary"), 2.0, "again")) == ["raised", "returned"]
    assert b.alarm(key("momentary")).count == 2
    b.acknowledge([key("momentary")], "maria", 3.0)
    assert state(b, "momentary") is AlarmState.NORMAL


# ---------------------------------------------------------------- shelving, silence by design, out of service


def test_shelving_needs_who_why_and_an_end_within_its_limit() -> None:
    b = book()
    with pytest.raises(AlarmRefused, match="say who"):
        b.shelve(key("slow"), 10.0, "", "noise", 0.0)
    with pytest.raises(AlarmRefused, match="say why"):
        b.shelve(key("slow"), 10.0, "maria", "", 0.0)
    with pytest.raises(AlarmRefused, match="at most"):
        b.shelve(key("slow"), 101.0, "maria", "noise", 0.0)
    with pytest.raises(AlarmRefused, match="at most"):
        b.shelve(key("slow"), 0.0, "maria", "noise", 0.0)
    with pytest.raises(AlarmRefused, match="may not be shelved"):
        b.shelve(key("plain"), 10.0, "maria", "noise", 0.0)
    assert told(b.shelve(key("slow"), 100.0, "maria", "noise", 0.0)) == ["shelved"]


def test_a_shelved_alarm_comes_back_by_itself_with_its_condition() -> None:
    b = book()
    b.shelve(key("slow"), 60.0, "maria", "noise", 0.0)
    b.condition(key("slow"), 10.0, active=True)
    assert told(b.advance(20.0)) == ["hidden"]
    found = b.advance(100.0)
    assert told(found) == ["unshelved", "raised"]
    assert found[0].at_s == 60.0
    assert state(b, "slow") is AlarmState.UNACKNOWLEDGED


def test_an_unseen_alarm_can_be_shelved_and_is_unseen_again_afterwards() -> None:
    b = book()
    b.condition(key("latched"), 1.0, active=True)
    b.shelve(key("latched"), 10.0, "maria", "known", 2.0)
    b.advance(12.0)
    assert state(b, "latched") is AlarmState.UNACKNOWLEDGED


def test_a_latched_alarm_that_came_and_went_while_shelved_is_there_afterwards() -> None:
    b = book()
    b.shelve(key("latched"), 60.0, "maria", "known", 0.0)
    b.condition(key("latched"), 10.0, active=True)
    b.condition(key("latched"), 20.0, active=False)
    assert told(b.unshelve(key("latched"), "maria", 30.0)) == ["unshelved", "raised", "returned"]
    assert state(b, "latched") is AlarmState.LATCHED_UNACKNOWLEDGED


def test_what_happened_while_it_was_shelved_is_told_afterwards() -> None:
    b = book()
    b.shelve(key("momentary"), 20.0, "maria", "known", 0.0)
    b.happened(key("momentary"), 5.0, "start failed")
    b.advance(25.0)
    assert state(b, "momentary") is AlarmState.RETURNED


def test_by_design_it_is_silent_and_comes_when_the_design_ends() -> None:
    b = book()
    b.design("idle", "press-1", 0.0, active=True)
    assert told(b.condition(key("silent"), 1.0, active=True)) == ["suppressed"]
    assert state(b, "silent") is AlarmState.SUPPRESSED
    assert told(b.design("idle", "press-1", 5.0, active=False)) == ["unsuppressed", "raised"]


def test_the_design_of_one_unit_silences_no_other() -> None:
    b = book()
    b.design("idle", "press-2", 0.0, active=True)
    assert told(b.condition(key("silent"), 1.0, active=True)) == ["raised"]


def test_what_nobody_has_seen_is_not_silenced_before_somebody_has() -> None:
    b = book()
    b.condition(key("silent"), 1.0, active=True)
    assert b.design("idle", "press-1", 2.0, active=True) == []
    assert state(b, "silent") is AlarmState.UNACKNOWLEDGED
    assert told(b.acknowledge([key("silent")], "maria", 3.0)) == ["acknowledged", "suppressed"]


def test_out_of_service_needs_who_and_why_and_lasts_until_it_is_restored() -> None:
    b = book()
    with pytest.raises(AlarmRefused, match="may not be taken out of service"):
        b.remove(key("plain"), "maria", "sensor", 0.0)
    with pytest.raises(AlarmRefused, match="say why"):
        b.remove(key("slow"), "maria", " ", 0.0)
    b.remove(key("slow"), "maria", "sensor is being exchanged", 0.0)
    b.condition(key("slow"), 1.0, active=True)
    b.advance(1e6)
    assert state(b, "slow") is AlarmState.OUT_OF_SERVICE
    assert told(b.restore(key("slow"), "maria", 1e6)) == ["restored", "raised"]


def test_a_shelved_alarm_that_is_taken_out_of_service_does_not_come_back_by_itself() -> None:
    b = book()
    b.shelve(key("slow"), 10.0, "maria", "noise", 0.0)
    b.remove(key("slow"), "maria", "sensor", 1.0)
    assert b.advance(100.0) == []
    assert state(b, "slow") is AlarmState.OUT_OF_SERVICE


# ---------------------------------------------------------------- first-out


def test_the_first_of_a_trip_is_marked_and_what_follows_is_not() -> None:
    b = book()
    b.condition(key("other"), 1.0, active=True)
    b.condition(key("plain"), 1.2, active=True)
    b.condition(key("slow"), 1.2, active=True)
    b.condition(key("plain", "press-2"), 1.3, active=True)
    first = {str(k) for k, alarm in b.alarms.items() if alarm.first_out}
    assert first == {"other@press-1", "plain@press-2"}


def test_what_comes_at_the_same_instant_shares_being_first() -> None:
    b = book()
    b.condition(key("other"), 1.0, active=True)
    b.condition(key("plain"), 1.0, active=True)
    assert b.alarm(key("plain")).first_out


def test_a_trip_lasts_until_all_of_it_is_normal() -> None:
    b = book()
    b.condition(key("latched"), 1.0, active=True)
    b.condition(key("latched"), 2.0, active=False)
    b.condition(key("plain"), 3.0, active=True)
    assert not b.alarm(key("plain")).first_out
    b.acknowledge([key("latched"), key("plain")], "maria", 4.0)
    b.condition(key("plain"), 5.0, active=False)
    b.reset(key("latched"), "maria", 6.0)
    b.condition(key("plain"), 7.0, active=True)
    assert b.alarm(key("plain")).first_out


# ---------------------------------------------------------------- time and refusals


def test_time_never_goes_back() -> None:
    b = book()
    b.condition(key("plain"), 10.0, active=True)
    found = b.acknowledge([key("plain")], "maria", 5.0)
    assert found[0].at_s == 10.0


def test_what_became_due_before_a_refused_command_is_not_lost() -> None:
    b = book()
    b.condition(key("slow"), 0.0, active=True)
    with pytest.raises(AlarmRefused):
        b.reset(key("plain"), "maria", 10.0)
    assert told(b.advance(10.0)) == [Told.RAISED.value]


def test_an_alarm_that_the_table_does_not_have_is_refused() -> None:
    with pytest.raises(AlarmRefused, match="there is no alarm nothing"):
        book().condition(AlarmKey("nothing", "x"), 0.0, active=True)


def test_a_key_is_read_as_it_is_written() -> None:
    assert AlarmKey.of(str(AlarmKey("run_held_other", "run@7"))) == AlarmKey("run_held_other", "run@7")
    assert AlarmKey.of("alarm_flood") == AlarmKey("alarm_flood", "line")
