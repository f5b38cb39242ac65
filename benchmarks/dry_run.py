"""How fast a dry run is, beside looptime and beside plain loops: `python benchmarks/dry_run.py`.

One program in turn on two event loops: Example 1 through executor, drivers, protocols and simulators, its journal in
memory; on our virtual clock, and on the one of the looptime package as it comes (once more without the idle turns that
it gives to other tasks). Beside them the floor: the same machines stepped through the same jobs by a plain loop, with
no executor, drivers and protocols. Every figure is the median of its rounds, every ratio the median of the rounds'
ratios, in wall time and in the process's own (CPU) time, which others on the machine disturb less.
The exit code is 1 if a goal is missed, 2 if something that is needed is not there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from controller.cli.recipes import planned
from controller.dryrun import rehearsed
from controller.events import Event, EventStream
from controller.journal import Journal, canonical
from recipes.plan import Plan
from simulators.clock import VirtualLoop
from simulators.line import SimulatedLine
from simulators.operator import SimulatedTask

EXAMPLE = Path(__file__).parents[1] / "recipes" / "library" / "honda-example-1.yaml"
SCENARIO, SEED = "realistic", 1
PRESSING_GOAL_S = 0.5
WHOLE_GOAL_S = 1.0
LOOPTIME_GOAL = 10.0

Loop = Callable[[], asyncio.AbstractEventLoop]


class Spent(NamedTuple):
    """Seconds of the wall's time and of the process's."""

    wall_s: float
    cpu_s: float


@dataclass
class Timed(EventStream):
    """Looks at the clocks whenever something is told."""

    kinds: Mapping[str, str]
    pressing: Spent = field(default_factory=lambda: Spent(0.0, 0.0))
    line_s: float = 0.0
    pressing_line_s: float = 0.0
    _began: tuple[Spent, float] = field(default_factory=lambda: (now(), 0.0))
    _queues: dict[asyncio.Queue[Event], str | None] = field(default_factory=dict)

    def publish(self, event: Event) -> None:
        super().publish(event)
        self.line_s = event.time_s
        if self.kinds.get(event.data.get("name", "")) != "press":
            return
        if event.kind == "step.started":
            self._began = now(), event.time_s
        elif event.kind == "step.finished":
            began, line_s = self._began
            self.pressing = plus(self.pressing, since(began))
            self.pressing_line_s += event.time_s - line_s


def now() -> Spent:
    return Spent(time.perf_counter(), time.process_time())


def since(began: Spent) -> Spent:
    wall_s, cpu_s = now()
    return Spent(wall_s - began.wall_s, cpu_s - began.cpu_s)


def plus(one: Spent, two: Spent) -> Spent:
    return Spent(one.wall_s + two.wall_s, one.cpu_s + two.cpu_s)


class Done(NamedTuple):
    """A run on some loop: what it cost, and what it decided (its journal without the instants)."""

    whole: Spent
    pressing: Spent
    line_s: float
    pressing_line_s: float
    decided: str


def through_executor(plan: Plan, loop: Loop) -> Done:
    stream = Timed({p.step.name: p.step.kind.value for p in plan.steps})

    async def main() -> Journal:
        simulated = SimulatedLine(scenario=SCENARIO, seed=SEED, clock=asyncio.get_running_loop().time)
        return await rehearsed(plan, simulated, stream, "bench", {"scenario": SCENARIO, "seed": SEED})

    began = now()
    with asyncio.Runner(loop_factory=loop) as runner:
        journal = runner.run(main())
    whole = since(began)
    decided = [(e.kind, e.data.get("state"), e.data.get("phase"), e.data.get("command")) for e in journal.events()]
    return Done(whole, stream.pressing, stream.line_s, stream.pressing_line_s, canonical(decided))


# ---------------------------------------------------------------- the floor: the machines alone


@dataclass
class Script:
    """What was written to each machine but heartbeats, and what the person did, with the line's time."""

    writes: list[tuple[float, str, Mapping[str, float]]] = field(default_factory=list)
    tasks: list[tuple[float, SimulatedTask]] = field(default_factory=list)
    end_s: float = 0.0
    truth: str = ""


def recorded(plan: Plan) -> Script:
    """The script of a run through the executor."""
    script = Script()

    async def main() -> None:
        clock = asyncio.get_running_loop().time
        simulated = SimulatedLine(scenario=SCENARIO, seed=SEED, clock=clock)
        for unit, plc in _controllers(simulated).items():
            _listen(plc, unit, script, clock)
        perform = simulated.operator.perform

        async def noted(task: SimulatedTask) -> Mapping[str, float]:
            script.tasks.append((clock(), task))
            return await perform(task)

        simulated.operator.perform = noted  # type: ignore[method-assign]
        await rehearsed(plan, simulated, EventStream(), "bench", {})
        script.end_s, script.truth = clock(), _truth(plan, simulated)

    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        runner.run(main())
    return script


def _controllers(simulated: SimulatedLine) -> dict[str, Any]:
    units: dict[str, Any] = dict(simulated.machines)
    return {name: unit.plc for name, unit in units.items() if unit.profile.is_machine}


def _listen(plc: Any, unit: str, script: Script, clock: Callable[[], float]) -> None:
    write = plc.write

    def noted(values: Mapping[str, float]) -> None:
        if "heartbeat_controller" not in values:
            script.writes.append((clock(), unit, dict(values)))
        write(values)

    plc.write = noted


