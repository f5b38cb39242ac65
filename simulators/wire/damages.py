"""What each fault of a wire makes of one exchange: what the machine hears, and what comes back when."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from simulators.faults.panel import Entry
from simulators.wire.frames import Frames

Delivery = tuple[float, bytes | None]
"""Seconds from now, and bytes; None for the connection's end."""
_AFTER_TIMEOUT = 1.2


@dataclass(frozen=True, slots=True)
class Scene:
    """One exchange: the request, what the machine answers to any frame, the answer before this one.

    timeout_s is what the driver allows, busy_s how long a slow line is still busy with earlier answers.
    """

    frames: Frames
    request: bytes
    perform: Callable[[bytes], bytes | None]
    previous: bytes
    timeout_s: float
    busy_s: float

    @property
    def answer(self) -> bytes:
        """What the machine answers to the request as it came; b"" for nothing."""
        return self.perform(self.request) or b""


Damage = Callable[[Scene, Entry], Sequence[Delivery]]


def _now(data: bytes) -> Sequence[Delivery]:
    return ((0.0, data),) if data else ()


def _changed(change: Callable[[Frames, bytes, Entry], bytes]) -> Damage:
    def damage(scene: Scene, entry: Entry) -> Sequence[Delivery]:
        answer = scene.answer
        return _now(change(scene.frames, answer, entry)) if answer else ()

    return damage


def _stray(_: Frames, answer: bytes, entry: Entry) -> bytes:
    for _i in range(int(entry.number_of("count"))):
        place = entry.rng.randrange(len(answer) + 1)
        answer = answer[:place] + entry.rng.randbytes(1) + answer[place:]
    return answer


def _lost(_: Frames, answer: bytes, entry: Entry) -> bytes:
    for _i in range(min(int(entry.number_of("count")), len(answer))):
        place = entry.rng.randrange(len(answer))
        answer = answer[:place] + answer[place + 1 :]
    return answer


def _doubled(_: Frames, answer: bytes, entry: Entry) -> bytes:
    place = entry.rng.randrange(len(answer))
    return answer[: place + 1] + answer[place:]


def _split(scene: Scene, entry: Entry) -> Sequence[Delivery]:
    made: list[Delivery] = []
    answer, at = scene.answer, 0
    while at < len(answer):
        size = entry.rng.randint(1, 7)
        made.append((entry.number_of("pause_s") * len(made), answer[at : at + size]))
        at += size
    return made


def _glued(scene: Scene, entry: Entry) -> Sequence[Delivery]:  # noqa: ARG001  nothing is drawn
    answer = scene.answer
    return _now((scene.previous or answer) + answer if answer else b"")


def _delay_s(scene: Scene, entry: Entry) -> float:
    return entry.number_of("delay_s") or _AFTER_TIMEOUT * scene.timeout_s


def _late(scene: Scene, entry: Entry) -> Sequence[Delivery]:
    return ((_delay_s(scene, entry), scene.answer),)


def _slow(scene: Scene, entry: Entry) -> Sequence[Delivery]:
    return ((scene.busy_s + _delay_s(scene, entry), scene.answer),)


def _echo(scene: Scene, entry: Entry) -> Sequence[Delivery]:  # noqa: ARG001  nothing is drawn
    return _now(scene.request + scene.answer)


def _noise(scene: Scene, entry: Entry) -> Sequence[Delivery]:
    return _now(entry.rng.randbytes(int(entry.number_of("count"))) + scene.answer)


def _silence(scene: Scene, entry: Entry) -> Sequence[Delivery]:  # noqa: ARG001  the machine hears nothing
    return ()


def _reset(scene: Scene, entry: Entry) -> Sequence[Delivery]:
    answer = scene.answer
    return ((0.0, answer[: entry.rng.randint(0, len(answer))]), (0.0, None))


def _answer_lost(scene: Scene, entry: Entry) -> Sequence[Delivery]:  # noqa: ARG001  the machine has obeyed
    scene.perform(scene.request)
    return ()


def _partly(scene: Scene, entry: Entry) -> Sequence[Delivery]:  # noqa: ARG001  nothing is drawn
    """As many of the values as the machine takes, but not all."""
    for less in scene.frames.fewer(scene.request):
        answer = scene.perform(less)
        if answer and not scene.frames.refused(answer):
            return _now(scene.frames.for_all(scene.request, answer))
    return _now(scene.answer)


DAMAGES: Mapping[str, Damage] = {
    "wire.stray_byte": _changed(_stray),
    "wire.lost_byte": _changed(_lost),
    "wire.doubled_byte": _changed(_doubled),
    "wire.corrupt": _changed(lambda frames, answer, entry: frames.corrupt(answer, entry.rng)),
    "wire.split": _split,
    "wire.glued": _glued,
    "wire.late": _late,
    "wire.other_unit": _changed(lambda frames, answer, _: frames.other_unit(answer)),
    "wire.other_function": _changed(lambda frames, answer, _: frames.other_function(answer)),
    "wire.other_length": _changed(lambda frames, answer, _: frames.other_length(answer)),
    "wire.echo": _echo,
    "wire.noise": _noise,
    "wire.dead_unit": _silence,
    "wire.half_open": _silence,
    "wire.no_transaction": _changed(lambda frames, answer, _: frames.no_transaction(answer)),
    "wire.reset": _reset,
    "wire.slow": _slow,
    "wire.write_answer_lost": _answer_lost,
    "wire.write_refused_but_done": _changed(lambda frames, answer, _: frames.refusal(answer)),
    "wire.write_partly_done": _partly,
    "wire.write_echo_differs": _changed(lambda frames, answer, _: frames.echo_differs(answer)),
}
