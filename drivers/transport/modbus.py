"""One Modbus unit on a line: Modbus TCP, or RTU over whatever carries bytes.

pymodbus makes the requests. The exchange is our own (docs/decisions/0014-own-exchange.md): a request goes out once,
every answer is judged on its bytes, and whoever gives up leaves no half-read answer to the next.
"""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping, Sequence

from drivers.errors import DeviceRefused, DriverError, LinkDown, OutcomeUnknown, ResponseTimeout, WrongAnswer
from drivers.profile import Table
from drivers.transport.line import Line
from drivers.transport.modbus_answer import judge_rtu, judge_tcp, named_texts, parse_identification
from drivers.transport.modbus_request import Asked, Framing, identify_request, read_request, write_request
from drivers.transport.request import Judge, Member, Request

_CACHED = 256  # a profile has a handful of blocks; a tool that reads everything must not grow us
_LONGEST_FRAME = 260  # bytes
_LEVELS = (1, 2)  # of an identification: basic, regular
_PARTS = 8  # answers that one level may take; its seven texts fit into two
_ECHOED = frozenset({5, 6})  # functions whose answer is the request again
_BUSY_WITH_IT, _NO_PATH, _NO_TARGET = 5, 10, 11
_WORDS = {
    1: "unknown function",
    2: "no such address",
    3: "value refused",
    4: "device failure",
    5: "accepted, still working on it",
    6: "busy",
    8: "memory parity error",
    10: "the gateway has no path to it",
    11: "the gateway gets no answer from it",
}


class ModbusUnit:
    """A RegisterTransport to one unit. Times are loop seconds, see `wire_seconds`."""

    def __init__(self, line: Line, unit: int, framing: Framing, *, response_timeout_s: float, quiet_s: float) -> None:
        self.response_timeout_s = response_timeout_s
        self.unit = unit
        self.line = line
        self._framing = framing
        self._member = Member(unit, response_timeout_s, quiet_s)
        self._reads: dict[tuple[Table, int, int], tuple[Asked, struct.Struct]] = {}

    @property
    def place(self) -> str:
        """The line's place; several units may be there."""
        return self.line.place

    @property
    def shared(self) -> bool:
        """Whether more than one unit uses the line now."""
        return len(self.line.members) > 1

    @property
    def is_open(self) -> bool:
        return self._member.attached and self.line.is_open

    @property
    def session(self) -> int:
        return self.line.session

    async def open(self) -> None:
        await self.line.open(self._member)

    def take_back(self) -> None:
        self.line.take_back(self._member)

    async def close(self) -> None:
        await self.line.close(self._member)

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        known = self._reads.get((table, address, count))
        if known is None:
            known = self._new_read(table, address, count)
        asked, layout = known
        pdu = await self._exchange(asked, priority=priority, lost=LinkDown)
        if pdu[0] & 0x80:
            raise _refusal(self.unit, pdu[1])
        if table == "coil" or table == "discrete":
            return [pdu[2 + i // 8] >> i % 8 & 1 for i in range(count)]
        return list(layout.unpack_from(pdu, 2))

    async def write(
        self,
        address: int,
        values: Sequence[int],
        *,
        table: Table = "holding",
        single: bool = False,
        priority: bool = False,
    ) -> None:
        asked = write_request(self._framing, self.unit, table, address, values, single=single)
        try:
            pdu = await self._exchange(asked, priority=priority, lost=ResponseTimeout)
        except LinkDown:
            raise
        except DriverError as fault:
            raise OutcomeUnknown(f"{self.place}: a write was sent, its answer was lost: {fault}") from fault
        if not pdu[0] & 0x80:
            return
        if pdu[1] in (_BUSY_WITH_IT, _NO_PATH, _NO_TARGET):
            raise OutcomeUnknown(f"{self.place}: a write to unit {self.unit} was sent: {_WORDS[pdu[1]]} ({pdu[1]})")
        raise _refusal(self.unit, pdu[1])

    async def identification(self) -> Mapping[str, str]:
        """What the unit says of itself (function 43, type 14): vendor_name, product_code, revision and more.

        Raises DeviceRefused where the unit does not know the question, and what a read raises.
        """
        texts: dict[int, str] = {}
        level = _LEVELS[0]
        for asked_level in _LEVELS:
            if asked_level > level and asked_level != _LEVELS[0]:
                break
            try:
                level = max(level, await self._texts(asked_level, texts))
            except DeviceRefused:
                if asked_level == _LEVELS[0]:
                    raise
        return named_texts(texts)

    async def _texts(self, level: int, texts: dict[int, str]) -> int:
        """Adds the texts of a level; returns the highest level that the unit has."""
        first = 0 if level == _LEVELS[0] else max(texts, default=-1) + 1
        for _ in range(_PARTS):
            asked = identify_request(self._framing, self.unit, level, first)
            pdu = await self._exchange(asked, priority=False, lost=LinkDown)
            if pdu[0] & 0x80:
                raise _refusal(self.unit, pdu[1])
            part = parse_identification(pdu)
            texts.update(part.texts)
            if part.next_object is None or part.next_object <= first:
                return part.level
            first = part.next_object
        raise WrongAnswer(f"{self.place}: the identification of unit {self.unit} does not end")

    def _new_read(self, table: Table, address: int, count: int) -> tuple[Asked, struct.Struct]:
        if len(self._reads) >= _CACHED:
            self._reads.clear()
        asked = read_request(self._framing, self.unit, table, address, count)
        known = self._reads[table, address, count] = asked, struct.Struct(f">{count}H")
        return known

    def _exchange(self, asked: Asked, *, priority: bool, lost: type[DriverError]) -> asyncio.Future[bytes]:
        """The PDU of a sound answer to come; an exception is one too."""
        line, expected = self.line, asked.expected
        number = 0
        judge: Judge
        if self._framing == "rtu":
            frame = asked.frame
            size = len(frame) + 3 + (expected.length or _LONGEST_FRAME)

            def judge(data: bytes) -> bytes | None:
                return judge_rtu(data, expected)

        else:
            transactions = line.transactions
            number = transactions.next() if transactions is not None else 0
            start = number.to_bytes(2, "big")
            frame = start + asked.frame
            sound, length, size = start + expected.tcp_head, 7 + expected.length, 0

            def judge(data: bytes) -> bytes | None:
                if len(data) == length and data.startswith(sound):
                    return data[7:]
                return judge_tcp(data, expected, number)

        if expected.function in _ECHOED:
            judge = self._no_echo(frame, judge)
        request = Request(
            self._member, frame, judge, line_bytes=size, lost=lost, transaction=number, alike=expected.alike
        )
        return line.exchange(request, priority=priority)

    def _no_echo(self, frame: bytes, judge: Judge) -> Judge:
        """A single write is answered by its request again: an adapter that echoes would acknowledge for the machine."""

        def judged(data: bytes) -> bytes | None:
            answer = judge(data)
            if answer is not None and data == frame and not self.line.proven:
                raise WrongAnswer("this may be our own echo: nothing else was heard on this connection yet")
            return answer

        return judged


def _refusal(unit: int, code: int) -> DriverError:
    """An exception's error; a gateway that got no answer is no refusal by the machine."""
    text = f"unit {unit}: {_WORDS.get(code, 'refused')} ({code})"
    if code in (_NO_PATH, _NO_TARGET):
        return ResponseTimeout(text)
    return DeviceRefused(code, text)
