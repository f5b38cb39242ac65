"""A whole simulated line on the wire, with a URL for each unit and a plug that can be pulled."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from simulators.faults.panel import FaultPanel
from simulators.wire.ascii_server import LineAnswers
from simulators.wire.faulty import FaultyAnswers
from simulators.wire.modbus_server import RtuAnswers, TcpAnswers
from simulators.wire.pty import PtyPort
from simulators.wire.stream_server import Answers, StreamServer

CARRIERS = ("tcp", "rtu", "rtu+tcp", "ascii", "ascii+tcp")
_REPLUG_S = 0.1  # an adapter that was reset is back so soon
_TCP_KINDS = frozenset({"isostatic_press"})  # the others stand beside the controller's cabinet, on serial lines


class Cable(Protocol):
    """One wire to one or several units; `place` is the URL without its settings."""

    place: str

    async def plug(self) -> None: ...

    async def unplug(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Layout:
    """A cable as it is wanted: its units by their numbers, what carries them, and where it ends.

    port 0 is a free one; without a link a pseudo-terminal has one in a folder that goes away with it.
    """

    names: Mapping[int, str]
    carrier: str
    port: int = 0
    link: Path | None = None


class TcpCable:
    """A loopback port that stays the same when it is plugged again."""

    def __init__(self, scheme: str, make: Callable[[], Answers], port: int = 0) -> None:
        self._scheme = scheme
        self._server = StreamServer(make, port=port)
        self.place = ""

    async def plug(self) -> None:
        await self._server.start()
        self.place = f"{self._scheme}://127.0.0.1:{self._server.port}?"

    async def unplug(self) -> None:
        await self._server.stop()


class SerialCable:
    """A pseudo-terminal behind a link whose name stays the same when it is plugged again."""

    def __init__(self, link: Path, make: Callable[[], Answers]) -> None:
        self._answers = make()
        self._port = PtyPort(link, self._answers)
        self._back: asyncio.TimerHandle | None = None
        self.place = f"serial://{link}?baudrate=115200&"

    async def plug(self) -> None:
        self._plug()

    async def unplug(self) -> None:
        if self._back is not None:
            self._back.cancel()
        self._port.unplug()

    def _plug(self) -> None:
        self._port.plug()
        connected = getattr(self._answers, "connected", None)
        if connected is not None:
            connected(self._port.send, self._reset)

    def _reset(self) -> None:
        """The adapter goes away and comes back."""
        if self._port.plugged:
            self._port.unplug()
            self._back = asyncio.get_running_loop().call_later(_REPLUG_S, self._plug)


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

    def add(self, names: Mapping[int, str], cable: Cable, units: _Units) -> None:
        """A cable with its units by their numbers."""
        self._units |= {name: (cable, number, units) for number, name in names.items()}

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
    panel: FaultPanel | None = None,
) -> AsyncIterator[ServedLine]:
    """Serves every machine while the context is open; `clock` gives the line's time in seconds.

    A machine has `.registers` (Modbus) or `.answer(request)` (lines of text), and a `.profile`. Every machine
    integrates itself up to its own clock when it is asked. `carriers` names what carries a unit: "tcp" (Modbus TCP),
    "rtu" (a pseudo-terminal), "rtu+tcp", "ascii" (a pseudo-terminal), "ascii+tcp"; unless named, isostatic presses
    are on TCP and all others on pseudo-terminals. `together` lists the units that share a cable: they are numbered from
    1 in that order, and carried as the first of them is. `panel` can damage what goes over the wires.

    :raises ValueError: for a carrier that a machine cannot use.
    """
    named, shared = carriers or {}, {name for group in together for name in group}
    groups = [*together, *([name] for name in machines if name not in shared)]
    layouts = [
        Layout(dict(enumerate(names, start=1)), named.get(names[0]) or usual_carrier(machines[names[0]]))
        for names in groups
    ]
    async with serve_cables(machines, clock, layouts, panel=panel) as served:
        yield served


@asynccontextmanager
async def serve_cables(
    machines: Mapping[str, Any],
    clock: Callable[[], float],
    layouts: Sequence[Layout],
    *,
    panel: FaultPanel | None = None,
) -> AsyncIterator[ServedLine]:
    """Serves machines on cables as they are laid out; see serve_line.

    :raises ValueError: for a carrier that a machine cannot use.
    :raises OSError: for a port that is taken or a link that cannot be made.
    """
    cables: list[Cable] = []
    served = ServedLine()
    with tempfile.TemporaryDirectory(prefix="pressline-") as folder:
        for layout in layouts:
            _check(layout.carrier, layout.names.values(), machines)
            units = _Units({number: face(machines[name]) for number, name in layout.names.items()})
            make = answers_on(layout.carrier, units, layout.names, clock, panel)
            link = layout.link or Path(folder) / next(iter(layout.names.values()))
            cables.append(_cable(layout, make, link))
            served.add(layout.names, cables[-1], units)
        try:
            for cable in cables:
                await cable.plug()
            yield served
        finally:
            for cable in cables:
                await cable.unplug()


def answers_on(
    carrier: str,
    units: Mapping[int, Any],
    names: Mapping[int, str],
    clock: Callable[[], float],
    panel: FaultPanel | None = None,
) -> Callable[[], Answers]:
    """What makes the answering side of each connection to the units of one cable; `names` are theirs on the panel."""
    line = next(iter(units.values())).profile.line if carrier.startswith("ascii") else None
    end = b"" if line is None else line.terminator.encode("ascii")

    def sound() -> Answers:
        if carrier == "tcp":
            return TcpAnswers(units)
        return RtuAnswers(units, clock) if carrier.startswith("rtu") else LineAnswers(units=units, end=end)

    if panel is None:
        return sound
    panel.wired(names.values(), carrier)
    return lambda: FaultyAnswers(sound(), names, carrier, panel, clock)


def _cable(layout: Layout, make: Callable[[], Answers], link: Path) -> Cable:
    if layout.carrier in ("rtu", "ascii"):
        return SerialCable(link, make)
    return TcpCable("rtu+tcp" if layout.carrier == "rtu+tcp" else "tcp", make, layout.port)


def face(machine: Any) -> Any:
    """What a machine answers with: its registers, or itself."""
    return machine.registers if hasattr(machine, "registers") else machine


def usual_carrier(machine: Any) -> str:
    """What carries a machine of this kind unless something else is named."""
    if not hasattr(machine, "registers"):
        return "ascii"
    return "tcp" if machine.profile.kind in _TCP_KINDS else "rtu"


def _check(carrier: str, names: Iterable[str], machines: Mapping[str, Any]) -> None:
    if carrier not in CARRIERS:
        raise ValueError(f"{carrier!r} carries nothing; {', '.join(CARRIERS)} do")
    for name in names:
        if hasattr(machines[name], "registers") == carrier.startswith("ascii"):
            raise ValueError(f"{name} does not speak what {carrier} carries")
