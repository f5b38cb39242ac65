"""What waits in memory until it is a block: the newest samples of every tag, in the order in which they came."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from controller.historian.blocks import BLOCK
from controller.historian.samples import NOTHING, Samples, joined

_FIRST_ROOM = 64  # samples; doubled until a block fits


class Buffer:
    """Of one tag. What was handed out stays as it was: places that are filled are never written again."""

    def __init__(self) -> None:
        self._columns = NOTHING
        self._count = 0

    @property
    def samples(self) -> Samples:
        """What waits."""
        return self._columns[: self._count]

    def add(self, new: Samples) -> None:
        """Behind what is there."""
        after = self._count + len(new)
        if after > len(self._columns):
            self._columns = _with_room(self.samples, max(_FIRST_ROOM, min(2 * after, max(after, BLOCK))))
        here, columns = slice(self._count, after), self._columns
        columns.times_us[here], columns.values[here], columns.qualities[here] = new.times_us, new.values, new.qualities
        self._count = after

    def replace(self, left: Samples) -> None:
        """Only this waits now."""
        self._columns, self._count = NOTHING, 0
        if len(left):
            self.add(left)


def _with_room(samples: Samples, room: int) -> Samples:
    wider = Samples(np.empty(room, np.int64), np.empty(room, np.float64), np.empty(room, np.uint8))
    here = slice(len(samples))
    wider.times_us[here], wider.values[here] = samples.times_us, samples.values
    wider.qualities[here] = samples.qualities
    return wider


@dataclass(slots=True)
class Waiting:
    """The buffers of a line's tags, by their number."""

    of_tag: dict[int, Buffer] = field(default_factory=dict)

    def samples(self, tag: int) -> Samples:
        """What waits of a tag."""
        known = self.of_tag.get(tag)
        return NOTHING if known is None else known.samples

    def add(self, tag: int, new: Samples) -> None:
        self.of_tag.setdefault(tag, Buffer()).add(new)

    def replace(self, tag: int, left: Samples) -> None:
        self.of_tag.setdefault(tag, Buffer()).replace(left)


def flattened(of_tag: Iterable[tuple[int, Samples]]) -> tuple[NDArray[np.int32], Samples]:
    """Samples of several tags as columns, with a column of tags."""
    known = [(tag, samples) for tag, samples in of_tag if len(samples)]
    numbers = np.array([tag for tag, _ in known], np.int32)
    return np.repeat(numbers, [len(samples) for _, samples in known]), joined(samples for _, samples in known)


def by_tag(tags: NDArray[np.int32], samples: Samples) -> Mapping[int, Samples]:
    """The reverse: of each tag the samples in the order in which they came."""
    if not len(tags):
        return {}
    order = np.argsort(tags, kind="stable")
    numbers, starts = np.unique(tags[order], return_index=True)
    parts = np.split(order, starts[1:])
    return {int(number): samples[part] for number, part in zip(numbers, parts, strict=True)}
