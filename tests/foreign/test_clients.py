"""Clients that others wrote read our simulated machines: mbpoll (libmodbus) over TCP and RTU, pyModbusTCP over TCP."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit

import pytest
from pyModbusTCP.client import ModbusClient
from pyModbusTCP.utils import decode_ieee, get_2comp, word_list_to_long

from drivers.profile import Signal
from simulators.line import SimulatedLine
from simulators.wire.serve import serve_line
from tests.foreign.peers import needed

PRESSES = ("uniaxial-press-1", "isostatic-press-1")


async def mbpoll(*arguments: str) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(needed("mbpoll"), "-1", "-q", *arguments), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    return process.returncode, output.decode()


def place(url: SplitResult) -> list[str]:
    """mbpoll's options for a unit of the simulated line; the device or host stands last on its command line."""
    if url.scheme == "tcp":
        return ["-m", "tcp", "-p", str(url.port), "-a", "1", str(url.hostname)]
    return ["-m", "rtu", "-b", "115200", "-P", "none", "-a", "1", url.path]


def values(output: str) -> list[float]:
    """The numbers behind mbpoll's "[21]: 0.8"; it adds the signed reading in brackets where that differs."""
    return [float(text) for text in re.findall(r"^\[\d+\]:\s+(\S+)", output, re.MULTILINE)]


@pytest.mark.parametrize("carrier", ["tcp", "rtu"])
async def test_mbpoll_reads_words_and_floats(carrier: str) -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    async with serve_line(line.machines, clock, carriers=dict.fromkeys(PRESSES, carrier)) as wires:
        for unit, model, first, order in (
            ("isostatic-press-1", 4202, "medium_a_c", []),
            ("uniaxial-press-1", 4101, "force_pv_kn", ["-B"]),
        ):
            machine, there = line.machines[unit], place(urlsplit(wires[unit]))
            code, identity = await mbpoll("-t", "3", "-r", "1", "-c", "1", *there)
            assert (code, values(identity)) == (0, [model]), identity
            address = machine.profile.signals[first].address
            assert address is not None
            code, told = await mbpoll(*order, "-t", "3:float", "-r", str(address + 1), "-c", "1", *there)
            assert code == 0, told
            assert values(told) == [pytest.approx(machine.plc.tags[first], abs=1.0)]  # type: ignore[union-attr]


@pytest.mark.parametrize("carrier", ["tcp", "rtu"])
async def test_mbpoll_writes_and_is_refused_what_is_not_there(carrier: str) -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    async with serve_line(line.machines, clock, carriers=dict.fromkeys(PRESSES, carrier)) as wires:
        there = place(urlsplit(wires["isostatic-press-1"]))
        beat = line.machines["isostatic-press-1"].profile.signals["heartbeat_controller"].address
        assert beat is not None
        code, told = await mbpoll("-t", "4", "-r", str(beat + 1), *there, "1234")
        assert code == 0, told
        code, told = await mbpoll("-t", "4", "-r", str(beat + 1), "-c", "1", *there)
        assert (code, values(told)) == (0, [1234]), told
        _, told = await mbpoll("-t", "3", "-r", "5001", *there)
        assert "Illegal data address" in told
        _, told = await mbpoll("-t", "4", "-r", "5001", *there, "1")
        assert "Illegal data address" in told


def number(signal: Signal, words: list[int]) -> float:
    """A value as pyModbusTCP's own functions read it."""
    ordered = words if signal.word_order == "big" else words[::-1]
    match signal.type:
        case "float32":
            raw = decode_ieee(word_list_to_long(ordered)[0])
        case "uint32" | "int32":
            raw = word_list_to_long(ordered)[0]
        case "int16":
            raw = get_2comp(ordered[0], 16)
        case _:
            raw = ordered[0]
    return float(raw) * signal.scale + signal.offset


def read_all(client: ModbusClient, signals: Mapping[str, Signal]) -> dict[str, float]:
    read: dict[str, float] = {}
    for signal in signals.values():
        ask = client.read_input_registers if signal.table == "input" else client.read_holding_registers
        words = ask(signal.address, signal.words)
        assert words is not None, (signal.name, client.last_error_as_txt, client.last_except_as_full_txt)
        read[signal.name] = number(signal, words)
    return read


@pytest.mark.parametrize("unit", PRESSES)
async def test_pymodbustcp_reads_every_signal_as_the_machine_has_it(unit: str) -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    machine = line.machines[unit]
    async with serve_line(line.machines, clock, carriers={unit: "tcp"}) as wires:
        there = urlsplit(wires[unit])
        client = ModbusClient(there.hostname, there.port, unit_id=1, auto_open=True)
        try:
            read = await asyncio.to_thread(read_all, client, machine.profile.signals)
        finally:
            client.close()
    tags = machine.plc.tags  # type: ignore[union-attr]
    counts = {"heartbeat_machine"}  # counts on between the read and the look
    for name, signal in machine.profile.signals.items():
        if name in counts:
            continue
        spread = 0.0 if signal.integer else 4.0 * (signal.accuracy or 0.01)
        assert read[name] == pytest.approx(float(tags.get(name, 0)), abs=spread), name
    assert len(read) > 30


async def test_pymodbustcp_writes_is_refused_and_identifies() -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    unit = "isostatic-press-1"
    beat = line.machines[unit].profile.signals["heartbeat_controller"].address
    async with serve_line(line.machines, clock, carriers={unit: "tcp"}) as wires:
        there = urlsplit(wires[unit])
        client = ModbusClient(there.hostname, there.port, unit_id=1, auto_open=True)
        try:
            assert await asyncio.to_thread(client.write_multiple_registers, beat, [77])
            assert await asyncio.to_thread(client.read_holding_registers, beat, 1) == [77]
            assert await asyncio.to_thread(client.write_single_register, beat, 78)
            assert await asyncio.to_thread(client.read_holding_registers, beat, 1) == [78]
            assert await asyncio.to_thread(client.read_input_registers, 5000, 2) is None
            assert client.last_except == 2
            told = await asyncio.to_thread(client.read_device_identification)
            assert told is not None
            assert told.vendor_name
            assert told.product_code
        finally:
            client.close()
