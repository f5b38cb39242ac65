"""Points 4 to 7 of the observer: the journal, the alarms in it, the certificate, and the state at the end."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from controller.events import Event
from controller.executor.states import ENDED, RunState
from controller.journal import verify
from tests.campaign.fault_limits import UNLOADED, presses, pressure_accuracy_mpa
from tests.campaign.fault_story import Finding, Injected, Point, Story, text_of
from tests.campaign.truth import TrueRun, compared

RAISING = ("load_job", "start", "restart", "reset", "tare")
LOWERING = ("hold", "stop", "abort")
TAKEN = ("ACCEPTED", "DONE")
ALARMS = frozenset(
    {
        "run.problem",
        "rule.broken",
        "command.refused",
        "command.failed",
        "command.undelivered",
        "machine.unproven",
        "prompt.answered",
    }
)
"""What tells a person of a condition beside a change of the run's state, until there are alarms of their own."""
OURSELVES = frozenset({"", "pressline"})
SCAN_S = 0.5
"""The coarsest scan of a machine: by so much its own time may lie before the line's."""

# ---------------------------------------------------------------------- 4: journal


def journal(story: Story) -> Iterator[Finding]:
    """No event is lost, doubled or out of order, the chain holds, and every command that was obeyed is in it."""
    events = story.events
    yield from (Finding(Point.JOURNAL, story.ended_s, fault) for fault in verify(events))
    for before, event in pairwise(events):
        if event.time_s < before.time_s:
            yield Finding(Point.JOURNAL, event.time_s, f"record {event.sequence} is older than the one before it")
        if event.kind == before.kind == "run.state" and event.data == before.data:
            yield Finding(Point.JOURNAL, event.time_s, f"record {event.sequence} tells again what was told")
    kinds = Counter(event.kind for event in story.of_run())
    for kind in ("run.created", "run.closed", "certificate"):
        if kinds[kind] != 1:
            yield Finding(Point.JOURNAL, story.ended_s, f"there are {kinds[kind]} records of {kind}")
    if story.of_run()[-1:] and story.of_run()[-1].kind != "run.closed":
        yield Finding(Point.JOURNAL, story.ended_s, f"{story.of_run()[-1].kind} comes after the end")
    yield from _steps(story)
    yield from _commands(story)


def _steps(story: Story) -> Iterator[Finding]:
    open_step: str | None = None
    for event in story.of_run():
        if event.kind == "step.started":
            if open_step is not None:
                yield Finding(Point.JOURNAL, event.time_s, f"{event.data['name']} starts before the end of {open_step}")
            open_step = event.data["name"]
        elif event.kind == "step.finished":
            if event.data["name"] != open_step:
                yield Finding(Point.JOURNAL, event.time_s, f"{event.data['name']} ends and never started")
            open_step = None


def _commands(story: Story) -> Iterator[Finding]:
    """What a machine took in was journalled: what raises risk before it was sent, what lowers it after."""
    for seen in story.seen.values():
        mine = [event for event in story.events if event.data.get("unit") == seen.unit]
        for command in (*RAISING, *LOWERING):
            taken = [obeyed.time_s for obeyed in seen.commands if obeyed.command == command and obeyed.result in TAKEN]
            records = {
                kind: [e.time_s for e in mine if e.kind == f"command.{kind}" and e.data["command"] == command]
                for kind in ("requested", "done", "failed", "undelivered")
            }
            told = records["done"] + records["failed"] + records["undelivered"]
            if len(taken) > len(told):
                words = f"{seen.unit} obeyed {len(taken)} times {command}, the journal tells of {len(told)}"
                yield Finding(Point.JOURNAL, story.ended_s, words)
            if len(records["done"]) > len(taken):
                words = (
                    f"the journal tells of {command} done {len(records['done'])} times, {seen.unit} obeyed {len(taken)}"
                )
                yield Finding(Point.JOURNAL, story.ended_s, words)
            if command in LOWERING:
                continue
            for number, time_s in enumerate(taken):
                if not [told_s for told_s in records["requested"] if told_s <= time_s + SCAN_S][number:]:
                    words = f"{seen.unit} obeyed {command} before it was journalled"
                    yield Finding(Point.JOURNAL, time_s, words)


# ---------------------------------------------------------------------- 5: alarms


def alarms(story: Story) -> Iterator[Finding]:
    """Each condition that needs a person is told in time, with unit and cause, and does not vanish by itself."""
    for item in story.injected:
        if not item.needs_person:
            continue
        alarm = next((event for event in story.of_run() if raises(item, event)), None)
        if alarm is None:
            words = f"{item.fault} on {item.unit}: nothing tells of it ({item.cause})"
            yield Finding(Point.ALARM, item.from_s, words)
            continue
        if (late_s := alarm.time_s - item.from_s) > item.within_s:
            words = f"{item.fault} on {item.unit}: told after {late_s:.1f} s, {item.within_s:.1f} s are allowed"
            yield Finding(Point.ALARM, alarm.time_s, words)
        yield from _stays(story, item, alarm)


