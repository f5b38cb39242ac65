"""The observer itself: it says nothing of a good run, and sees what a broken machine or journal does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import pytest

from controller.events import Event
from controller.executor.pace import Pace
from controller.journal import GENESIS, canonical, chain_hash, verify
from tests.campaign.fault_cases import COATER, ISOSTATIC, UNIAXIAL
from tests.campaign.fault_draw import Silent, drawn
from tests.campaign.fault_judges import JUDGES, judged
from tests.campaign.fault_stage import RUN, Act, Stage
from tests.campaign.fault_story import Injected, Point, Story


@dataclass(slots=True)
class Broken:
    """A machine that is broken in a way that no catalogue knows."""

    how: Callable[[Stage], None]

    def inject(self, stage: Stage) -> None:
        self.how(stage)

    def clear(self, stage: Stage) -> None:
        """It stays broken."""


@cache
def good(recipe: str = "press") -> Story:
    return Stage(recipe, 1).play()


def broken(how: Callable[[Stage], None], recipe: str = "press") -> Story:
    """A run on a line that was broken before it began."""
    return Stage(recipe, 1, prepare=how).play()


def broken_at(unit: str, phase: str, how: Callable[[Stage], None], visit: int = 1, after_s: float = 5.0) -> Story:
    """A run in which a machine breaks in a phase."""
    act = Act("broken", unit, unit, phase, after_s, None, Broken(how), needs_person=False, visit=visit)
    return Stage("press", 1, act).play()


def words(story: Story, point: Point) -> str:
    return "\n".join(str(finding) for finding in JUDGES[point](story))


@pytest.mark.parametrize("recipe", ["press", "coat"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_nothing_is_found_in_a_good_run(recipe: str, seed: int) -> None:
    story = good(recipe) if seed == 1 else Stage(recipe, seed).play()
    assert [str(finding) for finding in judged(story)] == []
    assert story.record["state"] == "complete", story.record["reason"]
    assert sum(len(seen.scans) for seen in story.seen.values()) > 1000


# ---------------------------------------------------------------------- 1: limits


def test_a_force_that_is_higher_than_its_sensor_says_is_seen() -> None:
    def low_reading(stage: Stage) -> None:
        stage.plc(UNIAXIAL)._gain = 0.93

    assert "pressure is 96.9 in first joining, more than 92.7" in words(broken(low_reading), Point.LIMITS)


def test_a_release_that_is_faster_than_the_job_says_is_seen() -> None:
    class Slotless:
        """A vessel whose methods can be replaced."""

        def __init__(self, vessel: Any) -> None:
            self.__dict__["vessel"] = vessel

        def __getattr__(self, name: str) -> Any:
            return getattr(self.vessel, name)

        def __setattr__(self, name: str, value: Any) -> None:
            setattr(self.vessel, name, value)

        def decompress(self, rate: float, final: float, dt_s: float) -> bool:
            released: bool = self.vessel.decompress(4 * rate, final, dt_s)
            return released

    def fast_valve(stage: Stage) -> None:
        plc = stage.plc(ISOSTATIC)
        plc.vessel = Slotless(plc.vessel)

    assert "pressure changes by -" in words(broken(fast_valve), Point.LIMITS)


def test_a_heater_that_runs_away_under_pressure_unseen_by_its_sensors_is_seen() -> None:
    def runaway(stage: Stage) -> None:
        stage.plc(UNIAXIAL)._reading_c = lambda index: 25.0
        stage.plc(UNIAXIAL).disturbances.heater = "stuck_on"

    story = broken_at(UNIAXIAL, "ramp", runaway)
    assert "temperature is 3" in words(story, Point.LIMITS)
    assert "nobody was told" in words(story, Point.LIMITS)


def test_a_web_that_runs_faster_than_planned_is_seen() -> None:
    story = good("coat")
    seen = story.seen[COATER]
    fast = [scan._replace(web_m_min=1.2 * scan.web_m_min) for scan in seen.scans]
    changed = replace(story, seen={**story.seen, COATER: replace(seen, scans=fast)})
    assert "the web runs at 0.420 m/min, 0.4 is planned" in words(changed, Point.LIMITS)


# ---------------------------------------------------------------------- 2: order and permissives


def test_a_second_pressing_that_was_really_weaker_than_the_first_is_seen() -> None:
    def high_reading(stage: Stage) -> None:
        stage.plc(UNIAXIAL)._gain = 4.0

    story = broken_at(UNIAXIAL, "prepare", high_reading, visit=2, after_s=0.1)
    assert "join2 really reached 7" in words(story, Point.ORDER)


def test_pressure_behind_an_open_closure_is_seen() -> None:
    def open_closure(stage: Stage) -> None:
        plc = stage.plc(ISOSTATIC)
        physics = plc._physics
        plc._closure_proven = lambda: True

        def opened(dt_s: float) -> None:
            plc.closure_locked = False
            physics(dt_s)

        plc._physics = opened

    story = broken_at(ISOSTATIC, "prepare", open_closure)
    assert "pressure begins to rise and it is not shut" in words(story, Point.ORDER)


def test_pressure_on_a_cold_medium_is_seen() -> None:
    def cold(stage: Stage) -> None:
        plc = stage.plc(ISOSTATIC)
        plc._loaded_job = lambda *, first: None
        plc._medium_in_band = lambda: True

    found = words(broken(cold), Point.ORDER)
    assert "isostatic-press-1: pressure begins to rise at 33.6 to 33.6 degC" in found
    assert "pressure begins to rise after 0 s of soaking" in found


def test_an_oven_that_heats_without_air_is_seen() -> None:
    def no_watch(stage: Stage) -> None:
        stage.plc(COATER)._watch_machine = lambda: None
        stage.plc(COATER)._fan_ok = lambda: True  # it shows a running fan, else we would stop it
        stage.plc(COATER).fan_running = False

    act = Act("broken", COATER, COATER, "coat", 5.0, None, Broken(no_watch), needs_person=False)
    assert "coater-1: it heats without air" in words(Stage("coat", 1, act).play(), Point.ORDER)


# ---------------------------------------------------------------------- 3: silence


@pytest.mark.parametrize(("unit", "found"), [(ISOSTATIC, "pressurisation goes on"), (UNIAXIAL, "not at zero")])
def test_a_machine_without_a_watchdog_is_seen(unit: str, found: str) -> None:
    def no_watchdog(stage: Stage) -> None:
        stage.plc(unit)._watch_link = lambda: None
        if unit == UNIAXIAL:  # else its dwell would end, and with it its force
            stage.plc(unit)._count_dwell = lambda *_: False

    phase = "ramp" if unit == ISOSTATIC else "dwell"
    act = Act("silent", unit, unit, phase, 1.0, 1800.0, Silent(), needs_person=True)
    stage = Stage("press", 1, act, prepare=no_watchdog)
    assert f"{unit}: {found}" in words(stage.play(), Point.SILENCE)


def test_a_machine_that_is_released_too_early_is_seen() -> None:
    stage, _ = drawn("wire.lost_byte", 1)
    story = stage.play()
    assert story.released_s(ISOSTATIC) < story.ended_s
    assert words(story, Point.SILENCE) == ""
    (densifying,) = story.periods(ISOSTATIC)
    pressed_s = max(story.seen[ISOSTATIC].scans, key=lambda scan: scan.load).time_s
    for early_s, how in ((densifying.from_s - 1.0, "before its last step"), (pressed_s, "under pressure")):
        events = [replace(event, time_s=early_s) if event.kind == "unit.released" else event for event in story.events]
        assert f"{ISOSTATIC}: released {how}" in words(replace(story, events=events), Point.SILENCE)


def test_a_machine_that_is_neglected_for_the_sake_of_another_ones_wire_is_seen() -> None:
    stage, _ = drawn("wire.dead_unit", 2)
    story = stage.play()
    assert words(story, Point.SILENCE) == ""
    (item,) = story.injected
    seen = story.seen[ISOSTATIC]
    fewer = [beat_s for beat_s in seen.beats_s if not item.from_s < beat_s < item.from_s + 4.0]
    changed = replace(story, seen={**story.seen, ISOSTATIC: replace(seen, beats_s=fewer)})
    assert "isostatic-press-1: no heartbeat for 4" in words(changed, Point.SILENCE)


# ---------------------------------------------------------------------- 4: journal


def rechained(events: Sequence[Event]) -> list[Event]:
    """A journal that somebody wrote anew, so that its chain holds."""
    result: list[Event] = []
    previous = GENESIS
    for sequence, event in enumerate(events, start=1):
        own = chain_hash(previous, sequence, event.run, event.kind, canonical(event.data), event.time_s, event.utc)
        result.append(replace(event, sequence=sequence, previous_hash=previous, hash=own))
        previous = own
    assert verify(result) == []
    return result


def index_of(story: Story, kind: str, **data: Any) -> int:
    return next(n for n, e in enumerate(story.events) if e.kind == kind and data.items() <= e.data.items())


def test_a_broken_chain_and_what_it_hides_are_seen() -> None:
    story = good()
    place = index_of(story, "command.done", unit=ISOSTATIC, command="start")
    cut = [*story.events[:place], *story.events[place + 1 :]]
    assert "record 1 is missing" in words(replace(story, events=story.events[1:]), Point.JOURNAL)
    assert "does not follow its predecessor" in words(replace(story, events=cut), Point.JOURNAL)
    hidden = words(replace(story, events=rechained(cut)), Point.JOURNAL)
    assert "isostatic-press-1 obeyed 1 times start, the journal tells of 0" in hidden


def test_a_command_that_was_sent_before_it_was_journalled_is_seen() -> None:
    story = good()
    place = index_of(story, "command.requested", unit=ISOSTATIC, command="start")
    late = replace(story.events[place], time_s=story.events[place + 40].time_s)
    moved = [*story.events[:place], *story.events[place + 1 : place + 40], late, *story.events[place + 40 :]]
    found = words(replace(story, events=rechained(moved)), Point.JOURNAL)
    assert "isostatic-press-1 obeyed start before it was journalled" in found


def test_doubled_and_disordered_records_are_seen() -> None:
    story = good()
    place = index_of(story, "command.done", unit=UNIAXIAL, command="start")
    doubled = rechained([*story.events[: place + 1], *story.events[place:]])
    assert "done 4 times, uniaxial-press-1 obeyed 3" in words(replace(story, events=doubled), Point.JOURNAL)
    place = index_of(story, "step.started", name="bag")
    swapped = [*story.events[:place], story.events[place + 1], story.events[place], *story.events[place + 2 :]]
    swapped[place] = replace(swapped[place], time_s=swapped[place + 1].time_s + 1.0)
    found = words(replace(story, events=rechained(swapped)), Point.JOURNAL)
    assert "is older than the one before it" in found
    place = index_of(story, "run.closed")
    ended_twice = rechained([*story.events[: place + 1], story.events[place]])
    assert "there are 2 records of run.closed" in words(replace(story, events=ended_twice), Point.JOURNAL)


# ---------------------------------------------------------------------- 5: alarms


def test_a_controller_that_does_not_see_that_nothing_moves_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    stage, _ = drawn("uniaxial.no_rise", 2)
    assert words(stage.play(), Point.ALARM) == ""
    monkeypatch.setattr(Pace, "late_s", lambda *_: None)
    stage, _ = drawn("uniaxial.no_rise", 2)
    assert "uniaxial.no_rise on uniaxial-press-1: nothing tells of it" in words(stage.play(), Point.ALARM)


def test_an_alarm_that_comes_late_goes_away_or_names_another_unit_is_seen() -> None:
    stage, _ = drawn("machine.local_mode", 1)
    story = stage.play()
    assert stage.people == "mends"
    assert words(story, Point.ALARM) == ""
    (item,) = story.injected
    hasty = replace(story, injected=(replace(item, within_s=0.01),))
    assert "0.0 s are allowed" in words(hasty, Point.ALARM)
    other = replace(story, injected=(replace(item, unit="no-such-unit"),))
    assert "nothing tells of it" in words(other, Point.ALARM)
    by_itself = [
        replace(event, data={**event.data, "who": "pressline"}) if event.data.get("who") == "shift lead" else event
        for event in story.events
    ]
    assert "the alarm went away, the run is restarting by itself" in words(
        replace(story, events=by_itself), Point.ALARM
    )


def test_what_needs_nobody_needs_no_alarm() -> None:
    item = Injected("slow", UNIAXIAL, 0.0, 1.0, needs_person=False, cause="x", within_s=1.0)
    assert words(replace(good(), injected=(item,)), Point.ALARM) == ""
    assert words(replace(good(), injected=(replace(item, needs_person=True),)), Point.ALARM) != ""


# ---------------------------------------------------------------------- 6: certificate


def test_a_certificate_that_believes_a_wrong_thermometer_is_seen() -> None:
    def wrong(stage: Stage) -> None:
        plc = stage.plc(ISOSTATIC)
        wanted = plc._sp
        plc._sp = lambda name: 30.0 if name == "medium_temperature_sp_c" else wanted(name)
        plc._medium_in_band = lambda: True
        plc._medium_c = lambda index: 120.0
        plc._watch_machine = lambda: None

    story = broken(wrong)
    found = words(story, Point.CERTIFICATE)
    assert "H013 passes with 119.998" in found
    assert "the truth is 3" in found


def test_a_pass_that_the_truth_contradicts_is_seen_and_a_small_difference_is_none() -> None:
    story = good()
    cold, near = (replace(story, truths={**story.truths, ("densify", "temperature"): value}) for value in (30.0, 59.6))
    assert "H013 passes with 12" in words(cold, Point.CERTIFICATE)
    assert "the truth is 30 and fails by 29.5" in words(cold, Point.CERTIFICATE)
    assert words(near, Point.CERTIFICATE) == "", "59.6 degC is 60 degC at the source's precision"


# ---------------------------------------------------------------------- 7: end


def test_a_machine_that_says_zero_and_is_not_is_seen() -> None:
    def lying(stage: Stage) -> None:
        plc = stage.plc(ISOSTATIC)
        plc._sensor_mpa = lambda index: 0.0
        plc._proven_zero = lambda: True
        plc._release = lambda dt_s: True
        plc.trip("over_pressure")

    story = broken_at(ISOSTATIC, "ramp", lying, after_s=60.0)
    assert story.record["state"] == "stopped"
    found = words(story, Point.END)
    assert "while the run is stopped" in found
    assert "after all" in found


def test_a_run_that_claims_more_than_there_is_is_seen() -> None:
    story = good()
    assert "there is no lot electrode laminate" in words(replace(story, lots=frozenset()), Point.END)
    unpressed = {key: value for key, value in story.truths.items() if key != ("densify", "pressure")}
    assert "densifying was never pressed" in words(replace(story, truths=unpressed), Point.END)
    less = {**story.truths, ("densify", "pressure"): 900.0}
    assert "densifying is told to have reached 9" in words(replace(story, truths=less), Point.END)
    assert "is left running" in words(replace(story, record={**story.record, "state": "running"}), Point.END)
    mute = replace(story, record={**story.record, "state": "held"})
    assert "is held without a reason" in words(mute, Point.END)
    stuck = replace(story, refusal="isostatic-press-1 is in state EXECUTE")
    assert "a person cannot close the matter: isostatic-press-1 is in state EXECUTE" in words(stuck, Point.END)


def test_the_story_of_a_run_is_of_that_run_only() -> None:
    assert {event.run for event in good().of_run()} == {RUN}
    assert {event.run for event in good().events} == {RUN, "again"}
