"""The records that a lot follows from, instead of all that a store holds."""

from __future__ import annotations

from collections.abc import Iterable

from controller.events import Event
from controller.journal import Journal


def records_for(journal: Journal, text: str) -> list[Event]:
    """What has to be folded for the lot RUN/LOT: its run, the runs whose webs it was cut off, and the clock's leaps.

    A lot that is named without its run may be any run's: that takes all records, and time where there are many.
    Raises JournalError where the store cannot be read.
    """
    run, named, _ = text.partition("/")
    return records_of_runs(journal, [run]) if named else list(journal.everything())


def records_of_runs(journal: Journal, runs: Iterable[str]) -> list[Event]:
    """What has to be folded for all lots of these runs. Raises JournalError where the store cannot be read."""
    found: dict[tuple[int, str], Event] = {}
    waiting, seen = list(runs), set[str]()
    while waiting:
        if (one := waiting.pop()) in seen:
            continue
        seen.add(one)
        record = journal.record(one)
        found |= {(event.sequence, event.hash): event for event in record}
        waiting += [str(event.data["from"]["run"]) for event in record if event.kind == "step.supplied"]
    if not found:
        return []
    found |= {(event.sequence, event.hash): event for event in journal.leaps(min(found)[0])}
    return sorted(found.values(), key=lambda event: event.sequence)


def runs_after(journal: Journal, run: str) -> list[str]:
    """The run and every other one that took something that it, or one of them, made. Raises JournalError."""
    found, waiting = [run], [run]
    while waiting:
        users = journal.everything().naming("step.supplied", waiting.pop(), "from", "run")
        waiting += (new := [name for name in dict.fromkeys(event.run for event in users) if name not in found])
        found += new
    return found
