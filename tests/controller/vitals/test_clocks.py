"""Clocks that were set, and computers that slept."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from controller.vitals.clocks import COMPUTER, JUMP_S, SLEPT_S, Clocks, ClockWatch


@dataclass
class Hands:
    """The three clocks of a computer, as the test moves them."""

    day_s: float = 1_790_000_000.0
    running_s: float = 5.0
    through_s: float = 50.0

    def clocks(self) -> Clocks:
        return Clocks(lambda: self.day_s, lambda: self.running_s, lambda: self.through_s)

    def pass_by(self, seconds: float) -> None:
        self.day_s += seconds
        self.running_s += seconds
        self.through_s += seconds

    def sleep(self, seconds: float) -> None:
        self.day_s += seconds
        self.through_s += seconds


def test_clocks_that_agree_tell_nothing() -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    for seconds in (1.0, 3600.0, 0.001):
        hands.pass_by(seconds)
        assert watch.look() == []


@pytest.mark.parametrize("by_s", [-3600.0, 3600.0, JUMP_S + 0.01, -JUMP_S - 0.01])
def test_a_clock_that_was_set_is_told_once_with_before_and_after(by_s: float) -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.pass_by(1.0)
    hands.day_s += by_s
    [(kind, data)] = watch.look()
    assert (kind, data["by_s"]) == ("clock.jumped", round(by_s, 3))
    assert data["before"] == "2026-09-21T14:13:21.000+00:00"
    hands.pass_by(1.0)
    assert watch.look() == []


def test_the_time_after_a_jump_is_the_new_one() -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.pass_by(1.0)
    hands.day_s += 3600.0
    [(_, data)] = watch.look()
    assert data["after"] == "2026-09-21T15:13:21.000+00:00"


@pytest.mark.parametrize("by_s", [JUMP_S - 0.01, -JUMP_S + 0.01])
def test_a_small_correction_is_no_jump(by_s: float) -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.day_s += by_s
    assert watch.look() == []


def test_sleep_is_no_jump_and_is_told_with_its_length() -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.pass_by(1.0)
    hands.sleep(600.0)
    [(kind, data)] = watch.look()
    assert kind == "computer.slept"
    assert data == {
        "slept_s": 600.0,
        "before": "2026-09-21T14:13:20.000+00:00",
        "after": "2026-09-21T14:23:21.000+00:00",
    }


@pytest.mark.parametrize(("slept_s", "told"), [(SLEPT_S - 0.01, []), (SLEPT_S + 0.01, ["computer.slept"])])
def test_a_short_difference_of_the_clocks_is_no_sleep(slept_s: float, told: list[str]) -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.sleep(slept_s)
    assert [kind for kind, _ in watch.look()] == told


def test_a_clock_that_was_set_during_sleep_is_told_beside_it() -> None:
    hands = Hands()
    watch = ClockWatch(hands.clocks())
    hands.sleep(600.0)
    hands.day_s -= 30.0
    assert [kind for kind, _ in watch.look()] == ["computer.slept", "clock.jumped"]


def test_the_clocks_of_this_computer_agree() -> None:
    watch = ClockWatch(COMPUTER)
    assert watch.look() == []
