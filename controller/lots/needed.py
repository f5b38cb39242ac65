"""The records that a lot follows from, instead of all that a store holds."""

from __future__ import annotations

from controller.events import Event
from controller.journal import Journal


def records_for(journal: Journal, text: str) -> list[Event]:
    """What has to be folded for the lot RUN/LOT: its run, the runs whose webs it was cut off, and the clock's leaps.

    A lot that is named without its run may be any run's: that takes all records, and time where there are many.
    Raises JournalError where the store cannot be read.
    """
    run, named, _ = text.partition("/")
    found: dict[tuple[int, str], Event] = {}
    waiting, seen = [run] if named else [], set[str]()
    while waiting:
        seen.add(one := waiting.pop())
        record = journal.record(one)
        found |= {(event.sequence, event.hash): event for event in record}
        suppliers = (str(event.data["from"]["run"]) for event in record if event.kind == "step.supplied")
        waiting += [supplier for supplier in suppliers if supplier not in seen]
    if not found:
        return list(journal.everything())
    leaps = journal.everything().set_back(min(event.sequence for event in found.values()))
    found |= {(event.sequence, event.hash): event for event in leaps}
    return sorted(found.values(), key=lambda event: event.sequence)
