"""What goes over a wire, in words: each frame with its time, direction, bytes and meaning."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from drivers.profile import Profile, Table
from drivers.transport.wire import WireEvent

Framing = Literal["tcp", "rtu", "ascii"]

_READS: Mapping[int, str] = {1: "coil", 2: "discrete", 3: "holding", 4: "input"}
_WRITES: Mapping[int, str] = {5: "coil", 6: "holding", 15: "coil", 16: "holding"}
_EXCEPTIONS: Mapping[int, str] = {
    1: "function not known",
    2: "no such address",
    3: "value refused",
    4: "device failure",
    5: "accepted, takes time",
    6: "busy",
    8: "memory parity error",
    10: "gateway has no path",
    11: "gateway: the unit does not answer",
}
"""Modbus application protocol V1.1b3, section 7."""
_IDENTIFICATION = 43
_MBAP_BYTES, _SHORTEST_RTU = 7, 4
_SHOWN_VALUES, _SHOWN_NAMES = 8, 3
_WORDS_WIDTH = 60  # columns; the bytes stand below each other behind most words
_ARROWS: Mapping[str, str] = {"sent": "->", "heard": "<-", "open": "**", "doubted": "**", "lost": "**", "closed": "**"}


class FrameWords:
    """Says what each event of one wire is. Answers are told by their requests, parts of answers are put together."""

    def __init__(self, framing: Framing, profile: Profile | None = None) -> None:
        self._framing = framing
        self._names = {} if profile is None else _signal_names(profile)
        self._heard: dict[str, bytes] = {}
        self._asked: dict[str, bytes] = {}
        self._began_s: float | None = None

    def line(self, event: WireEvent) -> str:
        """One line: milliseconds since the first event, direction, words, bytes in hex."""
        if self._began_s is None:
            self._began_s = event.time_s
        time_ms = (event.time_s - self._began_s) * 1000.0
        words = self.words(event) if event.data else f"{event.what}: {self.words(event)}"
        return f"{time_ms:10.1f} ms {_ARROWS[event.what]} {words:{_WORDS_WIDTH}} {event.data.hex(' ')}".rstrip()

    def words(self, event: WireEvent) -> str:
        """What the event is."""
        if event.what == "sent":
            if self._framing != "tcp":
                self._heard[event.place] = b""
            return _joined(event.note, self._sent(event.place, event.data))
        if event.what == "heard":
            return _joined(event.note, self._told(event.place, event.data))
        self._heard[event.place] = b""
        return event.note or event.place

    def _sent(self, place: str, data: bytes) -> str:
        if self._framing == "ascii":
            return _text(data)
        frame = _tcp_frame(data) if self._framing == "tcp" else _rtu_frame(data)
        if frame is None:
            return "no complete request"
        unit, pdu, _ = frame
        self._asked[place] = pdu
        return f"{self._request(pdu)} of unit {unit}"

    def _told(self, place: str, data: bytes) -> str:
        waiting = self._heard.get(place, b"") + data
        if self._framing == "ascii":
            whole = waiting.endswith((b"\n", b"\r"))
            self._heard[place] = b"" if whole else waiting
            return _text(waiting) if whole else f"part of an answer, {len(waiting)} bytes so far"
        cut: Callable[[bytes], tuple[int, bytes, bytes] | None] = _tcp_frame if self._framing == "tcp" else _rtu_frame
        told = []
        while waiting and (frame := cut(waiting)) is not None:
            unit, pdu, waiting = frame
            told.append(f"{self._answer(place, pdu)} of unit {unit}")
        self._heard[place] = waiting
        if waiting:
            told.append(f"part of an answer, {len(waiting)} bytes so far")
        return "; ".join(told)

    def _request(self, pdu: bytes) -> str:
        function, body = pdu[0], pdu[1:]
        if function in _READS and len(body) == 4:
            address, count = struct.unpack(">HH", body)
            return f"read {_READS[function]} {_span(address, count)}"
        if function in (5, 6) and len(body) == 4:
            address, value = struct.unpack(">HH", body)
            shown = value if function == 6 else "on" if value else "off"
            return f"write {_WRITES[function]} {address} = {shown}{self._named(function, address, 1)}"
        if function in (15, 16) and len(body) > 5:
            address, count = struct.unpack(">HH", body[:4])
            values = _registers(body[5:]) if function == 16 else _bits(body[5:], count)
            return (
                f"write {_WRITES[function]} {_span(address, count)} = {values}{self._named(function, address, count)}"
            )
        if function == _IDENTIFICATION:
            return "ask for the device identification"
        return f"function {function}"

    def _answer(self, place: str, pdu: bytes) -> str:
        function, body = pdu[0], pdu[1:]
        if function & 0x80:
            code = body[0] if body else 0
            return f"refused with exception {code} ({_EXCEPTIONS.get(code, 'unknown')})"
        if function in (3, 4) and body:
            return f"{body[0] // 2} {_READS[function]} registers: {_registers(body[1:])}"
        if function in (1, 2) and body:
            asked = self._asked.get(place, b"")
            count = int.from_bytes(asked[3:5], "big") if len(asked) == 5 else 8 * body[0]
            return f"{count} {_READS[function]} bits: {_bits(body[1:], count)}"
        if function in _WRITES and len(body) == 4:
            address, second = struct.unpack(">HH", body)
            return f"written: {_WRITES[function]} {_span(address, second if function in (15, 16) else 1)}"
        if function == _IDENTIFICATION:
            return "device identification"
        return f"function {function}"

    def _named(self, function: int, address: int, count: int) -> str:
        """The signals that a write touches."""
        names = [
            name
            for (table, start, words), name in self._names.items()
            if table == _WRITES[function] and start < address + count and start + words > address
        ]
        more = ", ..." if len(names) > _SHOWN_NAMES else ""
        return f" ({', '.join(names[:_SHOWN_NAMES])}{more})" if names else ""


def framing_of(url: str, protocol: str) -> Framing:
    """How frames are cut on a URL's wire."""
    if protocol == "ascii":
        return "ascii"
    return "tcp" if url.startswith("tcp://") else "rtu"


