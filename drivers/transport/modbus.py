"""Modbus TCP and Modbus RTU with pymodbus, guarded against what pymodbus 3.16.1 lets through.

A request goes out once (retries=0, no reconnecting by pymodbus). Exchanges run in tasks of the transport, so a caller
who gives up does not leave half an answer to the next one. Every answer is judged on its bytes. After any fault the
line is resynchronised: TCP drops the connection, RTU waits until nothing has been heard for `quiet_s`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ConnectionException, ModbusException
from pymodbus.pdu import ModbusPDU

from drivers.errors import (
    DeviceRefused,
    DriverError,
    LineReset,
    LinkDown,
    OutcomeUnknown,
    ResponseTimeout,
    WrongAnswer,
)
from drivers.profile import Table
from drivers.transport.base import OwnedExchanges, PriorityLock
from drivers.transport.modbus_answer import Expected, Verdict, judge_rtu, judge_tcp

_FUNCTION = {"holding": 3, "input": 4}
_WRITE = 16
_QUIET_TRIES = 20  # times quiet_s of ceaseless chatter after which the port is given up and opened anew

# pymodbus prints each fault on its own; every one of them reaches the caller as an error, so its voice is not needed
logging.getLogger("pymodbus").addHandler(logging.NullHandler())
logging.getLogger("pymodbus").propagate = False

Client = AsyncModbusTcpClient | AsyncModbusSerialClient
Call = Awaitable[ModbusPDU]


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial port; keep parity "N" on a pseudo-terminal, it knows no other."""

    port: str
    baudrate: int = 115200
    parity: str = "N"
    stopbits: int = 1


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """A Modbus TCP server."""

    host: str
    port: int = 502


