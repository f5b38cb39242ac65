"""Recordings: written as it happened, read back, and told where they are wrong."""

from __future__ import annotations

import struct
import tracemalloc
from pathlib import Path

import pytest

from drivers.errors import CaptureError
from drivers.transport.recording import Recorder, read_capture, to_pcap
from drivers.transport.wire import WireEvent

EVENTS = [
    WireEvent(1.0, "press:502", "open"),
    WireEvent(1.25, "press:502", "sent", b"\x00\x01\xff"),
    WireEvent(1.5, "press:502", "heard", b"\x02"),
    WireEvent(1.75, "press:502", "heard", b"\x03"),
    WireEvent(1.8, "press:502", "doubted", note="asked once more"),
    WireEvent(2.0, "press:502", "lost", note='the "cable"\nwas pulled'),
]
HEAD = '{"pressline_wire":1,"utc":""}\n'


def test_what_is_recorded_is_read(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    with Recorder(path, utc="2026-01-01T00:00:00Z") as recorder:
        for event in EVENTS:
            recorder(event)
    assert read_capture(path) == EVENTS
    assert path.read_text().startswith('{"pressline_wire":1,"utc":"2026-01-01T00:00:00Z"}\n')
    recorder(EVENTS[0])
    recorder.close()
    assert read_capture(path) == EVENTS
    assert recorder.fault == ""


def test_a_long_recording_is_written_as_it_grows(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    with Recorder(path) as recorder:
        for number in range(5000):
            recorder(WireEvent(float(number), "port", "heard", bytes(8)))
        assert len(path.read_text()) > 100_000
    assert len(read_capture(path)) == 5000


def test_a_recording_of_a_day_keeps_nothing_in_memory(tmp_path: Path) -> None:
    """The buffer is 64 kB of text; twenty thousand events are 11 MB."""
    data = bytes(250)

    def told(recorder: Recorder, count: int) -> None:
        for number in range(count):
            recorder(WireEvent(float(number), "port", "heard", data))

    with Recorder(tmp_path / "wire.jsonl") as recorder:
        told(recorder, 1000)  # what is made once is made
        tracemalloc.start()
        try:
            told(recorder, 20_000)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert recorder.events == 21_000
    assert recorder.path.stat().st_size > 10_000_000
    assert peak < 500_000


def test_a_recording_is_not_written_over(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        Recorder(path)
    assert path.read_text() == "mine"


def test_a_full_disk_ends_the_recording_and_nothing_else() -> None:
    recorder = Recorder.__new__(Recorder)
    full = Path("/dev/full")
    recorder.path, recorder.fault, recorder._buffer, recorder._size = full, "", [], 0
    recorder.events = 0
    recorder._file = full.open("w", encoding="utf-8")
    for number in range(5000):
        recorder(WireEvent(float(number), "port", "heard", bytes(8)))
    assert "No space left" in recorder.fault
    recorder.close()
    recorder.close()


def test_a_last_line_that_was_cut_off_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    with Recorder(path) as recorder:
        for event in EVENTS:
            recorder(event)
    path.write_bytes(path.read_bytes()[:-7])
    assert read_capture(path) == EVENTS[:-1]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ":1: no recording"),
        ("{}\n", ":1: no recording"),
        ("[]\n", ":1: no recording"),
        ('{"pressline_wire":2}\n', ":1: no recording"),
        (HEAD + "nonsense\n", ":2: no JSON"),
        (HEAD + "[" * 100_000 + "\n", ":2: no JSON"),
        (HEAD + '{"t":"1","place":"a","what":"open"}\n', ":2: t is no number"),
        (HEAD + '{"t":true,"place":"a","what":"open"}\n', ":2: t is no number"),
        (HEAD + '{"t":NaN,"place":"a","what":"open"}\n', ":2: t is no number"),
        (HEAD + '{"t":1,"place":"a","what":["open"]}\n', ":2: what is"),
        (HEAD + '{"t":1,"place":"a","what":"open"}\n{"t":1,"what":"open"}\n', ":3: there is no place"),
        (HEAD + '{"t":1,"place":"a","what":"sent","hex":"0"}\n', ":2: hex"),
    ],
)
def test_a_wrong_recording_is_told(tmp_path: Path, text: str, told: str) -> None:
    path = tmp_path / "wire.jsonl"
    path.write_text(text)
    with pytest.raises(CaptureError) as caught:
        read_capture(path)
    assert str(caught.value).startswith(f"{path}{told}")


def test_a_recording_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="cannot be read"):
        read_capture(tmp_path / "none")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CaptureError, match="cannot be read"):
        read_capture(tmp_path / "bytes")


@pytest.mark.parametrize(("framing", "packets"), [("tcp", 6), ("rtu", 5)])
def test_a_packet_capture_has_right_lengths(tmp_path: Path, framing: str, packets: int) -> None:
    path = tmp_path / "wire.pcap"
    to_pcap(EVENTS, path, framing)  # type: ignore[arg-type]
    data, at, seen = path.read_bytes(), 24, []
    while at < len(data):
        seconds, micros, size, _ = struct.unpack_from("<IIII", data, at)
        frame = data[at + 16 : at + 16 + size]
        assert struct.unpack_from(">H", frame, 16)[0] == size - 14
        seen.append((seconds + micros / 1e6, frame[54:]))
        at += 16 + size
    assert len(seen) == packets
    assert b"".join(payload for _, payload in seen) == b"\x00\x01\xff\x02\x03"
    assert seen[3] == (1.25, b"\x00\x01\xff")
