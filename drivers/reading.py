"""Values with unit, time and quality, as one poll of a machine gives them; decoded when they are looked at."""

from __future__ import annotations

import math
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple, cast

from drivers.encoding import block_decoder, decoder_of
from drivers.errors import BadQuality, CorruptAnswer
from drivers.profile import Profile, Signal


class Quality(StrEnum):
    """How far a value may be trusted. Only a good one satisfies a condition."""

    GOOD = "good"
    UNCERTAIN = "uncertain"
    BAD = "bad"


class Reading(NamedTuple):
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


class Rule(NamedTuple):
    """Where one value stands in its block, and when it may be believed; a tuple, as every poll reads all of them.

    `words` is an enumeration's; a text has no bounds, and `low` is None.
    """

    name: str
    block: str
    place: int
    low: float | None
    high: float
    words: Mapping[int, str] | None
    unit: str


Values = Sequence[Any]
"""What the signals of a block say, in its order; None for what is no number."""


class Decoder:
    """How the signals of a profile are taken out of the raw blocks; made once a machine."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.rules = {name: _rule(profile, signal, "", 0) for name, signal in profile.signals.items()}
        self._of_block: dict[str, list[Rule]] = {}
        self._takers: dict[str, Callable[[Any], Any]] = {}
        self._unpack: dict[str, Callable[[Any], Values]] = {}
        for block in profile.blocks:
            signals = [profile.signals[name] for name in block.signals]
            rules = [_rule(profile, signal, block.name, place) for place, signal in enumerate(signals)]
            takers = [_taker(profile, signal, block.address, place) for place, signal in enumerate(signals)]
            self._of_block[block.name] = rules
            self.rules.update((rule.name, rule) for rule in rules)
            self._takers.update(zip(block.signals, takers, strict=True))
            modbus = profile.protocol == "modbus"
            self._unpack[block.name] = block_decoder(signals, block.address, block.count) if modbus else _each(takers)

    def raw(self, name: str, data: Mapping[str, Any]) -> float | int:
        """The number of signal `name` in these raw blocks.

        Raises KeyError if its block was not read or it is a text, ValueError if it is no number.
        """
        rule = self.rules[name]
        if rule.low is None:
            raise KeyError(name)
        number: float | int = self._takers[name](data[rule.block])
        return number

    def words(self, name: str, data: Mapping[str, Any]) -> str:
        """The text of signal `name`; raises KeyError if its block was not read or it is a number."""
        rule = self.rules[name]
        if rule.low is not None:
            raise KeyError(name)
        return str(self._takers[name](data[rule.block]))

    def whole(self, name: str, data: Mapping[str, Any]) -> int:
        """The whole number of signal `name`; raises CorruptAnswer if the machine did not send one."""
        try:
            return int(self.raw(name, data))
        except (ValueError, OverflowError) as error:
            raise CorruptAnswer(f"{name} is no whole number") from error

    def values(self, block: str, data: Mapping[str, Any]) -> Values:
        """All values of a block; none if it was not read, or is not as long as the profile says."""
        try:
            return self._unpack[block](data[block])
        except (KeyError, struct.error):
            return ()

    def excerpt(self, names: Iterable[str]) -> Callable[[Snapshot], Sequence[Any]]:
        """A function that gives what came for these signals, undecoded: enough to see cheaply whether it changed.

        It raises KeyError where their block was not read; signals that are not polled are left out.
        """
        places = _joined([self._place(self.rules[name]) for name in names if self._is_polled(name)])
        if len(places) == 1:
            [(block, place)] = places
            return lambda snapshot: cast("Sequence[Any]", snapshot._data[block][place])  # noqa: SLF001 - its own file
        return lambda snapshot: [snapshot._data[block][place] for block, place in places]  # noqa: SLF001 - as above

    def _is_polled(self, name: str) -> bool:
        return any(block.name == self.rules[name].block for block in self.profile.blocks)

    def _place(self, rule: Rule) -> tuple[str, slice]:
        if self.profile.protocol != "modbus":
            return rule.block, slice(rule.place, rule.place + 1)
        signal = self.profile.signals[rule.name]
        start = (signal.address or 0) - next(b.address for b in self.profile.blocks if b.name == rule.block)
        return rule.block, slice(start, start + signal.words)

    def read(self, data: Mapping[str, Any]) -> Iterable[Rule]:
        """The rules of all signals in these blocks."""
        return chain.from_iterable(self._of_block.get(block, ()) for block in data)


class _Plain(Decoder):
    """Takes values that are already decoded, each as a block of its own name."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.rules = {name: _rule(profile, signal, name, 0) for name, signal in profile.signals.items()}
        self._of_block = {name: [rule] for name, rule in self.rules.items()}
        self._takers = dict.fromkeys(self.rules, _itself)
        self._unpack = dict.fromkeys(self.rules, lambda value: (value,))


def _joined(places: Iterable[tuple[str, slice]]) -> list[tuple[str, slice]]:
    """The same places with neighbours as one."""
    found: list[tuple[str, slice]] = []
    for block, place in sorted(places, key=lambda one: (one[0], one[1].start)):
        if found and found[-1][0] == block and found[-1][1].stop == place.start:
            found[-1] = (block, slice(found[-1][1].start, place.stop))
        else:
            found.append((block, place))
    return found


_MOST = sys.float_info.max  # neither NaN nor an infinity lies within it


def _rule(profile: Profile, signal: Signal, block: str, place: int) -> Rule:
    words = profile.enum_words[signal.enum] if signal.enum is not None else None
    low, high = signal.range or (-_MOST, _MOST)
    return Rule(signal.name, block, place, None if signal.type == "text" else low, high, words, signal.unit)


