"""Lines on a serial port: late, broken and doubled answers, and a port that vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from drivers.errors import CorruptAnswer, DriverError, LinkDown, ProfileError, ResponseTimeout, WrongAnswer
from drivers.profile_file import load_profile
from drivers.transport.ascii_line import AsciiLine
from drivers.transport.base import wire_seconds
from drivers.transport.modbus import SerialSettings
from drivers.transport.urls import open_transport
from simulators.wire.pty import PtyPort


class Peer:
    """Answers every line with itself, as the next order says."""

    def __init__(self, link: Path) -> None:
        self.orders: list[str] = []
        self.heard: list[bytes] = []
        self.port = PtyPort(link, self._on_data)

    def _on_data(self, data: bytes) -> bytes | None:
        self.heard.append(data)
        order = self.orders.pop(0) if self.orders else "ok"
        loop = asyncio.get_running_loop()
        if order == "late":
            loop.call_later(0.15, self.port.send, data)
            return None
        if order == "pieces":
            for i, byte in enumerate(data):
                loop.call_later(0.002 * i, self.port.send, bytes([byte]))
            return None
        return {"ok": data, "lost": None, "twice": data + data, "endless": b"x" * 5000, "other": b"other\r\n"}[order]


@asynccontextmanager
async def line(tmp_path: Path) -> AsyncIterator[tuple[AsciiLine, Peer]]:
    peer = Peer(tmp_path / "port")
    peer.port.plug()
    transport = AsciiLine(SerialSettings(str(peer.port.link)), response_timeout_s=0.1, quiet_s=0.1)
    try:
        await transport.open()
        yield transport, peer
    finally:
        await transport.close()
        peer.port.unplug()


async def test_answers_in_pieces_are_put_together(tmp_path: Path) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = ["pieces"]
        assert await transport.exchange(b"hello\r\n") == b"hello\r\n"


@pytest.mark.parametrize(
    ("order", "error"),
    [("lost", ResponseTimeout), ("late", ResponseTimeout), ("twice", CorruptAnswer), ("endless", CorruptAnswer)],
)
async def test_after_a_fault_the_next_answer_is_its_own(tmp_path: Path, order: str, error: type[DriverError]) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = [order]
        with pytest.raises(error):
            await transport.exchange(b"first\r\n")
        assert await transport.exchange(b"second\r\n") == b"second\r\n"
        assert peer.heard == [b"first\r\n", b"second\r\n"]


async def test_an_answer_that_its_check_refuses_is_an_error(tmp_path: Path) -> None:
    def check(answer: bytes) -> None:
        if answer != b"mine\r\n":
            raise WrongAnswer(str(answer))

    async with line(tmp_path) as (transport, peer):
        peer.orders = ["other"]
        with pytest.raises(WrongAnswer):
            await transport.exchange(b"mine\r\n", check=check)
        assert await transport.exchange(b"mine\r\n", check=check) == b"mine\r\n"


async def test_a_caller_that_gives_up_leaves_no_answer_to_the_next(tmp_path: Path) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = ["pieces"]
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.003):
                await transport.exchange(b"first\r\n")
        assert await transport.exchange(b"second\r\n") == b"second\r\n"


async def test_urgent_requests_go_first(tmp_path: Path) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = ["pieces"]
        polls = [asyncio.create_task(transport.exchange(b"poll\r\n")) for _ in range(4)]
        await asyncio.sleep(0.002)
        await transport.exchange(b"stop\r\n", priority=True)
        await asyncio.gather(*polls)
        assert peer.heard.index(b"stop\r\n") == 1


async def test_a_port_that_vanishes_and_comes_back(tmp_path: Path) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.port.unplug()
        await asyncio.sleep(0.02)
        assert not transport.is_open
        with pytest.raises(LinkDown):
            await transport.exchange(b"hello\r\n")
        with pytest.raises(LinkDown):
            await transport.open()
        peer.port.plug()
        await transport.open()
        assert await transport.exchange(b"hello\r\n") == b"hello\r\n"
        assert transport.session == 2


async def test_a_port_has_one_master(tmp_path: Path) -> None:
    async with line(tmp_path) as (_, peer):
        other = AsciiLine(SerialSettings(str(peer.port.link)), response_timeout_s=0.1, quiet_s=0.1)
        with pytest.raises(LinkDown):
            await other.open()


@pytest.mark.parametrize(
    "url",
    [
        "tcp://localhost:502?nit=1",
        "udp://localhost:502",
        "serial://",
        "tcp://localhost:abc",
        "serial:///dev/ttyS0?baudrate=fast",
        "serial:///dev/ttyS0?parity=X",
    ],
)
def test_a_wrong_url_is_told(url: str) -> None:
    with pytest.raises(ProfileError, match="://"):
        open_transport(url, load_profile("uniaxial-press-generic"))


def test_times_on_a_fast_loop_keep_a_tenth_of_a_wall_second() -> None:
    profile = load_profile("isostatic-press-generic")
    assert open_transport("tcp://localhost:1", profile).response_timeout_s == 0.5
    assert open_transport("tcp://localhost:1", profile, speed=20).response_timeout_s == 2.0
    assert wire_seconds(0.5, 2.0) == 0.5
