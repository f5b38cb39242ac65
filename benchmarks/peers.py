"""Who asks for registers in `benchmarks/polling.py`: our drivers, bare pymodbus, libmodbus in C, and bytes alone."""

from __future__ import annotations

import asyncio
import os
import shutil
import struct
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from drivers.link import Link
from drivers.profile import Block, Profile, Signal
from drivers.profile_file import load_profile
from drivers.reading import Quality, Snapshot
from drivers.transport.urls import Lines, open_transport

REGISTERS = 60
UNIT = 1
_HERE = Path(__file__).parent
_MBAP = struct.Struct(">HHHBBHH")


@dataclass(frozen=True, slots=True)
class Spent:
    """Seconds for some requests: on the wall, and of the client's CPU."""

    requests: int
    wall_s: float
    cpu_s: float

    @property
    def per_s(self) -> float:
        return self.requests / self.wall_s

    @property
    def cpu_us(self) -> float:
        """Microseconds of CPU time a request."""
        return 1e6 * self.cpu_s / self.requests


@dataclass(frozen=True, slots=True)
class Peer:
    """A connected client: `ask` makes so many requests, one after the other."""

    name: str
    ask: Callable[[int], Awaitable[Spent]]
    close: Callable[[], Awaitable[None]]


class NotHere(Exception):
    """Something that the benchmark needs is not installed; the message says what."""


# ---------------------------------------------------------------- what is read


def bench_profile() -> Profile:
    """The isostatic press with its free registers filled by more float values: no register of the 60 is left out."""
    press = load_profile("isostatic-press-generic")
    signals = {name: press.signals[name] for block in press.polled for name in block.signals}
    taken = {(s.address or 0) + word for s in signals.values() for word in range(s.words)}
    like = {1: signals["phase"], 2: signals["wall_c"]}
    address = 0
    while address < REGISTERS:
        if address not in taken:
            words = 1 if address + 1 in taken or address + 1 == REGISTERS else 2
            name = f"added_{address}"
            signals[name] = replace(like[words], name=name, address=address, enum=None)
            taken |= {address, address + words - 1}
        address += 1
    ordered = sorted(signals.values(), key=lambda signal: signal.address or 0)
    block = Block("all", tuple(s.name for s in ordered), table="input", address=0, count=REGISTERS)
    unread = {name: s for name, s in press.signals.items() if s.table == "holding"}
    unread = {name: replace(s, echo=None) for name, s in unread.items()}
    return replace(press, signals={s.name: s for s in ordered} | unread, blocks=(block,))


def bench_values(profile: Profile) -> dict[str, float]:
    """A good value for every signal that is read."""
    values = {name: _value(profile, profile.signals[name]) for name in profile.polled[0].signals}
    identity = {"model_code": profile.identity["model_code"], "firmware": profile.identity["firmware_min"]}
    owner = {"lease_owner": 0}  # nobody's, so that we may have the machine
    return values | {name: float(value) for name, value in (identity | owner).items()}


def _value(profile: Profile, signal: Signal) -> float:
    if signal.enum is not None:
        return min(profile.enums[signal.enum].values())
    if signal.range is not None and not signal.integer:
        return round((signal.range[0] + signal.range[1]) / 2) + 0.25
    return 7


def bench_registers(profile: Profile) -> list[int]:
    """The registers of `bench_values`; this profile's low word comes first."""
    registers = [0] * REGISTERS
    for name, value in bench_values(profile).items():
        signal = profile.signals[name]
        raw = struct.pack(">f", value) if signal.type == "float32" else int(value).to_bytes(2 * signal.words, "big")
        words = [int.from_bytes(raw[i : i + 2], "big") for i in range(0, len(raw), 2)][::-1]
        registers[signal.address or 0 : (signal.address or 0) + len(words)] = words
    return registers


# ---------------------------------------------------------------- the peers


def _spent(requests: int, wall: float, cpu: float) -> Spent:
    return Spent(requests, time.perf_counter() - wall, time.process_time() - cpu)


async def ours(url: str, profile: Profile, *, decode: bool, shared: bool = False) -> Peer:
    """Our drivers with everything on; with `decode`, each value with its unit, time and quality is made as well.

    With `shared`, another unit has the line open as well, and says nothing.
    """
    lines = Lines()
    link = Link("bench", profile, open_transport(url, profile, lines=lines))
    other = open_transport(url.replace(f"unit={UNIT}", f"unit={UNIT + 1}"), profile, lines=lines)
    await link.ready()
    if shared:
        await other.open()
    block = profile.polled[0]
    clock = asyncio.get_running_loop().time
    await _check(link, block)

    async def decoded(requests: int) -> Spent:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            data = {block.name: await link.read(block)}
            Snapshot("bench", clock(), link.decoder, data).readings()
        return _spent(requests, wall, cpu)

    async def raw(requests: int) -> Spent:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            await link.read(block)
        return _spent(requests, wall, cpu)

    name = "ours, every value with quality" if decode else "ours, registers only"

    async def close() -> None:
        await link.close()
        await other.close()

    return Peer(name, decoded if decode else raw, close)