def _truth(plan: Plan, simulated: SimulatedLine) -> str:
    last = plan.steps[-1].step
    layers = simulated.truth_layers(last.produces or last.consumes[0])
    return canonical({name: round(layer["porosity_pct"] or 0.0, 3) for name, layer in layers.items()})


def plain_loops(plan: Plan, script: Script) -> Spent:
    """The same jobs at the same times by a plain loop; the person's tasks alone wait on a clock.

    Raises ValueError if it does not come to the same laminate.
    """

    async def main() -> str:
        loop = asyncio.get_running_loop()
        simulated = SimulatedLine(scenario=SCENARIO, seed=SEED, clock=loop.time)
        controllers = _controllers(simulated)
        writes = iter([*script.writes, (script.end_s, "", {})])
        at_s, unit, values = next(writes)
        for start_s, task in [*script.tasks, (script.end_s, None)]:
            while unit and at_s <= start_s:
                controllers[unit].advance(at_s)
                controllers[unit].write(values)
                at_s, unit, values = next(writes)
            await asyncio.sleep(start_s - loop.time())
            if task is not None:
                await simulated.operator.perform(task)
        for plc in controllers.values():
            plc.advance(script.end_s)
        return _truth(plan, simulated)

    began = now()
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        truth = runner.run(main())
    if truth != script.truth:
        raise ValueError(f"the plain loop made {truth}, the executor {script.truth}")
    return since(began)


# ---------------------------------------------------------------- what is told


def judged(name: str, value: float, goal: float, *, least: bool) -> bool:
    good = value >= goal if least else value <= goal
    print(f"  {name}: {value:.2f}; goal {'at least' if least else 'at most'} {goal:g} {'met' if good else 'MISSED'}")
    return good


def told(name: str, spent: Sequence[Spent]) -> None:
    wall, cpu = median(s.wall_s for s in spent), median(s.cpu_s for s in spent)
    least = min(s.wall_s for s in spent)
    print(f"  {name:44}{wall:7.3f} s of wall time (least {least:.3f}), {cpu:7.3f} s of CPU")


def ratios(some: Sequence[Spent], others: Sequence[Spent]) -> tuple[float, float]:
    """Round by round, in wall time and in CPU time."""
    pairs = list(zip(some, others, strict=True))
    return median(a.wall_s / b.wall_s for a, b in pairs), median(a.cpu_s / b.cpu_s for a, b in pairs)


def looptime_loops() -> Mapping[str, Loop]:
    """The other package's loops; empty where it is not installed."""
    try:
        import looptime
    except ImportError:
        return {}
    return {
        "looptime": lambda: looptime.new_event_loop(start=0),
        "looptime, noop_cycles=0": lambda: looptime.new_event_loop(start=0, noop_cycles=0),
    }


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measures the dry run of Example 1 beside looptime and plain loops.")
    parser.add_argument("--rounds", type=int, default=5, help="rounds; one more is not counted")
    options = parser.parse_args(arguments)
    plan = planned(EXAMPLE, None)
    script = recorded(plan)
    loops: dict[str, Loop] = {"ours": VirtualLoop, **looptime_loops()}
    found: dict[str, list[Done]] = {name: [] for name in loops}
    floor: list[Spent] = []
    for number in range(options.rounds + 1):
        names = list(loops)
        start = number % len(names)
        done = {name: through_executor(plan, loops[name]) for name in (*names[start:], *names[:start])}
        bare = plain_loops(plan, script)
        if number:
            floor.append(bare)
            for name, one in done.items():
                found[name].append(one)
    return told_all(found, floor)


def told_all(found: Mapping[str, Sequence[Done]], floor: Sequence[Spent]) -> int:
    first = found["ours"][0]
    print(f"Dry run of Example 1: {first.line_s:.0f} s of line time, {first.pressing_line_s:.0f} s of it pressing")
    for name, done in found.items():
        told(f"{name}, pressing steps", [one.pressing for one in done])
        told(f"{name}, the whole", [one.whole for one in done])
    told("plain loops, the whole", floor)
    wholes = {name: [one.whole for one in done] for name, done in found.items()}
    wall, cpu = ratios(wholes["ours"], floor)
    print(f"  the whole / plain loops: {wall:.1f} in wall time, {cpu:.1f} in CPU time")
    pressing = median(one.pressing.wall_s for one in found["ours"])
    good = judged("pressing steps, s of wall time", pressing, PRESSING_GOAL_S, least=False)
    good = (
        judged("the whole, s of wall time", median(s.wall_s for s in wholes["ours"]), WHOLE_GOAL_S, least=False)
        and good
    )
    if "looptime" not in wholes:
        print(
            "looptime is not installed, so nothing is compared with it: `make setup-test` installs it", file=sys.stderr
        )
        return 2
    for name in wholes.keys() - {"ours"}:
        if any(one.decided != first.decided for one in found[name]):
            print(f"  {name} did not decide the same; its times cannot be compared", file=sys.stderr)
            return 2
    for name in sorted(wholes.keys() - {"ours"}):
        wall, cpu = ratios(wholes[name], wholes["ours"])
        print(f"  {name} / ours: {wall:.1f} in wall time, {cpu:.1f} in CPU time")
    wall, _ = ratios(wholes["looptime"], wholes["ours"])
    return 0 if judged("looptime / ours, in wall time", wall, LOOPTIME_GOAL, least=True) and good else 1


if __name__ == "__main__":
    sys.exit(main())
