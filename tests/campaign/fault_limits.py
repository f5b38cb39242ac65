"""Points 1 and 3 of the observer: limits of plan and machine, and a controller that is silent.

Every bound is the plan's or the profile's; what is added to it is the sensor's accuracy as the profile states it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from tests.campaign.fault_story import Finding, Period, Point, Story, reaction_s
from tests.campaign.observer import Seen

UNLOADED = {"uniaxial_press": 0.05, "isostatic_press": 0.1}
"""kN and MPa at which a machine may call itself without pressure; the register documents' own numbers."""
PRESSING = {"uniaxial_press": 0.5, "isostatic_press": 0.5}
"""kN and MPa from which on a lot is being pressed: above the upper die's contact and the vent's closing."""
OVER_LOAD = 1.05
"""A machine's own limit: 5 % over the setpoint, by the register documents, beside twice the sensor's accuracy."""
OVER_TEMPERATURE_K = 25.0
"""A machine's own limit over its temperature setpoint, by the register documents."""
RATE_SHARE = 1.1
"""Rates are kept within a tenth: force loops lag, and a ripple rides on a rise (engineering judgement)."""
RATE_WINDOW_S = 5.0
"""Rates are means over this time, so that no ripple counts as a rate."""
FINAL_BELOW_MPA = 50.0
FINAL_MPA_S = 1.0
WEB_ACCELERATION_S = 5.0
LAG_S = 60.0
"""A heater's heat goes on coming for so long after it was switched off (engineering judgement)."""
SIGNALS = {
    "uniaxial_press": ("force_pv_kn", "platen_top_c", "force_sp_kn", "platen_temperature_sp_c"),
    "isostatic_press": ("pressure_a_mpa", "medium_a_c", "pressure_sp_mpa", "medium_temperature_sp_c"),
}


def accuracy(seen: Seen, signal: str) -> float:
    """The bound of a sensor's error as the profile states it."""
    return seen.profile.signals[signal].accuracy or 0.0


def presses(story: Story) -> Iterator[Seen]:
    yield from (seen for seen in story.seen.values() if seen.profile.kind in SIGNALS)


def coaters(story: Story) -> Iterator[Seen]:
    yield from (seen for seen in story.seen.values() if seen.profile.kind == "coater")


def scans(seen: Seen, from_s: float, until_s: float) -> list[Any]:
    """What was seen in this time: scans of Pressed or of Coated."""
    return [scan for scan in seen.scans if from_s <= scan.time_s <= until_s]


def pressure_accuracy_mpa(story: Story, seen: Seen) -> float:
    """The pressure sensor's accuracy as pressure on the laminate, and how much the area may be off (0.1 %)."""
    value = accuracy(seen, SIGNALS[seen.profile.kind][0])
    return value if seen.profile.kind == "isostatic_press" else 1000.0 * value / story.plan.recipe.laminate.area_mm2


# ---------------------------------------------------------------------- 1: limits


def limits(story: Story) -> Iterator[Finding]:
    """No pressure, temperature or speed beyond what the plan and the machine allow, and the sensor's accuracy."""
    for seen in presses(story):
        yield from _ratings(story, seen)
        for period in story.periods(seen.unit):
            yield from _windows(story, seen, period)
            yield from _rates(story, seen, period)
    for seen in coaters(story):
        for period in story.periods(seen.unit):
            yield from _coating(story, seen, period)


def _ratings(story: Story, seen: Seen) -> Iterator[Finding]:
    load, heat, load_sp, heat_sp = SIGNALS[seen.profile.kind]
    rated = (seen.profile.signals[load_sp].limits or (0.0, 0.0))[1] * OVER_LOAD + 2.0 * accuracy(seen, load)
    hot_c = (seen.profile.signals[heat_sp].limits or (0.0, 0.0))[1] + OVER_TEMPERATURE_K + accuracy(seen, heat)
    highest = max(seen.scans, key=lambda scan: scan.load, default=None)
    if highest is not None and highest.load > rated:
        yield Finding(Point.LIMITS, highest.time_s, f"{seen.unit}: {highest.load:.1f} is above its rating, {rated:.1f}")
    hottest = max(seen.scans, key=lambda scan: scan.hottest_c, default=None)
    if hottest is not None and hottest.hottest_c > hot_c:
        words = f"{seen.unit}: {hottest.hottest_c:.1f} degC is above its rating, {hot_c:.1f} degC"
        yield Finding(Point.LIMITS, hottest.time_s, words)


