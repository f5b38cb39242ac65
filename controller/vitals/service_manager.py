"""What a service manager is told: the datagrams of systemd's sd_notify(3), which others (podman, s6) take too.

Each is a line "NAME=value" or several to the socket that NOTIFY_SOCKET names, a path or, with a leading "@", an
abstract name. With WATCHDOG_USEC set, WATCHDOG=1 must come within so many microseconds, or the service is restarted.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress

FEEDS = 2.0  # per watchdog time, as sd_watchdog_enabled(3) advises: half of it


class ServiceManager:
    """One service manager's socket; without one every word goes nowhere.

    watchdog_s is the time within which it wants to be fed, None if it does not watch.
    """

    def __init__(self, address: str | None, watchdog_s: float | None = None) -> None:
        self._address = address
        self.watchdog_s = None if address is None else watchdog_s

    @property
    def is_there(self) -> bool:
        """Whether anybody listens."""
        return self._address is not None

    @property
    def feed_period_s(self) -> float | None:
        """Wall seconds between two feeds, half of what it allows; None if it does not watch."""
        return None if self.watchdog_s is None else self.watchdog_s / FEEDS

    def tell(self, **fields: str) -> None:
        """Sends fields, for example READY="1", STATUS="pressing"; one that is not there or is full costs nothing."""
        if self._address is None:
            return
        text = "\n".join(f"{name}={value.replace(chr(10), ' ')}" for name, value in fields.items())
        target = "\0" + self._address[1:] if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            sender.sendto(text.encode(errors="replace"), target)


def service_manager(environment: Mapping[str, str] | None = None) -> ServiceManager:
    """The service manager that an environment names (this process's, if none is given); a watchdog meant for another
    process, or one that is no number, is none.
    """
    known = os.environ if environment is None else environment
    address = known.get("NOTIFY_SOCKET", "")
    if not address.startswith(("/", "@")):
        return ServiceManager(None)
    meant_for = known.get("WATCHDOG_PID", str(os.getpid()))
    microseconds = known.get("WATCHDOG_USEC", "")
    is_ours = meant_for == str(os.getpid()) and microseconds.isdecimal() and int(microseconds) > 0
    return ServiceManager(address, int(microseconds) / 1e6 if is_ours else None)
