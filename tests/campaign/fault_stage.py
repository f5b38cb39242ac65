"""One run of the campaign: real executor, drivers and simulators on virtual time, a fault at a seeded moment, people.

Everything that is drawn comes from the fault's name and the seed, so that both together replay the run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from controller.dryrun import SimulatedPerson, memory_line, virtual_utc, wired_line
from controller.events import Event, EventStream
from controller.executor.record import document
from controller.executor.run import Run
from controller.executor.states import RunState, TransitionRefused
from controller.journal import Journal, canonical
from controller.line import Line
from controller.people import run_truth
from controller.session import MachineNotReady, Surroundings, UnitUnreachable, carry_out
from recipes.plan import Plan
from simulators.clock import run_virtual
from simulators.line import SimulatedLine
from simulators.operator_link import truth
from tests.campaign.fault_story import Injected, Story
from tests.campaign.observer import Observer
from tests.campaign.truth import truths
from tests.controller.recipes_for_tests import EXAMPLE, LIBRARY, planned, quick, variant

RUN, AGAIN = "run", "again"
LONGEST_S = 4 * 3600.0
"""Of the line's time; a run of the campaign's recipes takes some 35 minutes, held and repaired at most two hours."""
FITTER_S = 1200.0
"""After so long somebody has repaired what was broken."""
SETTLING_S = 30.0


class Deed(Protocol):
    """A fault as it is done to a line."""

    def inject(self, stage: Stage) -> None: ...

    def clear(self, stage: Stage) -> None: ...


@dataclass(frozen=True, slots=True)
class Act:
    """A fault with everything drawn: what, when, how long, and what must be told of it.

    It begins after_s after `unit` enters `phase` for the `visit`th time. duration_s None: until somebody repairs it.
    """

    fault: str
    unit: str
    trigger_unit: str
    phase: str
    after_s: float
    duration_s: float | None
    deed: Deed
    needs_person: bool
    cause: str = ""
    within_s: float = 10.0
    spoils: frozenset[str] = frozenset()
    visit: int = 1


@cache
def plan_of(recipe: str) -> Plan:
    """The plan of one of the campaign's short recipes: press (Example 1, shortened) or coat (an electrode)."""
    with TemporaryDirectory() as folder:
        target = Path(folder, f"{recipe}.yaml")
        match recipe:
            case "press":
                quick(target)
            case "coat":
                variant(target, source=LIBRARY / "zeon-negative-electrode.yaml")
            case "long":
                variant(target, source=EXAMPLE)
            case _:
                raise ValueError(f"there is no recipe {recipe!r}")
        return planned(target, None)


