"""A TCP connection as a wire."""

from __future__ import annotations

import asyncio
import errno
import socket
from typing import cast

from drivers.errors import LinkDown
from drivers.transport.wire import OnData, OnLost

CONNECT_TIMEOUT_S = 1.0
"""A machine on the plant's network answers a SYN within milliseconds; the kernel repeats a lost one after 1 s."""

_KEEPALIVE = (("TCP_KEEPIDLE", 5), ("TCP_KEEPINTVL", 2), ("TCP_KEEPCNT", 3))  # s, s, tries: an idle dead peer in 11 s
_WORDS = {
    errno.ECONNREFUSED: "nobody listens there",
    errno.EHOSTUNREACH: "no way to this host",
    errno.ENETUNREACH: "no way to this network",
    errno.ETIMEDOUT: "the host does not answer",
}


class TcpWire:
    """Bytes over TCP, each request in a segment of its own at once (TCP_NODELAY).

    `connect_timeout_s` is loop time.
    """

    byte_s = 0.0
    drops = True

    def __init__(self, host: str, port: int, *, connect_timeout_s: float = CONNECT_TIMEOUT_S) -> None:
        self.place = f"{host}:{port}"
        self._host = host
        self._port = port
        self._connect_timeout_s = connect_timeout_s
        self._connection: _Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        self.drop()
        loop = asyncio.get_running_loop()
        connection = _Connection(self.place, on_data, on_lost)
        try:
            async with asyncio.timeout(self._connect_timeout_s):
                await loop.create_connection(lambda: connection, self._host, self._port)
            self._connection = connection
        except TimeoutError as error:
            raise LinkDown(f"{self.place}: no connection within {self._connect_timeout_s:g} s") from error
        except socket.gaierror as error:
            raise LinkDown(f"{self.place}: no such host ({error.strerror})") from error
        except OSError as error:
            raise LinkDown(f"{self.place}: {_WORDS.get(error.errno or 0, str(error))}") from error
        except UnicodeError as error:
            raise LinkDown(f"{self.place}: no host can be called so") from error
        finally:
            if self._connection is not connection:
                connection.abort()

    def write(self, data: bytes) -> None:
        if self._connection is None or not self._connection.is_open:
            raise LinkDown(f"{self.place}: the connection is closed")
        self._connection.write(data)

    def forget_unsent(self) -> bool:
        return self._connection is None or self._connection.all_sent

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.abort()

    async def close(self) -> None:
        self.drop()
        await asyncio.sleep(0)  # the loop closes the socket in its next turn


class _Connection(asyncio.Protocol):
    """One connection from its beginning to its end; an aborted one tells nothing any more."""

    def __init__(self, place: str, on_data: OnData, on_lost: OnLost) -> None:
        self._place = place
        self._on_data = on_data
        self._on_lost = on_lost
        self._transport: asyncio.Transport | None = None
        self._told = False

    @property
    def is_open(self) -> bool:
        return self._transport is not None and not self._transport.is_closing()

    @property
    def all_sent(self) -> bool:
        return self._transport is None or self._transport.get_write_buffer_size() == 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport = cast("asyncio.Transport", transport)  # uvloop's is not derived from it
        plug = transport.get_extra_info("socket")
        plug.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        plug.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for name, value in _KEEPALIVE:
            if hasattr(socket, name):  # Linux has all of them
                plug.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)

    def write(self, data: bytes) -> None:
        if self._transport is not None:
            self._transport.write(data)

    def data_received(self, data: bytes) -> None:
        if not self._told:
            self._on_data(data)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._told:
            self._told = True
            self._on_lost(f"{self._place}: the connection was lost ({exc or 'the other side ended it'})")

    def abort(self) -> None:
        self._told = True
        if self._transport is not None:
            self._transport.abort()
