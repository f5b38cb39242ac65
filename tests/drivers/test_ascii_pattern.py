"""The pattern language: it reads what it builds, and a line that is not written properly is told with its place."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ascii_pattern import NUMBER, SCIENTIFIC, Pattern, Place, check, split_wrapper
from drivers.errors import ProfileError
from drivers.profile import AsciiLine, AsciiRequest, Refusal
from drivers.profile_file import load_profile, shipped_profiles

LITERALS = st.text("@#:=, ABZS*!$(", min_size=1, max_size=3)
NUMBERS = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**9), max_value=10**9, places=4)
PLACEHOLDERS: dict[str, st.SearchStrategy[str | int]] = {
    "{unit:02d}": st.integers(0, 99),
    "{tag:02X}": st.integers(0, 255),
    "{tag:04X}": st.integers(0, 65535),
    "{command_code}": st.integers(0, 65535),
    "{value}": NUMBERS.map(lambda number: format(number, "f")),
    "{block}": st.text("abcPQR123", min_size=1, max_size=8),
    "{unit_text}": st.sampled_from(["g", "um", "%", "mg/cm2"]),
}


@st.composite
def written(draw: st.DrawFn) -> tuple[str, dict[str, str | int]]:
    """A pattern with literals between its placeholders, and a value for each."""
    keys = draw(st.lists(st.sampled_from(sorted(PLACEHOLDERS)), unique_by=lambda key: key[1:4], max_size=4))
    text, values = draw(LITERALS), {}
    for key in keys:
        values[key.strip("{}").partition(":")[0]] = draw(PLACEHOLDERS[key])
        text += key + draw(LITERALS)
    return text, values


@given(written())
def test_what_is_built_fits_its_pattern(made: tuple[str, dict[str, str | int]]) -> None:
    pattern = Pattern(made[0])
    assert pattern.side_by_side() is None
    text = pattern.build(made[1])
    found = pattern.match(text)
    assert found is not None
    assert pattern.build({**made[1], **{n: t for n, t in found.items() if not pattern.placeholders[n].width}}) == text
    assert pattern.match(text + "\n") is None
    assert pattern.match("\r" + text) is None


@given(NUMBERS)
def test_a_plain_decimal_is_a_number(number: object) -> None:
    assert re.fullmatch(NUMBER, f"   {number:f}", re.ASCII)


@pytest.mark.parametrize(
    "text", ["", "nan", "inf", "-inf", "1_000", "1e3", "1.", ".5", "0x10", "1 000", "1,5", "--1", "\u0663", "1" * 21]
)
def test_anything_else_is_no_number(text: str) -> None:
    assert not re.fullmatch(NUMBER, text, re.ASCII)


@given(st.floats(-1e30, 1e30).filter(lambda number: number == 0 or abs(number) > 1e-90))
def test_a_printed_exponent_is_scientific_and_no_plain_number(number: float) -> None:
    for text in (f"{number:+.6E}", f"{number:e}", f"  {number:.0E}"):
        assert re.fullmatch(SCIENTIFIC, text, re.ASCII)
        assert not re.fullmatch(NUMBER, text, re.ASCII)


@pytest.mark.parametrize("text", ["1e5", "1E", "1E+", "E+05", "1E+100", "1E+05.5", "1 E+05", "nan", "1.E+05", "1e+5 "])
def test_an_exponent_has_its_sign_and_is_one_that_a_float_holds(text: str) -> None:
    assert not re.fullmatch(SCIENTIFIC, text, re.ASCII)


@given(NUMBERS.map("{:f}".format), st.data())
def test_no_single_damage_makes_an_exponent_of_a_plain_number(text: str, data: st.DataObject) -> None:
    place, byte = data.draw(st.integers(0, len(text) - 1)), chr(data.draw(st.integers(0, 255)))
    for damaged in (text[:place] + byte + text[place + 1 :], text[:place] + text[place + 1 :], text + byte):
        if re.fullmatch(SCIENTIFIC, damaged, re.ASCII):
            assert re.fullmatch(NUMBER, damaged, re.ASCII)


def test_whatever_describes_itself_is_taken_where_no_refusal_fits() -> None:
    assert list(check(AsciiLine(terminator="\n", identify=AsciiRequest("*IDN?", "{text}")))) == []


@pytest.mark.parametrize(
    "text", ["{", "}", "{unit", "unit}", "{}", "{Unit}", "{unit:2d}", "{unit:02x}", "{{unit}}", "a\tb", "é"]
)
def test_a_pattern_that_is_not_written_properly(text: str) -> None:
    with pytest.raises(ValueError, match=r"brace|printable"):
        Pattern(text)


def test_a_number_that_has_no_room_is_not_sent() -> None:
    with pytest.raises(ProfileError, match="no room for 100"):
        Pattern("{unit:02d}").build({"unit": 100})
    with pytest.raises(ProfileError, match=r"nothing is known for \{tag\}"):
        Pattern("{tag}").build({"unit": 100})


def test_the_wrapper_is_cut_at_its_marks() -> None:
    assert split_wrapper("@{unit:02d}{body}*{check}", ("@", "*")) == ("@", "{unit:02d}{body}", "*{check}")
    assert split_wrapper("{unit}:{body}{check};", ("", "")) == ("", "{unit}:{body}", "{check};")
    assert split_wrapper("{body}", ("", "")) == ("", "{body}", "")
    for marks in (("#", "*"), ("@", "#"), ("b", "*"), ("*", "@")):  # b is a placeholder's letter, no mark
        with pytest.raises(ValueError, match="has not the marks"):
            split_wrapper("@{unit:02d}{body}*{check}", marks)


COATER = load_profile("coater-generic").line or AsciiLine()
READ = COATER.read or AsciiRequest("", "")
WRITE = COATER.write or AsciiRequest("", "")


def test_the_shipped_lines_have_no_mistakes() -> None:
    lines = [profile.line for profile in map(load_profile, shipped_profiles()) if profile.line is not None]
    assert len(lines) >= 3
    assert [list(check(line)) for line in lines] == [[]] * len(lines)


@pytest.mark.parametrize(
    ("line", "place", "words"),
    [
        (replace(COATER, terminator=""), ("terminator",), "at least one"),
        (replace(COATER, terminator="*"), ("request",), "contains the terminator"),
        (replace(COATER, request="@{unit:02d}{body*{check}"), ("request",), "brace"),
        (replace(COATER, request="@{unit:02d}*{check}"), ("request",), "has no {body}"),
        (replace(COATER, reply="@{address:02d}{body}*{check}"), ("reply",), "takes no format"),
        (replace(COATER, reply="@{address}{body}*{check}"), ("reply",), "{address} is not known here"),
        (replace(COATER, reply="@{unit}{body}*{check}"), ("reply",), "nothing stands between {unit}{body}"),
        (replace(COATER, reply="@{body}*"), ("reply",), "has no {check}"),
        (replace(COATER, reply="{body}*{check}"), ("check", "between"), "has not the marks"),
        (replace(COATER, reply="{body}@*{check}"), ("check", "between"), "outside of what is checked"),
        (replace(COATER, check_kind="none"), ("request",), "{check} is not known here"),
        (replace(COATER, read=replace(READ, reply="OK")), ("read", "reply"), "has no {value} or {values}"),
        (replace(COATER, read=replace(READ, send="RD")), ("read", "send"), "has no {block}"),
        (replace(COATER, read=replace(READ, separator="")), ("read", "separator"), "cannot be told"),
        (replace(COATER, read=replace(READ, separator=".")), ("read", "separator"), "cannot be told"),
        (replace(COATER, read=replace(READ, reply="{values}{unit_text}")), ("read", "reply"), "nothing stands between"),
        (
            replace(COATER, read=replace(READ, reply="RD {block}", send="RD {block}")),
            ("read", "reply"),
            "has no {value}",
        ),
        (replace(COATER, write=replace(WRITE, reply="WR {name}={value}")), ("write", "reply"), "echo"),
        (replace(COATER, write=replace(WRITE, send="WR {name}={name}")), ("write", "send"), "twice"),
        (replace(COATER, write_job=AsciiRequest("WR {pairs}", "OK", ",", "x")), ("write_job", "pair"), "has no {name}"),
        (replace(COATER, command=AsciiRequest("CM", "OK")), ("command", "send"), "has no {command_code}"),
        (replace(COATER, heartbeat=AsciiRequest("HB", "OK")), ("heartbeat", "send"), "has no {heartbeat_controller}"),
        (replace(COATER, identify=AsciiRequest("ID", "OK")), ("identify", "reply"), "has no {text}"),
        (replace(COATER, identify=AsciiRequest("ID", "{text}")), ("identify", "reply"), "ambiguous"),
        (
            replace(COATER, identify=AsciiRequest("ID", "{text}")),
            ("identify", "reply"),
            "'ER 1' fits too; write what every good answer begins or ends with",
        ),
        (
            replace(COATER, actions={"zero": AsciiRequest("Z", "{text}")}),
            ("actions", "zero", "reply"),
            "an echo of the request would be taken for the answer; write what only the answer has",
        ),
        (replace(COATER, read=replace(READ, reply="{value} {values}")), ("read", "reply"), "one of them is enough"),
        (replace(COATER, actions={"zero": AsciiRequest("Z {value}", "OK")}), ("actions", "zero", "send"), "not known"),
        (replace(COATER, refusals=(Refusal("ER {code}", "refused"),)), ("refusals", 0, "reply"), "{code} is not known"),
        (replace(COATER, refusals=(Refusal("ER", "refused"),) * 2), ("refusals", 1, "reply"), "twice"),
        (
            replace(COATER, refusals=(Refusal("{text}", "refused"),)),
            ("write", "reply"),
            "the refusal '{text}' fits too",
        ),
        (replace(COATER, refusals=(Refusal("OK", "busy"),)), ("command", "reply"), "the refusal 'OK' fits too"),
    ],
)
def test_mistakes_are_told_with_their_place(line: AsciiLine, place: Place, words: str) -> None:
    assert any(where == place and words in text for where, text in check(line)), list(check(line))
