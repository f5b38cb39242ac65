"""What the historian speaks of: tags, trends with their buckets, marks, and what may be set."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from drivers.reading import Quality

HOUR_US = 3_600_000_000


@dataclass(frozen=True, slots=True)
class Tag:
    """What one series is: `name` is UNIT.SIGNAL, `unit` the unit of its values ("" for pure numbers).

    `words` are what the whole numbers of an enumeration mean; `bits` name the bits of a bit field from the lowest on.
    """

    name: str
    unit: str = ""
    meaning: str = ""
    profile: str = ""
    words: Mapping[int, str] = field(default_factory=dict)
    bits: tuple[str, ...] = ()


class MarkKind(StrEnum):
    """Why a stretch of time is not what it seems."""

    STOPPED = "recording stood"
    """The recorder was not running: it was ended, or died; up to a second before its death is missing too."""
    LINK = "no link"
    """A machine could not be read."""
    DROPPED = "samples dropped"
    """They could not be stored in time and memory was full; `lost` says how many."""
    CLOCK = "clock set"
    """The clock of the day was set: times before and after do not follow each other."""
    EXPIRED = "expired"
    """Older trends were deleted by the rule of retention."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A stretch of time about which something has to be known. scope: "*" for all tags, a unit, or a tag.

    Times are UTC microseconds. to_us None: it goes on.
    """

    kind: MarkKind
    scope: str
    from_us: int
    to_us: int | None
    words: str
    lost: int = 0

    def concerns(self, tag: str) -> bool:
        """Whether it speaks of this tag."""
        return self.scope in {"*", tag, tag.partition(".")[0]}


class Bucket(NamedTuple):
    """What is left of the samples of one stretch of a trend; times are UTC microseconds of real samples.

    Extremes are over all finite values, whatever their quality, each with the time of the sample that it was; the mean
    is over those that are not bad. None where there was none. `quality` is the worst, `bad` how many had that.
    """

    from_us: int
    to_us: int
    count: int  # type: ignore[assignment]  # hides a method of tuples that nobody asks a bucket for
    first: float | None
    last: float | None
    min: float | None
    min_us: int | None
    max: float | None
    max_us: int | None
    mean: float | None
    quality: Quality
    bad: int


@dataclass(frozen=True, slots=True)
class Trend:
    """One tag from from_us up to, and without, to_us, in at most as many buckets as were asked for, and its marks.

    `left_out` is how many samples exception reporting has left out of this tag since it was first recorded.
    """

    tag: Tag
    from_us: int
    to_us: int
    buckets: tuple[Bucket, ...]
    marks: tuple[Mark, ...]
    left_out: int = 0

    @property
    def count(self) -> int:
        """Samples in it."""
        return sum(bucket.count for bucket in self.buckets)


@dataclass(frozen=True, slots=True)
class StoredTag:
    """A tag and what is stored of it. Times are UTC microseconds; None where there is nothing."""

    tag: Tag
    first_us: int | None
    last_us: int | None
    count: int
    stored_bytes: int
    left_out: int


@dataclass(frozen=True, slots=True)
class ExceptionReport:
    """A value that stays within `band` of the last one stored is left out, but not for longer than `at_most_s`.

    Only for tags for which the plant says so, and never for what safety is judged by: a trend of those has every
    sample. band is in the unit of the tag, at_most_s in seconds of UTC.
    """

    band: float
    at_most_s: float = 60.0


@dataclass(frozen=True, slots=True)
class HistorianOptions:
    """What may be set. Defaults are engineering judgement; ages and sizes None keep everything.

    flush_s: loop seconds between two writes: at most so much, and the write that is under way, is missing after a
    crash. waiting_samples: samples that may wait in memory for a disk that stands still. keep_s, keep_bytes: how old
    (by UTC) and how large the stored trends of the line may become before the oldest are deleted. copied: the number of
    the newest block that is copied elsewhere, None where nothing is copied; what is not copied yet goes by size only.
    """

    flush_s: float = 0.5
    waiting_samples: int = 2_000_000
    keep_s: float | None = None
    keep_bytes: int | None = None
    exceptions: Mapping[str, ExceptionReport] = field(default_factory=dict)
    copied: Callable[[], int | None] = lambda: None
