"""A wire in this process: bytes to something that answers them, on whatever clock the loop has."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from drivers.errors import LinkDown
from drivers.transport.wire import OnData, OnLost

Answers = Callable[[bytes], bytes | None]
"""What hears the bytes of one connection and returns what is sent back.

It may have `connected(send, abort)`, which is called first, to send in its own time and to end the connection.
"""


class MemoryWire:
    """A Wire to what `make` makes for each connection; `drops` as of a TCP connection, not of a serial line."""

    byte_s = 0.0

    def __init__(self, make: Callable[[], Answers], *, drops: bool, place: str = "memory") -> None:
        self.place = place
        self.drops = drops
        self._make = make
        self._connection: _Connection | None = None

    @property
    def is_open(self) -> bool:
        return self._connection is not None and self._connection.is_open

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        self.drop()
        self._connection = _Connection(self._make(), on_data, on_lost)

    def write(self, data: bytes) -> None:
        if self._connection is None or not self._connection.is_open:
            raise LinkDown(f"{self.place}: the connection is closed")
        self._connection.ask(data)

    def forget_unsent(self) -> bool:
        return True

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.is_open = False

    async def close(self) -> None:
        self.drop()


class _Connection:
    """From its beginning to its end; a dropped one tells nothing any more."""

    def __init__(self, answers: Any, on_data: OnData, on_lost: OnLost) -> None:
        self.is_open = True
        self._answers, self._on_data, self._on_lost = answers, on_data, on_lost
        connected = getattr(answers, "connected", None)
        if connected is not None:
            connected(self._say, self._abort)

    def ask(self, data: bytes) -> None:
        answer = self._answers(data)
        if answer:
            asyncio.get_running_loop().call_soon(self._say, answer)

    def _say(self, data: bytes) -> None:
        if self.is_open:
            self._on_data(data)

    def _abort(self) -> None:
        if self.is_open:
            self.is_open = False
            self._on_lost("the connection was lost (the other side ended it)")