def _windows(story: Story, seen: Seen, period: Period) -> Iterator[Finding]:
    """Above its window for longer than a reaction takes: then the run must have been held, and nothing rises."""
    press = period.press
    if press is None:
        return
    unit, near = seen.unit, pressure_accuracy_mpa(story, seen)
    top_mpa, heat_k = press.pressure_window_mpa.upper + near, accuracy(seen, SIGNALS[seen.profile.kind][1])
    top_c = press.temperature_window_c.upper + heat_k
    own_mpa = OVER_LOAD * press.pressure_mpa + 2.0 * near
    begun_s: dict[str, float] = {}
    highest: dict[str, float] = {}
    for scan in scans(seen, period.from_s, period.until_s):
        pressed = scan.load > PRESSING[seen.profile.kind]
        over = {
            "pressure": (scan.pressure_mpa, top_mpa, near),
            "temperature": (scan.hottest_c if pressed else 0.0, top_c, heat_k),
            "machine's limit": (scan.pressure_mpa, own_mpa, 0.0),
        }
        for what, (value, top, slack) in over.items():
            if value <= top:
                begun_s.pop(what, None)
                continue
            since_s = begun_s.setdefault(what, scan.time_s)
            if scan.time_s - since_s <= reaction_s(seen):
                highest[what] = value
                continue
            words = f"{unit}: {what} is {value:.1f} in {period.planned.step.name}, more than {top:.1f}"
            if not story.told_between(unit, since_s, scan.time_s):
                yield Finding(
                    Point.LIMITS, scan.time_s, f"{words}, for {scan.time_s - since_s:.1f} s and nobody was told"
                )
                return
            if what == "temperature" and story.spoilt(unit, "heat", scan.time_s, after_s=LAG_S):
                highest[what] = max(highest[what], value)
            if value > highest[what] + slack:
                yield Finding(Point.LIMITS, scan.time_s, f"{words}, and goes on rising")
                return
            if what == "machine's limit" and not story.spoilt(unit, "zero", scan.time_s):
                yield Finding(Point.LIMITS, scan.time_s, f"{words}, for {scan.time_s - since_s:.1f} s")
                return


def _rates(story: Story, seen: Seen, period: Period) -> Iterator[Finding]:
    """Neither up nor down faster than the job says, whoever asked for it."""
    press = period.press
    if press is None:
        return
    near = 2.0 * pressure_accuracy_mpa(story, seen)
    rows = scans(seen, period.from_s, period.until_s)
    last = rows[0] if rows else None
    for scan in rows:
        if last is None or scan.time_s - last.time_s < RATE_WINDOW_S:
            continue
        time_s, change = scan.time_s - last.time_s, scan.pressure_mpa - last.pressure_mpa
        up, down = press.ramp_mpa_s, press.release_mpa_s
        if seen.profile.kind == "isostatic_press" and last.pressure_mpa < FINAL_BELOW_MPA:
            down = FINAL_MPA_S
        spoilt = story.spoilt(seen.unit, "rise" if change > 0.0 else "fall", scan.time_s, after_s=RATE_WINDOW_S)
        if not spoilt and not -(RATE_SHARE * down * time_s + near) <= change <= RATE_SHARE * up * time_s + near:
            words = f"{seen.unit}: pressure changes by {change:.1f} MPa in {time_s:.1f} s in {period.planned.step.name}"
            yield Finding(Point.LIMITS, scan.time_s, words)
            return
        last = scan