def raises(item: Injected, event: Event) -> bool:
    """Whether an event tells of an injected condition."""
    if event.time_s < item.from_s - SCAN_S:
        return False
    if event.kind == "run.state":
        tells = event.data["state"] in ("holding", "held", "stopping", "aborting") and bool(event.data["reason"])
    elif event.kind == "prompt.answered":
        tells = bool(event.data["wrong"])
    else:
        tells = event.kind in ALARMS
    text = text_of(event)
    return tells and item.unit in text and re.search(item.cause, text, re.IGNORECASE) is not None


def _stays(story: Story, item: Injected, alarm: Event) -> Iterator[Finding]:
    """After an alarm the run goes on only by a person, and until then its record says why it does not."""
    if alarm.kind != "run.state":
        return
    for event in story.of_run():
        if event.sequence <= alarm.sequence or event.kind != "run.state":
            continue
        if event.data["state"] == RunState.RESTARTING and event.data["who"] not in OURSELVES:
            return
        if event.data["state"] in (RunState.RUNNING, RunState.RESTARTING, RunState.COMPLETE):
            words = f"{item.fault} on {item.unit}: the alarm went away, the run is {event.data['state']} by itself"
            yield Finding(Point.ALARM, event.time_s, words)
            return
    if alarm.data["reason"] not in story.record["reason"]:
        words = f"{item.fault} on {item.unit}: the record's reason is {story.record['reason']!r} without the alarm's"
        yield Finding(Point.ALARM, story.ended_s, words)


# ---------------------------------------------------------------------- 6: certificate


def certificate(story: Story) -> Iterator[Finding]:
    """Nothing passes where the truth fails by more than the stated uncertainty."""
    if "honda" not in story.plan.recipe.basis:
        return
    for item in compared(TrueRun(dict(story.record), dict(story.truths))):
        if item.verdict == "pass" and item.is_beyond:
            words = (
                f"{item.rule.id} passes with {item.value:.6g} +- {item.expanded:.4g} {item.rule.unit},"
                f" the truth is {item.truth:.6g} and fails by {item.outside:.4g}"
            )
            yield Finding(Point.CERTIFICATE, story.ended_s, words)


# ---------------------------------------------------------------------- 7: end


def end(story: Story) -> Iterator[Finding]:
    """The run ends in a state that tells the truth, and a person can continue or close it."""
    state, reason = story.record["state"], story.record["reason"]
    if state not in (*(ended.value for ended in ENDED), RunState.HELD.value):
        yield Finding(Point.END, story.ended_s, f"the run is left {state}")
    if state != RunState.COMPLETE and not reason:
        yield Finding(Point.END, story.ended_s, f"the run is {state} without a reason")
    if state in (RunState.STOPPED, RunState.ABORTED):
        yield from _at_rest(story, story.ended_s, f"while the run is {state}")
    yield from _at_rest(story, story.watched_s, "after all")
    if state == RunState.COMPLETE:
        yield from _complete(story)
    yield from _reached(story)
    if story.refusal:
        yield Finding(Point.END, story.watched_s, f"a person cannot close the matter: {story.refusal}")


def _at_rest(story: Story, time_s: float, when: str) -> Iterator[Finding]:
    for seen in story.seen.values():
        scan = next((scan for scan in reversed(seen.scans) if scan.time_s <= time_s), None)
        if scan is None:
            continue
        if seen.profile.kind == "coater" and scan.web_m_min > 0.0:
            yield Finding(Point.END, time_s, f"{seen.unit}: the web runs {when}")
        if seen.profile.kind in UNLOADED and scan.load > UNLOADED[seen.profile.kind]:
            yield Finding(Point.END, time_s, f"{seen.unit}: carries {scan.load:.1f} {when}")


def _complete(story: Story) -> Iterator[Finding]:
    finished = [event.data["name"] for event in story.of_run() if event.kind == "step.finished"]
    if missing := [p.step.name for p in story.plan.steps if p.step.name not in finished]:
        yield Finding(Point.END, story.ended_s, f"complete without {', '.join(missing)}")
    last = story.plan.steps[-1].step
    product = last.produces or last.consumes[0]
    if product not in story.lots:
        yield Finding(Point.END, story.ended_s, f"complete, and there is no lot {product}")
    for planned in story.plan.steps:
        if planned.step.role is not None and (planned.step.role, "pressure") not in story.truths:
            yield Finding(Point.END, story.ended_s, f"complete, and {planned.step.name} was never pressed")


def _reached(story: Story) -> Iterator[Finding]:
    """A finished pressing's record is the truth within its uncertainty and its sensor's accuracy."""
    kinds = {seen.unit: seen for seen in presses(story)}
    steps = {step["name"]: step for step in story.record["steps"]}
    for planned in story.plan.steps:
        step = steps.get(planned.step.name)
        true = story.truths.get((planned.step.role or "", "pressure"))
        if step is None or not step["done"] or true is None or planned.unit not in kinds:
            continue
        told = step["pressure_mpa"]
        near = told["uncertainty"] + pressure_accuracy_mpa(story, kinds[planned.unit])
        if abs(told["reached"] - true) > near:
            words = f"{planned.step.name} is told to have reached {told['reached']:.1f} MPa, truly {true:.1f} MPa"
            yield Finding(Point.END, story.ended_s, words)
