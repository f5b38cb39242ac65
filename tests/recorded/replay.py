"""What a run decided, taken from its journal, and how two runs differ in it.

Compared are states, commands, prompts, verdicts, steps and reasons, and the instants between them. Not compared is what
was measured or computed: numbers within sentences, estimates, facts. They belong to the physics and to the laws, which
have tests of their own, and their last digits to the platform.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from math import isclose
from typing import Any

from controller.events import Event
from drivers.profile_file import load_profile
from simulators.line import PROFILES

JOB_SHARE = 1e-3
"""A job holds the recipe's numbers, and in a uniaxial press's force the tare that was read: 0.1 % is its noise."""
_NUMBER = re.compile(r"\b(?=[0-9a-f]*\d)[0-9a-f]{8,}\b|[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?")


def interval_tolerance_s() -> float:
    """How far an instant may move against the one before it: a poll at either end.

    A decision is made at a poll. A value whose last digit is another one crosses its bound a poll earlier or later, and
    code that reads once more shifts a poll; at the slowest rate a poll is 1 s. Intervals are compared and not times, so
    that what happens late in a run is held as tightly as what happens early.
    """
    timings = [load_profile(name).timing for name in PROFILES.values()]
    return 2.0 * max(timing.poll_idle_s for timing in timings)


@dataclass(frozen=True, slots=True)
class Decision:
    """One thing that was decided: what, with everything that is compared, when (seconds of the line), which numbers."""

    words: str
    time_s: float
    numbers: Mapping[str, float]


def _picked(*keys: str) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    return lambda data: {key: data[key] for key in keys if key in data}


def _certificate(data: Mapping[str, Any]) -> dict[str, Any]:
    verdicts = {rule["id"]: rule["verdict"] for rule in data["rules"]}
    return {**{key: data[key] for key in ("pass", "fail", "undetermined")}, "verdicts": verdicts}


DECISIONS: Mapping[str, Callable[[Mapping[str, Any]], dict[str, Any]]] = {
    "run.created": _picked("recipe", "purpose", "steps"),
    "run.state": _picked("state", "reason", "who"),
    "run.problem": _picked("reason"),
    "run.closed": _picked("state"),
    "step.started": _picked("name", "kind", "unit", "lots", "commanded"),
    "step.phase": _picked("unit", "phase"),
    "step.finished": _picked("name", "kind", "produces"),
    "step.interrupted": _picked("name"),
    "command.requested": _picked("unit", "command", "who"),
    "command.done": _picked("unit", "command", "reason", "who"),
    "command.failed": _picked("unit", "command", "error"),
    "command.refused": _picked("unit", "command", "missing"),
    "command.undelivered": _picked("unit", "command", "reason", "who"),
    "machine.safe": _picked("unit", "message"),
    "machine.unproven": _picked("unit", "message"),
    "rule.broken": _picked("id", "rule", "verdict", "severity"),
    "prompt.asked": _picked("action", "text", "lots", "unit", "attempt"),
    "prompt.answered": _picked("action", "by", "lots", "unit", "wrong"),
    "unit.released": _picked("unit"),
    "condition": _picked("name", "unit", "active"),
    "gate.decided": _picked("step", "gate", "decision", "outcome"),
    "alarm.raised": _picked("name", "subject", "priority"),
    "alarm.returned": _picked("name", "subject"),
    "certificate": _certificate,
}
"""The kinds of records that are decisions, and what of them is compared."""


def decisions(events: Sequence[Event]) -> list[Decision]:
    """What a run decided, in order."""
    found = []
    for event in events:
        if (pick := DECISIONS.get(event.kind)) is None:
            continue
        text = json.dumps(_masked(pick(event.data)), sort_keys=True, ensure_ascii=False)
        numbers = event.data.get("job", {}) if event.kind == "command.requested" else {}
        found.append(Decision(f"{event.kind} {text}", event.time_s, numbers))
    return found


def _masked(value: Any) -> Any:
    """The same with the numbers within sentences taken out; single words keep theirs, they are names."""
    if isinstance(value, str):
        return _NUMBER.sub("#", value) if " " in value else value
    if isinstance(value, Mapping):
        return {key: _masked(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_masked(item) for item in value]
    return value


def differences(then: Sequence[Event], now: Sequence[Event]) -> Iterator[str]:
    """How two runs differ, in words that are the same whenever they differ alike."""
    old, new = decisions(then), decisions(now)
    matcher = SequenceMatcher(None, [d.words for d in old], [d.words for d in new], autojunk=False)
    pairs: list[tuple[Decision, Decision]] = []
    for what, from_old, to_old, from_new, to_new in matcher.get_opcodes():
        if what == "equal":
            pairs += zip(old[from_old:to_old], new[from_new:to_new], strict=True)
            continue
        yield from (f"no more: {decision.words}" for decision in old[from_old:to_old])
        yield from (f"new: {decision.words}" for decision in new[from_new:to_new])
    yield from _numbers(pairs)
    yield from _instants(pairs)


def _numbers(pairs: Sequence[tuple[Decision, Decision]]) -> Iterator[str]:
    for was, now in pairs:
        if was.numbers.keys() != now.numbers.keys():
            keys = ", ".join(sorted(was.numbers.keys() ^ now.numbers.keys()))
            yield f"the job has other values: {keys} of {was.words}"
        for key in was.numbers.keys() & now.numbers.keys():
            if not isclose(was.numbers[key], now.numbers[key], rel_tol=JOB_SHARE, abs_tol=1e-9):
                yield f"another {key} of {was.words}"


def _instants(pairs: Sequence[tuple[Decision, Decision]]) -> Iterator[str]:
    """Between two decisions that both runs made, one after the other in both or not."""
    tolerance_s = interval_tolerance_s()
    for (was, now), (was_next, now_next) in pairwise(pairs):
        before_s, after_s = was_next.time_s - was.time_s, now_next.time_s - now.time_s
        if abs(after_s - before_s) > tolerance_s:
            yield f"another time ({before_s:.0f} s then) before: {was_next.words}"
