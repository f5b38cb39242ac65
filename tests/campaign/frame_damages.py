"""What can happen to an answer between a machine and us: its bytes, and when they come. All of it is seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from random import Random

Delivery = tuple[float, bytes]
"""Seconds after the request, and what comes then."""

LOST = b"\0lost"
"""Stands in a plan for the connection's end; no answer is this object."""

AFTER_QUIET = 0.9
"""Share of the profile's quiet time that a pause may have: what comes after a longer silence is beyond its promise."""


_RESTLESS = 10.0
"""Quiet times that one answer may be drawn out for; a line that is restless for 20 is given up (see _chatter)."""


@dataclass(frozen=True, slots=True)
class Scene:
    """One request of our side, and what a machine could say to it.

    sound is the right answer; changed makes a well-formed one with a wrong field and mended checks, other a sound
    answer to something else, refusal an exception of some kind.
    """

    request: bytes
    sound: bytes
    changed: Callable[[Random], bytes]
    other: Callable[[Random], bytes]
    refusal: Callable[[Random], bytes]
    timeout_s: float
    quiet_s: float
    can_be_lost: bool


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes, and the damage's name. whole: everything comes in time, and nothing else.

    paused: silence longer than the quiet time lies between the parts, so that the next exchange may meet the rest.
    """

    name: str
    deliveries: tuple[Delivery, ...]
    whole: bool = False
    paused: bool = False

    @property
    def last_s(self) -> float:
        return max((delay for delay, _ in self.deliveries), default=0.0)


# ---------------------------------------------------------------- the bytes


def _flip(rng: Random, scene: Scene) -> bytes:
    data = bytearray(scene.sound)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 5, 8, 16))):
        data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    return bytes(data)


def _burst(rng: Random, scene: Scene) -> bytes:
    start = rng.randrange(len(scene.sound))
    length = rng.randint(1, 8)
    return (scene.sound[:start] + rng.randbytes(length) + scene.sound[start + length :])[: len(scene.sound)]


def _cut(rng: Random, scene: Scene) -> bytes:
    data = scene.sound
    start = rng.randrange(len(data))
    length = rng.randint(1, max(1, len(data) // 2))
    return rng.choice((data[:start], data[start + 1 :], data[:start] + data[start + length :]))


def _insert(rng: Random, scene: Scene) -> bytes:
    place = rng.randint(0, len(scene.sound))
    return scene.sound[:place] + rng.randbytes(rng.choice((1, 1, 2, 3, 7))) + scene.sound[place:]


def _stutter(rng: Random, scene: Scene) -> bytes:
    place = rng.randrange(len(scene.sound))
    end = min(len(scene.sound), place + rng.choice((1, 1, 1, 2, 4)))
    return scene.sound[:end] + scene.sound[place:]


def _swap(rng: Random, scene: Scene) -> bytes:
    data = bytearray(scene.sound)
    one, other = rng.randrange(len(data)), rng.randrange(len(data))
    data[one], data[other] = data[other], data[one]
    return bytes(data)


def _glue(rng: Random, scene: Scene) -> bytes:
    stranger = rng.choice((scene.other, scene.changed, scene.refusal))(rng)
    noise = rng.randbytes(rng.randint(1, 5))
    pairs = (
        (scene.sound, scene.sound),
        (scene.sound, stranger),
        (stranger, scene.sound),
        (noise, scene.sound),
        (scene.sound, noise),
        (scene.sound[: rng.randrange(len(scene.sound))], scene.sound),
    )
    return b"".join(rng.choice(pairs))


def _random(rng: Random, scene: Scene) -> bytes:
    return rng.randbytes(rng.choice((1, 2, 5, 8, 9, 30, 260, 300)))


def _echo(rng: Random, scene: Scene) -> bytes:
    return scene.request + rng.choice((b"", scene.sound))


Bytes = Callable[[Random, Scene], bytes]
_BYTES: Sequence[tuple[str, int, Bytes]] = (
    ("sound", 6, lambda _, scene: scene.sound),
    ("flipped", 16, _flip),
    ("burst", 8, _burst),
    ("cut", 10, _cut),
    ("inserted", 8, _insert),
    ("stuttered", 4, _stutter),
    ("swapped", 6, _swap),
    ("glued", 10, _glue),
    ("changed", 14, lambda rng, scene: scene.changed(rng)),
    ("other", 10, lambda rng, scene: scene.other(rng)),
    ("refused", 5, lambda rng, scene: scene.refusal(rng)),
    ("random", 6, _random),
    ("echoed", 3, _echo),
)

# ---------------------------------------------------------------- when they come


def _pieces(rng: Random, data: bytes) -> list[bytes]:
    if len(data) < 2:
        return [data]
    if rng.random() < 0.2:
        return [data[place : place + 1] for place in range(len(data))]
    cuts = sorted(rng.sample(range(1, len(data)), min(len(data) - 1, rng.randint(1, 5))))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


def _at_once(rng: Random, scene: Scene, data: bytes) -> Plan:
    return Plan("", ((rng.uniform(0.0, 0.5 * scene.timeout_s), data),), whole=True)


def _same_instant(rng: Random, scene: Scene, data: bytes) -> Plan:
    delay = rng.uniform(0.0, 0.5 * scene.timeout_s)
    return Plan("split", tuple((delay, piece) for piece in _pieces(rng, data)), whole=True)


def _in_pieces(rng: Random, scene: Scene, data: bytes) -> Plan:
    pieces = _pieces(rng, data)
    pause = min(0.8 * scene.timeout_s / len(pieces), AFTER_QUIET * scene.quiet_s) * rng.random()
    return Plan("pieces", tuple((0.001 + pause * place, piece) for place, piece in enumerate(pieces)), whole=True)


def _late(rng: Random, scene: Scene, data: bytes) -> Plan:
    delay = scene.timeout_s + rng.uniform(0.01, AFTER_QUIET) * scene.quiet_s
    return Plan("late", ((delay, data),))


def _astride(rng: Random, scene: Scene, data: bytes) -> Plan:
    """One part in time, the rest too late."""
    pieces = _pieces(rng, data)
    first = scene.timeout_s * rng.uniform(0.9, 0.999)
    pause = min(AFTER_QUIET, _RESTLESS / len(pieces)) * scene.quiet_s * rng.random()
    return Plan("astride", tuple((first + pause * place, piece) for place, piece in enumerate(pieces)))


def _after_noise(rng: Random, scene: Scene, data: bytes) -> Plan:
    """A driver that switches on the line leaves a wrong byte or two; the answer comes in its own time."""
    noise = bytes(rng.choice((0x00, 0xFF, 0x7F, rng.randrange(256))) for _ in range(rng.randint(1, 3)))
    delay = rng.uniform(0.02, 0.98) * scene.timeout_s
    return Plan("after noise", ((0.01 * scene.timeout_s, noise), (delay, data)), paused=True)


def _chatter(rng: Random, scene: Scene, data: bytes) -> Plan:
    pause = 0.4 * scene.quiet_s
    noise = [(pause * place, rng.randbytes(rng.randint(1, 4))) for place in range(1, rng.choice((5, 20, 80)))]
    return Plan("chatter", ((0.5 * pause, data), *noise), paused=True)


def _silence(rng: Random, scene: Scene, data: bytes) -> Plan:
    return Plan("silence", ())


def _lost(rng: Random, scene: Scene, data: bytes) -> Plan:
    if not scene.can_be_lost:
        return _silence(rng, scene, data)
    return Plan("lost", ((0.01, data[: rng.randrange(len(data) + 1)]), (0.01, LOST)), paused=True)


_TIMES: Sequence[tuple[int, Callable[[Random, Scene, bytes], Plan]]] = (
    (520, _at_once),
    (100, _same_instant),
    (160, _in_pieces),
    (80, _late),
    (50, _astride),
    (50, _after_noise),
    (4, _chatter),
    (16, _silence),
    (20, _lost),
)
_BYTES_WEIGHTS = [weight for _, weight, _ in _BYTES]
_TIMES_WEIGHTS = [weight for weight, _ in _TIMES]
_TWICE = 0.1
"""Share of answers that are damaged twice."""


def plan(rng: Random, scene: Scene) -> Plan:
    """What comes in answer to one request."""
    ((name, _, content),) = rng.choices(_BYTES, _BYTES_WEIGHTS)
    data = content(rng, scene)
    while not data:
        data = content(rng, scene)
    if rng.random() < _TWICE and len(data) > 1:  # a second damage on top of the first
        ((second, _, content),) = rng.choices(_BYTES[1:8], _BYTES_WEIGHTS[1:8])
        damaged = content(rng, replace(scene, sound=data))
        name, data = f"{name}, {second}", damaged or data
    ((_, timed),) = rng.choices(_TIMES, _TIMES_WEIGHTS)
    made = timed(rng, scene, data)
    return Plan(f"{name} {made.name}".strip(), made.deliveries, made.whole and data == scene.sound, made.paused)
