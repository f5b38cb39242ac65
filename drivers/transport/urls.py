"""From a URL to a transport; units on the same port or connection share one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from urllib.parse import unquote, urlsplit

from serial.tools import list_ports

from drivers.errors import ProfileError
from drivers.profile import Profile
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.base import wire_seconds
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.modbus_request import Framing
from drivers.transport.serial_wire import Ports, SerialSettings, SerialWire, UsbId
from drivers.transport.tcp_wire import CONNECT_TIMEOUT_S, TcpWire
from drivers.transport.wire import Tap

_SERIAL = frozenset({"baudrate", "parity", "stopbits", "usb"})
_KNOWN = {
    "serial": _SERIAL | {"unit", "echo"},
    "tcp": frozenset({"unit", "echo"}),
    "rtu+tcp": frozenset({"unit", "echo"}),
}
_MODBUS_PORT = 502
_PORTS = range(1, 65536)
_LONGEST_NUMBER = 10  # digits; more than any unit, port or baud rate has
UNITS = {
    "serial": range(1, 248),
    "rtu+tcp": range(1, 248),
    "tcp": range(256),
}
"""The unit numbers that Modbus has on each kind of line; 0 and 255 are a server's that is no gateway."""
_GAP_CHARACTERS = 3.5  # between two RTU frames (Modbus over serial line V1.02, section 2.5.1.1)
_TCP_GAP_S = 0.002  # wall; an answer that comes twice is seen as such before the next request can take it for its own
_OS_WAKES_S = 0.02  # wall; on a loop that runs faster than the wall a busy machine may wake this late

Unit = ModbusUnit | AsciiUnit


@dataclass(frozen=True, slots=True)
class _Target:
    """A URL, read."""

    scheme: str
    place: str | SerialSettings
    port: int
    unit: int
    echo: bool


class Lines:
    """The lines of a plant: transports made here share a line where their URLs name the same port or host and port.

    `speed` is how much faster the loop's clock runs than the wall's (1 on real machines); `tap` is told everything
    that happens on any of the lines.
    """

    def __init__(self, speed: float = 1.0, tap: Tap | None = None, *, ports: Ports = list_ports.comports) -> None:
        self._speed = speed
        self._tap = tap
        self._ports = ports
        self._lines: dict[str, tuple[tuple[object, ...], Line]] = {}

    @property
    def lines(self) -> Mapping[str, Line]:
        """Every line by its place."""
        return MappingProxyType({place: line for place, (_, line) in self._lines.items()})

    def transport(self, url: str, profile: Profile) -> Unit:
        """The (still closed) transport for a unit's URL, see `open_transport`."""
        modbus = profile.protocol == "modbus"
        try:
            target = _read_url(url, profile)
        except ValueError as error:
            raise ProfileError(f"{url}: {error}") from error
        timeout = wire_seconds(profile.timing.response_timeout_s, self._speed)
        quiet = wire_seconds(profile.timing.quiet_s, self._speed, _OS_WAKES_S)
        line = self._line(url, target, modbus=modbus)
        if modbus:
            framing: Framing = "tcp" if target.scheme == "tcp" else "rtu"
            return ModbusUnit(line, target.unit, framing, response_timeout_s=timeout, quiet_s=quiet)
        end = profile.line.terminator.encode("ascii") if profile.line is not None else b"\r\n"
        return AsciiUnit(line, target.unit, response_timeout_s=timeout, quiet_s=quiet, terminator=end)

    def _line(self, url: str, target: _Target, *, modbus: bool) -> Line:
        settings = (target.scheme, target.place, target.port, target.echo, modbus)
        wire: SerialWire | TcpWire
        if isinstance(target.place, SerialSettings):
            wire = SerialWire(target.place, ports=self._ports)
        else:
            connect = wire_seconds(CONNECT_TIMEOUT_S, self._speed)
            wire = TcpWire(target.place, target.port, connect_timeout_s=connect)
        known = self._lines.get(wire.place)
        if known is not None and known[0] != settings:
            raise ProfileError(f"{url}: another unit uses {wire.place} with other settings")
        if known is not None:
            return known[1]
        numbered = modbus and target.scheme == "tcp"
        gap_s = 0.0 if numbered else max(_GAP_CHARACTERS * wire.byte_s, _TCP_GAP_S if wire.drops else 0.0)
        line = Line(
            wire,
            numbered=numbered,
            gap_s=gap_s * self._speed,
            echo=target.echo,
            speed=self._speed,
            tap=self._tap,
        )
        self._lines[wire.place] = settings, line
        return line


