"""A line as a hosted thing: what people and programs see of it, and everything that they may ask of it.

`line_service` connects the line's machines for as long as its block lasts, takes up the runs that an earlier process
left, and carries out new ones. The API and the fleet's outlets know the line by LineService only. Every command checks
the role of who asks (controller/authority.py), is journalled, and raises what controller/service/errors.py lists.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from controller.alarms.alarm import AlarmKey
from controller.alarms.server import AlarmServer
from controller.authority import Action, Actor
from controller.executor.commands import Expected
from controller.executor.run import Run
from controller.journal import Journal
from controller.line import Line
from controller.lots import acts
from controller.service import looks, prompts
from controller.service.audit import Audit, need_reason
from controller.service.by_hand import ByHand, Operated
from controller.service.ending import Ending
from controller.service.errors import Conflict, Finding, Invalid, Unknown
from controller.service.machines import Machines
from controller.service.orders import Given, Leave, LotAct, ManualCommand, RunOrder, Write
from controller.service.plans import ordered_plan
from controller.service.runs import Hosted, Runs
from controller.service.settings import ServiceSettings
from controller.service.views import AlarmView, LineView, PromptView, RunView, UnitView
from controller.vitals.background import Health

_LOT_ACTS: dict[LotAct, Callable[[Journal, str, str, str], Awaitable[object]]] = {
    LotAct.QUARANTINE: acts.quarantine,
    LotAct.SCRAP: acts.scrap,
    LotAct.RELEASE: acts.release,
    LotAct.OUT: lambda journal, lot, who, _: acts.say_out(journal, lot, who),
    LotAct.BACK: lambda journal, lot, who, _: acts.say_back(journal, lot, who),
}
Over = deque[RunView]


class LineService:
    """One line. Views are of this moment and ask nothing of anybody; commands are for one person's wish each.

    Made by `line_service`. health says which tasks of the service do not work.
    """

    def __init__(
        self,
        line: Line,
        journal: Journal,
        settings: ServiceSettings,
        alarms: AlarmServer,
        machines: Machines,
        runs: Runs,
        ending: Ending,
        over: Over,
        health: Health,
    ) -> None:
        self.line, self.journal, self.settings = line, journal, settings
        self.alarms, self.health = alarms, health
        self._machines, self._runs, self._ending, self._over = machines, runs, ending, over
        self._audit = Audit(journal, ending.refusal)
        self._by_hand = ByHand(line, journal, self._audit, runs.is_commanded, two_sign=settings.two_sign)

    # ---------------------------------------------------------------------- views

    def overview(self) -> LineView:
        """The line at a glance."""
        standing = self.alarms.standing()
        counts: dict[str, int] = {}
        for alarm in standing:
            counts[alarm.definition.priority.value] = counts.get(alarm.definition.priority.value, 0) + 1
        why_not = tuple(filter(None, (self._ending.refusal(Action.START),)))
        return LineView(
            name=self.settings.name,
            utc=self.journal.now(),
            is_simulated=self.settings.simulation is not None,
            speed=self.settings.speed,
            accepts_runs=not why_not,
            why_not=why_not,
            units=tuple(looks.unit_brief(self.line, self._machines, name) for name in self._units()),
            runs=tuple(looks.run_brief(self._view(hosted)) for hosted in self._runs.hosted.values()),
            prompts=sum(1 for _ in self._runs.desk.open()),
            alarms=counts,
            unseen=sum(alarm.is_unseen for alarm in standing),
            bypasses=tuple(looks.bypass_view(item) for item in self.line.bypasses.in_force(self.journal)),
            faults=(*self.health.faults, *self.journal.faults),
        )

    def units(self) -> list[UnitView]:
        """All units, machines first."""
        return [self.unit(name) for name in self._units()]

    def unit(self, name: str) -> UnitView:
        """One unit. Raises Unknown."""
        if name not in self._units():
            raise Unknown(f"the line has no unit {name}")
        return looks.unit_view(self.line, self._machines, name, self.line.bypasses.in_force(self.journal, name))

    def runs(self) -> list[RunView]:
        """The runs that are open, and those that ended last, as they were then; the oldest first."""
        return [*self._over, *(self._view(hosted) for hosted in self._runs.hosted.values())]

    def run(self, name: str) -> RunView:
        """One run that is open or ended not long ago. Raises Unknown; the journal has the others."""
        if (hosted := self._runs.hosted.get(name)) is not None:
            return self._view(hosted)
        for view in reversed(self._over):
            if view.name == name:
                return view
        raise Unknown(f"there is no run {name} here any more; its record is in the journal if there was one")

    def prompts(self) -> list[PromptView]:
        """What is asked of people, the oldest first."""
        stories = self._runs.stories.of
        return [prompts.view_of(*item, stories.get(item[0])) for item in self._runs.desk.open()]

    def alarm_list(self, *, hidden: bool = False) -> list[AlarmView]:
        """The alarms that stand, the most urgent first; or those that are hidden."""
        return [looks.alarm_view(alarm) for alarm in (self.alarms.hidden() if hidden else self.alarms.standing())]

    def _units(self) -> tuple[str, ...]:
        return (*self.line.machines, *self.line.instruments)

    def _view(self, hosted: Hosted) -> RunView:
        asked = tuple(f"{name}.{number}" for name, number, *_ in self._runs.desk.open() if name == hosted.name)
        job = self._runs.together.gate.job(hosted.name)
        return looks.run_view(hosted, job, asked, self.journal.now(), self.settings.speed)

    # ---------------------------------------------------------------------- runs

    async def start_run(self, order: RunOrder, *, by: Actor) -> str:
        """Starts a run of an approved plan, or of any plan on a simulated line; returns its name.

        What it needs and is not there (a unit that is taken, out of service or not connected) it waits for, and says
        so. Raises NotAuthorised; Invalid, Unknown or Conflict where there is no such plan, Conflict where a machine
        that it needs is not idle.
        """
        name = self.settings.name_run()
        about = order.recipe if order.version is None else f"{order.recipe}@{order.version}"
        more = {"run": name, "priority": order.priority}
        async with self._audit.raising(by, Action.START, "start a run", about or "a plan", order.reason, more):
            plan, approval = await ordered_plan(order, self.settings, self.line)
            await self._runs.start(name, order, plan, approval, by)
        return name

    async def hold(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Keeps the run's machines where they are, as its steps say."""
        with self._audit.lowering(by, Action.LOWER, "hold", run, reason):
            await self._live(run).hold(reason, by.name, expected)

    async def stop(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Ends the run in a controlled way."""
        with self._audit.lowering(by, Action.LOWER, "stop", run, reason):
            await self._live(run).stop(reason, by.name, expected)

    async def abort(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Ends the run now, with no faster release than by stop."""
        with self._audit.lowering(by, Action.LOWER, "abort", run, reason):
            await self._live(run).abort(reason, by.name, expected)

    async def restart(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Continues a held run, if its machine agrees, which is told on the stream."""
        need_reason(reason)
        async with self._audit.raising(by, Action.RESTART, "restart", run, reason):
            self._live(run).restart(reason, by.name, expected)

    async def pause(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Lets the present step end and waits there."""
        async with self._audit.raising(by, Action.PAUSE, "pause", run, reason):
            self._live(run).pause(reason, by.name, expected)

    async def go_on(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Goes on after a pause."""
        async with self._audit.raising(by, Action.PAUSE, "go on", run, reason):
            self._live(run).resume(reason, by.name, expected)

    async def close(self, run: str, reason: str, *, by: Actor, expected: Expected | None = None) -> None:
        """Closes the record of a run that was left, as stopped, where nobody goes on with it; no machine is asked."""
        need_reason(reason)
        async with self._audit.raising(by, Action.CLOSE, "close", run, reason):
            if expected is not None and (hosted := self._runs.of(run)).run is not None:
                self._refuse_outdated(hosted.run, expected)
            await self._runs.close(run, reason, by)

    async def answer(self, prompt: str, given: Given, *, by: Actor, expected: Expected | None = None) -> None:
        """Answers a prompt, or says that it cannot be done. Raises Invalid where the lots are others or values lack."""
        more: dict[str, Any] = {
            "lots": list(given.lots),
            "values": {name: str(value) for name, value in given.values.items()},
        }
        more |= {"choice": given.choice, "impossible": given.impossible}
        async with self._audit.raising(by, Action.ANSWER, "answer", prompt, given.why, more):
            self._runs.desk.answer(prompt, given, by, expected)

    def _live(self, name: str) -> Run:
        if any(view.name == name for view in self._over) and name not in self._runs.hosted:
            raise Conflict(f"run {name} has ended")
        return self._runs.live(name)

    @staticmethod
    def _refuse_outdated(run: Run | None, expected: Expected) -> None:
        if run is not None and run.seen != expected:
            raise Conflict(f"this was meant for a run that is {expected}; it is {run.seen} now", run.seen)

    # ---------------------------------------------------------------------- units

    async def set_unit(self, unit: str, *, in_service: bool, reason: str, by: Actor) -> None:
        """Takes a unit out of service or puts it back, also one that is kept by a run that ended in it."""
        await self._by_hand.set_unit(unit, reason, by, in_service=in_service)

    async def operate(self, unit: str, what: ManualCommand | Write, reason: str, *, by: Actor) -> Operated:
        """One command, or one value, by hand, to a unit that no run has."""
        return await self._by_hand.operate(unit, what, reason, by)

    async def bypass(
        self, unit: str, row: str, for_s: float, reason: str, *, by: Actor, second: Actor | None = None
    ) -> None:
        """Lets a unit work without one row of the matrix for so many seconds; `second` signs as well."""
        await self._by_hand.bypass(unit, row, for_s, reason, by, second)

    async def end_bypass(self, unit: str, row: str, reason: str, *, by: Actor) -> None:
        """Ends a bypass before its time."""
        await self._by_hand.end_bypass(unit, row, reason, by)

    # ---------------------------------------------------------------------- lots

    async def lot(self, act: LotAct, lot: str, reason: str, *, by: Actor) -> None:
        """Says something of a lot, which is RUN/LOT, or LOT where only one run has it."""
        need_reason(reason)
        action = Action.RELEASE if act is LotAct.RELEASE else Action.LOT
        async with self._audit.raising(by, action, act.value, lot, reason):
            await _LOT_ACTS[act](self.journal, lot, by.name, reason)

    # ---------------------------------------------------------------------- alarms

    async def acknowledge(self, keys: Iterable[str], reason: str, *, by: Actor) -> None:
        """Somebody has seen these alarms: all of them, or none where one cannot be acknowledged."""
        wanted = list(dict.fromkeys(keys))
        if not wanted:
            raise Invalid([Finding("keys", "is empty; expected at least one alarm, as NAME@UNIT")])
        async with self._audit.raising(by, Action.ACKNOWLEDGE, "acknowledge", ", ".join(wanted), reason):
            self.alarms.acknowledge([AlarmKey.of(key) for key in wanted], by.name, reason)

    async def reset(self, key: str, reason: str, *, by: Actor) -> None:
        """Lets a latched alarm go that was acknowledged and whose cause is gone."""
        async with self._audit.raising(by, Action.ACKNOWLEDGE, "reset an alarm", key, reason):
            self.alarms.reset(AlarmKey.of(key), by.name)

    async def shelve(self, key: str, for_s: float, reason: str, *, by: Actor) -> None:
        """Takes an alarm off the list for so many seconds; the table says which and how long at most."""
        need_reason(reason)
        async with self._audit.raising(by, Action.ACKNOWLEDGE, "shelve", key, reason, {"for_s": str(for_s)}):
            self.alarms.shelve(AlarmKey.of(key), for_s, by.name, reason)

    async def unshelve(self, key: str, reason: str, *, by: Actor) -> None:
        """Ends a shelving before its time."""
        async with self._audit.raising(by, Action.ACKNOWLEDGE, "unshelve", key, reason):
            self.alarms.unshelve(AlarmKey.of(key), by.name)

    async def silence(self, key: str, reason: str, *, by: Actor) -> None:
        """Takes an alarm out of service, as for the repair of its sensor; the table says which may be."""
        need_reason(reason)
        async with self._audit.raising(by, Action.SILENCE, "take an alarm out of service", key, reason):
            self.alarms.remove(AlarmKey.of(key), by.name, reason)

    async def restore(self, key: str, reason: str, *, by: Actor) -> None:
        """Returns an alarm to service."""
        async with self._audit.raising(by, Action.SILENCE, "return an alarm to service", key, reason):
            self.alarms.restore(AlarmKey.of(key), by.name)

    # ---------------------------------------------------------------------- the service itself

    @property
    def people(self) -> int:
        """How many people are at the line, at least 1; may be changed while runs go on."""
        return self._runs.together.people

    @people.setter
    def people(self, count: int) -> None:
        self._runs.together.people = max(1, count)

    async def asked_for_backup(self, reason: str, *, by: Actor) -> None:
        """Says in the record who had the store backed up, and why."""
        need_reason(reason)
        async with self._audit.raising(by, Action.STORE, "back up the store", "the store", reason):
            pass

    async def shut_down(self, leave: Leave, reason: str, who: str = "pressline") -> None:
        """From now on nothing new is taken; the runs are stopped, or held and left open. Returns once that is so."""
        await self._ending.shut_down(self._runs, leave, reason, who)