def _itself(value: Any) -> Any:
    return value


def _taker(profile: Profile, signal: Signal, start: int, place: int) -> Callable[[Any], Any]:
    if profile.protocol == "modbus":
        return decoder_of(signal, (signal.address or 0) - start)
    if signal.type == "text":
        return itemgetter(place)
    if signal.integer:
        return lambda texts: int(texts[place])
    scale, offset = signal.scale, signal.offset
    return lambda texts: float(texts[place]) * scale + offset


def _each(takers: Sequence[Callable[[Any], Any]]) -> Callable[[Any], Values]:
    def unpack(texts: Any) -> Values:
        values: list[Any] = []
        for take in takers:
            try:
                values.append(take(texts))
            except (IndexError, ValueError):
                values.append(None)
        return values

    return unpack


class Snapshot:
    """All polled values of one unit; time_s is when the last of them came, each reading has its own block's time.

    A value is bad if it is not a number, lies outside the profile's range, has an unknown word, or was not read, and
    uncertain if its block is older than the profile's `stale_after_s`; while the machine's own heartbeat is late every
    value is at most uncertain, and bad once it stands still.
    """

    __slots__ = ("_ceiling", "_data", "_decoder", "_times", "_values", "time_s", "unit")

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
        self._values: dict[str, tuple[Values, Quality]] = {}

    @classmethod
    def of(cls, unit: str, profile: Profile, time_s: float, values: Mapping[str, float]) -> Snapshot:
        """A snapshot of values that are already decoded (enumerations and bit fields as their numbers)."""
        return cls(unit, time_s, _Plain(profile), values)

    @property
    def names(self) -> tuple[str, ...]:
        """The signals that were read."""
        return tuple(rule.name for rule in self._decoder.read(self._data))

    def reading(self, name: str) -> Reading:
        """One signal with unit, time and quality; an enumeration gives its word, a text itself.

        A bad value that could not be decoded is NaN. Raises KeyError for a name that the profile does not have.
        """
        return self._read((self._decoder.rules[name],))[name]

    def readings(self) -> dict[str, Reading]:
        """Everything that was read, by name."""
        return self._read(self._decoder.read(self._data))

    def numbers(self) -> Iterator[tuple[str, float | int, float, Quality]]:
        """Everything that was read and is a number: name, number, time and quality; an enumeration as its number."""
        times, time_s = self._times or {}, self.time_s
        for rule in self._decoder.read(self._data):
            if rule.low is not None:
                number, quality = self._judged(rule)
                yield rule.name, number, times.get(rule.block, time_s), quality

    def value(self, name: str) -> float:
        """The number of a signal in its unit; raises BadQuality unless its quality is good."""
        return self._sound(self._decoder.rules[name])

    def text(self, name: str) -> str:
        """The word of an enumeration as the profile writes it; raises BadQuality for an unknown number."""
        rule = self._decoder.rules[name]
        if rule.words is None:
            raise KeyError(f"{name} is no enumeration")
        return rule.words[int(self._sound(rule))]

    def bit(self, name: str) -> bool:
        """One bit by its own name; raises BadQuality with its signal."""
        signal, place = self._decoder.profile.bit_places[name]
        return bool(int(self._sound(self._decoder.rules[signal])) >> place & 1)

    def bits(self, signal: str) -> tuple[str, ...]:
        """The names of the bits of `signal` that are set; raises BadQuality with it."""
        number = int(self._sound(self._decoder.rules[signal]))
        names = self._decoder.profile.signals[signal].bits
        return tuple(name for place, name in enumerate(names) if number >> place & 1)

    def _read(self, rules: Iterable[Rule]) -> dict[str, Reading]:
        times, time_s = self._times or {}, self.time_s
        found = {}
        for rule in rules:
            name, block, _, _, _, words, unit = rule
            value, quality = self._judged(rule)
            if words is not None and quality is not Quality.BAD:
                value = words[value]
            found[name] = Reading(value, unit, times.get(block, time_s), quality)
        return found

    def _sound(self, rule: Rule) -> float | int:
        number: float | int
        _, block, place, low, high, words, _ = rule
        if (known := self._values.get(block)) and known[0] and known[1] is Quality.GOOD:
            found = known[0][place]
            if found is not None and low is not None and low <= found <= high and (words is None or found in words):
                return cast("float", found)  # what most looks find; what follows says what is wrong with it
        number, quality = self._judged(rule)
        if quality is not Quality.GOOD or rule.low is None:
            raise BadQuality(f"{self.unit}: {rule.name} is {quality} ({number})")
        return number

    def _judged(self, rule: Rule) -> tuple[Any, Quality]:
        """The number or text, and how far it may be trusted."""
        _, block, place, low, high, words, _ = rule
        known = self._values.get(block)
        if known is None:
            known = self._values[block] = self._decoder.values(block, self._data), self._ceiling_of(block)
        values, ceiling = known
        value = values[place] if values else None
        if value is None:
            return "" if low is None else math.nan, Quality.BAD
        if low is not None and (not low <= value <= high or (words is not None and value not in words)):
            return value, Quality.BAD
        return value, ceiling

    def _ceiling_of(self, block: str) -> Quality:
        """At most uncertain for what was read long before the rest."""
        stale_s = self._decoder.profile.timing.stale_after_s or math.inf  # an instrument's profile may name none
        late = self._times is not None and self.time_s - self._times.get(block, self.time_s) > stale_s
        return Quality.UNCERTAIN if late and self._ceiling is Quality.GOOD else self._ceiling
