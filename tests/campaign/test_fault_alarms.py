"""The judge of alarms, on stories whose alarms were taken away or altered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from controller.events import Event
from tests.campaign.fault_alarms import kept, raised
from tests.campaign.fault_draw import drawn
from tests.campaign.fault_story import Story


@pytest.fixture(scope="module")
def story() -> Story:
    """A press whose guard is opened while it works."""
    stage, _ = drawn("uniaxial.guard_open", 1)
    return stage.play()


def test_a_fault_that_needs_a_person_is_an_alarm_that_stays(story: Story) -> None:
    assert any(item.needs_person for item in story.injected)
    names = [event.data["name"] for event in story.events if event.kind == "alarm.raised"]
    assert "press_guard_opened" in names
    assert [*raised(story), *kept(story)] == []


def test_a_fault_without_its_alarm_is_found(story: Story) -> None:
    silent = [event for event in story.events if not event.kind.startswith("alarm.")]
    [finding] = raised(replace(story, events=silent))
    assert "no alarm is raised" in finding.words


def test_an_alarm_that_vanishes_by_itself_is_found(story: Story) -> None:
    def altered(event: Event) -> Event:
        if event.kind != "alarm.returned":
            return event
        return replace(event, data={**event.data, "state": "normal"})

    found = list(kept(replace(story, events=[altered(event) for event in story.events])))
    assert found
    assert "nobody has seen it" in found[0].words
