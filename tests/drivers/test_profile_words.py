"""What is told of a profile whose shape is wrong: in its author's words, at its place, and never in Python's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from drivers.errors import ProfileError
from drivers.profile_file import check_profile, load_profile
from drivers.profile_shape import ProfileShape
from drivers.profile_words import findings
from drivers.profile_yaml import read_document
from tests.drivers.profile_text import COATER, GAUGE, INSTRUMENT, PRESS, changed, expect, told

WORDS = [
    (
        "range: [-50, 500]",
        "range: 500",
        "500, meaning",
        "two numbers in brackets, the least and the greatest: [0, 500]",
    ),
    ("range: [-50, 500]", "range: [0, 5, 10]", "[0, 5, 10]", "must be two numbers in brackets"),
    ("range: [-50, 500]", "range: [5]", "[5]", "must be two numbers in brackets"),
    ("[[50, 59]]", "[50, 59]", "50, 59", "each with its first and last address: [[100, 119]]"),
    (
        "{value: 0.5, reason: two scans of 100 ms and margin}",
        "0.5",
        "0.5\n",
        "a time comes with its reason: {value: seconds, reason: why it is so long}",
    ),
    ("reason: ovens are slow", "reason: slow", "slow}", "must have at least 5 characters"),
    (
        "name: pv_c",
        "name: Deviation-K",
        "Deviation-K",
        "digits and underscores, and begins with a letter: deviation_k?",
    ),
    ("bits: [hot, cold]", "bits: [hot, 2nd]", "2nd", "begins with a letter"),
    ("bits: [hot, cold]", "bits: hot", "hot, meaning", "must be a list in brackets, or one line with - for each"),
    ("scale: 0.1", "scale: 0,1", ", unit: degC, range: [-50", "1 is no key: a decimal comma? write a point, as in 0.1"),
    ("scale: 0.1", "scale: '0,1'", "'0,1'", "must be a number: a decimal comma? write 0.1"),
    ("scale: 0.1", "scale: 1e-1", "1e-1", "must be a number: YAML takes '1e-1' for a text, write 1.0e-1"),
    ("scale: 0.1", "scale: '0.1'", "'0.1'", "must be a number, not '0.1', without quotes"),
    ("scale: 0.1", "scale: .inf", ".inf", "must be a number that is neither infinite nor undefined"),
    ("meaning: oven}", "meaning: 6100}", "6100", "must be a text: put it in quotes"),
    ("meaning: oven}", "meaning: }", "}\n  - {name: state", "must be a text, not empty"),
    ("meaning: oven}", "meaning: off}", "off}", "are truth values in YAML: put the word in quotes"),
    ("meaning: oven}", "meaning: a, b: c}", "c}", "is no key that is known here; known are name, type"),
    ("address: 1, type", "adress: 1, type", "1, type: int16, scale", "no key that is known here; is address meant?"),
    ("address: 1, type", "address: 1.5, type", "1.5", "must be a whole number, not 1.5"),
    (
        "address: 1, type",
        "address: 300003, type",
        "300003",
        "must be at most 65535; counted as in 3xxxxx? then it is 2",
    ),
    ("max_gap: 4", "max_gap: -4", "-4", "must be at least 0"),
    ("modbus: {max_gap", "modbus: {maxgap", "4, unread", "is max_gap meant?"),
    ("modbus: {max_gap: 4, unreadable: [[50, 59]]}", "modbus: 4", "4\n", "must be written as {word_order: ...}, not 4"),
    ("type: int16, scale", "type: INT, scale", "INT", "is int16 meant?"),
    ("type: float32", "type: REAL", "REAL", "is float32 meant?"),
    ("type: float32", "type: flaot32", "flaot32", "is float32 meant?"),
    ("table: coil", "table: on", "on, address", "must be one of input, holding, coil, discrete; on, off, yes and no"),
    ("access: rw, unit", "access: rw, poll: 1, unit", "1, unit: degC, range: [0, 400]", "must be true or false, not 1"),
    ("{idle: 0, busy: 1}", "{0: idle, 1: busy}", "{0", "0 stands where a word must stand: the word comes first"),
    ("{idle: 0, busy: 1}", "5", "5\n", "must be names with their values, as in {name: value}, not 5"),
    ("{model_number: 7}", "{model_number: 7.5}", "7.5", "must be a whole number or a text, not 7.5"),
    ("{model_number: 7}", "{model_number: yes}", "yes", "are truth values in YAML"),
    ("{model_number: 7}", "{model_number: ''}", "''", "is empty: what must be there?"),
    # units
    ("unit: degC, range: [-50", "unit: psi, range: [-50", "psi", "here; bring it to kPa, MPa or bar with scale and"),
    ("unit: degC, range: [-50", "unit: C, range: [-50", "C, range", "degC is meant?"),
    ("unit: degC, range: [-50", "unit: °C, range: [-50", "°C", "degC is meant?"),
    ("unit: degC, range: [-50", "unit: µm, range: [-50", "µm", "um is meant?"),
    ("unit: degC, range: [-50", "unit: rpm, range: [-50", "rpm", "1/min is meant?"),
]


@pytest.mark.parametrize(("old", "new", "at", "what"), WORDS)
def test_a_wrong_shape_is_told_at_its_place(tmp_path: Path, old: str, new: str, at: str, what: str) -> None:
    expect(tmp_path, INSTRUMENT, old, new, at, what)


@pytest.mark.parametrize(
    ("old", "new", "where", "what"),
    [
        ("modbus:", "\tmodbus:", "7:1", "a tab: indent with blanks"),
        ("meaning: an oven", "meaning: %", "4:10", "a text that begins with % needs quotes"),
        ("meaning: an oven", "meaning: *IDN?", "4:10", "a text that begins with * needs quotes"),
        ("meaning: an oven", "meaning: !oven", "4:10", "a text that begins with ! needs quotes"),
        ("meaning: an oven", "meaning: oven: old", "4:14", "a text with ': ' in it needs quotes"),
        ("meaning: an oven", 'meaning: "C:\\oven"', "4:13", "a backslash begins a special character like \\n"),
        ("meaning: an oven", "meaning: 'oven", "", "a quote is open until the end of the file"),
        ("meaning: an oven", "meaning: oven\n---", "5:1", "a profile is one document"),
        ("{model_number: 7}", "{model_number: 0x_}", "", "has a number that cannot be read"),
    ],
)
def test_what_is_no_yaml_is_told_with_what_is_meant(tmp_path: Path, old: str, new: str, where: str, what: str) -> None:
    ((line,), _) = told(tmp_path, changed(INSTRUMENT, old, new))
    assert f"mine.yaml:{where}" in line
    assert what in line


def test_what_looks_like_a_date_or_an_equals_sign_is_a_text(tmp_path: Path) -> None:
    text = changed(INSTRUMENT, "document: a manual", "document: 2024-13-45")
    assert told(tmp_path, changed(text, "meaning: an oven", "meaning: =")) == ([], [])


def test_a_file_that_cannot_be_read_is_told_plainly(tmp_path: Path) -> None:
    absent, latin = tmp_path / "absent.yaml", tmp_path / "latin.yaml"
    latin.write_bytes("meaning: Dr\u00fcck\n".encode("latin-1"))
    assert check_profile(absent)[0] == [f"{absent}: there is no such file"]
    assert check_profile(latin)[0] == [f"{latin}: is not written in UTF-8; save it in this encoding"]
    assert check_profile(tmp_path)[0] == [f"{tmp_path}: cannot be read: Is a directory"]


def test_a_file_needs_no_ending_and_a_name_is_looked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "exist").write_text(INSTRUMENT, encoding="utf-8")
    (tmp_path / "other.yaml").write_text(INSTRUMENT, encoding="utf-8")
    (tmp_path / "balance-sics").write_text("no profile", encoding="utf-8")
    assert load_profile("./exist").name == "oven"
    assert load_profile("balance-sics").name == "balance-sics"  # a shipped name stays what it is
    for name, words in (
        ("./other", r"no profile './other', and no file; is ./other\.yaml meant\?"),
        ("balance-sic", "is balance-sics meant"),
        ("x" * 5000, "there is no profile 'xxx"),
        ("a\0b", "there is no profile"),
        ("", "there is no profile ''"),
    ):
        with pytest.raises(ProfileError, match=words):
            load_profile(name)


JUNK: tuple[Any, ...] = (
    *(None, True, 5, 0.5, -3, 1e9, float("inf"), float("nan"), "text", "", "0,1", "1e3", "A-b", 400003),
    *((), (1,), (1, 2, 3), ("a", "b"), {}, {"a": 1}, {1: 2}, {True: 1}, {None: 1}, {"value": 1}, {"unti": 1}),
)
FOREIGN = re.compile(
    r"\b(input|tuple|dict|dictionary|instance|string|integer|float|bool|boolean|None|True|False|NoneType|pattern"
    r"|\w+Shape|validation|argument|literal|errno|keys should|valid)\b"
)
NAMES = re.compile(r"one of [^;]*|none of [^;]*|known are .*|is \w+ meant\?")
"""Lists of what is known, which have words such as `input` and `integer`."""


def places(data: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place of a document, but of long lists the beginning only."""
    yield at
    inner = data.items() if isinstance(data, Mapping) else enumerate(data[:3]) if isinstance(data, tuple) else ()
    for key, value in inner:
        yield from places(value, (*at, key))


