"""Point 5 of the observer, for the alarms themselves: what needs a person is one, and nobody misses it."""

from __future__ import annotations

from collections.abc import Iterator

from controller.alarms.alarm import AlarmKey
from controller.alarms.states import UNSEEN, AlarmState
from tests.campaign.fault_records import OURSELVES, SCAN_S, alarms, raises
from tests.campaign.fault_story import Finding, Point, Story

RAISED_WITHIN_S = 10.0
"""An alarm follows from what tells of a condition at once, but for the longest on delay of the table."""


def told_and_alarmed(story: Story) -> Iterator[Finding]:
    """What needs a person is told in the record and stands as an alarm until a person acknowledges it."""
    yield from alarms(story)
    yield from raised(story)
    yield from kept(story)


def raised(story: Story) -> Iterator[Finding]:
    """Whatever is told of a condition that needs a person, an alarm of the unit, its run or the line is raised with it.

    A mistyped value is asked again and needs no alarm.
    """
    for item in story.injected:
        telling = next((event for event in story.of_run() if raises(item, event)), None)
        if not item.needs_person or telling is None or telling.kind == "prompt.answered":
            continue
        found = [
            event
            for event in story.events
            if event.kind == "alarm.raised"
            and item.from_s - SCAN_S <= event.time_s <= telling.time_s + RAISED_WITHIN_S
            and event.data["subject"].split("/")[0] in (item.unit, story.run, "line")
        ]
        if not found:
            words = f"{item.fault} on {item.unit}: it is told ({telling.kind}), and no alarm is raised"
            yield Finding(Point.ALARM, telling.time_s, words)


def kept(story: Story) -> Iterator[Finding]:
    """No alarm that was raised vanishes before a person acknowledged it."""
    unseen: set[AlarmKey] = set()
    for event in story.events:
        if not event.kind.startswith("alarm."):
            continue
        key = AlarmKey(event.data["name"], event.data["subject"])
        if event.kind == "alarm.raised":
            unseen.add(key)
        if key in unseen and AlarmState(event.data["state"]) not in UNSEEN:
            if event.data["who"] in OURSELVES:
                yield Finding(Point.ALARM, event.time_s, f"{key} is {event.data['state']}, and nobody has seen it")
            unseen.discard(key)
