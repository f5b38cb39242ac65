"""Ten thousand damaged answers; and that the campaign would find what it looks for."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

import pytest

from tests.campaign import frame_campaign, frames
from tests.campaign.frame_campaign import CHUNK, Tally, main, name_of, tally
from tests.campaign.frame_oracle import coater_answer, modbus_answer, sics_answer
from tests.campaign.frame_targets import TARGETS
from tests.campaign.frames import Asked, Line, RequestFault

FRAMES = 10_000
SEED = 1
SHARES = 8


@pytest.mark.parametrize("share", range(SHARES))
def test_no_damaged_answer_becomes_a_value_and_the_line_comes_back(share: int) -> None:
    size = -(-FRAMES // SHARES // CHUNK) * CHUNK
    total = Tally()
    for first in range(share * size, (share + 1) * size, CHUNK):
        total.add(tally(SEED, range(first, first + CHUNK)))
    told = [frame_campaign.told(failure, SEED) for failure in total.failures]
    assert not told, "\n".join(told[:10])
    assert total.frames >= FRAMES // SHARES
    assert len(total.damages) > 60  # kinds of damage, in bytes and in time
    ends = {outcome.partition(" ")[2] for outcome in total.outcomes}
    assert {"right", "refused", "ResponseTimeout", "CorruptAnswer", "WrongAnswer", "OutcomeUnknown"} <= ends


# ---------------------------------------------------------------- the oracle, held against the specifications' examples


def test_the_oracle_agrees_with_the_examples_of_the_modbus_specification() -> None:
    asked = Asked(17, 3, 0x6B, 3)  # V1.1b3, section 6.3
    answer = bytes.fromhex("03 06 02 2B 00 00 00 64")
    found = modbus_answer("rtu", asked, frames.framed("rtu", 0, 17, answer))
    assert found is not None
    assert found.values == (555, 0, 100)
    coils = Asked(17, 1, 0x13, 0x13)  # section 6.1
    found = modbus_answer("rtu", coils, frames.framed("rtu", 0, 17, bytes.fromhex("01 03 CD 6B 05")))
    assert found is not None
    assert found.values == (1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 1, 0, 1, 1, 0, 1, 0, 1)
    refused = modbus_answer("tcp", Asked(17, 1, 0x4A1, 1, transaction=9), bytes.fromhex("0009 0000 0003 11 81 02"))
    assert refused is not None
    assert (refused.what, refused.code) == ("refused", 2)


def test_the_checksum_is_that_of_the_serial_line_specification() -> None:
    assert frames.crc(bytes.fromhex("02 07")) == bytes.fromhex("41 12")  # MODBUS over serial line V1.02, appendix B


@pytest.mark.parametrize(
    "heard",
    [
        "0A 03 02 00 07 DC 47",  # another unit
        "01 03 02 00 07 F8 47",  # a bit of the checksum
        "01 03 02 00 06 F9 86",  # a bit of the value
        "01 03 02 00",
        "",
    ],
)
def test_the_oracle_takes_no_other_frame(heard: str) -> None:
    asked = Asked(1, 3, 7)
    assert modbus_answer("rtu", asked, frames.answer("rtu", asked)) is not None
    assert modbus_answer("rtu", asked, bytes.fromhex(heard)) is None


def test_a_write_is_done_only_by_its_own_echo() -> None:
    asked = Asked(1, 16, 10, 2, b"\0\1\0\2", 5)
    assert modbus_answer("tcp", asked, bytes.fromhex("0005 0000 0006 01 10 000A 0002")) is not None
    for wrong in ("0005 0000 0006 01 10 000B 0002", "0005 0000 0006 01 10 000A 0001", "0004 0000 0006 01 10 000A 0002"):
        assert modbus_answer("tcp", asked, bytes.fromhex(wrong)) is None


def test_requests_are_held_against_the_specification_too() -> None:
    assert frames.request("rtu", bytes.fromhex("11 03 00 6B 00 03 76 87")) == Asked(17, 3, 0x6B, 3)
    with pytest.raises(RequestFault):
        frames.request("rtu", bytes.fromhex("11 03 00 6B 00 03 76 86"))
    for wrong in ("03 00 6B 00 00", "03 00 6B 00 7E", "03 FF FF 00 02", "64 00 6B 00 03", "10 00 01 00 02 02 00 07"):
        with pytest.raises(RequestFault):
            frames.request("rtu", frames.framed("rtu", 0, 17, bytes.fromhex(wrong)))


def test_the_oracle_of_the_coater_s_line() -> None:
    line = Line(b"01", b"2A", b"RD ID")
    frame = b"@012AOK 4303,100,7*%s\r\n" % frames.exclusive_or(b"012AOK 4303,100,7")
    kinds = ("integer", "integer", "integer")
    found = coater_answer(line, kinds, frame)
    assert found is not None
    assert found.values == ("4303", "100", "7")
    assert coater_answer(line, kinds[:2], frame) is None
    assert coater_answer(Line(b"01", b"2B", b"RD ID"), kinds, frame) is None
    assert coater_answer(line, kinds, frame.replace(b"7*", b"8*")) is None


def test_the_oracle_of_mt_sics() -> None:
    found = sics_answer("S", "g", b"S S    12.3456 g\r\n")
    assert found is not None
    assert found.values == ("12.3456",)
    for wrong in (b"S S   12.3456 g\r\n", b"S D    12.3456 g\r\n", b"S S    12.3456 kg\r\n", b"S S    12.3456 g\n"):
        assert sics_answer("S", "g", wrong) is None
    busy = sics_answer("S", "g", b"S I\r\n")
    assert busy is not None
    assert busy.what == "refused"


# ---------------------------------------------------------------- the campaign itself


def test_every_target_has_its_chunks() -> None:
    assert {name_of(frame) for frame in range(0, len(TARGETS) * CHUNK, CHUNK)} == set(TARGETS)


def test_a_frame_is_the_same_again_alone_and_in_any_process() -> None:
    chunk, alone = tally(7, range(CHUNK)), tally(7, range(CHUNK - 1, CHUNK))
    before = tally(7, range(CHUNK - 1))
    assert chunk.outcomes == before.outcomes + alone.outcomes
    assert chunk.damages == before.damages + alone.damages
    program = (
        f"from tests.campaign.frame_campaign import tally; print(sorted(tally(7, range({CHUNK})).damages.items()))"
    )
    root = Path(__file__).parents[2]
    told = subprocess.run([sys.executable, "-c", program], cwd=root, check=True, capture_output=True, text=True)
    assert told.stdout.strip() == str(sorted(chunk.damages.items()))


def test_a_missing_check_of_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.transport.modbus_answer.crc_is_right", lambda data: True)
    first = next(frame for frame in range(0, 100 * CHUNK, CHUNK) if name_of(frame) == "rtu")
    faults = [failure.fault for failure in tally(SEED, range(first, first + CHUNK)).failures]
    assert any("that no valid answer says" in fault for fault in faults)


def test_a_failure_is_told_with_the_line_that_replays_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(frames, "truth", lambda asked: [Random(asked.address).randrange(65536)] * asked.count)
    monkeypatch.setattr(frames, "crc", lambda data: b"\0\0")
    first = next(frame for frame in range(0, 100 * CHUNK, CHUNK) if name_of(frame) == "rtu")
    assert main(["--seed", "3", "--first", str(first), "--frames", "1"]) == 1
    told = capsys.readouterr().out
    assert f"--seed 3 --first {first} --frames 1" in told
    assert "1 failures in 1 frames" in told
