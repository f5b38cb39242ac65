"""The simulated operator on a socket: one JSON line asks for a task or for the truth, one line answers.

It stands in for the person at the line, so that a controller in another process can run a recipe to its end. The same
port answers HTTP with the fault console (see `simulators.http`); it listens on this computer only.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

from recipes.model import Component, Foil, Ingredient, Layer, Slurry
from simulators.faults.console import Console
from simulators.http import METHODS, serve_request
from simulators.line import SimulatedLine
from simulators.operator import SimulatedTask
from simulators.world import WorldError

LINE_LIMIT = 1_000_000  # bytes of one message; a task has a few thousand


@asynccontextmanager
async def serve_operator(line: SimulatedLine, host: str = "127.0.0.1") -> AsyncIterator[str]:
    """Serves until the block is left; yields the url, tcp://host:port."""

    connections: set[asyncio.Task[None]] = set()
    console = Console(line, asyncio.get_running_loop().time)

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(_serve(line, console, reader, writer), name="operator connection")
        connections.add(task)
        task.add_done_callback(connections.discard)

    server = await asyncio.start_server(accept, host, 0, limit=LINE_LIMIT)
    try:
        yield f"tcp://{host}:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for task in connections:
            task.cancel()
        if connections:
            await asyncio.wait(connections)
        await server.wait_closed()


async def _serve(
    line: SimulatedLine, console: Console, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while request := await reader.readline():
            if request.startswith(METHODS):
                writer.write(await serve_request(console, request, reader))
                await writer.drain()
                return
            writer.write(json.dumps(await _answer(line, request)).encode() + b"\n")
            await writer.drain()
    except (ConnectionError, ValueError):  # gone, or a line that never ends
        return
    finally:
        writer.close()


async def _answer(line: SimulatedLine, request: bytes) -> dict[str, Any]:
    try:
        message = json.loads(request)
        if message["action"] == "truth":
            return {"values": truth(line, message["consumes"][0])}
        return {"values": dict(await line.operator.perform(_task(message)))}
    except WorldError as error:
        return {"error": str(error)}
    except (ValueError, TypeError, LookupError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def truth(line: SimulatedLine, lot: str) -> dict[str, Any]:
    """The simulated truth: each layer of a lot (empty if it does not exist), each pressing by its job, and where the
    simulation is not to be trusted."""
    try:
        layers: Mapping[str, Any] = line.truth_layers(lot)
    except LookupError:
        layers = {}
    return {
        "layers": {name: dict(values) for name, values in layers.items()},
        "pressings": [asdict(p) for p in line.pressings],
        "outside_model": list(line.world.told),
    }


def _task(message: Mapping[str, Any]) -> SimulatedTask:
    layer, slurry = message.get("layer"), message.get("slurry")
    return SimulatedTask(
        action=message["action"],
        consumes=tuple(message.get("consumes", ())),
        produces=message.get("produces"),
        unit=message.get("unit"),
        fields=tuple(message.get("fields", ())),
        expected={name: (float(v[0]), float(v[1])) for name, v in message.get("expected", {}).items()},
        layer=None
        if layer is None
        else Layer(**{**layer, "components": tuple(Component(**c) for c in layer["components"])}),
        slurry=None
        if slurry is None
        else Slurry(**{**slurry, "ingredients": tuple(Ingredient(**i) for i in slurry.get("ingredients", ()))}),
        adds=tuple(Foil(**foil) for foil in message.get("adds", ())),
        removes=tuple(message.get("removes", ())),
        area_mm2=message.get("area_mm2"),
        zones_m=None if message.get("zones_m") is None else tuple(float(m) for m in message["zones_m"]),
        is_again=bool(message.get("is_again", False)),
        may_be_done=bool(message.get("may_be_done", False)),
        sheets=int(message.get("sheets", 1)),
    )
