"""What a poll costs, beside pymodbus and libmodbus: `python benchmarks/polling.py`.

Three parts: requests a second over Modbus TCP, all clients at the same libmodbus server in turn; polls a second on an
RTU line as slow as 115200 baud, against what the line can carry; and the number of requests that a poll of each
shipped profile takes, against the fewest possible. The server has one core, the clients have another, in turn.
Every ratio is the median of the ratios of its rounds. The exit code is 1 if a goal is missed.
"""

from __future__ import annotations

import argparse
import asyncio
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

sys.path.insert(0, str(Path(__file__).parents[1]))

from benchmarks.peers import (
    REGISTERS,
    UNIT,
    NotHere,
    Peer,
    Spent,
    bare_pymodbus,
    bench_profile,
    bench_registers,
    built,
    bytes_alone,
    libmodbus,
    ours,
    started,
)
from drivers.profile import ModbusMap, Profile, Signal, Table
from drivers.profile_file import load_profile

TCP_GOAL = 0.9  # of bare pymodbus
LINE_GOAL = 0.95  # of what the line can carry
BAUDRATE = 115200
BITS = 10  # 8N1: start, eight data bits, stop
PAUSE_CHARACTERS = 3.5  # of silence before and after every frame (Modbus over serial line V1.02, 2.5.1.1)
SHARED_PAUSE_S = 0.00175  # what the same section has units listen for above 19200 baud; others' frames end for them so
REQUEST, ANSWER = 8, 5 + 2 * REGISTERS  # bytes of a read over RTU
MOST_REGISTERS = 125  # Modbus application protocol V1.1b3, 6.3
_PROFILES = Path(__file__).parents[1] / "drivers" / "profiles"

Rounds = dict[str, list[Spent]]


async def in_turn(peers: Sequence[Peer], rounds: int, requests: int) -> Rounds:
    """Every peer once a round, each round begun by another one; a first round is not counted."""
    spent: Rounds = {peer.name: [] for peer in peers}
    for number in range(rounds + 1):
        start = number % len(peers)
        for peer in (*peers[start:], *peers[:start]):
            measured = await peer.ask(requests)
            if number:
                spent[peer.name].append(measured)
    for peer in peers:
        await peer.close()
    return spent


def ratio(spent: Rounds, name: str, other: str) -> float:
    """How many requests a second `name` makes for one of `other`, round by round."""
    return median(a.per_s / b.per_s for a, b in zip(spent[name], spent[other], strict=True))


def words(spent: Rounds) -> list[str]:
    figures = {name: (median(s.per_s for s in all_), median(s.cpu_us for s in all_)) for name, all_ in spent.items()}
    return [f"  {name:33}{per_s:8.0f} requests/s, {us:6.1f} us CPU each" for name, (per_s, us) in figures.items()]


def judged(name: str, value: float, goal: float) -> bool:
    print(f"  {name}: {value:.2f}; goal {goal:g} {'met' if value >= goal else 'MISSED'}")
    return value >= goal


# ---------------------------------------------------------------- Modbus TCP


async def tcp_part(profile: Profile, programs: Path, cores: Sequence[int], options: argparse.Namespace) -> bool:
    server = built("libmodbus_server", programs)
    client = built("libmodbus_client", programs)
    registers = bench_registers(profile)
    with started([server], cores[0], f"{len(registers)} {' '.join(map(str, registers))}\n") as process:
        port = int(_line(process))
        url = f"tcp://127.0.0.1:{port}?unit={UNIT}"
        peers = [
            await ours(url, profile, decode=True),
            await ours(url, profile, decode=False),
            await bare_pymodbus(AsyncModbusTcpClient("127.0.0.1", port=port)),
            await libmodbus(client, "tcp", str(port)),
            await bytes_alone("127.0.0.1", port),
        ]
        spent = await in_turn(peers, options.rounds, options.requests)
    print(f"Modbus TCP, {REGISTERS} input registers, {len(profile.polled[0].signals)} values a request")
    print("\n".join(words(spent)))
    full, raw, bare, c_client, alone = (peer.name for peer in peers)
    print(f"  registers only / bare pymodbus: {ratio(spent, raw, bare):.2f}")
    print(f"  with every value / libmodbus in C: {ratio(spent, full, c_client):.2f}")
    print(f"  with every value / asyncio, bytes alone: {ratio(spent, full, alone):.2f}")
    return judged("with every value / bare pymodbus", ratio(spent, full, bare), TCP_GOAL)


# ---------------------------------------------------------------- RTU against its line


