"""How good the alarm system itself is: rates, floods, chattering, stale ones, the shares of the priorities.

The limits are those that ANSI/ISA-18.2-2016 (clause 16) and EEMUA 191 state for one operator position; what they leave
open is marked as engineering judgement. Pure, on given times.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.alarms.alarm import AlarmKey, Told
from controller.alarms.definition import Priority
from controller.alarms.flood import BEGINS_ABOVE, ENDS_BELOW, WINDOW_S
from controller.alarms.record import KINDS, PREFIX
from controller.alarms.states import STANDING, AlarmState
from controller.events import Event

ACCEPTABLE_PER_10_MIN, MANAGEABLE_PER_10_MIN = 1.0, 2.0
"""Alarms in ten minutes for one operator, on average: very likely acceptable, and the most that can be managed."""
MAX_HOUR, HOUR_S = 30, 3600.0
"""Alarms in one hour: hours with more should be less than 1 % of all."""
MAX_SHARE_PCT = 1.0
"""Of the ten minutes with a flood, and of the hours with too many: not more than this share."""
TOP = 10
MAX_TOP_SHARE_PCT = 5.0
"""The ten most frequent alarms together: not more of all alarms than this."""
MAX_STALE = 5
"""Alarms that stand for longer than a day: fewer than this."""
STALE_AFTER_S = 86_400.0
CHATTER_COUNT, CHATTER_WITHIN_S = 3, 60.0
"""An alarm that is raised so often within this time chatters; none should."""
MIN_FOR_SHARES = round(100 * TOP / MAX_TOP_SHARE_PCT)
"""Of fewer alarms than this, ten are more than their share even if each of all came only once."""


@dataclass(frozen=True, slots=True)
class Raised:
    """One annunciation of an alarm, in seconds of any one clock."""

    key: AlarmKey
    priority: Priority
    at_s: float


@dataclass(frozen=True, slots=True)
class Metrics:
    """Figures for one operator position; count is of all of them. Shares in %, of the ten minutes and hours seen."""

    span_s: float
    count: int
    per_10_min: float
    peak_10_min: float
    flood_pct: float
    floods: int
    busy_hours_pct: float
    top: tuple[tuple[AlarmKey, int], ...]
    top_share_pct: float
    chattering: tuple[AlarmKey, ...]
    stale: tuple[AlarmKey, ...]
    priorities_pct: Mapping[Priority, float]

    def remarks(self) -> list[str]:
        """What is beyond its limit, a sentence each; empty if all is well."""
        found = []
        if self.per_10_min > MANAGEABLE_PER_10_MIN:
            found.append(
                f"{self.per_10_min:.1f} alarms in ten minutes; more than {MANAGEABLE_PER_10_MIN:g} cannot be managed"
            )
        elif self.per_10_min > ACCEPTABLE_PER_10_MIN:
            found.append(f"{self.per_10_min:.1f} alarms in ten minutes; up to {ACCEPTABLE_PER_10_MIN:g} is acceptable")
        if self.peak_10_min > BEGINS_ABOVE:
            found.append(f"{self.peak_10_min:g} alarms in one span of ten minutes; {BEGINS_ABOVE} is the most")
        if self.flood_pct > MAX_SHARE_PCT:
            found.append(f"flood in {self.flood_pct:.1f} % of the time; less than {MAX_SHARE_PCT:g} % is the aim")
        if self.busy_hours_pct > MAX_SHARE_PCT:
            found.append(f"more than {MAX_HOUR} alarms in {self.busy_hours_pct:.1f} % of the hours")
        if self.count >= MIN_FOR_SHARES and self.top_share_pct > MAX_TOP_SHARE_PCT:
            found.append(
                f"the ten most frequent are {self.top_share_pct:.0f} % of all; {MAX_TOP_SHARE_PCT:g} % is the most"
            )
        found += [f"{key} chatters" for key in self.chattering]
        if len(self.stale) >= MAX_STALE:
            found.append(f"{len(self.stale)} alarms stand for more than a day; fewer than {MAX_STALE} is the aim")
        return found


def measured(
    raised: Sequence[Raised], begin_s: float, end_s: float, standing: Mapping[AlarmKey, float], positions: int = 1
) -> Metrics:
    """The figures of the time from begin_s to end_s, for each of `positions` operators.

    `standing` says since when each alarm stands that still does. A time that is shorter than ten minutes counts as ten.
    """
    span_s = max(end_s - begin_s, WINDOW_S)
    by_10_min = _counts(raised, begin_s, span_s, WINDOW_S)
    flooded, floods = _floods([count / positions for count in by_10_min])
    hours = _counts(raised, begin_s, span_s, HOUR_S)
    often = Counter(one.key for one in raised).most_common(TOP)
    count = len(raised)
    shares = Counter(one.priority for one in raised)
    return Metrics(
        span_s=span_s,
        count=count,
        per_10_min=count / positions / (span_s / WINDOW_S),
        peak_10_min=_peak([one.at_s for one in raised]) / positions,
        flood_pct=100 * flooded / len(by_10_min),
        floods=floods,
        busy_hours_pct=100 * sum(number / positions > MAX_HOUR for number in hours) / len(hours),
        top=tuple(often),
        top_share_pct=100 * sum(number for _, number in often) / count if count else 0.0,
        chattering=_chattering(raised),
        stale=tuple(sorted(key for key, since_s in standing.items() if end_s - since_s > STALE_AFTER_S)),
        priorities_pct={p: 100 * shares[p] / count if count else 0.0 for p in Priority},
    )


def _counts(raised: Iterable[Raised], begin_s: float, span_s: float, width_s: float) -> list[int]:
    """How many came in each of the spans of this width, one after the other; the last may be shorter."""
    number = max(1, int(-(-span_s // width_s)))
    counts = [0] * number
    for one in raised:
        counts[min(max(0, int((one.at_s - begin_s) // width_s)), number - 1)] += 1
    return counts


def _floods(counts: Iterable[float]) -> tuple[int, int]:
    """In how many of the ten minutes there was a flood, and how many floods there were."""
    flooded = floods = 0
    is_there = False
    for count in counts:
        was = is_there
        is_there = count >= ENDS_BELOW if is_there else count > BEGINS_ABOVE
        flooded += is_there
        floods += is_there and not was
    return flooded, floods


def _peak(times_s: Iterable[float]) -> int:
    """The most that came in any ten minutes, wherever they begin."""
    times = sorted(times_s)
    first = peak = 0
    for last, at_s in enumerate(times):
        while at_s - times[first] >= WINDOW_S:
            first += 1
        peak = max(peak, last - first + 1)
    return peak


def _chattering(raised: Iterable[Raised]) -> tuple[AlarmKey, ...]:
    times: dict[AlarmKey, list[float]] = {}
    for one in raised:
        times.setdefault(one.key, []).append(one.at_s)
    found = set()
    for key, own in times.items():
        own.sort()
        spans = (later - first for first, later in zip(own, own[CHATTER_COUNT - 1 :], strict=False))
        if any(span <= CHATTER_WITHIN_S for span in spans):
            found.add(key)
    return tuple(sorted(found))


def of_journal(events: Sequence[Event], now_utc: str | None = None, positions: int = 1) -> Metrics:
    """The figures of a store: from its first record to now, or to its last record, by the time of day."""
    if not events:
        return measured((), 0.0, 0.0, {}, positions)
    raised, standing = [], dict[AlarmKey, float]()
    for event in (one for one in events if one.kind in KINDS):
        key, at_s = AlarmKey(event.data["name"], event.data["subject"]), _seconds(event.utc)
        if event.kind == PREFIX + Told.RAISED.value:
            raised.append(Raised(key, Priority(event.data["priority"]), at_s))
        if AlarmState(event.data["state"]) in STANDING:
            standing.setdefault(key, at_s)
        else:
            standing.pop(key, None)
    end = events[-1].utc if now_utc is None else now_utc
    return measured(raised, _seconds(events[0].utc), _seconds(end), standing, positions)


def _seconds(utc: str) -> float:
    return datetime.fromisoformat(utc).timestamp()