def _coating(story: Story, seen: Seen, period: Period) -> Iterator[Finding]:
    coat = period.coat
    if coat is None:
        return
    near_m_min, near_k = accuracy(seen, "web_speed_m_min"), accuracy(seen, "zone1_c")
    hot_since_s: float | None = None
    for scan in scans(seen, period.from_s, period.until_s):
        if scan.web_m_min > coat.web_speed_m_min + near_m_min:
            words = f"{seen.unit}: the web runs at {scan.web_m_min:.3f} m/min, {coat.web_speed_m_min:g} is planned"
            yield Finding(Point.LIMITS, scan.time_s, words)
            return
        over = [c - sp for c, sp in zip(scan.zones_c, coat.zone_temperatures_c, strict=False)]
        is_hot = scan.is_wet and max(over) > coat.zone_window_k + near_k
        hot_since_s = (scan.time_s if hot_since_s is None else hot_since_s) if is_hot else None
        if hot_since_s is None or scan.time_s - hot_since_s <= reaction_s(seen):
            continue
        if not story.told_between(seen.unit, hot_since_s, scan.time_s):
            words = f"{seen.unit}: a zone is {max(over):.1f} K over its setpoint and nobody was told"
            yield Finding(Point.LIMITS, scan.time_s, words)
            return


# ---------------------------------------------------------------------- 3: silence


def silence(story: Story) -> Iterator[Finding]:
    """Where no heartbeat arrives: pressurisation ends within the watchdog time, zero within decompression time."""
    for seen in story.seen.values():
        beats = [*seen.beats_s, story.watched_s]
        for last_s, next_s in pairwise(beats):
            if next_s - last_s > seen.profile.timing.watchdog_s:
                yield from _silent(story, seen, last_s, next_s)
    yield from _neighbours(story)
    yield from _released(story)


def _neighbours(story: Story) -> Iterator[Finding]:
    """While one machine's wire is damaged, every other one is beaten to as before, until it is released."""
    for item in story.injected:
        if not item.fault.startswith("wire."):
            continue
        for seen in (seen for seen in story.seen.values() if seen.unit != item.unit):
            until_s = min(item.until_s, story.ended_s, story.released_s(seen.unit))
            if until_s <= item.from_s:
                continue
            beats = [beat_s for beat_s in seen.beats_s if item.from_s <= beat_s <= until_s]
            gaps = [after - before for before, after in pairwise([item.from_s, *beats, until_s])]
            if max(gaps) > seen.profile.timing.watchdog_s / 2.0:
                words = f"{seen.unit}: no heartbeat for {max(gaps):.1f} s while {item.unit} has {item.fault}"
                yield Finding(Point.SILENCE, item.from_s, words)


def _released(story: Story) -> Iterator[Finding]:
    """A machine is let go without pressure, and never worked with again."""
    for seen in story.seen.values():
        released_s = story.released_s(seen.unit)
        if any(period.from_s > released_s for period in story.periods(seen.unit)):
            yield Finding(Point.SILENCE, released_s, f"{seen.unit}: released before its last step")
        if seen.profile.kind not in SIGNALS:
            continue
        last = next((scan for scan in reversed(seen.scans) if scan.time_s <= released_s), None)
        if released_s < story.watched_s and last is not None and last.load > UNLOADED[seen.profile.kind]:
            yield Finding(Point.SILENCE, released_s, f"{seen.unit}: released under pressure")


def _silent(story: Story, seen: Seen, last_s: float, next_s: float) -> Iterator[Finding]:
    timing = seen.profile.timing
    ended_s = last_s + timing.watchdog_s + 2.0 * max((scan.dt_s for scan in seen.scans), default=0.0)
    if seen.profile.kind == "coater":
        for scan in scans(seen, ended_s + WEB_ACCELERATION_S, next_s):
            if scan.web_m_min > 0.0 or scan.is_heating:
                yield Finding(Point.SILENCE, scan.time_s, f"{seen.unit}: web or heaters on after the watchdog time")
                return
        return
    rows = scans(seen, ended_s, next_s)
    highest = rows[0].pressure_mpa + pressure_accuracy_mpa(story, seen) if rows else 0.0
    for scan in rows:
        if scan.pressure_mpa > highest and not story.spoilt(seen.unit, "rise", scan.time_s):
            yield Finding(Point.SILENCE, scan.time_s, f"{seen.unit}: pressurisation goes on without a controller")
            return
        late = scan.time_s > ended_s + timing.decompression_s
        if late and scan.load > UNLOADED[seen.profile.kind] and not story.spoilt(seen.unit, "zero", scan.time_s, 600.0):
            yield Finding(Point.SILENCE, scan.time_s, f"{seen.unit}: not at zero after the decompression time")
            return
