"""Frames typed by hand from the register documents (CRC by a separate calculation): the server's and the driver's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Decoder, Snapshot
from drivers.signals import RegisterSignals
from drivers.transport.modbus import ModbusTransport, SerialSettings, TcpSettings
from simulators.wire.image import RegisterImage
from simulators.wire.modbus_server import answer_rtu, answer_tcp
from simulators.wire.pty import PtyPort
from tests.contract.toy_plc import ToyPlc

# ---- uniaxial press: RTU, unit 1, high word first

STATUS_ASK = bytes.fromhex("01 04 0000 0024 F011")
STATUS_TELL = bytes.fromhex(
    "01 04 48"
    " 1005 007B 0001 1171"  # model 4101, firmware 1.23, serial number 70001
    " 0000 0000 0000 0000 0000 0000"
    " 00F0 0006 0001 002A 0001 0000"  # heartbeat 240, EXECUTE, REMOTE, sequence 42, ACCEPTED, no reason
    " 0047 0000 0004 0000"  # emergency stop, guard, two-hand, link; no alarm; dwell
    " 43E1 0000"  # 450.0 kN
    " 42F0 0000"  # 120.0 degC
    " 42EF 0000"  # 119.5 degC
    " 430B A000"  # 139.625 um
    " 418A 0000"  # 17.25 MPa
    " 4148 0000"  # 12.5 s
    " 43E0 E000"  # 449.75 kN
    " 0001 0001"  # 65537 cycles
    " 7111"
)
STATUS: dict[str, float] = {
    "model_code": 4101,
    "firmware": 123,
    "serial_number": 70001,
    "heartbeat_machine": 240,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 42,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 0b1000111,
    "alarm_bits": 0,
    "phase": 4,
    "force_pv_kn": 450.0,
    "platen_top_c": 120.0,
    "platen_bottom_c": 119.5,
    "thickness_um": 139.625,
    "oil_pressure_mpa": 17.25,
    "dwell_elapsed_s": 12.5,
    "dwell_mean_force_kn": 449.75,
    "cycle_count": 65537,
}
JOB: dict[str, float] = {
    "job_id": 7,
    "force_sp_kn": 435.5,
    "force_ramp_kn_s": 20.0,
    "dwell_sp_s": 180.0,
    "release_rate_kn_s": 40.0,
    "platen_temperature_sp_c": 25.0,
    "dwell_band_pct": 2.0,
    "temperature_band_k": 5.0,
    "link_loss_hold_s": 10.0,
}
JOB_ASK = bytes.fromhex(
    "01 10 000A 0012 24 0000 0007 43D9 C000 41A0 0000 4334 0000 4220 0000 41C8 0000 4000 0000 40A0 0000 4120 0000 5FDE"
)
JOB_TELL = bytes.fromhex("01 10 000A 0012 6006")
START_ASK, START_TELL = bytes.fromhex("01 10 0000 0002 04 0002 002B 1270"), bytes.fromhex("01 10 0000 0002 41C8")
BEAT_ASK, BEAT_TELL = bytes.fromhex("01 10 0002 0001 02 0005 67B1"), bytes.fromhex("01 10 0002 0001 A009")
REFUSED_TELL = bytes.fromhex("01 84 02 C2C1")

# ---- isostatic press: TCP, unit 1, low word first

ISO_STATUS_ASK = bytes.fromhex("0001 0000 0006 01 04 0000 002A")
ISO_STATUS_TELL = bytes.fromhex(
    "0001 0000 0057 01 04 54"
    " 106A 007B 1171 0001"  # model 4202, firmware 1.23, serial number 70001
    " 0000 0000 0000 0000 0000 0000"
    " 00F1 0006 0001 0003 0001 0000"  # heartbeat 241, EXECUTE, REMOTE, sequence 3, ACCEPTED, no reason
    " 0387 0000 0004 0000"  # emergency stop, closure, yoke, link, isolated, bag; no alarm; dwell
    " 0000 4475"  # 980.0 MPa
    " E000 4474"  # 979.5 MPa
    " 0000 42F0"  # 120.0 degC
    " 0000 42EF"  # 119.5 degC
    " 0000 42F0"
    " 0000 4148"  # 12.5 s
    " 0000 4475"
    " 0000 4220"  # 40.0 %
    " 0000 42C8"  # 100.0 %
    " 0001 0001"  # 65537 cycles
    " 0000 4416"  # 600.0 s
)
ISO_STATUS: dict[str, float] = {
    "model_code": 4202,
    "serial_number": 70001,
    "firmware": 123,
    "heartbeat_machine": 241,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 3,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 0b1110000111,
    "alarm_bits": 0,
    "phase": 4,
    "pressure_a_mpa": 980.0,
    "pressure_b_mpa": 979.5,
    "medium_a_c": 120.0,
    "medium_b_c": 119.5,
    "wall_c": 120.0,
    "dwell_elapsed_s": 12.5,
    "dwell_mean_pressure_mpa": 980.0,
    "intensifier_stroke_pct": 40.0,
    "fill_level_pct": 100.0,
    "cycle_count": 65537,
    "soak_elapsed_s": 600.0,
}
ISO_JOB: dict[str, float] = {
    "job_id": 70001,
    "pressure_sp_mpa": 979.5,
    "pressure_ramp_mpa_s": 5.0,
    "dwell_sp_s": 300.0,
    "decompression_rate_mpa_s": 4.0,
    "final_decompression_rate_mpa_s": 0.5,
    "medium_temperature_sp_c": 120.0,
    "temperature_band_k": 3.0,
    "soak_s": 600.0,
    "dwell_band_pct": 1.0,
    "link_loss_hold_s": 30.0,
}
ISO_JOB_ASK = bytes.fromhex(
    "0001 0000 0033 01 10 000A 0016 2C 1171 0001 E000 4474 0000 40A0 0000 4396 0000 4080 0000 3F00"
    " 0000 42F0 0000 4040 0000 4416 0000 3F80 0000 41F0"
)
ISO_JOB_TELL = bytes.fromhex("0001 0000 0006 01 10 000A 0016")
ISO_HOLD_ASK = bytes.fromhex("0001 0000 000B 01 10 0000 0002 04 0003 0004")
ISO_HOLD_TELL = bytes.fromhex("0001 0000 0006 01 10 0000 0002")
ISO_REFUSED_TELL = bytes.fromhex("0001 0000 0003 01 84 02")


def machine(name: str, tags: dict[str, float]) -> tuple[ToyPlc, RegisterImage]:
    plc = ToyPlc(load_profile(name))
    plc.heart = False
    plc.tags |= tags
    return plc, RegisterImage(plc.profile, plc, lambda: 0.0)


# ---- our server, fed with the typed bytes


def test_press_server() -> None:
    plc, image = machine("uniaxial-press-generic", STATUS)
    assert answer_rtu(image, 1, STATUS_ASK) == STATUS_TELL
    assert answer_rtu(image, 1, JOB_ASK) == JOB_TELL
    assert {name: plc.tags[name] for name in JOB} == JOB
    assert answer_rtu(image, 1, START_ASK) == START_TELL
    assert (plc.executed, plc.tags["acknowledged_sequence"]) == (["start"], 43)
    assert answer_rtu(image, 1, BEAT_ASK) == BEAT_TELL
    assert plc.beats == [5]


@pytest.mark.parametrize(
    ("ask", "tell"),
    [
        ("01 04 0000 007D 302B", "01 84 02 C2C1"),  # past the end
        ("01 10 000C 0002 04 447A 4000 F713", "01 90 03 0C01"),  # 1001 kN
        ("01 2B 0E 01 00 7077", "01 AB 01 9EF0"),  # a function it does not have
        ("01 03 0000 0003 05CB", "01 03 06 0000 0000 0000 2175"),
        ("01 06 0002 0007 69C8", "01 06 0002 0007 69C8"),
        ("02 04 0000 0024 F022", ""),  # another unit
        ("01 04 0000 0024 F012", ""),  # a broken CRC
    ],
)
def test_press_server_edges(ask: str, tell: str) -> None:
    _, image = machine("uniaxial-press-generic", {})
    assert answer_rtu(image, 1, bytes.fromhex(ask)) == (bytes.fromhex(tell) or None)


def test_isostatic_server() -> None:
    plc, image = machine("isostatic-press-generic", ISO_STATUS)
    assert answer_tcp(image, 1, ISO_STATUS_ASK) == ISO_STATUS_TELL
    assert answer_tcp(image, 1, ISO_JOB_ASK) == ISO_JOB_TELL
    assert {name: plc.tags[name] for name in ISO_JOB} == ISO_JOB
    assert answer_tcp(image, 1, ISO_HOLD_ASK) == ISO_HOLD_TELL
    assert plc.executed == ["hold"]
    assert answer_tcp(image, 1, bytes.fromhex("0001 0000 0006 01 04 0000 0070")) == ISO_REFUSED_TELL
    assert answer_tcp(image, 1, bytes.fromhex("0001 0000 0006 02 04 0000 002A")) is None


# ---- our driver against a peer that knows the typed bytes only


@asynccontextmanager
async def rtu_peer(folder: Path, script: dict[bytes, bytes]) -> AsyncIterator[ModbusTransport]:
    port = PtyPort(folder / "port", script.get)
    port.plug()
    transport = ModbusTransport(SerialSettings(str(port.link)), 1, response_timeout_s=0.3, quiet_s=0.05)
    try:
        await transport.open()
        yield transport
    finally:
        await transport.close()
        port.unplug()


@asynccontextmanager
async def tcp_peer(script: dict[bytes, bytes]) -> AsyncIterator[ModbusTransport]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(300):
            writer.write(script.get(data, b""))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    settings = TcpSettings("127.0.0.1", server.sockets[0].getsockname()[1])
    transport = ModbusTransport(settings, 1, response_timeout_s=0.3, quiet_s=0.05)
    try:
        await transport.open()
        yield transport
    finally:
        await transport.close()
        server.close()
        await asyncio.sleep(0.01)


async def seen(profile: Profile, transport: ModbusTransport) -> dict[str, Any]:
    """Every value of the status block, as a snapshot tells it."""
    block = profile.block("status")
    raw = await RegisterSignals(profile, transport).read(block)
    snapshot = Snapshot("unit", 0.0, Decoder(profile), {"status": raw})
    return {name: snapshot.value(name) for name in block.signals}


async def test_press_driver(tmp_path: Path) -> None:
    profile = load_profile("uniaxial-press-generic")
    script = {STATUS_ASK: STATUS_TELL, JOB_ASK: JOB_TELL, START_ASK: START_TELL, BEAT_ASK: BEAT_TELL}
    async with rtu_peer(tmp_path, script) as transport:
        signals = RegisterSignals(profile, transport)
        assert await seen(profile, transport) == STATUS
        await signals.write_job(JOB)
        await signals.write_command(profile.number("command", "start"), 43)
        await signals.write_heartbeat(5)


async def test_press_driver_is_refused(tmp_path: Path) -> None:
    async with rtu_peer(tmp_path, {STATUS_ASK: REFUSED_TELL}) as transport:
        with pytest.raises(DeviceRefused) as caught:
            await transport.read("input", 0, 36)
        assert caught.value.code == 2


@pytest.mark.parametrize("what", ["status", "job", "hold", "refused"])
async def test_isostatic_driver(what: str) -> None:
    profile = load_profile("isostatic-press-generic")
    script = {
        ISO_STATUS_ASK: ISO_REFUSED_TELL if what == "refused" else ISO_STATUS_TELL,
        ISO_JOB_ASK: ISO_JOB_TELL,
        ISO_HOLD_ASK: ISO_HOLD_TELL,
    }
    async with tcp_peer(script) as transport:
        signals = RegisterSignals(profile, transport)
        actions: dict[str, Callable[[], Awaitable[Any]]] = {
            "status": lambda: seen(profile, transport),
            "job": lambda: signals.write_job(ISO_JOB),
            "hold": lambda: signals.write_command(profile.number("command", "hold"), 4),
            "refused": lambda: seen(profile, transport),
        }
        if what == "refused":
            with pytest.raises(DeviceRefused):
                await actions[what]()
            return
        assert await actions[what]() == (ISO_STATUS if what == "status" else None)
