"""The units of a run (ISA-88's allocation): held from its start, released once no later step needs them.

A unit that is released is free for another controller, and a coater does not keep its oven hot for nobody.
"""

from __future__ import annotations

from collections.abc import Sequence

from controller.executor.run import Run
from controller.interlocks import is_pressurised
from drivers.errors import DriverError
from drivers.machine import Machine
from recipes.plan import PlannedStep


async def release_unneeded(run: Run, unit: str | None, later: Sequence[PlannedStep]) -> None:
    """Releases a machine that none of the later steps needs, if it says now that it is idle and without pressure.

    One that is not, or that cannot be asked, stays ours and watched.
    """
    machine = run.line.machines.get(unit or "")
    if machine is None or machine.unit in run.released or any(step.unit == unit for step in later):
        return
    if not await _is_at_rest(machine):
        return
    run.released.add(machine.unit)
    run.tell("unit.released", {"unit": machine.unit})
    machine.release()


async def _is_at_rest(machine: Machine) -> bool:
    try:
        snapshot = await machine.snapshot()
        return snapshot.text("machine_state") == "IDLE" and not is_pressurised(machine.profile.kind, snapshot)
    except DriverError:
        return False