@dataclass(slots=True)
class Stage:
    """A line on which one act is played. people is one of "absent", "mends", "late".

    is_wired: on bytes in memory, which faults of wires can damage; else asked by calls, which is faster.
    """

    recipe: str
    seed: int
    act: Act | None = None
    people: str = "absent"
    is_wired: bool = False
    prepare: Callable[[Stage], None] = lambda stage: None
    simulated: SimulatedLine = field(init=False)
    line: Line = field(init=False)
    observer: Observer = field(init=False)
    journal: Journal = field(init=False)
    chance: Random = field(init=False)
    begun_s: float | None = None
    cleared_s: float | None = None

    def play(self) -> Story:
        """The story of this run; the same fault and seed give the same one."""
        return run_virtual(self._play())

    @property
    def now_s(self) -> float:
        return asyncio.get_running_loop().time()

    def plc(self, unit: str) -> Any:
        """The simulated controller of a unit."""
        return self.simulated.machines[unit].plc  # type: ignore[union-attr]  # of a machine with a controller

    def transport(self, unit: str) -> Any:
        """The memory transport by which our driver talks to a unit."""
        machine: Any = self.line.machines.get(unit) or self.line.instruments[unit]
        return machine._link.layer.transport

    async def _play(self) -> Story:
        loop = asyncio.get_running_loop()
        self.chance = Random(f"{self.act.fault if self.act else 'nothing'}:{self.seed}:people")
        self.simulated = SimulatedLine(seed=self.seed, clock=loop.time)
        self.observer = Observer(self.simulated)
        self.line = wired_line(self.simulated, loop.time) if self.is_wired else memory_line(self.simulated)
        self.journal = Journal(
            EventStream(), lambda: virtual_utc(loop.time() + self.simulated.utc.error_s(loop.time()))
        )
        self.prepare(self)
        tasks = [] if self.act is None else [asyncio.create_task(self._inject(self.act), name="injection")]
        plan = plan_of(self.recipe)
        try:
            async with asyncio.timeout(LONGEST_S):
                await carry_out(plan, self._surroundings(self._attend), RUN)
        except TimeoutError:
            pass  # the record is closed by then and says in which state; the judges take it from there
        ended_s = loop.time()
        await self._settle()
        watched_s = loop.time()
        for task in tasks:
            task.cancel()
        for result in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(result, Exception):
                raise result
        self.repair()
        refusal = await self._closed_by_a_person(plan)
        return self._story(plan, ended_s, watched_s, refusal)

    def _surroundings(self, attendant: Any, *, rearm: bool = False) -> Surroundings:
        async def told_truth(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
            return run_truth(truth(self.simulated, lot), jobs)

        person = SimulatedPerson(self.simulated)
        return Surroundings(self.line, self.journal, person, attendant, told_truth, rearm=rearm)

    # ------------------------------------------------------------------ the fault

    async def _inject(self, act: Act) -> None:
        with self.journal.stream.subscribe() as events:
            wanted = {"unit": act.trigger_unit, "phase": act.phase}
            left = act.visit
            while left:
                event = await events.get()
                left -= event.kind == "step.phase" and event.data == wanted
        await asyncio.sleep(act.after_s)
        self.begun_s = self.now_s
        act.deed.inject(self)
        await asyncio.sleep(FITTER_S if act.duration_s is None else act.duration_s)
        self.repair()

    def repair(self) -> None:
        """The fault is gone: it was short, or somebody has repaired it."""
        if self.act is not None and self.begun_s is not None and self.cleared_s is None:
            self.cleared_s = self.now_s
            self.act.deed.clear(self)

    # ------------------------------------------------------------------ people

    async def _attend(self, run: Run, events: asyncio.Queue[Event]) -> None:
        """Whoever looks after the run: nobody, somebody who mends and goes on, somebody who comes late."""
        restarts = 3
        while True:
            event = await events.get()
            if event.kind != "run.state" or event.data["state"] != RunState.HELD:
                continue
            if self.people == "mends" and restarts:
                restarts -= 1
                await asyncio.sleep(self.chance.uniform(20.0, 90.0))
                self.repair()
                await asyncio.sleep(6.0)  # a link is up again 5 s after its plug is back
                with suppress(TransitionRefused):
                    run.restart("the cause is mended", "shift lead")
                continue
            if self.people == "late":
                await asyncio.sleep(self.chance.uniform(200.0, 500.0))
            with suppress(TransitionRefused):
                await run.stop("not to be continued", "shift lead" if self.people != "absent" else "unattended run")

    async def _settle(self) -> None:
        """Waits as long as machines may take to come to rest by themselves, and looks."""
        self.observer.look(self.now_s)
        timings = [seen.profile.timing for seen in self.observer.seen.values()]
        loaded = any(seen.scans and getattr(seen.scans[-1], "load", 0.0) > 0.0 for seen in self.observer.seen.values())
        await asyncio.sleep(SETTLING_S + (max(t.watchdog_s + t.decompression_s for t in timings) if loaded else 0.0))
        self.observer.look(self.now_s)

    async def _closed_by_a_person(self, plan: Plan) -> str:
        """Afterwards a person looks at the machines, re-arms them and starts anew, only to stop: "" if that works."""

        async def stop_at_once(run: Run, events: asyncio.Queue[Event]) -> None:
            with suppress(TransitionRefused):
                await run.stop("only looked whether it can be started", "shift lead")
            await asyncio.Event().wait()

        try:
            await carry_out(plan, self._surroundings(stop_at_once, rearm=True), AGAIN)
        except (MachineNotReady, UnitUnreachable) as error:
            return str(error)
        return ""

    # ------------------------------------------------------------------ what is told of it

    def _story(self, plan: Plan, ended_s: float, watched_s: float, refusal: str) -> Story:
        events = self.journal.events()
        record = document([event for event in events if event.run == RUN], alive=False)
        found = truths(
            plan,
            jobs_of(events),
            self.observer.dwells,
            self.observer.moduli,
            self.simulated.pressings,
            record,
        )
        lots = frozenset(self.simulated.world._lots)
        return Story(
            plan, RUN, events, self.observer.seen, self._injected(), ended_s, watched_s, record, found, lots, refusal
        )

    def _injected(self) -> tuple[Injected, ...]:
        act = self.act
        if act is None or self.begun_s is None:
            return ()
        until_s = self.cleared_s if self.cleared_s is not None else float("inf")
        return (
            Injected(act.fault, act.unit, self.begun_s, until_s, act.needs_person, act.cause, act.within_s, act.spoils),
        )


def jobs_of(events: list[Event]) -> dict[int, str]:
    """The step of each job, from the journal."""
    jobs: dict[int, str] = {}
    step = ""
    for event in events:
        if event.run != RUN:
            continue
        if event.kind == "step.started":
            step = event.data["name"]
        elif event.kind == "command.requested" and event.data["command"] == "load_job":
            jobs[int(event.data["job"]["job_id"])] = step
    return jobs


def canonical_journal(story: Story) -> str:
    """The whole journal as one text: equal for equal runs."""
    return "\n".join(
        canonical([event.sequence, event.run, event.kind, event.data, event.time_s, event.utc])
        for event in story.events
    )