def open_transport(
    url: str, profile: Profile, *, speed: float = 1.0, lines: Lines | None = None, tap: Tap | None = None
) -> Unit:
    """The (still closed) transport for a unit's URL; docs/reference/urls.md describes them.

    "tcp://host:port?unit=1" is Modbus TCP or a line of text, "rtu+tcp://host:port?unit=1" Modbus RTU over TCP,
    "serial:///dev/ttyUSB0?baudrate=115200&unit=1" and "serial://?usb=0403:6001" Modbus RTU or a line of text, as the
    profile's protocol says. With `lines` the line is shared, and its speed and tap are used. Raises ProfileError for a
    URL that does not fit.
    """
    return (lines or Lines(speed, tap)).transport(url, profile)


def _read_url(url: str, profile: Profile) -> _Target:
    """Raises ValueError for what does not fit."""
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise ValueError("cannot be read; an IPv6 address stands in brackets: tcp://[::1]:502") from error
    scheme, modbus = parts.scheme, profile.protocol == "modbus"
    if scheme not in _KNOWN or (scheme == "rtu+tcp" and not modbus):
        fitting = "tcp://, rtu+tcp:// or serial://" if modbus else "tcp:// or serial://"
        raise ValueError(f"{profile.name} speaks {profile.protocol}; use {fitting}")
    settings = _settings(parts.query, _KNOWN[scheme])
    unit = _unit(settings, profile, scheme)
    echo = {"0": False, "1": True}.get(settings.get("echo", "0"))
    if echo is None or (echo and modbus and scheme == "tcp"):
        raise ValueError("echo is 0 or 1, and Modbus TCP has none")
    if scheme == "serial":
        return _Target(scheme, _serial(parts.path, settings), 0, unit, echo)
    port = _port(parts.netloc) or (_MODBUS_PORT if modbus and scheme == "tcp" else 0)
    if not parts.hostname or not port or parts.path not in ("", "/"):
        raise ValueError(f"{scheme}://host:port is needed")
    return _Target(scheme, parts.hostname, port, unit, echo)


def _settings(query: str, known: frozenset[str]) -> Mapping[str, str]:
    """What stands behind the question mark, each setting once."""
    settings: dict[str, str] = {}
    for part in filter(None, query.split("&")):
        name, equals, value = (unquote(text) for text in part.partition("="))
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"; is {near[0]} meant?" if near else ""
            raise ValueError(f"unknown {name[:40]}; there are {', '.join(sorted(known))}{hint}")
        if not equals or not value:
            raise ValueError(f"{name} has no value; expected {name}=...")
        if name in settings:
            raise ValueError(f"{name} stands twice, {settings[name]} and {value}")
        settings[name] = value
    return settings


def _whole(text: str) -> int | None:
    """A whole number of plain digits, or None."""
    return int(text) if text.isascii() and text.isdecimal() and len(text) < _LONGEST_NUMBER else None


def _unit(settings: Mapping[str, str], profile: Profile, scheme: str) -> int:
    usual = profile.modbus.unit if profile.modbus is not None else 1
    unit = _whole(settings.get("unit", str(usual)))
    if unit is None:
        raise ValueError(f"unit {settings['unit'][:40]} is no whole number")
    if profile.protocol == "modbus" and unit not in UNITS[scheme]:
        raise ValueError(f"there is no unit {unit}, only {UNITS[scheme].start} to {UNITS[scheme].stop - 1}")
    return unit


def _port(netloc: str) -> int:
    """The port behind the host; 0 where there is none."""
    text = netloc.rpartition("@")[2].rpartition("]")[2].rpartition(":")
    if not text[1] or not text[2]:
        return 0
    port = _whole(text[2])
    if port is None or port not in _PORTS:
        raise ValueError(f"port {text[2][:40]} is no whole number from {_PORTS.start} to {_PORTS.stop - 1}")
    return port


def _serial(path: str, settings: Mapping[str, str]) -> SerialSettings:
    if bool(path) == ("usb" in settings):
        raise ValueError("serial:///dev/... or serial://?usb=VID:PID[:SERIAL] is needed")
    parity, stopbits = settings.get("parity", "N"), settings.get("stopbits", "1")
    baudrate = _whole(settings.get("baudrate", "115200"))
    if parity not in ("N", "E", "O"):
        raise ValueError(f"parity {parity} is none of N, E, O")
    if stopbits not in ("1", "2"):
        raise ValueError(f"stopbits {stopbits} is neither 1 nor 2")
    if not baudrate:
        raise ValueError(f"baudrate {settings['baudrate'][:40]} is no speed, such as 9600, 19200 or 115200")
    return SerialSettings(path or _usb(settings["usb"]), baudrate, parity, int(stopbits))


def _usb(text: str) -> UsbId:
    vendor, _, rest = text.partition(":")
    product, _, serial = rest.partition(":")
    try:
        return UsbId(int(vendor, 16), int(product, 16), serial)
    except ValueError as error:
        raise ValueError(f"usb {text} is not VID:PID or VID:PID:SERIAL, in hexadecimal like 0403:6001") from error
