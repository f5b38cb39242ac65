"""What was recorded is served again: the same values, the same faults, at the same pace."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from drivers.errors import CorruptAnswer, DriverError, LinkDown, ResponseTimeout
from drivers.profile_file import load_profile
from drivers.transport.modbus import ModbusUnit
from drivers.transport.recording import Recorder, read_capture
from drivers.transport.urls import open_transport
from drivers.transport.wire import WireEvent
from simulators.wire.replay import ReplayServer
from tests.drivers.faulty import faulty_rtu, faulty_tcp, unit_on
from tests.drivers.scripted import rtu_frame, tcp_frame

PRESS = load_profile("uniaxial-press-generic")
ORDERS = ["ok", "pieces", "lost", "corrupt", "ok"]


async def story(unit: ModbusUnit) -> list[object]:
    """What one who reads and writes sees: values, or the kind of error."""
    seen: list[object] = []
    for address in (100, 200, 300, 400, 500):
        try:
            await unit.open()
            seen.append(await unit.read("input", address, 4))
        except DriverError as error:
            seen.append(type(error))
    try:
        await unit.write(7, [1, 2])
    except DriverError as error:
        seen.append(type(error))
    return seen


@pytest.mark.parametrize("kind", ["tcp", "rtu", "rtu+tcp"])
async def test_a_recorded_fault_happens_again(tmp_path: Path, kind: str) -> None:
    (tmp_path / "lived").mkdir()
    path = tmp_path / "wire.jsonl"
    faulty = faulty_rtu(tmp_path / "lived") if kind == "rtu" else faulty_tcp(rtu=kind == "rtu+tcp")
    async with faulty as (transport, faults):
        with Recorder(path) as recorder:
            transport.line._tap = recorder
            await transport.close()
            faults.orders = list(ORDERS)
            lived = await story(transport)
            await transport.close()
    assert lived == [[100, 101, 102, 103], [200, 201, 202, 203], ResponseTimeout, CorruptAnswer, [500, 501, 502, 503]]

    replay = ReplayServer(read_capture(path))
    assert replay.numbered is (kind == "tcp")
    if kind == "rtu":
        url = f"serial://{replay.start_pty(tmp_path / 'again')}"
    else:
        url = f"{kind}://127.0.0.1:{await replay.start_tcp()}"
    unit = open_transport(url, PRESS)
    assert isinstance(unit, ModbusUnit)
    again = unit_on(unit.line, rtu=kind != "tcp")
    assert await story(again) == lived
    assert (replay.remaining, replay.skipped, replay.unknown) == (0, 0, [])
    await again.close()
    await replay.stop()


async def test_a_read_that_was_asked_twice_is_asked_twice_again(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    first, second = rtu_frame(1, "04 0001 0001"), rtu_frame(1, "04 0002 0001")
    answer = rtu_frame(1, "04 02 0007")
    with Recorder(path) as recorder:
        for event in events(
            ("open", b""), ("sent", first), ("heard", answer), ("sent", second), ("heard", answer), ("doubted", b""),
            ("sent", second), ("heard", answer), ("closed", b""),
        ):  # fmt: skip
            recorder(event)
    told: list[str] = []
    replay = ReplayServer(read_capture(path), told=told.append)
    line = open_transport(f"rtu+tcp://127.0.0.1:{await replay.start_tcp()}", PRESS)
    assert isinstance(line, ModbusUnit)
    unit = unit_on(line.line, rtu=True)
    await unit.open()
    assert [await unit.read("input", address, 1) for address in (1, 2)] == [[7], [7]]
    assert (replay.remaining, replay.skipped, told) == (0, 0, [])
    await unit.close()
    await replay.stop()


def events(*pairs: tuple[str, bytes]) -> list[WireEvent]:
    return [WireEvent(0.01 * n, "press", what, data) for n, (what, data) in enumerate(pairs)]  # type: ignore[arg-type]


async def test_transactions_are_those_that_are_asked_now(tmp_path: Path) -> None:
    script = events(
        ("open", b""),
        ("sent", tcp_frame(77, 1, "04 0001 0001")),
        ("sent", tcp_frame(78, 1, "04 0002 0001")),
        ("heard", tcp_frame(77, 1, "04 02 0007") + tcp_frame(78, 1, "04 02 0008")),
    )
    replay = ReplayServer(script)
    reader, writer = await asyncio.open_connection("127.0.0.1", await replay.start_tcp())
    writer.write(tcp_frame(1, 1, "04 0001 0001"))
    await asyncio.sleep(0.05)
    request = tcp_frame(2, 1, "04 0002 0001")
    writer.write(request[:5])
    await asyncio.sleep(0.02)
    writer.write(request[5:])
    wanted = tcp_frame(1, 1, "04 02 0007") + tcp_frame(2, 1, "04 02 0008")
    assert await reader.readexactly(len(wanted)) == wanted
    writer.close()
    await replay.stop()


async def test_what_was_not_recorded_is_met_with_silence_and_told(tmp_path: Path) -> None:
    told: list[str] = []
    script = events(
        ("sent", rtu_frame(1, "04 0001 0001")),
        ("heard", rtu_frame(1, "04 02 0007")),
        ("sent", rtu_frame(1, "04 0002 0001")),
        ("heard", rtu_frame(1, "04 02 0008")),
    )
    replay = ReplayServer(script, told=told.append)
    unit = open_transport(f"serial://{replay.start_pty(tmp_path / 'port')}", PRESS)
    assert isinstance(unit, ModbusUnit)
    await unit.open()
    with pytest.raises(ResponseTimeout):
        await unit.read("input", 9, 1)
    assert replay.unknown == [rtu_frame(1, "04 0009 0001")]
    assert "01 04 00 09 00 01" in told[0]
    assert await unit.read("input", 2, 1) == [8]
    assert (replay.skipped, replay.remaining) == (1, 0)
    await unit.close()
    await replay.stop()


@pytest.mark.parametrize("kind", ["pty", "tcp"])
async def test_a_recorded_loss_happens_again(tmp_path: Path, kind: str) -> None:
    script = events(("sent", rtu_frame(1, "04 0001 0001")), ("lost", b""), ("open", b""))
    replay = ReplayServer(script)
    if kind == "pty":
        url = f"serial://{replay.start_pty(tmp_path / 'port')}"
    else:
        url = f"rtu+tcp://127.0.0.1:{await replay.start_tcp()}"
    unit = open_transport(url, PRESS)
    assert isinstance(unit, ModbusUnit)
    await unit.open()
    with pytest.raises(LinkDown):
        await unit.read("input", 1, 1)
    await asyncio.sleep(0.2)
    await unit.open()
    assert unit.session == 2
    await unit.close()
    await replay.stop()


def test_a_recording_with_nothing_to_answer() -> None:
    with pytest.raises(ValueError, match="no request"):
        ReplayServer([WireEvent(0.0, "press", "open")])
    both = [WireEvent(0.0, place, "sent", b"x") for place in ("press", "coater")]
    with pytest.raises(ValueError, match="choose one: coater, press"):
        ReplayServer(both)
    assert ReplayServer(both, place="press").remaining == 1