async def line_part(profile: Profile, programs: Path, cores: Sequence[int], options: argparse.Namespace) -> bool:
    client = built("libmodbus_client", programs)
    good = True
    for shared, pause_s in ((False, PAUSE_CHARACTERS * BITS / BAUDRATE), (True, SHARED_PAUSE_S)):
        best = 1 / ((REQUEST + ANSWER) * BITS / BAUDRATE + 2 * pause_s)
        print(f"Modbus RTU, {BAUDRATE} baud, 8N1, {'two units' if shared else 'one unit'} on the line")
        print(f"  pauses of {1000 * pause_s:.2f} ms, so {best:.1f} polls/s at best")
        program = [sys.executable, str(Path(__file__).with_name("paced_line.py"))]
        program += [str(BAUDRATE), str(BITS), str(pause_s)]
        with started(program, cores[0], " ".join(map(str, bench_registers(profile))) + "\n") as process:
            place = _line(process)
            found: dict[str, tuple[float, int]] = {}
            for name in ("ours", "bare pymodbus", "libmodbus, in C"):
                peer = await _on_line(name, place, profile, client, shared=shared)
                spent = await in_turn([peer], options.line_rounds, options.polls)
                per_s = median(s.per_s for s in spent[peer.name])
                hasty, words_of_it = _report(process)
                print(f"  {name:33}{per_s:8.1f} polls/s, {per_s / best:.3f} of the line; {words_of_it}")
                found[name] = (per_s / best, hasty)
            part, hasty = found["ours"]
            good = judged("ours / the line", part, LINE_GOAL) and hasty == 0 and good
    return good


async def _on_line(name: str, place: str, profile: Profile, client: Path, *, shared: bool) -> Peer:
    """One master after the other: a port has one user at a time."""
    if name == "ours":
        url = f"serial://{place}?baudrate={BAUDRATE}&parity=N&stopbits=1&unit={UNIT}"
        return await ours(url, profile, decode=True, shared=shared)
    if name == "bare pymodbus":
        return await bare_pymodbus(AsyncModbusSerialClient(place, baudrate=BAUDRATE))
    return await libmodbus(client, "rtu", place)


def _report(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How many requests came too soon after an answer, and that in words."""
    if process.stdin is None:
        raise ValueError("no pipe")
    process.stdin.write("\n")
    process.stdin.flush()
    requests, hasty, shortest = _line(process).split()
    return int(hasty), f"{hasty} of {requests} requests within the pause, the soonest after {shortest} us"


# ---------------------------------------------------------------- how many requests


def requests_part() -> bool:
    print("Requests a poll takes; the fewest that its addresses and the controller's own limits allow; registers / 125")
    good = True
    for path in sorted(_PROFILES.glob("*.yaml")):
        profile = load_profile(path)
        took = len(profile.polled)
        if profile.modbus is None:
            print(f"  {profile.name:33}{took:3} on a line of text, one for each group that the machine has")
            continue
        polled: dict[Table, list[Signal]] = {}
        for block in profile.polled:
            for name in block.signals:
                polled.setdefault(profile.signals[name].table or "input", []).append(profile.signals[name])
        fewest = sum(_fewest(signals, profile.modbus) for signals in polled.values())
        floor = sum(math.ceil(sum(s.words for s in signals) / MOST_REGISTERS) for signals in polled.values())
        print(f"  {profile.name:33}{took:3}; {fewest}; {floor}")
        good = good and took == fewest
    return good


def _fewest(signals: Sequence[Signal], limits: ModbusMap) -> int:
    """Requests for these signals of one table, found from the limits alone: each as long as it may be."""
    requests, start, end = 0, 0, -1
    for signal in sorted(signals, key=lambda s: s.address or 0):
        first, after = signal.address or 0, (signal.address or 0) + signal.words
        barred = any(low < first and end <= high for low, high in limits.unreadable)
        if end < 0 or first - end > limits.max_gap or after - start > limits.max_registers or barred:
            requests, start = requests + 1, first
        end = after
    return requests


# ---------------------------------------------------------------- the whole


def _line(process: subprocess.Popen[str]) -> str:
    if process.stdout is None or not (line := process.stdout.readline().strip()):
        raise ValueError("a program of the benchmark ended")
    return line


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Measures polling beside pymodbus, libmodbus and the line rate.")
    parser.add_argument("--rounds", type=int, default=40, help="rounds over TCP")
    parser.add_argument("--requests", type=int, default=300, help="requests of each client a round")
    parser.add_argument("--line-rounds", type=int, default=40, help="rounds over RTU")
    parser.add_argument("--polls", type=int, default=8, help="polls of each client a round over RTU")
    parser.add_argument("--part", choices=("tcp", "rtu", "requests"), action="append", help="only this part")
    options = parser.parse_args(arguments)
    cores = sorted(os.sched_getaffinity(0))
    print(f"server on core {cores[0]}, clients on core {cores[-1]}")
    parts = options.part or ("tcp", "rtu", "requests")
    profile = bench_profile()
    good = True
    with tempfile.TemporaryDirectory() as folder:
        os.sched_setaffinity(0, {cores[-1]})
        try:
            if "tcp" in parts:
                good = asyncio.run(tcp_part(profile, Path(folder), cores, options)) and good
            if "rtu" in parts:
                good = asyncio.run(line_part(profile, Path(folder), cores, options)) and good
        except NotHere as error:
            print(error, file=sys.stderr)
            return 2
        finally:
            os.sched_setaffinity(0, cores)
    if "requests" in parts:
        good = requests_part() and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
