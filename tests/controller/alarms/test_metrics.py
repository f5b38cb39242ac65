"""The figures of an alarm system, by hand-made stories whose figures are known."""

from __future__ import annotations

import pytest

from controller.alarms.alarm import AlarmKey
from controller.alarms.definition import Priority
from controller.alarms.flood import Flood
from controller.alarms.metrics import Raised, measured, of_journal
from controller.alarms.record import RUN
from controller.events import Event


def raised(*times_s: float, name: str = "a", priority: Priority = Priority.LOW) -> list[Raised]:
    return [Raised(AlarmKey(name, "u"), priority, at_s) for at_s in times_s]


def test_nothing_is_well() -> None:
    found = measured((), 0.0, 36_000.0, {})
    assert (found.count, found.per_10_min, found.peak_10_min, found.flood_pct) == (0, 0.0, 0, 0.0)
    assert found.remarks() == []


def test_the_rate_counts_for_each_position() -> None:
    story = raised(*range(0, 36_000, 300))
    assert measured(story, 0.0, 36_000.0, {}).per_10_min == 2.0
    assert measured(story, 0.0, 36_000.0, {}, positions=2).per_10_min == 1.0


def test_the_peak_is_of_any_ten_minutes() -> None:
    assert measured(raised(590.0, 595.0, 605.0, 1_189.0, 1_190.0), 0.0, 7_200.0, {}).peak_10_min == 4


def test_a_flood_begins_above_ten_and_ends_below_five() -> None:
    story = raised(*range(0, 110, 10), *range(600, 605), *range(1_200, 1_204))
    found = measured(story, 0.0, 6_000.0, {})
    assert found.floods == 1
    assert found.flood_pct == pytest.approx(20.0)
    assert any("flood in 20.0 %" in remark for remark in found.remarks())
    assert measured(raised(*range(10)), 0.0, 6_000.0, {}).flood_pct == 0.0


def test_a_flood_seen_as_it_comes_is_the_same() -> None:
    flood = Flood()
    for at_s in range(11):
        flood.raised(float(at_s))
        assert flood.look(float(at_s)) is (at_s == 10)
    assert flood.next_due_s == 606.0, "then four are left of the last ten minutes"
    assert flood.look(605.9)
    assert not flood.look(606.0)
    assert flood.next_due_s == float("inf")


def test_a_flood_is_over_when_it_said_that_it_would_be() -> None:
    """745.1 + 600 is 1345.1, and 1345.1 - 600 is less than 745.1: who waits until then would wait for ever."""
    flood = Flood()
    for at_s in (745.4, 745.1, *[745.1 + n / 7 for n in range(12)]):
        flood.raised(at_s)
    assert flood.look(750.0)
    due_s = 750.0
    for _ in range(14):
        if not flood.look(due_s := flood.next_due_s):
            break
    assert not flood.is_there
    assert flood.next_due_s == float("inf")
    assert due_s < 750.0 + 600.0


def test_hours_with_more_than_thirty_are_counted() -> None:
    story = raised(*(100.0 * n for n in range(31)))
    assert measured(story, 0.0, 36_000.0, {}).busy_hours_pct == pytest.approx(10.0)


def test_the_most_frequent_and_their_share() -> None:
    story = [
        one for n in range(20) for one in raised(*(float(1000 * k) for k in range(1 + (n == 3) * 5)), name=f"a{n}")
    ]
    found = measured(story, 0.0, 100_000.0, {})
    assert found.top[0] == (AlarmKey("a3", "u"), 6)
    assert len(found.top) == 10
    assert found.top_share_pct == pytest.approx(100 * 15 / 25)


def test_the_share_of_the_most_frequent_is_judged_where_it_can_be_kept() -> None:
    def remarks(count: int) -> list[str]:
        story = [one for n in range(count) for one in raised(3600.0 * n, name=f"a{n}")]
        return measured(story, 0.0, 3600.0 * count, {}).remarks()

    assert remarks(199) == []
    assert remarks(200) == []
    often = raised(*(3600.0 * n for n in range(200)))
    assert "the ten most frequent are 100 % of all; 5 % is the most" in measured(often, 0.0, 720_000.0, {}).remarks()


def test_operators_share_the_peak_too() -> None:
    story = raised(*(float(10 * n) for n in range(16)))
    assert measured(story, 0.0, 36_000.0, {}, positions=2).peak_10_min == 8
    assert "16 alarms in one span of ten minutes; 10 is the most" in measured(story, 0.0, 36_000.0, {}).remarks()
    assert not any("one span" in one for one in measured(story, 0.0, 36_000.0, {}, positions=2).remarks())


def test_three_within_a_minute_chatter() -> None:
    story = raised(0.0, 30.0, 61.0) + raised(0.0, 30.0, 60.0, name="b")
    found = measured(story, 0.0, 36_000.0, {})
    assert found.chattering == (AlarmKey("b", "u"),)
    assert "b@u chatters" in found.remarks()


def test_what_stands_for_more_than_a_day_is_stale() -> None:
    standing = {AlarmKey(f"a{n}", "u"): 0.0 for n in range(5)} | {AlarmKey("new", "u"): 50_000.0}
    found = measured((), 0.0, 90_000.0, standing)
    assert len(found.stale) == 5
    assert found.remarks() == ["5 alarms stand for more than a day; fewer than 5 is the aim"]


def test_the_shares_of_the_priorities() -> None:
    story = raised(1.0, 2.0, 3.0) + raised(4.0, priority=Priority.CRITICAL)
    found = measured(story, 0.0, 36_000.0, {})
    assert found.priorities_pct[Priority.LOW] == 75.0
    assert found.priorities_pct[Priority.CRITICAL] == 25.0


def test_a_store_is_measured_by_the_time_of_day() -> None:
    def event(minute: int, told: str, state: str) -> Event:
        data = {"name": "link_down", "subject": "u", "state": state, "priority": "high"}
        return Event(1, RUN, f"alarm.{told}", data, 7.0, f"2026-01-01T00:{minute:02d}:00+00:00", "", "")

    story = [event(0, "raised", "unacknowledged"), event(5, "returned", "returned unacknowledged")]
    found = of_journal(story, "2026-01-03T00:00:00+00:00")
    assert found.count == 1
    assert found.span_s == 2 * 86_400.0
    assert found.stale == (AlarmKey("link_down", "u"),)
    assert of_journal([*story, event(9, "acknowledged", "normal")]).stale == ()
    assert of_journal([]).count == 0
