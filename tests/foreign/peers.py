"""Modbus servers of other families with the same contents, on TCP or at the end of a cable of two pseudo-terminals."""

from __future__ import annotations

import asyncio
import os
import shlex
import shutil
import subprocess
import tty
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import modbus_tk.defines
import modbus_tk.modbus_rtu
import modbus_tk.modbus_tcp
import pytest
import serial
from pyModbusTCP.server import DataBank, DeviceIdentification, ModbusServer

from tests.ports import free_port

BITS, REGISTERS = 2100, 200
IDENTITY = {"vendor_name": b"Nobody", "product_code": b"P-1", "major_minor_revision": b"2.3"}
CONTENTS: dict[str, list[int]] = {
    "holding": [3 * n + 1 for n in range(REGISTERS)],
    "input": [40000 - n for n in range(REGISTERS)],
    "coil": [int(n % 3 == 0) for n in range(BITS)],
    "discrete": [int(n % 5 != 0) for n in range(BITS)],
}
_STARTS_S = 10.0  # a loaded machine starts a process or a thread within this


@dataclass(frozen=True, slots=True)
class Peer:
    """A running server: its URL for our side, and what it says itself that it holds now."""

    url: str
    held: Callable[[str, int, int], Awaitable[list[int]]]


Starts = Callable[[Path], AbstractAsyncContextManager[Peer]]


def needed(program: str) -> str:
    """The path of a program; the test fails, and does not skip, where it is missing."""
    path = shutil.which(program)
    if path is None:
        pytest.fail(f"{program} is not installed; `make system` installs what the tests need", pytrace=False)
    return path


@contextmanager
def cable() -> Iterator[tuple[str, str]]:
    """The two ends of a serial cable; bytes are carried while the running loop runs."""
    loop = asyncio.get_running_loop()
    pairs = [os.openpty(), os.openpty()]
    masters = [master for master, _ in pairs]
    for master, slave in pairs:
        tty.setraw(slave)
        os.set_blocking(master, False)

    def carry(*ends: int) -> None:
        source, sink = ends
        os.write(sink, os.read(source, 4096))

    loop.add_reader(masters[0], carry, *masters)
    loop.add_reader(masters[1], carry, *reversed(masters))
    try:
        yield os.ttyname(pairs[0][1]), os.ttyname(pairs[1][1])
    finally:
        for master, slave in pairs:
            loop.remove_reader(master)
            os.close(master)
            os.close(slave)


async def _listening(port: int) -> None:
    async with asyncio.timeout(_STARTS_S):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.02)
                continue
            writer.close()
            await writer.wait_closed()
            return


# ---------------------------------------------------------------- pyModbusTCP


@asynccontextmanager
async def pymodbustcp(_: Path) -> AsyncIterator[Peer]:
    bank = DataBank(coils_size=BITS, d_inputs_size=BITS, h_regs_size=REGISTERS, i_regs_size=REGISTERS)
    bank.set_holding_registers(0, CONTENTS["holding"])
    bank.set_input_registers(0, CONTENTS["input"])
    bank.set_coils(0, [bool(bit) for bit in CONTENTS["coil"]])
    bank.set_discrete_inputs(0, [bool(bit) for bit in CONTENTS["discrete"]])
    port = free_port()
    identity = DeviceIdentification(**IDENTITY)
    server = ModbusServer("127.0.0.1", port, no_block=True, data_bank=bank, device_id=identity)

    async def held(table: str, address: int, count: int) -> list[int]:
        ask = bank.get_holding_registers if table == "holding" else bank.get_coils
        return [int(value) for value in ask(address, count)]

    server.start()
    try:
        await _listening(port)
        yield Peer(f"tcp://127.0.0.1:{port}?unit=1", held)
    finally:
        await asyncio.to_thread(server.stop)


# ---------------------------------------------------------------- modbus-tk

_BLOCKS = {
    "holding": modbus_tk.defines.HOLDING_REGISTERS,
    "input": modbus_tk.defines.READ_INPUT_REGISTERS,
    "coil": modbus_tk.defines.COILS,
    "discrete": modbus_tk.defines.DISCRETE_INPUTS,
}


@asynccontextmanager
async def _modbus_tk(server: Any, url: str) -> AsyncIterator[Peer]:
    unit = server.add_slave(1)
    for table, block in _BLOCKS.items():
        unit.add_block(table, block, 0, len(CONTENTS[table]))
        unit.set_values(table, 0, CONTENTS[table])

    async def held(table: str, address: int, count: int) -> list[int]:
        return list(unit.get_values(table, address, count))

    server.start()
    try:
        yield Peer(url, held)
    finally:
        await asyncio.to_thread(server.stop)


@asynccontextmanager
async def modbus_tk_tcp(_: Path) -> AsyncIterator[Peer]:
    port = free_port()
    server = modbus_tk.modbus_tcp.TcpServer(port=port, address="127.0.0.1")
    async with _modbus_tk(server, f"tcp://127.0.0.1:{port}?unit=1") as peer:
        await _listening(port)
        yield peer


@asynccontextmanager
async def modbus_tk_rtu(_: Path) -> AsyncIterator[Peer]:
    with cable() as (theirs, ours):
        server = modbus_tk.modbus_rtu.RtuServer(serial.Serial(theirs, 115200))
        async with _modbus_tk(server, f"serial://{ours}?baudrate=115200&unit=1") as peer:
            yield peer


# ---------------------------------------------------------------- libmodbus


def libmodbus_server(folder: Path) -> Path:
    """Builds the server of this folder."""
    source, program = Path(__file__).with_name("libmodbus_server.c"), folder / "libmodbus_server"
    found = subprocess.run(
        [needed("pkg-config"), "--cflags", "--libs", "libmodbus"], check=False, capture_output=True, text=True
    )
    if found.returncode != 0:
        pytest.fail(f"libmodbus is not installed (package libmodbus-dev): {found.stderr.strip()}", pytrace=False)
    flags = ("-O1", "-Wall", "-Wextra", "-Werror")
    subprocess.run([needed("cc"), *flags, "-o", program, source, *shlex.split(found.stdout)], check=True)
    return program


@asynccontextmanager
async def _libmodbus(folder: Path, *arguments: str) -> AsyncIterator[tuple[int, Callable[..., Awaitable[list[int]]]]]:
    program = await asyncio.to_thread(libmodbus_server, folder)
    process = await asyncio.create_subprocess_exec(program, *arguments, stdout=asyncio.subprocess.PIPE)
    assert process.stdout is not None
    told = process.stdout

    async def line() -> list[str]:
        async with asyncio.timeout(_STARTS_S):
            return (await told.readline()).decode("ascii").split()

    async def held(table: str, address: int, count: int) -> list[int]:
        """What the server said that its last write left."""
        words = await line()
        assert words[:2] == [table, str(address)], words
        assert len(words) == 2 + count, words
        return [int(word) for word in words[2:]]

    try:
        ready, port = await line()
        assert ready == "ready"
        yield int(port), held
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


@asynccontextmanager
async def libmodbus_tcp(folder: Path) -> AsyncIterator[Peer]:
    async with _libmodbus(folder, "tcp") as (port, held):
        yield Peer(f"tcp://127.0.0.1:{port}?unit=1", held)


@asynccontextmanager
async def libmodbus_rtu(folder: Path) -> AsyncIterator[Peer]:
    with cable() as (theirs, ours):
        async with _libmodbus(folder, "rtu", theirs) as (_, held):
            yield Peer(f"serial://{ours}?baudrate=115200&unit=1", held)
