"""What came since the last write, in memory: bounded, and what finds no room is counted and told.

The loop only puts things on lists here; what they mean is worked out in the database's thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from controller.historian.batch import Batch
from controller.historian.exceptions import Exceptions
from controller.historian.model import Mark, MarkKind, Tag
from controller.historian.samples import Samples, joined


class Source(Protocol):
    """Knows the samples in things that it put into the room."""

    def decoded(self, items: Sequence[Any]) -> Iterable[tuple[str, Samples]]:
        """Tags and their samples, in the order in which they came. Called in another thread, once for an item."""
        ...


@dataclass(slots=True, eq=False)
class Taken:
    """What is written together; count is how many samples it holds, or may hold."""

    now_us: int = 0
    count: int = 0
    samples: dict[str, list[Samples]] = field(default_factory=dict)
    items: dict[Source, list[Any]] = field(default_factory=dict)
    tags: dict[str, Tag] = field(default_factory=dict)
    marks: list[Mark] = field(default_factory=list)
    batch: Batch | None = None

    def made_batch(self, exceptions: Exceptions) -> Batch:
        """The same one each time: so a batch whose transaction ended in doubt is known again."""
        if self.batch is not None:
            return self.batch
        for source, items in self.items.items():
            for tag, samples in source.decoded(items):
                self.samples.setdefault(tag, []).append(samples)
        found, left_out = dict[str, Samples](), dict[str, int]()
        for tag, parts in self.samples.items():
            kept, skipped = exceptions.sieved(tag, joined(parts))
            if len(kept):
                found[tag] = kept
            if skipped:
                left_out[tag] = skipped
        self.batch = Batch(self.now_us, found, self.tags, self.marks, left_out)
        self.samples, self.items = {}, {}
        return self.batch


class WaitingRoom:
    """limit: samples that may wait."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._open = Taken()
        self._queue: list[Taken] = []
        self._dropped: dict[str, Mark] = {}
        self.count = 0
        self.lost = 0

    def has_room(self, scope: str, count: int, from_us: int, to_us: int) -> bool:
        """Whether so many more samples may wait; where not, they are counted as lost."""
        if self.count + count <= self._limit:
            self.count += count
            self._open.count += count
            return True
        self.lost += count
        known = self._dropped.get(scope)
        lost = count + (known.lost if known else 0)
        first = min(from_us, known.from_us) if known else from_us
        last = max(to_us, known.to_us or to_us) if known else to_us
        words = f"{lost} samples found no room in memory while the store took none"
        self._dropped[scope] = Mark(MarkKind.DROPPED, scope, first, last, words, lost)
        return False

    def put(self, tag: str, samples: Samples) -> None:
        """Samples for which there is room."""
        self._open.samples.setdefault(tag, []).append(samples)

    def put_item(self, source: Source, item: Any) -> None:
        """Something for which there is room, and whose samples its source knows."""
        self._open.items.setdefault(source, []).append(item)

    def describe(self, tag: Tag) -> None:
        """What a tag is, with the next write."""
        self._open.tags[tag.name] = tag

    def mark(self, mark: Mark) -> None:
        """A mark that has ended."""
        self._open.marks.append(mark)

    def first(self, now_us: int) -> Taken:
        """What has to be written first: what was not written yet, or everything that came since."""
        if not self._queue:
            taken, self._open = self._open, Taken()
            taken.now_us = now_us
            taken.marks += self._dropped.values()
            self._dropped = {}
            self._queue.append(taken)
        return self._queue[0]

    def written(self, taken: Taken) -> None:
        """It is durable now."""
        self._queue.remove(taken)
        self.count -= taken.count
