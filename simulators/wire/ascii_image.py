"""A simulated coater's side of the ASCII line protocol: frames in, frames out, silence where the real one is silent."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

from drivers.errors import DeviceRefused
from drivers.profile import Profile, Signal
from simulators.wire.image import Plc

_UNKNOWN_VERB, _UNKNOWN_NAME, _OUT_OF_RANGE, _READ_ONLY = 1, 2, 3, 4


class AsciiImage:
    """Answers RD, WR, CM and HB for one controller; `clock` gives the line's time in seconds."""

    def __init__(self, profile: Profile, plc: Plc, clock: Callable[[], float]) -> None:
        self._profile = profile
        self._plc = plc
        self._clock = clock
        self._verbs: Mapping[str, Callable[[str], str]] = {
            "RD": self._read,
            "WR": self._write,
            "CM": self._command,
            "HB": self._heartbeat,
        }

    def answer(self, request: bytes) -> bytes | None:
        """The answer to one line with its end, or None: wrong checksum, another address, no frame."""
        inner = _unwrapped(request)
        if inner is None or inner[:2] != self._profile.address:
            return None
        verb, _, rest = inner[4:].partition(" ")
        self._plc.advance(self._clock())
        try:
            act = self._verbs.get(verb)
            body = f"ER {_UNKNOWN_VERB}" if act is None else act(rest)
        except DeviceRefused as refusal:
            body = f"ER {refusal.code}"
        return _wrapped(inner[:4] + body)

    def _read(self, group: str) -> str:
        block = next((b for b in self._profile.blocks if b.name == group), None)
        if block is None:
            raise DeviceRefused(_UNKNOWN_NAME)
        return "OK " + ",".join(
            _text(self._profile.signals[name], self._plc.tags.get(name, 0)) for name in block.signals
        )

    def _write(self, arguments: str) -> str:
        written: dict[str, float] = {}
        for pair in arguments.split(","):
            name, _, text = pair.partition("=")
            signal = self._profile.signals.get(name)
            if signal is None:
                raise DeviceRefused(_UNKNOWN_NAME)
            if signal.access != "rw":
                raise DeviceRefused(_READ_ONLY)
            written[name] = _number(text)
        self._plc.write(written)
        return "OK"

    def _command(self, arguments: str) -> str:
        code, _, sequence = arguments.partition(",")
        self._plc.write({"command_code": _whole(code), "command_sequence": _whole(sequence)})
        return "OK"

    def _heartbeat(self, argument: str) -> str:
        self._plc.write({"heartbeat_controller": _whole(argument)})
        return "OK"


def _unwrapped(request: bytes) -> str | None:
    """What stands between "@" and "*", or None if the frame or its checksum is wrong."""
    text = request.decode("ascii", errors="replace").rstrip("\r\n")
    inner, star, given = text[1:].rpartition("*")
    if not text.startswith("@") or not star or len(inner) < 4:
        return None
    check = 0
    for character in inner:
        check ^= ord(character) & 0xFF
    return inner if given == f"{check:02X}" else None


def _wrapped(inner: str) -> bytes:
    check = 0
    for byte in inner.encode("ascii"):
        check ^= byte
    return f"@{inner}*{check:02X}\r\n".encode("ascii")


def _text(signal: Signal, value: float) -> str:
    return str(int(value)) if signal.integer else f"{value:.7g}"


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise DeviceRefused(_OUT_OF_RANGE)
    return value


def _whole(text: str) -> int:
    if not text.isdigit() or int(text) > 0xFFFF:
        raise DeviceRefused(_OUT_OF_RANGE)
    return int(text)
