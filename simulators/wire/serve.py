"""A whole simulated line on the wire, with a URL for each unit and a plug that can be pulled."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from simulators.wire.ascii_server import LineAnswers
from simulators.wire.modbus_server import Registers, RtuFrames, TcpServer, answer_rtu
from simulators.wire.pty import PtyPort

_TCP_KINDS = frozenset({"isostatic_press"})  # the others stand beside the controller's cabinet, on serial lines
_FRAME_GAP_S = 0.5  # of the line's clock; a frame's bytes come within milliseconds, what stays incomplete is no frame


class Cable(Protocol):
    """One unit's connection."""

    url: str

    async def plug(self) -> None: ...

    async def unplug(self) -> None: ...


class TcpCable:
    """Modbus TCP on a loopback port that stays the same when it is plugged again."""

    def __init__(self, device: Registers) -> None:
        self._server = TcpServer(device)
        self.url = ""

    async def plug(self) -> None:
        await self._server.start()
        self.url = f"tcp://127.0.0.1:{self._server.port}?unit=1"

    async def unplug(self) -> None:
        await self._server.stop()


class SerialCable:
    """A pseudo-terminal behind a link whose name stays the same when it is plugged again."""

    def __init__(self, machine: Any, link: Path, clock: Callable[[], float]) -> None:
        if hasattr(machine, "registers"):
            self._port = PtyPort(link, _RtuAnswers(machine.registers, clock))
        else:
            self._port = PtyPort(link, LineAnswers(machine))
        self.url = f"serial://{link}?baudrate=115200&unit=1"

    async def plug(self) -> None:
        self._port.plug()

    async def unplug(self) -> None:
        self._port.unplug()


class _RtuAnswers:
    """A PtyPort's `on_data` for a Modbus RTU slave with unit number 1."""

    def __init__(self, device: Registers, clock: Callable[[], float]) -> None:
        self._device = device
        self._clock = clock
        self._frames = RtuFrames()
        self._heard_at = 0.0

    def __call__(self, data: bytes) -> bytes | None:
        now = self._clock()
        if now - self._heard_at > _FRAME_GAP_S:
            self._frames.forget()
        self._heard_at = now
        frame = self._frames.take(data)
        return None if frame is None else answer_rtu(self._device, 1, frame)


class ServedLine(Mapping[str, str]):
    """The URL of each unit by its name; and every unit's cable."""

    def __init__(self, cables: Mapping[str, Cable]) -> None:
        self._cables = cables

    def __getitem__(self, unit: str) -> str:
        return self._cables[unit].url

    def __iter__(self) -> Iterator[str]:
        return iter(self._cables)

    def __len__(self) -> int:
        return len(self._cables)

    @property
    def urls(self) -> Mapping[str, str]:
        """The same as a plain mapping."""
        return dict(self)

    async def unplug(self, unit: str) -> None:
        """Closes the unit's socket or serial port, as if its cable were pulled. Its machine runs on."""
        await self._cables[unit].unplug()

    async def plug(self, unit: str) -> None:
        """Puts the cable back; the URL stays the same."""
        await self._cables[unit].plug()


@asynccontextmanager
async def serve_line(machines: Mapping[str, Any], clock: Callable[[], float]) -> AsyncIterator[ServedLine]:
    """Serves every machine while the context is open; `clock` gives the line's time in seconds.

    A machine has `.registers` (Modbus; TCP for isostatic presses, RTU for the others) or `.answer(request)` (lines of
    text), and a `.profile`. Every machine integrates itself up to its own clock when it is asked.
    """
    with tempfile.TemporaryDirectory(prefix="pressline-") as folder:
        cables: dict[str, Cable] = {}
        for unit, machine in machines.items():
            tcp = hasattr(machine, "registers") and machine.profile.kind in _TCP_KINDS
            cables[unit] = TcpCable(machine.registers) if tcp else SerialCable(machine, Path(folder) / unit, clock)
        try:
            for cable in cables.values():
                await cable.plug()
            yield ServedLine(cables)
        finally:
            for cable in cables.values():
                await cable.unplug()
