"""Point 2 of the observer: the pressures reached keep their order, and nothing starts without its permissives."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from math import hypot

from recipes.rules.engine import Verdict
from recipes.rules.rule import Relation
from tests.campaign.fault_limits import (
    PRESSING,
    SIGNALS,
    UNLOADED,
    accuracy,
    coaters,
    presses,
    pressure_accuracy_mpa,
    scans,
)
from tests.campaign.fault_story import Finding, Period, Point, Story
from tests.campaign.observer import Pressed, Seen

SWITCH_S = 1.0
"""A safety controller acts on its switches within this time (the register documents: one second scan)."""

RISE = 1e-3
"""kN or MPa in one scan; less is rounding."""


def order(story: Story) -> Iterator[Finding]:
    """The pressures really reached keep their order; nothing starts without its permissives."""
    yield from _pressures(story)
    for seen in presses(story):
        yield from _starts(story, seen)
        yield from _openings(story, seen)
    for seen in coaters(story):
        yield from _air_and_web(story, seen)


def _pressures(story: Story) -> Iterator[Finding]:
    """Every binding rule that compares the pressures of two steps, held against both true dwell means."""
    if story.plan.recipe.purpose.value != "production":
        return
    units = {planned.step.role: planned.unit for planned in story.plan.steps if planned.step.role is not None}
    for rule in story.plan.rules.rules:
        if rule.quantity != "pressure" or not rule.severity.binding:
            continue
        if rule.relation not in (Relation.GREATER_THAN, Relation.LESS_THAN) or rule.other not in story.truths:
            continue
        this, other = story.truths.get((rule.subject, "pressure")), story.truths[rule.other]
        if this is None:
            continue
        near = hypot(*(_near(story, units.get(role)) for role in (rule.subject, rule.other[0])))
        outside = other - this if rule.relation is Relation.GREATER_THAN else this - other
        if outside > near:
            words = f"{rule.subject} really reached {this:.1f} MPa and {rule.other[0]} {other:.1f} MPa ({rule.id})"
            verdicts = {r["id"]: r["verdict"] for r in story.record["certificate"]["rules"]}
            if story.record["state"] == "complete" or verdicts.get(rule.id) == Verdict.PASS.value:
                yield Finding(Point.ORDER, story.ended_s, words)


def _near(story: Story, unit: str | None) -> float:
    seen = story.seen.get(unit or "")
    return 0.0 if seen is None else pressure_accuracy_mpa(story, seen)


def _starts(story: Story, seen: Seen) -> Iterator[Finding]:
    """Pressure begins to rise only on a lot, behind what is shut, at the step's temperature, soaked."""
    for period in story.periods(seen.unit):
        if period.press is not None:
            yield from _beginning(seen, period)
            yield from _rising(seen, period)


def _beginning(seen: Seen, period: Period) -> Iterator[Finding]:
    press, kind, soaked_s = period.press, seen.profile.kind, 0.0
    if press is None:
        return
    window, near_k = press.temperature_window_c, accuracy(seen, SIGNALS[kind][1])
    for before, scan in pairwise(scans(seen, period.from_s, period.until_s)):
        is_warm = window.lower - near_k <= scan.coldest_c and scan.hottest_c <= window.upper + near_k
        if before.load <= PRESSING[kind] < scan.load:
            missing = {
                f"at {scan.coldest_c:.1f} to {scan.hottest_c:.1f} degC": not is_warm,
                f"after {soaked_s:.0f} s of soaking": soaked_s < press.soak_s - SWITCH_S,
                "with nothing in it": not scan.lot,
                "and it is not shut": not (scan.is_shut and scan.is_permitted),
            }
            for what in (what for what, is_so in missing.items() if is_so):
                yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: pressure begins to rise {what}")
        soaked_s = soaked_s + scan.dt_s if is_warm and scan.load <= PRESSING[kind] else 0.0


def _rising(seen: Seen, period: Period) -> Iterator[Finding]:
    """Once it rises, the machine's own switches end it within their time; two hands are needed for the closing only."""
    kind, since_s = seen.profile.kind, None
    rows: list[Pressed] = scans(seen, period.from_s, period.until_s)
    for before, scan in pairwise(rows):
        is_held = scan.is_shut and (scan.is_permitted or kind == "uniaxial_press")
        if is_held or scan.load <= max(before.load, PRESSING[kind]) + RISE:
            since_s = None
            continue
        since_s = scan.time_s if since_s is None else since_s
        if scan.time_s - since_s > SWITCH_S:
            yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: pressure goes on rising and it is not shut")
            return


def _openings(story: Story, seen: Seen) -> Iterator[Finding]:
    """A closure opens only at zero, and a lot is taken out only then."""
    for before, scan in pairwise(seen.scans):
        loaded = before.load > UNLOADED[seen.profile.kind]
        if loaded and seen.profile.kind == "isostatic_press" and before.is_shut and not scan.is_shut:
            yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: its closure opens at {before.pressure_mpa:.1f} MPa")
        if loaded and before.lot and not scan.lot:
            yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: {before.lot} is taken out at {before.load:.1f}")


def _air_and_web(story: Story, seen: Seen) -> Iterator[Finding]:
    """The web starts with air, whole and guarded; no heat without air or under a wet web that stands; exhaust stays."""
    bad_since_s: dict[str, float] = {}
    for before, scan in pairwise(seen.scans):
        if before.web_m_min == 0.0 < scan.web_m_min and not (scan.has_air and scan.is_whole and scan.is_shut):
            yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: the web starts without air, whole web or guard")
        bad = {
            "heats without air": scan.is_heating and not scan.has_air,
            "heats a wet web that stands": scan.is_heating and scan.is_wet and scan.web_m_min == 0.0,
            "runs with a torn web": scan.web_m_min > 0.0 and not scan.is_whole,
            "runs with an open guard": scan.web_m_min > 0.0 and not scan.is_shut,
        }
        for what, is_bad in bad.items():
            if not is_bad:
                bad_since_s.pop(what, None)
            elif scan.time_s - bad_since_s.setdefault(what, scan.time_s) > SWITCH_S + scan.dt_s:
                yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: it {what}")
                return
        if before.exhaust_on and not scan.exhaust_on:
            yield Finding(Point.ORDER, scan.time_s, f"{seen.unit}: its exhaust was switched off")
