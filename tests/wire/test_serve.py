"""The simulated line's cables: stable URLs, plugs that can be pulled, a loop that runs faster than the wall."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import pytest
import uvloop

from drivers.encoding import decode_value
from drivers.errors import DeviceRefused
from drivers.machine import Machine
from drivers.profile import Table
from drivers.profile_file import load_profile
from drivers.transport.modbus import ModbusUnit
from drivers.transport.urls import open_transport
from simulators.clock import run_scaled
from simulators.wire.ascii_server import LineAnswers
from simulators.wire.image import RegisterImage
from simulators.wire.modbus_server import RtuFrames, answer_pdu, crc16
from simulators.wire.serve import serve_line
from tests.contract.toy_plc import ToyPlc


class Served:
    def __init__(self, name: str) -> None:
        self.profile = load_profile(name)
        self.plc = ToyPlc(self.profile)
        self.registers = RegisterImage(self.profile, self.plc, asyncio.get_running_loop().time)


def is_terminal(link: Path) -> bool:
    return link.resolve().is_char_device()


async def test_urls_stay_and_the_folder_goes() -> None:
    clock = asyncio.get_running_loop().time
    machines = {"press": Served("uniaxial-press-generic"), "vessel": Served("isostatic-press-generic")}
    async with serve_line(machines, clock) as served:
        before = dict(served)
        assert before["vessel"].startswith("tcp://127.0.0.1:")
        link = Path(before["press"].removeprefix("serial://").partition("?")[0])
        assert is_terminal(link)
        for unit in machines:
            await served.unplug(unit)
            await served.unplug(unit)
        assert not is_terminal(link)
        for unit in machines:
            await served.plug(unit)
        assert served.urls == before
        assert is_terminal(link)
    assert not is_terminal(link)


@pytest.mark.parametrize("name", ["uniaxial-press-generic", "isostatic-press-generic"])
def test_a_line_at_twenty_times_the_walls_speed(name: str) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        machine_side = Served(name)
        async with serve_line({"press": machine_side}, loop.time) as served:
            transport = open_transport(served["press"], machine_side.profile, speed=20.0)
            machine = Machine("press", machine_side.profile, transport)
            task = asyncio.create_task(machine.run())
            await machine.wait_link()
            await machine.start()
            await asyncio.sleep(10.0)
            assert machine.link_up
            assert len(machine_side.plc.beats) >= 10
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    run_scaled(main(), 20.0)


@pytest.mark.parametrize("carrier", ["tcp", "rtu"])
def test_a_machine_on_the_loop_that_the_service_has(carrier: str) -> None:
    """uvloop: its transports are no asyncio.Transport, and a driver that insisted on one never connected."""

    async def main() -> None:
        machine_side = Served("isostatic-press-generic")
        clock = asyncio.get_running_loop().time
        async with serve_line({"press": machine_side}, clock, carriers={"press": carrier}) as served:
            transport = open_transport(served["press"], machine_side.profile)
            machine = Machine("press", machine_side.profile, transport)
            task = asyncio.create_task(machine.run())
            await asyncio.wait_for(machine.wait_link(), 5)
            await machine.start()
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    uvloop.run(main())


async def test_each_carrier_carries_and_a_shared_cable_numbers_its_units() -> None:
    clock = asyncio.get_running_loop().time
    machines = {name: Served("uniaxial-press-generic") for name in ("a", "b", "c", "d")}
    for number, machine in enumerate(machines.values()):
        machine.plc.tags["serial_number"] = 100 + number
    carriers = {"a": "rtu+tcp", "b": "tcp", "d": "rtu"}
    async with serve_line(machines, clock, carriers=carriers, together=[["b", "c"]]) as served:
        schemes = {unit: url.partition(":")[0] for unit, url in served.items()}
        assert schemes == {"a": "rtu+tcp", "b": "tcp", "c": "tcp", "d": "serial"}
        assert served["c"] == served["b"].replace("unit=1", "unit=2")
        for number, (unit, machine) in enumerate(machines.items()):
            transport = open_transport(served[unit], machine.profile)
            assert isinstance(transport, ModbusUnit)
            await transport.open()
            serial = machine.profile.signals["serial_number"]
            words = await transport.read("input", serial.address or 0, serial.words)
            assert decode_value(serial, words) == 100 + number
            assert (await transport.identification())["product_code"] == "uniaxial-press-generic"
            await transport.close()


async def test_a_machine_is_not_served_by_what_cannot_carry_it() -> None:
    clock = asyncio.get_running_loop().time
    for carrier in ("ascii", "ascii+tcp", "pigeon"):
        with pytest.raises(ValueError, match="carries"):
            async with serve_line({"a": Served("uniaxial-press-generic")}, clock, carriers={"a": carrier}):
                pass


class Bits:
    """Coils that can be written, and texts."""

    def __init__(self) -> None:
        self.coils = [0] * 20
        self.identification = {0: "ABC", 1: "X" * 150, 2: "Y" * 150, 5: "Z"}

    def read(self, table: Table, address: int, count: int) -> list[int]:
        return self.coils[address : address + count]

    def write(self, address: int, values: Sequence[int]) -> None:
        raise DeviceRefused(2)

    def write_coils(self, address: int, values: Sequence[int]) -> None:
        self.coils[address : address + len(values)] = values


def test_bits_and_identification_from_the_specification() -> None:
    bits = Bits()

    def told(pdu: str) -> str:
        return answer_pdu(bits, bytes.fromhex(pdu)).hex(" ")

    assert told("05 0003 FF00") == "05 00 03 ff 00"
    assert told("05 0003 0001") == "85 03"
    assert told("0F 0008 000A 02 CD 01") == "0f 00 08 00 0a"  # V1.1b3, section 6.11
    assert bits.coils == [0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 0]
    assert told("0F 0008 000A 01 CD") == "8f 03"
    assert told("01 0000 0012") == "01 03 08 cd 01"
    assert told("02 0003 0001") == "02 01 01"
    assert told("01 0000 07D1") == "81 03"
    assert told("2B 0E 01 00")[:35] == "2b 0e 01 82 ff 02 02 00 03 41 42 43"
    assert told("2B 0E 01 02")[:26] == "2b 0e 01 82 00 00 01 02 96"
    assert told("2B 0E 04 05") == "2b 0e 04 82 00 00 01 05 01 5a"
    assert told("2B 0E 04 07") == "ab 02"
    assert told("2B 0D 01 00") == "ab 01"
    assert told("11") == "91 01"


def test_half_a_value_is_cut_from_the_whole() -> None:
    profile = load_profile("uniaxial-press-generic")
    plc = ToyPlc(profile)
    image = RegisterImage(profile, plc, lambda: 0.0)
    plc.tags["force_pv_kn"] = 449.75
    address = profile.signals["force_pv_kn"].address or 0
    whole = image.read("input", address, 2)
    assert image.read("input", address, 1) + image.read("input", address + 1, 1) == whole


def test_frames_are_cut_by_their_length() -> None:
    body = bytes.fromhex("01 04 0000 0024")
    frame = body + crc16(body)
    frames = RtuFrames()
    assert [frames.take(frame[i : i + 1]) for i in range(8)] == [None] * 7 + [frame]
    write = bytes.fromhex("01 10 0002 0001 02 0005")
    write += crc16(write)
    assert frames.take(write[:5]) is None
    assert frames.take(write[5:]) == write
    assert frames.take(frame[:4]) is None
    frames.forget()
    assert frames.take(frame) == frame


def test_lines_are_cut_at_their_ends() -> None:
    class Echo:
        def answer(self, request: bytes) -> bytes | None:
            return request.upper()

    answers = LineAnswers(Echo())
    assert answers(b"ab") is None
    assert answers(b"c\r\nde\r\nf") == b"ABC\r\nDE\r\n"
    assert answers(b"x" * 2000) is None
    assert answers(b"ok\r\n") == b"OK\r\n"
    assert LineAnswers(Echo(), end=b"\r")(b"a\rb\nc\rd") == b"A\rB\nC\r"
