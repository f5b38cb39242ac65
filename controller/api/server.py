"""The server under the API: uvicorn, with a limit for the time that a request's first lines may take.

One process and one loop with the line: what is sent to a client never waits for it, and a client that stands still is
cut off.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections import Counter
from contextlib import AbstractContextManager, nullcontext

import h11
import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

from controller.api.limits import Limits

KEEP_ALIVE_S = 30
CLIENT_MESSAGE_BYTES = 1024  # a client of the stream says nothing but pings
PING_S = 20.0
ENDS_WITHIN_S = 5
HELD_BYTES = 128 * 1024  # by the system for one listener; Linux takes twice as much


def protocol(limits: Limits) -> type[asyncio.Protocol]:
    """HTTP as uvicorn speaks it, but a connection that does not say what it wants within the limit is closed.

    So is one of too many, of everybody or of one address.
    """
    held: Counter[str] = Counter()

    class TimedProtocol(H11Protocol):
        _timer: asyncio.TimerHandle | None = None

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
            super().connection_made(transport)
            self._address = (self.client or ("",))[0]
            held[self._address] += 1
            if held[self._address] > limits.connections_of_one or held.total() > limits.connections:
                transport.abort()
                return
            self._wait()

        def handle_websocket_upgrade(self, event: h11.Request) -> None:
            self._let_go()  # from now on it counts among the clients of the stream
            super().handle_websocket_upgrade(event)

        def data_received(self, data: bytes) -> None:
            if self._timer is None and self.conn.their_state is h11.IDLE:
                self._wait()  # the next request of a connection that is kept
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._end_wait()

        def connection_lost(self, exc: Exception | None) -> None:
            self._end_wait()
            self._let_go()
            super().connection_lost(exc)

        def _let_go(self) -> None:
            held[self._address] -= 1
            if held[self._address] <= 0:
                del held[self._address]

        def _wait(self) -> None:
            pace_s = float(getattr(self.loop, "speed", 1.0))
            self._timer = self.loop.call_later(limits.header_s * pace_s, self._too_late)

        def _end_wait(self) -> None:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None

        def _too_late(self) -> None:
            self._timer = None
            self.transport.close()

    return TimedProtocol


class CutOff(WebSocketsSansIOProtocol):
    """A WebSocket whose client reads nothing any more is let go at once, with what it has not read.

    The system would take megabytes for a client that stands still, minutes of the stream, before anybody noticed.
    """

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        if (kernel := transport.get_extra_info("socket")) is not None:
            kernel.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, HELD_BYTES)

    async def run_asgi(self) -> None:
        await super().run_asgi()
        if not self.writable.is_set():
            self.transport.abort()


class QuietServer(uvicorn.Server):
    """Leaves signals to whoever runs the loop."""

    def capture_signals(self) -> AbstractContextManager[None]:  # type: ignore[override]  # a generator's there
        return nullcontext()


def server(app: ASGIApp, limits: Limits, *, tls: ssl.SSLContext | None = None) -> uvicorn.Server:
    """A server for a loop that runs already: `await server.serve([socket])` in a task.

    `should_exit = True` ends it in order. It handles no signals, writes no log, and believes no proxy's headers.
    """
    config = uvicorn.Config(
        app,
        loop="none",
        http=protocol(limits),
        ws=CutOff,
        ws_max_size=CLIENT_MESSAGE_BYTES,
        ws_max_queue=4,
        ws_ping_interval=PING_S,
        ws_ping_timeout=PING_S,
        ws_per_message_deflate=False,  # the text is shared by all; a compressor for each client is not
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=limits.connections,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=ENDS_WITHIN_S,
        h11_max_incomplete_event_size=limits.header_bytes + 8192,
        ssl_context_factory=None if tls is None else lambda *_: tls,
    )
    return QuietServer(config)
