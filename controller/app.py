"""The composition root for wires: drivers for a line file, a simulated line on real sockets, the clock to run on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from controller.config import ConfigError, LineConfig, UnitConfig
from controller.line import Line, unit_profile
from controller.people import RemoteOperator, run_truth
from controller.session import Truth
from drivers.errors import DriverError, ProfileError
from drivers.gauge import SicsInstrument
from drivers.machine import Machine
from drivers.transport.urls import open_transport

T = TypeVar("T")


def wire_line(config: LineConfig) -> Line:
    """Drivers for every unit of a line file, on the wires that it names. Raises ConfigError with every fault."""
    machines: dict[str, Machine] = {}
    instruments: dict[str, SicsInstrument] = {}
    faults = []
    for unit in config.units.values():
        where = f"{config.source}: units.{unit.name}"
        try:
            profile = unit_profile(unit)
        except ProfileError as error:
            faults.append(f"{where}.profile: {error}")
            continue
        try:
            transport: Any = open_transport(unit.url, profile, speed=config.speed)  # its form follows from the protocol
        except (DriverError, ValueError) as error:
            faults.append(f"{where}.url is {unit.url!r}: {error}")
            continue
        if profile.protocol == "mt_sics":
            instruments[unit.name] = SicsInstrument(unit.name, profile, transport)
        else:
            machines[unit.name] = Machine(unit.name, profile, transport)
    if faults:
        raise ConfigError("\n".join(faults))
    return Line(machines, instruments)


@asynccontextmanager
async def simulated_wires(scenario: str, seed: int, speed: float) -> AsyncIterator[LineConfig]:
    """A simulated line on real sockets and pseudo-terminals, its operator on a socket; yields its line file."""
    from simulators.line import SimulatedLine
    from simulators.operator_link import serve_operator
    from simulators.wire.serve import serve_line

    clock = asyncio.get_running_loop().time
    simulated = SimulatedLine(scenario=scenario, seed=seed, clock=clock)
    async with serve_line(simulated.machines, clock) as wires, serve_operator(simulated) as operator_url:
        units = {
            name: UnitConfig(name, machine.profile.kind, machine.profile.name, wires[name])
            for name, machine in simulated.machines.items()
        }
        yield LineConfig("simulated line", units, speed, operator_url)


def remote_truth(operator: RemoteOperator) -> Truth:
    """The truth as the simulated operator's socket tells it."""

    async def told(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
        return run_truth(await operator.truth(lot), jobs)

    return told


def scenarios() -> tuple[str, ...]:
    """The names of the simulated line's scenarios."""
    from simulators.scenarios import SCENARIOS

    return tuple(SCENARIOS)


def on_clock(main: Coroutine[Any, Any, T], speed: float) -> T:
    """Runs a program to its end: real hardware on the plain clock, a simulated line up to 20 times faster."""
    if speed == 1.0:
        return asyncio.run(main)
    from simulators.clock import run_scaled

    return run_scaled(main, speed)