def _signal_names(profile: Profile) -> dict[tuple[Table, int, int], str]:
    return {
        (s.table, s.address, s.words): s.name
        for s in profile.signals.values()
        if s.table is not None and s.address is not None
    }


def _tcp_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Unit, PDU and what follows of one MBAP frame; None while it is not complete."""
    if len(data) <= _MBAP_BYTES:
        return None
    end = 6 + int.from_bytes(data[4:6], "big")
    return None if end <= _MBAP_BYTES or len(data) < end else (data[6], data[_MBAP_BYTES:end], data[end:])


def _rtu_frame(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Unit and PDU of the frame at whose end the checksum fits, and what follows; all of the data if that is one."""
    crc, ends = 0xFFFF, []
    for end, byte in enumerate(data, start=1):
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
        if crc == 0 and end >= _SHORTEST_RTU:  # the checksum over a frame with its own checksum is zero
            ends.append(end)
    if not ends:
        return None
    end = len(data) if ends[-1] == len(data) else ends[0]
    return data[0], data[1 : end - 2], data[end:]


def _span(address: int, count: int) -> str:
    return f"{address}" if count == 1 else f"{address}..{address + count - 1}"


def _registers(data: bytes) -> str:
    even = data[: len(data) // 2 * 2]
    return _values(struct.unpack(f">{len(even) // 2}H", even))


def _bits(data: bytes, count: int) -> str:
    return _values([data[place // 8] >> place % 8 & 1 for place in range(min(count, 8 * len(data)))])


def _values(values: Sequence[int]) -> str:
    more = ", ..." if len(values) > _SHOWN_VALUES else ""
    return ", ".join(str(value) for value in values[:_SHOWN_VALUES]) + more


def _text(data: bytes) -> str:
    return repr(data.decode("ascii", "backslashreplace"))


def _joined(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
