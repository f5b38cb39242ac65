"""What machines show goes to the historian: every polled number of every snapshot, with the quality that it has.

The loop's part of a snapshot is one look at two clocks and one place on a list; it is decoded in the historian's
thread, which gives the interpreter back after each one, so that a poll never waits for a trend.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np

from controller.historian.historian import Historian
from controller.historian.model import Mark, MarkKind, Tag
from controller.historian.samples import QUALITY_NUMBERS, Samples
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.reading import LinkChange, Snapshot

CLOCK_SET_US = 500_000
"""What the clock of the day may differ from the loop's between two snapshots (engineering judgement)."""


def tags_of(unit: str, profile: Profile) -> list[Tag]:
    """The tags of a unit: every number that is polled, texts left out."""
    names = [name for block in profile.polled for name in block.signals]
    signals = [profile.signals[name] for name in names if profile.signals[name].type != "text"]
    return [
        Tag(
            f"{unit}.{signal.name}",
            signal.unit,
            signal.meaning,
            profile.name,
            dict(profile.enum_words[signal.enum]) if signal.enum is not None else {},
            tuple(signal.bits),
        )
        for signal in signals
    ]


class UnitFeed:
    """One unit's snapshots: takes them in the loop, decodes them in the thread."""

    def __init__(self, unit: str, profile: Profile, historian: Historian) -> None:
        self.unit = unit
        self._historian = historian
        tags = tags_of(unit, profile)
        self._count = len(tags)
        self._offset_us: int | None = None
        self._seen_s = 0.0
        historian.describe(tags)

    def take(self, item: Snapshot | LinkChange) -> None:
        """Something that a machine or an instrument showed just now."""
        now_us, now_s = self._historian.utc_us(), asyncio.get_running_loop().time()
        offset_us = now_us - round(now_s * 1e6)
        if isinstance(item, LinkChange):
            self._link(item, offset_us + round(item.time_s * 1e6))
            return
        if self._offset_us is not None:
            self._look_at_clock(now_us, now_s, offset_us)
        self._offset_us, self._seen_s = offset_us, now_s
        self._historian.take(self, (item, offset_us), self.unit, self._count, now_us)

    def decoded(self, items: Sequence[tuple[Snapshot, int]]) -> Iterable[tuple[str, Samples]]:
        """What the historian's thread asks for."""
        columns: dict[str, tuple[list[int], list[float], list[int]]] = {}
        for snapshot, offset_us in items:
            for name, number, time_s, quality in snapshot.numbers():
                if (column := columns.get(name)) is None:
                    column = columns[name] = ([], [], [])
                column[0].append(offset_us + round(time_s * 1e6))
                column[1].append(number)
                column[2].append(QUALITY_NUMBERS[quality])
            time.sleep(0)  # lets the loop go first
        for name, (times, values, qualities) in columns.items():
            samples = Samples(np.array(times, np.int64), np.array(values, np.float64), np.array(qualities, np.uint8))
            yield f"{self.unit}.{name}", samples

    def _link(self, change: LinkChange, at_us: int) -> None:
        if change.up:
            self._historian.end_mark(MarkKind.LINK, self.unit, at_us)
        else:
            self._historian.begin_mark(MarkKind.LINK, self.unit, change.reason, at_us)

    def _look_at_clock(self, now_us: int, now_s: float, offset_us: int) -> None:
        """A clock that was set. Time that is made to run faster changes by less than the time that passed."""
        passed_us = round((now_s - self._seen_s) * 1e6)
        set_by_us = offset_us - (self._offset_us or 0)
        if abs(set_by_us) > CLOCK_SET_US + passed_us:
            was_us = now_us - set_by_us
            words = f"the clock of the day was set by {set_by_us / 1e6:+.1f} s"
            self._historian.mark(Mark(MarkKind.CLOCK, self.unit, min(was_us, now_us), max(was_us, now_us), words))


class _Inbox(asyncio.Queue[Any]):
    """What a machine publishes goes straight to its feed; nothing waits here."""

    def __init__(self, take: Callable[[Snapshot | LinkChange], None]) -> None:
        super().__init__()
        self._take = take

    def full(self) -> bool:
        return False

    def put_nowait(self, item: Snapshot | LinkChange) -> None:
        self._take(item)


@contextmanager
def fed(historian: Historian, machines: Mapping[str, Machine]) -> Iterator[None]:
    """What these machines show is recorded until the block is left."""
    with ExitStack() as stack:
        for unit, machine in machines.items():
            feed = UnitFeed(unit, machine.profile, historian)
            if machine.latest is not None:
                feed.take(machine.latest)
            stack.enter_context(machine.subscribe(_Inbox(feed.take)))
        yield
