"""mbpoll (libmodbus) reads our simulated machines: framing, word order and addresses, seen by a stranger."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import pytest

from simulators.line import SimulatedLine
from simulators.wire.serve import serve_line


async def mbpoll(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "mbpoll", "-1", "-q", *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


def values(output: str) -> list[float]:
    """The numbers behind mbpoll's "[21]: 0.8"."""
    return [float(text) for text in re.findall(r"^\[\d+\]:\s+(\S+)", output, re.MULTILINE)]


async def test_a_stranger_reads_the_presses_over_tcp_and_rtu() -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    async with serve_line(line.machines, clock) as wires:
        tcp, serial = urlsplit(wires["isostatic-press-1"]), urlsplit(wires["uniaxial-press-1"])
        over_tcp = ["-m", "tcp", "-p", str(tcp.port), "-a", "1"]
        over_rtu = ["-m", "rtu", "-b", "115200", "-P", "none", "-a", "1"]
        identity = await mbpoll(*over_tcp, "-t", "3", "-r", "1", "-c", "1", str(tcp.hostname))
        assert values(identity) == [4202]
        medium = await mbpoll(*over_tcp, "-t", "3:float", "-r", "25", "-c", "1", str(tcp.hostname))
        assert values(medium) == [pytest.approx(line.machines["isostatic-press-1"].plc.tags["medium_a_c"], abs=1.0)]  # type: ignore[union-attr]
        identity = await mbpoll(*over_rtu, "-t", "3", "-r", "1", "-c", "1", serial.path)
        assert values(identity) == [4101]
        force = await mbpoll(*over_rtu, "-B", "-t", "3:float", "-r", "21", "-c", "1", serial.path)
        assert values(force) == [pytest.approx(line.machines["uniaxial-press-1"].plc.tags["force_pv_kn"], abs=0.5)]  # type: ignore[union-attr]


async def test_a_stranger_is_refused_what_is_not_there() -> None:
    clock = asyncio.get_running_loop().time
    line = SimulatedLine(seed=1, clock=clock)
    async with serve_line(line.machines, clock) as wires:
        tcp = urlsplit(wires["isostatic-press-1"])
        process = await asyncio.create_subprocess_exec(
            *("mbpoll", "-1", "-m", "tcp", "-p", str(tcp.port), "-a", "1", "-t", "3", "-r", "5001", str(tcp.hostname)),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        output, _ = await process.communicate()
        assert "Illegal data address" in output.decode()
