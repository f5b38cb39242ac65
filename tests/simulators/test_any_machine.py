"""A controller with nothing behind it obeys every shipped profile: handshake, lease and job, or values that are set."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.errors import CommandRejected, DeviceRefused, OutOfRange
from drivers.instrument import Instrument
from drivers.machine import Machine
from drivers.profile import Profile
from drivers.profile_file import load_profile, shipped_profiles
from drivers.reading import Decoder, Quality, Snapshot
from drivers.roll_press import (
    RollJob,
    RollPress,
    depressurised,
    gap_range_um,
    pressurised,
    stopped,
    temperature_range_c,
)
from drivers.signals import layer_of
from drivers.transport.memory import memory_transport
from drivers.transport.urls import open_transport
from drivers.writing import Outcome
from simulators.any_machine import AnyController, AnyMachine
from simulators.wire.serve import serve_line
from tests.contract.toy_plc import some_job

PROFILES = {name: load_profile(name) for name in shipped_profiles()}
MACHINES = [name for name, profile in PROFILES.items() if profile.is_machine]
INSTRUMENTS = [name for name in PROFILES if name not in MACHINES]
OVEN = """
profile: oven
kind: temperature_controller
protocol: modbus
modbus: {word_order: little}
timing:
  response_timeout_s: {value: 0.5, reason: a slow controller}
  quiet_s: {value: 0.1, reason: longer than any answer}
signals:
  - {name: door_open, table: discrete, address: 3, type: bool, meaning: the door is open}
  - {name: lamp, table: coil, address: 7, type: bool, access: rw, meaning: the lamp is on}
  - {name: energy_kwh, table: input, address: 100, type: int32, scale: 0.1, range: [-9000, 9000], meaning: used}
  - {name: setpoint_c, table: holding, address: 4, type: float64, access: rw, unit: degC, range: [0, 90], meaning: SP}
"""
NAMED_AS_IN_A_MACHINE = """
profile: named-alike
kind: temperature_controller
protocol: modbus
identity: {model_code: 7}
timing:
  response_timeout_s: {value: 0.5, reason: a slow controller}
  quiet_s: {value: 0.1, reason: longer than any answer}
signals:
  - {name: model_code, table: input, address: 0, type: uint16, meaning: model}
  - {name: firmware, table: input, address: 1, type: uint16, range: [1, 9], meaning: firmware}
  - {name: mode, table: input, address: 2, type: uint16, enum: mode, meaning: automatic or by hand}
  - {name: machine_state, table: input, address: 3, type: uint16, meaning: a number of its own}
  - {name: phase, table: input, address: 4, type: uint16, meaning: which of three phases}
  - {name: lease_owner, table: input, address: 5, type: uint16, meaning: who rents it}
  - {name: acknowledged_sequence, table: input, address: 6, type: uint16, meaning: a count}
  - {name: status_bits, table: input, address: 7, type: uint16, bits: [estop_ok, link_ok], meaning: bits}
  - {name: command_code, table: coil, address: 0, type: bool, access: rw, meaning: a switch}
  - {name: command_sequence, table: holding, address: 0, type: int16, access: rw, range: [0, 9], meaning: a program}
  - {name: heartbeat_controller, table: holding, address: 9, type: float32, access: rw, range: [0, 9], meaning: a rate}
enums:
  mode: {automatic: 1, manual: 2}
