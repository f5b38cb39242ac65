"""Lines of the coater and of MT-SICS, typed by hand from their documents (checksums by a separate calculation)."""

from __future__ import annotations

import pytest

from drivers.ascii_signals import AsciiSignals
from drivers.errors import (
    CorruptAnswer,
    DeviceRefused,
    DriverError,
    InstrumentBusy,
    OutcomeUnknown,
    OutOfRange,
    WrongAnswer,
)
from drivers.profile_file import load_profile
from simulators.wire.ascii_image import AsciiImage
from tests.drivers.ascii_peer import AsciiPeer, Values
from tests.golden.documents import tables

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
    "lease_owner": 4660,
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
RD = (b"@0101RD ST*31\r\n", b"@0101OK 240,6,1,42,1,0,103,0,8,4660*00\r\n")
WR = (
    (
        b"@0102WR job_id=7,gap_sp_um=340,web_speed_sp_m_min=0.4,zone1_sp_c=80,zone2_sp_c=100.5,"
        b"length_sp_m=0.8,tension_sp_n=60,temperature_band_k=3*2C\r\n"
    ),
    b"@0102OK*07\r\n",
)
CM = (b"@0103CM 2,43*35\r\n", b"@0103OK*06\r\n")
HB = (b"@0104HB 5,4660*32\r\n", b"@0104OK*01\r\n")


def coater() -> tuple[Values, AsciiImage]:
    plc = Values(load_profile("coater-generic"), STATUS)
    return plc, AsciiImage(plc.profile, plc, lambda: 0.0)


def test_coater_server() -> None:
    plc, image = coater()
    for ask, tell in (RD, WR, CM, HB):
        assert image.answer(ask) == tell
    assert plc.written == [
        JOB,
        {"command_code": 2, "command_sequence": 43},
        {"heartbeat_controller": 5, "lease_request": 4660},
    ]


@pytest.mark.parametrize(
    ("ask", "tell"),
    [
        (b"@010AWR gap_sp_um=340*32\r\n", b"@010AOK*74\r\n"),
        (b"@0106XX*07\r\n", b"@0106ER 1*01\r\n"),
        (b"@0107RD ZZ*30\r\n", b"@0107ER 2*03\r\n"),
        (b"@0101WR nonsense=1*28\r\n", b"@0101ER 2*05\r\n"),
        (b"@0108WR zone1_c=1*33\r\n", b"@0108ER 4*0A\r\n"),
        (b"@0101WR job_id=1_0*73\r\n", b"@0101ER 3*04\r\n"),
        (b"@0101WR gap_sp_um=nan*14\r\n", b"@0101ER 3*04\r\n"),
        (b"@0101CM 2,70000*07\r\n", b"@0101ER 3*04\r\n"),
        (b"@01A3RD ST*42\r\n", b"@01A3OK 240,6,1,42,1,0,103,0,8,4660*73\r\n"),
        (b"@01A3RD ST*43\r\n", None),  # a wrong checksum
        (b"@01a3RD ST*62\r\n", None),  # a tag in small letters
        (b"@0201RD ST*32\r\n", None),  # another unit
        (b"@0101RD ST*31\n", None),
        (b"hello\r\n", None),
        (b"\r\n", None),
    ],
)
def test_coater_server_edges(ask: bytes, tell: bytes | None) -> None:
    assert coater()[1].answer(ask) == tell


@pytest.mark.parametrize(
    ("code", "ask", "tell"),
    [
        (3, b"@0105WR gap_sp_um=1001*71\r\n", b"@0105ER 3*00\r\n"),
        (6, b"@0109HB 6,9*01\r\n", b"@0109ER 5*0A\r\n"),  # owned by another
        (6, b"@0109CM 2,43*3F\r\n", b"@0109ER 6*09\r\n"),  # busy
    ],
)
def test_coater_server_refuses(code: int, ask: bytes, tell: bytes) -> None:
    plc, image = coater()
    plc.refusal = DeviceRefused(code)
    assert image.answer(ask) == tell


async def test_coater_driver() -> None:
    peer = AsciiPeer.script(RD, WR, CM, HB)
    profile = load_profile("coater-generic")
    signals = AsciiSignals(profile, peer)
    values = await signals.read(profile.block("ST"))
    assert [float(text) for text in values] == list(STATUS.values())
    await signals.write_job(JOB)
    await signals.write_command(profile.number("command", "start"), 43)
    await signals.write_heartbeat(5, 4660)
    assert peer.asked == [RD[0], WR[0], CM[0], HB[0]]


