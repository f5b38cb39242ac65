"""Frames in words: what is sent, what came back, and parts of answers."""

from __future__ import annotations

from typing import Literal

import pytest

from controller.devices.frames import FrameWords, Framing, framing_of
from drivers.profile_file import load_profile
from drivers.transport.line import Line
from drivers.transport.modbus import ModbusUnit
from drivers.transport.wire import WireEvent
from tests.drivers.scripted import QUIET_S, TIMEOUT_S, ScriptedWire, ready, rtu_frame, virtual

PRESS = load_profile("uniaxial-press-generic")


def crc(body: str) -> bytes:
    """An RTU frame, its checksum by the polynomial's definition, most significant bit last."""
    data = bytes.fromhex(body)
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0xA001 if value & 1 else 0)
    return data + value.to_bytes(2, "little")


def event(what: Literal["sent", "heard"], data: bytes, time_s: float = 0.0) -> WireEvent:
    return WireEvent(time_s, "there", what, data)


def told(framing: Framing, *frames: tuple[Literal["sent", "heard"], bytes]) -> list[str]:
    words = FrameWords(framing, PRESS)
    return [words.words(event(what, data)) for what, data in frames]


def mbap(pdu: str, unit: int = 1, transaction: int = 7) -> bytes:
    body = bytes([unit]) + bytes.fromhex(pdu)
    return transaction.to_bytes(2, "big") + b"\0\0" + len(body).to_bytes(2, "big") + body


@pytest.mark.parametrize(
    ("pdu", "words"),
    [
        ("04 0000 0024", "read input 0..35 of unit 1"),
        ("03 0002 0001", "read holding 2 of unit 1"),
        ("01 0010 0008", "read coil 16..23 of unit 1"),
        ("05 0003 ff00", "write coil 3 = on of unit 1"),
        ("06 0002 0007", "write holding 2 = 7 (heartbeat_controller) of unit 1"),
        ("10 000c 0002 04 42f00000", "write holding 12..13 = 17136, 0 (force_sp_kn) of unit 1"),
        ("0f 0000 0003 01 05", "write coil 0..2 = 1, 0, 1 of unit 1"),
        ("2b 0e 01 00", "ask for the device identification of unit 1"),
    ],
)
def test_requests_are_told_in_words(pdu: str, words: str) -> None:
    assert told("tcp", ("sent", mbap(pdu))) == [words]
    assert told("rtu", ("sent", crc("01" + pdu))) == [words]


def test_answers_are_told_by_their_requests() -> None:
    assert told("tcp", ("sent", mbap("02 0000 0003")), ("heard", mbap("02 01 05")))[1] == (
        "3 discrete bits: 1, 0, 1 of unit 1"
    )
    assert told("rtu", ("heard", crc("01 84 02"))) == ["refused with exception 2 (no such address) of unit 1"]
    assert told("rtu", ("heard", crc("01 10 000c 0002"))) == ["written: holding 12..13 of unit 1"]
    assert told("tcp", ("heard", mbap("04 04 0001 0002"))) == ["2 input registers: 1, 2 of unit 1"]


def test_parts_of_answers_are_put_together_and_glued_ones_taken_apart() -> None:
    answer = crc("01 04 02 1005")
    first, second = told("rtu", ("heard", answer[:3]), ("heard", answer[3:]))
    assert (first, second) == ("part of an answer, 3 bytes so far", "1 input registers: 4101 of unit 1")
    (glued,) = told("rtu", ("heard", answer + crc("02 04 02 0001")))
    assert glued == "1 input registers: 4101 of unit 1; 1 input registers: 1 of unit 2"
    (both,) = told("tcp", ("heard", mbap("04 02 0001") + mbap("04 02 0002", unit=3)))
    assert both == "1 input registers: 1 of unit 1; 1 input registers: 2 of unit 3"


def test_a_new_request_on_a_serial_line_begins_anew() -> None:
    answer = crc("01 04 02 1005")
    *_, last = told("rtu", ("heard", answer[:3]), ("sent", crc("01 04 0000 0001")), ("heard", answer))
    assert last == "1 input registers: 4101 of unit 1"


def test_lines_of_text_are_shown_as_text() -> None:
    assert told("ascii", ("sent", b"I2\r\n"), ("heard", b'I2 A "x'), ("heard", b'y"\r\n')) == [
        r"'I2\r\n'",
        "part of an answer, 7 bytes so far",
        r"""'I2 A "xy"\r\n'""",
    ]


@virtual
async def test_a_read_that_is_asked_again_is_told_with_the_reason() -> None:
    events: list[WireEvent] = []
    wire = ScriptedWire(drops=False)
    unit = ModbusUnit(Line(wire, tap=events.append), 1, "rtu", response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S)
    for address in ("0000", "0028"):  # both hold 7: the second answer may be a copy of the first
        wire.answers[rtu_frame(1, f"04 {address} 0001")] = rtu_frame(1, "04 02 0007")
    await ready(unit)
    assert [await unit.read("input", address, 1) for address in (0, 40)] == [[7], [7]]
    await unit.close()
    assert [event.what for event in events] == [
        *("open", "sent", "heard", "sent", "heard", "doubted", "sent", "heard", "closed")
    ]
    words = FrameWords("rtu", PRESS)
    line = [words.line(event) for event in events][5]
    assert line.endswith(
        " ** doubted: it may be the second copy of another request's answer; after silence it is asked once more"
    )
    assert events[3].data == events[6].data


def test_a_line_has_time_direction_words_and_bytes() -> None:
    words = FrameWords("tcp", PRESS)
    assert words.line(WireEvent(10.0, "host:502", "open")) == "       0.0 ms ** open: host:502"
    line = words.line(event("sent", mbap("04 0000 0001"), 10.0123))
    assert line.startswith("      12.3 ms -> read input 0 of unit 1  ")
    assert line.endswith("  00 07 00 00 00 06 01 04 00 00 00 01")


@pytest.mark.parametrize(
    ("url", "protocol", "framing"),
    [
        ("tcp://h:502", "modbus", "tcp"),
        ("rtu+tcp://h:1", "modbus", "rtu"),
        ("serial:///dev/x", "modbus", "rtu"),
        ("tcp://h:4001", "ascii", "ascii"),
    ],
)
def test_the_framing_follows_from_url_and_protocol(url: str, protocol: str, framing: str) -> None:
    assert framing_of(url, protocol) == framing


@pytest.mark.parametrize("framing", ["tcp", "rtu", "ascii"])
def test_no_bytes_break_it(framing: Framing) -> None:
    words = FrameWords(framing, PRESS)
    for size in range(14):
        for fill in (0, 1, 3, 16, 0x2B, 0xFF):
            assert isinstance(words.words(event("heard", bytes([fill]) * size)), str)
            assert isinstance(words.words(event("sent", bytes([fill]) * size)), str)
