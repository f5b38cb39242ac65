"""100 WebSocket clients of the stream at 10 Hz, 10 of them frozen, beside a bare broadcast of the `websockets` library.

Both send the same text, in the same process and run, to clients in another process; the time is from before a message
is made until a client has it, by the same clock of the computer. Printed are the quantiles of both and their ratio.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import socket
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, broadcast, serve

sys.path.insert(0, str(Path(__file__).parents[1]))
from controller.api import HubLimits
from controller.authority import Role
from tests.api.site import served, site

CLIENTS, FROZEN, PERIOD_S = 100, 10, 0.1
SIGNALS = 60  # of a line with five machines, all of them moving


def values(number: int) -> dict[str, Any]:
    """Topics in which every value is new; `at` is when they were made."""
    topics: dict[str, Any] = {
        f"values/unit-{unit}": {f"signal-{i}": [number + i / 7, "MPa", "good"] for i in range(SIGNALS // 5)}
        for unit in range(5)
    }
    return topics | {"line": {"at": time.perf_counter()}}


def clients(address: str, token: str, seconds: float, told: Connection) -> None:
    """In a process of its own: reads, and tells how late each message was, in seconds; frozen ones read nothing."""

    async def one() -> list[float]:
        late = []
        headers = {"Authorization": f"Bearer {token}"}
        async with connect(address, additional_headers=headers, max_size=None, compression=None) as ws:
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                message = json.loads(await ws.recv())
                changed = message.get("set", {}).get("line", {})
                if "at" in changed:
                    late.append(time.perf_counter() - changed["at"])
        return late

    async def frozen() -> None:
        host, _, rest = address.removeprefix("ws://").partition(":")
        port, _, path = rest.partition("/")
        with socket.create_connection((host, int(port))) as quiet:
            quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            lines = [f"GET /{path} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket"]
            lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
            quiet.sendall("\r\n".join([*lines, f"Authorization: Bearer {token}", "", ""]).encode())
            await asyncio.sleep(seconds)

    async def everybody() -> list[float]:
        quiet = [asyncio.create_task(frozen()) for _ in range(FROZEN)]
        found = await asyncio.gather(*(one() for _ in range(CLIENTS - FROZEN)))
        await asyncio.gather(*quiet)
        return [late for each in found for late in each[5:]]  # the first ones wait for the connections of others

    told.send(asyncio.run(everybody()))


async def measured(address: str, token: str, seconds: float) -> np.ndarray:
    """How late messages were at the clients of an address, in milliseconds."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=clients, args=(address, token, seconds, there))
    process.start()
    found = await asyncio.to_thread(here.recv)
    process.join()
    return np.array(found) * 1e3


async def bare(seconds: float) -> np.ndarray:
    """The floor: one text made every 100 ms, and `broadcast`, which drops nobody and keeps what is not read."""
    there: set[ServerConnection] = set()

    async def stays(connection: ServerConnection) -> None:
        there.add(connection)
        try:
            await connection.wait_closed()
        finally:
            there.discard(connection)

    async def tells() -> None:
        number = 0
        while True:
            number += 1
            topics = values(number)
            broadcast(there, json.dumps({"type": "change", "sequence": number, "set": topics}, separators=(",", ":")))
            await asyncio.sleep(PERIOD_S)

    async with serve(stays, "127.0.0.1", 0, compression=None) as server:
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(tells())
        try:
            return await measured(f"ws://127.0.0.1:{port}/", "none", seconds)
        finally:
            task.cancel()


async def ours(seconds: float) -> tuple[np.ndarray, int]:
    """The service's own: signed in, with numbers, replay and bounds, on the loop of a line that is being polled."""
    number = 0

    def topics() -> dict[str, Any]:
        nonlocal number
        number += 1
        return values(number)

    with tempfile.TemporaryDirectory() as folder:
        async with site(Path(folder), hub_limits=HubLimits(period_s=PERIOD_S)) as made, served(made) as address:
            made.parts.hub._topics = topics  # noqa: SLF001  every value is new each time, as when all machines move
            found = await measured(f"ws://{address}/api/v1/stream", made.tokens[Role.VIEWER], seconds)
            return found, made.parts.hub.dropped


def told(name: str, late_ms: np.ndarray) -> None:
    quantiles = ", ".join(f"p{q:g} {np.percentile(late_ms, q):.2f} ms" for q in (50, 99))
    print(f"{name}: {len(late_ms)} messages, {quantiles}, at most {late_ms.max():.2f} ms")


async def main(seconds: float, rounds: int) -> None:
    """Both in turns, so that what else the computer does falls on both."""
    floor, found, dropped = [], [], 0
    for _ in range(rounds):
        floor.append(await bare(seconds))
        late, gone = await ours(seconds)
        found.append(late)
        dropped += gone
    floors, all_found = np.concatenate(floor), np.concatenate(found)
    told(f"bare broadcast, {CLIENTS} clients, {FROZEN} frozen", floors)
    told("the service's stream", all_found)
    print(f"p99 beside the floor: {np.percentile(all_found, 99) / np.percentile(floors, 99):.2f}; dropped: {dropped}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30, help="of each measurement; frozen ones fill up in 20")
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    import uvloop

    uvloop.run(main(options.seconds, options.rounds))