def put(data: Any, at: tuple[Any, ...], value: Any) -> Any:
    if not at:
        return value
    if isinstance(data, Mapping):
        return {key: put(old, at[1:], value) if key == at[0] else old for key, old in data.items()}
    return tuple(put(old, at[1:], value) if place == at[0] else old for place, old in enumerate(data))


@pytest.mark.parametrize("text", [INSTRUMENT, GAUGE, COATER, PRESS])
def test_no_finding_is_in_foreign_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "base.yaml"
    path.write_text(text, encoding="utf-8")
    data = read_document(path).data
    sayings = set()
    for at in places(data):
        for junk in JUNK:
            try:
                ProfileShape.model_validate(put(data, at, junk))
            except ValidationError as error:
                sayings |= {saying for _, saying in findings(error.errors())}
    assert len(sayings) > 40
    for saying in sayings:
        assert not FOREIGN.search(NAMES.sub("", saying)), saying
        assert not saying.startswith("cannot be "), saying  # a finding that has no words of its own


def test_the_place_of_a_finding_is_found_in_the_file(tmp_path: Path) -> None:
    """Junk of every kind, written as a file: each line begins with file, line and column."""
    for junk in ("5", "[]", "{}", "~", "{1: 2}", "[1, 2, 3]", "{a: 1}"):
        path = tmp_path / "mine.yaml"
        path.write_text(yaml.safe_dump({"profile": "x", "signals": yaml.safe_load(junk)}), encoding="utf-8")
        mistakes, _ = check_profile(path)
        assert mistakes
        assert all(re.match(rf"{re.escape(str(path))}:\d+:\d+: ", line) for line in mistakes)
