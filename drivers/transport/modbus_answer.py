"""Is this the answer to what we asked? Judged on all of its bytes, before anything is decoded.

Modbus application protocol V1.1b3: an answer repeats the function; a read says how many bytes follow, a write repeats
address and count, or address and value. An exception is the function with its highest bit set, and a code.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from drivers.errors import CorruptAnswer, WrongAnswer
from drivers.transport.transactions import LENGTHS

IDENTIFY = 0x2B
_MBAP = 7  # transaction, protocol, length (two bytes each), unit
_EXCEPTION_LENGTH = 2  # function | 0x80, code
_ECHO_LENGTH = 5  # function, address, and count or value
_READS_BITS, _READS = (1, 2), (1, 2, 3, 4)


def _crc_table() -> tuple[int, ...]:
    table = []
    for crc in range(256):
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1  # noqa: PLW2901  the register is shifted
        table.append(crc)
    return tuple(table)


_CRC = _crc_table()


def crc_is_right(frame: bytes) -> bool:
    """Whether an RTU frame with its CRC is whole: the CRC over everything, the CRC's own bytes too, is 0."""
    crc = 0xFFFF
    for byte in frame:
        crc = crc >> 8 ^ _CRC[(crc ^ byte) & 0xFF]
    return crc == 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer to one request must look like: `head` is how its PDU begins, `length` what it has in all.

    A device identification has no length that could be known before (0).
    """

    unit: int
    function: int
    head: bytes
    length: int
    tcp_head: bytes = field(init=False)
    """A sound answer over TCP from its third byte on: protocol, length, unit, head."""
    alike: bytes | None = field(init=False)
    """How an answer over RTU begins that could be another read's as well; None for what is no read."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "tcp_head", struct.pack(">HHB", 0, self.length + 1, self.unit) + self.head)
        head = bytes([self.unit]) + self.head
        object.__setattr__(self, "alike", head if self.function in _READS else None)

    def judge_pdu(self, pdu: bytes) -> bytes:
        """The complete PDU, if it answers the request. Raises WrongAnswer."""
        if pdu[0] not in (self.function, self.function | 0x80):
            raise WrongAnswer(f"asked function {self.function}, answered {pdu[0]}")
        wanted = _EXCEPTION_LENGTH if pdu[0] & 0x80 else self.length or len(pdu)
        if len(pdu) != wanted:
            raise WrongAnswer(f"the answer has {len(pdu)} bytes, {wanted} were expected")
        if pdu[0] & 0x80:
            return pdu
        if not pdu.startswith(self.head):
            what = "bytes" if self.function in _READS else "an echo of"
            raise WrongAnswer(
                f"asked for {self.head[1:].hex()} {what} in function {pdu[0]}, {pdu[1 : len(self.head)].hex()} came"
            )
        if not self.length and identification_size(pdu) != len(pdu):
            raise WrongAnswer(f"no device identification: {pdu.hex()}")
        return pdu


def expected_answer(unit: int, request: bytes) -> Expected:
    """What must answer a request's PDU."""
    function = request[0]
    if function in _READS:
        count = int.from_bytes(request[3:5], "big")
        size = (count + 7) // 8 if function in _READS_BITS else 2 * count
        return Expected(unit, function, bytes([function, size]), 2 + size)
    if function == IDENTIFY:
        return Expected(unit, function, request[:3], 0)
    return Expected(unit, function, request[:_ECHO_LENGTH], _ECHO_LENGTH)


def judge_tcp(data: bytes, expected: Expected, transaction: int) -> bytes | None:
    """The PDU of a sound answer, or None while it is incomplete. Raises CorruptAnswer or WrongAnswer."""
    if len(data) < _MBAP + 1:
        return None
    number, protocol, length, unit = struct.unpack_from(">HHHB", data)
    if protocol != 0 or length not in LENGTHS:
        raise CorruptAnswer(f"no Modbus frame: {data[:8].hex()}")
    if number != transaction:
        raise WrongAnswer(f"asked in transaction {transaction}, answered in {number}")
    if unit != expected.unit:
        raise WrongAnswer(f"asked unit {expected.unit}, unit {unit} answered")
    end = 6 + length
    if len(data) < end:
        return None
    if len(data) > end:
        raise CorruptAnswer(f"{len(data) - end} bytes after the answer")
    return expected.judge_pdu(data[_MBAP:])


def judge_rtu(data: bytes, expected: Expected) -> bytes | None:
    """The PDU of a sound answer, or None while it is incomplete. Raises CorruptAnswer or WrongAnswer."""
    if data[0] != expected.unit:
        raise WrongAnswer(f"asked unit {expected.unit}, unit {data[0]} answered")
    if len(data) < 2:
        return None
    if data[1] not in (expected.function, expected.function | 0x80):
        raise WrongAnswer(f"asked function {expected.function}, answered {data[1]}")
    if data[1] & 0x80:
        size = 3 + _EXCEPTION_LENGTH
    elif len(data) > 2 and data[1] in _READS and data[2] != expected.head[1]:
        raise WrongAnswer(f"asked for {expected.head[1]} bytes, the answer counts {data[2]}")
    else:
        size = 3 + (expected.length or identification_size(data[1:]))
    if len(data) < size:
        return None
    if len(data) > size:
        raise CorruptAnswer(f"{len(data) - size} bytes after the answer")
    if not crc_is_right(data):
        raise CorruptAnswer(f"wrong CRC: {data.hex()}")
    return expected.judge_pdu(data[1:-2])


# ---- device identification (function 43, type 14)

_OBJECTS_AT, _LONGEST_PDU = 7, 253
_TEXTS = {
    0: "vendor_name",
    1: "product_code",
    2: "revision",
    3: "vendor_url",
    4: "product_name",
    5: "model_name",
    6: "application_name",
}


def identification_size(pdu: bytes) -> int:
    """Bytes of the identification that begins here, as far as can be seen: more than there are while it grows."""
    if len(pdu) < _OBJECTS_AT:
        return _OBJECTS_AT
    size = _OBJECTS_AT
    for _ in range(pdu[6]):
        if size + 2 > len(pdu):
            return size + 2
        size += 2 + pdu[size + 1]
        if size > _LONGEST_PDU:
            raise CorruptAnswer(f"an identification of more than {_LONGEST_PDU} bytes: {pdu[:16].hex()}")
    return size


@dataclass(frozen=True, slots=True)
class Identification:
    """One answer: the conformity level, the object to ask for next (None: that was all), and texts by object number."""

    level: int
    next_object: int | None
    texts: dict[int, str]


def parse_identification(pdu: bytes) -> Identification:
    """A sound identification, as judge_pdu has let it pass."""
    texts, at = {}, _OBJECTS_AT
    for _ in range(pdu[6]):
        number, size = pdu[at], pdu[at + 1]
        texts[number] = pdu[at + 2 : at + 2 + size].decode("latin-1").strip("\0 ")
        at += 2 + size
    return Identification(level=pdu[3] & 0x7F, next_object=pdu[5] if pdu[4] == 0xFF else None, texts=texts)


def named_texts(texts: Mapping[int, str]) -> dict[str, str]:
    """An identification's texts by their names, in the order of their numbers."""
    return {_TEXTS.get(number, f"object_{number}"): text for number, text in sorted(texts.items())}
