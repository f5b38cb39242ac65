"""A whole simulated line on the wire, with a URL for each unit and a plug that can be pulled."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from simulators.wire.ascii_server import LineAnswers
from simulators.wire.modbus_server import RtuAnswers, TcpAnswers
from simulators.wire.pty import PtyPort
from simulators.wire.stream_server import Answers, StreamServer

CARRIERS = ("tcp", "rtu", "rtu+tcp", "ascii", "ascii+tcp")
_TCP_KINDS = frozenset({"isostatic_press"})  # the others stand beside the controller's cabinet, on serial lines


class Cable(Protocol):
    """One wire to one or several units; `place` is the URL without its settings."""

    place: str

    async def plug(self) -> None: ...

    async def unplug(self) -> None: ...


class TcpCable:
    """A loopback port that stays the same when it is plugged again."""

    def __init__(self, scheme: str, make: Callable[[], Answers]) -> None:
        self._scheme = scheme
        self._server = StreamServer(make)
        self.place = ""

    async def plug(self) -> None:
        await self._server.start()
        self.place = f"{self._scheme}://127.0.0.1:{self._server.port}?"

    async def unplug(self) -> None:
        await self._server.stop()


class SerialCable:
    """A pseudo-terminal behind a link whose name stays the same when it is plugged again."""

    def __init__(self, link: Path, make: Callable[[], Answers]) -> None:
        self._port = PtyPort(link, make())
        self.place = f"serial://{link}?baudrate=115200&"

    async def plug(self) -> None:
        self._port.plug()

    async def unplug(self) -> None:
        self._port.unplug()


class _Units(Mapping[int, Any]):
    """What answers on one cable, by its number; a silent unit is not there."""

    def __init__(self, units: Mapping[int, Any]) -> None:
        self._units = units
        self.silent: set[int] = set()

    def __getitem__(self, number: int) -> Any:
        if number in self.silent:
            raise KeyError(number)
        return self._units[number]

    def __iter__(self) -> Iterator[int]:
        return (number for number in self._units if number not in self.silent)

    def __len__(self) -> int:
        return len(self._units) - len(self.silent)


class ServedLine(Mapping[str, str]):
    """The URL of each unit by its name; and every unit's cable."""

    def __init__(self) -> None:
        self._units: dict[str, tuple[Cable, int, _Units]] = {}

    def add(self, names: Sequence[str], cable: Cable, units: _Units) -> None:
        """A cable with its units, numbered from 1."""
        self._units |= {name: (cable, number, units) for number, name in enumerate(names, start=1)}

    def __getitem__(self, unit: str) -> str:
        cable, number, _ = self._units[unit]
        return f"{cable.place}unit={number}"

    def __iter__(self) -> Iterator[str]:
        return iter(self._units)

    def __len__(self) -> int:
        return len(self._units)

    @property
    def urls(self) -> Mapping[str, str]:
        """The same as a plain mapping."""
        return dict(self)

    async def unplug(self, unit: str) -> None:
        """Closes the unit's socket or serial port, as if its cable were pulled. The machines on it run on."""
        await self._units[unit][0].unplug()

    async def plug(self, unit: str) -> None:
        """Puts the cable back; the URL stays the same."""
        await self._units[unit][0].plug()

    def silence(self, unit: str) -> None:
        """The unit answers no more; others on its cable do."""
        _, number, units = self._units[unit]
        units.silent.add(number)

    def unsilence(self, unit: str) -> None:
        """The unit answers again."""
        _, number, units = self._units[unit]
        units.silent.discard(number)


@asynccontextmanager
async def serve_line(
    machines: Mapping[str, Any],
    clock: Callable[[], float],
    *,
    carriers: Mapping[str, str] | None = None,
    together: Sequence[Sequence[str]] = (),
) -> AsyncIterator[ServedLine]:
    """Serves every machine while the context is open; `clock` gives the line's time in seconds.

    A machine has `.registers` (Modbus) or `.answer(request)` (lines of text), and a `.profile`. Every machine
    integrates itself up to its own clock when it is asked. `carriers` names what carries a unit: "tcp" (Modbus TCP),
    "rtu" (a pseudo-terminal), "rtu+tcp", "ascii" (a pseudo-terminal), "ascii+tcp"; unless named, isostatic presses
    are on TCP and all others on pseudo-terminals. `together` lists the units that share a cable: they are numbered from
    1 in that order, and carried as the first of them is. Raises ValueError for a carrier that a machine cannot use.
    """
    named, shared = carriers or {}, {name for group in together for name in group}
    groups = [*together, *([name] for name in machines if name not in shared)]
    cables: list[Cable] = []
    served = ServedLine()
    with tempfile.TemporaryDirectory(prefix="pressline-") as folder:
        for names in groups:
            carrier = named.get(names[0]) or _usual_carrier(machines[names[0]])
            _check(carrier, names, machines)
            units = _Units({n: _face(machines[name]) for n, name in enumerate(names, start=1)})
            line = machines[names[0]].profile.line
            end = b"" if line is None else line.terminator.encode("ascii")
            cables.append(_cable(carrier, units, Path(folder) / names[0], clock, end))
            served.add(names, cables[-1], units)
        try:
            for cable in cables:
                await cable.plug()
            yield served
        finally:
            for cable in cables:
                await cable.unplug()


def _cable(carrier: str, units: _Units, link: Path, clock: Callable[[], float], end: bytes) -> Cable:
    def make() -> Answers:
        if carrier == "tcp":
            return TcpAnswers(units)
        return RtuAnswers(units, clock) if carrier.startswith("rtu") else LineAnswers(units=units, end=end)

    if carrier in ("rtu", "ascii"):
        return SerialCable(link, make)
    return TcpCable("rtu+tcp" if carrier == "rtu+tcp" else "tcp", make)


def _face(machine: Any) -> Any:
    """What a machine answers with: its registers, or itself."""
    return machine.registers if hasattr(machine, "registers") else machine


def _usual_carrier(machine: Any) -> str:
    if not hasattr(machine, "registers"):
        return "ascii"
    return "tcp" if machine.profile.kind in _TCP_KINDS else "rtu"


def _check(carrier: str, names: Iterable[str], machines: Mapping[str, Any]) -> None:
    if carrier not in CARRIERS:
        raise ValueError(f"{carrier!r} carries nothing; {', '.join(CARRIERS)} do")
    for name in names:
        if hasattr(machines[name], "registers") == carrier.startswith("ascii"):
            raise ValueError(f"{name} does not speak what {carrier} carries")
