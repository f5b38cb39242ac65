"""The composition root for wires: drivers for a line file, a simulated line on real sockets, the clock to run on."""

from __future__ import annotations

import asyncio
import socket
import uuid
import zlib
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Mapping
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from controller.alarms.table import shipped_table
from controller.calibration import CYCLES
from controller.config import ConfigError, LineConfig, UnitConfig
from controller.line import Line, unit_profile
from controller.line_lock import LineLock
from controller.people import RemoteOperator, run_truth
from controller.session import Truth
from drivers.errors import DriverError, ProfileError
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.transport.recording import Recorder
from drivers.transport.urls import Lines
from drivers.transport.wire import Tap

if TYPE_CHECKING:
    from simulators.wire.serve import Layout

T = TypeVar("T")
_THIS_COMPUTER = ("127.0.0.1", "localhost", "::1")


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
        if unit.fitness.max_cycles is not None and CYCLES not in profile.signals:
            faults.append(f"{where}.max_cycles is {unit.fitness.max_cycles}, but {profile.name} has no signal {CYCLES}")
        if (other := taken.setdefault((transport.place, transport.unit), unit.name)) != unit.name:
            faults.append(f"{where}.url is {unit.url!r}: {other} is unit {transport.unit} on {transport.place} already")
        elif profile.is_machine:
            machines[unit.name] = Machine(unit.name, profile, transport, lease=lease)
        else:
            instruments[unit.name] = Instrument(unit.name, profile, transport)
    if faults:
        raise ConfigError("\n".join(faults))
    fitness = {unit.name: unit.fitness for unit in config.units.values()}
    stated: dict[str, Any] = {"max_out_s": config.max_out_s, "foil_batches": config.foil_batches}
    return Line(machines, instruments, fitness=fitness, **stated)


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
async def simulated_wires(
    scenario: str,
    seed: int,
    speed: float,
    given: LineConfig | None = None,
    units: Mapping[str, Profile] | None = None,
    people: int = 1,
) -> AsyncIterator[LineConfig]:
    """A simulated line on real sockets and pseudo-terminals, its operator on a socket; yields its line file.

    Its units are the usual ones or `units`, by name, and so many people are at it. With `given` its units are simulated
    instead, on cables laid out as its URLs say. Raises ConfigError for a line that cannot be, OSError for a port or
    link that cannot be had.
    """
    from simulators.line import SimulatedLine
    from simulators.operator_link import serve_operator
    from simulators.wire.serve import serve_cables, serve_line

    clock = asyncio.get_running_loop().time
    async with AsyncExitStack() as served:
        if given is None:
            simulated = SimulatedLine(scenario, seed, clock, units, people=people)
            wires = await served.enter_async_context(serve_line(simulated.machines, clock, panel=simulated.faults))
        else:
            layouts = line_layouts(given)
            numbers = {name: number for layout in layouts for number, name in layout.names.items()}
            profiles = {unit.name: unit_profile(unit) for unit in given.units.values()}
            simulated = SimulatedLine(scenario, seed, clock, profiles, numbers)
            cables = serve_cables(simulated.machines, clock, layouts, panel=simulated.faults)
            wires = await served.enter_async_context(cables)
        operator_url = await served.enter_async_context(serve_operator(simulated))
        served_units = {
            name: UnitConfig(name, machine.profile.kind, _profile_of(name, machine.profile.name, given), wires[name])
            for name, machine in simulated.machines.items()
        }
        if given is None:
            yield LineConfig("simulated line", served_units, speed, operator_url)
        else:
            kept = {name: replace(unit, fitness=given.units[name].fitness) for name, unit in served_units.items()}
            yield replace(given, units=kept, speed=speed, operator_url=operator_url, source="the line", file=None)


def _profile_of(unit: str, name: str, given: LineConfig | None) -> str:
    """What the line file names: a shipped profile, or a file wherever the line file is."""
    if given is None:
        return name
    profile = given.units[unit].profile
    return str(Path(profile).resolve()) if Path(profile).is_file() else profile


def line_layouts(config: LineConfig) -> list[Layout]:
    """The cables of a line file for its simulation: units on one port or connection share one, by their numbers.

    A TCP port of this computer is served at that port, any other at a free one; a serial port that is no device and is
    not there yet under its own name. Raises ConfigError with every fault.
    """
    from simulators.wire.serve import Layout

    wire_line(config)  # it knows every fault that a line file can have
    lines, cables = Lines(speed=config.speed), dict[str, Layout]()
    for unit in config.units.values():
        profile = unit_profile(unit)
        transport = lines.transport(unit.url, profile)
        if (known := cables.get(transport.place)) is not None:
            cables[transport.place] = replace(known, names={**known.names, transport.unit: unit.name})
            continue
        parts = urlsplit(unit.url)
        serial, text = parts.scheme == "serial", profile.protocol == "ascii"
        carrier = ("ascii" if text else "rtu") if serial else "ascii+tcp" if text else parts.scheme
        link = Path(parts.path)
        free = serial and parts.path and not link.is_relative_to("/dev") and not link.exists() and link.parent.is_dir()
        port = (parts.port or 0) if parts.hostname in _THIS_COMPUTER and not serial else 0
        cables[transport.place] = Layout({transport.unit: unit.name}, carrier, port, link if free else None)
    return list(cables.values())


def remote_truth(operator: RemoteOperator) -> Truth:
    """The truth as the simulated operator's socket tells it."""

    async def told(lot: str, jobs: Mapping[int, str]) -> dict[str, Any]:
        return run_truth(await operator.truth(lot), jobs)

    return told


def scenarios() -> tuple[str, ...]:
    """The names of the simulated line's scenarios."""
    from simulators.scenarios import SCENARIOS

    return tuple(SCENARIOS)


def scenario_meanings() -> Mapping[str, str]:
    """What each scenario is like, by its name."""
    from simulators.scenarios import SCENARIOS

    return SCENARIOS


def fault_catalogue() -> dict[str, Any]:
    """Every fault of a simulated line, as the fault console tells it."""
    from simulators.faults.console import catalogue

    return catalogue()


def on_clock(main: Coroutine[Any, Any, T], speed: float) -> T:
    """Runs a program to its end: real hardware on the plain clock, a simulated line up to 20 times faster."""
    shipped_table()  # it is kept; a loop that reads it while machines wait for their heartbeat is late
    if speed == 1.0:
        return asyncio.run(main)
    from simulators.clock import run_scaled

    return run_scaled(main, speed)
