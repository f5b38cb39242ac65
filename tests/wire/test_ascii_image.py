"""A simulated controller obeys any ASCII profile, in framing code of its own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.ascii_signals import AsciiSignals
from drivers.errors import DeviceRefused, ProfileError
from drivers.profile import AsciiLine, AsciiRequest, Block, Profile, Signal, Timing
from drivers.profile_file import load_profile
from simulators.wire.ascii_image import AsciiImage, _text, framed
from tests.drivers.ascii_peer import AsciiPeer, Values


def connected(profile: Profile, unit: int = 1, **tags: Any) -> tuple[AsciiSignals, Values]:
    plc = Values(profile, tags)
    return AsciiSignals(profile, AsciiPeer(AsciiImage(profile, plc, lambda: 0.0, unit).answer, unit)), plc


def coater(line: AsciiLine | None = None) -> Profile:
    profile = load_profile("coater-generic")
    return profile if line is None else replace(profile, line=line)


LINE = coater().line or AsciiLine()
CRC = replace(LINE, check_kind="crc16", terminator="\r", request=">{unit:03d} {body}!{check}", check_between=(">", "!"))
OTHER = replace(CRC, reply="<{unit:03d} {body}{check}", check_between=("", ""), request="{unit:03d} {body}{check}")
PLAIN = AsciiLine(
    terminator="\n",
    read=AsciiRequest("?{block}", "{values}", separator=" "),
    write=AsciiRequest("{name}:{value}", "{name} is {value}"),
    command=AsciiRequest("go {command_code} {command_sequence}", "gone {command_sequence}"),
    heartbeat=AsciiRequest("beat {heartbeat_controller}", "{verb}"),
)


@pytest.mark.parametrize("line", [LINE, replace(CRC, reply=">{unit:03d} {body}!{check}"), OTHER])
async def test_one_controller_on_lines_of_many_kinds(line: AsciiLine) -> None:
    profile = coater(line)
    layer, plc = connected(profile, 42, gap_um=340.25, web_speed_m_min=-0.0000001, cycle_count=7)
    values = await layer.read(profile.block("PV"))
    assert (values[0], values[3], values[-1]) == ("-0.0000001", "340.25", "7")
    await layer.write_job({signal.name: 21.0 for signal in profile.job})
    await layer.write_command(2, 43)
    await layer.write_heartbeat(5, 77)
    await layer.write_signal(profile.signals["gap_sp_um"], 12.5)
    assert plc.written[1:] == [
        {"command_code": 2, "command_sequence": 43},
        {"heartbeat_controller": 5, "lease_request": 77},
        {"gap_sp_um": 12.5},
    ]
    with pytest.raises(DeviceRefused) as caught:
        await layer.write_signal(profile.signals["gap_um"], 1.0)
    assert caught.value.code == 4


@given(st.data())
def test_a_job_arrives_as_it_was_sent(data: st.DataObject) -> None:
    profile = coater()
    layer, plc = connected(profile)
    job = {s.name: data.draw(st.floats(*(s.limits or (0.0, 1.0)), width=64), s.name) for s in profile.job}
    job["job_id"] = float(data.draw(st.integers(1, 2**32 - 1)))
    asyncio.run(layer.write_job(job))
    assert plc.written == [pytest.approx(job, rel=1e-8, abs=1e-20)]
    assert plc.written[0]["job_id"] == job["job_id"]


async def test_requests_and_replies_may_repeat_what_was_sent() -> None:
    profile = coater(PLAIN)
    layer, plc = connected(profile)
    await layer.write_signal(profile.signals["gap_sp_um"], 12.5)
    await layer.write_command(2, 43)
    await layer.write_heartbeat(5, 77)
    assert plc.written == [
        {"gap_sp_um": 12.5},
        {"command_code": 2, "command_sequence": 43},
        {"heartbeat_controller": 5},
    ]


def test_a_line_without_refusals_is_silent_instead() -> None:
    profile = coater(PLAIN)
    image = AsciiImage(profile, Values(profile, {}), lambda: 0.0)
    assert image.answer(b"?ZZ\n") is None
    assert image.answer(b"nonsense:1\n") is None


async def test_an_instrument_is_read_identified_and_tared() -> None:
    profile = load_profile("thickness-gauge-sics")
    layer, _ = connected(profile, thickness_um=139.62)
    assert await layer.read(profile.block("S")) == ["139.62"]
    assert "PL-TG50" in (await layer.identify()).split()
    assert await layer.act("zero") == ""
    assert await layer.act("tare") == "139.62"


UNITS = Profile(
    name="hot-plate",
    kind="gauge",
    protocol="ascii",
    identity={},
    timing=Timing(1.0, 0.1),
    signals={
        signal.name: signal
        for signal in (
            Signal("label", "text", "what is written on it"),
            Signal("power_w", "scientific", "power", access="rw", unit="W", range=(0.0, 1e6)),
            Signal("energy", "scientific", "energy in units of 3600 s", scale=3600.0, unit="s"),
        )
    },
    blocks=(Block("P", ("power_w",)), Block("E", ("energy",)), Block("L", ("label",))),
    line=AsciiLine(
        read=AsciiRequest("{block}?", "{value} {unit_text}"),
        write=AsciiRequest("{name}={value}", "OK {value} {unit_text}"),
        actions={"tare": AsciiRequest("T", "T {value} {unit_text}")},
    ),
)


async def test_units_and_exponents_are_sent_as_the_driver_takes_them() -> None:
    layer, plc = connected(UNITS, power_w=1234.5, energy=7.2e-6)
    assert await layer.read(UNITS.block("P")) == ["+1.234500E+03"]
    assert await layer.read(UNITS.block("E")) == ["+2.000000E-09"]
    assert await layer.act("tare") == "+1.234500E+03"  # of the first value that has a unit
    await layer.write_signal(UNITS.signals["power_w"], 80.25)
    assert plc.written == [{"power_w": 80.25}]


@pytest.mark.parametrize("ask", [b"X\r\n", b"S 1\r\n", b"s\r\n", b"I3\r\n"])
def test_an_instrument_does_not_know_everything(ask: bytes) -> None:
    profile = load_profile("balance-sics")
    assert AsciiImage(profile, Values(profile, {}), lambda: 0.0).answer(ask) == b"ES\r\n"


def test_a_profile_without_a_line_is_refused() -> None:
    profile = load_profile("uniaxial-press-generic")
    with pytest.raises(ProfileError):
        AsciiImage(profile, Values(profile, {}), lambda: 0.0)


@pytest.mark.parametrize("value", [0.0, -3.25, 1e-7, 2.5e9, 123456.789, 1e-30, float("nan")])
@pytest.mark.parametrize("whole", [7, 7.0, 0xFFFF, True])
def test_a_block_is_written_as_its_values_are_one_by_one(value: float, whole: float) -> None:
    profile = coater()
    shown = {**dict.fromkeys(profile.signals, 0), "zone1_c": value, "lel_pct": value, "cycle_count": whole}
    controller = Values(profile, shown)
    image = AsciiImage(profile, controller, lambda: 0.0)
    names = profile.block("PV").signals

    def written() -> list[str]:
        answer = image.answer(framed(LINE, LINE.request, 1, 5, "RD PV").encode() + b"\r\n")
        assert answer is not None
        return answer.decode().removeprefix("@0105OK ").split("*")[0].split(",")

    one_by_one = [_text(profile.signals[name], shown[name]) for name in names]
    assert written() == one_by_one
    del controller.tags["cycle_count"]
    assert written() == ["0" if name == "cycle_count" else text for name, text in zip(names, one_by_one, strict=True)]
