"""The record of a run, folded from its journal: what `dry-run`, `run` and `show` print.

The same fold serves a run that just ended, one that is still going on and one whose controller died; its form is
published as controller/reports/run.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from controller.events import Event
from controller.executor.states import ENDED, RunState

DIGITS = 5  # decimals kept in the record; finer than any sensor of the line
_RESTING = {RunState.HELD.value, *(state.value for state in ENDED)}


def empty_step(name: str, kind: str, unit: str | None) -> dict[str, Any]:
    """A step of which nothing is known yet; what was not commanded is null."""
    return {
        "name": name,
        "kind": kind,
        "unit": unit,
        "pressure_mpa": None,
        "temperature_c": None,
        "dwell_s": None,
        "porosity_pct": {},
        "decrease_pct": {},
        "evidence": {},
        "done": False,
    }


def document(events: Iterable[Event], *, alive: bool, wall_seconds: float | None = None) -> dict[str, Any]:
    """The record of one run as plain data.

    alive says whether a controller still works on it: a run that is neither ended nor held, and that no controller
    works on, is shown as held, because a person has to look at its machines.
    """
    record: dict[str, Any] = {
        "run": None,
        "recipe": None,
        "plan_hash": None,
        "state": RunState.IDLE.value,
        "reason": "",
        "purpose": None,
        "sim_seconds": 0.0,
        "wall_seconds": wall_seconds,
        "steps": [],
        "layers": {},
        "certificate": {"pass": 0, "fail": 0, "undetermined": 0, "rules": []},
        "messages": [],
    }
    steps: dict[str, dict[str, Any]] = {}
    first: float | None = None
    last: Event | None = None
    for event in events:
        first = event.time_s if first is None else first
        if event.data.get("recovered") is None and "closed" not in record:  # another process has another clock
            last = event
        _fold(record, steps, event)
    if last is not None and first is not None:
        record["sim_seconds"] = last.time_s - first
    record["steps"] = list(steps.values())
    if not alive and not record.pop("closed", False) and record["state"] not in _RESTING:
        _interrupted(record, last)
    record.pop("closed", None)
    rounded: dict[str, Any] = _rounded(record)
    return rounded


def _fold(record: dict[str, Any], steps: dict[str, dict[str, Any]], event: Event) -> None:
    data = dict(event.data)
    match event.kind:
        case "run.created":
            record |= {
                "run": event.run,
                "recipe": data["recipe"],
                "plan_hash": data["plan_hash"],
                "purpose": data["purpose"],
            }
            for step in data["steps"]:
                steps[step["name"]] = empty_step(step["name"], step["kind"], step["unit"])
        case "run.state":
            record |= {"state": data["state"], "reason": _reason(record["reason"], data)}
        case "step.started":
            record["current"] = data["name"]
            steps[data["name"]] |= data["commanded"]
        case "step.interrupted":
            steps[data["name"]] |= data["result"]
        case "step.phase":
            record["phase"] = f"{data['unit']} in phase {data['phase']}"
        case "step.finished":
            steps[data["name"]] |= {**data["result"], "done": True}
            record.pop("current", None)
            record.pop("phase", None)
        case "porosity.estimated":
            for name, change in data["steps"].items():
                steps[name] |= change
            record["layers"] = data["layers"]
        case "certificate":
            record["certificate"] = data
        case "command.undelivered" | "command.failed":
            record["messages"].append(f"{data['unit']}: {data['command']} failed: {data['error']}")
        case "machine.unproven" | "machine.safe":
            record["messages"].append(data["message"])
        case "run.problem":
            record["messages"].append(data["reason"])
        case "lab.entered":
            fact = data["fact"]
            what = f"{fact['quantity']} of {fact['subject']} {fact['value']:g} {fact['unit']}"
            record["messages"].append(f"laboratory, after the run: {what} ({fact['source']})")
        case "run.closed":
            record["closed"] = True
            if data.get("truth") is not None:
                record["truth"] = {key: value for key, value in data["truth"].items() if key != "outside_model"}
                told = data["truth"].get("outside_model", ())
                record["messages"] += [f"the simulation is not validated here: {said}" for said in told]
            if data.get("wall_seconds") is not None:
                record["wall_seconds"] = data["wall_seconds"]
        case _:
            pass


def _reason(before: str, data: dict[str, Any]) -> str:
    """Why the run is where it is: a stop after a hold keeps the hold's reason; a run that goes on has none."""
    if data["state"] in (RunState.RUNNING.value, RunState.COMPLETE.value):
        return ""
    if not data["reason"] or data["reason"] in before:
        return before
    return f"{before}; {data['reason']}" if before else str(data["reason"])


def _interrupted(record: dict[str, Any], last: Event | None) -> None:
    where = f" in step {record['current']}" if "current" in record else ""
    phase = f" ({record['phase']})" if "phase" in record else ""
    record["state"] = RunState.HELD.value
    record["reason"] = f"the controller ended without closing the run{where}{phase}"
    at = f" {last.utc}" if last is not None else ""
    record["messages"].append(
        f"last record{at}; the machines act by themselves on a silent controller; look at them before anything else"
    )


def _rounded(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, DIGITS)
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(item) for item in value]
    return value
