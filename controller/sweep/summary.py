"""What a sweep says: which share of the samples meets each claim, and which variable matters for what."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from controller.sweep.sample import DONE, Row

Array = NDArray[np.float64]
MOST_BINS = 20
FEWEST_IN_BIN = 8
"""Fewer samples in a bin say little of its mean (engineering judgement)."""
FEWEST = 2 * FEWEST_IN_BIN
_OUTCOMES = ("true.", "law.")
_REACHED = (".coating_weight_mg_cm2", ".residual_solvent_pct")
"""Outcomes of a coating; what presses reach is what they were told."""


@dataclass(frozen=True, slots=True)
class RuleShare:
    """How often one rule passed, failed, stayed open, or was not judged because the sample was not run."""

    rule: str
    passed: int
    failed: int
    undetermined: int
    not_judged: int


@dataclass(frozen=True, slots=True)
class Influence:
    """What the variables do to one outcome.

    low..high is the outcome's range over the samples. shares is the part of its variance that each variable explains
    by itself, 0..1 (a first-order effect, whatever its shape); signs is +1 where the outcome rises with the variable,
    -1 where it falls, 0 where it does neither clearly. Shares below `chance` may well be chance.
    """

    outcome: str
    low: float
    high: float
    chance: float
    shares: Mapping[str, float]
    signs: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Summary:
    """statuses counts how samples ended; passed are those that a line would have accepted."""

    samples: int
    statuses: Mapping[str, int]
    passed: int
    rules: Sequence[RuleShare]
    influences: Sequence[Influence]


def summarised(rows: Sequence[Row], variables: Sequence[str], binding: frozenset[str]) -> Summary:
    """The summary of rows; variables are the varied columns, binding the ids of claims and required rules."""
    done = [row for row in rows if row["status"] == DONE]
    names = sorted({name for row in rows for name in row if name.startswith("rule.")})
    rules = [_share(name, rows) for name in names if name.removeprefix("rule.") in binding]
    outcomes = dict.fromkeys(name for row in done for name in row if _is_outcome(name))
    influences = [found for name in outcomes if (found := _influence(name, done, variables)) is not None]
    if (accepted := _influence("passed", rows, variables)) is not None:
        influences.insert(0, accepted)
    return Summary(
        len(rows),
        dict(Counter(str(row["status"]) for row in rows)),
        sum(bool(row.get("passed")) for row in rows),
        rules,
        influences,
    )


def _is_outcome(column: str) -> bool:
    return column.startswith(_OUTCOMES) or (column.startswith("reached.") and column.endswith(_REACHED))


def explained(variable: Array, outcome: Array) -> float:
    """Share of the outcome's variance (0..1) that the variable explains by itself.

    The correlation ratio over bins of equal counts, less what chance alone would give (epsilon squared).
    """
    count = len(outcome)
    bins = _bins(count)
    total = float(np.sum((outcome - outcome.mean()) ** 2))
    if bins < 2 or total <= 0.0:
        return 0.0
    parts = np.array_split(outcome[np.argsort(variable, kind="stable")], bins)
    within = sum(float(np.sum((part - part.mean()) ** 2)) for part in parts)
    return max(0.0, 1.0 - within / total * (count - 1) / (count - bins))


def by_chance(count: int) -> float:
    """Three standard deviations of what `explained` gives of this many samples where nothing is explained.

    Sums of squares of normal values: the variance of a chi-square is twice its degrees of freedom.
    """
    bins = _bins(count)
    return 3.0 * float(np.sqrt(2.0 * (bins - 1))) / (count - bins) if bins > 1 else 1.0


def _bins(count: int) -> int:
    return min(MOST_BINS, count // FEWEST_IN_BIN)


def rank_correlation(variable: Array, outcome: Array) -> float:
    """Spearman's correlation; equal values share their mean rank."""
    first, second = _ranks(variable), _ranks(outcome)
    first, second = first - first.mean(), second - second.mean()
    size = float(np.sqrt(np.sum(first**2) * np.sum(second**2)))
    return float(np.sum(first * second)) / size if size > 0.0 else 0.0


def _share(column: str, rows: Sequence[Row]) -> RuleShare:
    counts = Counter(row.get(column) for row in rows)
    return RuleShare(column.removeprefix("rule."), counts["pass"], counts["fail"], counts["undetermined"], counts[None])


def _influence(outcome: str, rows: Sequence[Row], variables: Sequence[str]) -> Influence | None:
    known = [row for row in rows if row.get(outcome) is not None or outcome == "passed"]
    values = np.array([float(row.get(outcome) or 0.0) for row in known])
    if len(values) < FEWEST or float(np.ptp(values)) == 0.0:
        return None
    shares, signs = {}, {}
    for name in variables:
        column = np.array([float(row[name]) for row in known])
        shares[name] = explained(column, values)
        correlation = rank_correlation(column, values)
        clear = abs(correlation) > 2.0 / np.sqrt(len(values))  # beyond what chance gives in 95 of 100 cases
        signs[name] = int(np.sign(correlation)) if clear else 0
    return Influence(outcome, float(values.min()), float(values.max()), by_chance(len(values)), shares, signs)


def _ranks(values: Array) -> Array:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    ranks: Array = (last - (counts - 1) / 2.0)[inverse].astype(np.float64)
    return ranks
