"""The ports of this computer: which serial adapters are there, who may open them, and who has one open."""

from __future__ import annotations

import errno
import getpass
import grp
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from controller.devices.checks import Check, broken, ok
from drivers.errors import LinkDown
from drivers.profile import Protocol
from drivers.transport.serial_wire import UsbId, find_usb

_PROCESSES = Path("/proc")


@dataclass(frozen=True, slots=True)
class SerialPort:
    """A serial port; `url` finds it, by its USB id if it has one, so that it may come back under another name."""

    device: str
    description: str
    url: str


def serial_ports() -> Iterator[SerialPort]:
    """Every serial port that pyserial sees and that has hardware behind it."""
    from serial.tools import list_ports

    for port in sorted(list_ports.comports(), key=lambda port: port.device):
        if port.vid is None or port.pid is None:
            url = f"serial://{port.device}?baudrate=9600&unit=1"
        else:
            url = f"serial://?usb={UsbId(port.vid, port.pid, port.serial_number or '')}&baudrate=9600&unit=1"
        yield SerialPort(port.device, port.description or "", url)


def port_check(url: str) -> Check:
    """Whether the place that a URL names is there and may be opened; a host is only looked for by connecting."""
    parts = urlsplit(url)
    if parts.scheme != "serial":
        return ok("port", f"{parts.netloc}, over the network")
    path = parts.path
    if not path:
        try:
            path = find_usb(_usb_id(parts.query))
        except (LinkDown, ValueError) as error:
            return broken(
                "port", str(error), "plug the adapter in; `pressline devices list` shows what is there", "link"
            )
    if not Path(path).exists():
        return broken(
            "port",
            f"{path}: there is no such port",
            "plug the adapter in, and see with `pressline devices list` how it is called;"
            " a URL with usb=VID:PID finds it under any name",
            "link",
        )
    if not os.access(path, os.R_OK | os.W_OK):
        return broken("port", f"{path}: {getpass.getuser()} may not open it", _permission(path), "link")
    user = holder(path)
    return ok("port", f"{path} is there" + (f", and {user} has it open" if user else ""))


def _usb_id(query: str) -> UsbId:
    from urllib.parse import parse_qs

    vendor, product, *serial = parse_qs(query).get("usb", [""])[0].split(":", 2)
    return UsbId(int(vendor, 16), int(product, 16), *serial)


def _permission(path: str) -> str:
    try:
        group = grp.getgrgid(Path(path).stat().st_gid).gr_name
    except (KeyError, OSError):
        group = "dialout"
    return f"sudo usermod -aG {group} {getpass.getuser()}, then log in anew"


def holder(path: str) -> str:
    """Which other process has a file open, "" if none of those that can be looked into."""
    with suppress(OSError):
        wanted = os.stat(path).st_rdev  # noqa: PTH116  a device is the same under all its names
        for process in _PROCESSES.iterdir():
            if process.name.isdecimal() and int(process.name) != os.getpid() and _has_open(process, wanted):
                name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                return f"process {process.name} ({name})"
    return ""


def _has_open(process: Path, device: int) -> bool:
    try:
        handles = list((process / "fd").iterdir())
    except OSError:
        return False
    for handle in handles:
        with suppress(OSError):
            if handle.stat().st_rdev == device:
                return True
    return False


_LISTENERS: Mapping[tuple[str, Protocol], str] = {
    (
        "tcp",
        "modbus",
    ): "switch the machine's Modbus server on, or correct the port number in the URL (Modbus TCP has 502)",
    ("rtu+tcp", "modbus"): "switch the serial server on, or correct the port number in the URL: it is the one that the"
    " serial server gives to this line",
    ("tcp", "ascii"): "switch the network port of the machine or of its serial server on, or correct the port number in"
    " the URL: lines of text have no usual one, see the machine's document",
}
"""What does not listen where a connection is refused, by the URL's scheme and the protocol."""


def connection_mend(error: LinkDown, url: str, protocol: Protocol) -> str:
    """How a place that could not be connected to is brought back."""
    cause: BaseException | None = error
    number = None
    while cause is not None and number is None:
        number = getattr(cause, "errno", None)
        cause = cause.__cause__
    scheme = urlsplit(url).scheme
    if scheme == "serial":
        if number in (errno.EAGAIN, errno.EBUSY) or "another process" in str(error):
            return "end the other program; a serial line has one master"
        return "look at the adapter; unplug it and plug it in again"
    if number == errno.ECONNREFUSED:
        return _LISTENERS[scheme, protocol]
    if "talks before it is asked" in str(error):
        return "correct host and port in the URL: what listens there speaks something else"
    if "no such host" in str(error):
        return "correct the host in the URL, or write its address in figures"
    return "look at the network cable and the machine's power, then try `ping` with the host of the URL"
