"""Lines of text on a serial port, ended by CR LF, one answer for one request.

After a fault nothing is sent until the line has been quiet for `quiet_s`: a late answer passes by and is nobody's.
"""

from __future__ import annotations

import asyncio

from drivers.errors import CorruptAnswer, DriverError, LinkDown, ResponseTimeout
from drivers.transport.base import Check, OwnedExchanges, PriorityLock
from drivers.transport.modbus import SerialSettings
from drivers.transport.serial_port import SerialPort

_END = b"\r\n"
_LONGEST = 4096  # bytes; ten times the longest answer of any profile
_QUIET_TRIES = 20  # times quiet_s of ceaseless chatter after which the port is given up and opened anew


class AsciiLine:
    """A LineTransport on a serial port. Times are loop seconds, see `wire_seconds`."""

    def __init__(self, settings: SerialSettings, *, response_timeout_s: float, quiet_s: float) -> None:
        self.response_timeout_s = response_timeout_s
        self._settings = settings
        self._quiet_s = quiet_s
        self._lock = PriorityLock()
        self._owned = OwnedExchanges()
        self._port: SerialPort | None = None
        self._session = 0
        self._buffer = b""
        self._answer: asyncio.Future[bytes] | None = None
        self._heard_at = 0.0
        self._why_closed = f"{settings.port}: not connected"

    @property
    def is_open(self) -> bool:
        return self._port is not None and self._port.is_open

    @property
    def session(self) -> int:
        return self._session

    async def open(self) -> None:
        if self.is_open:
            return
        self._port = SerialPort(
            self._settings.port,
            baudrate=self._settings.baudrate,
            parity=self._settings.parity,
            stopbits=self._settings.stopbits,
            on_data=self._heard,
            on_lost=self._lost,
        )
        self._session += 1

    async def close(self) -> None:
        await self._owned.end()
        self._drop(f"{self._settings.port}: not connected")

    async def exchange(self, request: bytes, *, check: Check | None = None, priority: bool = False) -> bytes:
        closed = ResponseTimeout(f"{self._settings.port}: closed during an exchange")
        return await self._owned.run(self._exchange(request, check, priority=priority), closed)

    async def _exchange(self, request: bytes, check: Check | None, *, priority: bool) -> bytes:
        async with self._lock.hold(priority=priority):
            if self._port is None or not self._port.is_open:
                raise LinkDown(self._why_closed)
            self._buffer = b""
            self._answer = asyncio.get_running_loop().create_future()
            try:
                self._port.write(request)
                async with asyncio.timeout(self.response_timeout_s):
                    answer = await self._answer
                if check is not None:
                    check(answer)
            except TimeoutError as error:
                self._answer = None
                await self._wait_quiet()
                place = self._settings.port
                raise ResponseTimeout(f"{place}: no answer within {self.response_timeout_s:g} s") from error
            except DriverError:
                self._answer = None
                await self._wait_quiet()
                raise
            finally:
                self._answer = None
            return answer

    async def _wait_quiet(self) -> None:
        loop = asyncio.get_running_loop()
        began = self._heard_at = loop.time()
        while self.is_open and (wait := self._heard_at + self._quiet_s - loop.time()) > 0:
            if loop.time() - began > _QUIET_TRIES * self._quiet_s:
                self._drop(f"{self._settings.port}: the line does not get quiet")
                return
            await asyncio.sleep(wait)

    def _drop(self, why: str) -> None:
        self._why_closed = why
        port, self._port = self._port, None
        if port is not None:
            port.close()

    def _heard(self, data: bytes) -> None:
        self._heard_at = asyncio.get_running_loop().time()
        if self._answer is None or self._answer.done():
            return
        self._buffer += data
        line, end, rest = self._buffer.partition(_END)
        if end and not rest:
            self._answer.set_result(line + end)
        elif rest or len(self._buffer) > _LONGEST:
            self._answer.set_exception(CorruptAnswer(f"more than one answer: {self._buffer[:80]!r}"))

    def _lost(self, why: str) -> None:
        self._why_closed = why
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(ResponseTimeout(f"the port vanished during an exchange: {why}"))