async def test_coater_driver_writes_one_value() -> None:
    peer = AsciiPeer.script((b"@0101WR gap_sp_um=340*42\r\n", b"@0101OK*04\r\n"))
    profile = load_profile("coater-generic")
    await AsciiSignals(profile, peer).write_signal(profile.signals["gap_sp_um"], 340.0)
    assert peer.asked == [b"@0101WR gap_sp_um=340*42\r\n"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"@0101OK 240,6,1,42,1,0,103,0,8,4660*01\r\n", CorruptAnswer),
        (b"@0101OK 240\r\n", CorruptAnswer),
        (b"@0101OK 240,6,1,42,1,0,103,0,8,4660*00\n", CorruptAnswer),  # no CR
        (b"@0101OK 240,6,1,42,1,0,103,0,1_0,4660*66\r\n", CorruptAnswer),
        (b"@0101OK 240,6,1,42,1,0,103,0,nan,0*6D\r\n", CorruptAnswer),
        (b"@01A3OK 240,6,1,42,1,0,103,0,8,4660*73\r\n", WrongAnswer),  # another request's tag
        (b"@0201OK 240,6,1,42,1,0,103,0,8,4660*03\r\n", WrongAnswer),  # another unit
        (b"@0101OK 240,6,1,42,1,0,103,0,8*28\r\n", WrongAnswer),  # a value too few
        (b"@0101OK 240,6,1,42,1,0,103,0,8,4660,1*1D\r\n", WrongAnswer),  # a value too many
        (b"@0101OK*04\r\n", WrongAnswer),  # the answer to a write
        (b"@0101RD ST*31\r\n", WrongAnswer),  # an echo
        (b"@0101ER 9*0E\r\n", WrongAnswer),  # a refusal that the document does not have
        (b"@0101ER 2*05\r\n", DeviceRefused),
    ],
)
async def test_coater_driver_takes_no_wrong_line(answer: bytes, error: type[Exception]) -> None:
    profile = load_profile("coater-generic")
    with pytest.raises(error):
        await AsciiSignals(profile, AsciiPeer.script((RD[0], answer))).read(profile.block("ST"))


async def test_a_heartbeat_for_another_masters_coater_is_refused_with_5() -> None:
    peer = AsciiPeer.script((b"@0101HB 5,4660*37\r\n", b"@0101ER 5*02\r\n"))
    with pytest.raises(DeviceRefused, match="owned by another master") as caught:
        await AsciiSignals(load_profile("coater-generic"), peer).write_heartbeat(5, 4660)
    assert caught.value.code == 5


IDENTITY = (b"I2\r\n", b'I2 A "PL-TG50 5000 um"\r\n')


def gauge(*pairs: tuple[bytes, bytes]) -> tuple[AsciiSignals, AsciiPeer]:
    peer = AsciiPeer.script(*pairs)
    return AsciiSignals(load_profile("thickness-gauge-sics"), peer), peer


async def test_gauge_lines() -> None:
    signals, peer = gauge(
        IDENTITY,
        (b"S\r\n", b"S S     139.62 um\r\n"),
        (b"Z\r\n", b"Z A\r\n"),
        (b"T\r\n", b"T S      -0.04 um\r\n"),
    )
    assert await signals.identify() == "PL-TG50 5000 um"
    assert await signals.read(load_profile("thickness-gauge-sics").block("S")) == ["139.62"]
    assert await signals.act("zero") == ""
    assert await signals.act("tare") == "-0.04"
    assert peer.asked == [b"I2\r\n", b"S\r\n", b"Z\r\n", b"T\r\n"]


async def test_balance_line() -> None:
    profile = load_profile("balance-sics")
    signals = AsciiSignals(profile, AsciiPeer.script((b"S\r\n", b"S S    21.0003 g\r\n")))
    assert await signals.read(profile.block("S")) == ["21.0003"]


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"S I\r\n", InstrumentBusy),
        (b"S +\r\n", OutOfRange),
        (b"S -\r\n", OutOfRange),
        (b"ES\r\n", DeviceRefused),
        (b"ET\r\n", DeviceRefused),
        (b"EL\r\n", DeviceRefused),
        (b"S S     139.62 mm\r\n", WrongAnswer),
        (b"S S        abc um\r\n", CorruptAnswer),
        (b"S S        nan um\r\n", CorruptAnswer),
        (b"S S    1.39E+2 um\r\n", CorruptAnswer),
        (b"S S     139.62 um\n", CorruptAnswer),
        (b"S S     139.\xb62 um\r\n", CorruptAnswer),
        (b"S D     139.62 um\r\n", WrongAnswer),  # not stable
        (b"T S     139.62 um\r\n", WrongAnswer),
        (b"T I\r\n", WrongAnswer),
        (b"Z A\r\n", WrongAnswer),
    ],
)
async def test_gauge_refusals(answer: bytes, error: type[DriverError]) -> None:
    with pytest.raises(error) as caught:
        await gauge((b"S\r\n", answer))[0].read(load_profile("thickness-gauge-sics").block("S"))
    assert type(caught.value) is error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (b"T I\r\n", InstrumentBusy),
        (b"T +\r\n", OutOfRange),
        (b"EL\r\n", DeviceRefused),
        (b"Z A\r\n", OutcomeUnknown),
        (b"T S       0.00 mm\r\n", OutcomeUnknown),
        (b"T S       0.0", OutcomeUnknown),
    ],
)
async def test_a_tare_without_its_answer_is_an_unknown_outcome(answer: bytes, error: type[DriverError]) -> None:
    with pytest.raises(error) as caught:
        await gauge((b"T\r\n", answer))[0].act("tare")
    assert type(caught.value) is error


async def test_silence_after_zero_is_an_unknown_outcome() -> None:
    with pytest.raises(OutcomeUnknown, match="Z was sent"):
        await gauge()[0].act("zero")


@pytest.mark.parametrize(
    ("name", "document", "heading"),
    [
        ("coater-generic", "coater-generic", "Errors"),
        ("coater-four-zone", "coater-four-zone", "Errors"),
        ("thickness-gauge-sics", "mt-sics", "Refusals"),
        ("balance-sics", "mt-sics", "Refusals"),
    ],
)
def test_refusals_are_the_documents(name: str, document: str, heading: str) -> None:
    line = load_profile(name).line
    assert line is not None
    told = {
        (row["Answer"].replace("<command>", "{verb}"), row["Means"], row["Code"]) for row in tables(document)[heading]
    }
    assert {(r.reply, r.means, str(r.code or "")) for r in line.refusals} == told
