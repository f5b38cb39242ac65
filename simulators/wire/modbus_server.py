"""A Modbus server for simulated machines: functions 1 to 6, 15, 16 and 43/14 over TCP (MBAP) or RTU (CRC).

After "Modbus application protocol specification V1.1b3" and "MODBUS over serial line V1.02" (modbus.org): exception 1
for another function, 2 for an address, 3 for a value or count; silence for another unit and for a broken checksum.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from drivers.errors import DeviceRefused
from drivers.profile import Table
from simulators.wire.stream_server import NoProtocol, StreamServer

_READ_LIMIT, _WRITE_LIMIT = 125, 123  # registers a request, V1.1b3 sections 6.3 and 6.12
_READ_BITS_LIMIT, _WRITE_BITS_LIMIT = 2000, 1968  # sections 6.1 and 6.11
_REGISTERS: dict[int, Table] = {3: "holding", 4: "input"}
_BITS: dict[int, Table] = {1: "coil", 2: "discrete"}
_ON, _OFF = 0xFF00, 0x0000
_FUNCTION_UNKNOWN, _ADDRESS_UNKNOWN, _VALUE_REFUSED = 1, 2, 3
_IDENTIFY, _IDENTIFY_TYPE = 0x2B, 0x0E
_BASIC, _REGULAR, _ONE = 1, 2, 4  # what of an identification is asked for
_MAY_BE_ASKED_SINGLY = 0x80
_LONGEST_PDU, _LONGEST_FRAME = 253, 260


class Registers(Protocol):
    """What is served: a RegisterImage, or a test's own.

    Bits are read with the tables "coil" and "discrete". One that has coils to write has `write_coils(address, values)`,
    one that can say what it is has `identification`, texts by object number.
    """

    def read(self, table: Table, address: int, count: int) -> list[int]: ...

    def write(self, address: int, values: Sequence[int]) -> None: ...


def _shifted(byte: int) -> int:
    """What one byte makes of an empty register: the polynomial 0xA001, bit by bit."""
    for _ in range(8):
        byte = byte >> 1 ^ 0xA001 if byte & 1 else byte >> 1
    return byte


_SHIFTED = tuple(_shifted(byte) for byte in range(256))


def crc16(data: bytes) -> bytes:
    """The two CRC bytes of an RTU frame, low byte first (polynomial 0xA001, start 0xFFFF)."""
    crc = 0xFFFF
    for byte in data:
        crc = crc >> 8 ^ _SHIFTED[(crc ^ byte) & 0xFF]
    return struct.pack("<H", crc)


def answer_pdu(device: Registers, pdu: bytes) -> bytes:
    """The answer to one request, function code first."""
    act = _FUNCTIONS.get(pdu[0])
    try:
        if act is not None:
            return act(device, pdu)
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
    registers = device.read(_REGISTERS[pdu[0]], address, count)
    return struct.pack(f">BB{count}H", pdu[0], 2 * count, *registers)


def _read_bits(device: Registers, pdu: bytes) -> bytes:
    address, count = _unpacked(">HH", pdu[1:])
    if not 1 <= count <= _READ_BITS_LIMIT:
        raise DeviceRefused(_VALUE_REFUSED)
    packed = 0
    for place, bit in enumerate(device.read(_BITS[pdu[0]], address, count)):
        packed |= (bit & 1) << place
    size = (count + 7) // 8
    return bytes([pdu[0], size]) + packed.to_bytes(size, "little")


def _write_one(device: Registers, pdu: bytes) -> bytes:
    address, value = _unpacked(">HH", pdu[1:])
    device.write(address, [value])
    return pdu


def _write(device: Registers, pdu: bytes) -> bytes:
    address, count, size = _unpacked(">HHB", pdu[1:6])
    if not 1 <= count <= _WRITE_LIMIT or size != 2 * count:
        raise DeviceRefused(_VALUE_REFUSED)
    device.write(address, _unpacked(f">{count}H", pdu[6:]))
    return pdu[:5]


def _write_one_bit(device: Registers, pdu: bytes) -> bytes:
    address, value = _unpacked(">HH", pdu[1:])
    if value not in (_ON, _OFF):
        raise DeviceRefused(_VALUE_REFUSED)
    _coils_of(device)(address, [int(value == _ON)])
    return pdu


def _write_bits(device: Registers, pdu: bytes) -> bytes:
    address, count, size = _unpacked(">HHB", pdu[1:6])
    if not 1 <= count <= _WRITE_BITS_LIMIT or size != (count + 7) // 8 or len(pdu) != 6 + size:
        raise DeviceRefused(_VALUE_REFUSED)
    packed = int.from_bytes(pdu[6:], "little")
    _coils_of(device)(address, [packed >> place & 1 for place in range(count)])
    return pdu[:5]


def _coils_of(device: Registers) -> Callable[[int, Sequence[int]], None]:
    write: Callable[[int, Sequence[int]], None] | None = getattr(device, "write_coils", None)
    if write is None:
        raise DeviceRefused(_FUNCTION_UNKNOWN)
    return write


def _identify(device: Registers, pdu: bytes) -> bytes:
    texts: Mapping[int, str] | None = getattr(device, "identification", None)
    if not texts or len(pdu) != 4 or pdu[1] != _IDENTIFY_TYPE:
        raise DeviceRefused(_FUNCTION_UNKNOWN)
    level, first = pdu[2], pdu[3]
    if level not in (_BASIC, _REGULAR, _ONE):
        raise DeviceRefused(_VALUE_REFUSED)
    if level == _ONE and first not in texts:
        raise DeviceRefused(_ADDRESS_UNKNOWN)
    last = {_BASIC: 2, _REGULAR: 6, _ONE: first}[level]
    wanted = sorted(n for n in texts if (first if first in texts else 0) <= n <= last)
    objects, count, following = b"", 0, 0
    for number in wanted:
        text = texts[number].encode("ascii", errors="replace")[:200]
        if len(objects) + len(text) + 2 > _LONGEST_PDU - 7:
            following = number
            break
        objects += bytes([number, len(text)]) + text
        count += 1
    has = _MAY_BE_ASKED_SINGLY | (_REGULAR if max(texts) > 2 else _BASIC)
    return bytes([_IDENTIFY, _IDENTIFY_TYPE, level, has, 0xFF if following else 0, following, count]) + objects


_FUNCTIONS: dict[int, Callable[[Registers, bytes], bytes]] = {
    1: _read_bits,
    2: _read_bits,
    3: _read,
    4: _read,
    5: _write_one_bit,
    6: _write_one,
    15: _write_bits,
    16: _write,
    _IDENTIFY: _identify,
}


def answer_tcp(device: Registers, unit: int, frame: bytes) -> bytes | None:
    """The answer to one complete MBAP frame, or None for another unit."""
    return _answer_tcp({unit: device}, frame)


def _answer_tcp(units: Mapping[int, Registers], frame: bytes) -> bytes | None:
    transaction, protocol, _, unit = struct.unpack(">HHHB", frame[:7])
    if protocol != 0 or unit not in units:
        return None
    pdu = answer_pdu(units[unit], frame[7:])
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
        if self._buffer[1] in (1, 2, 3, 4, 5, 6):
            return 8
        if self._buffer[1] in (15, 16):
            return 9 + self._buffer[6] if len(self._buffer) > 6 else None
        return 7 if self._buffer[1] == _IDENTIFY else len(self._buffer)


class TcpAnswers:
    """A server's side of one Modbus TCP connection to any number of units: bytes in, answers out."""

    def __init__(self, units: Mapping[int, Registers]) -> None:
        self._units = units
        self._buffer = b""

    def __call__(self, data: bytes) -> bytes | None:
        """The answers to the requests that are complete now; raises NoProtocol for what is none."""
        self._buffer += data
        answers = b""
        while len(self._buffer) >= 7:
            length = int.from_bytes(self._buffer[4:6], "big")
            if not 2 <= length <= _LONGEST_FRAME:
                raise NoProtocol(self._buffer[:8].hex())
            if len(self._buffer) < 6 + length:
                break
            frame, self._buffer = self._buffer[: 6 + length], self._buffer[6 + length :]
            answers += _answer_tcp(self._units, frame) or b""
        return answers or None


class RtuAnswers:
    """Any number of RTU slaves on one line: bytes in, at most one answer out. `clock` gives the line's seconds."""

    FRAME_GAP_S = 0.5
    """A frame's bytes come within milliseconds; what stays incomplete for so long is no frame."""

    def __init__(self, units: Mapping[int, Registers], clock: Callable[[], float]) -> None:
        self._units = units
        self._clock = clock
        self._frames = RtuFrames()
        self._heard_at = 0.0

    def __call__(self, data: bytes) -> bytes | None:
        now = self._clock()
        if now - self._heard_at > self.FRAME_GAP_S:
            self._frames.forget()
        self._heard_at = now
        frame = self._frames.take(data)
        if frame is None or frame[0] not in self._units:
            return None
        return answer_rtu(self._units[frame[0]], frame[0], frame)


class TcpServer(StreamServer):
    """One unit on one TCP port; port 0 takes a free one. Stopping also cuts the connections that are open."""

    def __init__(self, device: Registers, *, unit: int = 1, host: str = "127.0.0.1", port: int = 0) -> None:
        super().__init__(lambda: TcpAnswers({unit: device}), host=host, port=port)
