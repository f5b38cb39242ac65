"""The observer's seven judges over one story."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from tests.campaign.fault_alarms import told_and_alarmed
from tests.campaign.fault_limits import limits, silence
from tests.campaign.fault_order import order
from tests.campaign.fault_records import certificate, end, journal
from tests.campaign.fault_story import Finding, Point, Story

JUDGES: Mapping[Point, Callable[[Story], Iterator[Finding]]] = {
    Point.LIMITS: limits,
    Point.ORDER: order,
    Point.SILENCE: silence,
    Point.JOURNAL: journal,
    Point.ALARM: told_and_alarmed,
    Point.CERTIFICATE: certificate,
    Point.END: end,
}


def judged(story: Story) -> list[Finding]:
    """Everything that must not be, in the order of the points."""
    return [finding for judge in JUDGES.values() for finding in judge(story)]
