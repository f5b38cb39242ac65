"""A wire whose other end is the test: it sees what is sent, and says what is heard and when."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

from drivers.errors import LinkDown
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.wire import OnData, OnLost, Tap
from simulators.clock import run_virtual
from simulators.wire.modbus_server import crc16

TIMEOUT_S, QUIET_S = 0.3, 0.1


class ScriptedWire:
    """A Wire in memory."""

    place = "script"
    byte_s = 0.0

    def __init__(self, *, drops: bool) -> None:
        self.drops = drops
        self.sent: list[bytes] = []
        self.opened = 0
        self.refuses = False
        self.blocked = False
        self.answers: dict[bytes, bytes] = {}
        self._hears: OnData | None = None
        self._loses: OnLost | None = None

    @property
    def is_open(self) -> bool:
        return self._hears is not None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        if self.refuses:
            raise LinkDown("script: refused")
        self.opened += 1
        self._hears, self._loses = on_data, on_lost

    def write(self, data: bytes) -> None:
        if self._hears is None:
            raise LinkDown("script: closed")
        self.sent.append(data)
        if data in self.answers:
            self._hears(self.answers[data])

    def say(self, data: bytes) -> None:
        """Bytes come in."""
        if self._hears is not None:
            self._hears(data)

    def lose(self) -> None:
        """The other side ends the connection."""
        loses = self._loses
        self.drop()
        if loses is not None:
            loses("script: lost")

    def forget_unsent(self) -> bool:
        return not self.blocked

    def drop(self) -> None:
        self._hears = self._loses = None

    async def close(self) -> None:
        self.drop()


def tcp_units(*units: int, tap: Tap | None = None) -> tuple[ScriptedWire, list[ModbusUnit]]:
    """Units behind one Modbus TCP connection."""
    wire = ScriptedWire(drops=True)
    line = Line(wire, numbered=True, tap=tap)
    return wire, [ModbusUnit(line, n, "tcp", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S) for n in units]


def rtu_units(
    *units: int, drops: bool = False, echo: bool = False, tap: Tap | None = None
) -> tuple[ScriptedWire, list[ModbusUnit]]:
    """Units on one serial line, or (`drops`) behind one RTU over TCP connection."""
    wire = ScriptedWire(drops=drops)
    line = Line(wire, echo=echo, tap=tap)
    return wire, [ModbusUnit(line, n, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S) for n in units]


def tcp_frame(transaction: int, unit: int, pdu: str) -> bytes:
    """A Modbus TCP frame."""
    body = bytes([unit]) + bytes.fromhex(pdu)
    return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


def rtu_frame(unit: int, pdu: str) -> bytes:
    """An RTU frame."""
    body = bytes([unit]) + bytes.fromhex(pdu)
    return body + crc16(body)


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test on virtual time."""

    @wraps(test)
    def run() -> None:
        run_virtual(test())

    return run


def now() -> float:
    return asyncio.get_running_loop().time()


def reading(unit: ModbusUnit, address: int = 1, *, priority: bool = False) -> asyncio.Task[list[int]]:
    return asyncio.create_task(unit.read("input", address, 1, priority=priority))


async def ready(unit: ModbusUnit) -> None:
    """Opened, and quiet after connecting."""
    await unit.open()
    await asyncio.sleep(1.5 * QUIET_S)


async def turns() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
