"""A carrier whose bytes a fault panel can damage: between the wire and what answers, on any wire, served or in memory.

With nothing on the panel every request goes through as it came. One fault happens to an exchange: the first on the
panel that is about it and whose chance comes up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping

from simulators.faults.panel import Entry, FaultPanel
from simulators.wire.damages import DAMAGES, Scene
from simulators.wire.frames import Frames, frames_of
from simulators.wire.modbus_server import RtuFrames
from simulators.wire.stream_server import Answers

_WALL_TIMEOUT_S = 0.1  # on a scaled clock a driver waits at least this long on the wall's
_LONGEST_FRAME, _LONGEST_LINE = 260, 1024
_RTU_GAP_S = 0.5  # as the server has it

Send = Callable[[bytes], None]


def _say_nothing(_: bytes) -> None:
    """No wire yet."""


class FaultyAnswers:
    """One connection to the units of one cable; `answers` is what answers without faults.

    `units` names each number on the cable, `carrier` says how frames are laid out, `panel` what is wrong. `connected`
    must be called with what sends and what ends the connection.
    """

    def __init__(
        self, answers: Answers, units: Mapping[int, str], carrier: str, panel: FaultPanel, clock: Callable[[], float]
    ) -> None:
        self._answers, self._units, self._panel, self._clock = answers, units, panel, clock
        self._frames: Mapping[int, Frames] = {
            number: frames_of(panel.profile(name), carrier) for number, name in units.items()
        }
        self._cut = _CUTTERS["tcp" if carrier == "tcp" else "ascii" if carrier.startswith("ascii") else "rtu"](clock)
        self._send: Send = _say_nothing
        self._abort: Callable[[], None] = lambda: None
        self._since_s = clock()
        self._is_dead = False
        self._previous = b""
        self._free_at_s = 0.0

    def connected(self, send: Send, abort: Callable[[], None]) -> None:
        """The connection is there, or there again."""
        self._send, self._abort, self._is_dead = send, abort, False
        self._since_s = self._clock()

    def __call__(self, data: bytes) -> bytes | None:
        """What is said at once; the rest is sent in its time. Raises what `answers` raises."""
        self._panel.advance(self._clock())
        return b"".join([self._exchange(request) for request in self._cut(data)]) or None

    def _exchange(self, request: bytes) -> bytes:
        """The answer to one request if it comes at once and undamaged."""
        entry, number = self._fault(request)
        if self._is_dead:
            return b""
        if entry is None:
            answer = self._answers(request) or b""
            self._previous = answer or self._previous
            return answer
        scene = Scene(
            self._frames[number],
            request,
            self._answers,
            self._previous,
            self._timeout_s(number),
            max(0.0, self._free_at_s - self._clock()),
        )
        self._deliver(DAMAGES[entry.fault.name](scene, entry), entry)
        self._panel.happened(entry)
        return b""

    def _deliver(self, deliveries: Iterable[tuple[float, bytes | None]], entry: Entry) -> None:
        loop, last_s = asyncio.get_running_loop(), 0.0
        for delay_s, data in deliveries:
            last_s = delay_s
            if data is None:
                loop.call_later(delay_s, self._end)
            elif data:
                loop.call_later(delay_s, self._say, data)
        if entry.fault.name == "wire.slow":
            self._free_at_s = self._clock() + last_s

    def _say(self, data: bytes) -> None:
        if not self._is_dead:
            self._previous = data
            self._send(data)

    def _end(self) -> None:
        self._is_dead = True
        self._abort()

    def _fault(self, request: bytes) -> tuple[Entry | None, int]:
        """What happens to this exchange, and with which unit it is."""
        if not self._panel.wants_wires:
            return None, 0
        number = self._number(request)
        if number not in self._units:
            return None, number
        for entry in self._panel.on_wire(self._units[number]):
            if entry.fault.name == "wire.half_open":
                self._is_dead = self._is_dead or (entry.at_s is not None and self._since_s <= entry.at_s)
            elif self._is_about(entry, number, request) and entry.rng.random() < entry.number_of("share"):
                return entry, number
        return None, number

    def _is_about(self, entry: Entry, number: int, request: bytes) -> bool:
        wanted = entry.parameters["of"]
        if wanted == "any":
            return True
        asked = self._frames[number].asked(request)
        return asked == wanted or (wanted == "writes" and asked != "reads")

    def _number(self, request: bytes) -> int:
        return next((number for number, frames in self._frames.items() if frames.is_for(request, number)), 0)

    def _timeout_s(self, number: int) -> float:
        speed = float(getattr(asyncio.get_running_loop(), "speed", 1.0))
        timeout_s = self._panel.profile(self._units[number]).timing.response_timeout_s
        return max(timeout_s, _WALL_TIMEOUT_S * speed) if speed > 1.0 else timeout_s


Cut = Callable[[bytes], Iterable[bytes]]


def _cut_tcp(_: Callable[[], float]) -> Cut:
    """Whole MBAP frames; what cannot be one goes through at once, for the server to refuse it."""
    kept = b""

    def cut(data: bytes) -> Iterable[bytes]:
        nonlocal kept
        kept += data
        while len(kept) >= 7:
            length = int.from_bytes(kept[4:6], "big")
            size = 6 + length if 2 <= length <= _LONGEST_FRAME else len(kept)
            if len(kept) < size:
                return
            frame, kept = kept[:size], kept[size:]
            yield frame

    return cut


def _cut_rtu(clock: Callable[[], float]) -> Cut:
    frames, heard_at_s = RtuFrames(), 0.0

    def cut(data: bytes) -> Iterable[bytes]:
        nonlocal heard_at_s
        now_s = clock()
        if now_s - heard_at_s > _RTU_GAP_S:
            frames.forget()
        heard_at_s = now_s
        frame = frames.take(data)
        return () if frame is None else (frame,)

    return cut


def _cut_lines(_: Callable[[], float]) -> Cut:
    kept = b""

    def cut(data: bytes) -> Iterable[bytes]:
        nonlocal kept
        kept += data
        while b"\n" in kept:
            line, _, kept = kept.partition(b"\n")
            yield line + b"\n"
        if len(kept) > _LONGEST_LINE:
            kept = b""

    return cut


_CUTTERS: Mapping[str, Callable[[Callable[[], float]], Cut]] = {"tcp": _cut_tcp, "rtu": _cut_rtu, "ascii": _cut_lines}
