"""Values with unit, time and quality, as one poll of a machine gives them; decoded when they are looked at."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from typing import Any

from drivers.encoding import decoder_of
from drivers.errors import BadQuality, CorruptAnswer
from drivers.profile import Profile, Signal


class Quality(StrEnum):
    """How far a value may be trusted. Only a good one satisfies a condition."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Reading:
    """One value; time_s is the event loop's time of the answer that it came in, unit "" for pure numbers and words."""

    value: float | int | str
    unit: str
    time_s: float
    quality: Quality


@dataclass(frozen=True, slots=True)
class LinkChange:
    """The link to a unit came up or went down; `reason` is a sentence for a person."""

    unit: str
    up: bool
    reason: str
    time_s: float


class Decoder:
    """How each signal of a profile is taken out of the raw blocks; made once a machine."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self._takers: dict[str, tuple[str, Callable[[Sequence[Any]], float | int]]] = {}
        self._texts: dict[str, tuple[str, int]] = {}
        for block in profile.blocks:
            for index, name in enumerate(block.signals):
                signal = profile.signals[name]
                if signal.type == "text":
                    self._texts[name] = (block.name, index)
                else:
                    self._takers[name] = (block.name, _taker(profile, signal, block.address, index))

    def raw(self, name: str, data: Mapping[str, Sequence[Any]]) -> float | int:
        """The number of signal `name` in these raw blocks.

        Raises KeyError if its block was not read or it is a text, ValueError if it is no number.
        """
        block, take = self._takers[name]
        return take(data[block])

    def words(self, name: str, data: Mapping[str, Sequence[Any]]) -> str:
        """The text of signal `name`; raises KeyError if its block was not read or it is a number."""
        block, index = self._texts[name]
        return str(data[block][index])

    def block(self, name: str) -> str:
        """The block that signal `name` comes in; raises KeyError if it comes in none."""
        return (self._takers.get(name) or self._texts[name])[0]

    def whole(self, name: str, data: Mapping[str, Sequence[Any]]) -> int:
        """The whole number of signal `name`; raises CorruptAnswer if the machine did not send one."""
        try:
            return int(self.raw(name, data))
        except (ValueError, OverflowError) as error:
            raise CorruptAnswer(f"{name} is no whole number") from error

    def names(self, data: Mapping[str, Sequence[Any]]) -> Iterator[str]:
        return (name for name, (block, _) in chain(self._takers.items(), self._texts.items()) if block in data)


def _taker(profile: Profile, signal: Signal, start: int, index: int) -> Callable[[Sequence[Any]], float | int]:
    if profile.protocol == "modbus":
        return decoder_of(signal, (signal.address or 0) - start)
    if signal.integer:
        return lambda texts: int(texts[index])
    scale, offset = signal.scale, signal.offset
    return lambda texts: float(texts[index]) * scale + offset


class _Plain(Decoder):
    """Takes numbers that are already decoded, by name."""

    def raw(self, name: str, data: Mapping[str, Any]) -> float | int:
        value: float | int = data[name]
        return value

    def names(self, data: Mapping[str, Any]) -> Iterator[str]:
        return iter(data)


class Snapshot:
    """All polled values of one unit; time_s is when the last of them came, each reading has its own block's time.

    A value is bad if it is not a number, lies outside the profile's range, has an unknown word, or was not read; while
    the machine's own heartbeat is late every value is at most uncertain, and bad once it stands still.
    """

    __slots__ = ("_ceiling", "_data", "_decoder", "_times", "time_s", "unit")

    def __init__(
        self,
        unit: str,
        time_s: float,
        decoder: Decoder,
        data: Mapping[str, Any],
        ceiling: Quality = Quality.GOOD,
        times: Mapping[str, float] | None = None,
    ) -> None:
        self.unit = unit
        self.time_s = time_s
        self._decoder = decoder
        self._data = data
        self._ceiling = ceiling
        self._times = times

    @classmethod
    def of(cls, unit: str, profile: Profile, time_s: float, values: Mapping[str, float]) -> Snapshot:
        """A snapshot of values that are already decoded (enumerations and bit fields as their numbers)."""
        return cls(unit, time_s, _Plain(profile), values)

    @property
    def names(self) -> tuple[str, ...]:
        """The signals that were read."""
        return tuple(self._decoder.names(self._data))

    def reading(self, name: str) -> Reading:
        """One signal with unit, time and quality; an enumeration gives its word, a text itself.

        A bad value that could not be decoded is NaN. Raises KeyError for a name that the profile does not have.
        """
        signal = self._decoder.profile.signals[name]
        if signal.type == "text":
            return self._words(name)
        number, quality = self._judged(signal)
        value: float | int | str = number
        if signal.enum is not None and quality is not Quality.BAD:
            value = self._decoder.profile.word(signal.enum, int(number)) or ""
        return Reading(value, signal.unit, self._time_of(name), quality)

    def value(self, name: str) -> float:
        """The number of a signal in its unit; raises BadQuality unless its quality is good."""
        return self._sound(self._decoder.profile.signals[name])

    def text(self, name: str) -> str:
        """The word of an enumeration as the profile writes it; raises BadQuality for an unknown number."""
        signal = self._decoder.profile.signals[name]
        if signal.enum is None:
            raise KeyError(f"{name} is no enumeration")
        return self._decoder.profile.word(signal.enum, int(self._sound(signal))) or ""

    def bit(self, name: str) -> bool:
        """One bit by its own name; raises BadQuality with its signal."""
        signal, place = self._decoder.profile.bit_places[name]
        return bool(int(self._sound(self._decoder.profile.signals[signal])) >> place & 1)

    def bits(self, signal: str) -> tuple[str, ...]:
        """The names of the bits of `signal` that are set; raises BadQuality with it."""
        definition = self._decoder.profile.signals[signal]
        number = int(self._sound(definition))
        return tuple(name for place, name in enumerate(definition.bits) if number >> place & 1)

    def _words(self, name: str) -> Reading:
        try:
            return Reading(self._decoder.words(name, self._data), "", self._time_of(name), self._ceiling)
        except (KeyError, IndexError):
            return Reading("", "", self.time_s, Quality.BAD)

    def _time_of(self, name: str) -> float:
        if self._times is None:
            return self.time_s
        return self._times.get(self._decoder.block(name), self.time_s)

    def _sound(self, signal: Signal) -> float | int:
        number, quality = self._judged(signal)
        if quality is not Quality.GOOD:
            raise BadQuality(f"{self.unit}: {signal.name} is {quality} ({number})")
        return number

    def _judged(self, signal: Signal) -> tuple[float | int, Quality]:
        try:
            number = self._decoder.raw(signal.name, self._data)
        except (KeyError, IndexError, ValueError):
            return math.nan, Quality.BAD
        if not math.isfinite(number):
            return number, Quality.BAD
        if signal.range is not None and not signal.range[0] <= number <= signal.range[1]:
            return number, Quality.BAD
        if signal.enum is not None and self._decoder.profile.word(signal.enum, int(number)) is None:
            return number, Quality.BAD
        return number, self._ceiling
