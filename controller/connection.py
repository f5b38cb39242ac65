"""The machines of a line while they are connected: their tasks run, what is needed answers, instruments are known."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from controller.line import Line
from controller.vitals.background import Background, Health, background
from controller.vitals.deaths import MustProgress, Restart, Tell
from drivers.errors import DriverError
from drivers.machine import Machine
from recipes.plan import Plan

CONNECT_LIMIT_S = 10.0  # a machine that is switched on answers within its first reconnect intervals (5 s at most)
CONNECT_WALL_S = 5.0  # on a fast clock the wire still needs real time
HANG_S = (
    30.0  # a turn of a machine's task waits 4 s at most for its next try, and for its answers (engineering judgement)
)
HANG_PATIENCES = 10.0  # where answers take long: so many times the silence after which the link counts as down


class UnitUnreachable(Exception):
    """A unit that the plan needs does not answer. A retry makes sense when it is back."""


def machine_units(line: Line, plan: Plan, done: Collection[str] = ()) -> set[str]:
    """The machines that a plan needs for the steps that are not done."""
    units = {planned.unit for planned in plan.steps if planned.step.name not in done}
    return {unit for unit in units if unit is not None and unit in line.machines}


@asynccontextmanager
async def connected(
    line: Line, plan: Plan, speed: float, done: Collection[str] = (), *, tell: Tell, health: Health | None = None
) -> AsyncIterator[None]:
    """The tasks of all machines run within the block. Raises UnitUnreachable for what the plan's other steps need.

    A unit that is out of service need not answer.
    A task that dies or hangs is told, and started again; TaskDied ends the block when that does not help.
    """
    needed = machine_units(line, plan, done) - line.allocation.out.keys()
    line.released.clear()  # what an earlier block released is connected anew
    async with background(tell, health) as tasks:
        try:
            for name, machine in line.machines.items():
                _keep(tasks, line, name, machine)
            await _reached(line, needed, speed)
            yield
        finally:
            for instrument in line.instruments.values():
                await instrument.close()


def _keep(tasks: Background, line: Line, name: str, machine: Machine) -> None:
    """A machine's task. One that dies or hangs is started again: the machine sees a lost link, and its run is held."""

    async def kept() -> None:
        if name not in line.released:
            await machine.run()

    tasks.start(
        f"the task of {name}",
        kept,
        Restart(),
        condition="machine_task",
        unit=name,
        progress=MustProgress(lambda: machine.turns, max(HANG_S, HANG_PATIENCES * machine.patience_s)),
        may_return=lambda: name in line.released,
    )


async def unanswered(line: Line, units: Collection[str], speed: float) -> dict[str, str]:
    """The machines among these that do not answer within what connecting takes, and why."""
    waiting = {name: line.machine(name) for name in sorted(units)}
    deadline = asyncio.get_running_loop().time() + max(CONNECT_LIMIT_S, speed * CONNECT_WALL_S)
    while waiting and asyncio.get_running_loop().time() < deadline:
        waiting = {name: machine for name, machine in waiting.items() if not machine.link_up}
        if waiting:
            await asyncio.sleep(0.1)
    return {name: await _why_not(machine) for name, machine in waiting.items()}


async def _reached(line: Line, needed: set[str], speed: float) -> None:
    faults = [f"{name}: {why}" for name, why in (await unanswered(line, needed, speed)).items()]
    for name, instrument in line.instruments.items():
        if name in line.allocation.out:
            continue
        try:
            await instrument.identify()
        except DriverError as error:
            faults.append(f"{name}: {_why(name, error)}")
    if faults:
        raise UnitUnreachable("\n".join(faults))


async def _why_not(machine: Machine) -> str:
    try:
        await machine.snapshot()
    except DriverError as error:
        return _why(machine.unit, error)
    return "answered too late"


def _why(unit: str, error: DriverError) -> str:
    """An error's message without the unit's name, which some begin with, for a sentence that names it already."""
    return str(error).removeprefix(f"{unit}: ")
