"""The record of a run, folded from its journal: what `dry-run`, `run` and `show` print.

The same fold serves a run that just ended, one that is still going on and one whose controller died; its form is
published as controller/reports/run.schema.json.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controller.events import Event
from controller.executor.states import ENDED, RunState

IN_ORDER = ("is IDLE, proven to be without pressure", "is IDLE, proven to be at rest")
"""How the words on a machine end that is found as it should be."""
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
    clock = _Clock()
    last: Event | None = None
    for event in events:
        if event.kind == "run.recovered":
            clock.begin()
            _gap(record, event)
        if event.data.get("recovered") is None and "closed" not in record:
            clock.tick(event)
            last = event
        _fold(record, steps, event)
    record["sim_seconds"] = clock.total_s
    record["steps"] = list(steps.values())
    if not alive and not record.pop("closed", False) and record["state"] not in _RESTING:
        _interrupted(record, last)
    record.pop("closed", None)
    rounded: dict[str, Any] = _rounded(record)
    return rounded


@dataclass(slots=True)
class _Clock:
    """The time that a run took, by the clocks of the controllers that worked on it: each of them has its own."""

    total_s: float = 0.0
    _last_s: float | None = None

    def begin(self) -> None:
        """What follows is by another controller's clock."""
        self._last_s = None

    def tick(self, event: Event) -> None:
        """One more record by the present controller's clock."""
        if self._last_s is not None:
            self.total_s += event.time_s - self._last_s
        self._last_s = event.time_s


def _gap(record: dict[str, Any], event: Event) -> None:
    """Tells how long nobody controlled the run, by the clock on the wall; that clock may have been set meanwhile."""
    since = event.data["since_utc"]
    try:
        gap_s = (datetime.fromisoformat(event.utc) - datetime.fromisoformat(since)).total_seconds()
    except (ValueError, TypeError):  # a record without a time that can be read
        gap_s = None
    step = event.data["step"]
    where = f" in step {step}" if step is not None else ""
    lasted = "" if gap_s is None else f", {gap_s:.0f} s by the clock"
    record.setdefault("gaps", []).append({"since_utc": since, "until_utc": event.utc, "step": step, "gap_s": gap_s})
    record["messages"].append(f"no controller worked on the run{where} from {since} to {event.utc}{lasted}")
    record["messages"] += [f"found then: {words}" for words in event.data["found"] if not words.endswith(IN_ORDER)]


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
            record.pop("choices", None)
            if "choices" in data:
                record["choices"] = data["choices"]
        case "run.resumed":
            record.pop("closed", None)
        case "step.started":
            record["current"] = data["name"]
            given = {"unit": data["unit"]} if "unit" in data else {}
            steps[data["name"]] |= {**data["commanded"], **given}
        case "step.interrupted":
            steps[data["name"]] |= data["result"]
        case "step.phase":
            record["phase"] = f"{data['unit']} in phase {data['phase']}"
        case "step.finished":
            steps[data["name"]] |= {**data["result"], "done": True}
            record.pop("current", None)
            record.pop("phase", None)
        case "step.supplied":
            record.pop("current", None)
            _supplied(record, steps[data["name"]], data)
        case "porosity.estimated":
            for name, change in data["steps"].items():
                steps[name] |= change
            record["layers"] = data["layers"]
        case "certificate":
            record["certificate"] = data
        case "interlock.tripped":
            _tripped(record, data)
        case "bypass.met":
            _bypassed(record, data)
        case "command.undelivered" | "command.failed":
            failed = f"{data['unit']}: {data['command']} failed: {data['error']}"
            record["messages"].append(data.get("needless") or failed)
        case "machine.unproven" | "machine.safe":
            record["messages"].append(data["message"])
        case "run.problem":
            record["messages"].append(data["reason"])
        case "gate.decided":
            what = f"{data['lot']}: {data['decision']} ({data['by']}): {data['why']}"
            record["messages"].append(f"{data['step']}: {what}")
        case "calibration.met":
            _calibrated(record, data)
        case "zero.checked" if data["off"]:
            record["messages"].append(data["message"])
        case "lot.status":
            _lot_status(record, data)
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
    if data.get("recovered"):
        return str(data["reason"])
    if not data["reason"] or data["reason"] in before:
        return before
    return f"{before}; {data['reason']}" if before else str(data["reason"])


def _tripped(record: dict[str, Any], data: dict[str, Any]) -> None:
    """What came first in a cascade of interlocks; what followed is added to it."""
    if data["rows"] == data["first"]:
        kept = {"unit": data["unit"], "phase": data["phase"], "rows": data["first"], "then": []}
        record.setdefault("first_out", []).append(kept)
    else:
        last = [kept for kept in record.get("first_out", ()) if kept["unit"] == data["unit"]][-1:]
        for kept in last:
            kept["then"] = [*kept["then"], *data["rows"]]


def _bypassed(record: dict[str, Any], data: dict[str, Any]) -> None:
    """A bypass that was in force for a machine of the run, and whether it let something pass."""
    keys = ("unit", "row", "role", "who", "reason", "begun", "until")
    found = {key: data[key] for key in keys}
    known = record.setdefault("bypasses", [])
    same = next((entry for entry in known if {key: entry[key] for key in keys} == found), None)
    if same is None:
        known.append({**found, "counted": data["counted"]})
    else:
        same["counted"] |= data["counted"]
    record["messages"].append(data["message"] + ("; without it the machine would not go on" if data["counted"] else ""))


def _supplied(record: dict[str, Any], step: dict[str, Any], data: dict[str, Any]) -> None:
    """A step that another run has done: what it came to, and with which calibrations and bypasses it was done there."""
    source = data["from"]
    step |= {**data["result"], "unit": None, "supplied_by": source["run"], "done": True}
    record["messages"].append(f"{data['name']}: done by run {source['run']}, as its record {source['record']} tells")
    for met in data["met"]:
        tell = _calibrated if met["kind"] == "calibration.met" else _bypassed
        tell(record, met)


def _calibrated(record: dict[str, Any], data: dict[str, Any]) -> None:
    """With which calibration a unit was used; an overdue one is told as a message as well."""
    keys = ("unit", "certificate", "date", "due", "state")
    found = {key: data[key] for key in keys}
    known = record.setdefault("calibrations", [])
    if found not in known:
        known.append(found)
        record["messages"] += [f"quality uncertain: {data['doubt']}"] if data["doubt"] else []


def _lot_status(record: dict[str, Any], data: dict[str, Any]) -> None:
    """What a gate or a person said of a lot; the latest counts."""
    status, who = data["status"], data.get("who", "pressline")
    others = [entry for entry in record.get("lots", ()) if entry["lot"] != data["lot"]]
    record["lots"] = [*others, {"lot": data["lot"], "status": status, "why": data["why"], "who": who}]
    record["messages"].append(f"lot {data['lot']}: {status}: {data['why']} ({who})")


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
