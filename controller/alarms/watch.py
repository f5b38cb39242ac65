"""What one machine's snapshots say of its alarms: bits that change, values beyond limits, states of silence by design.

Nearly every snapshot says what the one before said. `wants` sees that by comparing a few bare numbers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any, TypeVar

from controller.alarms.alarm import AlarmKey
from controller.alarms.definition import Definition, FromBit, FromValue, FromWatch
from controller.alarms.table import AlarmTable
from drivers.errors import BadQuality
from drivers.profile import Profile
from drivers.reading import Decoder, LinkChange, Quality, Snapshot

_T = TypeVar("_T")

ANY_BIT = "*"
ALARM_WORD = "alarm_bits"
VALUES_EVERY_S = 10.0  # limits of slow values: an oven zone's time constant is 3 to 8 minutes (report 3.3)
QUALITY_EVERY_S = 120.0  # a bad value that a step needs holds the run at once; this is for the others


@dataclass(frozen=True, slots=True)
class Seen:
    """A condition of an alarm as it was seen."""

    key: AlarmKey
    text: str
    active: bool


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of an alarm with a limit, counted from its setpoint if it has one."""

    key: AlarmKey
    text: str
    value: float


@dataclass(frozen=True, slots=True)
class Designed:
    """Whether a state in which alarms are silent by design is there."""

    suppression: str
    active: bool


class MachineWatch:
    """The rows of the table for one machine. A user's profile may lack bits, and have some that no row names."""

    def __init__(self, unit: str, profile: Profile, table: AlarmTable) -> None:
        self.unit = unit
        self.profile = profile
        self.setpoints: Mapping[str, float] = {}
        kind, signals = profile.kind, profile.signals
        rows = table.definitions.values()
        bits = [(row, row.source) for row in rows if isinstance(row.source, FromBit) and kind in row.source.kinds]
        self._bits = [(row, source) for row, source in bits if source.bit in profile.bit_places]
        named = {source.bit for _, source in bits}
        self._others = [(row, source) for row, source in bits if source.bit == ANY_BIT]
        self._unnamed = [bit for bit in signals[ALARM_WORD].bits if bit not in named] if ALARM_WORD in signals else []
        values = [(row, row.source) for row in rows if isinstance(row.source, FromValue) and kind in row.source.kinds]
        self._values = [(row, source) for row, source in values if source.signal in signals]
        self._links = [row for row in rows if isinstance(row.source, FromWatch) and row.source.what == "link"]
        self._quality = [row for row in rows if isinstance(row.source, FromWatch) and row.source.what == "values"]
        self._designs = [
            one
            for one in table.suppressions.values()
            if one.kind == kind and one.signal in signals and any(row.suppressed_by == one.name for row, _ in values)
        ]
        words = {source.signal for _, source in self._bits} | {ALARM_WORD} | {one.signal for one in self._designs}
        self._words = tuple(sorted(word for word in words if word in signals))
        self._excerpt = Decoder(profile).excerpt(self._words)
        self._last: Sequence[Any] | None = None
        self._is_changed = True
        self._known: dict[object, bool] = {}
        self._next_s = -inf
        self._values_s = self._quality_s = -inf

    def wants(self, snapshot: Snapshot) -> bool:
        """Whether a snapshot may say anything new. Called for each of them: it must cost next to nothing."""
        try:
            now = self._excerpt(snapshot)
        except (KeyError, TypeError):  # a block was not read, or it holds values that are decoded already
            now = None
        if now != self._last or now is None:
            self._last, self._is_changed = now, True
        return self._is_changed or snapshot.time_s >= self._next_s

    def linked(self, change: LinkChange) -> Iterator[Seen]:
        """What a change of the link says: of the rows for links the first whose reason fits is active."""
        found = False
        for row in self._links:
            source = row.source
            fits = isinstance(source, FromWatch) and re.search(source.reason, change.reason) is not None
            active = not change.up and not found and fits
            found = found or active
            yield Seen(AlarmKey(row.name, self.unit), f"{self.unit}: {change.reason}", active=active)

    def changes(self, snapshot: Snapshot) -> Iterator[Seen | Measured | Designed]:
        """What is new in a snapshot. What cannot be trusted says nothing, hides nothing, and is looked at again."""
        if self._is_changed:
            self._is_changed = False
            yield from self._designed(snapshot)
            yield from self._bits_of(snapshot)
        if self._values and snapshot.time_s >= self._values_s:
            self._values_s = snapshot.time_s + VALUES_EVERY_S
            yield from self._measured(snapshot)
        if snapshot.time_s >= self._quality_s:
            self._quality_s = snapshot.time_s + QUALITY_EVERY_S
            yield from self._trusted(snapshot)
        self._next_s = min(self._quality_s, self._values_s) if self._values else self._quality_s

    def _designed(self, snapshot: Snapshot) -> Iterator[Designed]:
        for one in self._designs:
            word = self._sees(snapshot.text, one.signal)
            if word is not None and self._known.get(one.name) is not (active := word in one.words):
                self._known[one.name] = active
                yield Designed(one.name, active)

    def _bits_of(self, snapshot: Snapshot) -> Iterator[Seen]:
        for row, source in self._bits:
            is_on = self._sees(snapshot.bit, source.bit)
            yield from self._new(row, row.message, active=is_on if is_on is None else is_on == source.on)
        for row, _ in self._others:
            for bit in self._unnamed:
                text = f"{row.message}: {bit.replace('_', ' ')}"
                yield from self._new(row, text, bit, active=self._sees(snapshot.bit, bit))

    def _sees(self, look: Callable[[str], _T], name: str) -> _T | None:
        """What is found; None where it cannot be trusted, and then the next snapshot is looked at too."""
        try:
            return look(name)
        except BadQuality:
            self._is_changed = True
            return None

    def _measured(self, snapshot: Snapshot) -> Iterator[Measured]:
        for row, source in self._values:
            reading = snapshot.reading(source.signal)
            setpoint = 0.0 if source.against is None else self.setpoints.get(source.against)
            if setpoint is None or reading.quality is not Quality.GOOD or isinstance(reading.value, str):
                continue
            now = f"{reading.value:.1f} {reading.unit}" + (f" instead of {setpoint:g}" if source.against else "")
            text = f"{self.unit}: {row.message}, {now}"
            yield Measured(AlarmKey(row.name, self.unit), text, reading.value - setpoint)

    def _trusted(self, snapshot: Snapshot) -> Iterator[Seen]:
        """Values of bad quality; where all of them are, it is the link that is bad, and has an alarm of its own."""
        bad = {name: reading.quality is Quality.BAD for name, reading in snapshot.readings().items()}
        for row in self._quality if not all(bad.values()) else ():
            for name, is_bad in bad.items():
                yield from self._new(row, f"{row.message}: {name}", name, active=is_bad)

    def _new(self, row: Definition, text: str, part: str = "", *, active: bool | None) -> Iterator[Seen]:
        """A condition that changed; the first look tells each, as an earlier process may have left it."""
        if active is not None and self._known.get((row.name, part)) is not active:
            self._known[row.name, part] = active
            yield Seen(AlarmKey.about(row.name, self.unit, part), f"{self.unit}: {text}", active=active)
