"""A machine of any protocol whose answers are lost, late, doubled, corrupt, split, glued or wrong, as a list says."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from tests.campaign.frame_damages import Delivery, Scene

Order = Callable[[Scene, Random], Sequence[Delivery]]
LATE_S = 0.02
"""After the timeout; much earlier than the quiet time's end, so that a busy machine does not shift it beyond."""


def _late(scene: Scene, rng: Random) -> Sequence[Delivery]:
    return ((scene.timeout_s + LATE_S, scene.sound),)


def _doubled_late(scene: Scene, rng: Random) -> Sequence[Delivery]:
    """The second copy comes while the next request, or one after it, waits for its answer."""
    return ((0.0, scene.sound), (scene.timeout_s * rng.random(), scene.sound))


def _corrupted(scene: Scene, rng: Random) -> Sequence[Delivery]:
    """One byte is another one: of the checksum where there is one, of the header over Modbus TCP."""
    place = 2 if scene.sound[2:4] == b"\0\0" else len(scene.sound) - 3
    return ((0.0, scene.sound[:place] + bytes([scene.sound[place] ^ 0x15]) + scene.sound[place + 1 :]),)


def _split(scene: Scene, rng: Random) -> Sequence[Delivery]:
    size = rng.randint(1, 7)
    pieces = [scene.sound[start : start + size] for start in range(0, len(scene.sound), size)]
    step_s = 0.5 * scene.timeout_s / len(pieces) * rng.random()
    return [(step_s * place, piece) for place, piece in enumerate(pieces)]


ORDERS: dict[str, Order] = {
    "ok": lambda scene, rng: ((0.0, scene.sound),),
    "late": _late,
    "dropped": lambda scene, rng: (),
    "doubled": lambda scene, rng: ((0.0, scene.sound + scene.sound),),
    "doubled late": _doubled_late,
    "corrupted": _corrupted,
    "split": _split,
    "glued": lambda scene, rng: ((0.0, scene.other(rng) + scene.sound),),
    "glued behind": lambda scene, rng: ((0.0, scene.sound + scene.other(rng)),),
    "wrong": lambda scene, rng: ((0.0, scene.changed(rng)),),
    "other": lambda scene, rng: ((0.0, scene.other(rng)),),
}
FAULTS = tuple(name for name in ORDERS if name not in ("ok", "wrong", "other"))


@dataclass
class FaultMachine:
    """Answers requests of our side; `orders` are used up one a request, then all is well.

    `scene` says what could be said to a whole request, `cut` how long the request is that some bytes begin with.
    """

    scene: Callable[[bytes], Scene]
    cut: Callable[[bytes], int | None]
    rng: Random
    send: Callable[[bytes], Any] = lambda _: None

    def __post_init__(self) -> None:
        self.orders: list[str | Order] = []
        self.requests: list[bytes] = []
        self._buffer = b""

    def deliveries(self, request: bytes) -> Iterable[Delivery]:
        """What is said to one whole request, and when."""
        self.requests.append(request)
        order = self.orders.pop(0) if self.orders else "ok"
        made = ORDERS[order] if isinstance(order, str) else order
        return made(self.scene(request), self.rng)

    def heard(self, data: bytes) -> None:
        """Takes what a real wire brings; `send` gets what the machine says."""
        self._buffer += data
        while (size := self.cut(self._buffer)) is not None:
            request, self._buffer = self._buffer[:size], self._buffer[size:]
            for delay_s, answer in self.deliveries(request):
                asyncio.get_running_loop().call_later(delay_s, self.send, answer)


def cut_tcp(data: bytes) -> int | None:
    """The length of the Modbus TCP frame that `data` begins with, once it is whole."""
    size = 6 + int.from_bytes(data[4:6], "big")
    return size if len(data) >= 6 and size <= len(data) else None


def cut_rtu(data: bytes) -> int | None:
    """The same for a request over RTU."""
    if len(data) < 8:
        return None
    size = 9 + data[6] if data[1] in (15, 16) else 8
    return size if size <= len(data) else None


def cut_line(data: bytes) -> int | None:
    """The same for a line of text."""
    end = data.find(b"\r\n")
    return None if end < 0 else end + 2
