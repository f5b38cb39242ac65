"""What is packed comes back, bit for bit; what is damaged is said, and never wrong."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from controller.historian import codec
from controller.historian.errors import TrendsDamaged
from controller.historian.samples import LATEST_US, Samples
from tests.controller.historian.stores import bits, samples, values

COUNT = 300


@given(st.lists(st.integers(0, LATEST_US - 1), min_size=1, max_size=COUNT))
def test_times(times: list[int]) -> None:
    column = np.array(times, np.int64)
    assert codec.decoded_times(codec.encoded_times(column), len(column)).tolist() == times


@given(st.one_of(arrays(np.float64, st.integers(1, COUNT)), st.lists(values, min_size=1, max_size=COUNT).map(np.array)))
def test_values(column: np.ndarray[tuple[int], np.dtype[np.float64]]) -> None:
    found = codec.decoded_values(codec.encoded_values(column), len(column))
    assert found.view(np.int64).tolist() == column.view(np.int64).tolist()


@given(st.lists(st.integers(0, 2), min_size=1, max_size=COUNT))
def test_qualities(qualities: list[int]) -> None:
    column = np.array(qualities, np.uint8)
    assert codec.decoded_qualities(codec.encoded_qualities(column), len(column)).tolist() == qualities


@settings(deadline=None)
@given(samples(), st.data())
def test_samples_of_several_tags(some: Samples, data: st.DataObject) -> None:
    tags = np.array([data.draw(st.integers(1, 5)) for _ in range(len(some))], np.int32)
    found_tags, found = codec.decoded_waiting(codec.encoded_waiting(tags, some), len(some))
    assert (found_tags.tolist(), bits(found)) == (tags.tolist(), bits(some))


@pytest.mark.parametrize(
    ("column", "most_bytes"),
    [
        (np.full(4096, 123.456), 10),
        (np.arange(4096) % 7 * 1.0, 200),
        (np.round(np.sin(np.arange(4096) / 100) * 500, 2), 5000),
        (np.sin(np.arange(4096) / 100).astype(np.float32).astype(np.float64), 17_000),
    ],
)
def test_what_machines_give_becomes_small(
    column: np.ndarray[tuple[int], np.dtype[np.float64]], most_bytes: int
) -> None:
    assert len(codec.encoded_values(column)) <= most_bytes


@given(st.lists(values, min_size=2, max_size=50), st.data())
def test_damage_is_said(numbers: list[float], data: st.DataObject) -> None:
    packed = codec.encoded_values(np.array(numbers))
    cut = packed[: data.draw(st.integers(0, len(packed) - 1))]
    with pytest.raises(TrendsDamaged):
        codec.decoded_values(cut, len(numbers))


def test_a_column_of_another_length_is_said() -> None:
    packed = codec.encoded_times(np.arange(5, dtype=np.int64))
    with pytest.raises(TrendsDamaged, match="were written"):
        codec.decoded_times(packed, 6)
