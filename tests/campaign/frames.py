"""Requests and answers by the specifications, written apart from the drivers and from the simulators.

Modbus: "Modbus application protocol specification V1.1b3", "MODBUS over serial line V1.02" and "MODBUS messaging on
TCP/IP V1.0b" (modbus.org). The lines of text: docs/reference/machines/coater-generic.md and mt-sics.md.

The machine behind them is made so that a value tells where it comes from: a holding register holds its own address, an
input register the address with its highest bit changed, a coil the parity of the address, a discrete input the other.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

Framing = Literal["tcp", "rtu"]

READ_BITS, READ_REGISTERS = (1, 2), (3, 4)
WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS = 5, 6, 15, 16
TABLES = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}


class RequestFault(Exception):
    """What our side sent is no request by the specification."""


@dataclass(frozen=True, slots=True)
class Asked:
    """One Modbus request. `data` is what a write carries, as it stands in the frame; transaction is 0 over RTU."""

    unit: int
    function: int
    address: int
    count: int = 1
    data: bytes = b""
    transaction: int = 0

    @property
    def is_read(self) -> bool:
        return self.function <= READ_REGISTERS[-1]


def _crc_table() -> tuple[int, ...]:
    table = []
    for value in range(256):
        crc = value
        for _ in range(8):
            crc = crc >> 1 ^ (0xA001 if crc & 1 else 0)
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc(data: bytes) -> bytes:
    """The CRC-16 of an RTU frame, low byte first."""
    value = 0xFFFF
    for byte in data:
        value = value >> 8 ^ _CRC[(value ^ byte) & 0xFF]
    return struct.pack("<H", value)


def exclusive_or(data: bytes) -> bytes:
    """The coater's check: two upper-case hexadecimal digits."""
    value = 0
    for byte in data:
        value ^= byte
    return b"%02X" % value


def framed(framing: Framing, transaction: int, unit: int, pdu: bytes) -> bytes:
    """An answer around its PDU."""
    if framing == "tcp":
        return struct.pack(">HHHB", transaction, 0, len(pdu) + 1, unit) + pdu
    body = bytes([unit]) + pdu
    return body + crc(body)


def truth(asked: Asked) -> list[int]:
    """What the machine holds where a read looks."""
    places = range(asked.address, asked.address + asked.count)
    if asked.function in READ_BITS:
        return [place.bit_count() + asked.function - 1 & 1 for place in places]
    return [place ^ (0x8000 if asked.function == READ_REGISTERS[1] else 0) for place in places]


def packed_bits(bits: Sequence[int]) -> bytes:
    """Bits as a Modbus answer carries them: the first one lowest in the first byte."""
    return sum(bit << place for place, bit in enumerate(bits)).to_bytes((len(bits) + 7) // 8, "little")


def answer_pdu(asked: Asked) -> bytes:
    """What a sound machine answers."""
    if asked.function in READ_BITS:
        data = packed_bits(truth(asked))
        return bytes([asked.function, len(data)]) + data
    if asked.function in READ_REGISTERS:
        return struct.pack(f">BB{asked.count}H", asked.function, 2 * asked.count, *truth(asked))
    if asked.function in (WRITE_COIL, WRITE_REGISTER):
        return struct.pack(">BH", asked.function, asked.address) + asked.data
    return struct.pack(">BHH", asked.function, asked.address, asked.count)


def answer(framing: Framing, asked: Asked) -> bytes:
    """The whole sound answer."""
    return framed(framing, asked.transaction, asked.unit, answer_pdu(asked))


def request(framing: Framing, frame: bytes) -> Asked:
    """What a whole frame of our side asks. Raises RequestFault if the specification has no such request."""
    if framing == "rtu":
        if len(frame) < 4 or crc(frame[:-2]) != frame[-2:]:
            raise RequestFault(f"no RTU frame: {frame.hex()}")
        return _asked(frame[0], frame[1:-2])
    if len(frame) < 8:
        raise RequestFault(f"no MBAP frame: {frame.hex()}")
    transaction, protocol, length, unit = struct.unpack(">HHHB", frame[:7])
    if protocol != 0 or length != len(frame) - 6:
        raise RequestFault(f"no MBAP frame: {frame.hex()}")
    return replace(_asked(unit, frame[7:]), transaction=transaction)


def _asked(unit: int, pdu: bytes) -> Asked:
    function = pdu[0]
    if len(pdu) < 5 or function not in (*TABLES, WRITE_COIL, WRITE_REGISTER, WRITE_COILS, WRITE_REGISTERS):
        raise RequestFault(f"no request: {pdu.hex()}")
    address, word = struct.unpack(">HH", pdu[1:5])
    if function in TABLES:
        limit = 2000 if function in READ_BITS else 125
        sound = len(pdu) == 5 and 1 <= word <= limit and address + word <= 0x10000
        found = Asked(unit, function, address, word)
    elif function in (WRITE_COIL, WRITE_REGISTER):
        sound = len(pdu) == 5 and (function == WRITE_REGISTER or word in (0, 0xFF00))
        found = Asked(unit, function, address, 1, pdu[3:5])
    else:
        size, limit = (2 * word, 123) if function == WRITE_REGISTERS else ((word + 7) // 8, 1968)
        sound = len(pdu) == 6 + size and pdu[5] == size and 1 <= word <= limit
        found = Asked(unit, function, address, word, pdu[6:])
    if not sound:
        raise RequestFault(f"no request: {pdu.hex()}")
    return found


# ---------------------------------------------------------------- lines of text


@dataclass(frozen=True, slots=True)
class Line:
    """One request of the coater's line: unit and tag as they stand in it, and the body."""

    unit: bytes
    tag: bytes
    body: bytes


END = b"\r\n"


def coater_line(frame: bytes) -> Line:
    """What a coater is asked. Raises RequestFault if it is no frame of its document."""
    inner, star, check = frame.removesuffix(END)[1:].rpartition(b"*")
    if not frame.startswith(b"@") or not frame.endswith(END) or not star or exclusive_or(inner) != check:
        raise RequestFault(f"no frame: {frame!r}")
    unit, tag, body = inner[:2], inner[2:4], inner[4:]
    if not unit.isdigit() or len(tag) != 2 or set(tag) - set(b"0123456789ABCDEF") or not body:
        raise RequestFault(f"no frame: {frame!r}")
    return Line(unit, tag, body)


def coater_framed(unit: bytes, tag: bytes, body: bytes) -> bytes:
    """A frame of the coater's line."""
    inner = unit + tag + body
    return b"@" + inner + b"*" + exclusive_or(inner) + END


def sics_value(value: str, unit: str, command: str = "S") -> bytes:
    """A stable value: right-aligned in ten characters."""
    return f"{command} S {value:>10} {unit}".encode("ascii") + END
