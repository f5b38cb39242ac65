"""Lines of text, one answer for one request, on a serial port or over TCP."""

from __future__ import annotations

from drivers.errors import CorruptAnswer, ResponseTimeout
from drivers.line_ends import other_end, quoted
from drivers.transport.base import Check
from drivers.transport.line import Line
from drivers.transport.request import Member, Request

_USUAL_ANSWER = 128  # bytes; what a slow line is given time for


class AsciiUnit:
    """A LineTransport. Times are loop seconds, see `wire_seconds`."""

    def __init__(
        self,
        line: Line,
        unit: int = 1,
        *,
        response_timeout_s: float,
        quiet_s: float,
        terminator: bytes = b"\r\n",
    ) -> None:
        self.response_timeout_s = response_timeout_s
        self.unit = unit
        self.terminator = terminator
        self.line = line
        self._member = Member(unit, response_timeout_s, quiet_s)

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

    async def exchange(
        self, request: bytes, *, check: Check | None = None, priority: bool = False, again: bool = False
    ) -> bytes:
        half = b""

        def judge(data: bytes) -> bytes | None:
            nonlocal half
            text, end, rest = data.partition(self.terminator)
            if rest:
                raise CorruptAnswer(f"more than one answer: {quoted(data)}{other_end(data, self.terminator)}")
            half = b"" if end else data
            if not end:
                return None
            if check is not None:
                check(text + end)
            return text + end

        size = len(request) + _USUAL_ANSWER
        asked = Request(self._member, request, judge, line_bytes=size, alike=b"" if again else None)
        try:
            return await self.line.exchange(asked, priority=priority)
        except ResponseTimeout as error:
            if not half:
                raise
            raise ResponseTimeout(f"{error}: {quoted(half)}{other_end(half, self.terminator)}") from error