async def _check(link: Link, block: Block) -> None:
    """A benchmark of wrong values would prove nothing."""
    data = {block.name: await link.read(block)}
    snapshot = Snapshot("bench", 0.0, link.decoder, data)
    for name, value in bench_values(link.profile).items():
        if snapshot.value(name) != value or snapshot.reading(name).quality is not Quality.GOOD:
            raise ValueError(f"{name} is {snapshot.reading(name)}, {value} is in the server")


async def bare_pymodbus(client: AsyncModbusTcpClient | AsyncModbusSerialClient) -> Peer:
    """pymodbus as its users call it, values not decoded."""
    if not await client.connect():
        raise ConnectionError("pymodbus did not connect")
    await asyncio.sleep(0.01)  # it attaches its reader to a serial port a little later

    async def ask(requests: int) -> Spent:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            answer = await client.read_input_registers(0, count=REGISTERS, device_id=UNIT)
            if len(answer.registers) != REGISTERS:
                raise ValueError(f"pymodbus got {answer}")
        return _spent(requests, wall, cpu)

    async def close() -> None:
        client.close()

    return Peer("bare pymodbus", ask, close)


async def libmodbus(program: Path, kind: str, place: str) -> Peer:
    """The C client, which takes its own times."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(program, kind, place, str(REGISTERS), stdin=pipe, stdout=pipe)
    questions, answers = process.stdin, process.stdout
    if questions is None or answers is None:
        raise ValueError("no pipes")

    async def ask(requests: int) -> Spent:
        questions.write(b"%d\n" % requests)
        wall_s, cpu_s = (await answers.readline()).split()
        return Spent(requests, float(wall_s), float(cpu_s))

    async def close() -> None:
        questions.close()
        await process.wait()

    return Peer("libmodbus, in C", ask, close)


class _Bytes(asyncio.Protocol):
    """Sends the bytes of a request and waits for as many bytes as the answer has; looks at nothing."""

    def __init__(self) -> None:
        self.waiting: asyncio.Future[None] | None = None
        self._missing = 0

    def data_received(self, data: bytes) -> None:
        self._missing -= len(data)
        if self._missing <= 0 and self.waiting is not None:
            self.waiting.set_result(None)

    def await_answer(self) -> asyncio.Future[None]:
        self._missing = 9 + 2 * REGISTERS
        self.waiting = asyncio.get_running_loop().create_future()
        return self.waiting


async def bytes_alone(host: str, port: int) -> Peer:
    """What asyncio itself costs: no frame is built and none is looked at."""
    transport, protocol = await asyncio.get_running_loop().create_connection(_Bytes, host, port)
    request = _MBAP.pack(1, 0, 6, UNIT, 4, 0, REGISTERS)

    async def ask(requests: int) -> Spent:
        wall, cpu = time.perf_counter(), time.process_time()
        for _ in range(requests):
            transport.write(request)
            await protocol.await_answer()
        return _spent(requests, wall, cpu)

    async def close() -> None:
        transport.close()

    return Peer("asyncio, bytes alone", ask, close)


# ---------------------------------------------------------------- programs


def built(name: str, folder: Path) -> Path:
    """The C program `name` of this folder, compiled; raises NotHere without compiler or library."""
    for program in ("cc", "pkg-config"):
        if shutil.which(program) is None:
            raise NotHere(f"{program} is not installed")
    options = subprocess.run(["pkg-config", "--cflags", "--libs", "libmodbus"], capture_output=True, text=True)  # noqa: S607, PLW1510
    if options.returncode:
        raise NotHere("libmodbus is not installed (Debian: apt-get install libmodbus-dev)")
    program_path = folder / name
    source = _HERE / f"{name}.c"
    subprocess.run(["cc", "-O2", "-o", program_path, source, *options.stdout.split()], check=True)  # noqa: S603, S607
    return program_path


@contextmanager
def started(command: Sequence[str | Path], core: int | None, first_words: str) -> Iterator[subprocess.Popen[str]]:
    """A program on one core; it gets `first_words` and ends when its standard input does."""

    def pin() -> None:
        if core is not None:
            os.sched_setaffinity(0, {core})

    pipe: Any = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True, preexec_fn=pin)  # noqa: S603, PLW1509
    try:
        if process.stdin is None:
            raise ValueError("no pipe")
        process.stdin.write(first_words)
        process.stdin.flush()
        yield process
    finally:
        process.communicate()
