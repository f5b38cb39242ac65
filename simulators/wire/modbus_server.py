"""A Modbus server for simulated machines: function codes 3, 4, 6 and 16 over TCP (MBAP) or RTU (CRC).

After "Modbus application protocol specification V1.1b3" and "MODBUS over serial line V1.02" (modbus.org): exception 1
for another function, 2 for an address, 3 for a value or count; silence for another unit and for a broken checksum.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Sequence
from typing import Protocol

from drivers.errors import DeviceRefused
from drivers.profile import Table

_READ_LIMIT, _WRITE_LIMIT = 125, 123  # registers a request, V1.1b3 sections 6.3 and 6.12
_TABLES: dict[int, Table] = {3: "holding", 4: "input"}
_FUNCTION_UNKNOWN, _VALUE_REFUSED = 1, 3
_LONGEST_FRAME = 260


class Registers(Protocol):
    """What is served: a RegisterImage, or a test's own."""

    def read(self, table: Table, address: int, count: int) -> list[int]: ...

    def write(self, address: int, values: Sequence[int]) -> None: ...


def crc16(data: bytes) -> bytes:
    """The two CRC bytes of an RTU frame, low byte first (polynomial 0xA001, start 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return struct.pack("<H", crc)


def answer_pdu(device: Registers, pdu: bytes) -> bytes:
    """The answer to one request, function code first."""
    try:
        if pdu[0] in _TABLES:
            return _read(device, pdu)
        if pdu[0] == 6:
            address, value = _unpacked(">HH", pdu[1:])
            device.write(address, [value])
            return pdu
        if pdu[0] == 16:
            return _write(device, pdu)
    except DeviceRefused as refusal:
        return bytes([pdu[0] | 0x80, refusal.code])
    return bytes([pdu[0] | 0x80, _FUNCTION_UNKNOWN])


def _unpacked(layout: str, data: bytes) -> tuple[int, ...]:
    if len(data) != struct.calcsize(layout):
        raise DeviceRefused(_VALUE_REFUSED)
    return struct.unpack(layout, data)


def _read(device: Registers, pdu: bytes) -> bytes:
    address, count = _unpacked(">HH", pdu[1:])
    if not 1 <= count <= _READ_LIMIT:
        raise DeviceRefused(_VALUE_REFUSED)
    registers = device.read(_TABLES[pdu[0]], address, count)
    return struct.pack(f">BB{count}H", pdu[0], 2 * count, *registers)


def _write(device: Registers, pdu: bytes) -> bytes:
    address, count, size = _unpacked(">HHB", pdu[1:6])
    if not 1 <= count <= _WRITE_LIMIT or size != 2 * count:
        raise DeviceRefused(_VALUE_REFUSED)
    device.write(address, _unpacked(f">{count}H", pdu[6:]))
    return pdu[:5]


def answer_tcp(device: Registers, unit: int, frame: bytes) -> bytes | None:
    """The answer to one complete MBAP frame, or None for another unit."""
    transaction, protocol, _, asked = struct.unpack(">HHHB", frame[:7])
    if protocol != 0 or asked != unit:
        return None
    pdu = answer_pdu(device, frame[7:])
    return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu


def answer_rtu(device: Registers, unit: int, frame: bytes) -> bytes | None:
    """The answer to one complete RTU frame, or None for another unit or a wrong CRC."""
    if frame[0] != unit or crc16(frame[:-2]) != frame[-2:]:
        return None
    body = bytes([unit]) + answer_pdu(device, frame[1:-2])
    return body + crc16(body)


class RtuFrames:
    """Cuts a serial stream into request frames, by the length that each function has.

    A frame whose length cannot be known is taken as far as it came: its CRC decides. `take` returns at most one frame,
    because a master sends one request and waits; what does not fit is dropped with it.
    """

    def __init__(self) -> None:
        self._buffer = b""

    def take(self, data: bytes) -> bytes | None:
        self._buffer += data
        size = self._size()
        if size is None or (len(self._buffer) < size <= _LONGEST_FRAME):
            return None
        frame, self._buffer = self._buffer, b""
        return frame if len(frame) >= 4 else None

    def forget(self) -> None:
        """Drops a beginning that nothing followed."""
        self._buffer = b""

    def _size(self) -> int | None:
        if len(self._buffer) < 4:
            return None
        if self._buffer[1] in (3, 4, 6):
            return 8
        if self._buffer[1] == 16:
            return 9 + self._buffer[6] if len(self._buffer) > 6 else None
        return len(self._buffer)


class TcpServer:
    """One unit on one TCP port; port 0 takes a free one. Stopping also cuts the connections that are open."""

    def __init__(self, device: Registers, *, unit: int = 1, host: str = "127.0.0.1", port: int = 0) -> None:
        self._device = device
        self._unit = unit
        self._host = host
        self.port = port
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._handlers: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listens; a second start takes the same port again."""
        self._server = await asyncio.start_server(self._serve, self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Pulls the cable: no more listening, open connections are cut."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for writer in self._writers:
            writer.transport.abort()
        handlers = list(self._handlers)
        for handler in handlers:
            handler.cancel()
        await asyncio.gather(*handlers, return_exceptions=True)
        await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            self._handlers.add(task)
        self._writers.add(writer)
        try:
            while True:
                head = await reader.readexactly(7)
                length = int.from_bytes(head[4:6], "big")
                if not 2 <= length <= _LONGEST_FRAME:
                    return  # no Modbus: a real server closes too
                answer = answer_tcp(self._device, self._unit, head + await reader.readexactly(length - 1))
                if answer is not None:
                    writer.write(answer)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        except asyncio.CancelledError:
            return  # stop() cut us; asyncio's server would report a cancelled handler as an error
        finally:
            self._writers.discard(writer)
            if task is not None:
                self._handlers.discard(task)
            writer.close()
