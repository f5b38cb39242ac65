"""Frames of ASCII lines: what one side builds the other reads, and a damaged answer never gives a value."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from drivers.ascii_codec import LineCodec, Question, check_text
from drivers.ascii_pattern import Value
from drivers.errors import CorruptAnswer, OutOfRange, ProfileError, WrongAnswer
from drivers.profile import AsciiLine, AsciiRequest, Block
from drivers.profile_file import load_profile
from simulators.wire.ascii_image import AsciiImage
from tests.drivers.ascii_peer import Values

READ = AsciiRequest("RD {block}", "OK {values}", separator=";")
FRAMES = (
    ("@{unit:02d}{tag:02X}{body}*{check}", ("@", "*")),
    (":{unit:02d}{body}{check}", (":", "")),
    ("{unit:03d}!{tag:04X}!{body}${check}", ("", "$")),
    ("#{tag}!{unit}!{body}#{check}#", ("#", "#")),
    ("{body} {check}", ("", " ")),
)
KINDS = ("none", "xor", "sum8", "lrc", "crc16")
lines = st.builds(
    lambda frame, kind, end: AsciiLine(
        terminator=end,
        request=frame[0] if kind != "none" else frame[0].replace("{check}", ""),
        reply=frame[0] if kind != "none" else frame[0].replace("{check}", ""),
        check_kind=kind,
        check_between=frame[1],
        read=READ,
    ),
    st.sampled_from(FRAMES),
    st.sampled_from(KINDS),
    st.sampled_from(["\r\n", "\r", "\n", "&"]),
)
numbers = st.integers(-999_999, 9_999_999).map(lambda n: f"{n / 1000:.7g}")


def ask(line: AsciiLine, tag: int = 7, unit: int = 1, **values: Value) -> Question:
    return LineCodec(line).ask(line.read or READ, {"block": "ST", **values}, unit=unit, tag=tag)


def answered(line: AsciiLine, body: str, tag: int = 7, unit: int = 1) -> bytes:
    """A frame around `body`, laid out as a request: these lines wrap both alike."""
    return LineCodec(line).ask(AsciiRequest("{text}", ""), {"text": body}, unit=unit, tag=tag).data


@given(lines, st.lists(numbers, min_size=1, max_size=5), st.integers(0, 255), st.integers(1, 99))
def test_an_answer_is_read_as_it_was_built(line: AsciiLine, texts: list[str], tag: int, unit: int) -> None:
    question = ask(line, tag, unit)
    fields = question.judge(answered(line, "OK " + ";".join(texts), tag, unit)).fields
    assert fields["values"].split(";") == texts


@given(lines, st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=5), st.integers(0, 255), st.integers(1, 99))
def test_the_simulators_own_framing_agrees(line: AsciiLine, values: list[float], tag: int, unit: int) -> None:
    base = load_profile("coater-generic")
    names = list(base.block("PV").signals)[: len(values)]
    profile = replace(base, line=line, blocks=(Block("ST", tuple(names)),))
    tags: dict[str, Any] = dict(zip(names, values, strict=False))
    image = AsciiImage(profile, Values(profile, tags), lambda: 0.0, unit)
    question = ask(line, tag, unit)
    told = image.answer(question.data)
    assert told is not None
    texts = question.judge(told).fields["values"].split(";")
    assert [float(text) for text in texts] == pytest.approx(values, rel=1e-6, abs=1e-14)


COATER = AsciiLine(
    request="@{unit:02d}{tag:02X}{body}*{check}",
    reply="@{unit:02d}{tag:02X}{body}*{check}",
    check_kind="xor",
    check_between=("@", "*"),
    read=READ,
)


@pytest.mark.parametrize("kind", KINDS[1:])
def test_one_damaged_byte_never_gives_a_value(kind: Any) -> None:
    """Every byte of a frame, in every way that a byte can be damaged."""
    line = replace(COATER, check_kind=kind)
    question = ask(line)
    good = answered(line, "OK 240;6;1;42;-1.5;103")
    assert question.judge(good).fields == {"values": "240;6;1;42;-1.5;103"}
    for place in range(len(good)):
        for byte in range(256):
            if byte == good[place]:
                continue
            with pytest.raises((CorruptAnswer, WrongAnswer)):
                question.judge(good[:place] + bytes([byte]) + good[place + 1 :])


@given(lines.filter(lambda line: line.check_kind != "none"), st.data())
def test_one_damaged_byte_of_any_line_never_gives_another_value(line: AsciiLine, data: st.DataObject) -> None:
    texts = data.draw(st.lists(numbers, min_size=1, max_size=4))
    good = answered(line, "OK " + ";".join(texts))
    place = data.draw(st.integers(0, len(good) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda byte: byte != good[place]))
    with pytest.raises((CorruptAnswer, WrongAnswer)):
        ask(line).judge(good[:place] + bytes([byte]) + good[place + 1 :])


@given(st.binary(max_size=60))
@example(b"")
@example(b"\r\n")
@example(b"@0107OK 1*\r\n")
def test_rubbish_is_an_error_of_ours(answer: bytes) -> None:
    with pytest.raises((CorruptAnswer, WrongAnswer)):
        ask(COATER).judge(answer)


@given(st.data())
def test_cut_and_glued_answers_are_corrupt(data: st.DataObject) -> None:
    good = answered(COATER, "OK 240;6")
    for broken in (good[: data.draw(st.integers(0, len(good) - 1))], good + good, good[data.draw(st.integers(1, 5)) :]):
        with pytest.raises(CorruptAnswer):
            ask(COATER).judge(broken)


@pytest.mark.parametrize(
    ("kind", "text"),
    # by hand: 0x52 "R" and 0x44 "D"; the CRC of "123456789" is the one that its catalogue gives (0x4B37)
    [("none", ""), ("xor", "16"), ("sum8", "96"), ("lrc", "6A")],
)
def test_check_characters(kind: str, text: str) -> None:
    assert check_text(kind, b"RD") == text
    assert check_text("crc16", b"123456789") == "4B37"


def test_tags_begin_again_where_their_format_ends() -> None:
    assert LineCodec(COATER).tags == 256
    assert LineCodec(replace(COATER, request="@{tag:02d}{body}*{check}")).tags == 100
    assert LineCodec(replace(COATER, request="@{tag}!{body}*{check}")).tags == 65536
    assert LineCodec(replace(COATER, request="@{body}*{check}")).tags == 65536


def test_a_value_that_comes_back_may_be_written_otherwise_but_not_differ() -> None:
    request = AsciiRequest("SP {name}={value}", "OK {name} {value}")
    question = LineCodec(COATER).ask(request, {"name": "a", "value": "80.50"}, unit=1, tag=7)
    assert question.judge(answered(COATER, "OK a 80.5")).fields["value"] == "80.5"
    for other in ("OK a 80.51", "OK b 80.50"):
        with pytest.raises(WrongAnswer):
            question.judge(answered(COATER, other))


def test_what_cannot_be_sent_is_told_before() -> None:
    for text in ("a\r\nZ", "\u00e9", "a\x00", "\r\n"):
        with pytest.raises(OutOfRange, match="no line can carry"):
            ask(COATER, block=text)
    with pytest.raises(ProfileError, match="no room"):
        ask(COATER, unit=100)


def test_a_line_with_mistakes_is_refused() -> None:
    with pytest.raises(ProfileError, match=r"line\.request: .* has no {body}"):
        LineCodec(AsciiLine(request="x"))
