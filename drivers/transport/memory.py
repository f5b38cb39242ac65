"""Transports without a wire: the exchange is a call. They go with virtual time and with tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from drivers.errors import DeviceRefused, LinkDown, ResponseTimeout
from drivers.profile import Table
from drivers.transport.base import Check
from drivers.transport.modbus_answer import named_texts

_UNKNOWN_FUNCTION = 1
_TIMEOUT_S = 0.5  # loop seconds until silence is an error; the shipped profiles allow 0.3 to 0.5 s


class RegisterDevice(Protocol):
    """A machine in memory; every call raises DeviceRefused.

    It may have `write_coils(address, values)` too, and the texts of an `identification` by their numbers.
    """

    def read(self, table: Table, address: int, count: int) -> list[int]: ...

    def write(self, address: int, values: Sequence[int]) -> None: ...


class LineDevice(Protocol):
    """An instrument in memory; None is silence."""

    def answer(self, request: bytes) -> bytes | None: ...


class _Memory:
    """Open, closed, plugged, unplugged: what both memory transports share."""

    place = "memory"
    shared = False
    terminator = b"\r\n"

    def __init__(self, response_timeout_s: float, unit: int) -> None:
        self.response_timeout_s = response_timeout_s
        self.unit = unit
        self._plugged = True
        self._open = False
        self._session = 0

    @property
    def is_open(self) -> bool:
        return self._open

    @property
    def session(self) -> int:
        return self._session

    async def open(self) -> None:
        if not self._plugged:
            raise LinkDown("the machine is unplugged")
        if not self._open:
            self._open = True
            self._session += 1

    def take_back(self) -> None:
        """Nothing ever waits here."""

    async def close(self) -> None:
        self._open = False

    def unplug(self) -> None:
        """Pulls the cable."""
        self._plugged = self._open = False

    def plug(self) -> None:
        """Puts the cable back; the owner has to open() again."""
        self._plugged = True

    def _need_open(self) -> None:
        if not self._open:
            raise LinkDown("the machine is unplugged" if not self._plugged else "not connected")


class MemoryRegisters(_Memory):
    """A RegisterTransport onto an object."""

    def __init__(self, device: RegisterDevice, *, response_timeout_s: float = _TIMEOUT_S, unit: int = 1) -> None:
        super().__init__(response_timeout_s, unit)
        self._device = device

    async def read(self, table: Table, address: int, count: int, *, priority: bool = False) -> list[int]:  # noqa: ARG002
        self._need_open()
        return self._device.read(table, address, count)

    async def write(
        self,
        address: int,
        values: Sequence[int],
        *,
        table: Table = "holding",
        single: bool = False,  # noqa: ARG002
        priority: bool = False,  # noqa: ARG002
    ) -> None:
        self._need_open()
        if table == "holding":
            self._device.write(address, values)
            return
        write_coils = getattr(self._device, "write_coils", None)
        if write_coils is None:
            raise DeviceRefused(_UNKNOWN_FUNCTION)
        write_coils(address, values)

    async def identification(self) -> Mapping[str, str]:
        self._need_open()
        texts = getattr(self._device, "identification", None)
        if texts is None:
            raise DeviceRefused(_UNKNOWN_FUNCTION)
        return named_texts(texts)


class MemoryLine(_Memory):
    """A LineTransport onto an object."""

    def __init__(self, device: LineDevice, *, response_timeout_s: float = _TIMEOUT_S, unit: int = 1) -> None:
        super().__init__(response_timeout_s, unit)
        self._device = device

    async def exchange(
        self,
        request: bytes,
        *,
        check: Check | None = None,
        priority: bool = False,  # noqa: ARG002  there is no queue
        again: bool = False,  # noqa: ARG002  nothing comes twice
    ) -> bytes:
        self._need_open()
        answer = self._device.answer(request)
        if answer is None:
            await asyncio.sleep(self.response_timeout_s)
            raise ResponseTimeout(f"no answer within {self.response_timeout_s:g} s")
        if check is not None:
            check(answer)
        return answer


def memory_transport(machine: Any) -> MemoryRegisters | MemoryLine:
    """The transport onto a machine in this process: its `registers` if it has them, else its `answer`."""
    timeout = machine.profile.timing.response_timeout_s
    if hasattr(machine, "registers"):
        return MemoryRegisters(machine.registers, response_timeout_s=timeout)
    return MemoryLine(machine, response_timeout_s=timeout)
