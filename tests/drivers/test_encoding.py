"""Every type in every order, with and without scale: what is written is what is read back."""

from __future__ import annotations

import math
import struct
from dataclasses import replace
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from drivers.encoding import check_setpoint, decode_value, decoder_of, encode_value, encoder_of, type_limits
from drivers.errors import OutOfRange
from drivers.profile import WORDS, Order, Signal

_ORDERS: tuple[Order, ...] = ("big", "little")
ORDER = st.sampled_from(_ORDERS)
INTEGERS = {
    "bool": (0, 1),
    "uint16": (0, 2**16 - 1),
    "int16": (-(2**15), 2**15 - 1),
    "uint32": (0, 2**32 - 1),
    "int32": (-(2**31), 2**31 - 1),
}
VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{kind: st.integers(*ends) for kind, ends in INTEGERS.items()},
    "float32": st.floats(width=32, allow_nan=False),
    "float64": st.floats(allow_nan=False),
}
STEPS = st.sampled_from([0.001, 0.01, 0.1, 0.25, 0.5, 2.0, 10.0, -0.1, 0.0625, 3.0])
OFFSETS = st.sampled_from([0.0, 0.5, -40.0, 273.15, 1000.0])


def signal(kind: str, word: Order = "big", byte: Order = "big", **more: Any) -> Signal:
    return Signal("x", kind, "", word_order=word, byte_order=byte, **more)


# ---- bytes typed by hand

TYPED = [
    ("uint16", 0x1234, "big", "big", [0x1234]),
    ("uint16", 0x1234, "big", "little", [0x3412]),
    ("int16", -2, "big", "big", [0xFFFE]),
    ("int16", -2, "little", "little", [0xFEFF]),
    ("uint32", 0x12345678, "big", "big", [0x1234, 0x5678]),
    ("uint32", 0x12345678, "little", "big", [0x5678, 0x1234]),
    ("uint32", 0x12345678, "big", "little", [0x3412, 0x7856]),
    ("uint32", 0x12345678, "little", "little", [0x7856, 0x3412]),
    ("int32", -2, "little", "big", [0xFFFE, 0xFFFF]),
    ("float32", 450.0, "big", "big", [0x43E1, 0x0000]),
    ("float32", 979.5, "little", "big", [0xE000, 0x4474]),
    ("float32", 1.0, "big", "little", [0x803F, 0x0000]),
    ("float64", 1.0, "big", "big", [0x3FF0, 0, 0, 0]),
    ("float64", 1.0, "little", "big", [0, 0, 0, 0x3FF0]),
    ("float64", -2.5, "little", "little", [0, 0, 0, 0x04C0]),
    ("bool", 1, "big", "big", [1]),
]


@pytest.mark.parametrize(("kind", "value", "word", "byte", "words"), TYPED)
def test_typed_registers(kind: str, value: float, word: Order, byte: Order, words: list[int]) -> None:
    s = replace(signal(kind, word, byte), address=7)
    assert encode_value(s, value) == words
    assert decode_value(s, words) == value
    assert decoder_of(s, 2)([9, 9, *words, 9]) == value
    assert encoder_of([s], 5, 4 + len(words))({"x": value}) == [0, 0, *words, 0, 0]


@pytest.mark.parametrize(
    ("kind", "scale", "offset", "value", "words"),
    [
        ("int16", 0.1, 0.0, 25.3, [253]),
        ("int16", 0.1, 0.0, -19.9, [0xFF39]),
        ("uint16", 0.01, 0.0, 0.07, [7]),
        ("uint16", 0.5, -40.0, -39.5, [1]),
        ("uint32", 0.001, 0.0, 1100.123, [0x0010, 0xC95B]),
        ("uint16", -1.0, 100.0, 99.0, [1]),
        ("float32", 0.001, 0.0, 0.45, [0x43E1, 0x0000]),
    ],
)
def test_typed_scales(kind: str, scale: float, offset: float, value: float, words: list[int]) -> None:
    s = signal(kind, scale=scale, offset=offset)
    assert not s.integer
    assert encode_value(s, value) == words
    assert decode_value(s, words) == pytest.approx(value, rel=1e-15)


# ---- properties


@pytest.mark.parametrize("kind", sorted(VALUES))
@given(data=st.data())
def test_every_value_survives(kind: str, data: st.DataObject) -> None:
    value, s = data.draw(VALUES[kind]), signal(kind, data.draw(ORDER), data.draw(ORDER))
    words = encode_value(s, value)
    assert len(words) == s.words == WORDS[kind]
    assert all(0 <= word <= 0xFFFF for word in words)
    assert decode_value(s, words) == value
    before = data.draw(st.integers(0, 5))
    assert decoder_of(s, before)([7] * before + words + [7]) == value


@pytest.mark.parametrize("kind", sorted(VALUES))
@given(data=st.data())
def test_every_register_decodes_and_goes_back(kind: str, data: st.DataObject) -> None:
    """Nothing that a controller can send raises, and every step of a scaled integer is its own value."""
    top = 1 if kind == "bool" else 0xFFFF
    words = data.draw(st.lists(st.integers(0, top), min_size=WORDS[kind], max_size=WORDS[kind]))
    scaled = kind in INTEGERS and kind != "bool"
    scale, offset = (data.draw(STEPS), data.draw(OFFSETS)) if scaled else (1.0, 0.0)
    s = signal(kind, data.draw(ORDER), data.draw(ORDER), scale=scale, offset=offset)
    value = decode_value(s, words)
    if math.isfinite(value):
        assert encode_value(s, value) == words
        low, high = type_limits(kind, scale, offset)
        assert low <= value <= high


