"""What is told of each run that is hosted, folded as it is told: views are made of it without asking the journal."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from controller.batch_record import Doing
from controller.events import Event

PROBLEMS = 20
"""Messages of a run that are shown, the latest ones; its record has all (engineering judgement)."""


@dataclass(slots=True)
class StepTold:
    """What is told of a step."""

    name: str
    kind: str
    unit: str | None
    state: str = "open"
    begun_utc: str | None = None
    begun_s: float | None = None
    ended_utc: str | None = None


@dataclass(slots=True)
class Story:
    """One run as its records tell it. time_s of records of an earlier process is another clock's; is_now says which."""

    name: str
    created: Mapping[str, Any] = field(default_factory=dict)
    created_utc: str = ""
    last_utc: str = ""
    version: int = 0
    choices: Mapping[str, str] = field(default_factory=dict)
    doing: Doing = field(default_factory=Doing)
    steps: dict[str, StepTold] = field(default_factory=dict)
    current: str = ""
    phase: str = ""
    prompt_utc: str = ""
    escalated_to: str = ""
    problems: deque[str] = field(default_factory=lambda: deque(maxlen=PROBLEMS))
    is_closed: bool = False

    def take(self, event: Event, *, is_now: bool = True) -> None:
        """One more record of the run."""
        self.doing.take(event)
        self.last_utc = event.utc
        data = event.data
        match event.kind:
            case "run.created":
                self.created, self.created_utc = data, event.utc
                self.steps = {s["name"]: StepTold(s["name"], s["kind"], s["unit"]) for s in data["steps"]}
            case "run.state":
                self.version = int(data.get("version", self.version))
                self.choices = data.get("choices", {})
            case "step.started":
                step = self._begin(data)
                step.state, step.begun_utc, step.begun_s = "working", event.utc, event.time_s if is_now else None
            case "step.finished" | "step.supplied":
                self._end(data["name"], "done", event.utc)
            case "step.interrupted":
                self._end(data["name"], "broken off", None)
            case "step.phase":
                self.phase = data["phase"]
            case "prompt.asked":
                self.prompt_utc, self.escalated_to = event.utc, ""
            case "prompt.escalated":
                self.escalated_to = data["to"]
            case "run.problem":
                self.problems.append(data["reason"])
            case "run.resumed":
                self.is_closed = False
            case "run.closed":
                self.is_closed = True

    def _begin(self, data: Mapping[str, Any]) -> StepTold:
        self.current, self.phase = data["name"], ""
        step = self.steps.setdefault(data["name"], StepTold(data["name"], data["kind"], None))
        step.unit = data["unit"] or step.unit
        return step

    def _end(self, name: str, state: str, utc: str | None) -> None:
        if name in self.steps:
            self.steps[name].state, self.steps[name].ended_utc = state, utc
        if name == self.current and state == "done":
            self.current = self.phase = ""


class Stories(asyncio.Queue[Event]):
    """The stories of the runs that are hosted; a queue that is never full, because it keeps nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.of: dict[str, Story] = {}

    def begin(self, name: str, record: Iterable[Event] = ()) -> Story:
        """From now on the run is followed; record is what was told of it before, by an earlier process."""
        story = self.of[name] = Story(name)
        for event in record:
            story.take(event, is_now=False)
        return story

    def put_nowait(self, item: Event) -> None:
        if (story := self.of.get(item.run)) is not None:
            story.take(item)
