"""Which run, step and lots a unit works for: folded from what is recorded."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.events import Event
from controller.executor.states import ENDED, RunState

ENDINGS = frozenset({"step.finished", "step.supplied", "step.interrupted", "run.closed"})
"""Records after which a run's step is over."""
_OVER = {state.value for state in ENDED}


@dataclass(slots=True)
class RunContext:
    """What is known of a run."""

    recipe: str | None = None
    plan_hash: str | None = None
    state: str = RunState.IDLE.value
    reason: str = ""
    step: str | None = None
    unit: str | None = None
    lots: list[str] = field(default_factory=list)
    utc: str = ""
    sequence: int | None = None
    is_closed: bool = False

    @property
    def is_over(self) -> bool:
        """Whether it has ended and its record is closed."""
        return self.is_closed and self.state in _OVER


class Batches:
    """All runs that have not ended, and the units that work for them."""

    def __init__(self) -> None:
        self.runs: dict[str, RunContext] = {}
        self._of_unit: dict[str, str] = {}

    def take(self, event: Event) -> RunContext | None:
        """One record; the run if it says something new of one."""
        data = event.data
        run = self.runs.get(event.run)
        match event.kind:
            case "run.created":
                run = self.runs[event.run] = RunContext(data.get("recipe"), data.get("plan_hash"))
            case "run.state":
                run = run or self.runs.setdefault(event.run, RunContext())
                run.state, run.reason = str(data["state"]), str(data["reason"] or "")
            case "run.resumed" if run is not None:
                run.is_closed = False
            case "step.started" if run is not None:
                self._begin(event, run)
            case "step.finished" | "step.supplied" | "step.interrupted" if run is not None:
                self._end(run)
            case "run.closed" if run is not None:
                self._end(run)
                run.is_closed = True
            case _:
                return None
        if run is not None:
            run.utc, run.sequence = event.utc, event.sequence
        return run

    def forget(self, run: str) -> None:
        """A run is over."""
        self.runs.pop(run, None)

    def of_unit(self, unit: str) -> tuple[str | None, str | None, list[str]]:
        """Run, step and lots of a unit."""
        name = self._of_unit.get(unit)
        run = self.runs.get(name or "")
        return (None, None, []) if name is None or run is None else (name, run.step, run.lots)

    def of_event(self, event: Event) -> tuple[str | None, str | None, list[str]]:
        """Step, unit and lots that an event is about, as it says itself or as its run is."""
        data, run = event.data, self.runs.get(event.run)
        of_step = event.kind.startswith("step.")
        own = data.get("name") if of_step else None
        unit = data.get("unit") or (run.unit if run and of_step else None)
        step = data.get("step") or own or (run.step if run else None)
        lots = data.get("lots")
        if lots is None:
            lot = data.get("lot")
            lots = [lot] if lot is not None else (run.lots if run else [])
        return step, unit, [str(one) for one in lots]

    def _begin(self, event: Event, run: RunContext) -> None:
        self._end(run)
        data = event.data
        run.step, run.unit = data.get("name"), data.get("unit")
        run.lots = [str(lot) for lot in data.get("lots") or ()]
        if run.unit is not None:
            self._of_unit[run.unit] = event.run

    def _end(self, run: RunContext) -> None:
        if run.unit is not None:
            self._of_unit.pop(run.unit, None)
        run.step, run.unit, run.lots = None, None, []
