"""A run's knowledge rebuilt from its record alone: what finished steps learned, what is known of a broken-off one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from controller.events import Event
from controller.executor.dwell import Reached
from controller.executor.memory import BrokenOff, Learned
from controller.executor.run import Request, Run
from controller.executor.states import RunState, Trigger
from controller.metrology import Metrology
from recipes.facts import FactBook
from recipes.rules.kept import fact_of

MEASURED = frozenset({"confirm_area", "press", "weigh", "thickness", "lab", "lose_track", "doubt"})
"""The operations of metrology that a record holds, each with its arguments by name."""


GOING_ON = frozenset({RunState.RUNNING.value, RunState.PAUSING.value})
"""States in which a job goes on unheld; a pause waits for the end of the step."""


class NotRecallable(Exception):
    """A record does not hold what a run needs to be continued: an older program wrote it, or it was changed."""


def recall(run: Run, events: Iterable[Event]) -> None:
    """Brings a fresh run to where its record says that it was: finished steps, facts, estimates, jobs, what broke off.

    The state is HELD afterwards, unless the run has ended: a person decides. Raises NotRecallable.
    """
    for event in events:
        match event.kind:
            case "step.finished" | "step.supplied":
                take_finished(run, event)
            case "gate.decided" if event.data["decision"] == "re-press":
                _learn_again(run, event, event.data["step"])
                run.memory.broken_off = broken_off_by(run.memory.broken_off, event)
            case "run.state":
                run.pause_asked = paused_by(run.pause_asked, run.state, event.data)
                run.state = RunState(event.data["state"])
                run.version = int(event.data.get("version", run.version))
                run.memory.broken_off = broken_off_by(run.memory.broken_off, event)
            case "rule.broken":
                run.held_by_rules.add(event.data["rule"])
            case "unit.released":
                pass  # a released unit is connected again, and released again where nothing needs it
            case _:
                run.memory.broken_off = broken_off_by(run.memory.broken_off, event)
        if event.kind == "command.requested" and event.data["command"] == "load_job" and run.memory.broken_off:
            run.jobs[int(event.data["job"]["job_id"])] = run.memory.broken_off.step
    if run.state not in (RunState.STOPPED, RunState.ABORTED, RunState.COMPLETE):
        run.state = RunState.HELD


def paused_by(before: Request | None, state: RunState, change: Mapping[str, Any]) -> Request | None:
    """The pause that somebody has asked for and nobody has ended, after one more change of a run's state."""
    if change["state"] == RunState.PAUSING:
        return Request(Trigger.PAUSE, change["reason"], change["who"])
    return None if state is RunState.PAUSED and change["state"] == RunState.RUNNING else before


def take_finished(run: Run, event: Event) -> None:
    """What the record of a finished step says that the run knows since. Raises NotRecallable."""
    _learn_again(run, event, event.data["name"])
    run.memory.finish(event.data["name"])


def _learn_again(run: Run, event: Event, step: str) -> None:
    """What a step had learned by this record, and what the run knew then."""
    data = event.data
    if "learned" not in data or "known" not in data:
        older = "an older program wrote it"
        raise NotRecallable(f"record {event.sequence} does not say what {step} learned: {older}")
    try:
        for what in data["learned"]:
            relearn(run, what)
        known = data["known"]
        run.jobs |= {int(number): step for number, step in known["jobs"].items()}
        run.reached_mpa |= known["reached_mpa"]
        run.solvent_pct |= known["solvent_pct"]
        run.pressings |= {step: Reached(**reached) for step, reached in known["pressings"].items()}
        run.held_by_rules |= set(known["held_by_rules"])
    except (KeyError, TypeError, ValueError) as error:
        raise NotRecallable(f"record {event.sequence} cannot be used ({type(error).__name__}: {error})") from error


def relearn(run: Run, what: Learned) -> None:
    """Takes one operation in again without telling the memory, which holds it already. Raises ValueError, KeyError."""
    name, arguments = what["do"], {key: value for key, value in what.items() if key != "do"}
    if name == "facts":
        FactBook.add(run.facts, [fact_of(data) for data in arguments["facts"]])
    elif name == "forget":
        lost = {tuple(key) for key in arguments["facts"]}
        FactBook.forget(run.facts, lambda fact: (fact.subject, fact.quantity, fact.evidence.value) in lost)
    elif name in MEASURED:
        getattr(Metrology, name)(run.metrology, **arguments)
    else:
        raise ValueError(f"this program does not know what {name!r} means")


def broken_off_by(before: BrokenOff | None, event: Event) -> BrokenOff | None:
    """What is known of the step that is not finished, after one more record of its run."""
    data: Mapping[str, Any] = event.data
    if event.kind == "step.started":
        if before is None or before.step != data["name"]:
            return BrokenOff(data["name"], data.get("unit"), supplier=data.get("supplied_by", ""))
        before.unit = data.get("unit")
        return before
    if before is None:
        return None
    match event.kind:
        case "prompt.asked":
            before.asked.append(data)
        case "prompt.answered":
            before.answered.append(data)
        case "step.reached" | "step.dwelt":
            before.reached = data
        case "gate.decided" if data["decision"] == "re-press":
            before.send_back(int(data.get("number", 0)))
        case "step.phase":
            before.phase = data["phase"]
        case "run.state":
            before.was_held |= data["state"] not in GOING_ON
        case "track.lost":
            before.lost += [layer for layer in data["layers"] if layer not in before.lost]
        case "command.requested" if data["command"] == "load_job":
            before.unit, before.job, before.is_started = data["unit"], data["job"], False
            before.was_held = False
        case "command.requested" if data["command"] == "start":
            before.is_started = True
            before.starts += 1
        case "command.done" if data["command"] == "reset":
            before.job, before.is_started = None, False
        case _:
            pass
    return before
