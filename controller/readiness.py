"""Whether a run may begin on the machines as they are found, and what is told of them when it ends."""

from __future__ import annotations

from controller.connection import machine_units
from controller.executor.run import Run
from controller.guard import PermissiveMissing
from controller.interlocks import is_pressurised
from controller.line import UnitUnknown
from drivers.errors import BadQuality, DriverError
from drivers.machine import Machine


class MachineNotReady(Exception):
    """A machine is not idle at the start: somebody has to look at it first, then ask for it to be re-armed."""


async def ready(run: Run, *, rearm: bool) -> None:
    """Refuses to start on a machine that is not idle, or re-arms it when that was asked for."""
    faults = _missing_instruments(run)
    others = {unit for unit, owner in run.line.owners.items() if owner != run.name}  # it waits for these in its steps
    for unit in sorted(
        machine_units(run.line, run.plan) - others - run.line.allocation.out.keys() - run.line.allocation.absent.keys()
    ):
        fault = await _not_idle(run, run.line.machine(unit), rearm=rearm)
        faults += [] if fault is None else [fault]
    if faults:
        raise MachineNotReady("\n".join(faults))


async def _not_idle(run: Run, machine: Machine, *, rearm: bool) -> str | None:
    """Why a machine is not ready, if so."""
    try:
        snapshot = await machine.snapshot()
        state = snapshot.text("machine_state")
        if state == "IDLE":
            return None
        if not rearm:
            return f"{machine.unit} is in state {state}; look at it, then start again with --rearm"
        await run.guard.reset(machine)
    except PermissiveMissing as error:
        return f"{error}; {machine.unit} is not re-armed"
    except DriverError as error:
        return f"{machine.unit} is not ready: {str(error).removeprefix(machine.unit + ': ')}"
    return None


def _missing_instruments(run: Run) -> list[str]:
    measures = {m for planned in run.plan.steps if planned.step.inspect for m in planned.step.inspect.measures}
    faults = []
    for measure, kind in (("weight", "balance"), ("thickness", "gauge")):
        try:
            if measure in measures:
                run.line.instrument(kind)
        except UnitUnknown as error:
            faults.append(f"{error}, and the recipe measures {measure}")
    return faults


def warn_of_pressure(run: Run) -> None:
    """Nothing ends while a machine is pressurised without saying so."""
    for machine in run.machines():
        snapshot = machine.latest
        try:
            pressurised = snapshot is None or not machine.link_up or is_pressurised(machine.profile.kind, snapshot)
        except BadQuality:
            pressurised = True
        if pressurised and machine.profile.kind in ("uniaxial_press", "isostatic_press"):
            state = "is still pressurised" if machine.link_up else "is out of reach and may be pressurised"
            run.tell(
                "machine.unproven", {"unit": machine.unit, "message": f"{machine.unit} {state}; look at the machine"}
            )
