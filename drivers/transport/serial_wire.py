"""A serial port as a wire: pyserial opens and configures it, the loop's own readiness calls move the bytes."""

from __future__ import annotations

import asyncio
import errno
import os
import termios
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

import serial
from serial.tools import list_ports

from drivers.errors import LinkDown
from drivers.transport.wire import OnData, OnLost

_CHUNK = 4096
_LONGEST_CHARACTER_BITS = 12  # start, 8 data, parity, 2 stop bits
_WORDS = {
    errno.ENOENT: "there is no such port; is the adapter plugged in?",
    errno.EACCES: "this user may not open the port",
    errno.EAGAIN: "another process uses the port",
    errno.EBUSY: "another process uses the port",
    errno.ENOTTY: "this is no serial port",
    errno.EISDIR: "this is no serial port",
}


@dataclass(frozen=True, slots=True)
class UsbId:
    """A USB serial adapter by its vendor's and product's number, and by its serial number if it has one."""

    vendor: int
    product: int
    serial: str = ""

    def __str__(self) -> str:
        return f"{self.vendor:04X}:{self.product:04X}" + (f":{self.serial}" if self.serial else "")


class UsbPort(Protocol):
    """A port as pyserial's list_ports shows it."""

    device: str
    vid: int | None
    pid: int | None
    serial_number: str | None


Ports = Callable[[], Iterable[UsbPort]]


@dataclass(frozen=True, slots=True)
class SerialSettings:
    """A serial port by its path or its adapter; keep parity "N" on a pseudo-terminal, it knows no other."""

    port: str | UsbId
    baudrate: int = 115200
    parity: str = "N"
    stopbits: int = 1

    @property
    def place(self) -> str:
        return self.port if isinstance(self.port, str) else f"usb {self.port}"


def find_usb(wanted: UsbId, ports: Ports = list_ports.comports) -> str:
    """The path that an adapter has now; raises LinkDown if none or more than one fits."""
    found = [
        port.device
        for port in ports()
        if (port.vid, port.pid) == (wanted.vendor, wanted.product)
        and wanted.serial.casefold() in ("", (port.serial_number or "").casefold())
    ]
    if not found:
        raise LinkDown(f"usb {wanted}: no adapter with this id is plugged in")
    if len(found) > 1:
        raise LinkDown(f"usb {wanted}: {', '.join(sorted(found))} all fit; add the serial number of the right one")
    return found[0]


class SerialWire:
    """Bytes over a serial port, which is locked, so that two masters cannot share a line."""

    drops = False

    def __init__(self, settings: SerialSettings, *, ports: Ports = list_ports.comports) -> None:
        self.place = settings.place
        self.byte_s = _LONGEST_CHARACTER_BITS / settings.baudrate
        self._settings = settings
        self._ports = ports
        self._serial: serial.Serial | None = None
        self._handle = -1
        self._unsent = b""
        self._on_data: OnData = _nothing
        self._on_lost: OnLost = _nothing
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def is_open(self) -> bool:
        return self._serial is not None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        self.drop()
        wanted = self._settings
        path = wanted.port if isinstance(wanted.port, str) else find_usb(wanted.port, self._ports)
        try:
            port = serial.Serial(
                path,
                baudrate=wanted.baudrate,
                parity=wanted.parity,
                stopbits=wanted.stopbits,
                timeout=0,
                write_timeout=0,
                exclusive=True,
            )
        except (OSError, ValueError) as error:
            raise LinkDown(f"{path}: {_why(error)}") from error
        self._serial, self._handle, self._unsent = port, port.fileno(), b""
        self._on_data, self._on_lost = on_data, on_lost
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._handle, self._read)

    def write(self, data: bytes) -> None:
        if self._serial is None:
            raise LinkDown(f"{self.place}: the port is closed")
        self._unsent = data  # what an earlier request left unsent belongs to a question that was given up
        self._write()

    def forget_unsent(self) -> bool:
        if self._serial is not None and self._loop is not None:
            self._unsent = b""
            self._loop.remove_writer(self._handle)
        return True

    def drop(self) -> None:
        port, self._serial = self._serial, None
        if port is None or self._loop is None:
            return
        self._unsent = b""
        self._loop.remove_reader(self._handle)
        self._loop.remove_writer(self._handle)
        with suppress(OSError, termios.error):  # of an adapter that is gone
            port.reset_output_buffer()  # closing would wait until a blocked line has taken what is left
        with suppress(OSError):
            port.close()

    async def close(self) -> None:
        self.drop()

    def _read(self) -> None:
        try:
            data = os.read(self._handle, _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError as error:
            self._lost(str(error))
            return
        if data:
            self._on_data(data)
        else:
            self._lost("the adapter was unplugged")

    def _write(self) -> None:
        if self._loop is None:
            return
        try:
            sent = os.write(self._handle, self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        except OSError as error:
            self._lost(str(error))
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._handle, self._write)
        else:
            self._loop.remove_writer(self._handle)

    def _lost(self, why: str) -> None:
        self.drop()
        self._on_lost(f"{self.place}: {why}")


def _nothing(_: object) -> None:
    """Until a port is opened there is nobody to tell."""


def _why(error: Exception) -> str:
    """Why a port cannot be opened, in words; pyserial hides some numbers in its texts."""
    number = getattr(error, "errno", None)
    if number is None and "Inappropriate ioctl" in str(error):
        number = errno.ENOTTY
    return _WORDS.get(number, str(error)) if number is not None else str(error)
