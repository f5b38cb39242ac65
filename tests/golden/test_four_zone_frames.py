"""Lines of the coater with four zones, typed by hand from its document (checksums by a separate calculation)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from drivers.ascii_signals import AsciiSignals
from drivers.errors import WrongAnswer
from drivers.profile_file import load_profile
from simulators.wire.ascii_image import AsciiImage
from tests.drivers.ascii_peer import AsciiPeer, Values

NAME = "coater-four-zone"
READINGS: dict[str, float] = {
    "web_speed_m_min": 0.4,
    "zone1_c": 60.01,
    "zone2_c": 70.02,
    "zone3_c": 80.03,
    "zone4_c": 90.04,
    "gap_um": 340,
    "tension_n": 60,
    "lel_pct": 12.5,
    "coating_weight_mg_cm2": 20.012,
    "residual_solvent_pct": 1.5,
    "coated_length_m": 0.25,
    "exhaust_m3_min": 6,
    "cycle_count": 3,
}
JOB: dict[str, float] = {
    "job_id": 7,
    "gap_sp_um": 340,
    "web_speed_sp_m_min": 0.4,
    "zone1_sp_c": 60,
    "zone2_sp_c": 70,
    "zone3_sp_c": 80.5,
    "zone4_sp_c": 90,
    "length_sp_m": 0.8,
    "tension_sp_n": 60,
    "temperature_band_k": 3,
}
IDENTITY: dict[str, float] = {"model_code": 4305, "firmware": 110, "serial_number": 17}
PV = (b"@0101RD PV*30\r\n", b"@0101OK 0.4,60.01,70.02,80.03,90.04,340,60,12.5,20.012,1.5,0.25,6,3*0A\r\n")
WR = (
    (
        b"@0102WR job_id=7,gap_sp_um=340,web_speed_sp_m_min=0.4,zone1_sp_c=60,zone2_sp_c=70,zone3_sp_c=80.5,"
        b"zone4_sp_c=90,length_sp_m=0.8,tension_sp_n=60,temperature_band_k=3*12\r\n"
    ),
    b"@0102OK*07\r\n",
)
JE = (b"@0103RD JE*3B\r\n", b"@0103OK 7,340,0.4,60,70,80.5,90,0.8,60,3*28\r\n")
ID = (b"@0104RD ID*3E\r\n", b"@0104OK 4305,110,17*15\r\n")


def test_the_server() -> None:
    echo = {f"{name}_echo": value for name, value in JOB.items()}
    plc = Values(load_profile(NAME), READINGS | echo | IDENTITY)
    image = AsciiImage(plc.profile, plc, lambda: 0.0)
    for ask, tell in (PV, WR, JE, ID):
        assert image.answer(ask) == tell
    assert plc.written == [JOB]


@pytest.mark.parametrize(
    ("ask", "tell"),
    [
        (b"@0108WR zone4_c=1*36\r\n", b"@0108ER 4*0A\r\n"),
        (b"@0109WR zone5_sp_c=80*53\r\n", b"@0109ER 2*0D\r\n"),
    ],
)
def test_the_server_refuses_to_set_a_reading_and_a_fifth_zone(ask: bytes, tell: bytes) -> None:
    plc = Values(load_profile(NAME), {})
    assert AsciiImage(plc.profile, plc, lambda: 0.0).answer(ask) == tell


async def test_the_driver() -> None:
    peer = AsciiPeer.script(PV, WR, JE, ID)
    profile = load_profile(NAME)
    signals = AsciiSignals(profile, peer)
    readings = await signals.read(profile.block("PV"))
    await signals.write_job(JOB)
    echo = await signals.read(profile.block("JE"))
    identity = await signals.read(profile.block("ID"))
    for told, known in ((readings, READINGS), (echo, JOB), (identity, IDENTITY)):
        assert [float(text) for text in told] == list(known.values())
    assert peer.asked == [PV[0], WR[0], JE[0], ID[0]]


async def test_the_two_zone_coaters_readings_are_not_taken() -> None:
    profile = load_profile(NAME)
    two_zones = b"@0101OK 0.4,60.01,70.02,340,60,12.5,20.012,1.5,0.25,6,3*0C\r\n"
    with pytest.raises(WrongAnswer):
        await AsciiSignals(profile, AsciiPeer.script((PV[0], two_zones))).read(profile.block("PV"))


def test_all_that_is_not_of_a_zone_is_as_with_the_generic_coater() -> None:
    generic, own = load_profile("coater-generic"), load_profile(NAME)
    for what in ("line", "commands", "enums", "timing", "safe_state"):
        assert getattr(own, what) == getattr(generic, what), what
    assert {name for name in own.signals if name not in generic.signals} == {
        f"zone{number}_{end}" for number in (3, 4) for end in ("c", "sp_c", "sp_c_echo")
    }
    differ = {
        name
        for name, signal in generic.signals.items()
        if replace(own.signals[name], meaning="") != replace(signal, meaning="")
    }
    assert differ == set()
    assert own.identity["model_code"] != generic.identity["model_code"]
