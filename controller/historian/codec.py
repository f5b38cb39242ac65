"""Columns as bytes and back, exactly: small differences, bytes of equal weight together, then zlib.

A column begins with one byte for its form and one for a parameter. The forms of values:

    0  every value has the same 64 bits, which follow
    1  decimal: value = whole number / 10**parameter; what a machine's scaled registers give
    2  decimal: value = whole number x 10**-parameter, which rounds otherwise for some numbers
    3  the bits of the floats as they are, byte planes; what always works

Each form is chosen only if decoding it gives the same bits again, NaN and the sign of zero included. Whole numbers are
kept as differences (times: as differences of differences) in the smallest of 1, 2, 4, 8 bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from controller.historian.errors import TrendsDamaged
from controller.historian.samples import Qualities, Samples, Times, Values

LEVEL = 1
"""Of zlib. Level 6 costs several times as much for some percent of size (docs/decisions/0037-historian.md)."""
_SAME, _DIVIDED, _MULTIPLIED, _BITS = range(4)
_DECIMALS = range(7)
_LARGEST = 2.0**52
_PROBE = 16  # values that say at once which decimals cannot fit
_WIDTHS = (np.int8, np.int16, np.int32, np.int64)
_Whole = NDArray[np.int64]


def encoded_times(times: Times) -> bytes:
    """Times of at least one sample."""
    first = times[:1]
    steps = np.diff(times)
    return _head(0, 0) + first.tobytes() + _packed(np.diff(steps, prepend=0))


def decoded_times(data: bytes, count: int) -> Times:
    """Raises TrendsDamaged."""
    if len(data) < 10:
        raise TrendsDamaged("a column of times is too short")
    first = np.frombuffer(data, np.int64, 1, 2)
    steps = np.cumsum(_unpacked(data[10:], count - 1))
    return np.concatenate((first, first + np.cumsum(steps)))


def encoded_values(values: Values) -> bytes:
    """Values of at least one sample."""
    bits = values.view(np.int64)
    if bool((bits == bits[0]).all()):
        return _head(_SAME, 0) + bits[:1].tobytes()
    if (decimal := _decimal(values)) is not None:
        form, places, whole = decimal
        return _head(form, places) + whole[:1].tobytes() + _packed(np.diff(whole))
    return _head(_BITS, 0) + zlib.compress(_planes(values), LEVEL)


def decoded_values(data: bytes, count: int) -> Values:
    """Raises TrendsDamaged."""
    if len(data) < 2 or data[0] > _BITS or data[1] not in _DECIMALS:
        raise TrendsDamaged("a column of values has an unknown form")
    form, places = data[0], data[1]
    if form == _BITS:
        return _from_planes(_inflated(data[2:]), np.dtype(np.float64), count)
    if len(data) < 10:
        raise TrendsDamaged("a column of values is too short")
    first = np.frombuffer(data, np.int64, 1, 2)
    if form == _SAME:
        return np.full(count, first[0]).view(np.float64)
    whole = np.concatenate((first, first + np.cumsum(_unpacked(data[10:], count - 1))))
    return _as_decimal(whole, form, places)


def encoded_qualities(qualities: Qualities) -> bytes:
    """Qualities of at least one sample; one byte if all are the same."""
    if bool((qualities == qualities[0]).all()):
        return qualities[:1].tobytes()
    return zlib.compress(qualities.tobytes(), LEVEL)


def decoded_qualities(data: bytes, count: int) -> Qualities:
    """Raises TrendsDamaged."""
    if len(data) == 1:
        return np.full(count, data[0], np.uint8)
    return _from_planes(_inflated(data), np.dtype(np.uint8), count)


def encoded_waiting(tags: NDArray[np.int32], samples: Samples) -> bytes:
    """Samples of several tags as they came, for the rows that stand in for blocks that are not full yet."""
    return b"".join(
        len(column).to_bytes(4, "little") + column
        for column in (
            zlib.compress(_planes(tags), LEVEL),
            zlib.compress(_planes(np.diff(samples.times_us, prepend=0)), LEVEL),
            zlib.compress(_planes(samples.values), LEVEL),
            zlib.compress(samples.qualities.tobytes(), LEVEL),
        )
    )


def decoded_waiting(data: bytes, count: int) -> tuple[NDArray[np.int32], Samples]:
    """Raises TrendsDamaged."""
    columns, at = [], 0
    for _ in range(4):
        length = int.from_bytes(data[at : at + 4], "little")
        columns.append(_inflated(data[at + 4 : at + 4 + length]))
        at += 4 + length
    times = np.cumsum(_from_planes(columns[1], np.dtype(np.int64), count))
    values = _from_planes(columns[2], np.dtype(np.float64), count)
    qualities = _from_planes(columns[3], np.dtype(np.uint8), count)
    return _from_planes(columns[0], np.dtype(np.int32), count), Samples(times, values, qualities)


def retagged(data: bytes, count: int, numbers: Mapping[int, int]) -> bytes:
    """What `encoded_waiting` gave, with other numbers for its tags; the samples stay as they are."""
    length = int.from_bytes(data[:4], "little")
    tags = _from_planes(_inflated(data[4 : 4 + length]), np.dtype(np.int32), count)
    there, places = np.unique(tags, return_inverse=True)
    new = np.array([numbers[int(tag)] for tag in there], np.int32)[places]
    column = zlib.compress(_planes(new), LEVEL)
    return len(column).to_bytes(4, "little") + column + data[4 + length :]


# ------------------------------------------------------------------ numbers


def _decimal(values: Values) -> tuple[int, int, _Whole] | None:
    """Form, decimal places and whole numbers with which exactly these values come back."""
    probe = values[:_PROBE]
    if not bool(np.isfinite(probe).all()) or not bool((np.abs(probe) < _LARGEST).all()):
        return None
    for places in _DECIMALS:
        for form in (_DIVIDED, _MULTIPLIED) if places else (_DIVIDED,):
            if _whole(probe, form, places) is not None and (whole := _whole(values, form, places)) is not None:
                return form, places, whole
    return None


def _whole(values: Values, form: int, places: int) -> _Whole | None:
    with np.errstate(invalid="ignore", over="ignore"):
        scaled = np.rint(values * 10.0**places)
        if not bool((np.abs(scaled) < _LARGEST).all()):  # also where one is NaN
            return None
        whole = scaled.astype(np.int64)
    same = _as_decimal(whole, form, places).view(np.int64) == values.view(np.int64)
    return whole if bool(same.all()) else None


def _as_decimal(whole: _Whole, form: int, places: int) -> Values:
    numbers = whole.astype(np.float64)
    return numbers / 10.0**places if form == _DIVIDED else numbers * 10.0**-places


# ------------------------------------------------------------------ bytes


def _head(form: int, parameter: int) -> bytes:
    return bytes((form, parameter))


def _packed(whole: _Whole) -> bytes:
    """The bytes of whole numbers: how wide they are, then their planes."""
    if not len(whole):
        return b""
    low, high = int(whole.min()), int(whole.max())
    width = next(kind for kind in _WIDTHS if np.iinfo(kind).min <= low and high <= np.iinfo(kind).max)
    return bytes((np.dtype(width).itemsize,)) + zlib.compress(_planes(whole.astype(width)), LEVEL)


def _unpacked(data: bytes, count: int) -> _Whole:
    if count <= 0:
        return np.empty(0, np.int64)
    if data[:1] not in {b"\1", b"\2", b"\4", b"\10"}:
        raise TrendsDamaged("a column of whole numbers has an unknown width")
    return _from_planes(_inflated(data[1:]), np.dtype(f"<i{data[0]}"), count).astype(np.int64)


def _planes(column: NDArray[Any]) -> bytes:
    """First the lowest bytes of all numbers, then the next: what hardly changes stands together."""
    return np.ascontiguousarray(column).view(np.uint8).reshape(len(column), -1).T.tobytes()


def _from_planes(data: bytes, kind: np.dtype[Any], count: int) -> NDArray[Any]:
    if len(data) != count * kind.itemsize:
        raise TrendsDamaged(f"a column has {len(data)} bytes, and {count * kind.itemsize} were written")
    flat = np.frombuffer(data, np.uint8).reshape(kind.itemsize, count)
    return np.ascontiguousarray(flat.T).view(kind).reshape(count)


def _inflated(data: bytes) -> bytes:
    try:
        return zlib.decompress(data)
    except zlib.error as error:
        raise TrendsDamaged(f"a column cannot be unpacked: {error}") from error
