"""The presses' typed frames: the server answers with them, the driver sends and understands them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Decoder, Snapshot
from drivers.signals import RegisterSignals
from drivers.transport.modbus import ModbusUnit
from drivers.transport.urls import open_transport
from simulators.wire.image import RegisterImage
from simulators.wire.modbus_server import answer_rtu, answer_tcp
from simulators.wire.pty import PtyPort
from tests.contract.toy_plc import ToyPlc
from tests.golden.press_frames import (
    BEAT_ASK,
    BEAT_TELL,
    BEATS_OF_OTHERS,
    GIVE_BACK_ASK,
    ISO_BEAT_ASK,
    ISO_BEAT_TELL,
    ISO_HOLD_ASK,
    ISO_HOLD_TELL,
    ISO_JOB,
    ISO_JOB_ASK,
    ISO_JOB_TELL,
    ISO_OWNED_TELL,
    ISO_REFUSED_TELL,
    ISO_STATUS,
    ISO_STATUS_ASK,
    ISO_STATUS_TELL,
    JOB,
    JOB_ASK,
    JOB_TELL,
    OWNED_TELL,
    REFUSED_TELL,
    START_ASK,
    START_TELL,
    STATUS,
    STATUS_ASK,
    STATUS_TELL,
)


def machine(name: str, tags: dict[str, float]) -> tuple[ToyPlc, RegisterImage]:
    plc = ToyPlc(load_profile(name))
    plc.heart = False
    plc.tags |= tags
    return plc, RegisterImage(plc.profile, plc, lambda: 0.0)


# ---- our server, fed with the typed bytes


def test_press_server() -> None:
    plc, image = machine("uniaxial-press-generic", STATUS)
    assert answer_rtu(image, 1, BEAT_ASK) == BEAT_TELL
    assert plc.beats == [5]
    assert answer_rtu(image, 1, STATUS_ASK) == STATUS_TELL
    assert answer_rtu(image, 1, JOB_ASK) == JOB_TELL
    assert {name: plc.tags[name] for name in JOB} == JOB
    assert answer_rtu(image, 1, START_ASK) == START_TELL
    assert (plc.executed, plc.tags["acknowledged_sequence"]) == (["start"], 43)


def test_press_server_has_one_master() -> None:
    plc, image = machine("uniaxial-press-generic", {})
    assert answer_rtu(image, 1, BEAT_ASK) == BEAT_TELL
    for beat in BEATS_OF_OTHERS:
        assert answer_rtu(image, 1, beat) == OWNED_TELL
    assert image.read("input", 19, 1) == [41342]
    assert answer_rtu(image, 1, GIVE_BACK_ASK) == BEAT_TELL
    assert image.read("input", 19, 1) == [0]
    assert answer_rtu(image, 1, BEATS_OF_OTHERS[0]) == BEAT_TELL
    assert image.read("input", 19, 1) == [4660]
    assert plc.beats == [5, 6, 6]


@pytest.mark.parametrize(
    ("ask", "tell"),
    [
        ("01 04 0000 007D 302B", "01 84 02 C2C1"),  # past the end
        ("01 10 000C 0002 04 447A 4000 F713", "01 90 03 0C01"),  # 1001 kN
        ("01 07 41E2", "01 87 01 8230"),  # a function it does not have
        ("01 03 0000 0004 4409", "01 03 08 0000 0000 0000 0000 95D7"),
        ("01 06 0002 0007 69C8", "01 06 0002 0007 69C8"),  # a heartbeat without a number, of nobody's press
        ("02 04 0000 0024 F022", ""),  # another unit
        ("01 04 0000 0024 F012", ""),  # a broken CRC
    ],
)
def test_press_server_edges(ask: str, tell: str) -> None:
    _, image = machine("uniaxial-press-generic", {})
    assert answer_rtu(image, 1, bytes.fromhex(ask)) == (bytes.fromhex(tell) or None)


def test_press_tells_that_the_hands_were_taken_away() -> None:
    plc, image = machine("uniaxial-press-generic", {"alarm_bits": 1 << 6})
    ask, tell = bytes.fromhex("01 04 0011 0001 61CF"), bytes.fromhex("01 04 02 0040 B8C0")
    assert answer_rtu(image, 1, ask) == tell
    seen = Snapshot.of("press", plc.profile, 0.0, {"alarm_bits": 0x0040})
    assert seen.bits("alarm_bits") == ("two_hand_released",)


def test_isostatic_server() -> None:
    plc, image = machine("isostatic-press-generic", ISO_STATUS)
    assert answer_tcp(image, 1, ISO_BEAT_ASK) == ISO_BEAT_TELL
    assert answer_tcp(image, 1, ISO_STATUS_ASK) == ISO_STATUS_TELL
    assert answer_tcp(image, 1, ISO_JOB_ASK) == ISO_JOB_TELL
    assert {name: plc.tags[name] for name in ISO_JOB} == ISO_JOB
    assert answer_tcp(image, 1, ISO_HOLD_ASK) == ISO_HOLD_TELL
    assert plc.executed == ["hold"]
    assert answer_tcp(image, 1, bytes.fromhex("0001 0000 0006 01 04 0000 0070")) == ISO_REFUSED_TELL
    assert answer_tcp(image, 1, bytes.fromhex("0001 0000 0006 02 04 0000 002A")) is None


# ---- our driver against a peer that knows the typed bytes only


@asynccontextmanager
async def rtu_peer(folder: Path, profile: Profile, script: dict[bytes, bytes]) -> AsyncIterator[RegisterSignals]:
    port = PtyPort(folder / "port", script.get)
    port.plug()
    transport = open_transport(f"serial://{port.link}?unit=1", quick(profile))
    try:
        await transport.open()
        assert isinstance(transport, ModbusUnit)
        yield RegisterSignals(profile, transport)
    finally:
        await transport.close()
        port.unplug()


@asynccontextmanager
async def tcp_peer(profile: Profile, script: dict[bytes, bytes]) -> AsyncIterator[RegisterSignals]:
    """Its answers have the transaction number of the request, whichever that is."""
    answers = {ask[2:]: tell[2:] for ask, tell in script.items()}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(300):
            writer.write(data[:2] + answers[data[2:]])
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    transport = open_transport(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}?unit=1", quick(profile))
    try:
        await transport.open()
        assert isinstance(transport, ModbusUnit)
        yield RegisterSignals(profile, transport)
    finally:
        await transport.close()
        server.close()
        await asyncio.sleep(0.01)


def quick(profile: Profile) -> Profile:
    """A missing answer fails a test soon."""
    return replace(profile, timing=replace(profile.timing, response_timeout_s=0.3, quiet_s=0.05))


async def seen(profile: Profile, signals: RegisterSignals) -> dict[str, Any]:
    """Every value that a poll reads, as a snapshot tells it; one request must do."""
    (block,) = profile.polled
    snapshot = Snapshot("unit", 0.0, Decoder(profile), {block.name: await signals.read(block)})
    return {name: snapshot.value(name) for name in block.signals}


async def test_press_driver(tmp_path: Path) -> None:
    profile = load_profile("uniaxial-press-generic")
    script = {STATUS_ASK: STATUS_TELL, JOB_ASK: JOB_TELL, START_ASK: START_TELL, BEAT_ASK: BEAT_TELL}
    async with rtu_peer(tmp_path, profile, script) as signals:
        assert await seen(profile, signals) == STATUS
        await signals.write_job(JOB)
        await signals.write_command(profile.number("command", "start"), 43)
        await signals.write_heartbeat(5, 41342)


async def test_press_driver_is_refused(tmp_path: Path) -> None:
    profile = load_profile("uniaxial-press-generic")
    async with rtu_peer(tmp_path, profile, {STATUS_ASK: REFUSED_TELL, BEAT_ASK: OWNED_TELL}) as signals:
        with pytest.raises(DeviceRefused) as caught:
            await seen(profile, signals)
        assert caught.value.code == 2
        with pytest.raises(DeviceRefused) as caught:
            await signals.write_heartbeat(5, 41342)
        assert caught.value.code == 6


async def test_isostatic_driver() -> None:
    profile = load_profile("isostatic-press-generic")
    script = {
        ISO_STATUS_ASK: ISO_STATUS_TELL,
        ISO_JOB_ASK: ISO_JOB_TELL,
        ISO_HOLD_ASK: ISO_HOLD_TELL,
        ISO_BEAT_ASK: ISO_BEAT_TELL,
    }
    async with tcp_peer(profile, script) as signals:
        assert await seen(profile, signals) == ISO_STATUS
        await signals.write_job(ISO_JOB)
        await signals.write_command(profile.number("command", "hold"), 4)
        await signals.write_heartbeat(5, 41342)


async def test_isostatic_driver_is_refused() -> None:
    profile = load_profile("isostatic-press-generic")
    async with tcp_peer(profile, {ISO_STATUS_ASK: ISO_REFUSED_TELL, ISO_BEAT_ASK: ISO_OWNED_TELL}) as signals:
        with pytest.raises(DeviceRefused) as caught:
            await seen(profile, signals)
        assert caught.value.code == 2
        with pytest.raises(DeviceRefused) as caught:
            await signals.write_heartbeat(5, 41342)
        assert caught.value.code == 6
