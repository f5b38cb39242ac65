"""Which results do the bytes that were heard allow? Decided from the specifications alone.

A result of our side is right only if the bytes that were heard after the request begin with a whole, valid answer to
it, and if the result is what that answer says. A damage that no check of the protocol can show (a CRC that fits by
chance, a digit of a line without checksum) is so decided here, not excused.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.campaign.frames import END, READ_BITS, READ_REGISTERS, Asked, Framing, Line, crc, exclusive_or

What = Literal["values", "done", "refused"]


@dataclass(frozen=True, slots=True)
class Answered:
    """What a valid answer says, and how many of the bytes heard it takes."""

    what: What
    size: int
    values: tuple[int | str, ...] = ()
    code: int = 0


_EXCEPTION = 0x80


def modbus_answer(framing: Framing, asked: Asked, heard: bytes) -> Answered | None:
    """The valid answer that `heard` begins with, or None."""
    if framing == "tcp":
        if len(heard) < 8:
            return None
        transaction, protocol, length, unit = struct.unpack(">HHHB", heard[:7])
        size = 6 + length
        if (transaction, protocol, unit) != (asked.transaction, 0, asked.unit) or length < 3 or len(heard) < size:
            return None
        return _pdu_answer(asked, heard[7:size], size)
    if len(heard) < 5 or heard[0] != asked.unit:
        return None
    size = _rtu_size(heard)
    if size is None or len(heard) < size or crc(heard[: size - 2]) != heard[size - 2 : size]:
        return None
    return _pdu_answer(asked, heard[1 : size - 2], size)


def _rtu_size(heard: bytes) -> int | None:
    function = heard[1]
    if function & _EXCEPTION:
        return 5
    if function in (*READ_BITS, *READ_REGISTERS):
        return 5 + heard[2]
    return 8 if function in (5, 6, 15, 16) else None


def _pdu_answer(asked: Asked, pdu: bytes, size: int) -> Answered | None:
    if pdu[0] == asked.function | _EXCEPTION:
        return Answered("refused", size, code=pdu[1]) if len(pdu) == 2 else None
    if pdu[0] != asked.function:
        return None
    if not asked.is_read:
        word = asked.data if asked.function in (5, 6) else struct.pack(">H", asked.count)
        return Answered("done", size) if pdu[1:] == struct.pack(">H", asked.address) + word else None
    wanted = (asked.count + 7) // 8 if asked.function in READ_BITS else 2 * asked.count
    if len(pdu) != 2 + wanted or pdu[1] != wanted:
        return None
    if asked.function in READ_REGISTERS:
        return Answered("values", size, struct.unpack(f">{asked.count}H", pdu[2:]))
    bits = int.from_bytes(pdu[2:], "little")
    return Answered("values", size, tuple(bits >> place & 1 for place in range(asked.count)))


# ---------------------------------------------------------------- lines of text

_WHOLE, _DECIMAL = re.compile(r" *[+-]?\d+"), re.compile(r" *[+-]?\d+(\.\d+)?")


def _line_of(heard: bytes) -> bytes | None:
    line, end, _ = heard.partition(END)
    return line if end else None


def coater_answer(asked: Line, kinds: Sequence[str], heard: bytes) -> Answered | None:
    """The valid answer of a coater; `kinds` are the types of the values that were asked, none for a write."""
    line = _line_of(heard)
    if line is None or len(line) < len("@0100*00") or line[:1] != b"@" or line[-3:-2] != b"*":
        return None
    inner = line[1:-3]
    if exclusive_or(inner) != line[-2:] or inner[:2] != asked.unit or inner[2:4] != asked.tag or not inner.isascii():
        return None
    body, size = inner[4:].decode("ascii"), len(line) + len(END)
    refusal = re.fullmatch(r"ER (\d{1,3})", body)
    if refusal:
        return Answered("refused", size, code=int(refusal[1]))
    if not kinds:
        return Answered("done", size) if body == "OK" else None
    values = body[3:].split(",") if body.startswith("OK ") else []
    if len(values) != len(kinds) or not all(map(_fits, values, kinds)):
        return None
    return Answered("values", size, tuple(value.strip() for value in values))


def _fits(text: str, kind: str) -> bool:
    if kind == "text":
        return bool(text)
    return bool((_WHOLE if kind == "integer" else _DECIMAL).fullmatch(text))


SICS_WIDTH = 10
_SICS_REFUSALS = {"I": "busy", "+": "overload", "-": "underload"}


def sics_answer(command: str, unit: str, heard: bytes) -> Answered | None:
    """The valid answer of an MT-SICS instrument to S, T or Z."""
    line = _line_of(heard)
    if line is None or not line.isascii():
        return None
    text, size = line.decode("ascii"), len(line) + len(END)
    if text in ("ES", "ET", "EL"):
        return Answered("refused", size, (text,))
    verb, space, rest = text.partition(" ")
    if verb != command or not space:
        return None
    if rest in _SICS_REFUSALS:
        return Answered("refused", size, (_SICS_REFUSALS[rest],))
    if command == "Z":
        return Answered("done", size) if rest == "A" else None
    match = re.fullmatch(r"S ([ \d.-]{10}) (\S+)", rest)
    if match is None or match[2] != unit or not re.fullmatch(r" *-?\d+(\.\d+)?", match[1]):
        return None
    return Answered("values", size, (match[1].strip(),))
