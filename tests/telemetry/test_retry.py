"""How long is waited before the next connection, and when somebody else seems to have our id."""

from __future__ import annotations

import pytest

from controller.telemetry.conditions import Conditions
from controller.telemetry.retry import LASTED_S, THIEF, Retry
from controller.telemetry.settings import Broker

BROKER = Broker("h", retry_s=1.0, retry_most_s=60.0)


def test_waits_double_up_to_their_most_and_begin_anew_after_a_good_connection() -> None:
    retry = Retry(BROKER, lambda: 0.0)
    assert [retry.next_s(None) for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert retry.next_s(LASTED_S) == 1


@pytest.mark.parametrize(("chance", "wait_s"), [(0.0, 1.0), (0.5, 0.75), (1.0, 0.5)])
def test_chance_takes_up_to_half_of_a_wait(chance: float, wait_s: float) -> None:
    assert Retry(BROKER, lambda: chance).next_s(None) == wait_s


def test_it_never_overflows() -> None:
    retry = Retry(BROKER, lambda: 0.0)
    assert {retry.next_s(None) for _ in range(2000)} == {1, 2, 4, 8, 16, 32, 60}


def test_short_connections_one_after_the_other_look_like_a_thief() -> None:
    retry = Retry(BROKER, lambda: 0.0)
    for _ in range(THIEF):
        assert not retry.looks_stolen
        retry.next_s(0.1)
    assert retry.looks_stolen
    retry.next_s(None)
    assert retry.looks_stolen
    retry.next_s(LASTED_S)
    assert not retry.looks_stolen


def test_a_condition_is_told_once_when_it_begins_and_once_when_it_ends() -> None:
    told: list[object] = []
    conditions = Conditions(told.append)
    for active in (False, True, True, False, False, True):
        conditions.say("a", "words", active=active)
    assert told == [{"name": "a", "unit": None, "active": active, "message": "words"} for active in (True, False, True)]
