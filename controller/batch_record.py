"""What became of several runs, folded from their one journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from controller.events import Event
from controller.executor.record import document
from controller.executor.waits import BROKEN


def batches_document(
    events: Sequence[Event], names: Sequence[str], refused: Mapping[str, str], people: int, wall_seconds: float | None
) -> dict[str, Any]:
    """Each run's record with its times, what could not begin, which maximum waits were broken, and the makespan.

    journal_hash is of the last record, over all before. Times are the line's in s, from the first record on.
    """
    own: dict[str, list[Event]] = {name: [] for name in names}
    for event in events:
        if event.run in own:
            own[event.run].append(event)
    start_s = events[0].time_s if events else 0.0
    times = [_times(own[name], start_s) for name in names]
    return {
        "people": people,
        "makespan_s": max((time["end_s"] for time in times), default=0.0),
        "wall_seconds": wall_seconds,
        "journal_hash": events[-1].hash if events else None,
        "refused": dict(refused),
        "broken_waits": [
            f"{event.run}: {event.data['message']}"
            for event in events
            if event.kind == "condition" and event.data["name"] == BROKEN and event.data["active"]
        ],
        "times": times,
        "runs": [document(own[name], alive=False) for name in names],
    }


def _times(events: Sequence[Event], start_s: float) -> dict[str, Any]:
    begun = [event.time_s for event in events if event.kind == "step.started"]
    ended = [event.time_s for event in events if event.kind == "step.finished"]
    return {
        "begin_s": min(begun, default=start_s) - start_s,
        "end_s": max(ended, default=start_s) - start_s,
        "waited_s": sum(event.data["waited_s"] for event in events if event.kind == "run.waited"),
    }


def why_waiting(events: Sequence[Event]) -> str:
    """Why a run does not go on, from its own records, whatever it is: there is always an answer.

    It is held or paused, has ended, waits for a unit, for somebody or for the right time, was asked something that
    nobody has answered, or it waits for nothing and works.
    """
    state, reason, step = "idle", "", ""
    waiting: Mapping[str, Any] | None = None
    prompt: Mapping[str, Any] | None = None
    for event in events:
        match event.kind:
            case "run.state":
                state, reason = event.data["state"], event.data["reason"] or reason
                reason = "" if state == "running" else reason
            case "run.waiting":
                waiting = event.data
            case "run.waited":
                waiting = None
            case "prompt.asked":
                prompt = event.data
            case "prompt.begun" if prompt is not None:
                prompt = {**prompt, "is_begun": True}
            case "prompt.answered":
                prompt = None
            case "run.recovered":
                waiting = prompt = None
            case "step.started":
                waiting = prompt = None
                step = f"{event.data['name']}" + (f" on {event.data['unit']}" if event.data["unit"] else "")
            case "step.finished" | "step.supplied":
                step, prompt = "", None
    return _answer(state, reason, step, waiting, prompt)


def _answer(
    state: str, reason: str, step: str, waiting: Mapping[str, Any] | None, prompt: Mapping[str, Any] | None
) -> str:
    because = f" because {reason}" if reason else ""
    if state == "idle":
        return "it has not begun"
    if state in ("complete", "stopped", "aborted"):
        return f"it has ended: {state}{because}"
    if state == "held":
        return f"it is held{because}; somebody has to restart, stop or abort it"
    if state == "paused":
        return f"it is paused{because}; somebody has to resume it"
    if state != "running":
        return f"it is {state}{because}"
    if waiting is not None:
        return f"it waits for {waiting['for']}: {waiting['because']}"
    if prompt is not None:
        return f"it waits for somebody who {'is at it' if 'is_begun' in prompt else 'was asked'}: {prompt['text']}"
    return f"it waits for nothing: {step or 'between two steps'}"