class ModbusTransport:
    """A RegisterTransport to one unit over TCP or RTU. Times are loop seconds, see `wire_seconds`."""

    def __init__(
        self, settings: SerialSettings | TcpSettings, unit: int, *, response_timeout_s: float, quiet_s: float
    ) -> None:
        self.response_timeout_s = response_timeout_s
        self._settings = settings
        self._unit = unit
        self._quiet_s = quiet_s
        self._lock = PriorityLock()
        self._owned = OwnedExchanges()
        self._client: Client | None = None
        self._session = 0
        self._expected: Expected | None = None
        self._sent = False
        self._heard_at = 0.0
        self._why_closed: LinkDown = LinkDown(f"{self._place}: not connected")

    @property
    def is_open(self) -> bool:
        return self._client is not None and self._client.connected

    @property
    def session(self) -> int:
        return self._session

    async def open(self) -> None:
        await self._owned.run(self._connect(), LinkDown(f"{self._place}: closed"))

    async def close(self) -> None:
        await self._owned.end()
        await self._drop(LinkDown(f"{self._place}: not connected"))

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:
        expected = Expected(self._unit, _FUNCTION[table], address, count)

        def call(client: Client) -> Call:
            read = client.read_input_registers if table == "input" else client.read_holding_registers
            return read(address, count=count, device_id=self._unit)

        closed = LinkDown(f"{self._place}: closed during an exchange")
        answer = await self._owned.run(self._exchange(expected, call, priority=priority), closed)
        registers = list(answer.registers)
        if len(registers) != count:
            raise WrongAnswer(f"asked {count} registers, {len(registers)} came")
        return registers

    async def write(self, address: int, values: Sequence[int], *, priority: bool = False) -> None:
        expected = Expected(self._unit, _WRITE, address, len(values))

        def call(client: Client) -> Call:
            return client.write_registers(address, list(values), device_id=self._unit)

        closed = OutcomeUnknown(f"{self._place}: closed during a write")
        await self._owned.run(self._exchange(expected, call, priority=priority), closed)

    @property
    def _place(self) -> str:
        if isinstance(self._settings, TcpSettings):
            return f"{self._settings.host}:{self._settings.port}"
        return self._settings.port

    async def _connect(self) -> None:
        async with self._lock.hold(priority=True):
            if self.is_open:
                return
            await self._drop(self._why_closed)
            client = self._new_client()
            try:
                connected = await client.connect()
                await asyncio.sleep(0)  # pymodbus attaches its reader to a serial port one turn of the loop later
            except OSError as error:
                raise LinkDown(f"{self._place}: {error}") from error
            except asyncio.CancelledError:
                client.close()
                raise
            if not connected:
                client.close()
                raise LinkDown(f"{self._place}: no connection")
            self._client = client
            self._session += 1

    def _new_client(self) -> Client:
        common: dict[str, Any] = {
            "timeout": self.response_timeout_s,
            "retries": 0,
            "reconnect_delay": 0,
            "trace_packet": self._packet,
            "trace_connect": self._connection,
        }
        if isinstance(self._settings, TcpSettings):
            return AsyncModbusTcpClient(self._settings.host, port=self._settings.port, **common)
        serial = self._settings
        return AsyncModbusSerialClient(
            serial.port, baudrate=serial.baudrate, parity=serial.parity, stopbits=serial.stopbits, **common
        )

    async def _exchange(self, expected: Expected, call: Callable[[Client], Call], *, priority: bool) -> ModbusPDU:
        async with self._lock.hold(priority=priority):
            client = self._client
            if client is None or not client.connected:
                raise type(self._why_closed)(str(self._why_closed))
            self._expected, self._sent = expected, False
            try:
                answer = await call(client)
            except (ModbusException, DriverError, ValueError) as error:
                fault = self._named(error)
                await self._resynchronise(fault)
                if expected.function == _WRITE and self._sent:
                    raise OutcomeUnknown(f"{self._place}: a write was sent, its answer was lost: {fault}") from fault
                raise fault from error
            finally:
                self._expected = None
            if answer.isError():
                raise DeviceRefused(answer.exception_code)
            return answer

    def _named(self, error: Exception) -> DriverError:
        if isinstance(error, DriverError):
            return error
        if isinstance(error, ConnectionException):
            return LinkDown(f"{self._place}: the connection is gone")
        return ResponseTimeout(f"{self._place}: no answer within {self.response_timeout_s:g} s")

    async def _resynchronise(self, fault: DriverError) -> None:
        """Makes sure that whatever still comes is nobody's answer."""
        if isinstance(fault, LinkDown):
            await self._drop(fault)
        elif isinstance(self._settings, TcpSettings):
            await self._drop(LineReset(f"{self._place}: dropped after: {fault}"))
        else:
            self._expected = None
            await self._wait_quiet(fault)

    async def _wait_quiet(self, fault: DriverError) -> None:
        loop = asyncio.get_running_loop()
        began = self._heard_at = loop.time()
        while (wait := self._heard_at + self._quiet_s - loop.time()) > 0:
            if loop.time() - began > _QUIET_TRIES * self._quiet_s:
                await self._drop(LineReset(f"{self._place}: the line does not get quiet after: {fault}"))
                return
            await asyncio.sleep(wait)

    async def _drop(self, why: LinkDown) -> None:
        self._why_closed = why
        client, self._client = self._client, None
        if client is not None:
            client.close()
            await asyncio.sleep(0)  # the loop closes the socket in its next turn

    def _packet(self, sending: bool, data: bytes) -> bytes:
        """pymodbus shows every packet here; what it gets back is what it goes on with."""
        if sending:
            self._sent = True
            return data
        self._heard_at = asyncio.get_running_loop().time()
        verdict: Verdict = "incomplete"
        if self._expected is not None and self._client is not None:
            if isinstance(self._settings, TcpSettings):
                verdict = judge_tcp(data, self._expected, self._client.ctx.request_transaction_id)
            else:
                verdict = judge_rtu(data, self._expected)
        if isinstance(verdict, DriverError):
            self._fail(verdict)
        return data if verdict is None else b""

    def _connection(self, connected: bool) -> None:
        if not connected:
            self._fail(LinkDown(f"{self._place}: the connection was lost"))

    def _fail(self, fault: DriverError) -> None:
        """Ends the exchange that is waiting for an answer, if there is one."""
        if self._client is None:
            return
        if self._expected is None:
            if isinstance(fault, LinkDown):
                self._why_closed = fault
            return
        waiting = self._client.ctx.response_future
        if not waiting.done():
            waiting.set_exception(fault)
