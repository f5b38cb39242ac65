"""What other processes wrote before: a sequence of records that is asked for what is needed instead of being held.

A small store is held in memory; a large one is asked each time, and what `latest_of` gives is kept, because the past
does not change.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from itertools import chain, pairwise
from typing import Any, overload

from controller.events import Event
from controller.journal.records import AT_ONCE, Records, Row


class Past(Sequence[Event]):
    """Records, oldest first, with questions to them. Going through all of them is slow where the store is large.

    Everything raises StoreUnusable where the store cannot be read any more.
    """

    @abstractmethod
    def of_run(self, run: str) -> Sequence[Event]:
        """The records of one run."""

    @abstractmethod
    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Sequence[Event]:
        """The records of these kinds behind number `after`."""

    def newest_of(self, kind: str, before: int, limit: int) -> Sequence[Event]:
        """The newest records of a kind before number `before`, the newest first; at most `limit`."""
        return [event for event in reversed(self.of_kinds((kind,))) if event.sequence < before][:limit]

    def of_run_and_kinds(self, run: str, kinds: Sequence[str]) -> Sequence[Event]:
        """The records of one run that are of these kinds."""
        return [event for event in self.of_run(run) if event.kind in kinds]

    def naming(self, kind: str, value: str, *field: str) -> Sequence[Event]:
        """The records of a kind with this text in a (nested) field of their data."""
        return [event for event in self.of_kinds((kind,)) if _found(event, field) == value]

    @abstractmethod
    def runs_told(self, kinds: Sequence[str]) -> Sequence[tuple[str, str]]:
        """Run and kind of each record of these kinds."""

    @abstractmethod
    def latest_of(self, kinds: Sequence[str], fields: Sequence[str]) -> Sequence[Event]:
        """Of each kind and each value of these fields of its data, the newest record."""

    @abstractmethod
    def highest(self, kinds: Sequence[str], *field: str) -> int | None:
        """The highest whole number in a (nested) field of the data of these kinds; None without one."""

    @abstractmethod
    def latest_utc(self, since: int = 1) -> str:
        """The latest time of any record from number `since` on, "" without one."""

    @abstractmethod
    def set_back(self, first: int) -> Sequence[Event]:
        """The records from number `first` on at which the clock was set back, each behind its predecessor."""


class HeldPast(Past):
    """A past in memory."""

    def __init__(self, events: Sequence[Event] = ()) -> None:
        self._events = events

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        return self._events[index]

    def __len__(self) -> int:
        return len(self._events)

    def __iter__(self) -> Iterator[Event]:
        return iter(self._events)

    def of_run(self, run: str) -> Sequence[Event]:
        return [event for event in self._events if event.run == run]

    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Sequence[Event]:
        return [event for event in self._events if event.kind in kinds and event.sequence > after]

    def runs_told(self, kinds: Sequence[str]) -> Sequence[tuple[str, str]]:
        return [(event.run, event.kind) for event in self._events if event.kind in kinds]

    def latest_of(self, kinds: Sequence[str], fields: Sequence[str]) -> Sequence[Event]:
        told = {(e.kind, *(e.data.get(field) for field in fields)): e for e in self.of_kinds(kinds)}
        return sorted(told.values(), key=lambda event: event.sequence)

    def highest(self, kinds: Sequence[str], *field: str) -> int | None:
        found = [value for event in self.of_kinds(kinds) if (value := _inside(event, field)) is not None]
        return max(found, default=None)

    def latest_utc(self, since: int = 1) -> str:
        return max((event.utc for event in self._events if event.sequence >= since), default="")

    def set_back(self, first: int) -> Sequence[Event]:
        own = [event for event in self._events if event.sequence >= first]
        return [event for one, two in pairwise(own) if two.utc < one.utc for event in (one, two)]


def _inside(event: Event, field: Sequence[str]) -> int | None:
    value = _found(event, field)
    return None if value is None else int(str(value))


def _found(event: Event, field: Sequence[str]) -> Any:
    value: Any = event.data
    for name in field:
        if not isinstance(value, Mapping) or name not in value:
            return None
        value = value[name]
    return value


class AskedPast(Past):
    """A past in a store: the records up to number `last`; `reading` opens the store for one question."""

    def __init__(
        self,
        last: int,
        reading: Callable[[], AbstractContextManager[Records]],
        events_of: Callable[[Sequence[Row]], list[Event]],
    ) -> None:
        self._last, self._reading, self._events_of = last, reading, events_of
        self._latest: dict[tuple[tuple[str, ...], tuple[str, ...]], Sequence[Event]] = {}

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(self._last))]
        place = range(self._last)[index]  # numbers count from 1 without a gap
        with self._reading() as records:
            return self._events_of(records.between(place + 1, place + 1))[0]

    def __len__(self) -> int:
        return self._last

    def __reversed__(self) -> Iterator[Event]:
        for until in range(self._last, 0, -AT_ONCE):
            with self._reading() as records:
                rows = records.between(max(1, until - AT_ONCE + 1), until)
            yield from reversed(self._events_of(rows))

    def __iter__(self) -> Iterator[Event]:
        with self._reading() as records:
            for row in records.each(1, self._last):
                yield self._events_of([row])[0]

    def of_run(self, run: str) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.of_run(run, self._last))

    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.of_kinds(tuple(kinds), self._last, after))

    def newest_of(self, kind: str, before: int, limit: int) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.newest_of(kind, min(before, self._last + 1), limit))[::-1]

    def of_run_and_kinds(self, run: str, kinds: Sequence[str]) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.of_run_and_kinds(run, tuple(kinds), self._last))

    def naming(self, kind: str, value: str, *field: str) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.naming(kind, value, field, self._last))

    def runs_told(self, kinds: Sequence[str]) -> Sequence[tuple[str, str]]:
        with self._reading() as records:
            return records.runs_told(tuple(kinds), self._last)

    def latest_of(self, kinds: Sequence[str], fields: Sequence[str]) -> Sequence[Event]:
        wanted = (tuple(sorted(kinds)), tuple(fields))
        if wanted not in self._latest:
            with self._reading() as records:
                self._latest[wanted] = self._events_of(records.latest_of(*wanted, self._last))
        return self._latest[wanted]

    def highest(self, kinds: Sequence[str], *field: str) -> int | None:
        with self._reading() as records:
            return records.highest(tuple(kinds), field, self._last)

    def latest_utc(self, since: int = 1) -> str:
        with self._reading() as records:
            return records.latest_utc(self._last, since)

    def set_back(self, first: int) -> Sequence[Event]:
        with self._reading() as records:
            return self._events_of(records.set_back(first, self._last))


class JoinedPast(Past):
    """A past and what came behind it."""

    def __init__(self, before: Past, after: Past) -> None:
        self._before, self._after = before, after

    @overload
    def __getitem__(self, index: int) -> Event: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Event]: ...

    def __getitem__(self, index: int | slice) -> Event | Sequence[Event]:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        place, first = range(len(self))[index], len(self._before)
        return self._before[place] if place < first else self._after[place - first]

    def __len__(self) -> int:
        return len(self._before) + len(self._after)

    def __iter__(self) -> Iterator[Event]:
        return chain(self._before, self._after)

    def __reversed__(self) -> Iterator[Event]:
        return chain(reversed(self._after), reversed(self._before))

    def of_run(self, run: str) -> Sequence[Event]:
        return [*self._before.of_run(run), *self._after.of_run(run)]

    def of_kinds(self, kinds: Sequence[str], after: int = 0) -> Sequence[Event]:
        return [*self._before.of_kinds(kinds, after), *self._after.of_kinds(kinds, after)]

    def newest_of(self, kind: str, before: int, limit: int) -> Sequence[Event]:
        late = self._after.newest_of(kind, before, limit)
        return [*late, *self._before.newest_of(kind, before, limit - len(late))] if len(late) < limit else late

    def of_run_and_kinds(self, run: str, kinds: Sequence[str]) -> Sequence[Event]:
        return [*self._before.of_run_and_kinds(run, kinds), *self._after.of_run_and_kinds(run, kinds)]

    def naming(self, kind: str, value: str, *field: str) -> Sequence[Event]:
        return [*self._before.naming(kind, value, *field), *self._after.naming(kind, value, *field)]

    def runs_told(self, kinds: Sequence[str]) -> Sequence[tuple[str, str]]:
        return [*self._before.runs_told(kinds), *self._after.runs_told(kinds)]

    def latest_of(self, kinds: Sequence[str], fields: Sequence[str]) -> Sequence[Event]:
        both = [*self._before.latest_of(kinds, fields), *self._after.latest_of(kinds, fields)]
        return HeldPast(both).latest_of(kinds, fields)

    def highest(self, kinds: Sequence[str], *field: str) -> int | None:
        both = (self._before.highest(kinds, *field), self._after.highest(kinds, *field))
        return max((value for value in both if value is not None), default=None)

    def latest_utc(self, since: int = 1) -> str:
        return max(self._before.latest_utc(since), self._after.latest_utc(since))

    def set_back(self, first: int) -> Sequence[Event]:
        border = [self._before[-1], self._after[0]] if self._before and self._after else []
        across = HeldPast(border).set_back(first)
        return [*self._before.set_back(first), *across, *self._after.set_back(first)]


def as_past(events: Sequence[Event]) -> Past:
    """A past of records, or the past that it is already."""
    return events if isinstance(events, Past) else HeldPast(events)
