"""The carriers of the proofs: our side on a real socket or pseudo-terminal, with a faulty machine at the other end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from drivers.profile import Profile
from drivers.profile_file import load_profile
from drivers.transport.urls import open_transport
from simulators.wire.pty import PtyPort
from tests.campaign.frame_damages import Scene
from tests.campaign.frame_lines import CoaterTarget
from tests.campaign.frame_modbus import ModbusTarget
from tests.campaign.frame_target import Target
from tests.campaign.frames import Framing
from tests.drivers.fault_machine import FaultMachine, cut_line, cut_rtu, cut_tcp

TIMEOUT_S, QUIET_S = 0.1, 0.25
"""Wall time: a test machine that is busy for less than their difference from LATE_S changes nothing."""


@dataclass(frozen=True, slots=True)
class Bench:
    """Our side of one carrier and the machine at its other end."""

    target: Target
    machine: FaultMachine

    async def ready(self) -> None:
        """Opens the connection if a fault has ended it."""
        if not self.target.transport.is_open:
            await self.target.transport.open()

    async def ask(self, question: Any) -> Any:
        """Asks; a machine of this carrier answers what belongs to this question."""
        self.machine.scene = lambda frame: self.target.scene(question, frame)
        return await self.target.ask(question)

    async def is_right(self, question: Any) -> bool:
        return bool(await self.ask(question) == self.target.truth())


def quick(name: str) -> Profile:
    profile = load_profile(name)
    return replace(profile, timing=replace(profile.timing, response_timeout_s=TIMEOUT_S, quiet_s=QUIET_S))


def bench_on(url: str, machine: FaultMachine, framing: Framing | None) -> Bench:
    profile = quick("coater-generic" if framing is None else "uniaxial-press-generic")
    transport: Any = open_transport(url, profile)
    target = CoaterTarget(profile, transport) if framing is None else ModbusTarget(framing, transport)
    target.timeout_s, target.quiet_s = TIMEOUT_S, QUIET_S
    return Bench(target, machine)


def new_machine(cut: Callable[[bytes], int | None]) -> FaultMachine:
    def unasked(frame: bytes) -> Scene:
        raise AssertionError(f"nobody asked {frame!r}")

    return FaultMachine(unasked, cut, Random(1))


@asynccontextmanager
async def on_socket(scheme: str, cut: Callable[[bytes], int | None], framing: Framing | None) -> AsyncIterator[Bench]:
    machine = new_machine(cut)
    connections: set[asyncio.Transport] = set()

    class Served(asyncio.Protocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            assert isinstance(transport, asyncio.Transport)
            connections.add(transport)
            self.transport = transport

        def data_received(self, data: bytes) -> None:
            machine.send = self.send
            machine.heard(data)

        def send(self, data: bytes) -> None:
            if not self.transport.is_closing():
                self.transport.write(data)

    server = await asyncio.get_running_loop().create_server(Served, "127.0.0.1", 0)
    bench = bench_on(f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}?unit=1", machine, framing)
    try:
        await bench.ready()
        yield bench
    finally:
        await bench.target.transport.close()
        server.close()
        for connection in connections:
            connection.abort()
        await server.wait_closed()


@asynccontextmanager
async def on_pty(folder: Path, cut: Callable[[bytes], int | None], framing: Framing | None) -> AsyncIterator[Bench]:
    machine = new_machine(cut)
    port = PtyPort(folder / "port", machine.heard)
    machine.send = port.send
    port.plug()
    bench = bench_on(f"serial://{port.link}?baudrate=115200&unit=1", machine, framing)
    try:
        await bench.ready()
        yield bench
    finally:
        await bench.target.transport.close()
        port.unplug()


CARRIERS: dict[str, Callable[[Path], AbstractAsyncContextManager[Bench]]] = {
    "tcp": lambda _: on_socket("tcp", cut_tcp, "tcp"),
    "rtu": lambda folder: on_pty(folder, cut_rtu, "rtu"),
    "rtu+tcp": lambda _: on_socket("rtu+tcp", cut_rtu, "rtu"),
    "ascii": lambda folder: on_pty(folder, cut_line, None),
    "ascii+tcp": lambda _: on_socket("tcp", cut_line, None),
}
