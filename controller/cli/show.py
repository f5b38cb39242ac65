"""`pressline show`: what the journal of a store says of its runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence

from controller.batch_record import why_waiting
from controller.cli.exit_codes import ExitCode, code_of
from controller.events import Event
from controller.executor.record import document
from controller.journal import JournalError, is_in_use, read_events, verify
from controller.place import Place
from controller.recovery import Left, left


def show_run(name: str | None, store: Place, *, as_json: bool) -> ExitCode:
    """Prints one run, or the list of all."""
    try:
        events = read_events(store)
        alive = is_in_use(store)
    except JournalError as error:
        print(error, file=sys.stderr)
        return ExitCode.UNUSABLE
    faults = verify(events)
    for fault in faults:
        print(f"{store}: the journal is damaged: {fault}", file=sys.stderr)
    names = list(dict.fromkeys(event.run for event in events if event.kind == "run.created"))
    if name is None:
        _list(names, events, alive=alive, as_json=as_json)
        return ExitCode.REFUSED if faults else ExitCode.PASSED
    if (unknown := no_run(store, name, events)) is not None:
        print(unknown, file=sys.stderr)
        return ExitCode.UNUSABLE
    own = [event for event in events if event.run == name]
    standing = left(name, own)
    record = document(own, alive=alive and standing.is_attended)
    if as_json:
        print(json.dumps(record, indent=2))
    else:
        from controller.reports.run_table import print_run

        print_run(record)
        if not faults:
            print(f"journal: {len(own)} records of this run, the hash chain of {len(events)} records holds")
        if (hint := _hint(standing, store, alive=alive)) is not None:
            print(hint)
        elif standing.is_open:
            print(f"now: {why_waiting(own)}")
    return ExitCode.REFUSED if faults else code_of(record)


def no_run(store: Place, name: str, events: Sequence[Event]) -> str | None:
    """That there is no such run, in words; None if there is."""
    names = [event.run for event in events if event.kind == "run.created"]
    known = f"; the last one is {names[-1]}" if names else ""
    return None if name in names else f"{store}: there is no run {name}{known}"


def _hint(standing: Left, store: Place, *, alive: bool) -> str | None:
    """How an open run goes on or is closed; None for one that has ended, and for one that a controller works on."""
    if not standing.can_continue or (alive and standing.is_attended):
        return None
    name = standing.name
    return (
        f"this run can be continued: `pressline resume {name} --line FILE --store {store}`; or closed:"
        f" `pressline close {name} --reason TEXT --who NAME --store {store}`"
    )


def _list(names: list[str], events: list[Event], *, alive: bool, as_json: bool) -> None:
    simulated_runs = {e.run for e in events if e.kind == "run.created" and e.data.get("simulation") is not None}
    own: dict[str, list[Event]] = {name: [] for name in names}
    for event in events:
        if event.run in own:
            own[event.run].append(event)
    standings = [left(name, own[name]) for name in names]
    records = [document(own[s.name], alive=alive and s.is_attended) for s in standings]
    can_continue = [s.can_continue and not (alive and s.is_attended) for s in standings]
    if as_json:
        keys = ("run", "recipe", "state", "reason", "purpose", "plan_hash", "sim_seconds", "wall_seconds")
        told = [
            {key: record[key] for key in keys}
            | {"is_open": s.is_open, "can_continue": can, "now": None if can else why_waiting(own[s.name])}
            for record, s, can in zip(records, standings, can_continue, strict=True)
        ]
        print(json.dumps({"runs": told}, indent=2))
        return
    width = max([22, *(len(name) for name in names)])
    if records:
        print(f"{'run':{width}} {'recipe':26} {'state':9} {'certificate':13} {'simulated':10} record")
    for record, standing, can in zip(records, standings, can_continue, strict=True):
        verdict = "accepted" if code_of(record) is ExitCode.PASSED else "not accepted"
        accepted = "none yet" if standing.is_open else verdict
        simulated = "simulated" if record["run"] in simulated_runs else ""
        how = "can be continued" if can else why_waiting(own[standing.name]) if standing.is_open else ""
        text = f"{record['run']:{width}} {record['recipe']:26} {record['state']:9} {accepted:13} {simulated:10} {how}"
        print(text.rstrip())
    if not records:
        print("no run is recorded yet")
