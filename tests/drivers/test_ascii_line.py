"""A line of text on a serial port: late, broken and doubled answers, and a port that vanishes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from drivers.ascii_signals import AsciiSignals
from drivers.errors import CorruptAnswer, DriverError, LinkDown, OutcomeUnknown, ResponseTimeout, WrongAnswer
from drivers.profile import Timing
from drivers.profile_file import load_profile
from drivers.transport.ascii_line import AsciiUnit
from drivers.transport.urls import open_transport
from simulators.wire.pty import PtyPort

COATER = replace(load_profile("coater-generic"), timing=Timing(response_timeout_s=0.1, quiet_s=0.1))


class Peer:
    """Answers every line with itself, as the next order says."""

    def __init__(self, link: Path) -> None:
        self.orders: list[str] = []
        self.heard: list[bytes] = []
        self.asked = asyncio.Event()
        self.port = PtyPort(link, self._on_data)

    def _on_data(self, data: bytes) -> bytes | None:
        self.heard.append(data)
        self.asked.set()
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


def transport_of(peer: Peer) -> AsciiUnit:
    transport = open_transport(f"serial://{peer.port.link}", COATER)
    assert isinstance(transport, AsciiUnit)
    return transport


@asynccontextmanager
async def line(tmp_path: Path) -> AsyncIterator[tuple[AsciiUnit, Peer]]:
    peer = Peer(tmp_path / "port")
    peer.port.plug()
    transport = transport_of(peer)
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
        await transport.exchange(b"first\r\n")
        peer.orders = ["pieces"]
        polls = [asyncio.create_task(transport.exchange(b"poll\r\n")) for _ in range(4)]
        await asyncio.sleep(0.002)
        await transport.exchange(b"stop\r\n", priority=True)
        await asyncio.gather(*polls)
        assert peer.heard.index(b"stop\r\n") == 2


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
        with pytest.raises(LinkDown):
            await transport_of(peer).open()


@pytest.mark.parametrize("order", ["lost", "late", "endless", "other", "ok"])
async def test_a_write_without_its_answer_goes_out_once(tmp_path: Path, order: str) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = [order]
        with pytest.raises(OutcomeUnknown):
            await AsciiSignals(COATER, transport).write_command(2, 43)
        await transport.exchange(b"again\r\n")
        assert [data[5:8] for data in peer.heard] == [b"CM ", b"\r\n"]


async def test_a_write_whose_port_vanishes_is_an_unknown_outcome(tmp_path: Path) -> None:
    async with line(tmp_path) as (transport, peer):
        peer.orders = ["lost"]
        write = asyncio.create_task(AsciiSignals(COATER, transport).write_command(2, 43))
        await peer.asked.wait()
        peer.port.unplug()
        with pytest.raises(OutcomeUnknown):
            await write
