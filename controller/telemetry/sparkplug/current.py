"""The last value of every metric: what has changed, what a birth says, what is older than what was told."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from controller.telemetry.sparkplug.catalogue import Catalogue, Key
from controller.telemetry.sparkplug.datatypes import DataType, to_wire
from controller.telemetry.sparkplug.errors import NameRefused, ValueRefused
from controller.telemetry.sparkplug.payload import QualityCode
from controller.telemetry.sparkplug.samples import Sample


class CurrentValues:
    """Values by device and name; everything in them fits the catalogue."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._latest: dict[Key, Sample] = {}
        self._late: set[Sample] = set()
        self._said_bad: set[Key] = set()

    def take(self, samples: Iterable[Sample]) -> tuple[Sample, ...]:
        """Those that say something new: another value or quality, or one from before the last that is known.

        Raises NameRefused or ValueRefused, and then has taken nothing.
        """
        listed = tuple(samples)
        for sample in listed:
            self._check(sample)
        self._late.clear()
        news = []
        for sample in listed:
            key = sample.device, sample.name
            known = self._latest.get(key)
            if known is not None and sample.time_ms < known.time_ms:
                self._late.add(sample)
            elif known is not None and (known.value, known.quality) == (sample.value, sample.quality):
                continue
            else:
                self._latest[key] = sample
            news.append(sample)
        return tuple(news)

    def earlier(self, by_ms: int) -> None:
        """What is known was known by a clock that was that much ahead."""
        self._latest = {
            key: replace(sample, time_ms=max(0, sample.time_ms - by_ms)) for key, sample in self._latest.items()
        }

    def born(self, device: str | None) -> dict[Key, Sample]:
        """What the birth of a device (None for the node) says; it tells every quality."""
        values = {key: sample for key, sample in self._latest.items() if key[0] == device}
        self._said_bad = {key for key in self._said_bad if key[0] != device}
        self._said_bad |= {key for key, sample in values.items() if sample.quality is not QualityCode.GOOD}
        self._said_bad |= {key for key in self._catalogue.definitions if key[0] == device and key not in values}
        return values

    def flags(self, samples: Sequence[Sample], *, historical: bool) -> tuple[frozenset[int], frozenset[int]]:
        """Which of them are historical, and which have to tell their quality: a good one goes without saying."""
        past, quality = set(), set()
        for place, sample in enumerate(samples):
            key = sample.device, sample.name
            if historical or sample in self._late:
                past.add(place)
                quality.add(place)
                continue
            if sample.quality is not QualityCode.GOOD or key in self._said_bad:
                quality.add(place)
            (self._said_bad.discard if sample.quality is QualityCode.GOOD else self._said_bad.add)(key)
        return frozenset(past), frozenset(quality)

    def usable(self, samples: Iterable[Sample]) -> tuple[tuple[Sample, ...], tuple[str, ...]]:
        """Kept samples that still fit, and a sentence for each metric that is gone or is another one now."""
        fit, notices = [], {}
        for sample in samples:
            try:
                self._check(sample)
            except (NameRefused, ValueRefused) as error:
                notices[sample.device, sample.name] = f"kept values are given up: {error}"
            else:
                fit.append(sample)
        return tuple(fit), tuple(notices.values())

    def _check(self, sample: Sample) -> None:
        definition = self._catalogue.definitions.get((sample.device, sample.name))
        if definition is None:
            raise NameRefused(f"{sample.device or 'the node'} has no metric {sample.name}")
        try:
            to_wire(DataType.DATETIME, sample.time_ms)
            if sample.value is not None:
                to_wire(definition.datatype, sample.value)
        except ValueRefused as error:
            raise ValueRefused(f"{sample.device or 'the node'}: {sample.name}: {error}") from error
