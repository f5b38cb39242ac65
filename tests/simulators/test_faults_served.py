"""Faults on served wires, real sockets and pseudo-terminals, and lines laid out as a line file says."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.app import line_layouts, simulated_wires
from controller.config import ConfigError, LineConfig, UnitConfig
from drivers.errors import DriverError
from drivers.profile_file import load_profile
from drivers.transport.urls import Lines
from simulators.any_machine import AnyMachine
from simulators.faults import Injection
from simulators.line import PROFILES, RegisterMachine, SimulatedLine, shipped
from simulators.wire.modbus_server import crc16
from simulators.wire.serve import Layout, ServedLine, serve_cables, serve_line
from tests.ports import free_port

TCP, RTU, TEXT, BALANCE = "isostatic-press-1", "uniaxial-press-1", "coater-1", "balance-1"
FAULTS = (
    "wire.stray_byte",
    "wire.corrupt",
    "wire.split",
    "wire.glued",
    "wire.late",
    "wire.other_function",
    "wire.noise",
    "wire.dead_unit",
    "wire.reset",
)


@asynccontextmanager
async def served(carriers: dict[str, str] | None = None) -> AsyncIterator[tuple[SimulatedLine, ServedLine]]:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine("realistic", 1, clock)
    async with serve_line(line.machines, clock, carriers=carriers, panel=line.faults) as wires:
        yield line, wires


async def model_of(transport: Any, unit: str) -> object:
    """What never changes of a unit, asked once, connecting if it must."""
    if not transport.is_open:
        await transport.open()
    if unit == TEXT:
        return await transport.exchange(b"@0101RD ID*53\r\n")
    return await transport.read("input", 0, 1)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("unit", "carrier"), [(TCP, "tcp"), (RTU, "rtu"), (RTU, "rtu+tcp"), (TCP, "rtu")])
async def test_a_served_wire_is_damaged_and_comes_back(fault: str, unit: str, carrier: str) -> None:
    async with served({unit: carrier}) as (line, wires):
        transport: Any = Lines().transport(wires[unit], load_profile(PROFILES[unit]))
        truth = await model_of(transport, unit)
        number = line.faults.inject(Injection(fault, unit, parameters={"times": 1.0}))
        answers = []
        for _ in range(8):
            try:
                answers.append(await model_of(transport, unit))
            except DriverError:
                await asyncio.sleep(0.15)  # a port that was reset comes back
        assert number not in [active.number for active in line.faults.active]
        assert len(answers) >= 5
        assert all(answer == truth for answer in answers)
        await transport.close()


async def test_without_faults_pipelined_requests_of_several_masters_are_answered_in_order() -> None:
    async with served({TCP: "tcp"}) as (line, wires):
        port = int(wires[TCP].split(":")[2].split("?")[0])

        def ask(number: int) -> bytes:
            return struct.pack(">HHHBBHH", number, 0, 6, 1, 4, 0, 2)

        async def master(first: int) -> list[int]:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            data = b"".join(ask(number) for number in range(first, first + 50))
            for start in range(0, len(data), 17):  # in pieces that fit no frame
                writer.write(data[start : start + 17])
                await asyncio.sleep(0)
            found = []
            for _ in range(50):
                head = await reader.readexactly(7)
                found.append(int.from_bytes(head[:2], "big"))
                assert (await reader.readexactly(int.from_bytes(head[4:6], "big") - 1))[:2] == b"\x04\x04"
            writer.close()
            return found

        numbers = await asyncio.gather(*(master(first) for first in (100, 300, 500)))
        assert numbers == [list(range(first, first + 50)) for first in (100, 300, 500)]
        assert line.faults.active == ()


def units(**urls: str) -> LineConfig:
    """A line file's units: kind by the name before the underscore."""
    profiles = {
        "press": ("uniaxial_press", "uniaxial-press-generic"),
        "vessel": ("isostatic_press", "isostatic-press-generic"),
        "coater": ("coater", "coater-generic"),
        "oven": ("temperature_controller", "eurotherm-3216"),
        "scales": ("balance", "balance-sics"),
    }
    made = {name: UnitConfig(name, *profiles[name.partition("_")[0]], url) for name, url in urls.items()}
    return LineConfig("pilot line", made)


