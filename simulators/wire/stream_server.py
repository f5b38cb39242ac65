"""A TCP port that answers: bytes in, bytes out, whatever the protocol."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import cast

Answers = Callable[[bytes], bytes | None]
"""What hears the bytes of one connection, in any pieces, and returns what is sent back."""


class NoProtocol(Exception):
    """What came in is not the protocol that is spoken here; a real server closes the connection."""


class StreamServer:
    """Serves on a loopback port that stays the same when it is started again; `make` is called for each connection."""

    def __init__(self, make: Callable[[], Answers], *, host: str = "127.0.0.1", port: int = 0) -> None:
        self.port = port
        self._make = make
        self._host = host
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.Transport] = set()

    async def start(self) -> None:
        """Listens; a second start takes the same port again."""
        if self._server is not None:
            return
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Served(self._make(), self._open), self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Pulls the cable: no more listening, open connections are cut."""
        server, self._server = self._server, None
        if server is None:
            return
        server.close()
        for transport in list(self._open):
            transport.abort()
        await asyncio.sleep(0)  # the loop closes the sockets in its next turn
        await server.wait_closed()


class _Served(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: Answers, connections: set[asyncio.Transport]) -> None:
        self._answers = answers
        self._connections = connections
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it
        self._transport = transport
        self._connections.add(transport)
        connected = getattr(self._answers, "connected", None)
        if connected is not None:  # it sends on its own time
            connected(self._send, transport.abort)

    def data_received(self, data: bytes) -> None:
        if self._transport is None:
            return
        try:
            answer = self._answers(data)
        except NoProtocol:
            self._transport.abort()
            return
        if answer:
            self._transport.write(answer)

    def _send(self, data: bytes) -> None:
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self._transport is not None:
            self._connections.discard(self._transport)
