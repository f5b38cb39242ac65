"""From a URL to a transport."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

from drivers.errors import ProfileError
from drivers.profile import Profile
from drivers.transport.ascii_line import AsciiLine
from drivers.transport.base import LineTransport, RegisterTransport, wire_seconds
from drivers.transport.modbus import ModbusTransport, SerialSettings, TcpSettings

_SETTINGS = {"unit", "baudrate", "parity", "stopbits"}
_OS_WAKES_S = 0.02  # wall; on a loop that runs faster than the wall a busy machine may wake this late


def open_transport(url: str, profile: Profile, *, speed: float = 1.0) -> RegisterTransport | LineTransport:
    """The (still closed) transport for a unit's URL.

    "tcp://host:port?unit=1" is Modbus TCP; "serial:///dev/ttyUSB0?baudrate=115200&unit=1" is Modbus RTU or a line of
    text, as the profile's protocol says. `speed` is how much faster the loop's clock runs than the wall's (1 on real
    machines). Raises ProfileError for a URL that does not fit.
    """
    parts = urlsplit(url)
    query = {name: values[-1] for name, values in parse_qs(parts.query, strict_parsing=bool(parts.query)).items()}
    if set(query) - _SETTINGS:
        raise ProfileError(f"{url}: unknown {', '.join(sorted(set(query) - _SETTINGS))}")
    timeout = wire_seconds(profile.timing.response_timeout_s, speed)
    quiet = wire_seconds(profile.timing.quiet_s, speed, _OS_WAKES_S)
    try:
        unit = int(query.get("unit", "1"))
        if parts.scheme == "tcp" and profile.protocol == "modbus" and parts.hostname:
            settings = TcpSettings(parts.hostname, parts.port or 502)
            return ModbusTransport(settings, unit, response_timeout_s=timeout, quiet_s=quiet)
        if parts.scheme == "serial" and parts.path:
            serial = _serial(parts.path, query)
            if profile.protocol == "modbus":
                return ModbusTransport(serial, unit, response_timeout_s=timeout, quiet_s=quiet)
            return AsciiLine(serial, response_timeout_s=timeout, quiet_s=quiet)
    except ValueError as error:
        raise ProfileError(f"{url}: {error}") from error
    raise ProfileError(f"{url}: {profile.name} speaks {profile.protocol}; use tcp:// (Modbus) or serial://")


def _serial(path: str, query: dict[str, str]) -> SerialSettings:
    parity = query.get("parity", "N")
    if parity not in ("N", "E", "O"):
        raise ValueError(f"parity {parity} is none of N, E, O")
    return SerialSettings(path, int(query.get("baudrate", "115200")), parity, int(query.get("stopbits", "1")))
