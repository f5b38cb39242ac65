"""Is this the answer to what we asked? Judged on the bytes, before pymodbus decodes them.

pymodbus 3.16.1 accepts an answer with another function code, with another register count, and over RTU another
request's late answer; it also drops some wrong frames in silence until the timeout. So every frame is looked at here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pymodbus.framer.rtu import FramerRTU

from drivers.errors import CorruptAnswer, DriverError, WrongAnswer

_MBAP = 7  # transaction, protocol, length (two bytes each), unit
_EXCEPTION_LENGTH = 2  # function | 0x80, code


@dataclass(frozen=True, slots=True)
class Expected:
    """What the answer to one request must look like: a read of `count` registers, or the echo of a write."""

    unit: int
    function: int
    address: int
    count: int

    @property
    def length(self) -> int:
        """Bytes of the answer's PDU: function, byte count and data; or function, address and count."""
        return 5 if self.function == 16 else 2 + 2 * self.count

    def judge_pdu(self, pdu: bytes) -> DriverError | None:
        """Why this complete PDU is no answer to the request, or None."""
        if pdu[0] not in (self.function, self.function | 0x80):
            return WrongAnswer(f"asked function {self.function}, answered {pdu[0]}")
        wanted = _EXCEPTION_LENGTH if pdu[0] & 0x80 else self.length
        if len(pdu) != wanted:
            return WrongAnswer(f"the answer has {len(pdu)} bytes, {wanted} were expected")
        if pdu[0] == 16 and pdu[1:5] != self.address.to_bytes(2, "big") + self.count.to_bytes(2, "big"):
            return WrongAnswer(f"wrote {self.count} registers at {self.address}, the echo is {pdu[1:5].hex()}")
        if pdu[0] in (3, 4) and pdu[1] != 2 * self.count:
            return WrongAnswer(f"asked {self.count} registers, the answer counts {pdu[1]} bytes")
        return None


Verdict = DriverError | Literal["incomplete"] | None


def judge_tcp(data: bytes, expected: Expected, transaction: int) -> Verdict:
    """None for a sound answer, "incomplete", or the error that it is."""
    if len(data) < _MBAP + 1:
        return "incomplete"
    if data[2:4] != b"\0\0":
        return CorruptAnswer(f"no Modbus frame: {data[:8].hex()}")
    end = 6 + int.from_bytes(data[4:6], "big")
    if int.from_bytes(data[0:2], "big") != transaction:
        return WrongAnswer(f"asked in transaction {transaction}, answered in {int.from_bytes(data[0:2], 'big')}")
    if data[6] != expected.unit:
        return WrongAnswer(f"asked unit {expected.unit}, unit {data[6]} answered")
    if end < _MBAP + 2 or end > _MBAP + 253:
        return CorruptAnswer(f"impossible length: {data[:8].hex()}")
    if len(data) < end:
        return "incomplete"
    if len(data) > end:
        return CorruptAnswer(f"{len(data) - end} bytes after the answer")
    return expected.judge_pdu(data[_MBAP:end])


def judge_rtu(data: bytes, expected: Expected) -> Verdict:
    """None for a sound answer, "incomplete", or the error that it is."""
    if data[0] != expected.unit:
        return WrongAnswer(f"asked unit {expected.unit}, unit {data[0]} answered")
    if len(data) < 2:
        return "incomplete"
    if data[1] not in (expected.function, expected.function | 0x80):
        return WrongAnswer(f"asked function {expected.function}, answered {data[1]}")
    if len(data) > 2 and data[1] in (3, 4) and data[2] != 2 * expected.count:
        return WrongAnswer(f"asked {expected.count} registers, the answer counts {data[2]} bytes")
    size = 3 + (_EXCEPTION_LENGTH if data[1] & 0x80 else expected.length)
    if len(data) < size:
        return "incomplete"
    if len(data) > size:
        return CorruptAnswer(f"{len(data) - size} bytes after the answer")
    if FramerRTU.compute_CRC(data[:-2]) != int.from_bytes(data[-2:], "big"):
        return CorruptAnswer(f"wrong CRC: {data.hex()}")
    return expected.judge_pdu(data[1:-2])