def test_a_line_file_is_laid_out_as_its_urls_say(tmp_path: Path) -> None:
    port, link = free_port(), tmp_path / "press-port"
    layouts = line_layouts(
        units(
            press_1=f"serial://{link}?baudrate=115200&unit=3",
            oven=f"serial://{link}?baudrate=115200&unit=7",
            vessel=f"tcp://127.0.0.1:{port}?unit=1",
            press_2="rtu+tcp://10.1.2.3:4001?unit=2",
            coater="tcp://10.1.2.4:4001?unit=9",
            scales="serial:///dev/ttyUSB7?baudrate=9600",
        )
    )
    assert layouts == [
        Layout({3: "press_1", 7: "oven"}, "rtu", 0, link),
        Layout({1: "vessel"}, "tcp", port),
        Layout({2: "press_2"}, "rtu+tcp"),
        Layout({9: "coater"}, "ascii+tcp"),
        Layout({1: "scales"}, "ascii"),
    ]


def test_a_line_file_that_cannot_be_is_refused_with_every_fault() -> None:
    with pytest.raises(ConfigError) as told:
        line_layouts(units(press_1="tcp://10.0.0.1:1?unit=300", press_2="nonsense"))
    assert "units.press_1.url" in str(told.value)
    assert "units.press_2.url" in str(told.value)


async def test_a_given_line_is_served_with_its_numbers_and_is_silent_for_others(tmp_path: Path) -> None:
    port, link = free_port(), tmp_path / "press-port"
    given = units(
        press=f"serial://{link}?baudrate=115200&unit=3",
        oven=f"serial://{link}?baudrate=115200&unit=7",
        vessel=f"tcp://127.0.0.1:{port}?unit=5",
        coater="tcp://10.1.2.4:4001?unit=9",
    )
    async with simulated_wires("nominal", 1, 1.0, given) as config:
        assert config.name == "pilot line"
        assert config.units["vessel"].url == f"tcp://127.0.0.1:{port}?unit=5"
        assert config.units["press"].url.startswith(f"serial://{link}?")
        lines = Lines()
        transports: dict[str, Any] = {
            name: lines.transport(unit.url, load_profile(given.units[name].profile))
            for name, unit in config.units.items()
        }
        for name, transport in transports.items():
            await transport.open()
            if name == "coater":
                body = b"@0901RD ID"
                check = 0
                for byte in body[1:]:
                    check ^= byte
                assert (await transport.exchange(body + b"*%02X\r\n" % check)).startswith(b"@0901OK 4303,")
        assert await transports["press"].read("input", 0, 1) == [4101]
        assert await transports["vessel"].read("input", 0, 1) == [4202]
        absent: Any = lines.transport(f"serial://{link}?baudrate=115200&unit=4", shipped("uniaxial-press-generic"))
        await absent.open()
        with pytest.raises(DriverError, match="no answer"):
            await absent.read("input", 0, 1)
        for transport in transports.values():
            await transport.close()
        await absent.close()


def test_a_profile_with_more_signals_has_the_physics_and_another_has_a_controller_only() -> None:
    generic = shipped("uniaxial-press-generic")
    oven = load_profile("eurotherm-3216")
    line = SimulatedLine(units={"press": generic, "oven": oven})
    assert isinstance(line.machines["press"], RegisterMachine)
    assert isinstance(line.machines["oven"], AnyMachine)
    line.faults.inject(Injection("wire.corrupt", "oven"))


async def test_a_silent_unit_costs_no_answer_and_rtu_needs_its_checksum() -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine("nominal", 1, clock)
    async with serve_cables(line.machines, clock, [Layout({2: RTU, 6: TCP}, "rtu+tcp")], panel=line.faults) as wires:
        reader, writer = await asyncio.open_connection("127.0.0.1", int(wires[RTU].split(":")[2].split("?")[0]))
        good = b"\x02\x04\x00\x00\x00\x01"
        absent = b"\x03\x04\x00\x00\x00\x01"
        for frame in (absent + crc16(absent), good + b"\0\0", good + crc16(good)):
            writer.write(frame)
            await asyncio.sleep(0.02)
        assert (await reader.read(100))[:5] == b"\x02\x04\x02\x10\x05"
        writer.close()
