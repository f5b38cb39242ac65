"""The plant's network as a test cuts it: what is sent goes nowhere, nobody is told, and both ends keep waiting."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress


class Cable:
    """A way to a port of this computer, on a port of its own, which can be cut and mended."""

    def __init__(self, to_port: int, loop: asyncio.AbstractEventLoop) -> None:
        self._to_port, self._loop = to_port, loop
        self._whole = asyncio.Event()
        self._whole.set()
        self._ends: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.port = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        self._mend()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._ends.add(writer)
        try:
            await self._whole.wait()
            if self._server is None:
                return
            with suppress(OSError):
                there = await asyncio.open_connection("127.0.0.1", self._to_port)
                self._ends.add(there[1])
                await asyncio.gather(self._pump(reader, there[1]), self._pump(there[0], writer))
                self._ends.discard(there[1])
        finally:
            self._ends.discard(writer)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                await self._whole.wait()
                writer.write(data)
                await writer.drain()
        writer.close()

    def cut(self) -> None:
        """From now on nothing comes through."""
        self._loop.call_soon_threadsafe(self._whole.clear)

    def mend(self) -> None:
        """What was on its way when it was cut is gone, with its connections; new ones come through."""
        self._loop.call_soon_threadsafe(self._mend)

    def _mend(self) -> None:
        for writer in self._ends:
            writer.transport.abort()
        self._whole.set()


@contextmanager
def cables(*ports: int) -> Iterator[list[Cable]]:
    """One cable to each port, in a thread of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = [Cable(port, loop) for port in ports]
    try:
        for cable in made:
            asyncio.run_coroutine_threadsafe(cable.open(), loop).result(10)
        yield made
    finally:
        asyncio.run_coroutine_threadsafe(_ended(made), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _ended(made: Sequence[Cable]) -> None:
    for cable in made:
        await cable.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    if others:
        await asyncio.wait(others, timeout=5)
    await asyncio.sleep(0.01)  # what was aborted closes its socket
