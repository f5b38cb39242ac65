"""Frames of the temperature controllers and of the roll press, typed by hand from their register documents.

The Omron's are its manual's own where it prints them; the CRC of all others comes from a separate calculation.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from drivers.errors import DeviceRefused, IdentityMismatch, OutOfRange
from drivers.instrument import Instrument
from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.reading import Decoder, Quality, Snapshot
from drivers.signals import RegisterSignals
from drivers.transport.urls import open_transport
from drivers.writing import Outcome
from simulators.any_machine import AnyMachine
from simulators.wire.modbus_server import answer_rtu
from simulators.wire.pty import PtyPort
from tests.golden.documents import tables


def frames(*pairs: tuple[str, str]) -> dict[bytes, bytes]:
    return {bytes.fromhex(ask): bytes.fromhex(tell) for ask, tell in pairs}


# ---- Omron E5CC: unit 1

PRINTED_READ = ("01 03 20 00 00 01 8F CA", "01 03 02 03 E8 B8 FA")  # 100.0 degC
PRINTED_LIMITS = ("01 10 21 05 00 02 04 03 E8 FC 18 66 BB", "01 10 21 05 00 02 5B F5")
PRINTED_STOP = ("01 06 00 00 01 01 49 9A", "01 06 00 00 01 01 49 9A")
OMRON_IDENTITY = ("01 03 2410 0001 8F3F", "01 03 02 0001 7984")
OMRON = frames(
    OMRON_IDENTITY,
    # 100.0 degC, heating and alarm 1, setpoint 101.0 degC, 2.5 A, 55.0 %, no cooling
    ("01 03 2000 0006 CE08", "01 03 0C 03E8 1100 03F2 0019 0226 0000 D4EC"),
    ("01 03 2407 0001 3F3B", "01 03 02 0200 B924"),  # communications writing is on, control runs
)
OMRON_VALUES = {
    "pv_c": 100.0,
    "status_bits": 0x1100,
    "internal_setpoint_c": 101.0,
    "heater_current_1_a": 2.5,
    "mv_heating_pct": 55.0,
    "mv_cooling_pct": 0.0,
    "control_bits": 0x0200,
}
OMRON_SET = ("01 06 2103 03F2 F283", "01 06 2103 03F2 F283")
OMRON_SET_REFUSED = ("01 06 2103 03F2 F283", "01 86 04 43A3")  # communications writing is off
OMRON_READ_BACK = ("01 03 2103 0001 7E36", "01 03 02 03F2 3931")
OMRON_READ_BACK_OLD = ("01 03 2103 0001 7E36", "01 03 02 0000 B844")

# ---- Eurotherm 3216: unit 1

EUROTHERM = frames(
    # 24.2 degC, target 300.0 degC, output by hand not shown, output 50.0 %, working setpoint 299.0 degC
    ("01 03 0001 0005 D409", "01 03 0A 00F2 0BB8 0000 01F4 0BAE 86E8"),
    ("01 03 004B 0001 F41C", "01 03 02 2002 2045"),  # alarm 2, ramp runs
    ("01 03 00C7 0001 35F7", "01 03 02 0000 B844"),  # operating
)
EUROTHERM_VALUES = {
    "pv_c": 24.2,
    "target_setpoint_c": 300.0,
    "working_output_pct": 50.0,
    "working_setpoint_c": 299.0,
    "status_bits": 0x2002,
    "instrument_mode": 0,
}
BELOW_ZERO = ("01 03 0001 0005 D409", "01 03 0A FF85 0BB8 0000 0000 0BB8 3129")  # -12.3 degC
EUROTHERM_SET = ("01 10 001A 0001 02 05E1 6772", "01 10 001A 0001 200E")  # remote setpoint 150.5 degC
EUROTHERM_READ_BACK = ("01 03 0017 0004 F40D", "01 03 08 0001 0BB8 0000 05E1 E76F")

# ---- roll press: unit 1, high word first

ROLL_TELL = (
    "01 04 54"
    " 1134 007B 0001 1171"  # model 4404, firmware 1.23, serial number 70001
    " 0000 0000 0000 0000 0000 0000"
    " 00F0 0006 0001 002A 0001 0000"  # heartbeat 240, EXECUTE, REMOTE, sequence 42, ACCEPTED, no reason
    " 0077 0000 000A 1234"  # emergency stop, guard, web, running, heaters, link; no alarm; roll; held by 0x1234
    " 43FA 0000"  # 500.0 N/mm
    " 427A 0000"  # 62.5 um
    " 427C 0000"  # 63.0 um
    " 42B4 0000"  # 90.0 degC
    " 42B3 0000"  # 89.5 degC
    " 40A0 0000"  # 5.0 m/min
    " 42C8 0000"  # 100.0 N
    " 42A0 0000"  # 80.0 um
    " 4289 0000"  # 68.5 um
    " 4144 0000"  # 12.25 m
    " 0001 0001"  # 65537 jobs
    " 5889"
)
ROLL_STATUS = ("01 04 0000 002A 71D5", ROLL_TELL)
ROLL_VALUES: dict[str, float] = {
    "model_code": 4404,
    "firmware": 123,
    "serial_number": 70001,
    "heartbeat_machine": 240,
    "machine_state": 6,
    "mode": 1,
    "acknowledged_sequence": 42,
    "acknowledge_result": 1,
    "acknowledge_reason": 0,
    "status_bits": 0b1110111,
    "alarm_bits": 0,
    "phase": 10,
    "lease_owner": 0x1234,
    "line_load_n_mm": 500.0,
    "gap_left_um": 62.5,
    "gap_right_um": 63.0,
    "roll_top_c": 90.0,
    "roll_bottom_c": 89.5,
    "web_speed_m_min": 5.0,
    "tension_n": 100.0,
    "thickness_in_um": 80.0,
    "thickness_out_um": 68.5,
    "rolled_length_m": 12.25,
    "cycle_count": 65537,
}
ROLL_JOB = {
    "job_id": 7,
    "line_load_sp_n_mm": 500.5,
    "gap_sp_um": 60.0,
    "roll_temperature_sp_c": 90.0,
    "web_speed_sp_m_min": 5.0,
    "length_sp_m": 100.0,
    "tension_sp_n": 80.0,
    "temperature_band_k": 3.0,
}
ROLL_LOAD = (
    "01 10 000A 0010 20 0000 0007 43FA 4000 4270 0000 42B4 0000 40A0 0000 42C8 0000 42A0 0000 4040 0000 2B48",
    "01 10 000A 0010 E1C7",
)
ROLL_HOLD = ("01 10 0000 0002 04 0003 002B 43B0", "01 10 0000 0002 41C8")
ROLL_BEAT = ("01 10 0002 0002 04 0005 1234 6F00", "01 10 0002 0002 E008")
ROLL_BEAT_OF_ANOTHER = ("01 10 0002 0002 04 0006 4321 635F", "01 90 06 CC02")
ROLL_TOO_MUCH = ("01 10 000C 0002 04 4502 0000 4736", "01 90 03 0C01")  # 2080 N/mm


# ---- our server, fed with the typed bytes


def served(name: str, tags: Mapping[str, Any]) -> AnyMachine:
    machine = AnyMachine(load_profile(name), lambda: 120.0)
    machine.controller.tags |= tags
    return machine


def tells(machine: AnyMachine, pair: tuple[str, str]) -> bool:
    return answer_rtu(machine.registers, 1, bytes.fromhex(pair[0])) == bytes.fromhex(pair[1])


def test_omron_server() -> None:
    machine = served("omron-e5cc", OMRON_VALUES)
    for ask, tell in OMRON.items():
        assert answer_rtu(machine.registers, 1, ask) == tell
    assert all(tells(machine, pair) for pair in (PRINTED_READ, PRINTED_LIMITS, PRINTED_STOP, OMRON_SET))
    tags = machine.controller.tags
    assert (tags["alarm_1_upper_c"], tags["alarm_1_lower_c"], tags["setpoint_c"]) == (100.0, -100.0, 101.0)
    assert tags["operation_command"] == 0x0101
    assert tells(machine, OMRON_READ_BACK)
    assert tells(machine, ("01 06 2103 0BC2 F557", "01 86 03 0261"))  # 301.0 degC


def test_the_printed_frames_are_the_documents() -> None:
    rows = {row["Request"]: row["Answer"] for row in tables("omron-e5cc")["Printed frames"]}
    for ask, tell in (PRINTED_READ, PRINTED_LIMITS, PRINTED_STOP):
        assert rows[ask] == tell


def test_eurotherm_server() -> None:
    machine = served("eurotherm-3216", {**EUROTHERM_VALUES, "setpoint_1_c": 300.0, "timer_status": 1})
    for ask, tell in EUROTHERM.items():
        assert answer_rtu(machine.registers, 1, ask) == tell
    assert tells(machine, EUROTHERM_SET)
    assert tells(machine, EUROTHERM_READ_BACK)
    machine.controller.tags |= {"pv_c": -12.3, "working_output_pct": 0.0, "working_setpoint_c": 300.0}
    assert tells(machine, BELOW_ZERO)


def test_roll_press_server() -> None:
    machine = served("roll-press-generic", ROLL_VALUES)
    assert tells(machine, ROLL_BEAT)
    assert tells(machine, ROLL_STATUS)
    assert tells(machine, ROLL_BEAT_OF_ANOTHER)
    assert tells(machine, ROLL_LOAD)
    assert tells(machine, ROLL_TOO_MUCH)
    assert {name: machine.controller.tags[name] for name in ROLL_JOB} == ROLL_JOB
    assert tells(machine, ROLL_HOLD)
    assert machine.controller.state == "HELD"


# ---- our driver against a peer that knows the typed bytes only


@asynccontextmanager
async def peer(folder: Path, profile: Profile, script: Mapping[bytes, bytes]) -> AsyncIterator[Any]:
    port = PtyPort(folder / "port", script.get)
    port.plug()
    transport = open_transport(f"serial://{port.link}?baudrate=115200&unit=1", profile)
    try:
        await transport.open()
        yield transport
    finally:
        await transport.close()
        port.unplug()


async def values_of(instrument: Instrument) -> dict[str, Any]:
    snapshot = await instrument.read()
    return {name: snapshot.value(name) for block in instrument.profile.polled for name in block.signals}


async def test_omron_driver(tmp_path: Path) -> None:
    profile = load_profile("omron-e5cc")
    script = OMRON | frames(PRINTED_READ, PRINTED_LIMITS, PRINTED_STOP, OMRON_SET, OMRON_READ_BACK)
    async with peer(tmp_path, profile, script) as transport:
        instrument = Instrument("heater", profile, transport)
        assert await values_of(instrument) == OMRON_VALUES
        written = await instrument.write("setpoint_c", 101.0)
        assert written.outcome is Outcome.APPLIED
        stopped = await instrument.write("operation_command", 0x0101)
        assert stopped.outcome is Outcome.UNKNOWN  # answered, and nothing that could be read back
        assert await transport.read("holding", 0x2000, 1) == [1000]
        await transport.write(0x2105, [1000, 0xFC18])


async def test_omron_with_writing_off(tmp_path: Path) -> None:
    profile = load_profile("omron-e5cc")
    async with peer(tmp_path, profile, OMRON | frames(OMRON_SET_REFUSED, OMRON_READ_BACK_OLD)) as transport:
        instrument = Instrument("heater", profile, transport)
        written = await instrument.write("setpoint_c", 101.0)
        assert written.outcome is Outcome.REFUSED
        assert written.read_back is not None
        assert written.read_back.value == 0.0
        with pytest.raises(OutOfRange):
            await instrument.write("setpoint_c", 300.1)


async def test_omron_with_another_number_of_decimals(tmp_path: Path) -> None:
    profile = load_profile("omron-e5cc")
    script = OMRON | frames((OMRON_IDENTITY[0], "01 03 02 0002 3985"))
    async with peer(tmp_path, profile, script) as transport:
        with pytest.raises(IdentityMismatch, match="decimal_point"):
            await Instrument("heater", profile, transport).read()


async def test_eurotherm_driver(tmp_path: Path) -> None:
    profile = load_profile("eurotherm-3216")
    script = EUROTHERM | frames(EUROTHERM_SET, EUROTHERM_READ_BACK)
    async with peer(tmp_path, profile, script) as transport:
        instrument = Instrument("heater", profile, transport)
        assert await values_of(instrument) == EUROTHERM_VALUES
        assert (await instrument.write("remote_setpoint_c", 150.5)).outcome is Outcome.APPLIED


async def test_eurotherm_below_zero(tmp_path: Path) -> None:
    profile = load_profile("eurotherm-3216")
    async with peer(tmp_path, profile, EUROTHERM | frames(BELOW_ZERO)) as transport:
        reading = (await Instrument("heater", profile, transport).read()).reading("pv_c")
        assert (reading.value, reading.unit, reading.quality) == (-12.3, "degC", Quality.GOOD)


async def test_roll_press_driver(tmp_path: Path) -> None:
    profile = load_profile("roll-press-generic")
    script = frames(ROLL_STATUS, ROLL_LOAD, ROLL_HOLD, ROLL_BEAT, ROLL_BEAT_OF_ANOTHER)
    async with peer(tmp_path, profile, script) as transport:
        signals = RegisterSignals(profile, transport)
        block = profile.block_of["line_load_n_mm"]
        snapshot = Snapshot("unit", 0.0, Decoder(profile), {block.name: await signals.read(block)})
        assert {name: snapshot.value(name) for name in block.signals} == ROLL_VALUES
        await signals.write_job(ROLL_JOB)
        await signals.write_command(profile.number("command", "hold"), 43)
        await signals.write_heartbeat(5, 0x1234)
        with pytest.raises(DeviceRefused) as caught:
            await signals.write_heartbeat(6, 0x4321)
        assert caught.value.code == 6
