"""What was sent and may not have arrived: Sparkplug data go at QoS 0, and nobody confirms them."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from controller.telemetry.sparkplug.samples import Sample

MOST_DOUBTED: Final = 100_000  # samples, some 30 MB; engineering judgement: a minute of a line at full rate


@dataclass(frozen=True, slots=True)
class _Sent:
    number: int
    time_s: float
    samples: tuple[Sample, ...]


class Doubt:
    """Samples until they are known to have reached the broker, and `host_s` longer for the host behind it."""

    def __init__(self, host_s: float) -> None:
        self._host_s = host_s
        self._sent: deque[_Sent] = deque()
        self._proved = -1
        self._count = 0
        self.forgotten = 0
        """Samples that were let go unproved, because nobody proved anything for too long."""

    def add(self, number: int, time_s: float, samples: tuple[Sample, ...]) -> None:
        """Samples that message `number` carries, published at time_s."""
        self._sent.append(_Sent(number, time_s, samples))
        self._count += len(samples)
        while self._count > MOST_DOUBTED:
            gone = self._sent.popleft()
            self._count -= len(gone.samples)
            if gone.number > self._proved:
                self.forgotten += len(gone.samples)

    def prove(self, number: int, time_s: float) -> None:
        """Every message up to `number` has reached the broker. Only now old ones are let go: nothing was said of the
        host before on a connection that worked, and on one that did not it could not be heard.
        """
        self._proved = max(self._proved, number)
        while self._sent and self._sent[0].number <= self._proved and self._sent[0].time_s + self._host_s <= time_s:
            self._count -= len(self._sent.popleft().samples)

    def broker_lost(self) -> tuple[Sample, ...]:
        """What may not have reached the broker, oldest first. What did stays in doubt for the host's sake."""
        taken = self._samples(after=self._proved)
        self._keep(sent for sent in self._sent if sent.number <= self._proved)
        return taken

    def host_lost(self) -> tuple[Sample, ...]:
        """What the host may not have seen, whether it reached the broker or not; nothing is in doubt any more."""
        taken = self._samples(after=-1)
        self._keep(())
        return taken

    def _samples(self, after: int) -> tuple[Sample, ...]:
        return tuple(sample for sent in self._sent if sent.number > after for sample in sent.samples)

    def _keep(self, sent: Iterable[_Sent]) -> None:
        self._sent = deque(sent)
        self._count = sum(len(one.samples) for one in self._sent)
