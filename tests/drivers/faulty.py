"""A Modbus machine whose answers go wrong on order: lost, late, corrupt, of the wrong length, function, unit, echo."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from drivers.profile import Table
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.serial_wire import SerialSettings, SerialWire
from drivers.transport.tcp_wire import TcpWire
from simulators.wire.modbus_server import RtuFrames, answer_rtu, answer_tcp, crc16
from simulators.wire.pty import PtyPort

TIMEOUT_S, QUIET_S, LATE_S = 0.15, 0.12, 0.2
Send = Callable[[bytes], None]


class AddressIsValue:
    """Every register holds its own address; writes are counted."""

    def __init__(self) -> None:
        self.writes: list[tuple[int, tuple[int, ...]]] = []

    def read(self, table: Table, address: int, count: int) -> list[int]:
        return list(range(address, address + count))

    def write(self, address: int, values: Sequence[int]) -> None:
        self.writes.append((address, tuple(values)))


class Faults:
    """What happens to the next answers, one word a request; "ok" when the list is used up."""

    def __init__(self, *, rtu: bool) -> None:
        self.device = AddressIsValue()
        self.orders: list[str] = []
        self.requests: list[bytes] = []
        self._rtu = rtu

    def handle(self, frame: bytes, send: Send) -> None:
        self.requests.append(frame)
        answer = answer_rtu(self.device, 1, frame) if self._rtu else answer_tcp(self.device, 1, frame)
        order = self.orders.pop(0) if self.orders else "ok"
        if answer is None or order == "lost":
            return
        if order == "late":
            asyncio.get_running_loop().call_later(LATE_S, send, answer)
        elif order == "pieces":
            for i in range(0, len(answer), 3):
                asyncio.get_running_loop().call_later(0.002 * i, send, answer[i : i + 3])
        elif order == "twice":
            send(answer + answer)
        elif order == "corrupt" and self._rtu:
            send(answer[:-1] + bytes([answer[-1] ^ 0x55]))
        elif order == "corrupt":
            send(answer[:2] + b"\x01" + answer[3:])
        else:
            head, pdu = (answer[:1], answer[1:-2]) if self._rtu else (answer[:7], answer[7:])
            send(self._framed(*_changed(order, head, pdu)))

    def _framed(self, head: bytes, pdu: bytes) -> bytes:
        if self._rtu:
            return head + pdu + crc16(head + pdu)
        return head[:4] + (len(pdu) + 1).to_bytes(2, "big") + head[6:7] + pdu


def _changed(order: str, head: bytes, pdu: bytes) -> tuple[bytes, bytes]:
    """A well-formed answer that is not the right one."""
    if order == "short":  # one register fewer than asked, with a count that fits it
        return head, pdu[:1] + bytes([pdu[1] - 2]) + pdu[2:-2]
    if order == "long":
        return head, pdu[:1] + bytes([pdu[1] + 2]) + pdu[2:] + b"\0\7"
    if order == "function":  # the answer to a read of the other table, or to a read instead of a write
        return head, (bytes([7 - pdu[0]]) + pdu[1:] if pdu[0] in (3, 4) else b"\x03\x02\x00\x07")
    if order == "unit":
        return head[:-1] + b"\x02", pdu
    if order == "echo":
        return head, pdu[:1] + (int.from_bytes(pdu[1:3], "big") + 1).to_bytes(2, "big") + pdu[3:]
    if order == "echo-count":
        return head, pdu[:3] + b"\x00\x63"
    if order == "exception":
        return head, bytes([pdu[0] | 0x80, 4])
    if order == "foreign-exception":
        return head, b"\x8f\x01"
    if order == "transaction":
        return (int.from_bytes(head[:2], "big") + 1).to_bytes(2, "big") + head[2:], pdu
    return head, pdu


def unit_on(line: Line, *, rtu: bool, unit: int = 1) -> ModbusUnit:
    return ModbusUnit(line, unit, "rtu" if rtu else "tcp", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)


@asynccontextmanager
async def faulty_rtu(folder: Path) -> AsyncIterator[tuple[ModbusUnit, Faults]]:
    """RTU over a pseudo-terminal."""
    faults, frames = Faults(rtu=True), RtuFrames()

    def on_data(data: bytes) -> None:
        frame = frames.take(data)
        if frame is not None:
            faults.handle(frame, port.send)

    port = PtyPort(folder / "port", on_data)
    port.plug()
    transport = unit_on(Line(SerialWire(SerialSettings(str(port.link)))), rtu=True)
    try:
        await transport.open()
        await transport.read("input", 1, 1)  # a line that must be quiet first is quiet then
        faults.requests.clear()
        yield transport, faults
    finally:
        await transport.close()
        port.unplug()


@asynccontextmanager
async def faulty_tcp(*, rtu: bool = False) -> AsyncIterator[tuple[ModbusUnit, Faults]]:
    """Modbus TCP, or RTU over TCP."""
    faults = Faults(rtu=rtu)
    tasks: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())

        def send(data: bytes) -> None:
            if not writer.is_closing():
                writer.write(data)

        with suppress(asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            frames = RtuFrames()
            while rtu:
                data = await reader.read(4096)
                if not data:
                    break
                frame = frames.take(data)
                if frame is not None:
                    faults.handle(frame, send)
            while not rtu:
                head = await reader.readexactly(7)
                faults.handle(head + await reader.readexactly(int.from_bytes(head[4:6], "big") - 1), send)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    wire = TcpWire("127.0.0.1", server.sockets[0].getsockname()[1])
    transport = unit_on(Line(wire, numbered=not rtu), rtu=rtu)
    try:
        await transport.open()
        await transport.read("input", 1, 1)  # a line that must be quiet first is quiet then
        faults.requests.clear()
        yield transport, faults
    finally:
        await transport.close()
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(t for t in tasks if t is not None), return_exceptions=True)
