"""Profiles: what is shipped loads, mistakes are told with their place, values survive their registers."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.errors import OutOfRange, ProfileError
from drivers.profile import Signal, check_setpoint, decode_value, decoder_of, encode_value, encoder_of
from drivers.profile_file import load_profile

SHIPPED = sorted(p.stem for p in (Path(__file__).parents[2] / "drivers" / "profiles").glob("*.yaml"))
ORDERS = st.sampled_from(["big", "little"])


@pytest.mark.parametrize("name", SHIPPED)
def test_shipped_profiles_load_with_a_reason_for_each_time(name: str) -> None:
    profile = load_profile(name)
    assert profile.name == name
    assert all(len(reason) > 10 for reason in profile.timing.reasons.values())


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("type: uint16, meaning: firmware", "type: uint17, meaning: firmware", ":26:", "type"),
        (
            "address: 1, type: uint16, meaning: firmware",
            "address: 0, type: uint16, meaning: firmware",
            ":26:",
            "overlaps",
        ),
        ("enum: packml_state", "enum: packml", ":29:", "no enumeration packml"),
        ("echo: force_sp_kn_echo", "echo: nothing", ":58:", "nothing"),
        ("range: [0, 600]", "range: [600, 0]", ":58:", "below"),
        ("address: 26, type: float32, access: rw", "address: 30, type: float32, access: rw", ":25:", "contiguous"),
        ("stale_after_s", "stale_after", ":9:", "stale_after_s is missing"),
        ("kind: uniaxial_press", "kind uniaxial_press", ":4:", ""),
    ],
)
def test_mistakes_have_their_place(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    text = (Path(__file__).parents[2] / "drivers" / "profiles" / "uniaxial-press-generic.yaml").read_text(
        encoding="utf-8"
    )
    assert old in text
    path = tmp_path / "mine.yaml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(ProfileError) as caught:
        load_profile(path)
    told = [line for line in str(caught.value).splitlines() if f"mine.yaml{where}" in line]
    assert any(what in line for line in told), str(caught.value)


def test_an_unknown_name_lists_what_is_shipped(tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match="coater-generic"):
        load_profile("no-such-press")
    with pytest.raises(ProfileError):
        load_profile(tmp_path / "absent.yaml")
    (tmp_path / "empty.yaml").write_text("- 1\n", encoding="utf-8")
    with pytest.raises(ProfileError, match="mapping"):
        load_profile(tmp_path / "empty.yaml")


@given(st.floats(width=32, allow_nan=False), ORDERS)
def test_float32_survives(value: float, order: str) -> None:
    signal = Signal("x", "float32", "")
    words = encode_value(signal, value, order)
    assert len(words) == 2
    assert decode_value(signal, words, order) == value
    assert decoder_of(signal, 1, order)([9, *words, 9]) == value


@given(st.integers(0, 0xFFFFFFFF), ORDERS)
def test_uint32_survives(value: int, order: str) -> None:
    signal = Signal("x", "uint32", "")
    words = encode_value(signal, value, order)
    assert decode_value(signal, words, order) == value
    assert decoder_of(signal, 0, order)(words) == value


@given(st.integers(-0x8000, 0x7FFF))
def test_int16_survives(value: int) -> None:
    signal = Signal("x", "int16", "")
    words = encode_value(signal, value, "big")
    assert 0 <= words[0] <= 0xFFFF
    assert decode_value(signal, words, "big") == value
    assert decoder_of(signal, 0, "big")(words) == value


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFFFFFF),
    st.floats(width=32, allow_nan=False, allow_infinity=False),
    ORDERS,
)
def test_a_whole_block_says_the_same_as_its_signals(a: int, b: int, c: float, order: str) -> None:
    signals = [
        Signal("c", "float32", "", address=15),
        Signal("a", "uint16", "", address=10),
        Signal("b", "uint32", "", address=12),
    ]
    registers = encoder_of(signals, 10, 8, order)({"a": a, "b": b, "c": c})
    assert len(registers) == 8
    assert registers[1] == registers[4] == registers[7] == 0
    for signal, value in zip(signals, (c, a, b), strict=True):
        offset = (signal.address or 0) - 10
        assert registers[offset : offset + signal.words] == encode_value(signal, value, order)


@pytest.mark.parametrize(("kind", "value"), [("uint16", 65536), ("uint16", -1), ("int16", 40000), ("float32", 1e39)])
def test_what_does_not_fit_is_refused(kind: str, value: float) -> None:
    with pytest.raises(OutOfRange):
        encode_value(Signal("x", kind, ""), value, "big")


@given(st.floats())
def test_a_setpoint_passes_exactly_within_its_range(value: float) -> None:
    signal = Signal("x", "float32", "", unit="kN", range=(0.0, 600.0))
    if math.isfinite(value) and 0.0 <= value <= 600.0:
        check_setpoint(signal, value)
    else:
        with pytest.raises(OutOfRange):
            check_setpoint(signal, value)
