"""A serial port without hardware: the driver opens the slave of a pseudo-terminal, the simulator has the master."""

from __future__ import annotations

import asyncio
import os
import tty
from collections.abc import Callable
from pathlib import Path

_CHUNK = 4096


class PtyPort:
    """A port under a stable name: `link` points to whatever pseudo-terminal is behind it now.

    `on_data` gets what the driver sends; what it returns is sent back (None: silence). Unplugging closes both ends, so
    that the driver sees its port vanish.
    """

    def __init__(self, link: Path, on_data: Callable[[bytes], bytes | None]) -> None:
        self.link = link
        self._on_data = on_data
        self._ends: tuple[int, int] | None = None
        self._unsent = b""
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def plugged(self) -> bool:
        return self._ends is not None

    def plug(self) -> None:
        """Makes a new pseudo-terminal and points the link to it."""
        if self._ends is not None:
            return
        master, slave = os.openpty()
        tty.setraw(slave)
        os.set_blocking(master, False)
        self.link.unlink(missing_ok=True)
        self.link.symlink_to(os.ttyname(slave))
        # our own hold on the slave keeps the master readable while no driver has it open
        self._ends = (master, slave)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(master, self._read)

    def unplug(self) -> None:
        """Pulls the cable."""
        if self._ends is None or self._loop is None:
            return
        ends, self._ends, self._unsent = self._ends, None, b""
        self._loop.remove_reader(ends[0])
        self._loop.remove_writer(ends[0])
        self.link.unlink(missing_ok=True)
        for end in ends:
            os.close(end)

    def send(self, data: bytes) -> None:
        """Sends to the driver, now or as soon as the terminal takes it."""
        self._unsent += data
        self._write()

    def _read(self) -> None:
        if self._ends is None:
            return
        try:
            data = os.read(self._ends[0], _CHUNK)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            self.unplug()
            return
        answer = self._on_data(data)
        if answer:
            self.send(answer)

    def _write(self) -> None:
        if self._ends is None or self._loop is None:
            self._unsent = b""
            return
        try:
            sent = os.write(self._ends[0], self._unsent)
        except (BlockingIOError, InterruptedError):
            sent = 0
        self._unsent = self._unsent[sent:]
        if self._unsent:
            self._loop.add_writer(self._ends[0], self._write)
        else:
            self._loop.remove_writer(self._ends[0])
