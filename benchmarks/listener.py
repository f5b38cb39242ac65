"""WebSocket clients that cost next to nothing, so that the server is measured: frames are told apart, not parsed.

A client in Python that parses every message takes longer than the server takes to send it; ninety of them in one
process would measure themselves.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import cast

PONG = 0x8A
_NO_MASK = bytes(4)  # a client has to mask; masking with zeros changes nothing


def handshake(host: str, port: int, path: str, token: str) -> bytes:
    """The request that opens a WebSocket."""
    lines = [f"GET {path} HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += ["Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]
    return "\r\n".join([*lines, f"Authorization: Bearer {token}", "", ""]).encode()


@dataclass
class Listener(asyncio.Protocol):
    """Calls `heard` with each message and the moment at which its last byte came (time.perf_counter)."""

    request: bytes
    heard: Callable[[bytes, float], None]
    is_open: bool = False
    answer: bytes = b""
    _kept: bytearray = field(default_factory=bytearray)
    _transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self.request)

    def data_received(self, data: bytes) -> None:
        now = time.perf_counter()
        kept = self._kept
        kept += data
        if not self.is_open:
            end = kept.find(b"\r\n\r\n")
            if end < 0:
                return
            self.answer = bytes(kept[:end])
            self.is_open = b" 101 " in self.answer[:20]
            del kept[: end + 4]
        while (frame := self._frame()) is not None:
            opcode, content = frame
            if opcode == 9 and self._transport is not None:  # a ping
                self._transport.write(bytes((PONG, 0x80 | len(content))) + _NO_MASK + content)
            elif opcode == 1:
                self.heard(content, now)

    def _frame(self) -> tuple[int, bytes] | None:
        """The next whole frame; messages of the service are one frame each."""
        kept = self._kept
        if len(kept) < 2:  # the head of a frame
            return None
        size, start = kept[1] & 0x7F, 2
        if size >= 126:  # as RFC 6455 section 5.2 has it
            start += 2 if size == 126 else 8
            size = int.from_bytes(kept[2:start], "big")
        if len(kept) < start + size or len(kept) < start:
            return None
        opcode, content = kept[0] & 0x0F, bytes(kept[start : start + size])
        del kept[: start + size]
        return opcode, content


async def listening(host: str, port: int, path: str, token: str, heard: Callable[[bytes, float], None]) -> Listener:
    """A listener that is connected. Raises OSError, and ConnectionError where it is refused."""
    listener = Listener(handshake(host, port, path, token), heard)
    await asyncio.get_running_loop().create_connection(lambda: listener, host, port)
    async with asyncio.timeout(20):
        while not listener.answer:  # noqa: ASYNC110  a client of a benchmark
            await asyncio.sleep(0.005)
    if not listener.is_open:
        raise ConnectionError(listener.answer.decode())
    return listener


def frozen(host: str, port: int, path: str, token: str) -> socket.socket:
    """A client that asks and then reads nothing."""
    quiet = socket.create_connection((host, port))
    quiet.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    quiet.sendall(handshake(host, port, path, token))
    return quiet
