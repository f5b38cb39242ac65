"""What tests of trends share: a store of each kind, samples by the second, and strategies for any."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import strategies as st

from controller.database import Database, open_database
from controller.historian.batch import Batch
from controller.historian.reading import TrendReader
from controller.historian.samples import Samples
from controller.historian.tables import TABLES
from controller.historian.writing import TrendWriter

START_US = 1_790_000_000_000_000
"""2026-09-21, an arbitrary day."""
SECOND_US = 1_000_000
DAY_US = 86_400 * SECOND_US


def bits(samples: Samples) -> list[tuple[int, int, int]]:
    """Samples that can be compared, NaN and the sign of zero included."""
    columns = samples.times_us.tolist(), samples.values.view(np.int64).tolist(), samples.qualities.tolist()
    return list(zip(*columns, strict=True))


def ramp(count: int, *, from_us: int = START_US, every_us: int = SECOND_US, first: float = 0.0) -> Samples:
    """first, first + 1, ... all of them good."""
    numbers = np.arange(count)
    return Samples(from_us + numbers * every_us, first + numbers.astype(np.float64), np.zeros(count, np.uint8))


values = st.one_of(
    st.floats(),
    st.floats(width=32),
    st.integers(-30000, 30000).map(lambda raw: raw * 0.01),
    st.integers(-3, 3).map(float),
)
times = st.one_of(
    st.integers(0, 20).map(lambda tick: START_US + tick * 50_000),
    st.integers(START_US - 3 * DAY_US, START_US + 3 * DAY_US),
)


@st.composite
def samples(draw: st.DrawFn, most: int = 60) -> Samples:
    """Any at all: late, at the same time, not a number."""
    rows: Sequence[tuple[int, float, int]] = draw(
        st.lists(st.tuples(times, values, st.integers(0, 2)), min_size=1, max_size=most)
    )
    at, numbers, kinds = zip(*rows, strict=True)
    return Samples(np.array(at, np.int64), np.array(numbers, np.float64), np.array(kinds, np.uint8))


_NUMBERS = itertools.count(1)


def new_line() -> str:
    """A line that no store has: examples may share a file, which takes a while to be made."""
    return f"line-{next(_NUMBERS)}"


class Store:
    """A writer and a reader that looks at the same time, without a loop."""

    def __init__(self, url: str, line: str = "line") -> None:
        self.url, self.line = url, line
        self.database: Database = open_database(url, TABLES)
        self.writer = TrendWriter(line)
        self.database.run_now(lambda connection: self.writer.open(connection, START_US))
        self.mine = TrendReader(line, lambda _, tag: self.writer.waiting.samples(tag))
        self.others = TrendReader(line)

    def store(self, given: Mapping[str, Samples], **more: Any) -> Batch:
        batch = Batch(START_US, given, **more)
        self.database.run_now(lambda connection: self.writer.store(connection, batch))
        self.database.run_now(self.writer.settle)
        return batch

    def both(self, tag: str, from_us: int = START_US - 9 * DAY_US, to_us: int = START_US + 9 * DAY_US) -> list[Samples]:
        """What the writer reads, and what another program reads."""
        readers = (self.mine, self.others)
        return [
            self.database.run_now(lambda connection, one=one: one.samples(connection, tag, from_us, to_us))  # type: ignore[misc]  # a lambda's default has no type
            for one in readers
        ]

    def rows(self, table: str) -> int:
        counted = self.database.run_now(lambda c: c.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar())  # noqa: S608
        return int(counted or 0)


@contextmanager
def opened(url: str, line: str = "line") -> Iterator[Store]:
    store = Store(url, line)
    try:
        yield store
    finally:
        store.database.close()


def sqlite_url(folder: Path) -> str:
    return f"sqlite:///{folder / 'line.sqlite-trends.sqlite'}"
