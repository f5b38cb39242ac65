"""Carrying out jobs on paper: the rules of allocation, applied to predicted durations from one event to the next."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from heapq import heappop, heappush
from math import inf

from controller.allocation import Call, given, in_order, in_order_of_calls
from controller.schedule.live import Bar, Live, Phase, Standing
from controller.schedule.model import Job, LineModel
from recipes.waits import WaitLimit

Admits = Callable[["Simulation", Live], "str | None"]


class Simulation:
    """Jobs on a line. `admits` is the gate: asked before a step that begins a maximum wait, it objects in words."""

    def __init__(
        self, line: LineModel, standings: Iterable[Standing], now_s: float = 0.0, admits: Admits | None = None
    ) -> None:
        self.line = line
        self.now_s = now_s
        self.bars: list[Bar] = []
        self.waited_s: dict[tuple[str, WaitLimit], float] = {}
        self.objections: list[tuple[float, str, str, str]] = []
        self.lives: list[Live] = []
        self._admits = admits
        self._owners: dict[str, str] = {}
        self._busy_people = 0
        self._heap: list[tuple[float, int, Live | None]] = []
        self._pushed = self._working = 0
        for standing in standings:
            self._enter(standing)

    def _enter(self, standing: Standing) -> None:
        live = Live(standing.job, standing.step, dict(standing.finished_s))
        live.piece, live.part, live.unit = standing.piece, standing.part, standing.unit
        live.place, live.has_begun = standing.place or len(self.lives) + 1, standing.has_begun
        live.asked_s = live.begin_s = self.now_s
        self.lives.append(live)
        if live.unit is not None:
            self._owners[live.unit] = live.job.name
        if standing.is_kept:
            live.phase = Phase.GATED
        elif standing.left_s is not None:
            if live.at.parts[live.part].by_person and standing.left_s < inf:
                self._busy_people += 1
            self._work(live, standing.left_s)
        elif live.unit is not None:
            live.phase = Phase.WAITING_FOR_PERSON

    # ------------------------------------------------------------------ the clock

    def run(self, until: Callable[[Simulation], bool] = lambda _: False) -> None:
        """Goes on until everything has ended, nothing can go on, or `until` says so."""
        self._settle()
        looks = 0
        while self._heap and not until(self) and looks <= len(self.lives):
            self.now_s = self._heap[0][0]
            looks += not self._working  # where nothing else can happen any more, each is asked for once again
            while self._heap and self._heap[0][0] <= self.now_s:
                live = heappop(self._heap)[2]
                if live is not None:
                    self._working -= 1
                    self._part_ended(live)
                    looks = 0
            self._settle()

    @property
    def ended(self) -> bool:
        return all(live.phase is Phase.DONE for live in self.lives)

    @property
    def makespan_s(self) -> float:
        """When the last piece ends."""
        return max((bar.end_s for bar in self.bars), default=0.0)

    def ask_again_in(self, seconds: float, live: Live) -> None:
        """The gate is asked for this job again then, and not before."""
        live.ask_again_s = self.now_s + seconds
        self._push(live.ask_again_s, None)

    def _push(self, at_s: float, live: Live | None) -> None:
        self._pushed += 1
        if at_s < inf:
            self._working += live is not None
            heappush(self._heap, (at_s, self._pushed, live))

    # ------------------------------------------------------------------ one instant

    def _settle(self) -> None:
        for live in self.lives:
            if live.phase is Phase.ARRIVING:
                self._arrive(live)
        self._hand_out_sheets()
        if self._admits is not None:
            self._ask_gate(self._admits)
        self._give_units()
        self._send_people()

    def _arrive(self, live: Live) -> None:
        live.asked_s, live.part, live.unit = self.now_s, 0, None
        is_first = live.piece == 0
        if live.now.name in live.job.supply:
            live.phase = Phase.WAITING_FOR_SHEET
            return
        is_gated = is_first and self._admits is not None and not live.is_admitted and live.job.is_entry(live.step)
        if is_gated:
            live.phase = Phase.GATED
        elif live.at.units:
            live.phase = Phase.WAITING_FOR_UNIT
        else:
            self._take_up(live, None)

    def _hand_out_sheets(self) -> None:
        """Whoever waits for a sheet has it cut once the web is done; what was inspected there is not done again."""
        waiting = [live for live in self.lives if live.phase is Phase.WAITING_FOR_SHEET]
        while waiting:
            live = waiting.pop()
            if self._web_ended_s(live) is None:
                continue
            if live.now.pieces:
                self._take_up(live, None)
                continue
            self._step_ended(live)
            if live.step < len(live.job.steps):
                self._arrive(live)
            waiting += [live] if live.phase is Phase.WAITING_FOR_SHEET else []

    def _web_ended_s(self, live: Live) -> float | None:
        """When another job had done the present step for this one; None where it has not, or its web is not done."""
        step = live.now.name
        if step in live.job.web_ended_s:
            return live.job.web_ended_s[step]
        ends_s = next((other.finished_s for other in self.lives if other.job.name == live.job.supply[step]), {})
        return ends_s[step] if ends_s.keys() >= set(live.job.webs[step]) else None

    def _ask_gate(self, admits: Admits) -> None:
        stuck: set[tuple[str, int]] = set()
        gated = {live.job.name: live for live in self.lives if live.phase is Phase.GATED}
        for want in in_order(live.want() for live in gated.values()):
            live = gated[want.owner]
            kind = (live.job.alike, live.step)
            if kind in stuck:
                continue
            if self.now_s < live.ask_again_s:
                stuck.add(kind)
                continue
            if (objection := admits(self, live)) is not None:
                stuck.add(kind)
                self.objections.append((self.now_s, live.job.name, live.now.name, objection))
                continue
            live.is_admitted = True
            self._arrive(live)

    def _give_units(self) -> None:
        waiting = {live.job.name: live for live in self.lives if live.phase is Phase.WAITING_FOR_UNIT}
        free = {unit for unit in self.line.units if unit not in self._owners and unit not in self.line.out}
        if not waiting or not free:
            return
        for want, unit in given([live.want() for live in waiting.values()], free):
            self._owners[unit] = want.owner
            self._take_up(waiting[want.owner], unit)

    def _take_up(self, live: Live, unit: str | None) -> None:
        live.unit, live.begin_s, live.calls = unit, self.now_s, []
        self._next_part(live)

    def _next_part(self, live: Live) -> None:
        if live.at.parts[live.part].by_person:
            live.phase = Phase.WAITING_FOR_PERSON
        else:
            self._begin(live)
            self._work(live, live.at.parts[live.part].seconds)

    def _send_people(self) -> None:
        waiting = {live.job.name: live for live in self.lives if live.phase is Phase.WAITING_FOR_PERSON}
        free = self.line.people - self._busy_people
        if not waiting or free <= 0:
            return
        for call in in_order_of_calls([self._call(live) for live in waiting.values()], self.now_s)[:free]:
            live = waiting[call.owner]
            self._busy_people += 1
            seconds = live.at.parts[live.part].seconds
            if live.unit is None:
                live.begin_s = self.now_s
            live.calls.append((self.now_s, self.now_s + seconds))
            self._begin(live)
            self._work(live, seconds)

    def _call(self, live: Live) -> Call:
        machine = live.unit if live.unit in self.line.machines else None
        return Call(live.job.name, live.now.name, live.place, machine, live.job.priority, live.due_s())

    def _begin(self, live: Live) -> None:
        """A step begins with its first part: what counted towards it counts no more."""
        if live.has_begun:
            return
        for limit in live.job.limits:
            if limit.step == live.now.name and limit.after in live.finished_s:
                self.waited_s[live.job.name, limit] = self.now_s - live.finished_s[limit.after]
        live.has_begun = True

    def _work(self, live: Live, seconds: float) -> None:
        live.phase, live.until_s = Phase.WORKING, self.now_s + seconds
        self._push(live.until_s, live)

    def _part_ended(self, live: Live) -> None:
        if live.at.parts[live.part].by_person:
            self._busy_people -= 1
        live.part += 1
        if live.part < len(live.at.parts):
            self._next_part(live)
        else:
            self._piece_ended(live)

    def _piece_ended(self, live: Live) -> None:
        name, step = live.job.name, live.now.name
        self.bars.append(Bar(name, step, live.unit, live.asked_s, live.begin_s, self.now_s, tuple(live.calls)))
        if live.unit is not None:
            del self._owners[live.unit]
        live.piece, live.unit, live.part = live.piece + 1, None, 0
        if live.piece >= len(live.now.pieces):
            self._step_ended(live)
        else:
            live.phase = Phase.ARRIVING

    def _step_ended(self, live: Live) -> None:
        """The next step comes; of one that another job has done the end is that job's."""
        step = live.now.name
        web_ended_s = self._web_ended_s(live) if step in live.job.supply else None
        live.finished_s[step] = self.now_s if web_ended_s is None else web_ended_s
        live.step, live.piece, live.has_begun, live.is_admitted = live.step + 1, 0, False, False
        live.phase = Phase.DONE if live.step >= len(live.job.steps) else Phase.ARRIVING


def simulated(line: LineModel, jobs: Sequence[Job], admits: Admits | None = None) -> Simulation:
    """All jobs from their beginning to their end."""
    simulation = Simulation(line, [Standing(job) for job in jobs], admits=admits)
    simulation.run()
    return simulation
