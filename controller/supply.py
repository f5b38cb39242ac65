"""Who takes its sheet from whose web, where a coating feeds several laminates of a series.

Runs of one plan and one priority share webs in their order, as many on each as its recipe says. The first of them that
has not given up coats and inspects; those after it take their sheets. Whoever waits waits for a run before it in that
order and holds no unit, so there is no circle of waiting.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from controller.events import Event
from recipes.model import Step
from recipes.sheets import shared_coatings


@dataclass(slots=True)
class _Web:
    """One web: the runs that take a sheet of it, in their order, and the steps whose work is the web's.

    finished are the records of those steps that each run has done itself.
    """

    coating: str
    runs: tuple[str, ...]
    steps: tuple[str, ...]
    finished: dict[str, dict[str, Event]] = field(default_factory=dict)

    def is_made_by(self, run: str) -> bool:
        return len(self.finished.get(run, ())) == len(self.steps)


class Supply:
    """The book of all webs that are shared on a line; empty where every laminate coats its own sheets."""

    def __init__(self) -> None:
        self._webs: dict[tuple[str, str], _Web] = {}
        self._left: set[str] = set()
        self._listeners: list[asyncio.Future[str]] = []

    def share(self, runs: Sequence[str], steps: Sequence[Step]) -> None:
        """Runs of one plan with these steps share the webs of its coatings, in the order given."""
        sheets = {step.name: step.coat.sheets or 1 for step in steps if step.coat is not None}
        for coating, own in shared_coatings(steps).items():
            for first in range(0, len(runs), sheets[coating]):
                web = _Web(coating, tuple(runs[first : first + sheets[coating]]), own)
                self._webs |= {(run, step): web for run in web.runs for step in own}

    def supplier(self, run: str, step: str) -> str | None:
        """The run that does the step for this one; None where it does the step itself."""
        web = self._webs.get((run, step))
        before = () if web is None else web.runs[: web.runs.index(run)]
        able = (other for other in before if other not in self._left or (web is not None and web.is_made_by(other)))
        return next(able, None)

    def suppliers(self, run: str) -> Mapping[str, str]:
        """By step, who does it for this run, as things stand."""
        found = {step: self.supplier(run, step) for owner, step in self._webs if owner == run}
        return {step: supplier for step, supplier in found.items() if supplier is not None}

    def ended_s(self, run: str) -> Mapping[str, float]:
        """By step that another run does for this one, when it ended, where the web is finished; on the loop's clock."""
        found = {step: self.record(supplier, step) for step, supplier in self.suppliers(run).items()}
        return {step: record.time_s for step, record in found.items() if record is not None}

    def record(self, supplier: str, step: str) -> Event | None:
        """The supplier's record of the finished step; None until its web is coated and inspected."""
        web = self._webs[supplier, step]
        return web.finished[supplier][step] if web.is_made_by(supplier) else None

    def missing(self, supplier: str, step: str) -> list[str]:
        """What the supplier has still to do before its web can be cut."""
        web = self._webs[supplier, step]
        return [name for name in web.steps if name not in web.finished.get(supplier, ())]

    def coating(self, run: str, step: str) -> str:
        """Which coating the web is made by that a step of a run belongs to."""
        return self._webs[run, step].coating

    def finished(self, run: str, step: str, record: Event) -> None:
        """A run has done a step itself."""
        if (web := self._webs.get((run, step))) is not None:
            web.finished.setdefault(run, {})[step] = record
            self._ring()

    def leave(self, run: str) -> None:
        """A run does nothing any more; a web that it has not finished, the next one coats."""
        if any(owner == run for owner, _ in self._webs):  # else nobody asks
            self._left.add(run)
            self._ring()

    def news(self) -> asyncio.Future[str]:
        """A future that is done when anything changes here; whoever does not want it any more cancels it."""
        self._listeners = [listener for listener in self._listeners if not listener.done()]
        self._listeners.append(asyncio.get_running_loop().create_future())
        return self._listeners[-1]

    def _ring(self) -> None:
        listeners, self._listeners = self._listeners, []
        for listener in listeners:
            if not listener.done():
                listener.set_result("")