"""
SETTABLE = {"eurotherm-3216": "setpoint_1_c", "omron-e5cc": "setpoint_c"}


def quick(profile: Profile) -> Profile:
    """The same with short times."""
    times = replace(
        profile.timing,
        acknowledge_timeout_s=0.5,
        heartbeat_period_s=0.05,
        watchdog_s=2.0,
        poll_moving_s=0.02,
        poll_dwelling_s=0.02,
        poll_idle_s=0.02,
    )
    return replace(profile, timing=times)


@asynccontextmanager
async def running(profile: Profile, *, lease: int = 0) -> AsyncIterator[tuple[Machine, AnyMachine]]:
    """A machine in memory with its driver, linked."""
    served = AnyMachine(profile, asyncio.get_running_loop().time)
    machine = Machine("unit-1", profile, memory_transport(served), lease=lease)
    task = asyncio.create_task(machine.run())
    try:
        async with asyncio.timeout(5):
            await machine.wait_link()
        yield machine, served
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def beat(controller: AnyController, now_s: float, count: int, lease: int = 0) -> None:
    controller.advance(now_s)
    controller.write({"heartbeat_controller": count, "lease_request": lease})


def command(controller: AnyController, name: str, sequence: int) -> tuple[str, str]:
    profile = controller.profile
    controller.write({"command_code": profile.commands[name].code, "command_sequence": sequence})
    tags = controller.tags
    assert tags["acknowledged_sequence"] == sequence
    result = profile.word("result", tags["acknowledge_result"])
    return result or "", profile.word("reason", tags["acknowledge_reason"]) or ""


# ---- the controller


@pytest.mark.parametrize("name", MACHINES)
def test_a_job_is_checked_echoed_and_run(name: str) -> None:
    controller = AnyController(PROFILES[name])
    beat(controller, 0.0, 1, lease=7)
    assert command(controller, "start", 1) == ("REJECTED", "no_job")
    job = some_job(PROFILES[name])
    controller.write(job)
    assert command(controller, "load_job", 2) == ("DONE", "none")
    assert {s.name: controller.tags[s.echo or ""] for s in PROFILES[name].job} == job
    assert command(controller, "start", 3) == ("ACCEPTED", "none")
    assert command(controller, "load_job", 4) == ("REJECTED", "wrong_state")
    assert command(controller, "hold", 5) == ("DONE", "none")
    assert controller.state == "HELD"
    assert command(controller, "restart", 6) == ("ACCEPTED", "none")
    assert command(controller, "abort", 7) == ("DONE", "none")
    assert command(controller, "start", 8) == ("REJECTED", "wrong_state")
    assert command(controller, "reset", 9) == ("DONE", "none")
    assert command(controller, "start", 10) == ("REJECTED", "no_job")


def test_a_repeated_sequence_does_nothing() -> None:
    controller = AnyController(PROFILES["roll-press-generic"])
    controller.write(some_job(controller.profile))
    command(controller, "load_job", 1)
    command(controller, "start", 2)
    command(controller, "abort", 3)
    command(controller, "reset", 3)
    assert controller.state == "ABORTED"


def test_an_unknown_command_and_a_machine_in_local() -> None:
    controller = AnyController(PROFILES["roll-press-generic"])
    controller.write({"command_code": 99, "command_sequence": 1})
    assert controller.tags["acknowledge_reason"] == controller.profile.number("reason", "unknown_command")
    controller.tags["mode"] = controller.profile.number("mode", "LOCAL")
    assert command(controller, "load_job", 2) == ("REJECTED", "not_remote")
    assert command(controller, "stop", 3) == ("DONE", "none")


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"no_such_signal": 1.0}, 2),
        ({"line_load_n_mm": 100.0}, 2),  # measured, not set
        ({"line_load_sp_n_mm": 2000.5}, 3),
        ({"line_load_sp_n_mm": float("nan")}, 3),
        ({"tension_sp_n": 100.0, "gap_sp_um": -1.0}, 3),
    ],
)
def test_what_cannot_be_written_is_refused_as_a_whole(values: dict[str, float], code: int) -> None:
    controller = AnyController(PROFILES["roll-press-generic"])
    before = dict(controller.tags)
    with pytest.raises(DeviceRefused) as caught:
        controller.write(values)
    assert caught.value.code == code
    assert controller.tags == before


def test_watchdog_and_its_alarm() -> None:
    controller = AnyController(PROFILES["roll-press-generic"])
    watchdog_s = controller.profile.timing.watchdog_s
    beat(controller, 0.0, 1)
    controller.write(some_job(controller.profile))
    command(controller, "load_job", 1)
    command(controller, "start", 2)
    beat(controller, watchdog_s, 2)
    controller.advance(2 * watchdog_s)
    assert controller.state == "EXECUTE"
    beat(controller, 2 * watchdog_s + 0.1, 2)  # a count that stands still is no heartbeat
    assert controller.state == "ABORTED"
    signal, place = controller.profile.bit_places["link_lost"]
    assert controller.tags[signal] >> place & 1
    beat(controller, 2 * watchdog_s + 0.2, 3)
    assert command(controller, "reset", 3) == ("DONE", "none")
    assert not controller.tags[signal] >> place & 1


@pytest.mark.parametrize("name", [n for n in MACHINES if "lease_owner" in PROFILES[n].signals])
def test_lease(name: str) -> None:
    controller = AnyController(PROFILES[name])
    watchdog_s = controller.profile.timing.watchdog_s
    beat(controller, 0.0, 1, lease=7)
    assert controller.tags["lease_owner"] == 7
    with pytest.raises(DeviceRefused) as caught:
        beat(controller, 1.0, 5, lease=8)
    assert caught.value.code == 6
    assert controller.tags["heartbeat_controller"] == 1
    controller.advance(watchdog_s + 0.1)
    assert controller.tags["lease_owner"] == 0
    beat(controller, watchdog_s + 0.2, 6, lease=8)
    beat(controller, watchdog_s + 0.3, 7, lease=0)
    assert controller.tags["lease_owner"] == 0


@pytest.mark.parametrize("name", PROFILES)
def test_every_first_value_is_one_that_its_profile_allows(name: str) -> None:
    profile, controller = PROFILES[name], AnyController(PROFILES[name])
    for signal in profile.signals.values():
        value = controller.tags[signal.name]
        if signal.range is not None and signal.access == "r":
            assert signal.range[0] <= value <= signal.range[1], signal.name
        if signal.enum is not None and signal.name != "command_code":
            assert value in profile.enum_words[signal.enum], signal.name


# ---- with the drivers


@pytest.mark.parametrize("name", MACHINES)
async def test_the_driver_runs_it(name: str) -> None:
    profile = quick(PROFILES[name])
    async with running(profile, lease=4711) as (machine, served):
        await machine.download(some_job(profile))
        await machine.command("start")
        assert served.controller.state == "EXECUTE"
        with pytest.raises(CommandRejected):
            await machine.command("reset")
        await machine.command("hold")
        await machine.command("abort")
        assert served.controller.state == "ABORTED"
        assert served.controller.tags["lease_owner"] == 4711


@pytest.mark.parametrize("name", INSTRUMENTS)
async def test_instruments_are_read_and_set(name: str) -> None:
    profile = PROFILES[name]
    served = AnyMachine(profile, asyncio.get_running_loop().time)
    instrument = Instrument("unit-1", profile, memory_transport(served))
    await instrument.identify()
    snapshot = await instrument.read()
    assert all(snapshot.reading(s).quality is Quality.GOOD for b in profile.polled for s in b.signals)
    if name in SETTABLE:
        written = await instrument.write(SETTABLE[name], 123.4)
        assert written.outcome is Outcome.APPLIED
        assert served.controller.tags[SETTABLE[name]] == 123.4
    await instrument.close()


@pytest.mark.parametrize("name", PROFILES)
async def test_on_a_wire(name: str) -> None:
    profile, clock = PROFILES[name], asyncio.get_running_loop().time
    async with serve_line({"unit-1": AnyMachine(profile, clock)}, clock) as line:
        transport = open_transport(line["unit-1"], profile)
        await transport.open()
        layer = layer_of(profile, transport)
        decoder = Decoder(profile)
        for block in profile.blocks:
            data = {block.name: await layer.read(block)}
            assert all(Snapshot("unit-1", 0.0, decoder, data).reading(s).quality is Quality.GOOD for s in block.signals)
        await transport.close()


async def test_a_profile_of_the_users_own(tmp_path: Path) -> None:
    path = tmp_path / "oven.yaml"
    path.write_text(OVEN, encoding="utf-8")
    profile = load_profile(path)
    served = AnyMachine(profile, asyncio.get_running_loop().time)
    served.controller.tags |= {"door_open": 1, "energy_kwh": -7000.5}
    oven = Instrument("oven", profile, memory_transport(served))
    snapshot = await oven.read()
    assert (snapshot.value("door_open"), snapshot.value("energy_kwh")) == (1, -7000.5)
    for name, value in (("lamp", 1), ("setpoint_c", 61.5)):
        assert (await oven.write(name, value)).outcome is Outcome.APPLIED
        assert served.controller.tags[name] == value
    await oven.close()


async def test_the_names_of_a_machines_signals_mean_nothing_in_an_instrument(tmp_path: Path) -> None:
    path = tmp_path / "named-alike.yaml"
    path.write_text(NAMED_AS_IN_A_MACHINE, encoding="utf-8")
    profile = load_profile(path)
    served = AnyMachine(profile, asyncio.get_running_loop().time)
    served.controller.tags["lease_owner"] = 5
    instrument = Instrument("heater", profile, memory_transport(served))
    snapshot = await instrument.read()
    assert (snapshot.text("mode"), snapshot.value("firmware"), snapshot.value("lease_owner")) == ("automatic", 1, 5)
    for name, value in (("command_sequence", 3), ("heartbeat_controller", 1.5), ("command_code", 1)):
        assert (await instrument.write(name, value)).outcome is Outcome.APPLIED
    assert served.controller.tags["acknowledged_sequence"] == 0
    with pytest.raises(OutOfRange):  # a machine's handshake is not looked at so
        await instrument.write("command_sequence", 10)
    await instrument.close()


async def test_roll_press_intents() -> None:
    profile = quick(PROFILES["roll-press-generic"])
    async with running(profile) as (machine, served):
        tags = served.controller.tags
        job = RollJob(
            job_id=3,
            line_load_n_mm=430.0,
            gap_um=60.0,
            temperature_c=80.0,
            web_speed_m_min=2.0,
            length_m=12.0,
            tension_n=90.0,
            temperature_band_k=3.0,
        )
        await RollPress(machine).load(job)
        assert (tags["line_load_sp_n_mm_echo"], tags["job_id_echo"]) == (430.0, 3)
        signal, place = profile.bit_places["nip_open"]
        tags |= {"line_load_n_mm": 12.0, "gap_left_um": 61.0, "gap_right_um": 60.5, "roll_top_c": 81.0}
        tags |= {"roll_bottom_c": 79.0, "web_speed_m_min": 0.01, signal: tags[signal] | 1 << place}
        snapshot = await machine.snapshot()
        assert depressurised(snapshot)
        assert stopped(snapshot)
        assert gap_range_um(snapshot) == (60.5, 61.0)
        assert temperature_range_c(snapshot) == (79.0, 81.0)
        for change in ({"line_load_n_mm": 500.0}, {"line_load_n_mm": 0.0, signal: 1}):
            tags |= change
            assert pressurised(await machine.snapshot())
