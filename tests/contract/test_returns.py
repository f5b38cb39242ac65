"""A machine that is absent, vanishes and returns: how soon it is noticed, and that nothing is sent twice."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

import pytest

from drivers.link import Retry
from drivers.machine import Machine
from drivers.profile_file import load_profile
from drivers.transport.memory import memory_transport
from drivers.transport.urls import open_transport
from simulators.clock import run_virtual
from simulators.wire.serve import serve_line
from tests.contract.rig import LEASE, Toy, next_change, next_snapshot, owned, quick

RETURN_LIMIT_S = 5.0
HEARTBEAT_S = 0.3
OVER_TCP = [
    ("isostatic-press-generic", "tcp"),
    ("uniaxial-press-generic", "rtu+tcp"),
    ("coater-generic", "ascii+tcp"),
]


def test_retries_double_to_4_s_and_units_do_not_knock_in_step() -> None:
    retry = Retry("press")
    waits = [retry.next_s() for _ in range(12)]
    for wait, longest in zip(waits, (0.5, 1.0, 2.0, *[4.0] * 9), strict=True):
        assert 0.75 * longest <= wait <= longest
    assert len({Retry(unit).next_s() for unit in ("one", "two", "three")}) == 3
    retry.forget()
    assert retry.next_s() == waits[0]
    assert retry.next_s(soon=False) >= 3.0


@pytest.mark.parametrize("away_s", [0.4, 1.3, 7.0, 33.3, 600.0])
@pytest.mark.parametrize("name", ["uniaxial-press-generic", "coater-generic"])
def test_a_machine_that_returns_is_polled_again_within_5_s(name: str, away_s: float) -> None:
    async def main() -> None:
        profile = load_profile(name)
        toy = Toy(profile, asyncio.get_running_loop().time)
        transport = memory_transport(toy)
        machine = Machine("unit-1", profile, transport, lease=LEASE)
        async with owned(machine) as queue:
            await machine.wait_link()
            await machine.start()
            await asyncio.sleep(2.0)
            transport.unplug()
            await asyncio.sleep(away_s)
            while not queue.empty():
                queue.get_nowait()
            transport.plug()
            plugged = asyncio.get_running_loop().time()
            assert (await next_snapshot(queue)).time_s - plugged < RETURN_LIMIT_S
            await asyncio.sleep(10.0)
        assert toy.plc.executed == ["start"]
        assert toy.plc.writes == 1

    run_virtual(main())


def test_a_machine_that_is_absent_at_the_start_is_connected_when_it_comes() -> None:
    async def main() -> None:
        profile = load_profile("isostatic-press-generic")
        toy = Toy(profile, asyncio.get_running_loop().time)
        transport = memory_transport(toy)
        transport.unplug()
        machine = Machine("unit-1", profile, transport, lease=LEASE)
        async with owned(machine) as queue:
            await next_change(queue, up=False)
            await asyncio.sleep(20.0)
            assert queue.empty()  # told once
            transport.plug()
            async with asyncio.timeout(RETURN_LIMIT_S):
                await machine.wait_link()
            await next_snapshot(queue)

    run_virtual(main())


class Relay:
    """A TCP connection that can go dead without a word, as after a pulled cable or a machine that lost its power."""

    def __init__(self, host: str, port: int) -> None:
        self._there = (host, port)
        self._tasks: set[asyncio.Task[None]] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def freeze(self, *, refuses: bool) -> None:
        """Whatever is connected now is never answered again; new connections are refused, or reach the machine."""
        self._dead |= self._ends
        if refuses and self._server is not None:
            self._server.close()
            self._server = None

    async def end(self) -> None:
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there_reader, there_writer = await asyncio.open_connection(*self._there)
        self._ends |= {writer, there_writer}
        for source, sink in ((reader, there_writer), (there_reader, writer)):
            self._tasks.add(asyncio.create_task(self._carry(source, sink)))

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            with suppress(ConnectionError):
                while data := await reader.read(1000):
                    if writer not in self._dead:
                        writer.write(data)
        finally:
            writer.close()


@asynccontextmanager
async def relayed(name: str, carrier: str) -> AsyncIterator[tuple[Machine, Toy, Relay]]:
    """A machine behind a relay, with polls so slow that only heartbeats can notice anything."""
    profile = quick(load_profile(name), heartbeat_period_s=HEARTBEAT_S, poll_idle_s=5.0, stale_after_s=6.0)
    clock = asyncio.get_running_loop().time
    toy = Toy(profile, clock)
    async with serve_line({"unit-1": toy}, clock, carriers={"unit-1": carrier}) as served:
        url = served["unit-1"]
        there = urlsplit(url)
        relay = Relay(there.hostname or "", there.port or 0)
        await relay.start()
        here = url.replace(f":{there.port}", f":{relay.port}")
        try:
            yield Machine("unit-1", profile, open_transport(here, profile), lease=LEASE), toy, relay
        finally:
            await relay.end()


@pytest.mark.parametrize(("name", "carrier"), OVER_TCP)
async def test_a_half_open_socket_is_noticed_within_two_heartbeats(name: str, carrier: str) -> None:
    async with relayed(name, carrier) as (machine, toy, relay), owned(machine) as queue:
        await next_change(queue, up=True)
        await asyncio.sleep(0.4)
        await relay.freeze(refuses=True)
        frozen = asyncio.get_running_loop().time()
        change = await next_change(queue, up=False)
        assert change.time_s - frozen < 2 * HEARTBEAT_S + 0.1, change.reason
        await relay.start()
        restored = asyncio.get_running_loop().time()
        back = await next_change(queue, up=True)
        assert back.time_s - restored < RETURN_LIMIT_S
        assert toy.plc.writes == 0


@pytest.mark.parametrize(("name", "carrier"), OVER_TCP)
async def test_a_machine_that_restarted_is_heard_again_within_two_heartbeats(name: str, carrier: str) -> None:
    async with relayed(name, carrier) as (machine, toy, relay), owned(machine) as queue:
        await next_change(queue, up=True)
        await asyncio.sleep(0.4)
        await relay.freeze(refuses=False)
        beats = len(toy.plc.beats)
        await asyncio.sleep(3 * HEARTBEAT_S)
        assert len(toy.plc.beats) > beats
        assert machine.link_up
        assert toy.plc.writes == 0
