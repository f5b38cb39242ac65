"""The machines of a run (ISA-88's allocation): released once no step of any run needs them any more.

A unit that is released is free for another controller, and a coater does not keep its oven hot for nobody. Who is given
a unit before is the allocation's business (allocation.py).
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.executor.gates import pressed_again
from controller.executor.run import Run
from controller.interlocks import is_proven_at_rest
from controller.schedule.model import INSTRUMENTS
from drivers.errors import DriverError
from drivers.machine import Machine
from recipes.plan import PlannedStep


def units_of(run: Run, steps: Sequence[PlannedStep]) -> set[str]:
    """The machines that could do any of these steps, or press again what a gate after one of them sends back."""
    area_mm2 = run.plan.recipe.laminate.area_mm2
    found = [*steps, *(again for planned in steps if (again := pressed_again(run.plan, planned)) is not None)]
    return {unit for planned in found for unit in run.line.able(planned, area_mm2)}


def shut_for(run: Run) -> str | None:
    """Which unit that only a person can put back in service a run cannot be finished without; None if it has all."""
    allocation, area_mm2 = run.line.allocation, run.plan.recipe.laminate.area_mm2
    left = [planned for planned in run.plan.steps if planned.step.name not in run.memory.finished]
    needed = [(planned.step.name, run.line.able(planned, area_mm2)) for planned in left]
    needed += [(planned.step.name, (unit,)) for planned in left for unit in _instruments(run, planned)]
    needed += [(want.what, want.units) for want in allocation.wants() if want.owner == run.name]
    for step, units in needed:
        if units and all(unit in allocation.shut and allocation.owners.get(unit) != run.name for unit in units):
            return f"{step} needs " + " or ".join(f"{unit}, which {allocation.state(unit)}" for unit in units)
    return None


def _instruments(run: Run, planned: PlannedStep) -> list[str]:
    """The instruments that an inspection measures with."""
    measures = () if planned.step.inspect is None else planned.step.inspect.measures
    kinds = [kind for measure in measures if (kind := INSTRUMENTS.get(measure)) is not None]
    return [run.line.instrument(kind).unit for kind in kinds if run.line.alike(kind)]


def register_needs(run: Run, later: Sequence[PlannedStep]) -> None:
    """Sets down which machines the run may still need."""
    run.line.allocation.register(run.name, units_of(run, later))


async def release_unneeded(run: Run, later: Sequence[PlannedStep]) -> None:
    """Releases the machines that no later step of this run, and no other run that is under way or planned, may need.

    Only one that says now that it is idle and at rest; any other stays ours and watched.
    """
    register_needs(run, later)
    needed = units_of(run, later)
    for unit in sorted(units_of(run, run.plan.steps) - needed - run.released):
        if run.line.allocation.needed_by(unit, run.name):
            continue
        machine = run.line.machines[unit]
        if not await _is_at_rest(machine) or run.line.allocation.needed_by(unit, run.name):  # while it was asked
            continue
        run.released.add(unit)
        run.tell("unit.released", {"unit": unit})
        machine.release()


async def _is_at_rest(machine: Machine) -> bool:
    try:
        snapshot = await machine.snapshot()
        return snapshot.text("machine_state") == "IDLE" and is_proven_at_rest(machine.profile.kind, snapshot)
    except DriverError:
        return False
