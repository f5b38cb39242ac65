"""Answers that come twice, on a line whose answers do not say which request they belong to.

The second copy of an answer can pass for the next request's: RTU repeats unit, function and count, not the address.
Nothing in such an answer is wrong, and no waiting proves it right: the true one may be lost. So a read that got what
may be a copy is asked once more, after the line was quiet.
"""

from __future__ import annotations

from dataclasses import dataclass

_REMEMBERED = 256  # requests; more than the reads of all units that one line carries
_EXCUSED = 4  # times late_s; a poll that is slower asks once more where an answer looks like another's

Said = tuple[int, bytes]
"""Which unit answered, and what."""


@dataclass(slots=True)
class _Last:
    """A request's last answer."""

    said: Said
    heard_at: float
    feared: bool = True


class Doubles:
    """What each read was answered last, and whether the next answer might be a copy of it. Times are loop seconds."""

    def __init__(self) -> None:
        self._answers: dict[bytes, _Last] = {}
        self._last = self._alike = b""
        self._adrift_since: float | None = None
        self._heard_at = 0.0

    def suspects(self, request: bytes, alike: bytes, said: Said, now: float, *, late_s: float, quiet_s: float) -> bool:
        """Whether an answer may belong to another request than `request`.

        `alike` is the same for all requests whose answers have the same form. Either it is what another request was
        answered in the last `late_s`. Or the answer before was the same that its request had got within `quiet_s`,
        perhaps a copy, and this is the true one. What repeats the request's own last answer of a short time ago passes:
        at worst it is as old as that.
        """
        known = self._answers.get(request)
        repeated = known is not None and known.said == said and known.heard_at + _EXCUSED * late_s > now
        others = any(
            other.said == said and other.feared and other.heard_at + late_s > now
            for place, other in self._answers.items()
            if place != request
        )
        if alike != self._alike or self._heard_at + quiet_s <= now:
            self._adrift_since = None
        if not repeated and (others or (self._adrift_since is not None and request != self._last)):
            return True
        if self._adrift_since is None and known is not None and repeated:
            soon = known.feared and known.heard_at + quiet_s > now
            self._adrift_since = now if soon or others else None
        self._last, self._alike, self._heard_at = request, alike, now
        self._keep(request, said, now)
        return False

    def adrift_s(self, now: float) -> float:
        """How long every answer may have been that of a request before: the same was asked again and again."""
        return 0.0 if self._adrift_since is None else now - self._adrift_since

    def turns(self, request: bytes, alike: bytes | None) -> bool:
        """Whether an answer that belongs to the request before would pass for this one's."""
        return self._adrift_since is not None and alike == self._alike and request != self._last

    def in_step(self) -> None:
        """Nothing that was asked is still to be answered."""
        self._adrift_since = None

    def clear(self) -> None:
        """The line was quiet: no copy of what was said before is still to come."""
        self._adrift_since = None
        for last in self._answers.values():
            last.feared = False

    def _keep(self, request: bytes, said: Said, now: float) -> None:
        if request not in self._answers and len(self._answers) >= _REMEMBERED:
            del self._answers[next(iter(self._answers))]
        self._answers[request] = _Last(said, now)
