"""The simulated line's cables: stable URLs, plugs that can be pulled, a loop that runs faster than the wall."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from pathlib import Path

import pytest

from drivers.machine import Machine
from drivers.profile_file import load_profile
from drivers.transport.urls import open_transport
from simulators.clock import run_scaled
from simulators.wire.ascii_server import LineAnswers
from simulators.wire.image import RegisterImage
from simulators.wire.modbus_server import RtuFrames, crc16
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
