"""The runs of a hosted line: each has a task of its own, from its order to its end, and what is left of it is let go.

A run that is held without a task of the executor (because a machine could not be proven to be at rest, because of a
fault, because an earlier process died) is taken up again: it waits HELD, and the same commands decide on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from controller.authority import Actor
from controller.batches import Batch, Together, truth_of
from controller.crew import Member
from controller.events import Event
from controller.executor.prompts import Person
from controller.executor.run import Run
from controller.executor.states import ENDED, RunState
from controller.journal import JournalError
from controller.recovery import NotContinuable, created_data, left, recorded_plan, told, undecided
from controller.resuming import close_run, continue_on
from controller.service.errors import Conflict, Unknown
from controller.service.machines import OURS, Machines
from controller.service.orders import RunOrder
from controller.service.prompts import Deciding, PromptDesk
from controller.service.story import Stories, Story
from controller.session import Surroundings, created, to_its_end
from controller.vitals.background import Background
from controller.vitals.deaths import GO_ON
from recipes.plan import Plan

AGAIN_S = 5.0
"""Loop seconds until a run is taken up again that could not be, because the journal took nothing (judgement)."""
FAULTS = 3
"""A run that the program fails at so often is looked at by a person before anything else (engineering judgement)."""
KEPT = "run {name} came to its end in it; look at it, then put it back in service"


@dataclass(slots=True, eq=False)
class Hosted:
    """One run in the service's hands. run is None while it cannot be commanded; waits says why then.

    is_left: an earlier process or a fault left it. is_hopeless: only closing is left, and nobody looks after its
    machines. closes is the reason, the name and the answer of whoever wants it closed; closing is set then, and ended
    when its task has come to its end.
    """

    name: str
    story: Story
    person: Person
    member: Member | None
    run: Run | None = None
    is_left: bool = False
    is_hopeless: bool = False
    waits: str = ""
    faults: int = 0
    closing: asyncio.Event = field(default_factory=asyncio.Event)
    closes: tuple[str, str, asyncio.Future[None]] | None = None
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class Runs:
    """All runs that are open; `over` is told of each that is let go, as long as everything of it is still there."""

    def __init__(
        self,
        base: Surroundings,
        operator: Person | None,
        people: int,
        machines: Machines,
        tasks: Background,
        over: Callable[[Hosted], None],
    ) -> None:
        self.hosted: dict[str, Hosted] = {}
        self.stories = Stories()
        self.desk = PromptDesk()
        self.together = Together(base, people)
        self._base, self._machines, self._tasks, self._over = base, machines, tasks, over
        self._has_operator = operator is not None

    def of(self, name: str) -> Hosted:
        """A run that is open. Raises Unknown."""
        if name not in self.hosted:
            raise Unknown(f"there is no open run {name}")
        return self.hosted[name]

    def looks_after(self, owner: str) -> bool:
        """Whether an owner of units is a run that somebody works on."""
        return owner in self.hosted and not self.hosted[owner].is_hopeless

    def is_commanded(self, name: str) -> bool:
        """Whether a run is open and takes commands now."""
        return name in self.hosted and self.hosted[name].run is not None

    def live(self, name: str) -> Run:
        """The run, to be commanded. Raises Unknown, Conflict."""
        hosted = self.of(name)
        if hosted.run is None:
            raise Conflict(f"run {name} cannot be commanded now: {hosted.waits}")
        return hosted.run

    # ---------------------------------------------------------------------- beginning

    async def start(
        self, name: str, order: RunOrder, plan: Plan, approval: Mapping[str, Any] | None, by: Actor
    ) -> None:
        """Begins a run. Raises MachineNotReady or JournalError: nothing was started."""
        hosted = self._host(name, ())
        self.together.expect(Batch(name, plan, order.priority))
        said = {"by": by.name, "role": by.role.value, "priority": order.priority, "reason": order.reason}
        around = replace(
            self._around(hosted), rearm=order.rearm, approval=approval, priority=order.priority, order=said
        )
        try:
            run = await created(plan, around, name)
        except BaseException as error:
            if hosted.story.created:  # its record was begun: it must not wait for anybody at the next start
                note = self._base.journal.note
                note(name, "run.state", {"state": RunState.STOPPED.value, "reason": str(error), "who": OURS})
                note(name, "run.closed", {"state": RunState.STOPPED.value, "truth": None, "wall_seconds": None})
            self._let_go(hosted)
            raise
        self._announced(hosted, run)

        async def carried() -> None:
            with around.journal.stream.subscribe(name) as events:
                await to_its_end(run, around, events, 0.0)

        self._begin(hosted, carried)

    def take_up_all(self) -> None:
        """Takes up what an earlier process left: each run waits HELD for a decision, once its machine was looked at."""
        for name in undecided(told(self._base.journal)):
            self._take_up(name)

    def _take_up(self, name: str) -> None:
        own = self._record(name)
        was = left(name, own)
        if was.broken_off is not None and was.broken_off.unit in self._base.line.machines:
            self._base.line.allocation.owners[was.broken_off.unit or ""] = name  # nobody else is given it, or stops it
        hosted = self._host(name, own)
        hosted.is_left, hosted.waits = True, "it was left, and its machines are to be looked at first"
        self._begin(hosted, None)

    def _host(self, name: str, record: Iterable[Event]) -> Hosted:
        told_before = list(record)
        story = self.stories.begin(name, told_before)
        desk = self.desk.of(name, 1 + sum(event.kind == "prompt.asked" for event in told_before))
        member = self.together.member(name) if self._has_operator else None
        person = desk if member is None else Deciding(member, desk)
        hosted = self.hosted[name] = Hosted(name, story, person, member)
        return hosted

    def _record(self, name: str) -> list[Event]:
        """Everything that is recorded of a run, by whatever process."""
        return list(self._base.journal.record(name))

    def _around(self, hosted: Hosted) -> Surroundings:
        truth, member = self._base.truth, hosted.member
        return replace(
            self._base,
            person=hosted.person,
            attendant=_drained,
            announce=lambda run: self._announced(hosted, run),
            truth=None if truth is None or member is None else truth_of(truth, member),
            keeps_open=True,
        )

    def _announced(self, hosted: Hosted, run: Run) -> None:
        """From now on the run can be commanded."""
        self.together.join(run, hosted.member)
        self.desk.belongs_to(run)
        hosted.run, hosted.waits = run, ""

    # ---------------------------------------------------------------------- carrying out

    def _begin(self, hosted: Hosted, first: Callable[[], Awaitable[None]] | None) -> None:
        self._tasks.run_to_its_end(
            f"run {hosted.name}", lambda: self._carried(hosted, first), GO_ON, condition="run_task"
        )

    async def _carried(self, hosted: Hosted, first: Callable[[], Awaitable[None]] | None) -> None:
        """The run's task: its work, until that ends or somebody closes the run."""
        work = asyncio.create_task(self._worked(hosted, first), name=f"the work of run {hosted.name}")
        closing = asyncio.create_task(hosted.closing.wait(), name=f"whether run {hosted.name} is closed")
        try:
            try:
                await asyncio.wait({work, closing}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (work, closing):
                    task.cancel()
                await asyncio.wait({work, closing})
            if hosted.closing.is_set():
                await self._closed(hosted)
        finally:
            self._let_go(hosted)
        if hosted.closing.is_set() and not hosted.story.is_closed:
            self._take_up(hosted.name)
        elif not work.cancelled():
            work.result()

    async def _worked(self, hosted: Hosted, first: Callable[[], Awaitable[None]] | None) -> None:
        if first is not None:
            await self._guarded(hosted, first)
        while hosted.run is None or hosted.run.state not in ENDED or not hosted.story.is_closed:
            hosted.run, hosted.is_left = None, True
            hosted.waits = hosted.waits or "its machines are looked at"
            await self._guarded(hosted, lambda: self._taken_up(hosted))

    async def _taken_up(self, hosted: Hosted) -> None:
        """Goes on with a run that waits for a decision. Raises NotContinuable, JournalError."""
        name, line = hosted.name, self._base.line
        own = self._record(name)
        plan, was = recorded_plan(name, own), left(name, own)
        order = created_data(name, own).get("order", {})
        if self.together.gate.job(name) is None:
            self.together.expect(Batch(name, plan, order.get("priority", 0)))
        unit = None if was.broken_off is None else was.broken_off.unit
        if unit is not None and unit in line.machines and not self._machines.is_connected(unit):
            hosted.waits = f"{unit}, in which it was left, does not answer: {self._machines.links[unit]}"
            await self._machines.come(unit)
        hosted.waits = "its machines are looked at"
        await continue_on(name, replace(self._around(hosted), priority=order.get("priority", 0)))

    async def _guarded(self, hosted: Hosted, work: Callable[[], Awaitable[None]]) -> None:
        """Does the work; whatever it fails of, the run's machines are told to stop, and it waits for a person."""
        try:
            await work()
        except NotContinuable as error:
            await self._given_up(hosted, str(error))
        except JournalError as error:
            hosted.waits = str(error)
            await asyncio.sleep(AGAIN_S)
        except Exception as error:  # noqa: BLE001 - a fault of the program must not leave a machine working unwatched
            hosted.faults += 1
            await self._stopped(hosted, f"a fault of the program: {type(error).__name__}: {error}")
            if hosted.faults >= FAULTS:
                await self._given_up(hosted, f"the program failed at it {hosted.faults} times ({error})")

    async def _given_up(self, hosted: Hosted, why: str) -> None:
        """Nothing is tried any more; never returns."""
        hosted.run, hosted.is_left, hosted.is_hopeless = None, True, True
        hosted.waits = f"{why}; somebody has to close it"
        await asyncio.Event().wait()

    async def _stopped(self, hosted: Hosted, reason: str) -> None:
        self._base.journal.note(hosted.name, "run.problem", {"reason": reason})
        for unit, owner in list(self._base.line.owners.items()):
            if owner == hosted.name and unit in self._base.line.machines:
                await self._machines.stop(unit, reason)

    # ---------------------------------------------------------------------- ending

    async def close(self, name: str, reason: str, by: Actor) -> None:
        """Closes the record of a run that was left, without a look at its machines. Raises Unknown, Conflict."""
        hosted = self.of(name)
        state = RunState.HELD if hosted.run is None else hosted.run.state
        if not hosted.is_left or state is not RunState.HELD or hosted.closing.is_set():
            raise Conflict(f"run {name} is {state} and was not left by anybody; stop or abort it instead")
        hosted.closes = reason, by.name, asyncio.get_running_loop().create_future()
        hosted.closing.set()
        await asyncio.shield(hosted.closes[2])

    async def _closed(self, hosted: Hosted) -> None:
        """Does what `close` asked for, in the run's own task: whoever asked may be gone."""
        if hosted.closes is None:
            return
        reason, who, answer = hosted.closes
        try:
            await close_run(hosted.name, self._base, reason, who)
        except Exception as error:  # noqa: BLE001 - whatever it is, whoever asked is told
            answer.set_exception(error)
        else:
            answer.set_result(None)
        finally:
            if not answer.done():
                answer.cancel()

    def _let_go(self, hosted: Hosted) -> None:
        """Nothing of a run stays in memory; a unit that it still has is kept until somebody has looked at it."""
        name, allocation = hosted.name, self._base.line.allocation
        for unit, owner in list(allocation.owners.items()):
            if owner == name and unit not in allocation.kept:
                allocation.keep(unit, name, KEPT.format(name=name))
        self._over(hosted)
        del self.hosted[name], self.stories.of[name]
        self.desk.forget(name)
        self.together.forget(name)
        hosted.ended.set()
        if hosted.story.is_closed:
            self._base.journal.forget(name)


async def _drained(run: Run, events: asyncio.Queue[Event]) -> None:
    """The attendant of a hosted run decides nothing: people do, by the service's commands."""
    del run
    while True:
        await events.get()