@given(st.integers(-(2**31), 2**31 - 1), STEPS, OFFSETS)
def test_a_scaled_value_is_the_nearest_number_to_the_exact_one(raw: int, scale: float, offset: float) -> None:
    s = signal("int32", scale=scale, offset=offset)
    exact = raw * Fraction(str(scale)) + Fraction(str(offset))
    assert decode_value(s, encode_value(signal("int32"), raw)) == float(exact)


@given(st.floats(-3000, 3000), STEPS)
def test_what_is_written_is_at_most_half_a_step_away(value: float, scale: float) -> None:
    s = signal("int32", scale=scale)
    assert abs(decode_value(s, encode_value(s, value)) - value) <= abs(scale) / 2 * (1 + 1e-9)


@given(st.data())
def test_a_whole_block_says_the_same_as_its_signals(data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.sampled_from(sorted(VALUES)), min_size=1, max_size=6))
    signals, address = [], data.draw(st.integers(0, 100))
    start = address - data.draw(st.integers(0, min(3, address)))
    for i, kind in enumerate(kinds):
        scale = data.draw(STEPS) if kind in ("int16", "uint32") else 1.0
        one = signal(kind, data.draw(ORDER), data.draw(ORDER), address=address, scale=scale)
        signals.append(replace(one, name=f"s{i}"))
        address += WORDS[kind] + data.draw(st.integers(0, 2))
    raws = {s.name: data.draw(VALUES[s.type]) for s in signals}
    tags = {s.name: decode_value(s, encode_value(replace(s, scale=1.0), raws[s.name])) for s in signals}
    count = address - start
    registers = encoder_of(reversed(signals), start, count)(tags)
    covered = set()
    for s in signals:
        offset = (s.address or 0) - start
        assert registers[offset : offset + s.words] == encode_value(s, tags[s.name])
        covered |= set(range(offset, offset + s.words))
    assert all(registers[i] == 0 for i in range(count) if i not in covered)


@pytest.mark.parametrize(
    ("kind", "tag", "words"),
    [("uint16", 65537, [1]), ("int16", 32768, [0x8000]), ("uint32", 2**32 + 5, [0, 5]), ("int32", 2**31, [0x8000, 0])],
)
def test_a_controllers_counters_wrap(kind: str, tag: int, words: list[int]) -> None:
    assert encoder_of([signal(kind, address=0)], 0, len(words))({"x": tag}) == words


def test_a_tag_that_is_missing_is_0() -> None:
    assert encoder_of([signal("float32", address=1)], 0, 4)({}) == [0, 0, 0, 0]


# ---- what does not fit


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint16", 65536),
        ("uint16", -1),
        ("int16", 40000),
        ("int32", 2**31),
        ("uint32", -1),
        ("bool", 2),
        ("float32", 1e39),
        ("uint16", math.nan),
        ("int32", math.inf),
    ],
)
def test_what_does_not_fit_is_refused(kind: str, value: float) -> None:
    with pytest.raises(OutOfRange):
        encode_value(signal(kind), value)


def test_a_scaled_value_that_does_not_fit_is_refused() -> None:
    assert encode_value(signal("int16", scale=0.1), 3276.7) == [0x7FFF]
    with pytest.raises(OutOfRange, match=r"3276\.8 does not fit into int16"):
        encode_value(signal("int16", scale=0.1), 3276.8)


def test_no_number_in_a_float_is_read_as_no_number() -> None:
    assert math.isnan(decode_value(signal("float32"), [0x7FC0, 0]))
    assert decode_value(signal("float64"), [0x7FF0, 0, 0, 0]) == math.inf


@given(st.floats())
def test_a_setpoint_passes_exactly_within_its_limits(value: float) -> None:
    s = signal("float32", unit="kN", range=(-10.0, 700.0), write_range=(0.0, 600.0))
    if math.isfinite(value) and 0.0 <= value <= 600.0:
        check_setpoint(s, value)
    else:
        with pytest.raises(OutOfRange):
            check_setpoint(s, value)


@given(st.floats(-100, 100))
def test_a_setpoint_without_write_range_keeps_to_its_range(value: float) -> None:
    assume(value != int(value))
    with pytest.raises(OutOfRange, match="whole"):
        check_setpoint(signal("int16", range=(-100.0, 100.0)), value)
    check_setpoint(signal("int16", scale=0.1, range=(-100.0, 100.0)), value)


def test_limits_of_types() -> None:
    assert type_limits("uint16") == (0, 65535)
    assert type_limits("int16", 0.1) == (-3276.8, 3276.7)
    assert type_limits("uint16", -1.0, 100.0) == (-65435, 100)
    assert type_limits("float64") == (-math.inf, math.inf)
    assert type_limits("float32")[1] == struct.unpack(">f", bytes.fromhex("7F7FFFFF"))[0]
