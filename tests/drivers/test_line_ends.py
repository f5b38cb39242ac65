"""How an answer that does not end as its profile says is told, by the line and by the codec."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drivers.ascii_codec import LineCodec
from drivers.errors import CorruptAnswer, ResponseTimeout
from drivers.line_ends import other_end, quoted
from drivers.profile import AsciiLine, AsciiRequest
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.line import Line
from drivers.transport.serial_wire import SerialSettings, SerialWire
from simulators.wire.pty import PtyPort


@pytest.mark.parametrize(
    ("answer", "terminator", "told"),
    [
        (b"1.5\n", b"\r\n", r"; the profile's terminator is '\r\n', the answer ends in '\n'"),
        (b"1.5\r\n", b"\n", r"; the profile's terminator is '\n', the answer ends in '\r\n'"),
        (b"1.5\r\n", b"\r", r"; the profile's terminator is '\r', the answer ends in '\r\n'"),
        (b"1.5\n\r", b"\r\n", r"; the profile's terminator is '\r\n', the answer ends in '\n\r'"),
        (b"1.5", b"\r\n", r"; the profile's terminator is '\r\n', the answer has no end"),
        (b"1.5;\r", b";\r", ""),
        (b"1.5\r", b";\r", r"; the profile's terminator is ';\r', the answer has no end"),
        (b"\n1.5\r", b"\r", r"; the profile's terminator is '\r', the answer begins with '\n', as if the one before"),
        (b"1.\x005\r\n", b"\r\n", ""),
        (b"\r\n", b"\r\n", ""),
    ],
)
def test_the_clause(answer: bytes, terminator: bytes, told: str) -> None:
    clause = other_end(answer, terminator)
    assert clause.startswith(told) if told else clause == ""


def test_what_came_is_shown_and_not_all_of_it() -> None:
    assert quoted(b"1.5\r\n\xff") == r"'1.5\r\n\xff'"
    assert quoted(b"x" * 500) == f"'{'x' * 80}'..."


def test_the_codec_says_how_the_line_ended() -> None:
    line = AsciiLine(terminator="\n", read=AsciiRequest("{block}?", "{value}"))
    question = LineCodec(line).ask(line.read or AsciiRequest("", ""), {"block": "A"}, unit=1, tag=0)
    with pytest.raises(CorruptAnswer, match=re.escape(r"'1.5\r\n'; the profile's terminator is '\n', the answer ends")):
        question.judge(b"1.5\r\n")
    with pytest.raises(CorruptAnswer, match=re.escape("the line has no end: '1.5'; the profile's terminator is")):
        question.judge(b"1.5")


async def exchanged(folder: Path, answers: list[bytes], terminator: bytes) -> list[str]:
    """What each of so many exchanges with a port that answers so ends in."""
    port = PtyPort(folder / "port", lambda _: answers.pop(0))
    port.plug()
    line = Line(SerialWire(SerialSettings(str(port.link), 115200)))
    unit = AsciiUnit(line, response_timeout_s=0.1, quiet_s=0.02, terminator=terminator)
    told = []
    try:
        await unit.open()
        for _ in list(answers):
            try:
                told.append((await unit.exchange(b"A?" + terminator)).decode())
            except (ResponseTimeout, CorruptAnswer) as error:
                told.append(str(error))
    finally:
        await unit.close()
        port.unplug()
    return told


async def test_half_an_answer_is_shown_with_how_it_ended(tmp_path: Path) -> None:
    half, none, whole = await exchanged(tmp_path, [b"PG-200\n", b"", b"ok\r\n"], b"\r\n")
    assert "half an answer of unit 1 within 0.1 s" in half
    assert half.endswith(r": 'PG-200\n'; the profile's terminator is '\r\n', the answer ends in '\n'")
    assert none.endswith("no answer of unit 1 within 0.1 s")
    assert whole == "ok\r\n"


async def test_a_longer_end_than_the_profile_knows_is_told(tmp_path: Path) -> None:
    (told,) = await exchanged(tmp_path, [b"PG-200\r\n"], b"\r")
    assert told == r"more than one answer: 'PG-200\r\n'; the profile's terminator is '\r', the answer ends in '\r\n'"
