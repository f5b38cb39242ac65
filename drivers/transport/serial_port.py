"""A serial port on the event loop: pyserial opens and configures it, the loop's own readiness calls move the bytes."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable

import serial

from drivers.errors import LinkDown

_CHUNK = 1024
_WORDS = {
    errno.ENOENT: "there is no such port; is the adapter plugged in?",
    errno.EACCES: "this user may not open the port",
    errno.EAGAIN: "another process uses the port",
    errno.EBUSY: "another process uses the port",
    errno.ENOTTY: "this is no serial port",
    errno.EISDIR: "this is no serial port",
}


def _why(error: Exception) -> str:
    """Why a port cannot be opened, in words; pyserial hides some numbers in its texts."""
    number = getattr(error, "errno", None)
    if number is None and "Inappropriate ioctl" in str(error):
        number = errno.ENOTTY
    return _WORDS.get(number, str(error)) if number is not None else str(error)


class SerialPort:
    """An open port; `on_data` gets what arrives, `on_lost` is called once if the port vanishes.

    Opening raises LinkDown. The port is locked for this process, so that two masters cannot share a line.
    """

    def __init__(
        self,
        path: str,
        *,
        baudrate: int,
        parity: str,
        stopbits: int,
        on_data: Callable[[bytes], None],
        on_lost: Callable[[str], None],
    ) -> None:
        try:
            self._serial = serial.Serial(
                path, baudrate=baudrate, parity=parity, stopbits=stopbits, timeout=0, write_timeout=0, exclusive=True
            )
        except (OSError, ValueError) as error:
            raise LinkDown(f"{path}: {_why(error)}") from error
        self._path = path
        self._on_data = on_data
        self._on_lost = on_lost
        self._unsent = b""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._serial.fileno(), self._read)

    @property
    def is_open(self) -> bool:
        return bool(self._serial.is_open)

    def write(self, data: bytes) -> None:
        """Sends, now or as soon as the port takes it; raises LinkDown on a closed port."""
        if not self.is_open:
            raise LinkDown(f"{self._path}: the port is closed")
        self._unsent = data  # what an earlier request left unsent belongs to a question that was given up
        self._write()

    def close(self) -> None:
        """Gives the port back; unsent bytes are dropped."""
        if self.is_open:
            self._loop.remove_reader(self._serial.fileno())
            self._loop.remove_writer(self._serial.fileno())
            self._serial.close()

    def _read(self) -> None:
        try:
            data = self._serial.read(_CHUNK)
        except OSError as error:  # pyserial's own error is one too
            self._lost(error)
            return
        if data:
            self._on_data(data)

    def _write(self) -> None:
        try:
            sent = self._serial.write(self._unsent) or 0
        except BlockingIOError:
            sent = 0
        except OSError as error:
            self._lost(error)
            return
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._serial.fileno(), self._write)
        else:
            self._loop.remove_writer(self._serial.fileno())

    def _lost(self, error: OSError) -> None:
        self.close()
        self._on_lost(f"{self._path}: {error}")
