"""Signals over an ASCII line: what is sent, what is taken, and what a lost or foreign answer is."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ascii_pattern import NUMBER
from drivers.ascii_signals import AsciiSignals, value_text
from drivers.errors import CorruptAnswer, LinkDown, OutcomeUnknown, OutOfRange, ProfileError, WrongAnswer
from drivers.profile import AsciiLine, AsciiRequest, Block, Profile, Refusal, Signal, Timing
from drivers.profile_file import load_profile
from drivers.writing import tolerance
from tests.drivers.ascii_peer import AsciiPeer

GAP = Signal("gap_um", "decimal", "gap", access="rw", unit="um", range=(0.0, 100.0))
COUNT = Signal("count", "integer", "pieces")
NAME = Signal("label", "text", "what is written on it", access="rw")
LINE = AsciiLine(
    terminator="\r",
    read=AsciiRequest("{block}?", "{block}:{values}", separator=";"),
    write=AsciiRequest("{name}={value}", "ok {name} {value}"),
    actions={"zero": AsciiRequest("ZERO", "done {text}"), "tare": AsciiRequest("TARE", "is {value} {unit_text}")},
    refusals=(Refusal("no {text}", "refused", 9, "not now"),),
)
PROFILE = Profile(
    name="some-gauge",
    kind="gauge",
    protocol="ascii",
    identity={},
    timing=Timing(1.0, 0.1),
    signals={s.name: s for s in (GAP, COUNT, NAME)},
    blocks=(Block("ALL", ("gap_um", "count", "label")),),
    line=LINE,
)
ALL = PROFILE.blocks[0]


def signals(*pairs: tuple[bytes, bytes]) -> AsciiSignals:
    return AsciiSignals(PROFILE, AsciiPeer.script(*pairs))


async def test_reads_a_block_of_every_type() -> None:
    assert await signals((b"ALL?\r", b"ALL:   1.50;-3;Cell 7, left\r")).read(ALL) == ["1.50", "-3", "Cell 7, left"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"ALL:1.5;3.0;x\r", CorruptAnswer),  # no whole number
        (b"ALL:;3;x\r", CorruptAnswer),
        (b"ALL:1.5;3\r", WrongAnswer),
        (b"ALL:1.5;3;x;y\r", WrongAnswer),
        (b"ANY:1.5;3;x\r", WrongAnswer),
        (b"ALL:1.5;3;x", CorruptAnswer),
        (b"ALL:1.5;3;\x07\r", CorruptAnswer),
    ],
)
async def test_takes_no_wrong_answer(answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await signals((b"ALL?\r", answer)).read(ALL)


async def test_the_check_runs_while_the_line_is_still_ours() -> None:
    """A wrong count of values must resynchronise the line like any other fault, a refusal must not."""
    seen: list[Exception | None] = []

    class Watching(AsciiPeer):
        async def exchange(
            self,
            request: bytes,
            *,
            check: Callable[[bytes], None] | None = None,
            priority: bool = False,
            again: bool = False,
        ) -> bytes:
            assert check is not None
            try:
                answer = await super().exchange(request, check=check, priority=priority, again=again)
            except WrongAnswer as error:
                seen.append(error)
                raise
            seen.append(None)
            return answer

    with pytest.raises(WrongAnswer):
        await AsciiSignals(PROFILE, Watching({b"ALL?\r": b"ALL:1;2\r"}.get)).read(ALL)
    with pytest.raises(Exception, match=r"the machine refused ALL\?: not now \(paper\)"):
        await AsciiSignals(PROFILE, Watching({b"ALL?\r": b"no paper\r"}.get)).read(ALL)
    assert [type(error) for error in seen] == [WrongAnswer, type(None)]


async def test_writes_numbers_and_texts() -> None:
    layer = signals((b"gap_um=12.5\r", b"ok gap_um 12.500\r"), (b"label=Cell 8\r", b"ok label Cell 8\r"))
    await layer.write_signal(GAP, 12.5)
    await layer.write_signal(NAME, "Cell 8")
    with pytest.raises(OutOfRange):
        await layer.write_signal(NAME, "Cell\r8")
    for value in (float("nan"), float("-inf"), 1e20):
        with pytest.raises(OutOfRange):
            await layer.write_signal(GAP, value)


@pytest.mark.parametrize("answer", [b"ok gap_um 12.6\r", b"ok count 12.5\r", b"gap_um=12.5\r", b"ok", b"\r", b"what\r"])
async def test_a_write_without_its_own_answer_is_an_unknown_outcome(answer: bytes) -> None:
    with pytest.raises(OutcomeUnknown):
        await signals((b"gap_um=12.5\r", answer)).write_signal(GAP, 12.5)


async def test_silence_is_unknown_and_a_closed_line_is_not() -> None:
    with pytest.raises(OutcomeUnknown):
        await signals().write_signal(GAP, 12.5)

    def closed(request: bytes) -> bytes:
        raise LinkDown("not connected")

    with pytest.raises(LinkDown):
        await AsciiSignals(PROFILE, AsciiPeer(closed)).write_signal(GAP, 12.5)


async def test_actions_give_their_text_or_value_in_a_known_unit() -> None:
    layer = signals((b"ZERO\r", b"done at 12:00\r"), (b"TARE\r", b"is 0.25 um\r"))
    assert await layer.act("zero") == "at 12:00"
    assert await layer.act("tare") == "0.25"
    with pytest.raises(OutcomeUnknown, match="comes in mm"):
        await signals((b"TARE\r", b"is 0.25 mm\r")).act("tare")


@pytest.mark.parametrize(
    "call",
    [
        lambda layer: layer.act("explode"),
        lambda layer: layer.write_command(1, 2),
        lambda layer: layer.write_heartbeat(1, 0),
        lambda layer: layer.write_job({}),
    ],
)
async def test_a_request_that_the_profile_does_not_have_is_never_sent(
    call: Callable[[AsciiSignals], Awaitable[object]],
) -> None:
    layer = signals()
    with pytest.raises(ProfileError, match="some-gauge has no request"):
        await call(layer)
    assert layer.transport.asked == []  # type: ignore[attr-defined]
    assert await layer.identify() == ""


async def test_numbers_with_an_exponent_are_their_own_type() -> None:
    power = Signal("power", "scientific", "power")
    profile = replace(PROFILE, signals={s.name: s for s in (power, COUNT, NAME)}, blocks=(Block("ALL", ("power",)),))
    assert tolerance(power, 1e3) < 2e-3
    for text in ("+1.234E+01", "1.5", " -2e-09"):
        layer = AsciiSignals(profile, AsciiPeer.script((b"ALL?\r", f"ALL:{text}\r".encode())))
        assert await layer.read(profile.blocks[0]) == [text.strip()]
    with pytest.raises(
        CorruptAnswer, match=r"'1\.5E\+00' is no decimal; a number with an exponent has the type scientific"
    ):
        await signals((b"ALL?\r", b"ALL:1.5E+00;1;x\r")).read(ALL)
    with pytest.raises(CorruptAnswer, match=r"'1\.5' is no integer$"):
        await signals((b"ALL?\r", b"ALL:1.5;1.5;x\r")).read(ALL)


async def test_the_request_itself_is_no_description() -> None:
    line = AsciiLine(terminator="\n", identify=AsciiRequest("*IDN?", "{text}"))
    profile = replace(PROFILE, line=line, blocks=())
    layer = AsciiSignals(profile, AsciiPeer.script((b"*IDN?\n", b"PG-200,SN00123,1.04\n")))
    assert await layer.identify() == "PG-200,SN00123,1.04"
    with pytest.raises(WrongAnswer, match="the same came back; for an adapter that repeats: echo=1 in the URL"):
        await AsciiSignals(profile, AsciiPeer.script((b"*IDN?\n", b"*IDN?\n"))).identify()


def test_a_profile_without_a_line_has_no_signals_of_text() -> None:
    with pytest.raises(ProfileError, match="has no line of text"):
        AsciiSignals(load_profile("uniaxial-press-generic"), AsciiPeer.script())


async def test_every_request_has_another_tag_and_the_transports_unit() -> None:
    peer = AsciiPeer(lambda _: None, unit=12)
    layer = AsciiSignals(load_profile("coater-generic"), peer)
    for _ in range(300):
        with pytest.raises(OutcomeUnknown):
            await layer.write_heartbeat(0, 0)
    assert {frame[1:3] for frame in peer.asked} == {b"12"}
    tags = [int(frame[3:5], 16) for frame in peer.asked]
    assert tags == [i % 256 for i in range(1, 301)]


@given(st.floats(-(2.0**66), 2.0**66, width=32))
def test_a_decimal_is_written_plainly_and_holds_every_float32(value: float) -> None:
    text = value_text(GAP, value)
    assert set(text) <= set("-.0123456789")
    assert float(text) == pytest.approx(value, rel=1e-8, abs=1e-20)
    assert re.fullmatch(NUMBER, text)


@given(st.integers(-(2**31), 2**32 - 1))
def test_a_whole_number_is_written_exactly(value: int) -> None:
    assert value_text(COUNT, float(value)) == str(value)
