"""What became of several runs, folded from their one journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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


@dataclass(slots=True)
class Doing:
    """What a run does or waits for, from its own records as they come: there is always an answer.

    It is held or paused, has ended, waits for a unit, for somebody or for the right time, was asked something that
    nobody has answered, or it waits for nothing and works.
    """

    state: str = "idle"
    reason: str = ""
    _step: str = ""
    _waiting: Mapping[str, Any] | None = None
    _prompt: Mapping[str, Any] | None = None

    def take(self, event: Event) -> None:
        """One more record of the run."""
        match event.kind:
            case "run.state":
                self.state, self.reason = event.data["state"], event.data["reason"] or self.reason
                self.reason = "" if self.state == "running" else self.reason
            case "run.waiting":
                self._waiting = event.data
            case "run.waited":
                self._waiting = None
            case "prompt.asked":
                self._prompt = event.data
            case "prompt.begun" if self._prompt is not None:
                self._prompt = {**self._prompt, "is_begun": True}
            case "prompt.answered":
                self._prompt = None
            case "run.recovered":
                self._waiting = self._prompt = None
            case "step.started":
                self._waiting = self._prompt = None
                self._step = f"{event.data['name']}" + (f" on {event.data['unit']}" if event.data["unit"] else "")
            case "step.finished" | "step.supplied":
                self._step, self._prompt = "", None

    @property
    def words(self) -> str:
        """Why it does not go on, or that it does."""
        return _answer(self.state, self.reason, self._step, self._waiting, self._prompt)


def why_waiting(events: Sequence[Event]) -> str:
    """Why a run does not go on, from its own records."""
    doing = Doing()
    for event in events:
        doing.take(event)
    return doing.words


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
