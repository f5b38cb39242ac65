"""The composition root for wires: drivers for a line file, a simulated line on real sockets, the clock to run on."""

from __future__ import annotations

import asyncio
import socket
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, TypeVar

from controller.config import ConfigError, LineConfig, UnitConfig
from controller.line import Line, unit_profile
from controller.line_lock import LineLock
from controller.people import RemoteOperator, run_truth
from controller.session import Truth
from drivers.errors import DriverError, ProfileError
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.transport.recording import Recorder
from drivers.transport.urls import Lines
from drivers.transport.wire import Tap

T = TypeVar("T")


def lease_number(config: LineConfig) -> int:
    """Our number as a controller, 1 to 65535: the same for this computer and line file however often it is started.

    So a controller that was killed takes its own lease back at once; and two computers that were set up from one image,
    which share name and paths, have not the same number.
    """
    where = config.name if config.file is None else str(config.file.resolve())
    address = uuid.getnode()
    known = "" if address >> 40 & 1 else f"{address:x}"  # the bit says that it was invented for this process
    return zlib.crc32(f"{socket.gethostname()}:{known}:{where}".encode()) % 0xFFFF + 1


def wire_line(config: LineConfig, *, tap: Tap | None = None) -> Line:
    """Drivers for every unit of a line file, on the wires that it names; units on one port or connection share it.

    `tap` is told everything that goes over the wires. Raises ConfigError with every fault.
    """
    machines: dict[str, Machine] = {}
    instruments: dict[str, Instrument] = {}
    faults = []
    taken: dict[tuple[str, int], str] = {}
    lines = Lines(speed=config.speed, tap=tap)
    lease = lease_number(config)
    for unit in config.units.values():
        where = f"{config.source}: units.{unit.name}"
        try:
            profile = unit_profile(unit)
        except ProfileError as error:
            faults.append(f"{where}.profile: {error}")
            continue
        try:
            transport: Any = lines.transport(unit.url, profile)  # its form follows from the protocol
        except (DriverError, ValueError) as error:
            faults.append(f"{where}.url is {unit.url!r}: {error}")
            continue
        if (other := taken.setdefault((transport.place, transport.unit), unit.name)) != unit.name:
            faults.append(f"{where}.url is {unit.url!r}: {other} is unit {transport.unit} on {transport.place} already")
        elif profile.is_machine:
            machines[unit.name] = Machine(unit.name, profile, transport, lease=lease)
        else:
            instruments[unit.name] = Instrument(unit.name, profile, transport)
    if faults:
        raise ConfigError("\n".join(faults))
    return Line(machines, instruments)


@contextmanager
def line_in_use(config: LineConfig, utc: str, record: Path | None, told: Callable[[str], None]) -> Iterator[Line]:
    """Drivers for the length of a run: no other program of this computer has the line file meanwhile.

    Where `record` names a file everything on the wires is written there, with `utc` as its beginning; `told` is called
    at the end with the reason if the recording ended before (a full disk). Raises LineTaken, and ConfigError for the
    line file or for a lock or recording that cannot be written.
    """
    tap: Recorder | None = None
    with ExitStack() as held:
        try:
            if config.file is not None:
                held.enter_context(LineLock(config.file))
            if record is not None:
                tap = Recorder(record, utc=utc)
                held.callback(_tell_fault, tap, told)  # comes after its close(): the last bytes may not fit either
                held.enter_context(tap)
        except OSError as error:
            raise ConfigError(f"{error.filename}: cannot be written ({error.strerror})") from error
        yield wire_line(config, tap=tap)


def _tell_fault(recorder: Recorder, told: Callable[[str], None]) -> None:
    if recorder.fault:
        told(recorder.fault)


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
