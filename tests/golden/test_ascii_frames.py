"""Lines of the coater and of MT-SICS, typed by hand from their documents (checksums by a separate calculation)."""

from __future__ import annotations

from typing import Any

import pytest

from drivers import ascii_frame
from drivers.errors import CorruptAnswer, DeviceRefused, IdentityMismatch, InstrumentBusy, OutOfRange, WrongAnswer
from drivers.gauge import SicsInstrument
from drivers.profile_file import load_profile
from drivers.signals import AsciiSignals
from drivers.transport.memory import MemoryLine
from simulators.wire.ascii_image import AsciiImage
from tests.contract.toy_plc import ToyPlc

STATUS: dict[str, float] = {
    "heartbeat_machine": 240,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 42,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 103,
    "alarm_bits": 0,
    "phase": 8,
}
JOB: dict[str, float] = {
    "job_id": 7,
    "gap_sp_um": 340,
    "web_speed_sp_m_min": 0.4,
    "zone1_sp_c": 80,
    "zone2_sp_c": 100.5,
    "length_sp_m": 0.8,
    "tension_sp_n": 60,
    "temperature_band_k": 3,
}
RD = (b"@0101RD ST*31\r\n", b"@0101OK 240,6,1,42,1,0,103,0,8*28\r\n")
WR = (
    (
        b"@0102WR job_id=7,gap_sp_um=340,web_speed_sp_m_min=0.4,zone1_sp_c=80,zone2_sp_c=100.5,"
        b"length_sp_m=0.8,tension_sp_n=60,temperature_band_k=3*2C\r\n"
    ),
    b"@0102OK*07\r\n",
)
CM = (b"@0103CM 2,43*35\r\n", b"@0103OK*06\r\n")
HB = (b"@0104HB 5*1A\r\n", b"@0104OK*01\r\n")


class Script:
    """A peer that knows typed lines only."""

    def __init__(self, *pairs: tuple[bytes, bytes]) -> None:
        self.asked: list[bytes] = []
        self._answers = list(pairs)

    def answer(self, request: bytes) -> bytes | None:
        self.asked.append(request)
        return next((tell for ask, tell in self._answers if ask == request), None)


def coater() -> tuple[ToyPlc, AsciiImage]:
    plc = ToyPlc(load_profile("coater-generic"))
    plc.heart = False
    plc.tags |= STATUS
    return plc, AsciiImage(plc.profile, plc, lambda: 0.0)


def test_coater_server() -> None:
    plc, image = coater()
    for ask, tell in (RD, WR, CM, HB):
        assert image.answer(ask) == tell
    assert {name: plc.tags[name] for name in JOB} == JOB
    assert plc.executed == ["start"]
    assert plc.beats == [5]


@pytest.mark.parametrize(
    ("ask", "tell"),
    [
        (b"@0105WR gap_sp_um=1001*71\r\n", b"@0105ER 3*00\r\n"),
        (b"@0106XX*07\r\n", b"@0106ER 1*01\r\n"),
        (b"@0107RD ZZ*30\r\n", b"@0107ER 2*03\r\n"),
        (b"@0108WR zone1_c=1*33\r\n", b"@0108ER 4*0A\r\n"),
        (b"@01A3RD ST*42\r\n", b"@01A3OK 240,6,1,42,1,0,103,0,8*5B\r\n"),
        (b"@01A3RD ST*43\r\n", None),  # a wrong checksum
        (b"@0201RD ST*32\r\n", None),  # another address
        (b"hello\r\n", None),
        (b"\r\n", None),
    ],
)
def test_coater_server_edges(ask: bytes, tell: bytes | None) -> None:
    assert coater()[1].answer(ask) == tell


async def test_coater_driver() -> None:
    peer = Script(RD, WR, CM, HB)
    transport = MemoryLine(peer)
    await transport.open()
    profile = load_profile("coater-generic")
    signals = AsciiSignals(profile, transport)
    values = await signals.read(profile.block("ST"))
    assert [float(text) for text in values] == list(STATUS.values())
    await signals.write_job(JOB)
    await signals.write_command(profile.number("command", "start"), 43)
    await signals.write_heartbeat(5)
    assert peer.asked == [RD[0], WR[0], CM[0], HB[0]]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"@0101OK 240,6,1,42,1,0,103,0,8*29\r\n", CorruptAnswer),
        (b"@0101OK 240\r\n", CorruptAnswer),
        (b"@01A3OK 240,6,1,42,1,0,103,0,8*5B\r\n", WrongAnswer),  # another request's tag
        (b"@0105ER 3*00\r\n", WrongAnswer),
    ],
)
async def test_coater_driver_takes_no_wrong_line(answer: bytes, error: type[Exception]) -> None:
    transport = MemoryLine(Script((RD[0], answer)))
    await transport.open()
    profile = load_profile("coater-generic")
    with pytest.raises(error):
        await AsciiSignals(profile, transport).read(profile.block("ST"))


def test_an_error_line_is_a_refusal() -> None:
    with pytest.raises(DeviceRefused) as caught:
        ascii_frame.accepted(ascii_frame.parse(b"@0105ER 3*00\r\n", "01", 5))
    assert caught.value.code == 3


IDENTITY = (b"I2\r\n", b'I2 A "PL-TG50 5000 um"\r\n')


def gauge(*pairs: tuple[bytes, bytes]) -> tuple[SicsInstrument, Script]:
    script = Script(IDENTITY, *pairs)
    return SicsInstrument("gauge", load_profile("thickness-gauge-sics"), MemoryLine(script)), script


async def test_gauge_lines() -> None:
    instrument, script = gauge(
        (b"S\r\n", b"S S     139.62 um\r\n"), (b"Z\r\n", b"Z A\r\n"), (b"T\r\n", b"T S       0.00 um\r\n")
    )
    reading = await instrument.stable()
    assert (reading.value, reading.unit) == (139.62, "um")
    await instrument.zero()
    await instrument.tare()
    assert script.asked == [b"I2\r\n", b"S\r\n", b"Z\r\n", b"T\r\n"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"S +\r\n", OutOfRange),
        (b"S -\r\n", OutOfRange),
        (b"S S    5100.00 um\r\n", OutOfRange),
        (b"ES\r\n", DeviceRefused),
        (b"S S     139.62 mm\r\n", WrongAnswer),
        (b"S S        abc um\r\n", CorruptAnswer),
        (b"Z A\r\n", WrongAnswer),
        (b"S S     139.62 um\n", CorruptAnswer),
    ],
)
async def test_gauge_refusals(answer: bytes, error: type[Exception]) -> None:
    with pytest.raises(error):
        await gauge((b"S\r\n", answer))[0].stable()


async def test_a_restless_gauge_is_asked_a_limited_number_of_times(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("drivers.gauge._BETWEEN_S", 0.001)
    instrument, script = gauge((b"S\r\n", b"S I\r\n"))
    with pytest.raises(InstrumentBusy):
        await instrument.stable()
    assert script.asked.count(b"S\r\n") == 5


async def test_another_instrument_is_refused() -> None:
    other: Any = Script((b"I2\r\n", b'I2 A "PL-AB210 220 g"\r\n'))
    instrument = SicsInstrument("gauge", load_profile("thickness-gauge-sics"), MemoryLine(other))
    with pytest.raises(IdentityMismatch):
        await instrument.stable()
