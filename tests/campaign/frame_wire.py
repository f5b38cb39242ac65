"""A wire without hardware: a machine hears at once what our side sends, and says when its answer comes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from itertools import groupby
from operator import itemgetter

from drivers.errors import LinkDown
from drivers.transport.wire import OnData, OnLost
from tests.campaign.frame_damages import LOST, Delivery

Machine = Callable[[bytes], Iterable[Delivery]]


class ScriptedWire:
    """A Wire to a machine in this process.

    drops: a new connection is a new start, as over TCP. late_ends: what was under way on the old one is gone; a serial
    line, and a gateway before one, deliver it all the same.
    """

    place = "memory"
    byte_s = 0.0

    def __init__(self, *, drops: bool, late_ends: bool) -> None:
        self.machine: Machine = _mute
        self.drops = drops
        self._late_ends = late_ends
        self.sent: list[bytes] = []
        self.heard = b""
        self._on_data: OnData | None = None
        self._on_lost: OnLost | None = None
        self._session = 0

    @property
    def is_open(self) -> bool:
        return self._on_data is not None

    async def open(self, on_data: OnData, on_lost: OnLost) -> None:
        self._session += 1
        self._on_data, self._on_lost = on_data, on_lost

    def write(self, data: bytes) -> None:
        if self._on_data is None:
            raise LinkDown("the wire is closed")
        self.sent.append(data)
        self.heard = b""
        loop = asyncio.get_running_loop()
        for delay_s, parts in groupby(self.machine(data), key=itemgetter(0)):  # a loop keeps no order at one instant
            loop.call_later(delay_s, self._arrive, [part for _, part in parts], self._session)

    def forget_unsent(self) -> bool:
        return True

    def drop(self) -> None:
        self._on_data = self._on_lost = None

    async def close(self) -> None:
        self.drop()

    def _arrive(self, parts: list[bytes], session: int) -> None:
        for part in parts:
            self._take(part, session)

    def _take(self, data: bytes, session: int) -> None:
        if self._on_data is None or self._on_lost is None or (session != self._session and self._late_ends):
            return
        if data is LOST:
            on_lost = self._on_lost
            self.drop()
            on_lost("the connection ended")
        elif data:
            self.heard += data
            self._on_data(data)


def _mute(_: bytes) -> Iterable[Delivery]:
    return ()
